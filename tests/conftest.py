"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes is the machine's business.
settings.register_profile("redcat", deadline=None)
settings.load_profile("redcat")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data and known answers that stands beside the checkout in development and in CI."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        message = "needs the folder ../shared/data beside the checkout, which is not there"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Packed bytes hold the second in which they were packed: all workers have to name a test alike."""
    return argname if isinstance(val, bytes) else None
