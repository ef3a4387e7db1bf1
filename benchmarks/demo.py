"""The whole demo against a bare DuckDB join and sort of the rows that it takes in.

    python -m benchmarks.demo [--size m]

`redcat demo` generates the landing files, reads, checks and stores them, runs every asset and publishes. The floor
reads impressions, clicks and orders of the same landing rows from Parquet, joins them by user inside 30 days and sorts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.measuring import alone, table, timed
from pipelines.home import Home

FEEDS = {
    "note_impressions": "note_id, user_key, occurred_at AS touched_at, 'impression' AS kind",
    "link_clicks": "note_id, user_key, occurred_at AS touched_at, 'click' AS kind",
    "shop_conversions": "channel || '|' || order_id || '|' || line_no AS conversion_id, user_key, paid_at",
}


def demo(home: Path, size: str) -> None:
    environment = os.environ | {"REDCAT_HOME": str(home), "REDCAT_SETTLE_SECONDS": "0"}
    subprocess.run(
        [sys.executable, "-m", "pipelines", "demo", "--size", size, "--no-week"],
        env=environment,
        capture_output=True,
        check=True,
    )


def copied(home: Path, folder: Path) -> int:
    """The landed rows as Parquet."""
    rows = 0
    with duckdb.connect() as connection:
        warehouse = Home(home).warehouse
        connection.execute(f"ATTACH '{warehouse}' AS warehouse (READ_ONLY)")
        for feed, columns in FEEDS.items():
            connection.execute(f"COPY (SELECT {columns} FROM warehouse.raw.{feed}) TO '{folder}/{feed}.parquet'")
            rows += int(connection.execute(f"SELECT count(*) FROM '{folder}/{feed}.parquet'").fetchall()[0][0])
    return rows


def floor(folder: Path) -> int:
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            CREATE TABLE journeys AS
            SELECT conversion_id, note_id, kind, touched_at, paid_at - touched_at AS age
            FROM (FROM '{folder}/note_impressions.parquet' UNION ALL FROM '{folder}/link_clicks.parquet')
            JOIN '{folder}/shop_conversions.parquet' USING (user_key)
            WHERE touched_at < paid_at AND touched_at >= paid_at - INTERVAL 30 DAY
            ORDER BY conversion_id, touched_at, kind, note_id
            """
        )
        return int(connection.execute("SELECT count(*) FROM journeys").fetchall()[0][0])


def main(size: str = "m") -> str:
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name) / "home", Path(name)
        whole = alone(timed, demo, home, size)
        rows = alone(copied, home, folder)
        base = alone(timed, floor, folder)
    return f"size {size}: {rows:,} impressions, clicks and order lines, {base.result:,} pairs\n\n" + table(
        ("how", "seconds", "ratio"),
        [
            ("bare join and sort", f"{base.seconds:.2f}", "1"),
            ("whole demo", f"{whole.seconds:.1f}", f"{whole.seconds / base.seconds:.0f}"),
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("s", "m", "l"), default="m")
    print(main(**vars(parser.parse_args())))
