"""Journeys against their floor: a bare DuckDB join and sort of the same rows, from the same Parquet files.

    python benchmarks/journeys.py [--touches 10000000 --conversions 200000 --buckets 16]

Both start from touches that lie in one Parquet file per bucket of users. `redcat` runs the whole step, bucket by
bucket: match by user key and click id, brand, scope, windows with an override, duplicates, touch order, position.
`floor` only joins on the user key inside 30 days and sorts. Each runs in a process of its own, so that its peak
memory is its own; they take turns and the best of the repeats counts.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from models.journeys import KINDS, journeys

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 86_400_000_000
START = datetime(2026, 6, 1, tzinfo=UTC)
LANES = ("exchange_link", "seeding", "in_app", "live", "local")
CATEGORIES = ("facial_serum", "sunscreen", "lipstick", "baby_food", "probiotics")
INSTANT = pl.Datetime("us", "UTC")


def synthesise(folder: Path, touches: int, conversions: int, buckets: int, notes: int = 20_000) -> None:
    """A market of 90 days: about seven touches in the 30 days before a conversion. All windows are 30 days."""
    rng = np.random.default_rng(20260910)
    users = rng.integers(-(2**63), 2**63 - 1, max(touches // 20, 1))
    note_ids = np.array([f"{value:024x}" for value in rng.integers(0, 2**63, notes)])
    products = [f"p{number}" for number in range(200)]
    pl.DataFrame(
        {
            "note_id": note_ids,
            "brand": "A",
            "lane": rng.choice(LANES, notes),
            "category": rng.choice(CATEGORIES, notes),
            "product_ids": [list(pair) for pair in rng.choice(products, (notes, 2))],
        }
    ).write_parquet(folder / "notes.parquet")
    windows = [(lane, kind, category) for lane in LANES for kind in KINDS for category in (None, "baby_food")]
    pl.DataFrame(windows, schema=["lane", "kind", "category"], orient="row").with_columns(
        window=pl.duration(days=30)
    ).write_parquet(folder / "windows.parquet")

    def instants(count: int, first: int, days: int) -> pl.Series:
        return pl.Series(rng.integers(0, days * DAY, count) + first * DAY) + int(START.timestamp() * 1_000_000)

    kind = rng.choice(3, touches, p=(0.8, 0.15, 0.05))
    all_touches = pl.DataFrame(
        {
            "note_id": note_ids[rng.integers(0, notes, touches)],
            "user_key": users[rng.integers(0, len(users), touches)],
            "touched_at": instants(touches, 0, 90),
            "kind": np.array(KINDS)[kind],
        }
    ).with_columns(
        pl.col("touched_at").cast(INSTANT),
        click_id=pl.when(pl.col("kind") == "click").then(pl.format("c{}", pl.int_range(pl.len()))),
    )
    orders = pl.DataFrame(
        {
            "conversion_id": [f"tmall-{number:010d}-1" for number in range(conversions)],
            "user_key": users[rng.integers(0, len(users), conversions)],
            "paid_at": instants(conversions, 30, 60),
            "brand": "A",
            "category": rng.choice(CATEGORIES, conversions),
            "product_id": rng.choice(products, conversions),
        }
    ).with_columns(pl.col("paid_at").cast(INSTANT), click_id=pl.lit(None, pl.String))
    for name, frame in (("touches", all_touches), ("conversions", orders)):
        bucketed = frame.with_columns(bucket=pl.col("user_key") % buckets)
        for key, part in bucketed.partition_by("bucket", as_dict=True, include_key=False).items():
            part.write_parquet(folder / f"{name}-{key[0]}.parquet")


def redcat(folder: Path) -> int:
    """The whole step, one bucket after the other; the journeys are kept."""
    notes, windows = (pl.read_parquet(folder / f"{name}.parquet") for name in ("notes", "windows"))
    kept = []
    for part in sorted(folder.glob("touches-*.parquet")):
        conversions = pl.read_parquet(folder / part.name.replace("touches", "conversions"))
        kept.append(journeys(pl.read_parquet(part), conversions, notes, windows))
    return sum(frame.height for frame in kept)


def floor(folder: Path) -> int:
    """The same rows by a bare join and sort; the result is kept as a table."""
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    connection.execute(
        f"""
        CREATE TABLE journeys AS
        SELECT conversion_id, note_id, kind, touched_at, paid_at - touched_at AS age
        FROM '{folder}/touches-*.parquet' JOIN '{folder}/conversions-*.parquet' USING (user_key)
        WHERE touched_at < paid_at AND touched_at >= paid_at - INTERVAL 30 DAY
        ORDER BY conversion_id, touched_at, kind, note_id
        """
    )
    return int(connection.sql("SELECT count(*) FROM journeys").fetchall()[0][0])


def measured(contender: Callable[[Path], int], folder: Path) -> tuple[float, float, int]:
    """Seconds, peak gigabytes of this process, and rows."""
    start = time.perf_counter()
    rows = contender(folder)
    seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, rows


def alone(function: Callable[..., Any], *arguments: object) -> Any:
    """Run in a new process, so that peak memory is the function's own: this one stays small."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--touches", type=int, default=10_000_000)
    parser.add_argument("--conversions", type=int, default=200_000)
    parser.add_argument("--buckets", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone(synthesise, folder, options.touches, options.conversions, options.buckets)
        runs = [(how, alone(measured, how, folder)) for _ in range(options.repeats) for how in (floor, redcat)]
    results = {how.__name__: min(run for of, run in runs if of is how) for how in (floor, redcat)}
    base = results["floor"][0]
    print(f"{options.touches:,} touches × {options.conversions:,} conversions, {options.buckets} buckets")
    print("| how | seconds | peak GB | rows | ratio |\n|---|---|---|---|---|")
    for how, (seconds, gigabytes, rows) in results.items():
        print(f"| {how} | {seconds:.2f} | {gigabytes:.2f} | {rows:,} | {seconds / base:.2f} |")


if __name__ == "__main__":
    main()
