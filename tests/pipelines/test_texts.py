"""What users wrote is classed at intake and never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from pipelines.intake.texts import in_class, pattern_of
from tests.pipelines.intake_files import csv_bytes, ingest, land, memory, raw, read

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("asks_link", "is_negative", "is_complaint", "diverts_off_platform")
TOLD = "求链接，我的电话 13800138000，张三"
COMMENT = {
    "comment_id": "c1",
    "note_id": "n1",
    "user_id": "u1",
    "commented_at": "2026-09-01 12:00:00",
    "评论内容": TOLD,
    "exported_at": "2026-09-02 06:00:00",
}
EXAMPLES = {
    "求链接！": {"asks_link"},
    "姐妹求个同款": {"asks_link"},
    "这个在哪里买呀": {"asks_link"},
    "Where can I buy this?": {"asks_link"},
    "避雷，烂脸了": {"is_negative"},
    "客服一直不理人，要投诉": {"is_complaint"},
    "加我V：abc12345": {"diverts_off_platform"},
    "加微信领券": {"diverts_off_platform"},
    "去淘宝搜店名": {"diverts_off_platform"},
    "￥AbCd12345￥": {"diverts_off_platform"},
    "vx: seller_88": {"diverts_off_platform"},
    "好看！": set(),
    "链接已收藏": set(),
    "在京东买过，好用": set(),
    "今天加班": set(),
    "夏天加水喝": set(),
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_text_is_of_the_classes_whose_patterns_it_matches(text: str) -> None:
    assert {c for c in CLASSES if in_class(pl.Series([text]), c).item()} == EXAMPLES[text]


@pytest.mark.parametrize("text_class", CLASSES)
def test_the_warehouse_reads_the_patterns_as_the_intake_does(text_class: str) -> None:
    texts = pl.DataFrame({"text": list(EXAMPLES)})
    found = duckdb.execute("SELECT regexp_matches(text, ?) FROM texts", [pattern_of(text_class)]).fetchall()
    assert [row for (row,) in found] == in_class(texts["text"], text_class).to_list()


def test_no_text_is_unknown_and_an_unknown_class_is_told() -> None:
    assert in_class(pl.Series([None, "--", ""]), "asks_link").to_list() == [None, None, None]
    with pytest.raises(KeyError, match=r"no class of texts 'spam'; the classes are asks_link"):
        pattern_of("spam")


def test_a_comment_keeps_its_classes_and_loses_its_text(tmp_path: Path) -> None:
    connection = memory()
    bad = COMMENT | {"comment_id": "c2", "commented_at": "gestern"}
    land(tmp_path, "note_comments/a.csv", csv_bytes([COMMENT, bad, COMMENT | {"comment_id": "c3", "评论内容": "--"}]))
    (report,) = ingest(connection, tmp_path, "note_comments")
    assert (report.accepted, report.quarantined) == (2, 1)
    classes = [row[4:8] for row in raw(connection, "note_comments")]
    assert classes == [(True, False, False, False), (None, None, None, None)]
    for (table,) in connection.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables"
    ).fetchall():
        held = connection.execute(f"SELECT count(*) FROM {table} AS t WHERE t::VARCHAR SIMILAR TO '.*(138001|张三).*'")
        assert held.fetchall() == [(0,)], table


def test_a_finished_class_in_the_file_is_kept(tmp_path: Path) -> None:
    path = land(tmp_path, "a.csv", csv_bytes([COMMENT | {"是否投诉": "是", "是否求链接": "否"}]))
    row = read(path, "note_comments").frame.row(0, named=True)
    assert (row["asks_link"], row["is_complaint"], row["is_negative"]) == (False, True, False)


def test_the_text_of_a_note_is_matched_and_not_stored(tmp_path: Path) -> None:
    note = {"note_id": "n1", "brand": "b", "published_at": "2026-09-01 12:00:00", "lane": "seeding",
            "笔记正文": "加微信 abc12345", "exported_at": "2026-09-02 06:00:00"}  # fmt: skip
    frame = read(land(tmp_path, "a.csv", csv_bytes([note])), "notes").frame
    assert frame["diverts_off_platform"].to_list() == [True]
    assert "note_text" not in frame.columns
