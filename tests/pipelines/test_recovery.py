"""Killed at any moment, the intake goes on where it was, to the same state."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.pipelines.intake_files import IMPRESSION, SECRET, csv_bytes, land, orders, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FEEDS = ("note_impressions", "shop_conversions")
# Takes the feeds in and says so, before each file's rows are parted (in its transaction) and after its commit.
PROGRAM = """
import sys
from pathlib import Path
from pipelines.intake.ingest import ingest_feed
from pipelines.warehouse import open_warehouse

def audit(connection, table, feed):
    print("staged", flush=True)
    sys.stdin.readline()
    return []

with open_warehouse(Path(sys.argv[1])) as connection:
    for feed in sys.argv[3:]:
        for report in ingest_feed(connection, Path(sys.argv[2]), feed, secret=bytes.fromhex("SECRET"), audit=audit):
            print("done", flush=True)
            sys.stdin.readline()
print("end", flush=True)
""".replace("SECRET", SECRET.hex())


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six files with versions, repeats, refusals and a broken one."""
    folder = tmp_path_factory.mktemp("landing")
    for n in range(3):
        rows = [*orders(50, exported_at=f"2026-09-0{n + 2} 00:00:00", paid_amount=f"{n}"), *orders(1, paid_amount="x")]
        land(folder, f"shop_conversions/{n}.csv", csv_bytes(rows))
        seen = [IMPRESSION | {"user_id": f"u{u}"} for u in range(n * 20, n * 20 + 40)]
        land(folder, f"note_impressions/{n}.csv", csv_bytes(seen) + b"broken\n")
    land(folder, "note_impressions/x.csv.gz", b"\x1f\x8b cut")
    return folder


class Run:
    """The intake in a process of its own, which goes on when it is told to."""

    def __init__(self, warehouse: Path, landing: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(warehouse), str(landing), *FEEDS],
            cwd=ROOT,
            env=os.environ | {"REDCAT_SETTLE_SECONDS": "0", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def words(self) -> Iterator[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield line.strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> int:
        self.process.communicate()
        return self.process.returncode


def finish(warehouse: Path, landing: Path, *, killed_at: int | None = None, going_on: bool = False) -> int:
    """Run to the end, or to the given word, where the process is killed (while it goes on with the next step)."""
    run = Run(warehouse, landing)
    count = 0
    for word in run.words():
        if count == killed_at:
            if going_on:
                run.go_on()
            run.process.send_signal(signal.SIGKILL)
            assert run.end() == -signal.SIGKILL
            return count
        count += 1
        if word != "end":
            run.go_on()
    assert run.end() == 0
    return count


def state(warehouse: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(warehouse) as connection:
        return tables(connection)


@pytest.mark.slow
def test_killed_at_any_moment_it_resumes_to_the_same_state(tmp_path: Path, landing: Path) -> None:
    undisturbed = tmp_path / "undisturbed.duckdb"
    words = finish(undisturbed, landing)
    expected = state(undisturbed)
    assert len(expected["ops.files"]) == 7
    assert len(expected["raw.note_impressions"]) == 80
    assert len(expected["quarantine.shop_conversions"]) == 3
    for killed_at in range(words - 1):
        warehouse = tmp_path / f"{killed_at}.duckdb"
        finish(warehouse, landing, killed_at=killed_at, going_on=killed_at % 2 == 1)
        finish(warehouse, landing)
        assert state(warehouse) == expected, f"killed at word {killed_at}"


@pytest.mark.slow
def test_killed_before_a_commit_and_then_again(tmp_path: Path, landing: Path) -> None:
    warehouse, undisturbed = tmp_path / "killed.duckdb", tmp_path / "undisturbed.duckdb"
    finish(undisturbed, landing)
    for killed_at in (0, 2):
        finish(warehouse, landing, killed_at=killed_at)
    finish(warehouse, landing)
    assert state(warehouse) == state(undisturbed)
