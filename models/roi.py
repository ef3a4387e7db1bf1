"""Return on what was spent: by note, creator, campaign, category, channel, lane and exchange."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from models.credits import HORIZONS
from models.earnings import FEN, ORDER_DECIMALS, earned, reconciliation, rollup, sold
from models.frames import like
from models.maturity import closes, maturity
from models.money import exact_sum
from models.spending import SPENT, booked, spent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from models.frames import AnyFrame, Frame

__all__ = ["LEVELS", "Level", "earned", "reconciliation", "returns", "rollup", "sold"]


@dataclass(frozen=True)
class Level:
    """What a row of returns stands for.

    `of_note`: the column of notes by which spend is grouped (and credit, if there is no `of_order`).
    `of_order`: the column of conversions by which credit is grouped; such a level has totals, a part of which
    is unattributed.
    `by_horizon`: whether it says how soon after the touch its orders came.
    """

    key: str
    of_note: str | None = None
    of_order: str | None = None
    by_horizon: bool = False


LEVELS = MappingProxyType(
    {
        "note": Level("note_id", of_note="note_id"),
        "creator": Level("creator_id", of_note="creator_id"),
        "campaign": Level("campaign_id", of_note="campaign_id"),
        "category": Level("category", of_note="category", of_order="category"),
        "channel": Level("channel", of_order="channel"),
        "lane": Level("lane", of_note="lane"),
        "exchange": Level("exchange", of_note="exchange", by_horizon=True),
    }
)

#: Ratios, by what stands above the evidenced spend.
RATIOS = {
    "roas_gmv": pl.col("credited_fen"),
    "roas_direct": pl.col("direct_fen"),
    "roas_net": pl.col("net_fen"),
    "roi_profit": pl.col("contribution_fen") - pl.col("evidenced_spend_fen"),
}

#: How many orders, and how much, was credited to notes that were clicked, by days before the payment.
_SOON = {days: pl.col("within_days") <= days for days in HORIZONS}
BY_HORIZON = {
    **{
        f"click_orders_{days}d": exact_sum(pl.col("orders").filter(soon), decimals=ORDER_DECIMALS)
        for days, soon in _SOON.items()
    },
    **{f"click_{days}d_fen": pl.col("credited_fen").filter(soon).sum() for days, soon in _SOON.items()},
}
RATIOS_BY_HORIZON = {f"roas_click_{days}d": pl.col(f"click_{days}d_fen") for days in HORIZONS}

#: Decimals of ratios: polars divides a column that is one value by its reciprocal, which differs in the last bit.
RATIO_DECIMALS = 12

#: Lines of earnings that are a note's, not what no note earned.
IS_CREDITED = pl.col("note_id").is_not_null()

#: Decimals of a fen to which contribution is added up (exactly, see `models.money.exact_sum`).
CONTRIBUTION_DECIMALS = 4


def returns(
    earned: Frame,
    spend: AnyFrame,
    notes: AnyFrame,
    windows: AnyFrame,
    /,
    *,
    level: str,
    models: Iterable[str],
    as_of: date,
    refund_days: int = 15,
    currency: str = "CNY",
) -> Frame:
    """What was earned, what was spent, and their ratios, per model, key of the level and currency.

    Credit counts for the note's creator, campaign and lane, but for the order's category and channel. Spend
    counts where the note is; null is a key of its own, where spend without a note or with an unknown one is
    unassigned, so that totals agree. Nothing registered vanishes: every note of `notes`, and every creator,
    campaign, category and lane that has a note, keeps its row. Currencies are never added.

    Ratios divide by the spend on notes whose orders are evidenced one by one. A note of evidence `claim`, of
    which only an exchange's sums are known, has none: its spend stands apart, and so does a whole lane's.

    Args:
        earned: As `models.earnings.earned` or `rollup` gives it.
        spend: `note_id` String (null: no single note), `spend_date` Date, `kind`, `payer` String, `amount_fen`
            Int64, `currency` String, `in_task` Boolean (whether it falls in the paid task of its note, null where
            nobody knows); spend after `as_of` is left out.
        notes: `note_id` (unique), `creator_id`, `campaign_id`, `category`, `lane`, `exchange`, and `evidence`
            String (`order` or `claim`, see `models.evidence.evidenced`).
        windows: As for `models.journeys.journeys`.
        level: One of `LEVELS`.
        models: Names of the models; each has every row, also where it credits nothing.
        as_of: Last business date that counts, the one that `earned` was made with.
        refund_days: Days after the last window during which refunds are still expected.
        currency: Currency in which a key without any money shows its zeros.

    Returns:
        Sorted by model, key and currency: `model`, the level's key, `currency`, then

        - `orders` (Float64): the credited orders, the sum of shares;
        - at the order's levels `total_fen`, `unattributed_fen`, `total_refund_fen`,
          `unattributed_refund_fen`: credited + unattributed = total;
        - `credited_fen` = `direct_fen` + `halo_fen` (halo: the note does not promote the product), and for
          categories `halo_out_fen`: what the notes of this category earned on orders of other categories;
        - `click_fen` + `view_fen` = credited: click-through and view-through (see `models.credits.credits`);
        - for exchanges, per number of days in `HORIZONS`: `click_orders_7d`, `click_7d_fen`, and `roas_click_7d` =
          click_7d / evidenced spend. Orders within 15 days include those within 7;
        - `credited_refund_fen`, `net_fen` = credited − credited refunds; `platform_refund_fen`, the part of the
          refunds that the platform bears;
        - `spend_fen` (payer `brand`) = `in_task_spend_fen` + `out_of_task_spend_fen` + `unknown_task_spend_fen`;
          of it `evidenced_spend_fen` (all but that on notes of evidence `claim`) and `commission_fen` (of that
          kind); and `platform_spend_fen` (payer `platform`); null for channels;
        - of the evidenced spend: `roas_gmv` = credited / spend, `roas_direct` =
          direct / spend, `roas_net` = net / spend, `roi_profit` = (kept × margin − kept × fee rate − spend) / spend
          with kept = credited − the refunds that the brand bears, and the margin and fee rate of each order (fees
          are given back with such a refund). Null where that spend is 0 or missing; profit also where a credited
          order's margin or fee rate is null;
        - `evidence`: that of the row's notes, or `mixed`; `lanes`: the lanes that its ratios add, those of its
          notes of evidence `order`, joined by `|`; null where no note is known;
        - `maturity` (see `models.maturity`): a row rests on the notes that spent or earned in it, and is as
          mature as the last of them.

        All `_fen` are Int64.

    Raises:
        ValueError: `level` is not one of `LEVELS`.
    """
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is unknown: expected one of {', '.join(map(repr, LEVELS))}")
    shape = LEVELS[level]
    notes, windows = notes.lazy(), windows.lazy()
    facts = notes.select("note_id", "lane", "evidence")
    spend = booked(spend, notes, as_of=as_of)
    keys = notes.select("note_id", note_key=shape.of_note or pl.lit(None, pl.String))
    credit = _credit(rollup(earned.lazy()), keys, shape)
    until = closes(credit.filter(IS_CREDITED), spend, notes, windows)
    if not shape.of_note:
        spend, keys = spend.clear(), keys.clear()
    cost = spend.join(keys, on="note_id", how="left", validate="m:1").rename({"note_key": "key"})
    every_model = pl.LazyFrame({"model": list(models)}, {"model": pl.String})
    rows = _rows(credit, cost, keys, currency).join(every_model, how="cross")
    rests_on, registered = _rests_on(credit, cost), keys.select("note_id", key="note_key")
    for part, by in (
        (_earnings(credit, shape), ("model", "key", "currency")),
        (_halo_out(credit), ("model", "key", "currency")),
        (_spending(cost), ("key", "currency")),
        (_last_to_close(rests_on, until), ("key", "currency")),
        (_evidence(rests_on, facts, ("key", "currency")), ("key", "currency")),
        (_evidence(registered, facts, ("key",)).rename({"evidence": "if_idle", "lanes": "lanes_if_idle"}), ("key",)),
    ):
        rows = rows.join(part, on=by, how="left", nulls_equal=True)
    state = maturity(pl.col("closes"), as_of=as_of, refund_days=refund_days)
    return like(_finished(rows.with_columns(maturity=state), shape), earned)


def _credit(sums: pl.LazyFrame, keys: pl.LazyFrame, shape: Level) -> pl.LazyFrame:
    """The rolled-up earnings with the note's key (`note_key`) and the row's (`key`)."""
    credit = sums.join(keys, on="note_id", how="left", validate="m:1")
    if shape.of_order:
        return credit.with_columns(key=shape.of_order)
    # What no note earned belongs to no note: it is not the unknown note's.
    return credit.filter(IS_CREDITED).with_columns(key="note_key")


def _rows(credit: pl.LazyFrame, cost: pl.LazyFrame, keys: pl.LazyFrame, currency: str) -> pl.LazyFrame:
    """Every `key` and `currency` that has a row: with money, or registered without any."""
    of_notes = credit.filter(IS_CREDITED & pl.col("note_key").is_not_null())
    with_money = pl.concat(
        [
            credit.select("key", "currency"),
            of_notes.select("currency", key="note_key").select("key", "currency"),
            cost.select("key", "currency"),
        ]
    ).unique()
    registered = keys.select(key="note_key").unique()
    idle = registered.join(with_money, on="key", how="anti", nulls_equal=True)
    return pl.concat([with_money, idle.with_columns(currency=pl.lit(currency))])


def _earnings(credit: pl.LazyFrame, shape: Level) -> pl.LazyFrame:
    """What each row earned, and at the order's levels the totals of which that is a part."""
    credited, refunded = pl.col("credited_fen"), pl.col("credited_refund_fen")
    # A refund that the platform bears takes nothing from the brand.
    kept = credited - refunded + pl.col("platform_refund_fen")
    contribution = kept * (pl.col("margin") - pl.col("fee_rate"))
    is_unknown = contribution.is_null() & (pl.col("orders") > 0)
    return credit.group_by("model", "key", "currency").agg(
        exact_sum(pl.col("orders"), decimals=ORDER_DECIMALS),
        pl.col(FEN).sum(),
        total_fen=(credited + pl.col("unattributed_fen")).sum(),
        total_refund_fen=(refunded + pl.col("unattributed_refund_fen")).sum(),
        direct_fen=credited.filter("direct").sum(),
        halo_fen=credited.filter(~pl.col("direct")).sum(),
        click_fen=credited.filter("clicked").sum(),
        view_fen=credited.filter(~pl.col("clicked")).sum(),
        **(BY_HORIZON if shape.by_horizon else {}),
        contribution_fen=pl.when(~is_unknown.any()).then(exact_sum(contribution, decimals=CONTRIBUTION_DECIMALS)),
    )


def _halo_out(credit: pl.LazyFrame) -> pl.LazyFrame:
    """What the notes of each row earned on orders that stand in other rows."""
    return (
        credit.filter(pl.col("note_key").is_not_null() & pl.col("note_key").ne_missing(pl.col("key")))
        .group_by("model", "currency", key="note_key")
        .agg(halo_out_fen=pl.col("credited_fen").sum())
    )


def _spending(cost: pl.LazyFrame) -> pl.LazyFrame:
    """What each row cost, by who paid."""
    return cost.group_by("key", "currency").agg(spent(which).alias(name) for name, which in SPENT.items())


def _rests_on(credit: pl.LazyFrame, cost: pl.LazyFrame) -> pl.LazyFrame:
    """The notes that spent or earned in a row."""
    with_money = [part.select("key", "currency", "note_id") for part in (credit.filter(IS_CREDITED), cost)]
    return pl.concat(with_money).unique()


def _last_to_close(rests_on: pl.LazyFrame, until: pl.LazyFrame) -> pl.LazyFrame:
    """The date on which the last of a row's notes closes."""
    return rests_on.join(until, on="note_id", nulls_equal=True).group_by("key", "currency").agg(pl.col("closes").max())


def _evidence(notes: pl.LazyFrame, facts: pl.LazyFrame, by: tuple[str, ...]) -> pl.LazyFrame:
    """How the orders of a row's notes are evidenced, and the lanes whose orders are evidenced one by one."""
    lanes = pl.col("lane").filter(pl.col("evidence") == "order").drop_nulls().unique().sort()
    several = pl.col("evidence").n_unique() > 1
    return (
        notes.join(facts, on="note_id")
        .group_by(by)
        .agg(
            evidence=pl.when(several).then(pl.lit("mixed")).otherwise(pl.col("evidence").first()),
            lanes=pl.when(lanes.len() > 0).then(lanes.str.join("|")),
        )
    )


def _finished(rows: pl.LazyFrame, shape: Level) -> pl.LazyFrame:
    """Rows with their ratios, and with the columns that their level has."""
    # A row without any credit earned zero, which is known; a contribution that is null otherwise stays
    # unknown.
    zero_if_idle = pl.when(pl.col("orders").is_not_null()).then("contribution_fen").otherwise(0.0)
    horizons = tuple(BY_HORIZON) if shape.by_horizon else ()
    ratios = RATIOS | (RATIOS_BY_HORIZON if shape.by_horizon else {})
    zeros = ["orders", *FEN, "total_fen", "total_refund_fen", "direct_fen", "halo_fen", "halo_out_fen"]
    zeros += ["click_fen", "view_fen", *horizons]
    if shape.of_note:
        zeros += SPENT
    by_order = shape.of_order is not None
    columns = {
        "orders": True,
        "total_fen": by_order,
        "unattributed_fen": by_order,
        "total_refund_fen": by_order,
        "unattributed_refund_fen": by_order,
        "credited_fen": True,
        "direct_fen": True,
        "halo_fen": True,
        "halo_out_fen": by_order and shape.of_note is not None,
        **dict.fromkeys(
            ("click_fen", "view_fen", *horizons, "credited_refund_fen", "net_fen", "platform_refund_fen"), True
        ),
        **dict.fromkeys((*SPENT, *ratios, "evidence", "lanes", "maturity"), True),
    }
    divisor = pl.when(pl.col("evidenced_spend_fen") > 0).then("evidenced_spend_fen")
    return (
        rows.with_columns(contribution_fen=zero_if_idle)
        .with_columns(pl.col(zeros).fill_null(0))
        .with_columns(
            lanes=pl.when(pl.col("evidence").is_null()).then("lanes_if_idle").otherwise("lanes"),
            evidence=pl.coalesce("evidence", "if_idle"),
            net_fen=pl.col("credited_fen") - pl.col("credited_refund_fen"),
        )
        .with_columns((value / divisor).round(RATIO_DECIMALS).alias(name) for name, value in ratios.items())
        .sort("model", "key", "currency")
        .select(
            "model",
            pl.col("key").alias(shape.key),
            "currency",
            *(name for name, is_there in columns.items() if is_there),
        )
    )
