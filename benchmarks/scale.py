"""From stored touches to category ROI under every model, against the journeys step alone.

    python -m benchmarks.scale [--touches 100000000 --conversions 2000000 --buckets 64]

Both read touches and orders that lie in one Parquet file per bucket of users, two buckets at a time, and store the
journeys that they find. `journeys` ends there. `everything` goes on: it counts the transitions of the Markov chain
bucket by bucket, and finds its removal effects; then it credits the stored journeys by all rules, Shapley and Markov at
once, to the fen, with refunds; then what each category returned. The chain is made of the journeys of orders: those who
never bought have no journey here, as in the pipeline.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from benchmarks.measuring import alone, table, timed
from benchmarks.stored import LAST_DATE, synthesise
from models import RULES, RunningSum, credits, journeys, returns  # noqa: A004
from models.grain import add_cells, cells_by_model, earned_cells
from models.markov import TransitionSum, markov_transition_effects, markov_transitions, markov_weight
from models.shapley import shapley_weight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Future

    from models.register import Rule

T = TypeVar("T")

REFUNDED = 10  # one order of so many
REFERENCE = ("notes", "windows", "reach")


def side_by_side(work: Callable[[Path], T], parts: Iterable[Path]) -> Iterator[T]:
    """`work` of one part after the other, two of them at a time: what polars does on one core leaves the other idle."""
    with ThreadPoolExecutor(2) as threads:
        waiting: deque[Future[T]] = deque()
        for part in parts:
            waiting.append(threads.submit(work, part))
            if len(waiting) > 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def buckets(folder: Path) -> list[Path]:
    return sorted(folder.glob("touches-*.parquet"))


def beside(part: Path, name: str) -> Path:
    return part.with_name(part.name.replace("touches", name))


def found_journeys(part: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The journeys of one bucket, stored, and its orders."""
    notes, windows, reach = (pl.read_parquet(part.with_name(f"{name}.parquet")) for name in REFERENCE)
    orders = pl.read_parquet(beside(part, "conversions"))
    found = journeys(pl.read_parquet(part), orders, notes, windows, reach=reach)
    found.write_parquet(beside(part, "journeys"), compression="lz4")
    return found, orders


def journeys_alone(folder: Path) -> int:
    return sum(side_by_side(lambda part: found_journeys(part)[0].height, buckets(folder)))


def everything(folder: Path) -> pl.DataFrame:
    transitions, sums = TransitionSum(), RunningSum(add_cells)
    for one in side_by_side(lambda part: transitions_of(*found_journeys(part)), buckets(folder)):
        transitions.add(one)
    effects = markov_transition_effects(transitions.result())
    models = {**RULES, "shapley": shapley_weight, "markov": partial(markov_weight, effects=effects)}
    for one in side_by_side(partial(cells_of, models=models), buckets(folder)):
        sums.add(one)
    earned = cells_by_model(sums.result(), models=models)
    notes, windows, spend = (pl.read_parquet(folder / f"{name}.parquet") for name in ("notes", "windows", "spend"))
    return returns(earned, spend, notes, windows, level="category", models=models, as_of=LAST_DATE)


def cells_of(part: Path, *, models: Mapping[str, Rule]) -> pl.DataFrame:
    """What the stored journeys of one bucket earned."""
    found, orders = pl.read_parquet(beside(part, "journeys")), pl.read_parquet(beside(part, "conversions"))
    refunds = orders.gather_every(REFUNDED).select(
        "conversion_id", refund_date="paid_date", refund_fen="paid_fen", borne_by=pl.lit("brand")
    )
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
