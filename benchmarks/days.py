"""What a day costs after 40 days of history, and after 400: the ratio should stay near 1.

    python -m benchmarks.days [--early 40] [--late 400] [--rows 20000]

Every day has its files, of the same size. The days before are taken in as one run; then three days follow one by one,
each as a run of its own, and the middle of their seconds counts. Steps are those of Dagster, in this process.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

from benchmarks.measuring import alone, table

FIRST = date(2025, 9, 1)
DAYS_MEASURED = 3
NOTES, ORDERS_PER_ROW = 200, 20


def land(landing: Path, day: int, rows: int) -> None:
    """The files of one day: impressions and clicks of users, orders of a part of them, spend on every note."""
    random = np.random.default_rng((11, day))
    start, users = FIRST + timedelta(day), rows
    exported = f"{start + timedelta(1)} 06:00:00"
    # Spread over the whole day, and over users who come back.
    seconds = np.sort(random.integers(0, 86_400, rows))
    at = [f"{start} {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds.tolist()]
    user = [f"u{u}" for u in random.integers(0, users, rows).tolist()]
    note = [f"n{n:03d}" for n in random.integers(0, NOTES, rows).tolist()]
    seen = pl.DataFrame({"note_id": note, "user_id": user, "occurred_at": at}).with_columns(payer=pl.lit("brand"))
    sold = rows // ORDERS_PER_ROW
    orders = pl.DataFrame({"user_id": user[:sold], "paid_at": at[::ORDERS_PER_ROW][:sold]}).with_columns(
        channel=pl.lit("tmall"), line_no=pl.lit("1"), brand=pl.lit("b"), paid_amount=pl.lit("99.90"),
        order_id=pl.format("o{}-{}", pl.lit(day), pl.int_range(pl.len())), currency=pl.lit("CNY"),
        category=pl.lit("lipstick"),
    )  # fmt: skip
    spend = pl.DataFrame({"note_id": [f"n{n:03d}" for n in range(NOTES)]}).with_columns(
        spend_id=pl.format("s{}-{}", pl.lit(day), "note_id"), spend_date=pl.lit(str(start)), kind=pl.lit("ads"),
        payer=pl.lit("brand"), amount=pl.lit("12.34"), currency=pl.lit("CNY"),
    )  # fmt: skip
    for feed, frame in {"note_impressions": seen, "shop_conversions": orders, "note_spend": spend}.items():
        (landing / feed).mkdir(parents=True, exist_ok=True)
        frame.with_columns(exported_at=pl.lit(exported)).write_csv(landing / feed / f"{start}.csv")


def notes(landing: Path) -> None:
    (landing / "notes").mkdir(parents=True)
    pl.DataFrame({"note_id": [f"n{n:03d}" for n in range(NOTES)]}).with_columns(
        brand=pl.lit("b"), creator_id=pl.lit("c"), published_at=pl.lit(f"{FIRST} 00:00:01"),
        category=pl.lit("lipstick"), lane=pl.lit("seeding"), exported_at=pl.lit(f"{FIRST} 06:00:00"),
    ).write_csv(landing / "notes" / "notes.csv")  # fmt: skip


def run(first: int, last: int) -> tuple[float, dict[str, float]]:
    """Seconds of one run in this process, and of each of its steps."""
    import dagster as dg

    from pipelines.definitions import defs
    from pipelines.partitions import range_tags

    with dg.DagsterInstance.ephemeral() as instance:
        start = time.perf_counter()
        done = defs.resolve_job_def("everything").execute_in_process(
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags=range_tags(FIRST + timedelta(first), FIRST + timedelta(last)),
        )
        seconds = time.perf_counter() - start
    steps = {e.step_key: e.step_success_data.duration_ms / 1000 for e in done.all_events if e.is_step_success}
    return seconds, steps


def measured(home: str, rows: int, history: range) -> tuple[float, dict[str, float], float]:
    """Take the history in as one run, then three more days; the median of their seconds, in all and by step."""
    os.environ |= {"REDCAT_HOME": home, "REDCAT_SECRET": "of the benchmark only", "REDCAT_SETTLE_SECONDS": "0"}
    from pipelines.home import Home

    place = Home(Path(home)).create()
    if not (place.landing / "notes").exists():
        notes(place.landing)
    for day in history:
        land(place.landing, day, rows)
    run(history.start, history.stop - 1)
    found = []
    for day in range(history.stop, history.stop + DAYS_MEASURED):
        land(place.landing, day, rows)
        found.append(run(day, day))
    steps = {name: median(by[name] for _, by in found) for name in found[0][1]}
    return median(seconds for seconds, _ in found), steps, place.warehouse.stat().st_size / 1e6


def main(early: int = 40, late: int = 400, rows: int = 20_000) -> str:
    with tempfile.TemporaryDirectory() as home:
        before = alone(measured, home, rows, range(early - DAYS_MEASURED + 1))
        after = alone(measured, home, rows, range(early + 1, late - DAYS_MEASURED + 1))
    head = f"{rows:,} impressions and {rows // ORDERS_PER_ROW:,} orders a day, a file for each feed and day\n\n"
    grown = sorted(after[1], key=lambda name: before[1].get(name, 0) - after[1][name])[:8]
    lines = [("whole run", f"{before[0]:.2f}", f"{after[0]:.2f}", f"{after[0] / before[0]:.2f}")]
    lines += [
        (name, f"{before[1][name]:.2f}", f"{after[1][name]:.2f}", f"{after[1][name] / max(before[1][name], 1e-3):.2f}")
        for name in grown
    ]
    lines.append(("warehouse, MB", f"{before[2]:.0f}", f"{after[2]:.0f}", f"{after[2] / before[2]:.2f}"))
    return head + table(("seconds of a day's run", f"day {early}", f"day {late}", "ratio"), lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--early", type=int, default=40)
    parser.add_argument("--late", type=int, default=400)
    parser.add_argument("--rows", type=int, default=20_000)
    print(main(**vars(parser.parse_args())))
