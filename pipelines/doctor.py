"""What is wrong with an installation, and what to do: a table of checks, none of which changes anything."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
from packaging.requirements import Requirement

from data_contracts.contract import BUSINESS_TIME_ZONE
from data_contracts.yaml_files import read_yaml
from pipelines.alerts.places import places
from pipelines.arrivals import overdue
from pipelines.dates import UNENDED
from pipelines.demo.stage import is_demo
from pipelines.due import MOST_DAYS, unmade
from pipelines.home import SHORTEST_SECRET
from pipelines.intake.landing import data_files, readable, settled, unknown_files
from pipelines.settings import demand_settings, run_at
from pipelines.sole_run import hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.home import Home
    from pipelines.intake.objects import LandingPath

OK, WARN, FAIL = "ok", "warn", "fail"
PACKAGE = "redcat-attribution"
SPARE_BYTES = 1 << 30  # beside the versions that a run writes
FORGOTTEN_SECONDS = 3600  # a file that has not settled for so long is stuck
SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """What a check found: `state` is ok, warn (works, but look at it) or fail; `remedy` what to do."""

    check: str
    state: str
    told: str
    remedy: str = ""


# What a check returns: state, what was found, what to do about it.
Found = tuple[str, str, str]


def examine(home: Home, /) -> list[Finding]:
    """Every check, each on its own: one that breaks is a finding like any other."""
    findings = []
    for name, check in CHECKS.items():
        try:
            state, told, remedy = check(home)
        except Exception as error:
            state, told, remedy = FAIL, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", ""
        findings.append(Finding(name, state, told, remedy))
    return findings


def _fine(told: str) -> Found:
    return OK, told, ""


def _settings(_: Home) -> Found:
    demand_settings()
    every_day = "runs by itself every day" if run_at() else "REDCAT_RUN_AT is not set, so nothing runs by itself"
    return _fine(f"every setting can be used; {every_day}")


def _packages(_: Home) -> Found:
    try:
        needed, installed = requires(PACKAGE) or [], version(PACKAGE)
    except PackageNotFoundError:
        return WARN, "redcat is not installed as a package", "install it: pip install -c constraints.txt ."
    wrong = []
    for text in needed:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} is {found}, needed {wanted.specifier}")
    if wrong:
        return FAIL, "; ".join(wrong), "install with the pinned versions: pip install -c constraints.txt ."
    return _fine(f"redcat {installed} with the libraries that it needs")


def _time_zone(_: Home) -> Found:
    now = datetime.now(ZoneInfo(BUSINESS_TIME_ZONE))
    if now.utcoffset() != timedelta(hours=8):
        return FAIL, f"{BUSINESS_TIME_ZONE} is {now:%z}, expected +0800", "install the time zone data: tzdata"
    return _fine(f"it is {now:%Y-%m-%d %H:%M} in Shanghai")


def _home(home: Home) -> Found:
    if not home.root.is_dir():
        return WARN, f"{home.root} does not exist", "the first run makes it; does REDCAT_HOME name the right folder?"
    folders = (home.root, home.warehouse.parent, home.published.parent, home.dagster)
    barred = [str(folder) for folder in folders if folder.exists() and not os.access(folder, os.W_OK)]
    if barred:
        return FAIL, f"this user cannot write {', '.join(barred)}", "run as the folder's owner, or chown it"
    if home.root.stat().st_mode & 0o002:
        return FAIL, f"everybody can write {home.root}", f"run: chmod o-w {home.root}"
    private = home.warehouse.parent
    if private.exists() and private.stat().st_mode & 0o007:
        return WARN, f"everybody can look into {private}, which holds every level", f"run: chmod 700 {private}"
    return _fine(f"{home.root}{' (the demo)' if is_demo(home) else ''}")


def _secret(home: Home) -> Found:
    if stated := os.environ.get("REDCAT_SECRET"):
        if len(stated) < SHORTEST_SECRET:
            told = f"REDCAT_SECRET has {len(stated)} characters: who has the analysts' level can guess it"
            return WARN, told, f"take {SHORTEST_SECRET} or more before the first file; it must not change after that"
        return _fine("REDCAT_SECRET is set")
    if (home.root / "secret").exists():
        home.secret()
        return _fine(f"{home.root / 'secret'} is readable by its owner alone")
    if home.warehouse.exists():
        remedy = "restore it from a backup, or set REDCAT_SECRET; with another key no new order finds an earlier touch"
        return FAIL, "the key of the buyer hashes is gone, and the warehouse was made with one", remedy
    return _fine("the key of the buyer hashes is made by the first run")


def _disk(home: Home) -> Found:
    place = next(p for p in (home.root, *home.root.parents) if p.exists())
    free = shutil.disk_usage(place).free
    # The next version is written beside those that stay, and the private file grows by what a run replaces.
    needed = 2 * (home.warehouse.stat().st_size if home.warehouse.exists() else 0) + SPARE_BYTES
    told = f"{free / 1e9:,.1f} GB free, a run may need {needed / 1e9:,.1f} GB"
    if free < needed:
        return FAIL, told, "free some space, or lower REDCAT_KEEP_VERSIONS"
    return _fine(told)


def _landing(home: Home) -> Found:
    if not home.root.is_dir() and home.landing == home.root / "landing":
        return _fine("the first run makes it")
    if not home.landing.is_dir():
        return FAIL, f"{home.landing} does not exist", "create it, or set REDCAT_LANDING"
    files = data_files(home.landing)
    # To ask for every object would take minutes, and rights are given by bucket.
    asked = files if isinstance(home.landing, Path) else files[-1:]
    unreadable = [p for p in asked if not readable(p)]
    if unreadable:
        return FAIL, f"this user cannot read {_some(home, unreadable)}", "give it the right to read them"
    stuck = [p for p in files if not settled(p) and time.time() - p.stat().st_mtime > FORGOTTEN_SECONDS]
    if stuck:
        remedy = "finish the transfer and rename them, or close them in the spreadsheet and delete its lock file"
        return WARN, f"not finished for an hour: {_some(home, stuck)}", remedy
    unknown = unknown_files(home.landing)
    if unknown:
        shown = ", ".join(unknown[:SHOWN]) + (" …" if len(unknown) > SHOWN else "")
        remedy = "move each into the folder of its feed, or map it: docs/files.md"
        return WARN, f"{len(unknown)} files fit no mapping: {shown}", remedy
    return _fine(f"{len(files):,} files in {home.landing}")


def _some(home: Home, files: list[LandingPath]) -> str:
    names = [p.relative_to(home.landing).as_posix() for p in files[:SHOWN]]
    return ", ".join(names) + (f" … ({len(files)} files)" if len(files) > SHOWN else "")


def _run(home: Home) -> Found:
    if not home.root.is_dir():
        return _fine("nothing has run yet")
    try:
        with hold(home):
            return _fine("no run is at work")
    except BlockingIOError:
        return _fine("a run is at work")


def _warehouse(home: Home) -> Found:
    if not home.warehouse.exists():
        return _fine("there is none yet")
    try:
        with duckdb.connect(home.warehouse, read_only=True) as connection:
            (days,) = connection.execute("SELECT count(*) FROM ops.days").fetchall()[0]
            (waiting,) = connection.execute("SELECT count(*) FROM ops.outdated").fetchall()[0]
            today = datetime.now(ZoneInfo(BUSINESS_TIME_ZONE)).date()
            unended = connection.execute(f"{UNENDED} ORDER BY 1", {"today": today}).fetchall()
    except duckdb.IOException as error:
        if "Could not set lock" in str(error):
            return _fine("a run has it open")
        return FAIL, f"it cannot be read: {str(error).splitlines()[0]}", "run: redcat restore"
    except duckdb.Error as error:
        return FAIL, f"it cannot be read: {str(error).splitlines()[0]}", "run: redcat restore"
    if unended:
        told = f"{len(unended)} dates up to {unended[-1][0]} were made before they ended: a clock was ahead"
        remedy = f"set the clock if it is still wrong (here it is {today}), then: redcat run, which takes them back"
        return WARN, told, f"{remedy}; see docs/operate.md for the schedule"
    size = home.warehouse.stat().st_size / 1e6
    return _fine(f"{days:,} days, {size:,.0f} MB; {waiting:,} outdated dates wait for the next run")


def _published(home: Home) -> Found:
    if not home.published.exists():
        return (WARN if home.warehouse.exists() else OK), "nothing is published yet", "run: redcat run"
    with duckdb.connect(home.published, read_only=True) as connection:
        (newest,) = connection.execute("SELECT max(business_date) FROM ops.days").fetchall()[0]
        yesterday = (datetime.now(ZoneInfo(BUSINESS_TIME_ZONE)) - timedelta(days=1)).date()
        # Yesterday's run may be still to come.
        missing = [] if is_demo(home) else unmade(connection, yesterday - timedelta(days=1))
    written = datetime.fromtimestamp(home.published.stat().st_mtime, UTC).astimezone(ZoneInfo(BUSINESS_TIME_ZONE))
    told = f"up to {newest}, written {written:%Y-%m-%d %H:%M}"
    if missing:
        named = f" --from {missing[0]} --to {missing[-1]}" if missing[0] < yesterday - timedelta(days=MOST_DAYS) else ""
        of = f"{len(missing):,} dates from {missing[0]} to {missing[-1]}"
        return WARN, f"{told}; no run has made {of}", f"run: redcat run{named}"
    return _fine(told)


def _feeds(home: Home) -> Found:
    if not home.published.exists() or is_demo(home):
        return _fine("nothing is waited for")
    with duckdb.connect(home.published, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = overdue(connection, now=datetime.now(UTC))
    if found.is_empty():
        return _fine("nothing is overdue")
    days = found.group_by("feed", "source").len().sort("len", descending=True)
    rows = days.head(SHOWN).rows()
    shown = ", ".join(f"{feed} {source} ({count})" if source else f"{feed} ({count})" for feed, source, count in rows)
    return WARN, f"{found.height} days of the last 30 are overdue: {shown}", "land their files; see mart.feed_days"


def _alerts(home: Home) -> Found:
    told = places(home)
    return _fine(", ".join(place.kind for place in told) or "nobody is told; see docs/operate.md")


def _dagster(home: Home) -> Found:
    file = _dagster_home(home) / "dagster.yaml"
    if not file.exists() and file.parent == home.dagster:
        return _fine("its home is made by the first run")
    if not file.exists():
        return FAIL, f"{file} does not exist", "copy one of deploy/dagster-*.yaml there"
    stated = read_yaml(file) or {}
    limits = stated.get("concurrency", {})
    if limits.get("runs", {}).get("max_concurrent_runs") != 1 or limits.get("pools", {}).get("default_limit") != 1:
        remedy = "take `concurrency` from deploy/dagster-sqlite.yaml"
        return WARN, f"{file} lets several runs or steps go on at once", remedy
    return _fine(str(file))


def _dagster_home(home: Home) -> Path:
    return Path(os.environ.get("DAGSTER_HOME", home.dagster))


def _daemon(home: Home) -> Found:
    import dagster as dg

    if not (_dagster_home(home) / "dagster.yaml").exists():
        return _fine("nothing has run yet")
    os.environ.setdefault("DAGSTER_HOME", str(home.dagster))
    with dg.DagsterInstance.get() as instance:
        down = [name for name, found in instance.get_daemon_statuses().items() if found.required and not found.healthy]
        (last, *_) = [*instance.get_runs(limit=1), None]
    if down and run_at() is not None:
        remedy = "start it: systemctl start redcat-daemon, or redcat ui"
        return FAIL, f"not running: {', '.join(sorted(map(str.lower, down)))}", remedy
    if last is not None and last.status == dg.DagsterRunStatus.FAILURE:
        remedy = "see why in redcat ui; the next run goes on where it stopped"
        return WARN, f"the last run ({last.job_name}) failed", remedy
    return _fine("healthy" if not down else "not running, and REDCAT_RUN_AT asks for nothing")


CHECKS: dict[str, Callable[[Home], Found]] = {
    "settings": _settings,
    "packages": _packages,
    "time zone": _time_zone,
    "home": _home,
    "secret": _secret,
    "disk": _disk,
    "landing": _landing,
    "run": _run,
    "warehouse": _warehouse,
    "published": _published,
    "feeds": _feeds,
    "alerts": _alerts,
    "dagster": _dagster,
    "daemon": _daemon,
}
