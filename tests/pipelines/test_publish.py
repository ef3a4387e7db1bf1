"""Readers see a complete published version, always."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.publish import everything, filled
from pipelines.publish import publish as publish_levels

VERSIONS = 8
ROWS = 50_000

# Opens the file again and again; prints each version it saw, and fails on half of one.
READER = """
import sys, duckdb
target, last = sys.argv[1], int(sys.argv[2])
seen = 0
while seen < last:
    with duckdb.connect(target, read_only=True) as connection:
        low, high, rows = connection.execute("SELECT min(v), max(v), count(*) FROM mart.figures").fetchall()[0]
        (other,) = connection.execute("SELECT v FROM mart.totals").fetchall()[0]
    assert low == high == other, (low, high, other)
    assert rows == int(sys.argv[3]), rows
    assert low >= seen, (low, seen)
    seen = low
    print(seen, flush=True)
"""


def publish(connection: duckdb.DuckDBPyConnection, target: Path, **options: int) -> Path:
    return publish_levels(target.parent, {target.stem: everything(file_of(connection))}, **options)


def file_of(connection: duckdb.DuckDBPyConnection) -> Path:
    """The file of the connection's database, with all that was written."""
    connection.execute("CHECKPOINT")
    return Path(connection.execute("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchall()[0][0])


def write_version(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    connection.execute("CREATE SCHEMA IF NOT EXISTS mart")
    connection.execute(f"CREATE OR REPLACE TABLE mart.figures AS SELECT {version} AS v FROM range({ROWS})")
    connection.execute(f"CREATE OR REPLACE TABLE mart.totals AS SELECT {version} AS v")


def test_a_reader_never_sees_half_of_a_version(tmp_path: Path) -> None:
    target = tmp_path / "published" / "analyst.duckdb"
    with duckdb.connect(tmp_path / "private.duckdb") as connection:
        write_version(connection, 1)
        publish(connection, target)
        arguments = [sys.executable, "-c", READER, str(target), str(VERSIONS), str(ROWS)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "1\n"
            for version in range(2, VERSIONS + 1):
                write_version(connection, version)
                publish(connection, target)
            rest, errors = reader.communicate(timeout=120)
    assert reader.returncode == 0, errors
    assert rest.splitlines()[-1] == str(VERSIONS)


def test_an_open_reader_keeps_the_version_that_it_opened(tmp_path: Path) -> None:
    target = tmp_path / "analyst.duckdb"
    with duckdb.connect(tmp_path / "private.duckdb") as connection:
        write_version(connection, 1)
        publish(connection, target)
        with duckdb.connect(target, read_only=True) as reader:
            write_version(connection, 2)
            publish(connection, target)
            assert reader.execute("SELECT DISTINCT v FROM mart.figures").fetchall() == [(1,)]
    with duckdb.connect(target, read_only=True) as reader:
        assert reader.execute("SELECT DISTINCT v FROM mart.figures").fetchall() == [(2,)]


def test_levels_change_at_once_and_the_last_versions_stay(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "private.duckdb") as connection:

        def figures(connection: duckdb.DuckDBPyConnection, published: str) -> None:
            connection.execute(f"CREATE TABLE {published}.figures AS FROM mart.totals")

        for version in range(1, 6):
            write_version(connection, version)
            levels = {"analyst": everything(file_of(connection)), "marketer": filled(connection, figures)}
            publish_levels(tmp_path, levels, keep=3)
    assert sorted(path.name for path in (tmp_path / "versions").iterdir()) == ["3", "4", "5"]
    for place, version in {"current": 5, "versions/3": 3, ".": 5}.items():
        for level, table in {"analyst": "mart.totals", "marketer": "figures"}.items():
            with duckdb.connect(tmp_path / place / f"{level}.duckdb", read_only=True) as reader:
                assert reader.execute(f"FROM {table}").fetchall() == [(version,)]


def test_a_file_that_an_earlier_release_published_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "analyst.duckdb"
    with duckdb.connect(target) as earlier:
        write_version(earlier, 1)
    with duckdb.connect(tmp_path / "private.duckdb") as connection:
        write_version(connection, 2)
        publish(connection, target)
    with duckdb.connect(target, read_only=True) as reader:
        assert reader.execute("FROM mart.totals").fetchall() == [(2,)]


@pytest.mark.parametrize("step", ["rename", "replace"])
def test_a_failed_publication_leaves_the_last_version_and_no_debris(tmp_path: Path, monkeypatch, step: str) -> None:
    target = tmp_path / "analyst.duckdb"
    with duckdb.connect(tmp_path / "private.duckdb") as connection:
        write_version(connection, 1)
        publish(connection, target)
        before = target.read_bytes()

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(*{"rename": (Path, "rename"), "replace": ("pipelines.publish.os.replace",)}[step], full)
        write_version(connection, 2)
        with pytest.raises(OSError, match="No space left"):
            publish(connection, target)
        assert connection.execute("SELECT count(*) FROM mart.figures").fetchall() == [(ROWS,)]
    assert target.read_bytes() == before
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".new")] == []


def test_what_is_published_is_read_only(tmp_path: Path) -> None:
    target = tmp_path / "analyst.duckdb"
    with duckdb.connect(tmp_path / "private.duckdb") as connection:
        write_version(connection, 1)
        publish(connection, target)
        write_version(connection, 2)
        publish(connection, target, keep=1)
    assert target.stat().st_mode & 0o222 == 0
    assert (tmp_path / "private.duckdb").stat().st_mode & 0o200


def test_each_level_is_for_its_readers_whatever_is_allowed_to_new_files(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        version = publish_levels(tmp_path / "published", dict.fromkeys(("analyst", "marketer"), Path.touch))
    finally:
        os.umask(before)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in version.iterdir()}
    assert found == {"analyst.duckdb": 0o440, "marketer.duckdb": 0o444}
    for folder in (version, version.parent, version.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_debris_of_a_killed_publication_is_cleared_away(tmp_path: Path) -> None:
    target = tmp_path / "analyst.duckdb"
    half = tmp_path / "versions" / ".1.new"
    half.mkdir(parents=True)
    (half / "analyst.duckdb").write_bytes(b"half a version")
    (tmp_path / ".current.new").symlink_to("versions/1")
    with duckdb.connect(tmp_path / "private.duckdb") as connection:
        write_version(connection, 1)
        publish(connection, target)
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".new")] == []


def test_changes_that_stand_beside_the_file_are_not_left_out(tmp_path: Path) -> None:
    target = tmp_path / "published" / "analyst.duckdb"
    with duckdb.connect(tmp_path / "private.duckdb") as connection:
        connection.execute("CREATE TABLE figures AS SELECT 1 AS v")
        with pytest.raises(OSError, match=r"private.duckdb.wal holds changes that private.duckdb does not"):
            publish_levels(target.parent, {target.stem: everything(tmp_path / "private.duckdb")})
    assert not target.exists()
