"""How notes reach users in the demo world: exposures, engagements and clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import DAY, END, hour_of_day
from pipelines.demo.notes import LANES
from pipelines.demo.population import draw_users

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.population import Users

ENGAGEMENTS_PER_EXPOSURE = 0.11
ACTIONS = ("like", "collect", "comment", "share", "follow")
ACTION_SHARES = (0.55, 0.25, 0.08, 0.07, 0.05)
PLATFORM_PAID_SHARE = 0.35  # of the exposures of red_cat link notes: flow support of the shop platform
KEYLESS_CLICKS = 0.04  # clicks of users who were not logged in


def exposures(rng: Generator, users: Users, notes: pl.DataFrame, /, *, count: int) -> pl.DataFrame:
    """Draw about `count` exposures, sorted by instant.

    A note reaches active users with a taste for its category more often, so exposure and baseline purchase
    share a cause: rules that credit touches will over-credit, as they do in the real world.

    Returns:
        `exposure` (position), `note` and `user` (positions), `at` (seconds), `payer`, `repeat` (1 for the
        user's first sight of the note, 2 for the second …).
    """
    reach = notes["reach"].to_numpy()
    note = np.repeat(np.arange(notes.height), rng.multinomial(count, reach / reach.sum()))
    weights = users.activity[:, None] * (0.15 + users.affinity)
    drawn = pl.DataFrame(
        {
            "note": note,
            "user": draw_users(rng, weights, notes["category_at"].to_numpy()[note]),
            "at": _exposure_instants(rng, notes, note),
        }
    ).unique()
    ordered = drawn.sort("at", "note", "user")
    link_notes = ((notes["lane"] == "exchange_link") & (notes["exchange"] == "red_cat")).gather(ordered["note"])
    supported = link_notes.fill_null(False) & pl.Series(rng.random(ordered.height) < PLATFORM_PAID_SHARE)
    return ordered.with_columns(
        payer=pl.when(supported).then(pl.lit("platform")).otherwise(pl.lit("brand")),
        repeat=pl.int_range(1, pl.len() + 1).over("note", "user"),
    ).with_row_index("exposure")


def _exposure_instants(rng: Generator, notes: pl.DataFrame, note: np.ndarray) -> np.ndarray:
    """Exposures follow publication with exponential decay inside the world's days, at people's hours."""
    published = notes["published"].to_numpy()[note]
    scale = LANES["exposure_days"].gather(notes["lane_at"]).to_numpy()[note] * DAY
    rest = END - published
    delay = -scale * np.log1p(-rng.random(len(note)) * -np.expm1(-rest / scale))
    instant = published + np.minimum(delay, rest - 1)
    usual_hour = instant // DAY * DAY + hour_of_day(rng, len(note))
    keep = (scale < DAY) | (usual_hour <= published)  # a live room has its own hour
    return np.where(keep, instant, usual_hour).astype(np.int64)


def engagements(rng: Generator, notes: pl.DataFrame, exposures: pl.DataFrame, /) -> pl.DataFrame:
    """Draw likes, collects, comments, shares and follows: `exposure`, `note`, `user`, `action`, `at`."""
    appeal = notes["appeal"].to_numpy()[exposures["note"].to_numpy()]
    engaged = rng.random(exposures.height) < np.minimum(appeal * ENGAGEMENTS_PER_EXPOSURE, 0.6)
    return (
        exposures.filter(pl.Series(engaged))
        .with_columns(
            pl.Series("action", rng.choice(ACTIONS, int(engaged.sum()), p=ACTION_SHARES)),
            at=pl.col("at") + pl.Series(rng.integers(5, 300, int(engaged.sum()))),
        )
        .filter(pl.col("at") < END)
        .select("exposure", "note", "user", "action", "at")
        .unique(["note", "user", "action", "at"], keep="first", maintain_order=True)
    )


def clicks(rng: Generator, notes: pl.DataFrame, exposures: pl.DataFrame, /) -> pl.DataFrame:
    """Draw clicks on the links that notes of some lanes hang.

    Returns:
        `click_id`, `exposure`, `note`, `user`, `at`, `channel`, `payer`, `keyless` (the export has no user).
    """
    rate = LANES["click_rate"].gather(notes["lane_at"]).to_numpy()[exposures["note"].to_numpy()]
    clicked = exposures.filter(pl.Series(rng.random(exposures.height) < rate))
    return (
        clicked.with_columns(
            at=pl.col("at") + pl.Series(rng.integers(4, 120, clicked.height)),
            channel=link_channel(notes).gather(clicked["note"]),
            keyless=pl.Series(rng.random(clicked.height) < KEYLESS_CLICKS),
            click_id=pl.lit("c") + pl.int_range(pl.len()).cast(pl.String).str.zfill(9),
        )
        .filter(pl.col("at") < END)
        .select("click_id", "exposure", "note", "user", "at", "channel", "payer", "keyless")
    )


def link_channel(notes: pl.DataFrame, /) -> pl.Series:
    """The channel to which each note's link leads; null for lanes without a link."""
    return notes.select(
        pl.when(pl.col("lane").is_in(["in_app", "live"]))
        .then(pl.lit("in_app_shop"))
        .when(pl.col("lane") == "exchange_link")
        .then(pl.when(pl.col("exchange") == "red_cat").then(pl.lit("tmall")).otherwise(pl.lit("jd")))
        .alias("channel")
    )["channel"]
