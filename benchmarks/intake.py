"""Taking in a day of a large brand, against DuckDB's own CSV reader on the same files.

    python -m benchmarks.intake [--rows 5000000 --orders 50000]

Twenty files of impressions and one of orders are read, keyed, judged, audited by Great Expectations and put into a new
warehouse; then the same impressions as one file. The floor reads the same files with DuckDB's CSV reader, its types
found by itself, into tables of a new database. The rows are those of events; raw user ids become keyed hashes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.measuring import Run, alone, table, timed

FILES = 20
FEEDS = ("note_impressions", "shop_conversions")
DAY = np.datetime64("2026-09-01T00:00:00", "ms")
NOTES = 5_000  # 24 hexadecimal digits each, as the exports have them


def written(landing: Path, rows: int, orders: int) -> int:
    """The landing files; returns their bytes."""
    rng = np.random.default_rng(7)
    for feed in FEEDS:
        (landing / feed).mkdir(parents=True)
    notes = pl.Series([rng.bytes(12).hex() for _ in range(NOTES)])
    for number in range(FILES):
        _impressions(rng, notes, rows // FILES).write_csv(landing / "note_impressions" / f"{number:02d}.csv")
    _orders(rng, orders).write_csv(landing / "shop_conversions" / "orders.csv")
    return sum(path.stat().st_size for path in landing.rglob("*.csv"))


def joined(landing: Path, whole: Path) -> None:
    """The files of impressions as one file of another landing folder."""
    for feed in FEEDS:
        (whole / feed).mkdir(parents=True)
    with (whole / "note_impressions" / "all.csv").open("wb") as file:
        for number, path in enumerate(sorted((landing / "note_impressions").glob("*.csv"))):
            content = path.read_bytes()
            file.write(content if number == 0 else content[content.index(b"\n") + 1 :])


def _times(rng: np.random.Generator, count: int) -> pl.Expr:
    seconds = rng.integers(0, 86_400, count).astype("timedelta64[s]").astype("timedelta64[ms]")
    return pl.Series(DAY + seconds).dt.strftime("%Y-%m-%d %H:%M:%S")


def _impressions(rng: np.random.Generator, notes: pl.Series, count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "note_id": notes.gather(rng.integers(0, NOTES, count)),
            "user_id": pl.Series(rng.integers(0, max(count // 2, 1), count)).cast(pl.String).str.zfill(12),
            "occurred_at": _times(rng, count),
            "payer": np.where(rng.random(count) < 0.7, "brand", "platform"),
            "exported_at": "2026-09-02 06:00:00",
        }
    )


def _orders(rng: np.random.Generator, count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "channel": "tmall",
            "order_id": pl.Series(np.arange(count) * 10 + 4_000_000_000_000_000_001).cast(pl.String),
            "line_no": "1",
            "brand": "花间",
            "user_id": pl.Series(rng.integers(0, count, count)).cast(pl.String).str.zfill(12),
            "paid_at": _times(rng, count),
            "paid_amount": pl.Series(rng.integers(100, 100_000, count) / 100),
            "currency": "CNY",
            "category": "lipstick",
            "exported_at": "2026-09-02 06:00:00",
        }
    )


def taken_in(landing: Path, folder: Path) -> Run:
    """Rows accepted by the intake as `redcat run` does it, once the program has started."""
    os.environ["REDCAT_SETTLE_SECONDS"] = "0"
    os.environ["REDCAT_HOME"] = str(folder)
    # The program: takes seconds, once for all files.
    import great_expectations.expectations  # noqa: F401

    import pipelines.checks
    import pipelines.intake.ingest  # noqa: F401

    return timed(intake, landing, folder)


def intake(landing: Path, folder: Path) -> int:
    from pipelines.checks import auditor
    from pipelines.intake.ingest import ingest_feed
    from pipelines.warehouse import open_warehouse

    audit, accepted = auditor(), 0
    with open_warehouse(folder / "warehouse.duckdb") as connection:
        for feed in FEEDS:
            for report in ingest_feed(connection, landing, feed, secret=b"a key of benchmarks", audit=audit):
                accepted += report.accepted
    return accepted


def floor(landing: Path, folder: Path) -> int:
    """Rows that DuckDB's reader puts into tables of a new database."""
    rows = 0
    with duckdb.connect(folder / "floor.duckdb") as connection:
        connection.execute("SET enable_progress_bar = false")
        for feed in FEEDS:
            for path in sorted((landing / feed).glob("*.csv")):
                name = f"{feed}_{path.stem}"
                connection.execute(f"CREATE TABLE {name} AS FROM read_csv('{path}')")
                rows += int(connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])
    return rows


def main(rows: int = 5_000_000, orders: int = 50_000) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, one = folder / "many", folder / "one"
        size = alone(written, many, rows, orders)
        alone(joined, many, one)
        measured = [
            *_measured(f"{FILES + 1} files", many, folder / "of many"),
            *_measured("one file", one, folder / "of one"),
        ]
    return f"{size / 1e6:,.0f} MB, {rows + orders:,} rows; one file: without the orders\n\n" + table(
        ("what", "how", "seconds", "rows a second", "share of DuckDB's", "CPU seconds", "share of DuckDB's", "GB"),
        measured,
    )


def _measured(what: str, landing: Path, folder: Path) -> list[tuple[str, ...]]:
    """A line of the table for DuckDB's reader, and one for the intake."""
    folder.mkdir()
    base, taken = alone(timed, floor, landing, folder), alone(taken_in, landing, folder)
    return [
        (
            what,
            how,
            f"{run.seconds:.1f}",
            f"{base.result / run.seconds:,.0f}",
            f"{base.seconds / run.seconds:.2f}",
            f"{run.cpu_seconds:.1f}",
            f"{base.cpu_seconds / run.cpu_seconds:.2f}",
            f"{run.gigabytes:.2f}",
        )
        for how, run in (("DuckDB's CSV reader", base), ("intake", taken))
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--orders", type=int, default=50_000)
    print(main(**vars(parser.parse_args())))
