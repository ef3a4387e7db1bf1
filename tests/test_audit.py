"""The audit of installed packages finds what it says that it finds."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.metadata import PathDistribution
from typing import TYPE_CHECKING

import pytest

from tests.audit import CONSTRAINTS, changed, needed, pins, refused_licences, unpinned, withdrawn

if TYPE_CHECKING:
    from pathlib import Path


def package(folder: Path, *, licence: str = "MIT", code: str = "x = 1\n") -> PathDistribution:
    (folder / "a.py").write_text(code)
    info = folder / "a-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: a\nVersion: 1.0\nLicense-Expression: {licence}\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(code.encode()).digest()).rstrip(b"=").decode()
    (info / "RECORD").write_text(f"a.py,sha256={digest},{len(code)}\na-1.0.dist-info/RECORD,,\n")
    return PathDistribution(info)


def test_what_is_pinned_is_one_version_each() -> None:
    assert pins("# why\na==1.0\nB_c==2.0\n") == {"a": "1.0", "b-c": "2.0"}
    assert "duckdb" in pins(CONSTRAINTS.read_text())
    for line in ("a>=1", "a", "a==1.*"):
        with pytest.raises(ValueError, match="pins no one version"):
            pins(line)


def test_what_has_no_pin_or_another_is_named(tmp_path: Path) -> None:
    found = package(tmp_path)
    assert list(unpinned([found], {"a": "1.0"})) == []
    assert list(unpinned([found], {})) == ["a 1.0 is installed and has no pin"]
    assert list(unpinned([found], {"a": "1.1"})) == ["a is installed as 1.0, and 1.1 is pinned"]


def test_a_file_that_was_changed_or_deleted_is_named(tmp_path: Path) -> None:
    found = package(tmp_path)
    assert list(changed(found)) == []
    (tmp_path / "a.py").write_text("x = 2\n")
    assert list(changed(found)) == ["a: a.py is not what was released"]
    (tmp_path / "a.py").unlink()
    assert list(changed(found)) == ["a: a.py is gone"]


@pytest.mark.parametrize(
    ("licence", "refused"),
    [("MIT", 0), ("GPL-3.0-only", 1), ("AGPL-3.0-or-later", 1), ("LGPL-3.0-only", 0), ("MIT OR GPL-2.0-only", 0)],
)
def test_a_licence_that_reaches_what_uses_it_is_refused(tmp_path: Path, licence: str, refused: int) -> None:
    found = package(tmp_path, licence=licence)
    assert len(list(refused_licences([found], {"a"}))) == refused
    assert list(refused_licences([found], set())) == [], "the product does not need it"


def test_the_product_needs_what_its_needs_need() -> None:
    found = needed()
    assert {"duckdb", "sqlalchemy", "aiobotocore", "psycopg2-binary"} <= found
    assert not {"pytest", "hypothesis", "moto"} & found


def test_a_withdrawn_release_is_named() -> None:
    item = {"metadata": {"name": "a", "version": "1.0"}}
    report = json.dumps({"install": [item | {"is_yanked": True}, item | {"is_yanked": False}]})
    assert withdrawn(report) == ["a 1.0 was withdrawn"]
