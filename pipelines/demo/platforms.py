"""What platforms report of the demo world in aggregate: the exchange's claims, counts of notes, account flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, DAYS, FIRST_DATE
from pipelines.demo.exports import RESTATED_AFTER, export_instant

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.world import World

CYCLES = (15, 30)
CHANNEL_OF = {"red_cat": "tmall", "red_jd": "jd"}
ARRIVES_AFTER = 1  # days after those of single events: T+2
FOUND_AT_FIRST = 0.85  # of visitors and orders, before the exchange restates the day
MISSED = {20, 21, 40}  # days on which nobody exported the counts of notes
SNAPSHOTS = tuple(day for day in range(DAYS) if day not in MISSED)
READ_SHARE = 0.3  # of exposures
SHOWN_FROM = 100  # below, the platform prints an interval
AD_WINDOWS = (
    *(("exchange_link", "outbound_paid", days) for days in (7, 15, 30)),
    ("in_app", "in_app_paid", 7),
)
FUNDS = {"cash": 0.55, "credit": 0.15, "rebate": 0.20, "coupon": 0.08, "compensation": 0.02}


def feeds(world: World, rng: Generator, /) -> dict[str, pl.DataFrame]:
    """The four feeds as `pipelines.demo.exports.feeds`."""
    return {
        "exchange_note_daily": _restated(_claims(world)),
        "note_metrics_daily": _counts(world, rng),
        "wallet_flows": _flows(world),
        "ad_claims_daily": _ad_claims(world),
    }


def _claims(world: World) -> pl.DataFrame:
    """What each exchange claims by note and task, day and cycle: users whom a note of it reached within the cycle."""
    notes = (
        world.notes.with_columns(note=pl.int_range(pl.len(), dtype=pl.Int64))
        .filter(pl.col("exchange").is_not_null())
        .select(
            "note",
            "note_id",
            "exchange",
            "product_ids",
            channel=pl.col("exchange").replace_strict(CHANNEL_OF),
            task_id=pl.lit("task") + pl.coalesce("campaign_id", pl.lit("0")),
        )
    )
    reached = world.exposures.select("note", "user", seen="at").join(notes, on="note")
    read = reached.with_columns(day=pl.col("seen") // DAY)
    parts = []
    for cycle in CYCLES:
        visits = _within(reached, world.events.filter(pl.col("event") == "visit"), cycle)
        orders = _within(reached, world.orders.drop("note").filter(pl.col("paid") > 0), cycle)
        orders = orders.with_columns(of_task=pl.col("product_id").is_in(pl.col("product_ids")))
        for level, key in (("content", ["exchange", "task_id", "note_id"]), ("task", ["exchange", "task_id"])):
            by = [*key, "day"]
            # A task reaches a user, and brings an order, through whichever of its notes: it counts both once.
            once = orders.sort("of_task", descending=True).unique([*by, "order_id", "line_no"], keep="first")
            parts.append(
                read.group_by(by)
                .agg(read_uv=pl.col("user").n_unique())
                .join(visits.group_by(by).agg(visit_uv=pl.col("user").n_unique()), on=by, how="full", coalesce=True)
                .join(
                    once.group_by(by).agg(
                        order_uv=pl.col("user").n_unique(),
                        new_customer_uv=pl.col("user").filter("is_new_customer").n_unique(),
                        shop_gmv=pl.col("paid").sum(),
                        task_product_gmv=pl.col("paid").filter("of_task").sum(),
                    ),
                    on=by,
                    how="full",
                    coalesce=True,
                )
                .with_columns(level=pl.lit(level), cycle=pl.lit(cycle, pl.Int64))
            )
    return pl.concat(parts, how="diagonal").fill_null(0).sort("day", "exchange", "task_id", "note_id", "cycle")


def _within(reached: pl.DataFrame, happened: pl.DataFrame, cycle: int) -> pl.DataFrame:
    """What happened in the exchange's shop within the cycle after a note reached the user."""
    pairs = reached.join(happened, on=["user", "channel"]).filter(
        (pl.col("seen") < pl.col("at")) & (pl.col("at") - pl.col("seen") <= cycle * DAY)
    )
    return pairs.with_columns(day=pl.col("at") // DAY)


def _restated(claims: pl.DataFrame) -> pl.DataFrame:
    """Each day twice: at first with what the exchange has matched by then, a week later with the rest."""
    note = pl.when(pl.col("level") == "content").then("note_id")
    date = pl.lit(FIRST_DATE) + pl.duration(days=pl.col("day"))
    parts = (pl.col("exchange"), "task_id", note.fill_null("task"), date.dt.to_string("%Y%m%d"), "cycle")
    whole = claims.with_columns(
        note_id=note,
        claim_date=date,
        claim_id=pl.concat_str(*parts, separator="-"),
        flow_type=pl.lit("全部流量"),
        other_gmv=pl.col("shop_gmv") - pl.col("task_product_gmv"),
        currency=pl.lit("CNY"),
        _day=pl.col("day") + ARRIVES_AFTER,
        _trace=pl.lit(""),
    ).drop("day")
    found = ("visit_uv", "order_uv", "new_customer_uv", "task_product_gmv", "other_gmv")
    first = whole.with_columns(
        (pl.col(name) * FOUND_AT_FIRST).cast(pl.Int64).cast(claims.schema.get(name, pl.Int64)) for name in found
    ).with_columns(shop_gmv=pl.col("task_product_gmv") + pl.col("other_gmv"))
    moved = first.join(whole.select("claim_id", *found), on="claim_id", suffix="_later").filter(
        pl.any_horizontal(pl.col(name) != pl.col(f"{name}_later") for name in found)
    )
    newer = whole.join(moved.select("claim_id"), on="claim_id", how="semi", maintain_order="left").with_columns(
        pl.col("_day") + RESTATED_AFTER, _trace=pl.lit("restated")
    )
    return pl.concat([first, newer]).with_columns(exported_at=export_instant())


def _counts(world: World, rng: Generator) -> pl.DataFrame:
    """Counts of each note since its publication, once a week; here and there likes were taken back."""
    notes = world.notes.select("note_id", note=pl.int_range(pl.len(), dtype=pl.Int64))
    parts = []
    for day in SNAPSHOTS:
        until = (day + 1) * DAY
        seen = world.exposures.filter(pl.col("at") < until).group_by("note").agg(impressions=pl.len())
        engaged = world.engagements.filter(pl.col("at") < until).group_by("note")
        actions = {"likes": "like", "collects": "collect", "comments": "comment", "shares": "share"} | {
            "follows": "follow"
        }
        did = engaged.agg((pl.col("action") == action).sum().cast(pl.Int64).alias(n) for n, action in actions.items())
        parts.append(seen.join(did, on="note", how="left").with_columns(day=pl.lit(day, pl.Int64)).fill_null(0))
    counts = pl.concat(parts).join(notes, on="note").sort("day", "note_id")
    taken_back = pl.Series(np.where(rng.random(counts.height) < 0.05, 3, 0))
    reads = (pl.col("impressions") * READ_SHARE).cast(pl.Int64)
    interactions = pl.sum_horizontal("likes", "collects", "comments", "shares", "follows")
    return (
        counts.with_columns(likes=pl.max_horizontal(pl.col("likes") - taken_back, 0))
        .with_columns(
            pl.col("impressions").cast(pl.Int64),
            interactions=interactions,
            reads=pl.when(reads < SHOWN_FROM).then(pl.lit(f"<{SHOWN_FROM}")).otherwise(reads.cast(pl.String)),
            metric_date=pl.lit(FIRST_DATE) + pl.duration(days=pl.col("day")),
            source=pl.lit("pugongying"),
            is_cumulative=pl.lit(value=True),
            _day="day",
            _trace=pl.lit(""),
        )
        .with_columns(exported_at=export_instant())
        .drop("day", "note")
    )


def _flows(world: World) -> pl.DataFrame:
    """The brand's ads once more, as the account paid them: in cash, on credit, and with what the platform gave."""
    ads = world.spend.filter((pl.col("kind") == "ads") & (pl.col("payer") == "brand"))
    by_day = ads.group_by("day").agg(pl.col("amount").sum()).sort("day")
    given = [
        by_day.with_columns(fund=pl.lit(fund), amount=(pl.col("amount") * share).cast(pl.Int64))
        for fund, share in FUNDS.items()
    ]
    return (
        pl.concat(given)
        .filter(pl.col("amount") > 0)
        .sort("day", "fund")
        .with_columns(
            account_id=pl.lit("jg-100234"),
            flow_date=pl.lit(FIRST_DATE) + pl.duration(days=pl.col("day")),
            currency=pl.lit("CNY"),
            _day="day",
            _trace=pl.lit(""),
        )
        .with_columns(exported_at=export_instant())
        .drop("day")
    )


def _ad_claims(world: World) -> pl.DataFrame:
    """What 聚光 claims for clicks on ads: orders of the same users, at first and when the window has closed."""
    ads = world.spend.filter((pl.col("kind") == "ads") & (pl.col("payer") == "brand"))["note"].unique()
    notes = world.notes.select("note_id", "lane", note=pl.int_range(pl.len(), dtype=pl.Int64))
    windows = pl.DataFrame(AD_WINDOWS, schema=["lane", "claim_kind", "cycle"], orient="row")
    clicks = (
        world.clicks.filter(pl.col("note").is_in(ads.implode()))
        .select("note", "user", "channel", clicked="at", day=pl.col("at") // DAY)
        .join(notes, on="note")
        .join(windows, on="lane")
    )
    bought = clicks.join(
        world.orders.select("user", "channel", "order_id", "line_no", "paid", "at"), on=["user", "channel"]
    )
    bought = bought.filter(
        (pl.col("clicked") < pl.col("at")) & (pl.col("at") - pl.col("clicked") <= pl.col("cycle") * DAY)
    )
    key = ["note_id", "claim_kind", "cycle", "day"]
    once = bought.unique([*key, "order_id", "line_no"], maintain_order=True)
    early = once.filter(pl.col("at") < (pl.col("day") + 1) * DAY)
    first, newer = (
        clicks.select(key)
        .unique(maintain_order=True)
        .join(brought.group_by(key).agg(orders=pl.len(), gmv=pl.col("paid").sum()), on=key, how="left")
        .with_columns(pl.col("orders", "gmv").fill_null(0).cast(pl.Int64))
        for brought in (early, once)
    )
    moved = newer.join(first, on=[*key, "orders", "gmv"], how="anti").with_columns(
        _day=pl.min_horizontal(pl.col("day") + pl.col("cycle"), DAYS - 1), _trace=pl.lit("restated")
    )
    versions = [first.with_columns(_day="day", _trace=pl.lit("")), moved.filter(pl.col("_day") > pl.col("day"))]
    date = pl.lit(FIRST_DATE) + pl.duration(days=pl.col("day"))
    return (
        pl.concat(versions)
        .sort("_day", *key)
        .with_columns(
            ad_claim_id=pl.concat_str(
                pl.lit("juguang"), "claim_kind", "cycle", date.dt.to_string("%Y%m%d"), "note_id", separator="-"
            ),
            platform=pl.lit("juguang"),
            claim_date=date,
            currency=pl.lit("CNY"),
            exported_at=export_instant(),
        )
        .drop("day")
    )
