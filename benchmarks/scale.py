"""From stored touches to category ROI under every model, against the journeys step alone.

    python -m benchmarks.scale [--touches 100000000 --conversions 2000000 --buckets 64]

Both read touches and orders that lie in one Parquet file per bucket of users, one bucket after the other, and store
the journeys that they find. `journeys` ends there. `everything` goes on: it counts the transitions of the Markov chain
bucket by bucket, and finds its removal effects; then it credits the stored journeys by all rules, Shapley and Markov at
once, to the fen, with refunds; then what each category returned. The chain is made of the journeys of orders: those who
never bought have no journey here, as in the pipeline.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from benchmarks.measuring import alone, table, timed
from benchmarks.stored import LAST_DATE, synthesise
from models import RULES, RunningSum, credits, journeys, returns  # noqa: A004
from models.grain import add_cells, cells_by_model, earned_cells
from models.markov import add_transitions, markov_transition_effects, markov_transitions, markov_weight
from models.shapley import shapley_weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from models.register import Rule

T = TypeVar("T")

REFUNDED = 10  # one order of so many


def every_bucket(folder: Path) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The journeys of one bucket after the other, stored, and its orders."""
    notes, windows, reach = (pl.read_parquet(folder / f"{name}.parquet") for name in ("notes", "windows", "reach"))
    for part in sorted(folder.glob("touches-*.parquet")):
        orders = pl.read_parquet(folder / part.name.replace("touches", "conversions"))
        found = journeys(pl.read_parquet(part), orders, notes, windows, reach=reach)
        found.write_parquet(folder / part.name.replace("touches", "journeys"), compression="lz4")
        yield found, orders


def stored_journeys(folder: Path) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The same, of what is stored."""
    for part in sorted(folder.glob("journeys-*.parquet")):
        yield pl.read_parquet(part), pl.read_parquet(folder / part.name.replace("journeys", "conversions"))


def ahead(buckets: Iterator[T]) -> Iterator[T]:
    """The same, the next one in the making while one is worked on."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, buckets, None)
        while (bucket := coming.result()) is not None:
            coming = thread.submit(next, buckets, None)
            yield bucket


def journeys_alone(folder: Path) -> int:
    return sum(found.height for found, _ in every_bucket(folder))


def everything(folder: Path) -> pl.DataFrame:
    transitions, sums = RunningSum(add_transitions), RunningSum(add_cells)
    for found, orders in ahead(every_bucket(folder)):
        transitions.add(transitions_of(found, orders))
    effects = markov_transition_effects(transitions.result())
    models = {**RULES, "shapley": shapley_weight, "markov": partial(markov_weight, effects=effects)}
    for found, orders in ahead(stored_journeys(folder)):
        sums.add(cells(found, orders, models))
    earned = cells_by_model(sums.result(), models=models)
    notes, windows, spend = (pl.read_parquet(folder / f"{name}.parquet") for name in ("notes", "windows", "spend"))
    return returns(earned, spend, notes, windows, level="category", models=models, as_of=LAST_DATE)


def cells(found: pl.DataFrame, orders: pl.DataFrame, models: Mapping[str, Rule]) -> pl.DataFrame:
    refunds = orders.gather_every(REFUNDED).select("conversion_id", refund_date="paid_date", refund_fen="paid_fen")
    return earned_cells(credits(found, models=models), orders, refunds, models=models, as_of=LAST_DATE)


def transitions_of(found: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
    paths = found.select("note_id", "position", journey_id="conversion_id")
    won = pl.lit(1.0)
    outcomes = orders.select(journey_id="conversion_id", conversions=won, value=won, nulls=pl.lit(0.0))
    return markov_transitions(paths, outcomes)


def main(touches: int, conversions: int, buckets: int) -> str:
    """At half the size and at the whole, in buckets of one size: seconds grow with touches, memory should not."""
    head = ("touches", "pairs", "how", "seconds", "ratio", "seconds of all cores", "ratio", "peak GB")
    rows = [row for part in (2, 1) for row in measured(touches // part, conversions // part, buckets // part)]
    return f"{conversions:,} conversions and {buckets} buckets of users, or half of each\n\n" + table(head, rows)


def measured(touches: int, conversions: int, buckets: int) -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone(synthesise, folder, touches, conversions, buckets)
        floor = alone(timed, journeys_alone, folder)
        whole = alone(timed, everything, folder)
    named = {"journeys step alone": floor, f"stored touches to category ROI, {len(RULES) + 2} models": whole}
    return [
        (
            f"{touches:,}",
            f"{floor.result:,}",
            how,
            f"{run.seconds:.1f}",
            f"{run.seconds / floor.seconds:.2f}",
            f"{run.cpu_seconds:.1f}",
            f"{run.cpu_seconds / floor.cpu_seconds:.2f}",
            f"{run.gigabytes:.2f}",
        )
        for how, run in named.items()
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--touches", type=int, default=100_000_000)
    parser.add_argument("--conversions", type=int, default=2_000_000)
    parser.add_argument("--buckets", type=int, default=64)
    print(main(**vars(parser.parse_args())))
