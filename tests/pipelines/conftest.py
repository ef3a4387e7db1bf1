"""Running the product as its users do."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Redcat:
    """The command line with a home folder of its own."""

    home: Path

    def __call__(self, *arguments: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the home's parent folder; fails unless it ends with the status."""
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", *arguments],
            cwd=self.home.parent,
            env=os.environ
            | {"REDCAT_HOME": str(self.home), "PYTHONPATH": str(ROOT), "REDCAT_SETTLE_SECONDS": "0", "COLUMNS": "200"}
            | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture
def redcat(tmp_path: Path) -> Redcat:
    """The command line with an empty home."""
    return Redcat(tmp_path / "home")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Redcat:
    """The command line with a home in which the small demo has run; tests only read it."""
    redcat = Redcat(tmp_path_factory.mktemp("demo") / "home")
    redcat("demo", "--size", "s")
    return redcat
