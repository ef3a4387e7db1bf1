"""What a machine does to a run: full disks, missing rights, a wrong clock, damage, two runs at once.

What was published stays readable, the message says what to do, and when that is done the next run ends where an
undisturbed one does.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines.arrivals import BUSINESS_ZONE
from pipelines.doctor import examine
from pipelines.home import Home
from pipelines.intake.landing import demand_settled
from pipelines.restore import restore
from pipelines.run import REMEDIES
from pipelines.warehouse import DamagedWarehouseError, open_warehouse
from tests.compared import contents, differing
from tests.drills.days import FIRST, Shop
from tests.drills.steps import run_steps
from tests.pipelines.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from pipelines.intake.landing import State
    from tests.compared import Contents

pytestmark = pytest.mark.slow
LAST, NEXT = FIRST + timedelta(4), FIRST + timedelta(5)


@dataclass(frozen=True)
class Weeks:
    """A home in which some days have run, the files of one more, and what is published before and after its run."""

    home: Path
    before: Contents
    after: Contents


@pytest.fixture(scope="module")
def weeks() -> Iterator[Weeks]:
    # Not below pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        folder.chmod(0o755)
        patch.setenv("REDCAT_LANDING", str(folder / "landing"))
        patch.setenv("REDCAT_SETTLE_SECONDS", "0")
        patch.setenv("REDCAT_SECRET", "the same in every home")
        shop, home = Shop(folder / "landing"), Home(folder / "home").create()
        for day in range(5):
            shop.land(day)
        run_steps(home, FIRST, LAST)
        shop.land(5)
        undisturbed = Home(shutil.copytree(home.root, folder / "undisturbed", symlinks=True))
        run_steps(undisturbed, NEXT, NEXT)
        yield Weeks(home.root, contents(home.published), contents(undisturbed.published))


@pytest.fixture
def home(weeks: Weeks) -> Iterator[Home]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Home(shutil.copytree(weeks.home, Path(name) / "home", symlinks=True))


def ends_well(home: Home, weeks: Weeks) -> None:
    """What was published before is whole, and the next run ends where an undisturbed one does."""
    assert differing(contents(home.published), weeks.before) == []
    run_steps(home, NEXT, NEXT)
    assert differing(contents(home.published), weeks.after) == []


STEPS = """
import sys
from datetime import date
from pipelines.home import Home
from pipelines.intake.landing import demand_settled
from tests.drills.steps import run_steps
day = date.fromisoformat(sys.argv[1])
run_steps(Home.from_environment(), day, day)
"""


# Root writes wherever it likes, unless it gives up the right to.
AS_OTHERS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


def run_apart(home: Home, *before: str, **options) -> subprocess.CompletedProcess[str]:
    """The steps of a run in a process of their own, begun by the command `before`."""
    environment = os.environ | {"REDCAT_HOME": str(home.root), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*before, sys.executable, "-c", STEPS, str(NEXT)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def mounted(folder: Path, megabytes: int, *, again: bool = False) -> None:
    folder.mkdir(exist_ok=True)
    how = f"{'remount,' if again else ''}size={megabytes}m"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to mount a small file system: {done.stderr.decode().strip()}")


def test_a_full_disk(weeks: Weeks, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    mounted(disk, 200)
    try:
        small = Home(shutil.copytree(weeks.home, disk / "home", symlinks=True))
        used = sum(path.lstat().st_size for path in disk.rglob("*") if path.is_file() and not path.is_symlink())
        mounted(disk, used // 2**20 + 2, again=True)
        done = run_apart(small)
        assert done.returncode != 0
        assert "No space left on device" in done.stderr
        mounted(disk, 400, again=True)
        ends_well(small, weeks)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_that_may_not_grow(weeks: Weeks, home: Home) -> None:
    """The same without the right to mount: the operating system refuses to write beyond a size."""
    size = home.warehouse.stat().st_size + 2**18

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    done = run_apart(home, preexec_fn=limited)
    assert done.returncode != 0
    assert any(sign in done.stderr for sign in REMEDIES), done.stderr[-500:]
    ends_well(home, weeks)


@contextmanager
def locked(*folders: Path) -> Iterator[None]:
    """What lies in the folders may be read, and nothing be written."""
    paths = [path for folder in folders for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    modes = {path: path.stat().st_mode for path in paths}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_warehouse_that_may_not_be_written_to(weeks: Weeks, home: Home) -> None:
    with locked(home.warehouse.parent):
        done = run_apart(home, *AS_OTHERS)
    assert done.returncode != 0
    assert "run as the owner of its folder" in done.stderr, done.stderr[-500:]
    ends_well(home, weeks)


def test_a_read_only_published_folder(weeks: Weeks, home: Home) -> None:
    """The dates are made, and the version before stays what readers open until they can be published."""
    with locked(home.published.parent):
        done = run_apart(home, *AS_OTHERS)
        assert done.returncode != 0
        assert "Permission denied" in done.stderr, done.stderr[-500:]
        assert differing(contents(home.published), weeks.before) == []
    ends_well(home, weeks)


def test_a_file_that_is_removed_between_listing_and_reading(
    weeks: Weeks, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said to be gone, everything else is made, and once it has landed again nothing of it is missing."""
    landing = shutil.copytree(home.landing, home.root / "landed")
    monkeypatch.setenv("REDCAT_LANDING", str(landing))
    (gone,) = (landing / "shop_conversions").glob(f"day {NEXT}*")
    content = gone.read_bytes()

    def sensed(path: Path) -> State:
        found = demand_settled(path)
        if path == gone:
            path.unlink()
        return found

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.intake.ingest.demand_settled", sensed)
        run_steps(home, NEXT, NEXT)
    told = "SELECT count(*) FROM core.conversions WHERE paid_date = ?"
    with open_warehouse(home.warehouse) as connection:
        assert connection.execute(told, [NEXT]).fetchall() == [(0,)]
    gone.write_bytes(content)
    run_steps(home, NEXT, NEXT)
    assert differing(contents(home.published), weeks.after) == []


@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_jumps(weeks: Weeks, home: Home, monkeypatch: pytest.MonkeyPatch, years: int) -> None:
    """What has landed waits until the clock is right, or is taken in as it is; it is never lost."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=365 * years)

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.intake.ingest.datetime", Wrong)
        run_steps(home, NEXT, NEXT)
    run_steps(home, NEXT, NEXT)
    assert differing(contents(home.published), weeks.after) == []


def test_dates_that_were_made_while_a_clock_was_ahead_are_taken_back(weeks: Weeks, home: Home) -> None:
    ahead = datetime.now(BUSINESS_ZONE).date() + timedelta(days=30)
    run_steps(home, ahead, ahead)
    assert "a clock was ahead" in next(f.told for f in examine(home) if f.check == "warehouse")
    run_steps(home, NEXT, NEXT)
    assert differing(contents(home.published), weeks.after) == []
    assert next(f.state for f in examine(home) if f.check == "warehouse") == "ok"


def flipped(file: Path) -> None:
    """A block in the middle of the file holds something else."""
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        opened.write(os.urandom(2**20))


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 3)


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def replaced(file: Path) -> None:
    file.write_bytes(b"nothing of the kind" * 10_000)


@pytest.mark.parametrize("damage", [flipped, truncated, emptied, replaced])
def test_a_damaged_warehouse_is_restored_and_takes_in_what_has_landed_since(
    weeks: Weeks, home: Home, damage: Callable[[Path], None]
) -> None:
    damage(home.warehouse)
    if damage in (truncated, replaced):
        with pytest.raises(DamagedWarehouseError, match="redcat restore"), open_warehouse(home.warehouse):
            pass
    version, aside = restore(home)
    assert version.parent.name == "1"
    assert aside is not None
    ends_well(home, weeks)


def test_two_runs_at_once(weeks: Weeks, home: Home) -> None:
    """The second one says that another is at work; the first one ends as if it had been alone."""
    environment = os.environ | {"REDCAT_HOME": str(home.root), "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen(
        [sys.executable, "-m", "tests.drills.kills", "--whole", "--work", str(NEXT), str(NEXT)],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.stdout is not None
    assert first.stdout.readline().strip() == "intake"
    second = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", "--from", str(NEXT), "--to", str(NEXT)],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert second.returncode == 2
    assert f"another run is at work in {home.root}; wait until it ends" in second.stderr
    first.communicate()
    assert first.returncode == 0
    assert differing(contents(home.published), weeks.after) == []


def test_the_check_can_fail(weeks: Weeks) -> None:
    """The two versions differ, so that neither can pass for the other."""
    assert differing(weeks.before, weeks.after)
