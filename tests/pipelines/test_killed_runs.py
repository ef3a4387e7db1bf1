"""A run that is killed at any stage leaves nothing behind that the next run does not put right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.compared import contents, differing
from tests.pipelines.conftest import ROOT, Redcat
from tests.pipelines.test_recomputation import everything_landed

if TYPE_CHECKING:
    from pathlib import Path

DATES = ("--from", "2026-09-01", "--to", "2026-10-10")

# Where the process is killed: a function of a module, at its n-th call, before it does its work.
STAGES = {
    "in the third file of the intake": ("pipelines.intake.ingest", "store", 3),
    "between two feeds": ("pipelines.assets.feeds", "check_results", 4),
    "after the touches were made": ("pipelines.core.make", "settle_dates", 1),
    "in the journeys": ("pipelines.core.attributed", "settle_dates", 1),
    "in the credits": ("pipelines.core.attributed", "settle_dates", 2),
    "in the third mart": ("pipelines.assets.marts", "store_mart", 3),
    "before the new version is the current one": ("pipelines.publish", "_link", 1),
}

KILLER = """
import importlib, os, signal, sys
place, name, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.argv = ["redcat", *sys.argv[4:]]
module = importlib.import_module(place)
original, left = getattr(module, name), [calls]
def killed(*arguments, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **options)
setattr(module, name, killed)
from pipelines.cli import main
main()
"""


def environment(home: Path) -> dict[str, str]:
    return os.environ | {
        "REDCAT_HOME": str(home),
        "REDCAT_SECRET": "the same in every home",
        "REDCAT_SETTLE_SECONDS": "0",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[object, ...]]]:
    """A landing folder, and what a run over it that nobody disturbs gives."""
    folder = tmp_path_factory.mktemp("undisturbed")
    everything_landed(folder / "landing")
    Redcat(folder / "home")("run", "--landing", str(folder / "landing"), *DATES, REDCAT_SECRET="the same in every home")
    return folder / "landing", contents(folder / "home" / "published" / "analyst.duckdb")


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_the_next_run_ends_where_an_undisturbed_one_does(undisturbed, tmp_path: Path, stage: str) -> None:
    landing, expected = undisturbed
    home = tmp_path / "home"
    command = ["run", "--landing", str(landing), *DATES]
    place, name, calls = STAGES[stage]
    killed = subprocess.run(
        [sys.executable, "-c", KILLER, place, name, str(calls), *command],
        env=environment(home), capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    assert not (home / "published" / "analyst.duckdb").exists()
    Redcat(home)(*command, REDCAT_SECRET="the same in every home")
    assert differing(contents(home / "published" / "analyst.duckdb"), expected) == []
    assert sorted(p.name for p in (home / "published").iterdir()) == [
        "analyst.duckdb",
        "current",
        "marketer.duckdb",
        "versions",
    ]


def test_a_killed_run_is_entered_as_cancelled_and_holds_no_pool(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "landing").mkdir(parents=True)
    command = ["run", "--from", "2026-09-01", "--to", "2026-09-01"]
    place, name, calls = STAGES["in the third mart"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLER, place, name, str(calls), *command],
        env=environment(home), capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    Redcat(home)(*command)
    code = "import dagster as dg; print(sorted(r.status.value for r in dg.DagsterInstance.get().get_runs()))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True,
        env=environment(home) | {"DAGSTER_HOME": str(home / "dagster")},
    )  # fmt: skip
    assert found.stdout.strip() == "['CANCELED', 'SUCCESS']"
