"""Reading Excel workbooks."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.intake.frames import BROKEN, ROW, UnreadableFileError, headed, most_unpacked, without_blank_rows

if TYPE_CHECKING:
    from data_contracts.mapping import Reading

LARGEST_UNPACKED = 512 * 1024**2
STEP = 1 << 16
# A spreadsheet keeps 15 digits of a number.
LONG_NUMBER = r"^-?[0-9]{16,}$"


def read_workbook(content: bytes, reading: Reading, /) -> pl.DataFrame:
    """Every row of the stated sheet (the first one unless stated) as text, formulas by their last result.

    Long numbers come out as floats (1.23457E+18): the spreadsheet has dropped their last digits.
    """
    import fastexcel

    _refuse_bomb(content)
    try:
        book = fastexcel.read_excel(content)
        sheet = book.load_sheet(reading.sheet or 0, header_row=reading.header_row - 1, dtypes="string")
        frame, header_row = sheet.to_polars(), _header_row(book, sheet, reading)
    except (fastexcel.FastExcelError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        raise UnreadableFileError(
            f"the workbook cannot be read ({reason}): it is truncated, has a password or is no workbook; "
            "save it again as .xlsx without a password"
        ) from error
    if frame.width == 0:
        raise UnreadableFileError(
            f"the sheet {sheet.name!r} has no header on row {reading.header_row}; "
            "export it again, or state sheet and header_row in its mapping file"
        )
    frame = headed(frame, _headers(book, sheet, frame.columns), first_row=header_row + 1)
    columns = {c: info.absolute_index for c, info in zip(frame.columns, sheet.available_columns(), strict=False)}
    return without_blank_rows(_with_long_numbers(frame, content, book.sheet_names.index(sheet.name), columns))


def workbook_headers(content: bytes, reading: Reading, /) -> list[str]:
    """The headers of the stated sheet."""
    return [c for c in read_workbook(content, reading).columns if not c.startswith("_")]


def _headers(book: Any, sheet: Any, columns: list[str]) -> list[str]:
    """The headers as the sheet has them: the reader numbers those that stand twice (x, x_1) and names empty ones."""
    if any(re.sub(r"_[0-9]+$", "", c) in columns for c in columns if re.search(r"_[0-9]+$", c)):
        whole = book.load_sheet(sheet.name, header_row=None, dtypes="string")
        row = whole.to_polars().row(whole.total_height - sheet.total_height - 1)
        # Columns that are empty from the header down are in the whole sheet and not in what is read.
        by_place = {info.absolute_index: cell for info, cell in zip(whole.available_columns(), row, strict=True)}
        columns = [by_place.get(info.absolute_index) or "" for info in sheet.available_columns()]
    return ["" if c.startswith("__UNNAMED__") else c for c in columns]


def _header_row(book: Any, sheet: Any, reading: Reading) -> int:
    """The row on which the header stands: the stated one, or below blank rows when that is the first."""
    if reading.header_row > 1 or not sheet.total_height:
        return reading.header_row
    for row in range(1, 100):  # a header row that lies among the data leaves fewer rows
        fewer = sheet.total_height - book.load_sheet(sheet.name, header_row=row, dtypes="string").total_height
        if fewer > 0:
            return row - fewer + 1
    return 1


def _refuse_bomb(content: bytes) -> None:
    """Raise for a workbook that unpacks to more than a workbook holds, by what it says and by what it does."""
    most = most_unpacked(len(content), at_most=LARGEST_UNPACKED)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            items = archive.infolist()
            unpacked = sum(item.file_size for item in items)
            bomb = unpacked > most or any(_longer_than_it_says(content, item) for item in items)
    except (zipfile.BadZipFile, zlib.error, struct.error):
        return  # an old .xls is no zip, and what is no workbook at all is refused by its reader
    if bomb:
        said = f"{unpacked:,} bytes" if unpacked > most else "more than it says"
        raise UnreadableFileError(
            f"the workbook unpacks from {len(content):,} bytes to {said}, and at most {most:,} are read, so it is not "
            "opened; save it as CSV"
        )


def _longer_than_it_says(content: bytes, item: zipfile.ZipInfo) -> bool:
    """Whether a part unpacks to more than the archive says of it, at most one step beyond that."""
    if item.compress_type != zipfile.ZIP_DEFLATED:
        return False
    name_length, extra_length = struct.unpack_from("<HH", content, item.header_offset + 26)
    at = item.header_offset + 30 + name_length + extra_length
    stream, left = zlib.decompressobj(-zlib.MAX_WBITS), item.file_size
    for begin in range(at, at + item.compress_size, STEP):
        packed = content[begin : min(begin + STEP, at + item.compress_size)]
        while packed:
            left -= len(stream.decompress(packed, 16 * STEP))
            if left < 0:
                return True
            packed = stream.unconsumed_tail
    return False


def _with_long_numbers(frame: pl.DataFrame, content: bytes, sheet: int, columns: dict[str, int]) -> pl.DataFrame:
    """The long ids that the workbook holds as numbers as the floats that they are; those it holds as text stay."""
    texts = [c for c in frame.columns if c not in (ROW, BROKEN)]
    suspects = {c: rows for c in texts if (rows := _long_numbers(frame, c))}
    if not suspects:
        return frame
    kinds = _cell_kinds(content, sheet, {row for rows in suspects.values() for row in rows})
    for column, rows in suspects.items():
        numeric = [row for row in rows if kinds.get(row, {}).get(columns[column], "n") == "n"]
        rounded = pl.col(column).cast(pl.Float64, strict=False).map_elements("{:.5E}".format, return_dtype=pl.String)
        frame = frame.with_columns(pl.when(pl.col(ROW).is_in(numeric)).then(rounded).otherwise(column).alias(column))
    return frame


def _long_numbers(frame: pl.DataFrame, column: str) -> list[int]:
    """Rows whose value can be a number that the reader wrote out; most long ids in text cells are none."""
    long = frame.filter(pl.col(column).str.contains(LONG_NUMBER))
    return [row for row, text in long.select(ROW, column).iter_rows() if int(float(text)) == int(text)]


def _cell_kinds(content: bytes, sheet: int, rows: set[int]) -> dict[int, dict[int, str]]:
    """By row and column (from 0), whether a cell holds a number ("n") or text; nothing of an old .xls."""
    if not content.startswith(b"PK"):
        return {}
    import openpyxl

    cells = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[sheet]
    wanted = cells.iter_rows(min_row=min(rows), max_row=max(rows))
    return {
        number: {cell.column - 1: cell.data_type for cell in row if cell.value is not None}
        for number, row in enumerate(wanted, start=min(rows))
        if number in rows
    }
