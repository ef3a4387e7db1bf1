"""Journeys against their floor: a bare DuckDB join and sort of the same rows, from the same Parquet files.

    python -m benchmarks.journeys [--touches 10000000 --conversions 200000 --buckets 16]

Both start from touches that lie in one Parquet file per bucket of users. `redcat` runs the whole step, bucket by
bucket: match by user key and click id, brand, scope, reach of the lane, windows with an override, duplicates, touch
order, position.
`floor` only joins on the user key inside 30 days and sorts. Each runs in a process of its own, so that its peak
memory is its own; they take turns and the best of the repeats counts.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.measuring import alone, table, timed
from benchmarks.stored import synthesise
from models import journeys


def redcat(folder: Path) -> int:
    """The whole step, one bucket after the other; the journeys are kept."""
    notes, windows, reach = (pl.read_parquet(folder / f"{name}.parquet") for name in ("notes", "windows", "reach"))
    kept = []
    for part in sorted(folder.glob("touches-*.parquet")):
        conversions = pl.read_parquet(folder / part.name.replace("touches", "conversions"))
        kept.append(journeys(pl.read_parquet(part), conversions, notes, windows, reach=reach))
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


def main(touches: int = 10_000_000, conversions: int = 200_000, buckets: int = 16, repeats: int = 3) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        alone(synthesise, folder, touches, conversions, buckets)
        runs = [(how, alone(timed, how, folder)) for _ in range(repeats) for how in (floor, redcat)]
    best = {how: min((run for of, run in runs if of is how), key=lambda run: run.seconds) for how in (floor, redcat)}
    base = best[floor].seconds
    rows = [
        (how.__name__, f"{run.seconds:.2f}", f"{run.gigabytes:.2f}", f"{run.result:,}", f"{run.seconds / base:.2f}")
        for how, run in best.items()
    ]
    return f"{touches:,} touches × {conversions:,} conversions, {buckets} buckets of users\n\n" + table(
        ("how", "seconds", "peak GB", "rows", "ratio"), rows
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--touches", type=int, default=10_000_000)
    parser.add_argument("--conversions", type=int, default=200_000)
    parser.add_argument("--buckets", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    print(main(**vars(parser.parse_args())))
