"""What lies in the landing folder: whose it is, what is not ready, what is none of ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from data_contracts.mapping import MappingError
from data_contracts.mapping_files import mappings
from pipelines.intake.landing import (
    UnfinishedFileError,
    content_hash,
    data_files,
    demand_settled,
    demand_unchanged,
    known_files,
    landed_files,
    siblings_of,
    state,
    unknown_files,
)
from pipelines.intake.misplaced import why_left_alone
from tests.pipelines.intake_files import IMPRESSION, csv_bytes, ingest, land, memory, orders

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = csv_bytes(orders(2))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


def names(landing: Path, feed: str) -> list[str]:
    return [file.name for file in landed_files(landing, feed)]


def test_files_of_a_feeds_folder_are_its_own_however_deep(tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/2026-09-01/tmall/a.csv", ORDERS)
    land(tmp_path, "shop_conversions/b.csv", ORDERS)
    land(tmp_path, "2026-09-01/shop_conversions/c.csv", ORDERS)
    assert names(tmp_path, "shop_conversions") == ["shop_conversions/2026-09-01/tmall/a.csv", "shop_conversions/b.csv"]
    assert names(tmp_path, "refunds") == []
    assert unknown_files(tmp_path) == ["2026-09-01/shop_conversions/c.csv"]


def test_hidden_lock_and_note_files_are_no_data(tmp_path: Path) -> None:
    for name in (".hidden.csv", ".~lock.a.csv#", "~$a.xlsx", "README.md", ".git/x.csv"):
        land(tmp_path, f"shop_conversions/{name}", ORDERS)
    assert data_files(tmp_path) == []


def test_a_link_out_of_the_landing_folder_is_named_and_not_followed(tmp_path: Path) -> None:
    outside = land(tmp_path, "outside/secret.csv", ORDERS)
    landing = tmp_path / "landing"
    inside = land(landing, "shop_conversions/a.csv", ORDERS)
    (landing / "shop_conversions" / "link.csv").symlink_to(outside)
    (landing / "shop_conversions" / "folder").symlink_to(outside.parent)
    (landing / "shop_conversions" / "own.csv").symlink_to(inside)
    assert names(landing, "shop_conversions") == ["shop_conversions/a.csv", "shop_conversions/own.csv"]
    assert unknown_files(landing) == [
        "shop_conversions/folder (a link that leaves the landing folder)",
        "shop_conversions/link.csv (a link that leaves the landing folder)",
    ]


def test_a_joined_file_is_not_read_through_a_link_out_of_the_folder(tmp_path: Path) -> None:
    mapping = next(m for m in mappings() if m.siblings)
    name = next(iter(mapping.siblings.values()))
    outside, landing = land(tmp_path, f"outside/{name}", b"x"), tmp_path / "landing"
    path = land(landing, "delivery/a.csv", ORDERS)
    (path.parent / name).symlink_to(outside)
    with pytest.raises(MappingError, match=f"needs .*{name}"):
        siblings_of(path, mapping, landing)


def test_a_foreign_file_is_found_anywhere_by_its_headers(tmp_path: Path) -> None:
    mapping = next(m for m in mappings() if (not m.siblings and not m.query) or m.export.endswith("redemptions"))
    content = csv_bytes([dict.fromkeys((any_of[0] for any_of in mapping.recognise), "1")])
    land(tmp_path, "delivery/x.csv", content)
    land(tmp_path, f"{mapping.feed}/y.csv", content)
    found = list(landed_files(tmp_path, mapping.feed))
    assert [(f.name, f.mapping.export) for f in found] == [
        ("delivery/x.csv", mapping.export),
        (f"{mapping.feed}/y.csv", mapping.export),
    ]
    assert unknown_files(tmp_path) == []


def test_unreadable_files_outside_the_folders_are_unknown(tmp_path: Path) -> None:
    for name, content in {"a.csv": b"", "b.pdf": b"%PDF", "c.csv.gz": b"\x1f\x8b", "d.xlsx": b"x"}.items():
        land(tmp_path, name, content)
    assert unknown_files(tmp_path) == ["a.csv", "b.pdf", "c.csv.gz", "d.xlsx"]
    assert all(why_left_alone(tmp_path / name) for name in unknown_files(tmp_path))


def test_a_file_that_is_left_alone_is_told_where_it_belongs(tmp_path: Path) -> None:
    path = land(tmp_path, "x.csv", ORDERS)
    assert why_left_alone(path).endswith("move it to shop_conversions/")


@pytest.mark.parametrize("suffix", [".part", ".partial", ".tmp", ".crdownload", ".filepart", ".PART"])
def test_a_name_of_an_unfinished_transfer(tmp_path: Path, suffix: str) -> None:
    path = land(tmp_path, f"shop_conversions/a.csv{suffix}", ORDERS)
    with pytest.raises(UnfinishedFileError, match=r"transfer is not finished; rename it when it is"):
        demand_settled(path)
    (report,) = ingest(memory(), tmp_path, "shop_conversions")
    assert (report.status, report.rows_read) == ("unfinished", 0)


@pytest.mark.parametrize("lock", [".~lock.a.xlsx#", "~$a.xlsx"])
def test_a_workbook_that_is_open_is_left_alone(tmp_path: Path, lock: str) -> None:
    path = land(tmp_path, "shop_conversions/a.xlsx", b"x")
    land(tmp_path, f"shop_conversions/{lock}", b"")
    with pytest.raises(UnfinishedFileError, match=r"open in a spreadsheet .*; close it there"):
        demand_settled(path)


@pytest.mark.parametrize("how", ["append", "replace", "touch"])
def test_a_file_that_changes_while_it_is_read_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path = land(tmp_path, "shop_conversions/a.csv", ORDERS)
    from pipelines.intake import ingest as module

    judged = module.judged_parts

    def meanwhile(*args: object, **options: object) -> object:
        rows = list(judged(*args, **options))
        if how == "append":
            path.write_bytes(ORDERS + b"x")
        elif how == "touch":
            os.utime(path, ns=(1, 1))
        else:
            other = land(tmp_path, "other.csv", ORDERS[::-1])
            stat = path.stat()
            os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            other.replace(path)
        return rows

    monkeypatch.setattr(module, "judged_parts", meanwhile)
    connection = memory()
    (report,) = ingest(connection, tmp_path, "shop_conversions")
    assert (report.status, report.message) == ("unfinished", "a.csv is still being written; read at the next run")
    assert connection.execute("SELECT count(*) FROM raw.shop_conversions").fetchall() == [(0,)]
    assert connection.execute("SELECT count(*) FROM ops.files").fetchall() == [(0,)]
    monkeypatch.undo()
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    path.write_bytes(ORDERS)
    assert [r.status for r in ingest(connection, tmp_path, "shop_conversions")] == ["complete"]


def test_a_file_removed_between_finding_and_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land(tmp_path, "shop_conversions/a.csv", ORDERS)
    gone = land(tmp_path, "shop_conversions/b.csv", csv_bytes(orders(3)))
    connection = memory()
    monkeypatch.setattr("pipelines.intake.ingest.take_back_misread", lambda *_, **__: gone.unlink())
    first, second = ingest(connection, tmp_path, "shop_conversions")
    assert (first.status, second.status) == ("complete", "unfinished")
    assert "removed before it could be read; land it again" in second.message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_opened(tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/a.csv", ORDERS).chmod(0)
    (report,) = ingest(memory(), tmp_path, "shop_conversions")
    assert (report.status, "Permission denied" in report.message) == ("unfinished", True)


def test_growth_during_the_settling_is_noticed(tmp_path: Path) -> None:
    path = land(tmp_path, "a.csv", ORDERS)
    before = {path: state(path)}
    demand_unchanged(before)
    path.write_bytes(ORDERS + ORDERS)
    with pytest.raises(UnfinishedFileError, match=r"a.csv is still being written"):
        demand_unchanged(before)


def test_the_hash_is_of_contents_in_their_order(tmp_path: Path) -> None:
    a, b = land(tmp_path, "a", b"1"), land(tmp_path, "b", b"2")
    assert content_hash([a]) == content_hash([land(tmp_path, "c", b"1")])
    assert content_hash([a, b]) != content_hash([b, a])
    assert content_hash([a, b]) != content_hash([land(tmp_path, "d", b"12")])


def test_a_file_in_the_folder_of_another_feed_is_told_where_it_belongs(tmp_path: Path) -> None:
    click = IMPRESSION | {"click_id": "c1"}
    land(tmp_path, "note_impressions/clicks.csv", csv_bytes([click | {"channel": "tmall"}]))
    land(tmp_path, "refunds/orders.csv", ORDERS)
    land(tmp_path, "link_clicks/impressions.csv", csv_bytes([IMPRESSION]))
    found = {r.file: r for r in ingest(memory(), tmp_path)}
    assert {r.status for r in found.values()} == {"refused"}
    assert "its headers are those of link_clicks" in found["note_impressions/clicks.csv"].message
    assert "note_impressions has no place for click_id, channel" in found["note_impressions/clicks.csv"].message
    assert "move it to shop_conversions/" in found["refunds/orders.csv"].message
    assert "refunds needs refund_id, refunded_at, refund_amount too" in found["refunds/orders.csv"].message
    assert "link_clicks needs click_id" in found["link_clicks/impressions.csv"].message


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files whose headers or contents are read from now on."""
    from pipelines.intake import ingest, landing

    names: list[str] = []
    hashed, read = ingest.content_hash, landing.read_headers
    monkeypatch.setattr(ingest, "content_hash", lambda paths: names.extend(p.name for p in paths) or hashed(paths))
    monkeypatch.setattr(landing, "read_headers", lambda path, reading: names.append(path.name) or read(path, reading))
    landing._headers.cache_clear()  # as in another process
    return names


def test_only_new_and_touched_files_are_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = memory()
    for name in ("a", "b", "c"):
        land(tmp_path, f"shop_conversions/{name}.csv", csv_bytes(orders(1, order_id=name)))
    land(tmp_path, "elsewhere/unknown.csv", b"x,y\n1,2\n")
    assert len(ingest(connection, tmp_path, "shop_conversions")) == 3
    names = opened(monkeypatch)
    assert ingest(connection, tmp_path, "shop_conversions") == []
    assert names == []
    before = (tmp_path / "shop_conversions/b.csv").stat()
    touched = land(tmp_path, "shop_conversions/b.csv", csv_bytes(orders(1, order_id="d")))
    os.utime(touched, ns=(before.st_atime_ns, before.st_mtime_ns))  # of the same size, and as old as it was
    land(tmp_path, "shop_conversions/e.csv", csv_bytes(orders(1, order_id="c")))  # the content of another
    (report,) = ingest(connection, tmp_path, "shop_conversions")
    assert (report.file, report.accepted) == ("shop_conversions/b.csv", 1)
    assert set(names) == {"b.csv", "e.csv"}
    names.clear()
    assert ingest(connection, tmp_path, "shop_conversions") == []
    assert names == []


def test_a_known_file_outside_the_folders_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = memory()
    mapping = next(m for m in mappings() if not m.siblings and not m.query)
    land(tmp_path, "delivery/x.csv", csv_bytes([dict.fromkeys((any_of[0] for any_of in mapping.recognise), "1")]))
    land(tmp_path, "delivery/unknown.csv", b"x,y\n1,2\n")
    assert known_files(tmp_path, connection) == set()
    ingest(connection, tmp_path)
    names = opened(monkeypatch)
    known = known_files(tmp_path, connection)
    assert known == {"delivery/x.csv"}
    assert names == []
    assert unknown_files(tmp_path, but=known) == ["delivery/unknown.csv"]
    assert set(names) == {"unknown.csv"}


def test_a_refused_file_is_tried_again_though_nothing_of_it_changed(tmp_path: Path) -> None:
    connection = memory()
    land(tmp_path, "shop_conversions/a.csv", b"x,y\n1,2\n")
    for _ in range(2):
        (report,) = ingest(connection, tmp_path, "shop_conversions")
        assert report.status == "refused"
    (tmp_path / "shop_conversions/a.csv").unlink()
    ingest(connection, tmp_path, "shop_conversions")
    assert connection.sql("FROM ops.seen").fetchall() == []


def test_a_file_from_the_future_waits_until_the_clock_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were its rows quarantined while this machine's clock is behind, they would never come in."""
    from datetime import datetime, timedelta

    class Behind(datetime):
        @classmethod
        def now(cls, tz=None) -> datetime:
            return datetime.now(tz) - timedelta(days=3650)

    land(tmp_path, "shop_conversions/a.csv", ORDERS)
    connection = memory()
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.intake.ingest.datetime", Behind)
        (waits,) = ingest(connection, tmp_path, "shop_conversions")
    assert (waits.status, waits.rows_read) == ("unfinished", 0)
    assert "set the clock that is wrong; looked at again at the next run" in waits.message
    (taken,) = ingest(connection, tmp_path, "shop_conversions")
    assert (taken.status, taken.accepted) == ("complete", 2)


def test_a_part_from_the_future_does_not_keep_the_rest_of_its_file_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [order | {"exported_at": "2199-01-01 06:00:00"} for order in orders(4)[2:]]
    land(tmp_path, "shop_conversions/a.csv", csv_bytes(orders(2) + later))
    monkeypatch.setattr("pipelines.intake.text.PIECE", 100)
    monkeypatch.setattr("pipelines.intake.text.PART", 100)
    (report,) = ingest(memory(), tmp_path, "shop_conversions")
    assert (report.status, report.accepted, report.quarantined) == ("partial", 2, 2)


def test_a_warehouse_that_may_not_be_opened_is_not_taken_for_a_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    from pipelines.warehouse import open_warehouse

    def refused(*_arguments: object, **_options: object) -> None:
        raise duckdb.IOException('IO Error: Cannot open file "x": Permission denied')

    monkeypatch.setattr("pipelines.warehouse.duckdb.connect", refused)
    with pytest.raises(PermissionError, match="run as the owner of its folder"), open_warehouse(tmp_path / "x"):
        pass
