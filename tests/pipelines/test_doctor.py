"""Each thing that can be wrong with an installation is named, with what to do; a sound one passes."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from pipelines import doctor
from pipelines.arrivals import overdue
from pipelines.dates import enter_run
from pipelines.doctor import CHECKS, examine
from pipelines.home import Home
from pipelines.publish import everything, publish
from pipelines.run import prepare_dagster
from pipelines.sole_run import hold
from pipelines.warehouse import open_warehouse
from tests.pipelines.intake_files import csv_bytes, ingest, land, orders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.pipelines.conftest import Redcat

LAST = date(2026, 9, 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One order taken in and published, some time ago."""
    home = Home(tmp_path_factory.mktemp("made") / "home").create()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDCAT_SETTLE_SECONDS", "0")
        patch.delenv("REDCAT_SECRET", raising=False)
        home.secret()
        land(home.root / "landing", "shop_conversions/a.csv", csv_bytes(orders(1)))
        with open_warehouse(home.warehouse) as connection:
            ingest(connection, home.root / "landing", "shop_conversions")
            enter_run(connection, LAST, LAST)
        publish(home.published.parent, {home.published.stem: everything(home.warehouse)})
    return home


@pytest.fixture
def home(made: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A sound installation, to be broken."""
    for name in [name for name in os.environ if name.startswith(("REDCAT_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REDCAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home" / "dagster"))
    shutil.copytree(made.root, tmp_path / "home", symlinks=True)
    home = Home.from_environment()
    prepare_dagster(home)
    return home


def states(home: Home) -> dict[str, tuple[str, str, str]]:
    return {f.check: (f.state, f.told, f.remedy) for f in examine(home)}


def test_a_sound_installation_that_nobody_feeds_has_only_its_age(home: Home, monkeypatch) -> None:
    # In the evening, whenever this runs: before 10 in the morning yesterday is not due yet.
    monkeypatch.setattr(doctor, "overdue", lambda connection, *, now: overdue(connection, now=now.replace(hour=10)))
    found = states(home)
    assert set(found) == set(CHECKS)
    wrong = {check for check, (state, _, _) in found.items() if state != "ok"} - {"packages"}  # of the machine
    assert wrong == {"published", "feeds"}
    assert f"dates from {LAST + timedelta(days=1)} to" in found["published"][1]
    assert found["published"][2].startswith("run: redcat run")
    assert "shop_conversions tmall (30)" in found["feeds"][1]


def shut(path: Path) -> None:
    path.chmod(0o644)


# What is broken, by which check it is found, how bad it is, and words of what to do.
BROKEN: dict[str, tuple[Callable[[Home], object], str, str, str]] = {
    "others read the secret": (lambda h: shut(h.root / "secret"), "secret", "fail", "chmod 600"),
    "a secret cut short": (lambda h: (h.root / "secret").write_text("abc"), "secret", "fail", "backup"),
    "no secret": (lambda h: (h.root / "secret").unlink(), "secret", "fail", "backup"),
    "everybody writes": (lambda h: h.root.chmod(0o777), "home", "fail", "chmod o-w"),
    "no warehouse": (lambda h: h.warehouse.write_bytes(b"x" * 5000), "warehouse", "fail", "redcat restore"),
    "an unknown file": (lambda h: land(h.landing, "x.csv", b"a,b\n1,2\n"), "landing", "warn", "map it"),
    "alerts for all": (lambda h: shut(_alerts(h)), "alerts", "fail", "chmod 600"),
    "alerts unusable": (lambda h: _alerts(h, "- kind: pager"), "alerts", "fail", "docs/operate.md"),
    "no limits": (lambda h: (h.dagster / "dagster.yaml").write_text("{}"), "dagster", "warn", "concurrency"),
}


def _alerts(home: Home, text: str = "[]") -> Path:
    path = home.root / "alerts.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_found_with_what_to_do(home: Home, case: str) -> None:
    harm, check, state, remedy = BROKEN[case]
    harm(home)
    found = states(home)[check]
    assert found[0] == state
    assert remedy in f"{found[1]} {found[2]}"


def test_a_file_that_is_stuck_is_named(home: Home) -> None:
    part = land(home.landing, "refunds/a.csv.part", b"half")
    os.utime(part, (0, 0))
    assert states(home)["landing"][:2] == ("warn", "not finished for an hour: refunds/a.csv.part")


def test_no_room_for_the_next_version(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SPARE_BYTES", 1 << 60)
    assert states(home)["disk"][0] == "fail"


def test_a_daemon_that_should_run_and_does_not(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_RUN_AT", "10:30")
    state, told, remedy = states(home)["daemon"]
    assert state == "fail"
    assert "scheduler" in told
    assert "sensor" in told
    assert "systemctl start redcat-daemon" in remedy


def test_a_setting_that_cannot_be_used(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_RUN_AT", "noon")
    state, told, _ = states(home)["settings"]
    assert state == "fail"
    assert "REDCAT_RUN_AT is 'noon'" in told


def test_a_run_at_work_is_no_fault(home: Home) -> None:
    with hold(home):
        assert states(home)["run"][:2] == ("ok", "a run is at work")


def test_one_check_that_breaks_keeps_no_other_from_being_made(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Home) -> doctor.Found:
        raise RuntimeError("of its own")

    monkeypatch.setitem(CHECKS, "disk", broken)
    found = states(home)
    assert found["disk"][:2] == ("fail", "RuntimeError: of its own")
    assert set(found) == set(CHECKS)


def test_the_command_tells_as_text_and_as_json(redcat: Redcat) -> None:
    shown = redcat("doctor").stdout
    assert "! home" in shown
    assert "→ the first run makes it" in shown
    assert not redcat.home.exists(), "it changes nothing"
    redcat.home.mkdir()
    found = json.loads(redcat("doctor", "--json", status=1).stdout)
    assert [f["check"] for f in found] == list(CHECKS)
    assert {f["check"] for f in found if f["state"] == "fail"} == {"landing"}
