"""Thousands of files that somebody could land, none of which is quite right.

    python -m tests.drills.fuzz [--files 10000] [--seed 7] [--only NUMBER]

Each is judged as `redcat check` judges it, and taken in as a run does, in a process that is ended when a file takes too
long. A file is either taken, and then its rows add up and none is lost, or refused with a plain message. Prints how
many of each format were taken and refused and why, and every failure with the number that makes it again.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import peak_gigabytes, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.connection import Connection

    import duckdb

    from pipelines.intake.check import CheckResult
    from tests.drills.mutants import Mutant

SECONDS, GIGABYTES = 120, 1.5  # that a file may take, and that a process may
MAPPINGS = 5  # every fifth file is a mapping file
LONGEST_MESSAGE = 3_000
PLAIN = re.compile(r"Traceback|panicked|object at 0x|NoneType|<class ")
HEAD = ("format", "files", "taken whole", "rows quarantined", "refused", "failed")


@dataclass(frozen=True)
class Outcome:
    """What became of a file: taken, partly, refused, or one of the failures; `told` is why."""

    number: int
    form: str
    kind: str
    told: str = ""

    @property
    def failed(self) -> bool:
        return self.kind not in ("taken", "partly", "refused")


class BrokenPromiseError(AssertionError):
    """A promise that was not kept; its first argument is which."""


def judged(number: int, seed: int, folder: Path, connection: duckdb.DuckDBPyConnection) -> Outcome:
    """Make the file of this number, and do with it what the intake does."""
    from tests.drills.mutants import corpus, mutant

    if number % MAPPINGS == 0:
        return _kept("YAML", number, lambda: _read_by(number, seed, folder))
    found = mutant(number, seed, corpus(folder.parent / "sound"))
    return _kept(found.form, number, lambda: _taken(found, folder, connection))


def _kept(form: str, number: int, judge: Any) -> Outcome:
    try:
        return Outcome(number, form, *judge())
    except BrokenPromiseError as failure:
        return Outcome(number, form, *map(str, failure.args))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # what a library written in Rust raises is no Exception
        places = [f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
        return Outcome(number, form, "crash", f"{type(error).__name__}: {str(error)[:300]} at {' '.join(places[-6:])}")


def _taken(found: Mutant, folder: Path, connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    from pipelines.intake.check import check_file

    path = folder / "landing" / (found.feed or "") / found.name
    path.parent.mkdir(parents=True)
    path.write_bytes(found.content)
    results = check_file(path, found.feed)
    refused = [r for r in results if r.refused]
    for result in results:
        _demand_plain(result)
        _demand_sums(result)
    if found.rows is not None and not refused:
        _demand_rows(path, results, found.rows)
    if len(refused) == len(results):
        return "refused", refused[0].message
    _demand_same(path, results, folder / "landing", connection)
    return ("partly" if any(r.quarantined for r in results) else "taken"), ""


def _demand_plain(result: CheckResult) -> None:
    told = [result.message, *result.warnings, *(reason for _, why in result.reasons for reason in why)]
    if result.refused and len(result.message) < 20:
        raise BrokenPromiseError("no message", repr(result.message))
    for text in told:
        if PLAIN.search(text) or len(text) > LONGEST_MESSAGE:
            raise BrokenPromiseError("not plain", text[:300])


def _demand_sums(result: CheckResult) -> None:
    if result.rows != result.accepted + result.duplicate + result.quarantined + result.ignored_totals:
        raise BrokenPromiseError("sums", f"{result}")
    if len(result.reasons) != result.quarantined or not all(why for _, why in result.reasons):
        raise BrokenPromiseError("no reason", f"{result.quarantined} quarantined, {len(result.reasons)} with a reason")


def _demand_rows(path: Path, results: list[CheckResult], rows: int) -> None:
    """Every row of the file is read, and handed on to each feed or left out by its mapping."""
    from pipelines.intake.known import mappings
    from pipelines.intake.readers import read_file

    known = {m.export: m for m in mappings()}
    for result in (r for r in results if r.export):
        mapping = known.get(result.export)
        if mapping is not None and (mapping.read.header_row > 1 or mapping.read.sheet):
            continue
        if mapping is not None and (read := read_file(path, mapping.read).height) != rows:
            raise BrokenPromiseError("lost rows", f"{rows} rows in the file, {read} read")
        if (mapping is None or not mapping.each) and result.rows + result.left_out != rows:
            raise BrokenPromiseError(
                "lost rows", f"{rows} rows in the file, {result.rows} + {result.left_out} in {result.feed}"
            )


def _demand_same(path: Path, results: list[CheckResult], landing: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Taking the file in gives what the check said, and the tables hold it."""
    from pipelines.intake.ingest import ingest_feed

    for result in (r for r in results if not r.refused and r.feed):
        for report in ingest_feed(connection, landing, result.feed, secret=b"check"):
            if report.status == "refused":
                continue  # it lies in the folder of another feed, which a check of one file does not ask
            if report.status == "unfinished" and "clock" in report.message:
                continue  # all of its rows are of the future: it waits, and a check says so of each row
            said = (result.rows, result.accepted, result.duplicate, result.quarantined, result.ignored_totals)
            did = (report.rows_read, report.accepted, report.duplicate, report.quarantined, report.ignored)
            held = tuple(_count(connection, f"{s}.{result.feed}") for s in ("raw", "quarantine"))
            if said != did or held != (report.accepted, report.quarantined):
                raise BrokenPromiseError("not the same", f"check said {said}, intake {did}, tables hold {held}")
        _forget(connection, result.feed)


def _count(connection: duckdb.DuckDBPyConnection, place: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {place}").fetchall()[0][0])


def _forget(connection: duckdb.DuckDBPyConnection, feed: str) -> None:
    for name in (f"raw.{feed}", f"quarantine.{feed}", "ops.files", "ops.outdated", "ops.raw_days"):
        connection.execute(f"DELETE FROM {name}")


def _read_by(number: int, seed: int, folder: Path) -> tuple[str, str]:
    """A mapping file is refused by name, or a file is read by it."""
    from data_contracts.mapping import MappingError
    from pipelines.intake.check import check_file
    from pipelines.intake.known import mappings
    from tests.drills.mutant_mappings import mapping_mutant

    found = mapping_mutant(number, seed)
    exports = folder / "exports"
    exports.mkdir()
    (exports / "mine.yaml").write_bytes(found.content)
    os.environ["REDCAT_HOME"] = str(folder)
    try:
        mappings()
        results = check_file(found.sample)
    except MappingError as error:
        if not str(error).startswith("mine.yaml"):
            raise BrokenPromiseError("not named", str(error)[:300]) from error
        if PLAIN.search(str(error)) or len(str(error)) > LONGEST_MESSAGE:
            raise BrokenPromiseError("not plain", str(error)[:300]) from error
        return "refused", str(error)
    finally:
        del os.environ["REDCAT_HOME"]
    for result in results:
        _demand_plain(result)
        _demand_sums(result)
    refused = [r for r in results if r.refused]
    if refused:
        return "refused", refused[0].message
    return ("partly" if any(r.quarantined for r in results) else "taken"), ""


# --- processes ------------------------------------------------------------------------------------


def _work(pipe: Connection, seed: int, root: str) -> None:
    """Judge the files whose numbers come through the pipe."""
    import shutil

    from data_contracts.contract import feeds
    from pipelines.warehouse import open_warehouse

    os.environ |= {"REDCAT_SETTLE_SECONDS": "0"}
    os.environ.pop("REDCAT_HOME", None)
    os.chdir(root)
    with open_warehouse(Path(":memory:")) as connection:
        while (number := pipe.recv()) is not None:
            folder = Path(root) / "now"
            folder.mkdir()
            outcome = judged(number, seed, folder, connection)
            if outcome.failed:
                for feed in feeds():
                    _forget(connection, feed)
            shutil.rmtree(folder)
            pipe.send((outcome, peak_gigabytes()))


def fuzz(wanted: Iterable[int], seed: int, *, processes: int = 2) -> tuple[list[Outcome], float]:
    """What became of the files of these numbers, and the most gigabytes that a process has had."""
    os.environ |= {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}  # of the processes: their files are small
    numbers = iter(wanted)
    outcomes: list[Outcome] = []
    peak = 0.0
    with tempfile.TemporaryDirectory() as folder:
        workers = [w for n in range(processes) if (w := Worker(seed, f"{folder}/{n}")).next(numbers)]
        while workers:
            ready = wait([w.pipe for w in workers], timeout=1)
            for worker in list(workers):
                if worker.pipe in ready:
                    outcome, gigabytes = worker.answer()
                    peak = max(peak, gigabytes)
                elif time.monotonic() > worker.until:
                    outcome = worker.replaced("hang", f"not done after {SECONDS} seconds")
                else:
                    continue
                outcomes.append(outcome)
                if outcome.failed:
                    print(f"{outcome.number} {outcome.form}: {outcome.kind}: {outcome.told}", flush=True)
                if not worker.next(numbers):
                    workers.remove(worker)
                    worker.end()
    return outcomes, peak


class Worker:
    """A process that judges one file at a time, and another in its place when it has died or must."""

    def __init__(self, seed: int, root: str) -> None:
        self.seed, self.root, self.lives = seed, root, 0
        self._begin()

    def _begin(self) -> None:
        context = get_context("spawn")
        root = Path(f"{self.root}-{self.lives}")
        root.mkdir(parents=True)
        self.lives += 1
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, self.seed, str(root)), daemon=True)
        self.process.start()
        theirs.close()

    def next(self, numbers: Iterator[int]) -> bool:
        """Hand it the next number, if there is one."""
        self.number = next(numbers, None)
        self.until = time.monotonic() + SECONDS
        if self.number is not None:
            self.pipe.send(self.number)
        return self.number is not None

    def answer(self) -> tuple[Outcome, float]:
        try:
            return self.pipe.recv()
        except EOFError:
            return self.replaced("death", f"the process ended with {self.process.exitcode}"), 0.0

    def replaced(self, kind: str, told: str) -> Outcome:
        self.process.kill()
        self.process.join()
        self._begin()
        return Outcome(self.number, "YAML" if self.number % MAPPINGS == 0 else "file", kind, told)

    def end(self) -> None:
        self.pipe.send(None)
        self.process.join()


# --- figures --------------------------------------------------------------------------------------


def by_format(outcomes: list[Outcome]) -> list[tuple[str, ...]]:
    """A line for each format."""
    counts = Counter((o.form, "failed" if o.failed else o.kind) for o in outcomes)
    forms = [*sorted({o.form for o in outcomes}), "all"]

    def count(form: str, *kinds: str) -> str:
        return f"{sum(n for (f, k), n in counts.items() if form in (f, 'all') and k in kinds):,}"

    kinds = (("taken", "partly", "refused", "failed"), ("taken",), ("partly",), ("refused",), ("failed",))
    return [(form, *(count(form, *wanted) for wanted in kinds)) for form in forms]


def by_reason(outcomes: list[Outcome], most: int = 25) -> list[tuple[str, str]]:
    """The commonest reasons of refusals, without what is special to each."""
    reasons = Counter(_general(o.told) for o in outcomes if o.kind == "refused")
    return [(reason, f"{count:,}") for reason, count in reasons.most_common(most)]


def _general(message: str) -> str:
    message = re.sub(r"'[^']*'|\"[^\"]*\"", "…", message.split("\n", 1)[0])
    return re.sub(r"[0-9][0-9,]*", "n", message)[:90].replace("|", "/")


def main(files: int = 10_000, seed: int = 7, only: int | None = None) -> int:
    """Print the tables; how many files failed."""
    start = time.monotonic()
    outcomes, peak = fuzz(range(files) if only is None else [only], seed)
    failures = [o for o in outcomes if o.failed]
    print(table(HEAD, by_format(outcomes)))
    print("\n" + table(("why refused", "files"), by_reason(outcomes)))
    print(
        f"\n{len(outcomes):,} files in {time.monotonic() - start:.0f} s, {peak:.2f} GB at most, {len(failures)} failed"
    )
    if only is not None:
        print(*outcomes)
    return len(failures) + (peak > GIGABYTES)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", type=int, default=None)
    raise SystemExit(min(main(**vars(parser.parse_args())), 1))
