"""The key of the buyer hashes does not change under what was taken in with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.basis import demand_same_basis, demand_same_key
from pipelines.settings import SettingError
from pipelines.warehouse import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = b"the key of then, long enough", b"the key of now, long enough"


def test_files_are_not_taken_in_with_another_key(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "redcat.duckdb") as connection:
        demand_same_key(connection, OTHER)
        demand_same_key(connection, KEY)  # nothing was taken in with the other one
        connection.execute("""
            INSERT INTO ops.files BY NAME
            SELECT 'notes' AS feed, 'a.csv' AS file, 'h' AS content_hash, '' AS export, 'complete' AS status""")
        demand_same_key(connection, KEY)
        with pytest.raises(SettingError, match="1 files were taken in with another key"):
            demand_same_key(connection, OTHER)
        demand_same_basis(connection)
        connection.execute("INSERT INTO ops.days VALUES ('2026-09-01')")
        assert demand_same_basis(connection) == 0, "the key is no part of what figures rest on"
        demand_same_key(connection, KEY)
        stored = dict(connection.execute("SELECT name, value FROM ops.basis").fetchall())
        assert KEY.decode() not in stored.values()
