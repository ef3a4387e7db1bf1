"""Which program made a figure."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PARTS = ("data_contracts", "models", "pipelines")


@cache
def program_version() -> str:
    """The installed version, and eight digits that change when any line of the program or its reference data does."""
    try:
        installed = version("redcat-attribution")
    except PackageNotFoundError:  # run from a checkout that is not installed
        installed = "0"
    return f"{installed}+{_fingerprint()}"


def _fingerprint() -> str:
    root = Path(__file__).resolve().parents[1]
    files = sorted(
        path for part in PARTS for path in (root / part).rglob("*") if path.is_file() and path.suffix != ".pyc"
    )
    digest = sha256()
    for path in files:
        digest.update(f"{path.relative_to(root)}\0".encode() + sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:8]
