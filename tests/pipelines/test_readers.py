"""Every format and encoding gives the same rows, numbered as people see them; what is broken says so."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.mapping import Reading
from pipelines.intake.frames import distinct
from pipelines.intake.readers import UnreadableFileError, is_readable_name, read_file, read_headers
from tests.pipelines.intake_files import land, parquet_bytes, xlsx_bytes

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "笔记ID,标题\n1,你好\n2,再见\n"
PLAIN = Reading()


def rows(path: Path, reading: Reading = PLAIN) -> list[dict[str, Any]]:
    return read_file(path, reading).drop("_broken").rows(named=True)


def broken(path: Path) -> dict[int, str]:
    return {row: why for row, why in read_file(path, PLAIN).select("_row", "_broken").rows() if why}


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("gbk"),
        TEXT.encode("utf-16"),
        TEXT.encode("gb18030"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r\n").encode("gbk"),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace(",", ";").encode(),
        TEXT.rstrip("\n").encode(),
        (TEXT + "\n,\n\n").encode(),
        TEXT.replace("你好", '"你好"').encode(),
        gzip.compress(TEXT.encode()),
    ],
)
def test_one_text_in_every_guise(tmp_path: Path, content: bytes) -> None:
    path = land(tmp_path, "a.csv", content)
    assert rows(path) == [
        {"笔记ID": "1", "标题": "你好", "_row": 2},
        {"笔记ID": "2", "标题": "再见", "_row": 3},
    ]
    assert read_headers(path, PLAIN) == ["笔记ID", "标题"]


def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["1", None, "x,\ny"], "b": ["2", "é", "3"]})
    jsonl = frame.write_ndjson().encode()
    cells = [["a", "b"], ["1", "2"], [None, "é"], ["x,\ny", "3"]]
    files = {
        "a.csv": frame.write_csv().encode(), "a.csv.gz": gzip.compress(frame.write_csv().encode()),
        "a.xlsx": xlsx_bytes(cells), "a.parquet": parquet_bytes(frame), "a.jsonl": jsonl,
        "a.ndjson.gz": gzip.compress(jsonl), "A.CSV": frame.write_csv().encode(),
    }  # fmt: skip
    for name, content in files.items():
        path = land(tmp_path, name, content)
        assert read_file(path, PLAIN).select("a", "b").equals(frame), name
        assert read_headers(path, PLAIN) == ["a", "b"], name
        assert is_readable_name(name)


def test_blank_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    assert [r["_row"] for r in rows(land(tmp_path, "a.csv", b"a,b\n1,2\n,\n\n5,6\n\n"))] == [2, 5]
    assert [r["_row"] for r in rows(land(tmp_path, "a.xlsx", xlsx_bytes([["a"], ["1"], [None], ["4"]])))] == [2, 4]
    assert [r["_row"] for r in rows(land(tmp_path, "a.jsonl", b'{"a":1}\n\n{"a":2}\n'))] == [1, 3]


def test_a_header_may_stand_lower(tmp_path: Path) -> None:
    reading = Reading(header_row=3)
    for name, content in {
        "a.csv": b"title\n\na,b\n1,2\n",
        "b.csv": b"title\nx,y,z\na,b\n1,2\n",
        "a.xlsx": xlsx_bytes([["title"], ["x", "y", "z"], ["a", "b"], ["1", "2"]]),
    }.items():
        path = land(tmp_path, name, content)
        assert {k: rows(path, reading)[0][k] for k in ("a", "b", "_row")} == {"a": "1", "b": "2", "_row": 4}, name


@pytest.mark.parametrize(
    ("text", "lines", "good"),
    [
        ("a,b\n1,2\n3\n4,5,6\n7,8\n", {3: "has 1 fields, its header has 2", 4: "has 3 fields"}, ["1", "7"]),
        ('a,b\n1,"x\n2,y\n3,z\n', {2: "quotation mark"}, ["2", "3"]),
        ('a,b\n1,"x\n2,y\n3,"z"\n4,w\n', {2: "quotation mark"}, ["2", "3", "4"]),
        ('a,b\n1,x"y"z\n2,"p""q"\n', {}, ["1", "2"]),
        ('a,b\n1,"two\nlines"\n2,y\n3\n', {4: "has 1 fields"}, ["1", "2"]),
    ],
)  # fmt: skip
def test_a_broken_line_takes_no_other_with_it(
    tmp_path: Path, text: str, lines: dict[int, str], good: list[str]
) -> None:
    path = land(tmp_path, "a.csv", text.encode())
    found = broken(path)
    assert found.keys() == lines.keys()
    assert all(part in found[row] for row, part in lines.items())
    assert [r["a"] for r in rows(path) if r["_row"] not in lines] == good


def test_damaged_bytes_break_their_own_rows_only(tmp_path: Path) -> None:
    body = TEXT.encode() * 20
    for damaged, name in ((body.replace(b"\xe4\xbd\xa0", b"\xe4\xff", 1), "a.csv"), (body[:-2], "cut.csv")):
        found = broken(land(tmp_path, name, damaged))
        assert list(found.values()) == ["holds bytes that are not UTF-8 text; export the file again"]


def test_a_cell_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    huge = "界" * 3_500_000
    assert rows(land(tmp_path, "a.csv", f"a,b\n1,{huge}\n".encode()))[0]["b"] == huge
    assert rows(land(tmp_path, "b.csv", f"a,b\n1,{huge}\n2\n".encode()))[0]["b"] == huge


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufffd\ufeff"),
                                 min_size=1), min_size=3, max_size=3), min_size=1, max_size=6))  # fmt: skip
@settings(max_examples=60)
def test_what_was_written_is_read(cells: list[list[str]]) -> None:
    from pipelines.intake.delimited import csv_parts

    frame = pl.DataFrame([dict(zip("abc", row, strict=True)) for row in cells])
    for content in (frame.write_csv().encode(), frame.write_csv().encode() + b"broken\n"):
        found = pl.concat(csv_parts(partial(io.BytesIO, content), PLAIN)).filter(pl.col("_broken").is_null())
        assert found.select("a", "b", "c").equals(frame)


def test_a_text_that_becomes_another_while_it_is_read_stops_nothing() -> None:
    """It is looked through before it is read; that it changed is told at its end."""
    from pipelines.intake.delimited import csv_parts

    for after in ("a,b\n1,你\n".encode("gbk"), b'a,b\n1,\xff"\n', b"\xef\xbb\xbfa,b\n\xff\n2,3\n"):
        looks = iter([TEXT.encode(), TEXT.encode(), after])
        found = pl.concat(csv_parts(lambda looks=looks: io.BytesIO(next(looks)), PLAIN))
        assert found.columns[:2] == ["a", "b"]


def test_excel_cells(tmp_path: Path) -> None:
    long = 1234567890123456789
    cells = [
        ["id", "amount", "day", "sum"],
        [long, 0.1 + 0.2, date(2026, 9, 1), "=1+1"],
        [str(long), 19.9, "2026-09-01", 3],
        [123456, "1,5", None, True],
    ]
    for first_row, first_column in ((0, 0), (3, 2)):
        content = xlsx_bytes(cells, first_row=first_row, first_column=first_column)
        found = rows(land(tmp_path, "a.xlsx", content))
        assert [r["id"] for r in found] == ["1.23457E+18", str(long), "123456"]
        assert [r["amount"] for r in found] == ["0.3", "19.9", "1,5"]
        assert [r["day"] for r in found] == ["2026-09-01 00:00:00", "2026-09-01", None]
        assert [r["_row"] for r in found] == [first_row + 2, first_row + 3, first_row + 4]


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (["a", "a", "a"], ["a", "a_duplicated_0", "a_duplicated_1"]),
        (["_row", "x_row", "_broken"], ["x_row", "x_row_duplicated_0", "x_broken"]),
        (["a", "a_duplicated_0", "a"], ["a", "a_duplicated_0", "a_duplicated_1"]),
        (["", ""], ["", "_duplicated_0"]),
    ],
)
def test_headers_become_distinct_and_never_the_intakes_own(headers: list[str], names: list[str]) -> None:
    assert distinct(headers) == names


def test_headers_that_stand_twice_are_named_alike_in_csv_and_excel(tmp_path: Path) -> None:
    for name, content in {"a.csv": b"a,b,a\n1,2,3\n", "a.xlsx": xlsx_bytes([["a", "b", "a"], ["1", "2", "3"]])}.items():
        assert rows(land(tmp_path, name, content)) == [{"a": "1", "b": "2", "a_duplicated_0": "3", "_row": 2}]


def test_json_values(tmp_path: Path) -> None:
    lines = b'{"a": 1, "b": ["x", 2, null], "_row": 9}\nnonsense\n[1]\n{"c": {"d": 1}, "a": 12345678901234567890123}\n'
    path = land(tmp_path, "a.jsonl", lines)
    found = {r["_row"]: r for r in rows(path)}
    assert found[1] == {"a": "1", "b": "x|2", "x_row": "9", "c": None, "_row": 1}
    assert found[4]["c"] == '{"d":1}'
    assert found[4]["a"] == "1.2345678901234568e+22"
    assert broken(path).keys() == {2, 3}


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    return buffer.getvalue()


def misplaced(place: bytes) -> bytes:
    """A workbook whose first cell says that it is elsewhere."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes([["a"], [1]]))) as sound, zipfile.ZipFile(buffer, "w") as changed:
        for name in sound.namelist():
            changed.writestr(name, sound.read(name).replace(b'r="A1"', b'r="' + place + b'"'))
    return buffer.getvalue()


PARQUET = parquet_bytes(pl.DataFrame({"a": list(range(1000))}))
CSV = b"a,b\n1,2\n" * 1000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"empty \(0 bytes\); export it again"),
        ("a.csv", b"\n\n", "no header on row 1"),
        ("a.csv.gz", gzip.compress(b""), "gzip file holds nothing"),
        ("a.csv.gz", gzip.compress(CSV)[:-9], r"gzip file is truncated or damaged.*copy it again"),
        ("a.csv.gz", CSV, r"gzip file is truncated or damaged.*copy it again"),
        ("a.csv", TEXT.encode("utf-16-le"), "binary zeros"),
        ("a.csv", b"a,b\n\xff\xff\xff\x81,\xff\xff\n", r"byte 5 is not UTF-8 or GBK text; save the file as UTF-8"),
        ("a.csv", xlsx_bytes([["a"]]), r"content is an .xlsx workbook.*rename it"),
        ("a.csv", PARQUET, "content is a Parquet file"),
        ("a.parquet", PARQUET[:-1], r"Parquet file is truncated or damaged.*copy it again"),
        ("a.parquet", PARQUET[: len(PARQUET) // 2], r"Parquet file is truncated or damaged.*copy it again"),
        ("a.parquet", CSV, r"Parquet file is truncated or damaged.*copy it again"),
        ("a.xlsx", xlsx_bytes([["a"], [1]])[:-300], r"workbook cannot be read.*save it again as .xlsx"),
        ("a.xls", b"<html><table></table></html>", r"workbook cannot be read.*save it again as .xlsx"),
        ("a.xlsx", xlsx_bytes([]), "has no header on row 1"),
        ("a.xlsx", bomb(), r"unpacks from [\d,]+ bytes to 60,000,000 bytes.*so it is not opened"),
        ("a.xlsx", xlsx_bytes([["a"], *[[]] * 9_000, [None] * 900 + ["x"]]), r"an area of 8,\d+,\d+ cells, of which 2"),
        ("a.xlsx", xlsx_bytes([["a"] + [None] * 1_000 + ["b"]]), "1,002 columns, and at most 1,000 are read of"),
        ("a.xlsx", misplaced(b"A99999999999"), "lies beyond row 1,048,576 or column 16,384, .*save the workbook again"),
        ("a.xlsx", misplaced(b"ZZZZZ1"), "lies beyond row 1,048,576 or column 16,384"),
        ("a.jsonl", b"\n", "none of its 0 lines is a JSON object"),
        ("a.jsonl", b"a,b\n1,2\n", r"none of its 2 lines is a JSON object with values; line 1 is no JSON"),
        ("a.pdf", b"x", r"format '.pdf' is not known; save it as one of .csv"),
        ("noname", b"x", "format '' is not known"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(UnreadableFileError, match=message):
        read_file(land(tmp_path, name, content), PLAIN)


@given(st.data())
@settings(max_examples=60)
def test_a_cut_or_damaged_file_never_falls_over(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = {
        "a.parquet": PARQUET, "a.csv.gz": gzip.compress(CSV), "a.xlsx": xlsx_bytes([["a", "b"], [1, "x"]]),
        "a.csv": TEXT.encode(), "a.jsonl": b'{"a": "\xe7\x95\x8c"}\n' * 5,
    }  # fmt: skip
    name = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[name])
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = land(folder, name, bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        assert read_file(path, PLAIN)["_row"].null_count() == 0
    except UnreadableFileError:
        return


@pytest.mark.parametrize("last", ["4000000000000000000", 4_000_000_000_000_000_000], ids=["text", "number"])
def test_cells_are_looked_at_one_by_one_only_where_a_column_of_ids_is_not_all_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: object
) -> None:
    from pipelines.intake import workbooks

    looked: list[int] = []
    kinds = workbooks._cell_kinds
    monkeypatch.setattr(workbooks, "_cell_kinds", lambda *of: looked.append(1) or kinds(*of))
    cells = [["id"], *[["4000000000000000000"]] * 1_500, [last]]
    found = [row["id"] for row in rows(land(tmp_path, "a.xlsx", xlsx_bytes(cells)))]
    assert found == ["4000000000000000000"] * 1_500 + [last if isinstance(last, str) else "4.00000E+18"]
    assert bool(looked) == isinstance(last, int)


def test_only_the_beginning_of_a_long_text_is_read_for_its_headers(tmp_path: Path) -> None:
    long = b"a,b\n" + b"1,2\n" * 600_000
    for name, content in {"a.csv": long, "a.csv.gz": gzip.compress(long)[:-9]}.items():
        assert read_headers(land(tmp_path, name, content), PLAIN) == ["a", "b"]


# Quotation marks astray and sound, records too short and too long, blank lines, bytes that are no text.
MORSELS = ["1", ",", "\n", '"', '"a\nb"', '"x""y"', "界", '5"', "\r\n", "1,2\n", "3,4\n", "\udcff"]
PIECES = st.lists(st.sampled_from(MORSELS), max_size=30)
LINES = ['{"a": 1}', '{"b": "界"}', "", " ", "nonsense", "[1]", '{"a": "x", "c": []}']


@given(PIECES, st.integers(1, 40), st.integers(1, 4), st.sampled_from(["utf-8", "gb18030", "utf-16"]))
@settings(max_examples=100, deadline=None)
def test_a_text_is_read_alike_in_parts_of_any_size(pieces: list[str], size: int, records: int, encoding: str) -> None:
    from pipelines.intake import delimited, text

    lost = encoding == "utf-8" and "界" in pieces and pieces.count("\udcff") == 1
    body = "".join(pieces if lost else [p for p in pieces if p != "\udcff"])
    content = f"a,b\n0,界\n{body}".encode(encoding, errors="surrogateescape" if lost else "strict")
    whole = pl.concat(delimited.csv_parts(partial(io.BytesIO, content), PLAIN))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "PIECE", size)
        patch.setattr(text, "PART", size)
        patch.setattr(delimited, "RECORDS", records)
        parts = list(delimited.csv_parts(partial(io.BytesIO, content), PLAIN))
    assert pl.concat(parts).equals(whole)


@given(st.lists(st.sampled_from(LINES), min_size=1), st.integers(1, 40), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_json_lines_are_read_alike_in_parts_of_any_size(texts: list[str], size: int, records: int) -> None:
    from pipelines.intake import json_lines, text

    content = "\n".join(['{"a": 0}', *texts]).encode()
    whole = pl.concat(json_lines.json_lines_parts(partial(io.BytesIO, content), PLAIN))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "PIECE", size)
        patch.setattr(text, "PART", size)
        patch.setattr(json_lines, "RECORDS", records)
        parts = list(json_lines.json_lines_parts(partial(io.BytesIO, content), PLAIN))
    assert len(parts) == -(-whole.height // records)
    assert pl.concat(parts).equals(whole)


def test_parquet_is_read_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.intake import readers

    path = land(tmp_path, "a.parquet", PARQUET)
    whole = read_file(path, PLAIN)
    monkeypatch.setattr(readers, "ROWS", 300)
    parts = list(readers.read_parts(path, PLAIN))
    assert [part.height for part in parts] == [300, 300, 300, 100]
    assert pl.concat(parts).equals(whole)
    assert whole["_row"].to_list() == list(range(1, 1001))


def test_a_header_cannot_pose_as_a_column_of_the_intake(tmp_path: Path) -> None:
    frame = pl.DataFrame({"_broken": ["no"], "_row": ["9"], "a": ["x"]})
    workbook = xlsx_bytes([frame.columns, *map(list, frame.rows())])
    for name, content in (("a.parquet", parquet_bytes(frame)), ("a.xlsx", workbook)):
        found = read_file(land(tmp_path, name, content), PLAIN)
        assert {*found.columns} == {"x_broken", "x_row", "a", "_row", "_broken"}
        assert found["_broken"].to_list() == [None]


def test_parquet_whose_parts_contradict_each_other_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"a": ["x", "y"]}).write_parquet(buffer, compression="uncompressed", statistics=False)
    sound, told = buffer.getvalue(), []
    for at in range(4, len(sound) - 8):
        changed = bytearray(sound)
        changed[at] = 0
        try:
            assert read_file(land(tmp_path, "a.parquet", bytes(changed)), PLAIN).height <= 2
        except UnreadableFileError as error:
            told.append(str(error))
    assert len(told) > 10
    assert all("truncated or damaged" in message for message in told)
