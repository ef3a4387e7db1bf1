"""Reading one landed file, whatever its format, into rows of its own headers."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zipfile
import zlib
from typing import TYPE_CHECKING

import orjson
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from data_contracts.exports import Reading

BROKEN = "_broken"
LARGEST_UNPACKED = 2 * 1024**3
LARGEST_RATIO = 200


class UnreadableFileError(ValueError):
    """The file as a whole cannot be read; the message says why and what to do."""


def read_file(path: Path, reading: Reading, /) -> pl.DataFrame:
    """Read a CSV (also gzipped), Excel, Parquet or JSON-lines file.

    Returns:
        The file's columns under its own headers (text, except in Parquet), `_row` (Int64: the row as a
        spreadsheet numbers it, or the line, or the record of a Parquet file) and `_broken` (String: why the
        row has no readable shape, null for a sound one).

    Raises:
        UnreadableFileError: the file is empty, truncated, of another format, or in an unknown encoding.
    """
    name = path.name.lower().removesuffix(".gz")
    suffix = name[name.rfind(".") :]
    reader = READERS.get(suffix)
    if reader is None:
        raise UnreadableFileError(
            f"the format {suffix!r} is not known; save it as one of {', '.join(READERS)}"
        )
    content = path.read_bytes()
    if not content:
        raise UnreadableFileError("the file is empty (0 bytes); export it again")
    if path.name.lower().endswith(".gz"):
        content = _unzipped(content)
    frame = reader(content, reading)
    if BROKEN not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(BROKEN))
    return frame


def is_readable_name(name: str) -> bool:
    """Whether the name ends like a format that can be read."""
    name = name.lower().removesuffix(".gz")
    return name[name.rfind(".") :] in READERS


def _unzipped(content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            data = stream.read(LARGEST_UNPACKED + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(
            f"the gzip file is truncated or damaged after {len(content):,} bytes ({error}); copy it again"
        ) from error
    if len(data) > LARGEST_UNPACKED:
        raise UnreadableFileError(f"the gzip file unpacks to more than {LARGEST_UNPACKED:,} bytes; split it")
    return data


def _decoded(content: bytes, encoding: str | None) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = [encoding] if encoding else ["utf-8-sig", "gb18030"]
    for candidate in candidates:
        try:
            text = content.decode(candidate)
        except UnicodeDecodeError as error:
            failure = error
        else:
            if "\x00" in text:
                raise UnreadableFileError(
                    "the file holds binary zeros, so it is no text; export it again as CSV"
                )
            return text.removeprefix("\ufeff")
    raise UnreadableFileError(
        f"byte {failure.start:,} is not {' or '.join(candidates)} text; save the file as UTF-8 or GBK, "
        "or state the encoding in its mapping file"
    )


def _read_csv(content: bytes, reading: Reading) -> pl.DataFrame:
    text = _decoded(content, reading.encoding)
    header_line = reading.header_row - 1
    try:
        frame = pl.read_csv(
            text.encode(),
            separator=reading.delimiter,
            infer_schema=False,
            skip_lines=header_line,
            raise_if_empty=False,
        )
    except pl.exceptions.PolarsError:
        return _read_ragged_csv(text, reading)
    if frame.width == 0:
        raise UnreadableFileError("the file has no header row; export it again")
    return _numbered(frame, reading.header_row)


def _read_ragged_csv(text: str, reading: Reading) -> pl.DataFrame:
    """The slow way, for a file with rows of another length than its header: those rows come out as broken."""
    csv.field_size_limit(2**31 - 1)
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=reading.delimiter))
    if len(records) < reading.header_row:
        raise UnreadableFileError(
            f"the file has {len(records)} rows, its header is expected on row {reading.header_row}"
        )
    headers = _distinct([_unreserved(h) for h in records[reading.header_row - 1]])
    width = len(headers)
    numbered = [(n, r) for n, r in enumerate(records, start=1) if n > reading.header_row and any(r)]
    columns = {h: [r[i] if i < len(r) else None for _, r in numbered] for i, h in enumerate(headers)}
    broken = [
        None if len(r) == width else f"has {len(r)} fields, its header has {width}; quote the text"
        for _, r in numbered
    ]
    data = columns | {"_row": [n for n, _ in numbered], BROKEN: broken}
    schema = dict.fromkeys(headers, pl.String) | {"_row": pl.Int64, BROKEN: pl.String}
    return pl.DataFrame(data, schema=schema)


def _read_excel(content: bytes, reading: Reading) -> pl.DataFrame:
    import fastexcel

    _refuse_bomb(content)
    try:
        book = fastexcel.read_excel(content)
        sheet = book.load_sheet(reading.sheet or 0, header_row=reading.header_row - 1, dtypes="string")
        frame = sheet.to_polars()
    except (fastexcel.FastExcelError, ValueError) as error:
        raise UnreadableFileError(f"the workbook cannot be read ({error}); save it again as .xlsx") from error
    frame = _numbered(frame, reading.header_row)
    frame = _unrounded(frame, content, book.sheet_names.index(sheet.name))
    return frame.filter(pl.any_horizontal(pl.exclude("_row").is_not_null())) if frame.width > 1 else frame


def _refuse_bomb(content: bytes) -> None:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return  # an old .xls is no zip, and what is no workbook at all is refused by its reader
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(item.file_size for item in archive.infolist())
    if unpacked > max(LARGEST_RATIO * len(content), 10_000_000) or unpacked > LARGEST_UNPACKED:
        raise UnreadableFileError(
            f"the workbook unpacks from {len(content):,} to {unpacked:,} bytes; it is not opened"
        )


def _unrounded(frame: pl.DataFrame, content: bytes, sheet: int) -> pl.DataFrame:
    """Write long ids that the workbook holds as numbers as the floats that they are.

    Read as text they look whole, although the spreadsheet kept only 15 to 17 of their digits.
    """
    suspects = [
        (c, frame.filter(pl.col(c).str.contains(r"^\d{16,}$"))["_row"].to_list())
        for c in frame.columns
        if c != "_row"
    ]
    suspects = [(c, rows) for c, rows in suspects if rows]
    if not suspects:
        return frame
    import openpyxl

    cells = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[sheet]
    last = max(rows[-1] for _, rows in suspects)
    kinds = {
        n: [cell.data_type for cell in row] for n, row in enumerate(cells.iter_rows(max_row=last), start=1)
    }
    for column, rows in suspects:
        at = frame.columns.index(column) - 1
        numeric = [n for n in rows if kinds[n][at] == "n"]
        as_float = (
            pl.col(column)
            .cast(pl.Float64, strict=False)
            .map_elements("{:.5E}".format, return_dtype=pl.String)
        )
        frame = frame.with_columns(
            pl.when(pl.col("_row").is_in(numeric)).then(as_float).otherwise(column).alias(column)
        )
    return frame


def _read_parquet(content: bytes, _reading: Reading) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UnreadableFileError(
            f"the Parquet file is truncated or damaged ({error}); copy it again"
        ) from error
    return _numbered(frame, 0)


def _read_json_lines(content: bytes, reading: Reading) -> pl.DataFrame:
    records: list[dict[str, object]] = []
    for number, line in enumerate(_decoded(content, reading.encoding).split("\n"), start=1):
        if line.strip():
            records.append(_json_record(line) | {"_row": number})
    headers = dict.fromkeys(key for record in records for key in record)
    rows = [
        {h: _json_text(r.get(h)) if h not in ("_row", BROKEN) else r.get(h) for h in headers} for r in records
    ]
    schema = {h: pl.Int64 if h == "_row" else pl.String for h in headers}
    return pl.DataFrame(rows, schema=schema or {"_row": pl.Int64})


def _json_record(line: str) -> dict[str, object]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return {BROKEN: f"is no JSON ({error})"}
    if not isinstance(record, dict):
        return {BROKEN: "is no JSON object"}
    return {_unreserved(key): value for key, value in record.items()}


def _json_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return "|".join(map(str, value))
    return orjson.dumps(value).decode()


def _numbered(frame: pl.DataFrame, header_row: int) -> pl.DataFrame:
    frame = frame.rename(_unreserved)
    return frame.with_row_index("_row", offset=header_row + 1).with_columns(pl.col("_row").cast(pl.Int64))


def _unreserved(header: str) -> str:
    """A leading underscore marks the intake's own columns; a file's header cannot pose as one."""
    return f"x{header}" if header.startswith("_") else header


def _distinct(headers: list[str]) -> list[str]:
    """Headers made distinct as other readers do: a second "x" becomes "x_duplicated_0"."""
    seen: dict[str, int] = {}
    names = []
    for header in headers:
        count = seen.get(header)
        names.append(header if count is None else f"{header}_duplicated_{count}")
        seen[header] = 0 if count is None else count + 1
    return names


READERS: dict[str, Callable[[bytes, Reading], pl.DataFrame]] = {
    ".csv": _read_csv,
    ".txt": _read_csv,
    ".xlsx": _read_excel,
    ".xls": _read_excel,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
