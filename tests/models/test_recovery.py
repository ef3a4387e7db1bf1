"""Rules recover a truth that works as they assume, and miss one that does not.

In a simulated world every purchase has one cause: a touch of its journey, drawn by chance. Where the chance is the one
that a rule assumes, what the rule credits to a note is, but for chance, how many purchases the note caused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest

from models import MODELS, credits, shapley_weight  # noqa: A004

JOURNEYS = 20_000
DAY = timedelta(days=1) // timedelta(microseconds=1)
NOTES = ("opener", "reader", "clicked", "closer")
KINDS = ("impression", "engagement", "click")

#: Of a journey: the note, kind, organic and age in days of each touch. Gives the chance of each to be the cause.
Touches = dict[str, np.ndarray]
Chance = Callable[[Touches], np.ndarray]


def only(place: int, size: int) -> np.ndarray:
    return np.eye(size)[place]


def last_of(held: np.ndarray) -> np.ndarray:
    """The last touch that is held, or the last."""
    return only(int(np.flatnonzero(held)[-1]) if held.any() else held.size - 1, held.size)


def ends_and_middle(size: int) -> np.ndarray:
    if size <= 2:
        return np.full(size, 1 / size)
    return np.array([0.4, *[0.2 / (size - 2)] * (size - 2), 0.4])


def twice_as_likely_at_the_end(size: int) -> np.ndarray:
    weights = np.array([*[1.0] * (size - 1), 2.0])
    return weights / weights.sum()


def by_notes(notes: np.ndarray) -> np.ndarray:
    """A note is drawn first, then a touch of it."""
    _, inverse, counts = np.unique(notes, return_inverse=True, return_counts=True)
    return 1 / (counts.size * counts[inverse])


TRUTHS: dict[str, Chance] = {
    "first_touch": lambda t: only(0, t["note"].size),
    "last_touch": lambda t: only(-1, t["note"].size),
    "last_click": lambda t: last_of(t["kind"] == "click"),
    "last_non_organic": lambda t: last_of(~t["organic"]),
    "linear": lambda t: np.full(t["note"].size, 1 / t["note"].size),
    "time_decay": lambda t: 0.5 ** (t["age"] / 7) / (0.5 ** (t["age"] / 7)).sum(),
    "position_based": lambda t: ends_and_middle(t["note"].size),
    "by_position": lambda t: twice_as_likely_at_the_end(t["note"].size),
    "shapley": lambda t: by_notes(t["note"]),
}
RULES = {
    **{name: MODELS[name].function for name in TRUTHS if MODELS[name].kind == "rule"},
    "by_position": partial(MODELS["by_position"].function, weights=(2, 1), from_end=True),
    "shapley": shapley_weight,
}


@pytest.fixture(scope="module")
def world() -> list[Touches]:
    """Openers stand at the beginning, closers at the end, and one note is clicked more than it is read."""
    rng, journeys = np.random.default_rng(20261101), []
    for _ in range(JOURNEYS):
        size = int(rng.integers(1, 8))
        notes = rng.choice(NOTES[1:3], size)
        notes[0] = rng.choice(("opener", notes[0]), p=(0.7, 0.3))
        notes[-1] = rng.choice(("closer", notes[-1]), p=(0.5, 0.5))
        clicked = rng.random(size) < np.where(notes == "clicked", 0.6, 0.1)
        journeys.append(
            {
                "note": notes,
                "kind": np.where(clicked, "click", rng.choice(KINDS[:2], size)),
                "organic": rng.random(size) < np.where(notes == "reader", 0.8, 0.2),
                "age": np.sort(rng.exponential(9, size))[::-1],
            }
        )
    return journeys


@pytest.fixture(scope="module")
def credited(world: list[Touches]) -> pl.DataFrame:
    sizes = np.array([touches["note"].size for touches in world])
    touches = pl.DataFrame(
        {
            "conversion_id": np.repeat(np.arange(JOURNEYS), sizes),
            "note_id": np.concatenate([touches["note"] for touches in world]),
            "kind": np.concatenate([touches["kind"] for touches in world]),
            "organic": np.concatenate([touches["organic"] for touches in world]),
            "age": (np.concatenate([touches["age"] for touches in world]) * DAY).astype(np.int64),
            "position": np.concatenate([np.arange(1, size + 1) for size in sizes]).astype(np.uint32),
            "touches": np.repeat(sizes, sizes).astype(np.uint32),
        }
    )
    journeys = touches.with_columns(pl.col("age").cast(pl.Duration("us")), lane=pl.lit("seeding"), direct=True)
    shares = credits(journeys, models=RULES)
    return shares.group_by("note_id").agg(pl.col(*RULES).sum())


def caused(world: list[Touches], chance: Chance) -> dict[str, int]:
    rng = np.random.default_rng(7)
    causes = [touches["note"][rng.choice(touches["note"].size, p=chance(touches))] for touches in world]
    return {note: causes.count(note) for note in NOTES}


@pytest.mark.parametrize("rule", TRUTHS)
def test_a_rule_recovers_what_works_as_it_assumes(rule: str, world: list[Touches], credited: pl.DataFrame) -> None:
    truth = caused(world, TRUTHS[rule])
    found = dict(credited.select("note_id", rule).iter_rows())
    for note, count in truth.items():
        # The draws of causes scatter by less than the root of their number; four times that is beyond chance.
        assert found[note] == pytest.approx(count, abs=4 * count**0.5 + 1e-9)


def test_last_touch_misses_what_openers_caused(world: list[Touches], credited: pl.DataFrame) -> None:
    truth = caused(world, TRUTHS["first_touch"])
    found = dict(credited.select("note_id", "last_touch").iter_rows())
    assert found["opener"] < truth["opener"] / 3
    assert found["closer"] > truth["closer"] * 3
