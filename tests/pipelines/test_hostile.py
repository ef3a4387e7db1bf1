"""Hostile files harm nothing: they are refused, or their rows are, in bounded memory."""

from __future__ import annotations

import gzip
import io
import re
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from pipelines.intake.check import check_file
from tests.pipelines.intake_files import IMPRESSION, csv_bytes, ingest, land, memory, orders, parquet_bytes, xlsx_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


def workbook_with_a_huge_sheet(*, says: int | None = None) -> bytes:
    """A sheet that unpacks to 600 MB, of which the archive may say less."""
    buffer = io.BytesIO()
    packing = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with packing as archive, archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
        for _ in range(600):
            sheet.write(b"<c><v>1</v></c>" * 66_667)
    content = bytearray(buffer.getvalue())
    if says is not None:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (item,) = archive.infolist()
        struct.pack_into("<I", content, item.header_offset + 22, says)
        struct.pack_into("<I", content, content.rindex(b"PK\x01\x02") + 24, says)
    return bytes(content)


def nested(depth: int, opening: str, closing: str) -> bytes:
    return ('{"data":{"list":[{"note_id":' + opening * depth + "1" + closing * depth + "}]}}").encode()


BOMBS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "workbook": ("a.xlsx", workbook_with_a_huge_sheet, r"unpacks from [\d,]+ bytes to 600,003,000 bytes.*not opened"),
    "workbook that lies": ("a.xlsx", lambda: workbook_with_a_huge_sheet(says=9), "more than it says.*not opened"),
    "gzip": ("a.csv.gz", lambda: gzip.compress(b"a,b\n" * 50_000_000, 1), r"to more than [\d,]+, so it is not read"),
    "gzip of JSON": ("a.json.gz", lambda: gzip.compress(b"[" * 200_000_000, 1), "bytes, the most of a JSON document"),
    "Parquet": (
        "a.parquet",
        lambda: parquet_bytes(pl.select(pl.zeros(5_000_000, pl.UInt8).alias(f"c{n}") for n in range(41))),
        "205,000,000 values, and at most 200,000,000 are read",
    ),
    "columns": ("a.csv", lambda: ",".join(f"c{n}" for n in range(6_000)).encode() + b"\n", "6,000 columns"),
    "keys": (
        "a.jsonl",
        lambda: b"\n".join(b'{"k%d": 1}' % n for n in range(6_000)),
        "6,000 columns, and at most 5,000 are read",
    ),
    "deep text": ("a.json", lambda: nested(900, "[", "]"), "nests values more than 32 times"),
    "deep objects": ("a.json", lambda: nested(900, '{"a":', "}"), "nests values more than 32 times"),
    "deeper": ("a.json", lambda: nested(200_000, "[", "]"), "no whole JSON document"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory(tmp_path: Path, name: str) -> None:
    """In a process of its own, whose memory is measured; importing what reads files takes some 200 MB of it."""
    file, content, told = BOMBS[name]
    path = land(tmp_path, file, content())
    program = (
        "import sys, pathlib; from pipelines.intake.check import check_file\n"
        "from benchmarks.measuring import peak_gigabytes\n"
        "found = check_file(pathlib.Path(sys.argv[1]), 'notes')\n"
        "print(found[0].refused, found[0].message, found[0].reasons)\n"
        "print(peak_gigabytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said, peak = done.stdout.strip().rsplit("\n", 1)
    assert said.startswith("True ")

    assert re.search(told, said), said[:300]
    assert float(peak) < 1


HOSTILE = [
    "=HYPERLINK(1)",
    "+cmd|x",
    "-1+1",
    "@SUM(1)",
    "<script>alert(1)</script>",
    "'; DROP TABLE raw.notes; --",
    "{{x}}",
]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_hostile_text_is_text(tmp_path: Path, suffix: str) -> None:
    """Kept as it was written where a text is wanted, and refused where none is."""
    rows = [row | {"brand": text} for row, text in zip(orders(len(HOSTILE)), HOSTILE, strict=True)]
    rows.append(orders(9)[8] | {"paid_amount": "=1+1"})
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    content = csv_bytes(rows) if suffix == "csv" else xlsx_bytes(cells, formulas=False)
    land(tmp_path, f"shop_conversions/a.{suffix}", content)
    connection = memory()
    (report,) = ingest(connection, tmp_path, "shop_conversions")
    assert (report.accepted, report.quarantined) == (len(HOSTILE), 1)
    stored = connection.execute("SELECT brand FROM raw.shop_conversions ORDER BY order_id").fetchall()
    assert [text for (text,) in stored] == HOSTILE


def test_a_formula_counts_as_its_last_result(tmp_path: Path) -> None:
    row = orders(1)[0]
    cells = [list(row), list((row | {"paid_amount": "=1+1"}).values())]
    land(tmp_path, "shop_conversions/a.xlsx", xlsx_bytes(cells))
    connection = memory()
    ingest(connection, tmp_path, "shop_conversions")
    assert connection.execute("SELECT paid_amount::DOUBLE FROM raw.shop_conversions").fetchall() == [(0.0,)]


def test_ten_megabytes_in_a_cell_are_refused_and_not_kept(tmp_path: Path) -> None:
    rows = [IMPRESSION, IMPRESSION | {"user_id": "u2", "payer": "x" * 10_000_000}]
    land(tmp_path, "note_impressions/a.csv", csv_bytes(rows))
    connection = memory()
    (report,) = ingest(connection, tmp_path, "note_impressions")
    assert (report.accepted, report.quarantined) == (1, 1)
    record, reasons = connection.execute("SELECT record::VARCHAR, reasons FROM quarantine.note_impressions").fetchall()[
        0
    ]
    assert len(record) < 2_000
    assert len(" ".join(reasons)) < 500
    assert len(report.message) < 1_000


def test_a_packed_document_is_recognised_like_a_plain_one(tmp_path: Path) -> None:
    sample = ROOT / "tests" / "samples" / "jd_union_orders" / "order_row_20260909.json"
    packed = land(tmp_path, "order_row_20260909.json.gz", gzip.compress(sample.read_bytes()))
    plain, found = check_file(sample), check_file(packed)
    assert [(r.export, r.accepted) for r in found] == [(r.export, r.accepted) for r in plain]
    cut = land(tmp_path, "cut.json.gz", gzip.compress(sample.read_bytes())[:-30])
    assert "gzip file is truncated" in check_file(cut)[0].message
