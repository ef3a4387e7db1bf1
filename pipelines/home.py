"""Where things lie: the folders of one installation, and its secret."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folders below `REDCAT_HOME` (default `.redcat/` in the current folder)."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home that the environment names, as an absolute path; nothing is created yet."""
        return cls(Path(os.environ.get("REDCAT_HOME", ".redcat")).expanduser().resolve())

    @property
    def landing(self) -> Path:
        """Where files land, one folder per feed."""
        return Path(os.environ.get("REDCAT_LANDING", self.root / "landing")).expanduser().resolve()

    @property
    def warehouse(self) -> Path:
        """The private warehouse that one process writes."""
        return self.root / "warehouse" / "redcat.duckdb"

    @property
    def published(self) -> Path:
        """The complete version that readers open."""
        return self.root / "published" / "analyst.duckdb"

    @property
    def reports(self) -> Path:
        """Where reports are written."""
        return self.root / "reports"

    @property
    def truth(self) -> Path:
        """Where the demo writes what really happened, outside the landing folder."""
        return self.root / "truth"

    @property
    def dagster(self) -> Path:
        """Dagster's own home."""
        return self.root / "dagster"

    def create(self) -> Home:
        """Create the folders that do not exist yet."""
        for folder in (self.warehouse.parent, self.published.parent, self.reports, self.dagster):
            folder.mkdir(parents=True, exist_ok=True)
        if "REDCAT_LANDING" not in os.environ:
            self.landing.mkdir(parents=True, exist_ok=True)
        return self

    def secret(self) -> bytes:
        """The key of the buyer hashes: `REDCAT_SECRET`, or a file of mode 600 that is made at first use.

        Losing it means that later files cannot be joined to earlier ones by user.
        """
        if stated := os.environ.get("REDCAT_SECRET"):
            return stated.encode()
        path = self.root / "secret"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
        if path.stat().st_mode & 0o077:
            raise PermissionError(f"{path} can be read by others; run: chmod 600 {path}")
        return path.read_text().strip().encode()
