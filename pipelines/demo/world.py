"""The causal world behind the demo: what would happen anyway, and what each note adds.

The rule, in full. User *u* buys in category *c* at the hazard

    λ(u, c, t) = b(u, c) · s(t)  +  Σ over exposures i of u to notes of c before t of  m(i) · f(t − t_i)

- b is the user's taste for the category times 0.8 + 0.2 × the user's activity; s is the calendar
  (weekends, Golden Week, the run-up to 11-11). This is the baseline.
- m(i) = effect(note) · response(u) · min(taste(u, c), 4) · did(i) / k(i) is the number of orders that the
  exposure is expected to cause. did is 1 when the user only saw the note, 2 after an engagement, 6 after a
  click; k counts how often the user has seen this note, so repeats wear out.
- f is exponential with the lane's mean delay times the category's decision cycle (live: the lane's alone),
  from the exposure, or from the click if there was one, and a minute after it at the earliest.

The sum of independent Poisson processes is a Poisson process, so each order has exactly one cause, and the
world remembers it: the baseline, or one exposure of one note. Taste drives exposure and baseline alike
(confounding), and shops write a buyer's last click on an order whether it caused the order or not. Rules
that credit touches therefore credit more than notes caused, here as in the real world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo import notes as note_makers
from pipelines.demo import orders as ordering
from pipelines.demo import population, shop_events, touches
from pipelines.demo import spend as spending

if TYPE_CHECKING:
    from pipelines.demo.population import Users

EXPOSURES_PER_USER = 17.5


@dataclass(frozen=True)
class Size:
    """How much world: users and notes. Everything else follows."""

    users: int
    notes: int

    @property
    def scale(self) -> float:
        """Users per note as a multiple of the usual 100: what a note can reach, and so what it costs."""
        return self.users / self.notes / 100


SIZES = {"s": Size(2_000, 40), "m": Size(20_000, 200), "l": Size(200_000, 2_000)}


@dataclass(frozen=True)
class World:
    """All that happened, in positions (of users and notes), seconds (from the first midnight) and fen."""

    users: Users
    notes: pl.DataFrame
    exposures: pl.DataFrame
    engagements: pl.DataFrame
    clicks: pl.DataFrame
    events: pl.DataFrame
    orders: pl.DataFrame
    refunds: pl.DataFrame
    spend: pl.DataFrame


def simulate(size: Size, /, *, seed: int) -> World:
    """Let the world happen; the same size and seed give the same world."""
    # Every part draws from its own stream, so that a change in one leaves the others as they were.
    streams = iter(np.random.default_rng(seed).spawn(10))
    users = population.users(next(streams), count=size.users)
    creators = population.creators(next(streams), count=round(size.notes * 0.45))
    notes = note_makers.notes(next(streams), creators, count=size.notes)
    exposures = touches.exposures(next(streams), users, notes, count=round(size.users * EXPOSURES_PER_USER))
    engagements = touches.engagements(next(streams), notes, exposures)
    clicks = touches.clicks(next(streams), notes, exposures)

    relative = ordering.effects(users, notes, exposures, engagements, clicks)
    unit = size.users * ordering.CAUSED_ORDERS_PER_USER / float(relative.sum())
    notes = notes.with_columns(effect=pl.col("effect") * unit)
    orders = ordering.orders(next(streams), users, notes, exposures, clicks, relative * unit)
    return World(
        users=users,
        notes=notes,
        exposures=exposures,
        engagements=engagements,
        clicks=clicks,
        orders=orders,
        refunds=ordering.refunds(next(streams), orders),
        events=shop_events.events(
            next(streams), users, notes.with_columns(pl.col("effect") / unit), exposures, clicks, orders
        ),
        spend=spending.spend(next(streams), notes, orders, clicks, scale=size.scale),
    )
