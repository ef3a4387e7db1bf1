"""Seconds and peak memory of the fitted models on simulated journeys, each case in a process of its own.

Run `python -m benchmarks.fitted`, or with the names of cases. Start-up and simulation are not timed.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from benchmarks.measuring import alone, peak_gigabytes, table
from models.data_driven import data_driven
from models.markov import markov, markov_effects
from models.shapley import shapley

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Name → journeys, notes, model. Touches a journey: 4.9, as in the figures of peers.
CASES = {
    "markov 1M x 12": (1_000_000, 12, markov),
    "markov 100k x 5,000": (100_000, 5_000, markov),
    "markov 1M x 5,000": (1_000_000, 5_000, markov),
    "markov 1M x 50,000": (1_000_000, 50_000, markov_effects),
    "shapley 1M x 12": (1_000_000, 12, shapley),
    "shapley 100k x 5,000": (100_000, 5_000, shapley),
    "shapley 1M x 5,000": (1_000_000, 5_000, shapley),
    "shapley 1M x 50,000": (1_000_000, 50_000, shapley),
    "data_driven 100k x 5,000": (100_000, 5_000, data_driven),
}


def simulate(n_journeys: int, n_notes: int, *, seed: int = 7) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Journeys of 4.9 touches on average; notes as popular as 1 / rank^0.8; journeys with a click convert more."""
    rng = np.random.default_rng(seed)
    touches = rng.geometric(1 / 4.9, n_journeys)
    journey = np.repeat(np.arange(n_journeys), touches)
    popularity = 1 / np.arange(1, n_notes + 1) ** 0.8
    note = np.searchsorted(np.cumsum(popularity) / popularity.sum(), rng.random(journey.size))
    position = np.arange(journey.size) - np.repeat(np.cumsum(touches) - touches, touches) + 1
    kind = rng.choice(3, journey.size, p=[0.7, 0.2, 0.1])
    better = np.bincount(journey, kind == 2, n_journeys) > 0
    converted = (rng.random(n_journeys) < 0.15 + 0.2 * better).astype(float)
    names = pl.Series([f"note-{i:06d}" for i in range(n_notes)])
    kinds = pl.Series(["impression", "engagement", "click"])
    clock = pl.Series(journey // 10 + position * 3600 * 9).cast(pl.Duration("ms")) * 1000
    paths = pl.DataFrame(
        {"journey_id": journey, "note_id": names[note], "position": position.astype(np.uint32)},
    ).with_columns(pl.lit(0).cast(pl.Datetime("us", "UTC")).add(clock).alias("occurred_at"), kinds[kind].alias("kind"))
    journeys = pl.DataFrame(
        {
            "journey_id": np.arange(n_journeys),
            "conversions": converted,
            "value": converted * rng.lognormal(5, 1, n_journeys).round(2),
            "nulls": 1 - converted,
        }
    )
    return paths, journeys


def run(name: str) -> tuple[float, float, float, str]:
    """Seconds, peak GB with the data, GB of the data alone, and the largest error bound where there is one."""
    n_journeys, n_notes, model = CASES[name]
    paths, journeys = simulate(n_journeys, n_notes)
    model(paths.head(0), journeys.head(0)) if model is not data_driven else None  # imports and threads
    before = peak_gigabytes()
    began = time.perf_counter()
    result = model(paths, journeys)
    seconds = time.perf_counter() - began
    peak = peak_gigabytes()
    note = ""
    if "removal_effect_error" in result.columns:
        relative = (result["removal_effect_error"] / result["removal_effect"]).fill_nan(0.0)
        largest = result["removal_effect_error"].max()
        note = f"largest {largest:.1e}; relative median {relative.median():.1e}, largest {relative.max():.1e}"
    return seconds, peak, before, note


def main(names: Sequence[str] = ()) -> str:
    rows = []
    for name in names or CASES:
        seconds, peak, before, note = alone(run, name)
        rows.append((name, f"{seconds:.2f}", f"{peak:.2f}", f"{before:.2f}", note))
    return table(("case", "seconds", "peak GB", "of which simulated data", "error bound"), rows)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
