"""From the core's integer fen to the yuan that marts show."""

from __future__ import annotations

import polars as pl

from models.credits import HORIZONS

# Names of money in the core (Int64 fen) and in marts (DECIMAL(18,2) in the row's currency).
MART_NAMES = {
    "total_fen": "total_gmv",
    "credited_fen": "credited_gmv",
    "direct_fen": "direct_gmv",
    "halo_fen": "halo_gmv",
    "halo_out_fen": "halo_out_gmv",
    "click_fen": "click_gmv",
    "view_fen": "view_gmv",
    **{f"click_{days}d_fen": f"click_gmv_{days}d" for days in HORIZONS},
    "unattributed_fen": "unattributed_gmv",
    "total_refund_fen": "total_refunds",
    "credited_refund_fen": "credited_refunds",
    "platform_refund_fen": "platform_refunds",
    "unattributed_refund_fen": "unattributed_refunds",
    "unmatched_refund_fen": "unmatched_refunds",
    "net_fen": "credited_net",
    "spend_fen": "spend",
    "evidenced_spend_fen": "evidenced_spend",
    "task_spend_fen": "task_spend",
    "cpuv_fen": "cpuv",
    "paid_refund_fen": "paid_refunds",
    "paid_net_fen": "paid_net",
    "ineligible_fen": "ineligible_gmv",
    "commission_fen": "commission",
    "platform_spend_fen": "platform_spend",
    "in_task_spend_fen": "in_task_spend",
    "out_of_task_spend_fen": "out_of_task_spend",
    "unknown_task_spend_fen": "unknown_task_spend",
    "cash_fen": "cash_spend",
    "credit_fen": "credit_spend",
    "rebate_fen": "rebate_spend",
    "coupon_fen": "coupon_spend",
    "compensation_fen": "compensation_spend",
    "face_spend_fen": "face_spend",
    "real_spend_fen": "real_spend",
    "wallet_face_fen": "wallet_face_spend",
    "wallet_real_fen": "wallet_real_spend",
    "claimed_fen": "claimed_gmv",
    "claimed_task_fen": "claimed_task_gmv",
    "claim_difference_fen": "claim_difference_gmv",
    "basis_fen": "basis_gmv",
    "twice_at_least_fen": "twice_at_least_gmv",
    "twice_at_most_fen": "twice_at_most_gmv",
    "paid_fen": "paid_gmv",
    "kept_fen": "kept_gmv",
    "deposit_fen": "deposit_amount",
    "presale_fen": "presale_gmv",
    "due_fen": "due_amount",
    "seeded_fen": "seeded_gmv",
    "seeded_net_fen": "seeded_net",
}


def in_yuan(frame: pl.DataFrame, /) -> pl.DataFrame:
    """Every `…_fen` column (Int64) as Decimal(18, 2) under its mart name; raises KeyError for a column without one."""
    fen = [c for c in frame.columns if c.endswith("_fen")]
    as_yuan = [(pl.col(c).cast(pl.Decimal(20, 2)) / 100).cast(pl.Decimal(18, 2)) for c in fen]
    return frame.with_columns(as_yuan).rename({c: MART_NAMES[c] for c in fen})
