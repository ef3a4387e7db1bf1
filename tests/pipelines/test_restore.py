"""A damaged warehouse is put back from what was published, and the next run ends where it would have ended."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.compared import contents, differing
from tests.pipelines.test_recomputation import everything_landed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipelines.conftest import Redcat


def damaged_header(file: Path) -> None:
    file.write_bytes(b"not a database" * 1000)


def damaged_blocks(file: Path) -> None:
    """Everything but the headers is overwritten: DuckDB opens the file, and finds the damage by checksums."""
    with file.open("r+b") as opened:
        size = opened.seek(0, 2)
        opened.seek(3 * 4096)
        opened.write(b"\xa5" * (size - 3 * 4096))


@pytest.mark.slow
@pytest.mark.parametrize("damage", [damaged_header, damaged_blocks])
def test_a_damaged_warehouse_is_restored_and_goes_on(redcat: Redcat, tmp_path: Path, damage) -> None:
    landing = tmp_path / "landing"
    everything_landed(landing)
    late = sorted((landing / "shop_conversions").iterdir())[-1]
    held_back = shutil.move(late, tmp_path / late.name)
    dates = ("--landing", str(landing), "--from", "2026-09-01", "--to", "2026-10-10")
    redcat("run", *dates)
    shutil.move(held_back, late)
    damage(redcat.home / "warehouse" / "redcat.duckdb")
    assert "redcat restore" in redcat("run", *dates, status=2).stderr
    assert "version 1 again" in redcat("restore").stdout
    redcat("run", *dates)
    published = redcat.home / "published" / "analyst.duckdb"
    restored = contents(published)
    assert (redcat.home / "warehouse" / "redcat.duckdb.damaged-1").exists()
    shutil.rmtree(redcat.home / "warehouse")
    redcat("run", *dates)
    assert differing(contents(published), restored) == []


def test_without_a_published_version_it_says_how_to_begin_anew(redcat: Redcat) -> None:
    said = redcat("restore", status=2).stderr
    assert "none of the 0 published versions" in said
    assert "redcat run over all dates" in said
