"""Reading Excel workbooks."""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from pipelines.intake.frames import BROKEN, ROW, UnreadableFileError, headed, most_unpacked, without_blank_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data_contracts.mapping import Reading

LARGEST_UNPACKED = 512 * 1024**2
STEP = 1 << 16
# The reader holds the whole area of a sheet in memory, from the first filled cell to the last, also where nothing is.
LARGEST_AREA = 50_000_000
SPARSE_AREA, LARGEST_EMPTINESS = 2_000_000, 50
MOST_COLUMNS = 1_000  # beyond it the reader takes minutes
FILLED_CELL = re.compile(rb"""<(?:\w+:)?c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Za-z]+)([0-9]+)["'][^>]*(?<!/)>""")
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384  # of a sheet
# A spreadsheet keeps 15 digits of a number.
LONG_NUMBER = r"^-?[0-9]{16,}$"

# What the standard library raises for an archive that is damaged, packed in a strange way, or has a password.
UNSOUND_ARCHIVE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, NotImplementedError, RuntimeError,
    ValueError, OverflowError,
)  # fmt: skip


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
    return without_blank_rows(_with_long_numbers(frame, content, book, sheet.name, columns, reading))


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
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            fault = _too_long(content, archive.infolist()) or next(filter(None, map(_too_vast, _parts(archive))), None)
    except UNSOUND_ARCHIVE:
        return  # an old .xls is no zip, and what is no workbook at all is refused by its reader
    if fault:
        raise UnreadableFileError(fault)


def _too_long(content: bytes, items: list[zipfile.ZipInfo]) -> str | None:
    most = most_unpacked(len(content), at_most=LARGEST_UNPACKED)
    unpacked = sum(item.file_size for item in items)
    if unpacked <= most and not any(_longer_than_it_says(content, item) for item in items):
        return None
    said = f"{unpacked:,} bytes" if unpacked > most else "more than it says"
    return (
        f"the workbook unpacks from {len(content):,} bytes to {said}, and at most {most:,} are read, so it is not "
        "opened; save it as CSV"
    )


def _parts(archive: zipfile.ZipFile) -> Iterator[IO[bytes]]:
    for item in archive.infolist():
        with archive.open(item) as part:
            yield part


def _too_vast(part: IO[bytes]) -> str | None:
    """Why a sheet is not read whose filled cells lie so far apart that what is between them fills the memory."""
    rows: set[bytes] = set()
    columns: set[bytes] = set()
    count, rest = 0, b""
    while read := part.read(16 * STEP):
        text = rest + read
        rest = text[text.rfind(b"<") :][-STEP:]  # a cell that the step has cut in two
        if cells := FILLED_CELL.findall(text):
            count += len(cells)
            of_columns, of_rows = zip(*cells, strict=True)
            columns.update(of_columns)
            rows.update(of_rows)
    if not count:
        return None
    # The first digits and letters of a place say already that it lies beyond the last one.
    numbers, places = [int(row[:8]) for row in rows], [_place(column[:4].upper()) for column in columns]
    if max(numbers) > LAST_ROW or max(places) > LAST_COLUMN:
        return (
            f"a cell says that it lies beyond row {LAST_ROW:,} or column {LAST_COLUMN:,}, the last ones of a sheet; "
            "save the workbook again"
        )
    width = max(places) - min(places) + 1
    area = (max(numbers) - min(numbers) + 1) * width
    if width > MOST_COLUMNS:
        return (
            f"a sheet has {width:,} columns, and at most {MOST_COLUMNS:,} are read of a workbook; delete what stands "
            "far from the table, or save it as CSV"
        )
    if area <= SPARSE_AREA or (area <= LARGEST_AREA and area <= LARGEST_EMPTINESS * count):
        return None
    return (
        f"a sheet reaches to column {max(places):,} and row {max(numbers):,}, an area of {area:,} cells, of which "
        f"{count:,} are filled, so it is not read; delete what stands far from the table, or save it as CSV"
    )


def _place(column: bytes) -> int:
    """The number of a column that is named in letters, from 1."""
    number = 0
    for letter in column:
        number = 26 * number + letter - 64
    return number


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


def _with_long_numbers(
    frame: pl.DataFrame, content: bytes, book: Any, sheet: str, columns: dict[str, int], reading: Reading
) -> pl.DataFrame:
    """The long ids that the workbook holds as numbers as the floats that they are; those it holds as text stay."""
    texts = [c for c in frame.columns if c not in (ROW, BROKEN)]
    suspects = {c: rows for c in texts if (rows := _long_numbers(frame, c))}
    suspects = {c: rows for c, rows in suspects.items() if not _is_text(book, sheet, columns[c], reading)}
    if not suspects:
        return frame
    wanted = {row for rows in suspects.values() for row in rows}
    kinds = _cell_kinds(content, book.sheet_names.index(sheet), wanted)
    for column, rows in suspects.items():
        numeric = [row for row in rows if kinds.get(row, {}).get(columns[column], "n") == "n"]
        rounded = pl.col(column).cast(pl.Float64, strict=False).map_elements("{:.5E}".format, return_dtype=pl.String)
        frame = frame.with_columns(pl.when(pl.col(ROW).is_in(numeric)).then(rounded).otherwise(column).alias(column))
    return frame


def _long_numbers(frame: pl.DataFrame, column: str) -> list[int]:
    """Rows whose value can be a number that the reader wrote out; most long ids in text cells are none."""
    long = frame.filter(pl.col(column).str.contains(LONG_NUMBER))
    return [row for row, text in long.select(ROW, column).iter_rows() if int(float(text)) == int(text)]


def _is_text(book: Any, sheet: str, column: int, reading: Reading) -> bool:
    """Whether all cells of a column hold text, as those of ids mostly do: much sooner known than of each cell."""
    import fastexcel

    try:
        alone = book.load_sheet(
            sheet,
            header_row=reading.header_row - 1,
            use_columns=[column],
            schema_sample_rows=None,
            dtype_coercion="strict",  # which does not let a column of several kinds pass as text
        )
    except fastexcel.FastExcelError:
        return False
    return [(c.absolute_index, c.dtype) for c in alone.selected_columns] == [(column, "string")]


def _cell_kinds(content: bytes, sheet: int, rows: set[int]) -> dict[int, dict[int, str]]:
    """By row and column (from 0), whether a cell holds a number ("n") or text; nothing of an old .xls."""
    if not content.startswith(b"PK"):
        return {}
    import openpyxl

    try:
        cells = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True).worksheets[sheet]
        wanted = cells.iter_rows(min_row=min(rows), max_row=max(rows))
        return {
            number: {cell.column - 1: cell.data_type for cell in row if cell.value is not None}
            for number, row in enumerate(wanted, start=min(rows))
            if number in rows
        }
    except Exception as error:  # of a damaged part openpyxl raises what its parts happen to raise
        raise UnreadableFileError(
            f"a part of the workbook is damaged ({type(error).__name__}), and whether its long numbers are ids cannot "
            "be told; save it again as .xlsx"
        ) from error
