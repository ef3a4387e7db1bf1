"""Many days in a row, one run a day, all in one process.

    python -m tests.drills.soak [--days 365] [--whole-every 1]

A whole run is that of the scheduler: Dagster, checks and reports. With `--whole-every 30` only every 30th day has one;
on the others the same steps follow one another without Dagster, in a fifth of the time. Every day brings files, late
and restated ones among them. After each run the published warehouse must add up to what has landed, to the fen, for
every model. Prints a line for each month: memory must stay flat, and the size of what is published must grow with its
rows.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from benchmarks.measuring import table
from pipelines.home import Home
from tests.drills.days import FIRST, Shop
from tests.drills.steps import run_steps

if TYPE_CHECKING:
    from datetime import date

PAGE = os.sysconf("SC_PAGE_SIZE")
HEAD = ("days", "seconds a day", "memory, MB", "rows", "warehouse, MB", "published, MB", "Dagster, MB", "wrong sums")
SUMS = """
    SELECT model, total_gmv, credited_gmv + unattributed_gmv, total_refunds FROM mart.reconciliation ORDER BY model"""


@dataclass(frozen=True)
class Month:
    """What was measured at the end of a stretch of days."""

    days: int
    seconds: float
    memory: float
    rows: int
    warehouse: float
    published: float
    dagster: float
    wrong: list[str]

    def line(self) -> tuple[str, ...]:
        sizes = (f"{size:.1f}" for size in (self.warehouse, self.published, self.dagster))
        return (
            str(self.days), f"{self.seconds:.2f}", f"{self.memory:.0f}", f"{self.rows:,}", *sizes, str(len(self.wrong))
        )  # fmt: skip


def soak(folder: Path, days: int, *, whole_every: int = 1, every: int = 30) -> list[Month]:
    """Land and run one day after the other; what was measured after each `every` of them, and at the end."""
    os.environ |= {
        "REDCAT_HOME": str(folder / "home"), "REDCAT_SECRET": "of the drill only", "REDCAT_SETTLE_SECONDS": "0",
    }  # fmt: skip
    home = Home.from_environment().create()
    shop, months, wrong, begun, since = Shop(home.landing), [], [], time.perf_counter(), 0
    for day in range(days):
        shop.land(day)
        is_whole = (day + 1) % whole_every == 0
        failures = (whole_run if is_whole else steps_alone)(home, FIRST + timedelta(day))
        wrong += [f"day {day}: {told}" for told in (failures or differences(home.published, shop))]
        if (day + 1) % every == 0 or day + 1 == days:
            seconds = (time.perf_counter() - begun) / (day + 1 - since)
            months.append(_measured(home, day + 1, seconds, wrong))
            print(" | ".join(months[-1].line()), flush=True)
            wrong, begun, since = [], time.perf_counter(), day + 1
    return months


def whole_run(home: Home, day: date) -> list[str]:
    """What the scheduler runs; returns why it failed."""
    from pipelines.run import run_range

    return run_range(home, day, day).failures


def steps_alone(home: Home, day: date) -> list[str]:
    """The steps of a run that write the warehouse, without Dagster, checks and reports."""
    run_steps(home, day, day)
    return []


def differences(published: Path, shop: Shop) -> list[str]:
    """Where what is published does not add up to what has landed."""
    wanted = (sum(shop.paid.values()), sum(shop.paid.values()), shop.refunded)
    with duckdb.connect(published, read_only=True) as connection:
        sums = connection.execute(SUMS).fetchall()
        wrong = [f"{model}: {found}, and {wanted} landed" for model, *found in sums if tuple(found) != wanted]
        (spent,) = connection.execute("SELECT sum(spend) FROM mart.spend_daily").fetchall()[0]
        rows = {f: connection.execute(f"SELECT count(*) FROM raw.{f}").fetchall()[0][0] for f in shop.rows}
    if not sums:
        wrong.append("mart.reconciliation is empty")
    if spent != shop.spent:
        wrong.append(f"spend: {spent}, and {shop.spent} landed")
    return wrong + [f"raw.{f}: {rows[f]} rows, and {n} landed" for f, n in shop.rows.items() if rows[f] != n]


def _measured(home: Home, days: int, seconds: float, wrong: list[str]) -> Month:
    with duckdb.connect(home.published, read_only=True) as connection:
        (rows,) = connection.execute("SELECT sum(estimated_size)::BIGINT FROM duckdb_tables()").fetchall()[0]
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6
    dagster = sum(p.stat().st_size for p in home.dagster.rglob("*") if p.is_file()) / 1e6
    sizes = (home.warehouse.stat().st_size / 1e6, home.published.stat().st_size / 1e6)
    return Month(days, seconds, memory, rows, *sizes, dagster, wrong)


def main(days: int = 365, whole_every: int = 1) -> int:
    """Print the table; how many sums were wrong."""
    with tempfile.TemporaryDirectory() as folder:
        months = soak(Path(folder), days, whole_every=whole_every)
    print(table(HEAD, [month.line() for month in months]))
    wrong = [told for month in months for told in month.wrong]
    print("\n".join(wrong[:20]))
    return len(wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--whole-every", type=int, default=1)
    raise SystemExit(min(main(**vars(parser.parse_args())), 1))
