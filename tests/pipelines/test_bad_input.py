"""Whatever is wrong with a file: the message says what, where, how many and what to do; the good rows go through;
nothing is lost; and no raw identifier is kept anywhere."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import duckdb
import orjson
import polars as pl
import pytest

from pipelines.warehouse import open_warehouse
from tests.pipelines.intake_files import (
    IMPRESSION,
    RAW_ID,
    SECRET,
    csv_bytes,
    ingest,
    land,
    memory,
    orders,
    parquet_bytes,
    tables,
    xlsx_bytes,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


GOOD = orders(20, user_id=RAW_ID)
LINES = csv_bytes(GOOD)


def one(**changes: Any) -> bytes:
    """Twenty good rows, one of which (row 7) is changed."""
    return csv_bytes([row | (changes if at == 5 else {}) for at, row in enumerate(GOOD)])


def without(column: str) -> bytes:
    return csv_bytes([{k: v for k, v in row.items() if k != column} for row in GOOD])


def cells(**changes: Any) -> bytes:
    """A workbook of twenty rows, one of which (row 7) is changed."""
    rows = [list((row | (changes if at == 5 else {})).values()) for at, row in enumerate(GOOD)]
    return xlsx_bytes([list(GOOD[0]), *rows])


@dataclass(frozen=True)
class Bad:
    """A file, what is said of it, and how many of its rows go in."""

    name: str
    content: bytes
    told: tuple[str, ...]
    status: str = "partial"
    accepted: int = 19
    quarantined: int = 1
    options: dict[str, str] = field(default_factory=dict)


ROW_7 = ("1 row quarantined for", "(row 7)")
NONE = {"accepted": 0, "quarantined": 0, "status": "refused"}
PARQUET = parquet_bytes(pl.DataFrame(GOOD))
CASES = {
    "unknown column": Bad(
        "a.csv", csv_bytes(orders(20, gift="x", user_id=RAW_ID)), ("headers not used: gift",), "complete", 20, 0
    ),
    "many unknown columns": Bad(
        "a.csv",
        csv_bytes(orders(20, **{f"gift{n}": "x" for n in range(25)})),
        ("headers not used: gift0, gift1,", "gift19 and 5 more"),
        "complete",
        20,
        0,
    ),
    "missing column": Bad("a.csv", without("paid_at"), ("1 required column is missing: paid_at", "Rename"), **NONE),
    "no header": Bad(
        "a.csv",
        LINES.split(b"\n", 1)[1],
        ("required columns are missing", "None of its 10 headers is known", "add a row of headers"),
        **NONE,
    ),
    "wrong type of an amount": Bad(
        "a.csv",
        one(paid_amount="待补录"),
        (*ROW_7, "paid_amount: '待补录' cannot be read as an amount with at most two decimals; correct the value"),
    ),
    "wrong type of a time": Bad(
        "a.csv", one(paid_at="yesterday"), (*ROW_7, "'yesterday' cannot be read as a date and")
    ),
    "wrong type in Parquet": Bad(
        "a.parquet",
        parquet_bytes(pl.DataFrame([r | {"paid_at": 46266} for r in GOOD])),
        ("20 rows quarantined for paid_at (rows 1, 2, 3, 4, 5, …)", "'46266' cannot be read"),
        accepted=0,
        quarantined=20,
    ),
    "number beyond 64 bits in Parquet": Bad(
        "a.parquet",
        parquet_bytes(pl.DataFrame(GOOD).with_columns(paid_amount=pl.Series([10**25] + [100] * 19, dtype=pl.Int128))),
        ("1 row quarantined for paid_amount (row 1)", "'10000000000000000000000000' cannot be read as an amount"),
    ),
    "wrong encoding": Bad(
        "a.csv",
        LINES.replace("花间".encode(), b"\xff\xfe\xff", 1),
        ("1 row quarantined for row", "(row 2)", "bytes that are not UTF-8 text", "export the file again"),
    ),
    "no encoding at all": Bad(
        "a.csv",
        b"channel,order_id\n" + b"\xff" * 99,
        ("byte 18 is not UTF-8 or GBK text", "save the file as UTF-8 or GBK"),
        **NONE,
    ),
    "truncated gzip": Bad(
        "a.csv.gz", gzip.compress(LINES)[:-20], ("truncated or damaged", "bytes", "copy it again"), **NONE
    ),
    "truncated Parquet": Bad("a.parquet", PARQUET[:-40], ("truncated or damaged", "bytes", "copy it again"), **NONE),
    "truncated workbook": Bad("a.xlsx", cells()[:-40], ("cannot be read", "save it again as .xlsx"), **NONE),
    "truncated text": Bad(
        "a.csv", LINES[:-60], ("1 row quarantined for row (row 21)", "has 5 fields, its header has 10")
    ),
    "empty file": Bad("a.csv", b"", ("empty (0 bytes)", "export it again"), **NONE),
    "only a header": Bad("a.csv", LINES.split(b"\n")[0], ("a header and no rows",), "complete", 0, 0),
    "negative amount": Bad(
        "a.csv",
        one(paid_amount="-0.01"),
        (*ROW_7, "paid_amount: is '-0.01', expected at least 0", "correct the value at its source"),
    ),
    "1970": Bad(
        "a.csv", one(paid_at="1970-01-01 08:00:00"), (*ROW_7, "1970-01-01T08:00:00+08:00, expected at least 2013")
    ),
    "2099": Bad(
        "a.csv",
        one(paid_at="2099-01-01 00:00:00"),
        (*ROW_7, "2099-01-01T00:00:00+08:00, expected not later than exported_at; check the clock"),
    ),
    "id as a float in text": Bad(
        "a.csv", one(order_id="1.23457E+18"), (*ROW_7, "'1.23457E+18', expected an id as text", "formatted as text")
    ),
    "id as a number among text in Excel": Bad("a.xlsx", cells(order_id=1234567890123456789), (*ROW_7, "'1.23457E+18'")),
    "ids as floats in Parquet": Bad(
        "a.parquet",
        parquet_bytes(pl.DataFrame(GOOD).with_columns(pl.col("order_id").cast(pl.Float64))),
        ("20 rows quarantined for order_id", "formatted as text"),
        accepted=0,
        quarantined=20,
    ),
    "raw id as a float": Bad(
        "a.csv", one(user_id="1.38123E+10"), (*ROW_7, "user_key: user_id is a number that a spreadsheet rounded")
    ),
    "raw id in the place of a key": Bad(
        "a.csv",
        csv_bytes([r | {"user_key": RAW_ID if n == 5 else "77"} for n, r in enumerate(GOOD)]),
        (*ROW_7, "user_key: a value cannot be read"),
    ),
    "shifted row": Bad(
        "a.csv",
        LINES.replace(b"tmall,9000000000000000051,", b"tmall,x,9000000000000000051,"),
        ("1 row quarantined for row (row 7)", "has 11 fields, its header has 10; quote the text"),
    ),
    "stray quotation mark": Bad(
        "a.csv",
        LINES.replace(b"tmall,9000000000000000051,", b'tmall,"9000000000000000051,'),
        ("1 row quarantined for row (row 7)", "quotation mark that is not closed"),
    ),
    "broken JSON line": Bad(
        "a.jsonl",
        b"\n".join(
            b'{"user_id": "' + RAW_ID.encode() + b'",' if n == 5 else orjson.dumps(r) for n, r in enumerate(GOOD)
        ),
        ("1 row quarantined for row (row 6)", "is no JSON"),
    ),
    "headers that collide": Bad(
        "a.csv", LINES.replace(b"category", "ＯＲＤＥＲ_ID".encode()), ("2 columns have the header", "rename"), **NONE
    ),
    "still being written": Bad("a.csv.part", LINES, ("transfer is not finished", "next run"), "unfinished", 0, 0),
    "totals among the rows": Bad(
        "a.csv",
        LINES
        + csv_bytes([GOOD[0] | {"order_id": "合计", "paid_amount": "x"}, GOOD[0] | {"order_id": "合计20条记录"}]).split(
            b"\n", 1
        )[1]
        + "合计,,\n".encode(),
        ("3 total rows ignored",),
        "complete",
        20,
        0,
    ),
    "unknown format": Bad("a.pdf", b"%PDF", ("format '.pdf' is not known", "save it as one of"), **NONE),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bad_input(tmp_path: Path, case: Bad) -> None:
    landing, home = tmp_path / "landing", tmp_path / "redcat.duckdb"
    path = land(landing, f"shop_conversions/{case.name}", case.content)
    with open_warehouse(home) as connection:
        (report,) = ingest(connection, landing, "shop_conversions")
        for part in case.told:
            assert part in report.message
        assert (report.status, report.accepted, report.quarantined) == (case.status, case.accepted, case.quarantined)
        assert report.rows_read == report.accepted + report.duplicate + report.quarantined + report.ignored
        found = tables(connection)
        entered = [] if case.status == "unfinished" else [(report.file, report.status, report.message)]
        assert connection.execute("SELECT file, status, message FROM ops.files").fetchall() == entered
        kept = connection.execute("SELECT row_number, len(reasons) FROM quarantine.shop_conversions").fetchall()
        assert len(kept) == case.quarantined
        assert all(reasons > 0 for _, reasons in kept)
        assert len(found["raw.shop_conversions"]) == case.accepted
    assert path.exists()
    assert RAW_ID not in report.message
    assert RAW_ID not in repr(found)
    for file in tmp_path.iterdir():
        if file.is_file():
            assert RAW_ID.encode() not in file.read_bytes(), file.name


def test_the_check_can_fail() -> None:
    """Were a raw identifier stored, the bytes of the warehouse would show it."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT ? AS id", [RAW_ID])
        assert RAW_ID in repr(connection.execute("FROM t").fetchall())


def test_a_quarantined_row_keeps_its_record_with_the_key_in_the_place_of_the_raw_id(tmp_path: Path) -> None:
    land(tmp_path, "shop_conversions/a.csv", one(paid_amount="x", user_id=f" {RAW_ID} "))
    connection = memory()
    ingest(connection, tmp_path, "shop_conversions")
    ((file, row, record),) = connection.execute(
        "SELECT file, row_number, record FROM quarantine.shop_conversions"
    ).fetchall()
    (key,) = {k for (k,) in connection.execute("SELECT user_key FROM raw.shop_conversions").fetchall()}
    assert (file, row) == ("shop_conversions/a.csv", 7)
    assert orjson.loads(record) == {k: v for k, v in GOOD[5].items() if k != "user_id"} | {
        "paid_amount": "x", "user_key": key,
    }  # fmt: skip
    assert SECRET.hex() not in repr(tables(connection))


def test_unknown_notes_and_categories_are_kept(tmp_path: Path) -> None:
    land(tmp_path, "note_impressions/a.csv", csv_bytes([IMPRESSION | {"note_id": "nobody"}]))
    land(tmp_path, "shop_conversions/a.csv", csv_bytes(orders(1, category="spaceships")))
    connection = memory()
    assert [r.accepted for r in ingest(connection, tmp_path)] == [1, 1]
    assert connection.execute("SELECT note_id FROM raw.note_impressions").fetchall() == [("nobody",)]


def test_a_corrected_file_takes_the_place_of_its_refusal(tmp_path: Path) -> None:
    connection = memory()
    for content, status in ((b"", "refused"), (without("paid_at"), "refused"), (LINES, "complete")):
        land(tmp_path, "shop_conversions/a.csv", content)
        for _ in range(2):
            reports = ingest(connection, tmp_path, "shop_conversions")
        assert [r.status for r in reports] == ([status] if status == "refused" else [])
        assert connection.execute("SELECT file, status FROM ops.files").fetchall() == [
            ("shop_conversions/a.csv", status)
        ]


def test_an_error_of_a_mappings_query_does_not_quote_values(tmp_path: Path) -> None:
    from data_contracts.mapping import Mapping, MappingError
    from pipelines.intake.rows import judged_rows
    from tests.pipelines.intake_files import NOW

    columns = {"columns": {"user_id": "user_id"}, "query": "SELECT *, user_id::INT AS x FROM file"}
    mapping = Mapping.model_validate({"export": "x", "feed": "note_impressions", "title": "x"} | columns)
    path = land(tmp_path, "a.csv", csv_bytes([IMPRESSION | {"user_id": RAW_ID}]))
    with pytest.raises(MappingError, match=r"the query of the mapping x fails: Conversion Error") as caught:
        judged_rows(path, mapping, {}, secret=SECRET, now=NOW)
    assert RAW_ID not in str(caught.value)
