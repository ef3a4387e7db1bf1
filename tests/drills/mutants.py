"""Files that were sound until something happened to them: their structure, their values, their form, their bytes.

A mutant is drawn from a seed and a number alone, so that each can be made again.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import random
import re
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl
import xlsxwriter

from data_contracts.mapping import Reading
from pipelines.demo import generate
from pipelines.intake.frames import BROKEN, ROW
from pipelines.intake.readers import is_readable_name, read_file

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
MOST_ROWS = 8  # of a file to be mutated: faults do not need many
LONG = "长" * 20_000

# What no column of any feed is meant to hold, and what some columns are.
NASTY: tuple[Any, ...] = (
    "", " ", "\u3000", "null", "NaN", "nan", "Infinity", "-inf", "N/A", "--", "合计",
    "合计6条记录", "0", "-0", "-1",
    "1e400", "1E+18", "9" * 19, "9" * 40, "-" + "9" * 25, "9223372036854775807", "9223372036854775808", "0.1", "1.005",
    "1,234.56", "1，234", "1.2万", "<100", "10万+", "5.00%", "¥1", "１２３", "0x10", "1_000", "TRUE", "是",
    "2026-02-30",
    "2026-13-01 00:00:00", "0000-00-00", "0001-01-01", "9999-12-31 23:59:59", "10000-01-01", "1970-01-01", "46266",
    "1788192000000", "99999999999999999", "2026-09-01T12:00:00+99:00", "2026-09-01 24:00:00", "20260901",
    "13812345678",
    "=1+1", "@x", "'", '"', '""', "a\nb", "a\rb", "a\tb", ",", "|", "a|b||c", "{}", "[1]", "\\", "\x01", "\x1f", "\x7f",
    "\u200b", "\u202e", "\ufeff", "\ufffd", "\u2028", "e\u0301", "👩‍👩‍👧", "ÿ", LONG, "#REF!", "#DIV/0!", "None",
    "C" * 64, "<script>", "'; DROP TABLE raw.notes; --", "{x}", "{{x}}", "%s", "$1",
)  # fmt: skip
STRANGE_NAMES = (
    "",
    " ",
    "_row",
    "_broken",
    "_file",
    "_reasons",
    "note_id",
    "合计",
    "x" * 300,
    "a\nb",
    "\ufeff",
    "ｘ",
    "_",
)
TYPES: dict[str, Callable[[str, int], Any]] = {
    "integer": lambda _, n: n * 10**12,
    "negative": lambda _, n: -n - 1,
    "float": lambda _, n: (0.1 + n, float("nan"), float("inf"), 1e300, -0.0)[n % 5],
    "float32": lambda _, n: n / 3,
    "boolean": lambda _, n: n % 2 == 0,
    "date": lambda _, n: date(2026, 9, 1) + timedelta(n),
    "far date": lambda _, n: date(9999, 12, 31) if n % 2 else date(1, 1, 1),
    "instant": lambda _, n: datetime(2026, 9, 1, 12, n % 60, tzinfo=UTC),
    "clock": lambda _, n: datetime(2026, 9, 1, 12, n % 60),
    "far instant": lambda _, n: datetime(9999, 12, 31, 23, 59, 59) if n % 2 else datetime(1, 1, 1),
    "time": lambda _, n: time(n % 24),
    "duration": lambda _, n: timedelta(days=n),
    "bytes": lambda text, _: str(text).encode()[:10] + b"\xff",
    "decimal": lambda _, n: Decimal(n) / 1000,
    "list": lambda text, n: [str(text)] * (n % 3),
    "nested": lambda text, n: [[str(text)], [None] * (n % 2)],
    "struct": lambda text, n: {"a": str(text), "b": {"c": n}},
    "nothing": lambda _text, _n: None,
}


@dataclass(frozen=True)
class Table:
    """Headers and rows; `counted` while every row is one that a reader must give."""

    name: str
    feed: str | None
    headers: list[str]
    rows: list[list[Any]]
    counted: bool = True


@dataclass(frozen=True)
class Mutant:
    """A file, the feed whose folder it lies in (None: none), and how many rows it has, where that can be said."""

    name: str
    content: bytes
    form: str
    feed: str | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Corpus:
    """Sound files: tables, which can take any form, and documents of interfaces."""

    tables: tuple[Table, ...]
    documents: tuple[tuple[str, Any], ...]


@cache
def corpus(folder: Path) -> Corpus:
    """The samples of exports, and the beginnings of the demo's files, which are written into the folder."""
    generate(folder / "landing", folder / "truth", size="s", seed=7)
    own = sorted(p for p in (folder / "landing").rglob("*") if p.is_file())
    first = {(p.parent.name, re.sub(r"[0-9]+.*", "", p.name)): p for p in reversed(own)}
    samples = sorted(p for p in SAMPLES.glob("*/*") if is_readable_name(p.name))
    tables = [_table(p, p.parent.name) for p in first.values() if is_readable_name(p.name) and p.suffix != ".json"]
    tables += [_table(p, None) for p in samples if p.suffix != ".json"]
    documents = tuple((p.name, orjson.loads(p.read_bytes())) for p in samples if p.suffix == ".json")
    return Corpus(tuple(tables), documents)


def _table(path: Path, feed: str | None) -> Table:
    """The beginning of a file, with whatever stands above its headers left out."""
    header_row = 3 if "蒲公英数据" in path.name else 1
    frame = read_file(path, Reading(header_row=header_row)).drop(ROW, BROKEN)
    headers = [re.sub(r"_duplicated_[0-9]+$", "", c) for c in frame.columns]
    return Table(path.name.split(".")[0], feed, headers, [list(row) for row in frame.head(MOST_ROWS).iter_rows()])


def mutant(number: int, seed: int, known: Corpus, /) -> Mutant:
    """The mutant of this number."""
    draw = random.Random(f"{seed} {number}")
    if draw.random() < 0.15:
        return _document(draw, known)
    table = draw.choice(known.tables)
    table = replace(table, headers=list(table.headers), rows=[list(row) for row in table.rows])
    for change in draw.choices(list(CHANGES), weights=list(CHANGES.values()), k=draw.choice((0, 1, 1, 2, 3))):
        table = change(draw, table)
    if draw.random() < 0.05 and table.rows:
        table = _ragged(draw, table)
    form = draw.choice(("csv", "csv", "jsonl", "parquet", "xlsx", "xlsx", "json"))
    found = FORMS[form](draw, table)
    if draw.random() < 0.2:
        found = _damaged(draw, found)
    return found


# --- structure and values -------------------------------------------------------------------------


def _drop_column(draw: random.Random, table: Table) -> Table:
    at = draw.randrange(len(table.headers)) if table.headers else 0
    rows = [row[:at] + row[at + 1 :] for row in table.rows]
    return replace(table, headers=table.headers[:at] + table.headers[at + 1 :], rows=rows)


def _double_column(draw: random.Random, table: Table) -> Table:
    at, to = _place(draw, table), draw.randint(0, len(table.headers))
    same = draw.random() < 0.5

    def doubled(cells: list[Any], copy: Any) -> list[Any]:
        return [*cells[:to], copy, *cells[to:]]

    rows = [doubled(row, row[at] if same else draw.choice(NASTY)) for row in table.rows]
    return replace(table, headers=doubled(table.headers, table.headers[at]), rows=rows)


def _reorder(draw: random.Random, table: Table) -> Table:
    order = draw.sample(range(len(table.headers)), len(table.headers))
    return replace(table, headers=[table.headers[n] for n in order], rows=[[r[n] for n in order] for r in table.rows])


def _rename(draw: random.Random, table: Table) -> Table:
    at, headers = _place(draw, table), list(table.headers)
    was = str(headers[at])
    headers[at] = draw.choice(
        (*STRANGE_NAMES, was.upper(), f" {was} ", was[:-1], was + "x", f"{was}#2", f"{was}_duplicated_0", was[::-1])
    )
    return replace(table, headers=headers)


def _no_header(_draw: random.Random, table: Table) -> Table:
    return Table(table.name, table.feed, [str(c) for c in table.rows[0]], table.rows[1:], counted=False)


def _header_again(draw: random.Random, table: Table) -> Table:
    return _with_row(draw, table, list(table.headers))


def _total(draw: random.Random, table: Table) -> Table:
    words = draw.choice(("合计", "总计", "汇总", "Total", "合计3条记录", "小计"))
    return _with_row(draw, table, [words if n == draw.choice((0, 0, 1)) else "9" for n in range(len(table.headers))])


def _blank(draw: random.Random, table: Table) -> Table:
    return _with_row(draw, table, [draw.choice((None, None, " ")) for _ in table.headers])


def _repeat(draw: random.Random, table: Table) -> Table:
    return _with_row(draw, table, list(draw.choice(table.rows)))


def _drop_rows(draw: random.Random, table: Table) -> Table:
    return replace(table, rows=draw.sample(table.rows, draw.randint(0, len(table.rows))))


def _cell(draw: random.Random, table: Table) -> Table:
    rows = [list(row) for row in table.rows]
    for _ in range(draw.randint(1, 5)):
        draw.choice(rows)[_place(draw, table)] = draw.choice(NASTY)
    return replace(table, rows=rows)


def _column(draw: random.Random, table: Table) -> Table:
    at, values = _place(draw, table), draw.sample(NASTY, 3)
    return _with_column(table, at, [draw.choice(values) for _ in table.rows])


def _typed(draw: random.Random, table: Table) -> Table:
    at, make = _place(draw, table), TYPES[draw.choice(list(TYPES))]
    return _with_column(table, at, [make(row[at], n) for n, row in enumerate(table.rows)])


def _shift(draw: random.Random, table: Table) -> Table:
    """The values of a row one column to the right, the last one first."""
    rows = [list(row) for row in table.rows]
    at = draw.randrange(len(rows))
    rows[at] = rows[at][-1:] + rows[at][:-1]
    return replace(table, rows=rows)


def _many_columns(draw: random.Random, table: Table) -> Table:
    more = draw.choice((50, 300, 6_000))
    headers = table.headers + [f"c{n}" for n in range(more)]
    return replace(table, headers=headers, rows=[row + ["x"] * more for row in table.rows])


def _ragged(draw: random.Random, table: Table) -> Table:
    rows = [list(row) for row in table.rows]
    at = draw.randrange(len(rows))
    rows[at] = rows[at][: draw.randint(1, len(rows[at]))] if draw.random() < 0.5 else rows[at] + ["x"]
    return replace(table, rows=rows)


def _place(draw: random.Random, table: Table) -> int:
    return draw.randrange(len(table.headers))


def _with_row(draw: random.Random, table: Table, row: list[Any]) -> Table:
    at = draw.randint(0, len(table.rows))
    return replace(table, rows=[*table.rows[:at], row, *table.rows[at:]])


def _with_column(table: Table, at: int, values: list[Any]) -> Table:
    rows = [[*row[:at], value, *row[at + 1 :]] for row, value in zip(table.rows, values, strict=True)]
    return replace(table, rows=rows)


def _if_filled(change: Callable[[random.Random, Table], Table]) -> Callable[[random.Random, Table], Table]:
    return lambda draw, table: change(draw, table) if table.rows and table.headers else table


# Each with its weight: how often it is drawn.
CHANGES: dict[Callable[[random.Random, Table], Table], int] = {
    _if_filled(change): weight
    for change, weight in {
        _drop_column: 2, _double_column: 2, _reorder: 2, _rename: 4, _no_header: 1, _header_again: 2, _total: 2,
        _blank: 1, _repeat: 1, _drop_rows: 2, _cell: 8, _column: 5, _typed: 6, _shift: 2, _many_columns: 1,
    }.items()
}  # fmt: skip


# --- forms ----------------------------------------------------------------------------------------


def _csv(draw: random.Random, table: Table) -> Mutant:
    delimiter = draw.choice((",", ",", ",", "\t", ";", "|"))
    encoding = draw.choice(("utf-8", "utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "big5", "latin-1"))
    quoting = draw.choice((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONE))
    newline = draw.choice(("\n", "\n", "\r\n", "\r"))
    stream = io.StringIO(newline="")
    above = draw.choice((0, 0, 0, 0, 1, 2))
    escape = "\\" if quoting == csv.QUOTE_NONE else None
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=newline, escapechar=escape)
    writer.writerows([["导出说明"]] * above + [table.headers, *table.rows])
    text = stream.getvalue()
    content = text.encode(encoding, errors="replace")
    sound = (
        encoding in ("utf-8", "utf-8-sig", "gb18030") and newline != "\r" and quoting != csv.QUOTE_NONE
        and delimiter in ",\t;" and not above and "\r" not in text.replace("\r\n", "") and len(table.headers) > 1
        and not ({",", "\t", ";"} - {delimiter}) & set("".join(map(str, table.headers)))
        and all(isinstance(c, str | None) for row in table.rows for c in row)
        and "\ufeff" not in text and "\n" not in "".join(map(str, table.headers)) and any(map(str.strip, table.headers))
    )  # fmt: skip
    suffix = draw.choice((".csv", ".csv", ".txt"))
    if draw.random() < 0.15:
        content, suffix = gzip.compress(content), suffix + ".gz"
    return Mutant(table.name + suffix, content, "CSV", table.feed, _rows(table, sound))


def _rows(table: Table, sound: bool) -> int | None:
    """How many rows are not blank, where that is how many a reader must find."""
    if not sound or not table.counted:
        return None
    return sum(any(c not in (None, "") for c in row) for row in table.rows)


def _json_lines(draw: random.Random, table: Table) -> Mutant:
    records = [_record(table, row) for row in table.rows]
    lines = [orjson.dumps(r, default=str, option=orjson.OPT_NON_STR_KEYS) for r in records]
    tricks: tuple[bytes, ...] = (b"", b"[]", b"1", b"{", b"{}", b'{"a":NaN}', b'{"a":1e999}', b'{"a":"\\ud800"}',
                                 b"null", b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", b"\xff\xfe",
                                 b'{"a":' + b"9" * 400 + b"}")  # fmt: skip
    for _ in range(draw.choice((0, 0, 1, 2))):
        lines.insert(draw.randint(0, len(lines)), draw.choice(tricks))
    content = draw.choice((b"\n", b"\n", b"\r\n")).join(lines)
    sound = len(lines) == len(records) and not table.headers.count("") and bool(records)
    counted = len(records) if sound and table.counted else None
    return Mutant(table.name + draw.choice((".jsonl", ".ndjson")), content, "JSON", table.feed, counted)


def _record(table: Table, row: list[Any]) -> dict[str, Any]:
    return {h: c.decode("latin-1") if isinstance(c, bytes) else c for h, c in zip(table.headers, row, strict=False)}


def _table_document(draw: random.Random, table: Table) -> Mutant:
    """The records of a table as an interface would answer them."""
    records = [_record(table, row) for row in table.rows]
    tree = draw.choice(
        ({"code": 0, "data": {"list": records}}, records, {"data": orjson.dumps(records, default=str).decode()})
    )
    return Mutant(table.name + ".json", orjson.dumps(tree, default=str), "JSON", table.feed)


def _parquet(draw: random.Random, table: Table) -> Mutant:
    names: list[str] = []
    for header in table.headers:
        names.append(header if header not in names else f"{header}_duplicated_{len(names)}")
    series = []
    for at, name in enumerate(names):
        values = [row[at] if at < len(row) else None for row in table.rows]
        series.append(_series(draw, name, values))
    buffer = io.BytesIO()
    compression = draw.choice(("zstd", "snappy", "uncompressed", "gzip", "lz4"))
    pl.DataFrame(series).write_parquet(buffer, compression=compression, row_group_size=draw.choice((None, 2)))
    rows = len(table.rows) if table.counted and names and not any(n in (ROW, BROKEN) for n in names) else None
    return Mutant(table.name + ".parquet", buffer.getvalue(), "Parquet", table.feed, rows)


def _series(draw: random.Random, name: str, values: list[Any]) -> pl.Series:
    try:
        series = pl.Series(name, values, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        series = pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String)
    casts: tuple[Any, ...] = (
        pl.Categorical, pl.Binary, pl.Float64, pl.Float32, pl.Int64, pl.Int8, pl.UInt64, pl.Datetime("ns"),
        pl.Datetime("ms", "Asia/Tokyo"), pl.Decimal(38, 10), pl.Date, pl.Null, pl.Int128,
    )  # fmt: skip
    if draw.random() < 0.08:
        try:
            return series.cast(draw.choice(casts), strict=False)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return series
    return series


def _workbook(draw: random.Random, table: Table) -> Mutant:
    first_row, first_column = draw.choice(((0, 0), (0, 0), (0, 0), (2, 0), (0, 3), (5, 2)))
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": draw.random() < 0.2, "strings_to_urls": False,
               "nan_inf_to_errors": True, "default_date_format": "yyyy-mm-dd hh:mm:ss", "remove_timezone": True,
               "strings_to_numbers": draw.random() < 0.15}  # fmt: skip
    with xlsxwriter.Workbook(buffer, options) as book:
        if draw.random() < 0.1:
            book.add_worksheet("说明").write(0, 0, "另见下一页")
        sheet = book.add_worksheet()
        for at, row in enumerate([table.headers, *table.rows]):
            for column, cell in enumerate(row):
                _write(sheet, first_row + at, first_column + column, cell)
        if draw.random() < 0.1:
            sheet.merge_range(first_row, first_column, first_row, first_column + 1, "合并")
        if draw.random() < 0.05:
            sheet.write(draw.choice((1_000, 1_048_575)), draw.choice((0, 16_383)), "x")
    return Mutant(table.name + draw.choice((".xlsx", ".xlsx", ".xls")), buffer.getvalue(), "Excel", table.feed)


def _write(sheet: Any, row: int, column: int, cell: Any) -> None:
    if isinstance(cell, bytes):
        cell = str(cell)
    try:
        sheet.write(row, column, cell)
    except (TypeError, ValueError, OverflowError):
        sheet.write_string(row, column, str(cell)[:32_000])


FORMS: dict[str, Callable[[random.Random, Table], Mutant]] = {
    "csv": _csv, "jsonl": _json_lines, "parquet": _parquet, "xlsx": _workbook, "json": _table_document,
}  # fmt: skip


# --- documents of interfaces ----------------------------------------------------------------------


def _document(draw: random.Random, known: Corpus) -> Mutant:
    name, tree = draw.choice(known.documents)
    tree = orjson.loads(orjson.dumps(tree))
    for _ in range(draw.choice((0, 1, 1, 2, 4))):
        tree = _changed(draw, tree)
    try:
        content = orjson.dumps(tree, option=draw.choice((0, orjson.OPT_INDENT_2)))
    except (TypeError, orjson.JSONEncodeError):  # it holds itself, or a number that JSON has not
        content = repr(tree).encode()
    text = draw.random()
    if text < 0.2:
        content = draw.choice(
            (b"\xef\xbb\xbf" + content, content.replace(b":", b": NaN,", 1), content + b",", b"[" + content,
             content.decode().encode("utf-16"), content.replace(b'"', b"'"), content + b"\n" + content,
             re.sub(rb'"([a-z_]+)":', rb'"\1":1,"\1":', content, count=1), b"callback(" + content + b")",
             re.sub(rb":\s*[0-9]+", b":" + b"9" * 400, content, count=1), content.replace(b"2026", b"\\ud8002026", 1))
        )  # fmt: skip
    found = Mutant(name, content, "JSON")
    return _damaged(draw, found) if draw.random() < 0.2 else found


def _changed(draw: random.Random, tree: Any) -> Any:
    """The tree with one of its places changed; deeper places as likely as the first ones."""
    places: list[tuple[Any, Any]] = []
    level = [tree]
    while level:
        node = level.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            places.append((node, key))
            level.append(node[key])
    if not places:
        return draw.choice(([], {}, None, 1, "x", [1], [[]], [{}]))
    node, key = draw.choice(places)
    what = draw.randrange(8)
    value = node[key]
    if what == 0:
        del node[key]
    elif what == 1 and isinstance(node, list):
        node.insert(key, value)
    elif what == 2 and isinstance(node, dict):
        node[draw.choice((*STRANGE_NAMES, f"{key}x", str(key).upper()))] = node.pop(key)
    elif what == 3:
        node[key] = [value] if draw.random() < 0.5 else {"data": value}
    elif what == 4:
        for _ in range(draw.choice((5, 40, 200))):
            value = [value] if draw.random() < 0.5 else {"a": value}
        node[key] = value
    elif what == 5:
        node[key] = orjson.dumps(value).decode()
    else:
        others: tuple[Any, ...] = (
            None,
            True,
            0,
            -1,
            2**63,
            1.5,
            1e300,
            [],
            {},
            [None],
            [1, "x"],
            {"a": None},
            [[]],
            [{}],
        )
        node[key] = draw.choice((*others, *NASTY))
    return tree


# --- bytes ----------------------------------------------------------------------------------------


def _damaged(draw: random.Random, found: Mutant) -> Mutant:
    content, name = found.content, found.name
    kind = draw.randrange(9)
    if kind == 8 and found.form == "Excel":
        return replace(found, content=_damaged_member(draw, content), rows=None)
    if kind == 0:
        content = content[: draw.randint(0, len(content))]
    elif kind in (1, 8):
        changed = bytearray(content)
        for _ in range(draw.choice((1, 3, 30))):
            if changed:
                changed[draw.randrange(len(changed))] = draw.randrange(256)
        content = bytes(changed)
    elif kind == 2:
        at = draw.randint(0, len(content))
        content = content[:at] + content[at + draw.choice((1, 10, 500)) :]
    elif kind == 3:
        at, bits = draw.randint(0, len(content)), (b"\x00", b"\xff\xfe", b'"', b"\n", b"\r", b"\x1a", b"PAR1", b",")
        content = content[:at] + draw.choice(bits) + content[at:]
    elif kind == 4:
        at = draw.randint(0, len(content))
        content = content[:at] + content[at : at + 300] + content[at:]
    elif kind == 5:
        name = name.split(".")[0] + draw.choice(
            (".csv", ".xlsx", ".parquet", ".json", ".jsonl", ".xls", ".txt", ".csv.gz")
        )
    elif kind == 6:
        content = gzip.compress(content)
        name += draw.choice(("", ".gz"))
        content = gzip.compress(content) if draw.random() < 0.3 else content
    else:
        content = (
            draw.choice((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"PK\x03\x04", b"\x1f\x8b"))
            + content
        )
    return replace(found, name=name, content=content, rows=None)


ENTITIES = b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
CELL = (
    b"<worksheet><sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>&%s;</t></is></c></row></sheetData></worksheet>"
)
BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + ENTITIES + b"]>" + CELL % b"j"
OUTER = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + CELL % b"a"


def _damaged_member(draw: random.Random, content: bytes) -> bytes:
    """The workbook with one of its parts changed, and the archive itself sound."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice(list(parts))
    if draw.random() < 0.6:
        name = next(n for n in parts if n.endswith("sheet1.xml") and "rels" not in n)
    text = parts[name]
    changes: tuple[Callable[[bytes], bytes], ...] = (
        lambda t: t[: draw.randint(0, len(t))],
        lambda _: b"",
        lambda t: re.sub(rb' r="[A-Z]+[0-9]+"', b"", t),
        lambda t: re.sub(rb' r="([A-Z]+)[0-9]+"', rb' r="\g<1>99999999999"', t, count=draw.choice((1, 0))),
        lambda t: re.sub(rb' r="[A-Z]+', b' r="ZZZZZ', t, count=1),
        lambda t: re.sub(rb"<v>[^<]*</v>", b"<v>99999999999999999999</v>", t, count=draw.choice((1, 0))),
        lambda t: re.sub(rb"<v>[^<]*</v>", b"<v>-1</v>", t, count=1),
        lambda t: re.sub(rb't="s"', draw.choice((b't="d"', b't="b"', b't="e"', b't="n"', b't="zzz"')), t),
        lambda t: re.sub(rb'<dimension ref="[^"]*"/>', b'<dimension ref="A1:XFD1048576"/>', t),
        lambda t: re.sub(rb"<dimension[^>]*>", b'<dimension ref="nonsense"/>', t),
        lambda t: t.replace(b"</row>", b"", 1),
        lambda t: t.replace(b"<row ", b'<row r="0" ', 1),
        lambda t: t.replace(b"utf-8", b"utf-16", 1).replace(b"UTF-8", b"utf-16", 1),
        lambda _: BOMB,
        lambda _: OUTER,
        lambda t: t.replace(b"<sheetData>", b"<sheetData>" + b'<row r="1"><c r="A1"><v>1</v></c></row>' * 3, 1),
    )
    parts[name] = draw.choice(changes)(text)
    if draw.random() < 0.15:
        del parts[draw.choice(list(parts))]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", draw.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))) as archive:
        for part, data in parts.items():
            archive.writestr(part, data)
    return buffer.getvalue()
