"""What only some lanes of the demo world have: notes of whose users the brand knows none, and owners of links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.world import World

UNKEYED = 0.5  # of the seeding notes that an exchange measures: the brand holds no users of theirs, only claims
OWN_LINK = 0.8  # of the clicks on links under in-app notes: the author's own link, else one that another user left
BY_USER = ("note_impressions", "note_engagements")


def feeds(world: World, given: dict[str, pl.DataFrame], rng: Generator, /) -> dict[str, pl.DataFrame]:
    """The feeds that differ by lane: without the users of unkeyed notes, and with owners of links."""
    hidden = unkeyed(world, rng).implode()
    in_app = world.notes.filter(lane="in_app")["note_id"].implode()
    clicks = given["link_clicks"]
    own = pl.Series(rng.random(clicks.height) < OWN_LINK)
    owner = pl.when(own).then(pl.lit("own_note")).otherwise(pl.lit("other_user"))
    return {
        **{feed: given[feed].filter(~pl.col("note_id").is_in(hidden)) for feed in BY_USER},
        "link_clicks": clicks.with_columns(link_owner=pl.when(pl.col("note_id").is_in(in_app)).then(owner)),
    }


def unkeyed(world: World, rng: Generator, /) -> pl.Series:
    """Notes that lead nowhere and of whose readers only the exchange knows."""
    measured = world.notes.filter(pl.col("exchange").is_not_null(), lane="seeding")["note_id"]
    return measured.filter(pl.Series(rng.permutation(measured.len()) < np.ceil(measured.len() * UNKEYED)))
