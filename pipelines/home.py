"""Where things lie: the folders of one installation, and its secret."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import SettingError

if TYPE_CHECKING:
    from pipelines.intake.objects import LandingPath

SHORTEST_SECRET = 16  # a file with less was cut short; what is written here has 64 digits


@dataclass(frozen=True)
class Home:
    """The folders below `REDCAT_HOME` (default `.redcat/` in the current folder)."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home that the environment names, as an absolute path; nothing is created yet.

        Raises SettingError when a file stands where one of its folders should.
        """
        root = Path(os.environ.get("REDCAT_HOME", ".redcat")).expanduser().resolve()
        for path in (root, *root.parents):
            if path.exists() and not path.is_dir():
                raise SettingError(f"REDCAT_HOME is {root}, but {path} is a file; set REDCAT_HOME to a folder")
        return cls(root)

    @property
    def landing(self) -> LandingPath:
        """Where files land, one folder per feed: `REDCAT_LANDING`, a folder or `s3://bucket/prefix`.

        Raises SettingError for an address of another kind.
        """
        return landing_place(os.environ.get("REDCAT_LANDING", str(self.root / "landing")))

    @property
    def exports(self) -> Path:
        """Where this installation keeps mapping files of its own."""
        return self.root / "exports"

    @property
    def warehouse(self) -> Path:
        """The private warehouse that one process writes."""
        return self.root / "warehouse" / "redcat.duckdb"

    @property
    def published(self) -> Path:
        """The current version that readers open: a link beside those of the other levels."""
        return self.root / "published" / "analyst.duckdb"

    @property
    def reports(self) -> Path:
        """Where reports are written."""
        return self.root / "reports"

    @property
    def cache(self) -> Path:
        """What can be made anew at any time, and only saves it."""
        return self.root / "cache"

    @property
    def truth(self) -> Path:
        """Where the demo writes what really happened, outside the landing folder."""
        return self.root / "truth"

    @property
    def dagster(self) -> Path:
        """Dagster's own home."""
        return self.root / "dagster"

    def create(self) -> Home:
        """Create the folders that do not exist yet; into those that are of no use to readers nobody else may look."""
        for folder in (self.published.parent, self.reports):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.warehouse.parent, self.dagster):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if "REDCAT_LANDING" not in os.environ:
            self.landing.mkdir(parents=True, exist_ok=True)
        return self

    def secret(self) -> bytes:
        """The key of the buyer hashes: `REDCAT_SECRET`, or a file of mode 600 that is made at first use.

        Losing it means that later files cannot be joined to earlier ones by user.

        Raises SettingError when the file was cut short, PermissionError when others can read it.
        """
        if stated := os.environ.get("REDCAT_SECRET"):
            return stated.encode()
        path = self.root / "secret"
        if not path.exists():
            _make_secret(path)
        if path.stat().st_mode & 0o077:
            raise PermissionError(f"{path} can be read by others; run: chmod 600 {path}")
        key = path.read_text().strip()
        if len(key) < SHORTEST_SECRET:
            raise SettingError(
                f"{path} holds {len(key)} characters, and a key has at least {SHORTEST_SECRET}: restore it from a "
                "backup; if no file was taken in with it yet, delete it and a new one is made"
            )
        return key.encode()


def landing_place(stated: str, /) -> LandingPath:
    """The absolute folder, or the prefix in object storage, that a text names; raises SettingError for neither."""
    if "://" not in stated:
        return Path(stated).expanduser().resolve()
    from pipelines.intake.objects import ObjectPath  # of no use to most commands

    return ObjectPath.parse(stated)


def _make_secret(path: Path) -> None:
    """Write a new key to the disk and only then give it its name, so that no kill leaves a part of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".secret.")  # mode 600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its key is the one
            os.link(aside, path)
    finally:
        os.unlink(aside)
