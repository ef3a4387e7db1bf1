"""Responses of interfaces are read as they came; what is none says why."""

from __future__ import annotations

import os
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from data_contracts.mapping import Reading
from pipelines.intake.frames import UnreadableFileError
from pipelines.intake.given import exported_at, named_date
from pipelines.intake.json_documents import read_json

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = [{"a": "1", "b": {"c": 2, "d": None}}, {"a": None, "e": [1, "x"]}]


def rows(document: Any, records: str | None = None) -> list[dict[str, Any]]:
    return read_json(orjson.dumps(document), Reading(records=records)).drop("_broken").to_dicts()


FLAT = [
    {"a": "1", "b.c": "2", "b.d": None, "e": None, "_row": 1},
    {"a": None, "b.c": None, "b.d": None, "e": "1|x", "_row": 2},
]


@pytest.mark.parametrize(
    ("document", "records"),
    [
        (RECORDS, None), ({"code": 0, "data": {"data_list": RECORDS, "x": [1]}}, "data.data_list"),
        ({"code": 0, "data": {"data_list": RECORDS}}, None), ({"other": {"list": RECORDS}}, "data.data_list"),
        ({"r": {"queryResult": orjson.dumps({"data": RECORDS}).decode()}}, "r.queryResult.data"),
        ({"r": {"queryResult": orjson.dumps({"data": RECORDS}).decode()}}, None),
    ],
)  # fmt: skip
def test_records_are_found(document: Any, records: str | None) -> None:
    assert rows(document, records) == FLAT


def test_a_record_that_is_no_object_is_broken() -> None:
    frame = read_json(orjson.dumps({"l": [{"a": 1}, 5]}), Reading(records="l"))
    assert frame.select("_row", "a").rows() == [(1, "1"), (2, None)]
    assert frame["_broken"].to_list() == [None, "is no JSON object; a record must be one"]


def test_no_records_are_no_rows() -> None:
    assert read_json(b'{"data": {"data_list": []}}', Reading(records="data.data_list")).height == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b'{"code": 401, "msg": "token expired"}', "it says code 401, msg token expired; ask the interface again"),
        (b'{"data": {"data_list": [', "no whole JSON document"), (b"5", "save the whole response"),
        (b'{"a": "' + b"\xff" * 9 + b'"}', "save the file as UTF-8 or GBK"),
        (b"[" * 100_000, "no whole JSON document"),
    ],
)  # fmt: skip
def test_what_is_no_response_says_why(content: bytes, told: str) -> None:
    with pytest.raises(UnreadableFileError, match=told):
        read_json(content, Reading())


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("聚光_20260902.csv", date(2026, 9, 2)), ("2026-09-01_2026-09-30.csv", date(2026, 9, 30)),
        ("2026年9月2日.xlsx", date(2026, 9, 2)), ("report 9.11.csv", date(2026, 9, 11)),
        ("report 12.31.csv", date(2025, 12, 31)), ("v1.2.3.csv", None), ("orders.csv", None), ("20261399.csv", None),
        ("660001202609021.csv", None),
    ],
)  # fmt: skip
def test_dates_in_names(name: str, stated: date | None) -> None:
    assert named_date(name, not_after=date(2026, 9, 15)) == stated


def test_a_file_is_of_the_day_that_its_name_states(tmp_path: Path) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    written = datetime(2026, 9, 2, 7, 30, tzinfo=zone)
    for name, at in (("a_20260902.csv", written), ("a_20260901.csv", datetime(2026, 9, 1, 23, 59, 59, 999999, zone)),
                     ("a_20260903.csv", datetime(2026, 9, 3, tzinfo=zone)), ("a.csv", written)):  # fmt: skip
        path = tmp_path / name
        path.write_text("x")
        os.utime(path, (written.timestamp(),) * 2)
        assert exported_at(path) == at, name
