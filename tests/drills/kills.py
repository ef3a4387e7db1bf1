"""kill -9 at random moments of a run, as often as wanted, and then a run that nobody disturbs.

    python -m tests.drills.kills [--kills 100] [--seed 7] [--whole]

A shop has run for some weeks; then a week's files land, late and restated ones among them. The run over them is killed
at a moment drawn within a drawn stage, one to three times in a row, and run again. After each kill the published
version is whole: the one before, or the one after. After the last run every table, of the private warehouse and of what
is published, holds row for row what a run holds that was never killed. Prints the kills of each stage and the rows that
differ. With `--whole` the run is that of the command line, with Dagster, checks and reports.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from benchmarks.measuring import table
from pipelines.home import Home
from tests.compared import contents, differing
from tests.drills.days import FIRST, Shop
from tests.drills.steps import STAGES, run_steps, stage_of

ROOT = Path(__file__).resolve().parents[2]
BEFORE, DAYS = 25, 32
WEEK = (FIRST + timedelta(BEFORE), FIRST + timedelta(DAYS - 1))


@dataclass
class Figures:
    """How many kills struck in each stage, what was published after them, and the tables that differed in the end."""

    kills: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)
    resumed: int = 0
    differing: list[str] = field(default_factory=list)

    def lines(self) -> list[tuple[object, ...]]:
        return [
            *((f"killed in {stage}", self.kills[stage]) for stage in STAGES),
            ("killed in all", self.kills.total()),
            *((f"published then: {which}", count) for which, count in sorted(self.published.items())),
            ("runs to the end, compared row for row", self.resumed),
            ("tables that differ", len(self.differing)),
        ]


class Drill:
    """A home in which weeks have run, the files of one more, and what an undisturbed run makes of them."""

    def __init__(self, folder: Path, *, whole: bool = False) -> None:
        self.folder, self.landing, self.whole = folder, folder / "landing", whole
        self.base, shop = folder / "base", Shop(folder / "landing")
        for day in range(BEFORE):
            shop.land(day)
        self.run(self.base, first=FIRST, last=WEEK[0] - timedelta(1))
        for day in range(BEFORE, DAYS):
            shop.land(day)
        undisturbed = self.copy("undisturbed")
        self.lengths = self.run(undisturbed)
        self.before, self.after = contents(published(self.base)), contents(published(undisturbed))
        self.wanted = {level: contents(file) for level, file in files(undisturbed).items()}
        if not differing(self.before, self.after):
            raise AssertionError("the week's files change nothing, so nothing is drilled")

    def copy(self, name: str) -> Path:
        return shutil.copytree(self.base, self.folder / name, symlinks=True)

    def begin(self, home: Path, first=WEEK[0], last=WEEK[1]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.drills.kills", "--work", str(first), str(last), *["--whole"] * self.whole],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"REDCAT_HOME": str(home), "REDCAT_LANDING": str(self.landing),
                              "REDCAT_SECRET": "of the drill only", "REDCAT_SETTLE_SECONDS": "0"},
        )  # fmt: skip

    def run(self, home: Path, **dates) -> dict[str, float]:
        """Run to the end; the seconds of each stage."""
        with self.begin(home, **dates) as process:
            marks = [(line.strip(), time.monotonic()) for line in process.stdout]
        if process.returncode or not marks or marks[-1][0] != "end":
            raise AssertionError(f"a run that nobody disturbs ended with {process.returncode}")
        return {stage: end - begin for (stage, begin), (_, end) in pairwise(marks)}

    def kill(self, home: Path, draw: random.Random) -> str | None:
        """Begin a run and kill it; the stage in which it was, None when it ended before."""
        stage = draw.choice(STAGES)
        wait = draw.uniform(0, self.lengths[stage])
        with self.begin(home) as process:
            for line in process.stdout:
                if line.strip() == stage:
                    break
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            rest = [line.strip() for line in process.stdout]
        if process.returncode != -signal.SIGKILL:
            return None
        return rest[-1] if rest and rest[-1] in STAGES else stage

    def which(self, home: Path) -> str:
        """Which version is published."""
        found = contents(published(home))
        return "before" if found == self.before else "after" if found == self.after else "NEITHER"


def published(home: Path) -> Path:
    return home / "published" / "analyst.duckdb"


def files(home: Path) -> dict[str, Path]:
    """Everything that a run leaves behind."""
    levels = {level: home / "published" / f"{level}.duckdb" for level in ("analyst", "marketer")}
    return levels | {"private": Home(home).warehouse}


def drill(folder: Path, kills: int, seed: int, *, whole: bool = False) -> Figures:
    """Kill runs until there are as many kills as wanted, and compare after every one to three of them."""
    drill, draw, figures = Drill(folder, whole=whole), random.Random(seed), Figures()
    while figures.kills.total() < kills:
        home = drill.copy("home")
        for _ in range(min(draw.randint(1, 3), kills - figures.kills.total())):
            stage = drill.kill(home, draw)
            if stage is not None:
                figures.kills[stage] += 1
                figures.published[drill.which(home)] += 1
        drill.run(home)
        wrong = [
            f"{level} {name}"
            for level, wanted in drill.wanted.items()
            for name in differing(contents(files(home)[level]), wanted)
        ]
        figures.resumed += 1
        figures.differing += wrong
        print(f"{figures.kills.total()} kills, {figures.resumed} runs compared, {len(figures.differing)} tables differ",
              *wrong, flush=True)  # fmt: skip
        shutil.rmtree(home)
    return figures


def work(first: str, last: str, *, whole: bool) -> None:
    """The run that is killed; says in which stage it is."""
    from datetime import date

    def say(stage: str) -> None:
        print(stage, flush=True)

    home, dates = Home.from_environment().create(), (date.fromisoformat(first), date.fromisoformat(last))
    if whole:
        from pipelines.run import run_range

        failures = run_range(home, *dates, shown=Stages()).failures
        if failures:
            raise SystemExit("; ".join(failures))
    else:
        run_steps(home, *dates, say)
    say("end")


class Stages:
    """Says of each step of a whole run which stage it begins."""

    now = ""

    def step(self, name: str) -> None:
        if (stage := stage_of(name)) != self.now:
            self.now = stage
            print(stage, flush=True)

    def detail(self, text: str) -> None:
        """Nothing more is told."""


def main(kills: int = 100, seed: int = 7, *, whole: bool = False) -> int:
    """Print the figures; how many tables differed."""
    with tempfile.TemporaryDirectory() as folder:
        figures = drill(Path(folder), kills, seed, whole=whole)
    print(table(("kill -9", "count"), figures.lines()))
    return len(figures.differing) + figures.published["NEITHER"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--work", nargs=2, metavar=("FIRST", "LAST"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work, whole=options.whole)
    else:
        raise SystemExit(min(main(options.kills, options.seed, whole=options.whole), 1))
