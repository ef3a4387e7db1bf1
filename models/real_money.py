"""Return on real money: what notes earned for what the brand paid of its own, without rebates and coupons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like
from models.roi import RATIO_DECIMALS
from models.spending import BY_BRAND, SPENT, booked, spent

if TYPE_CHECKING:
    from datetime import date

    from models.frames import AnyFrame, Frame

#: Funds of an advertising account that are the brand's own money; the others the platform has given.
OWN_FUNDS = ("cash", "credit")


def real_returns(earned: Frame, spend: AnyFrame, notes: AnyFrame, wallet: AnyFrame, /, *, as_of: date) -> Frame:
    """What all notes whose orders are evidenced returned, at face value and on real money.

    Ads are booked at face value. Of that, an advertising account may have paid a part with rebates, coupons or
    compensation, which were nobody's real money:

        real = evidenced spend − given · (ads on evidenced notes / ads)

    with `given` what accounts paid from such funds. An account does not say for which notes it paid, so what it was
    given is spread over ads in their proportion. Days without a flow stand at face value. Credit and spend are of the
    same notes: those of evidence `claim` (see `models.evidence`) have neither.

    Args:
        earned: As `models.earnings.earned` or `rollup` gives it.
        spend: As for `models.roi.returns`.
        notes: `note_id` (unique), `evidence`.
        wallet: `flow_date` Date, `fund` String, `amount_fen` Int64, `currency` String; flows after `as_of` are left
            out.
        as_of: Last business date that counts, the one that `earned` was made with.

    Returns:
        Sorted, one row per model and currency in which the brand spent: `model`, `currency`, `credited_fen`,
        `spend_fen`, `evidenced_spend_fen`, `wallet_face_fen` (paid from all funds), `wallet_real_fen` (from
        `OWN_FUNDS`), `real_spend_fen` (null where no flow of an account is known, or where accounts were given
        something and no ads are booked), all Int64; `wallet_from`, `wallet_to`, `last_paid` Date; and `roas_gmv` =
        credited / evidenced spend, `roas_real` = credited / real spend (null where that is not above 0).
    """
    ads = BY_BRAND & (pl.col("kind") == "ads")
    bookings = booked(spend, notes, as_of=as_of).group_by("currency")
    by_currency = bookings.agg(
        *(spent(SPENT[name]).alias(name) for name in ("spend_fen", "evidenced_spend_fen")),
        ads=spent(ads),
        evidenced_ads=spent(ads & SPENT["evidenced_spend_fen"]),
    )
    accounts = (
        wallet.lazy()
        .filter(pl.col("flow_date") <= as_of)
        .group_by("currency")
        .agg(
            wallet_face_fen=pl.col("amount_fen").sum(),
            wallet_real_fen=pl.col("amount_fen").filter(pl.col("fund").is_in(OWN_FUNDS)).sum(),
            wallet_from=pl.col("flow_date").min(),
            wallet_to=pl.col("flow_date").max(),
        )
    )
    given = pl.col("wallet_face_fen") - pl.col("wallet_real_fen")
    share = pl.when(pl.col("ads") > 0).then(pl.col("evidenced_ads") / pl.col("ads"))
    given_fen = pl.when(given == 0).then(0.0).otherwise(given * share).round().cast(pl.Int64)
    rows = (
        earned.lazy()
        .group_by("model", "currency")
        .agg(pl.col("credited_fen").sum(), last_paid=pl.col("paid_date").max())
        .join(by_currency, on="currency")
        .join(accounts, on="currency", how="left")
        .with_columns(real_spend_fen=pl.col("evidenced_spend_fen") - given_fen)
        .with_columns(
            (pl.col("credited_fen") / pl.when(pl.col(by) > 0).then(by)).round(RATIO_DECIMALS).alias(name)
            for name, by in (("roas_gmv", "evidenced_spend_fen"), ("roas_real", "real_spend_fen"))
        )
        .sort("model", "currency")
        .select(
            *("model", "currency", "credited_fen", "spend_fen", "evidenced_spend_fen", "wallet_face_fen"),
            *("wallet_real_fen", "real_spend_fen", "wallet_from", "wallet_to", "last_paid", "roas_gmv", "roas_real"),
        )
    )
    return like(rows, earned)
