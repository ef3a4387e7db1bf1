"""Return of the parts into which sales are split, such as those of members and of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like
from models.roi import RATIO_DECIMALS
from models.spending import SPENT, booked, spent

if TYPE_CHECKING:
    from datetime import date

    from models.frames import AnyFrame, Frame

#: Ratios, by what of a part stands above the evidenced spend in all.
RATIOS = {"roas_seeded": "seeded_fen", "roas_seeded_net": "seeded_net_fen"}


def split_returns(parts: Frame, spend: AnyFrame, notes: AnyFrame, /, *, as_of: date) -> Frame:
    """What each part adds to the return on all that was spent where orders are evidenced.

        roas_seeded = seeded / evidenced spend,  roas_seeded_net = seeded net / evidenced spend

    Nobody spends on a part, so each divides by the spend in all, and the parts of one split add up to the return of
    the whole, as `models.roi.returns` has it. Currencies are never added.

    Args:
        parts: `currency` String, `seeded_fen`, `seeded_net_fen` Int64, and others, which are kept.
        spend: As for `models.roi.returns`; what was spent after `as_of` is left out.
        notes: `note_id` (unique), `evidence` (see `models.evidence.evidenced`).
        as_of: Last business date that counts.

    Returns:
        `parts` in their order, with `roas_seeded` and `roas_seeded_net` (Float64), null where no such spend is known.

    >>> from datetime import date
    >>> parts = pl.DataFrame({"currency": ["CNY", "CNY"], "seeded_fen": [300, 100], "seeded_net_fen": [200, 100]})
    >>> notes = pl.DataFrame({"note_id": ["n1", "n2"], "evidence": ["order", "claim"]})
    >>> spend = pl.DataFrame({"note_id": ["n1", "n2"], "spend_date": [date(2026, 9, 1)] * 2, "payer": ["brand"] * 2,
    ...     "amount_fen": [200, 999], "currency": ["CNY"] * 2})
    >>> split_returns(parts, spend, notes, as_of=date(2026, 9, 30)).select("roas_seeded", "roas_seeded_net").rows()
    [(1.5, 1.0), (0.5, 0.5)]
    """
    evidenced = spent(SPENT["evidenced_spend_fen"]).alias("_spent")
    by_currency = booked(spend, notes, as_of=as_of).group_by("currency").agg(evidenced)
    rows = parts.lazy().join(by_currency, on="currency", how="left", maintain_order="left", validate="m:1")
    known = pl.when(pl.col("_spent") > 0).then("_spent")
    ratios = [(pl.col(part) / known).round(RATIO_DECIMALS).alias(name) for name, part in RATIOS.items()]
    return like(rows.with_columns(ratios).drop("_spent"), parts)
