"""Reading one landed file, whatever its format, into rows of its own headers."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from pipelines.intake.delimited import csv_headers, read_csv
from pipelines.intake.frames import BROKEN, LARGEST_UNPACKED, UnreadableFileError, headed, most_unpacked
from pipelines.intake.json_documents import document_headers, read_json
from pipelines.intake.json_lines import json_headers, read_json_lines
from pipelines.intake.workbooks import read_workbook, workbook_headers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from data_contracts.mapping import Reading

__all__ = ["BROKEN", "UnreadableFileError", "is_readable_name", "read_file", "read_headers"]

GZIP = b"\x1f\x8b"
MOST_CELLS = 200_000_000
BEGINNING = 1 << 20


def read_file(path: Path, reading: Reading, /) -> pl.DataFrame:
    """Read a CSV, Excel, Parquet, JSON or JSON-lines file, also gzipped.

    Returns:
        The file's columns under its own headers (text, except in Parquet; headers made distinct), `_row` (Int64:
        the row as a spreadsheet numbers it, or the line, or the record of a Parquet or JSON file) and `_broken`
        (String: why the row has no readable shape, null for a sound one). Blank rows are left out.

    Raises:
        UnreadableFileError: the file is empty, truncated, of another format, or in an unknown encoding.
        OSError: the file cannot be opened.
    """
    return _format(path).read(_content(path), reading)


def read_headers(path: Path, reading: Reading, /) -> list[str]:
    """The headers that `read_file` would find, from the beginning of the file where that is enough."""
    form = _format(path)
    return form.headers(_content(path, beginning=form.by_lines), reading)


def is_readable_name(name: str, /) -> bool:
    """Whether the name ends like a format that can be read."""
    return _suffix(name) in FORMATS


def is_document(path: Path, /) -> bool:
    """Whether it is a JSON document, in which a mapping says where the records stand."""
    return _suffix(path.name) == ".json"


def _suffix(name: str) -> str:
    name = name.lower().removesuffix(".gz")
    return name[name.rfind(".") :] if "." in name else ""


def _format(path: Path) -> Format:
    suffix = _suffix(path.name)
    if suffix not in FORMATS:
        raise UnreadableFileError(f"the format {suffix!r} is not known; save it as one of {', '.join(FORMATS)}")
    return FORMATS[suffix]


def _content(path: Path, *, beginning: bool = False) -> bytes:
    """The file's bytes, unpacked; of a long text on request only whole lines of its beginning."""
    if (size := path.stat().st_size) > LARGEST_UNPACKED:
        raise UnreadableFileError(f"it has {size:,} bytes, and at most {LARGEST_UNPACKED:,} are read; split it")
    with path.open("rb") as file:
        head = file.read(len(GZIP))
        file.seek(0)
        packed = head == GZIP or path.name.lower().endswith(".gz")
        content = file.read(BEGINNING if beginning else -1)
    if not content:
        raise UnreadableFileError("the file is empty (0 bytes); export it again")
    if packed and beginning:
        content = _unpacked_beginning(content)
    elif packed:
        content = _unpacked(content)
    if beginning and len(content) >= BEGINNING:
        content = content[: content.rfind(b"\n") + 1] or content
    return content


def _unpacked(content: bytes) -> bytes:
    most = most_unpacked(len(content))
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            data = stream.read(most + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFileError(
            f"the gzip file is truncated or damaged within its {len(content):,} bytes ({error}); copy it again"
        ) from error
    if not data:
        raise UnreadableFileError("the gzip file holds nothing; export it again")
    if len(data) > most:
        raise UnreadableFileError(
            f"the gzip file unpacks from {len(content):,} bytes to more than {most:,}, so it is not read; split it"
        )
    return data


def _unpacked_beginning(content: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(content, BEGINNING)
    except zlib.error as error:
        raise UnreadableFileError(f"the gzip file is damaged ({error}); copy it again") from error


def _read_parquet(content: bytes, _reading: Reading) -> pl.DataFrame:
    try:
        scanned = pl.scan_parquet(io.BytesIO(content))
        cells = scanned.select(pl.len()).collect().item() * len(scanned.collect_schema())
        if cells > MOST_CELLS:
            raise UnreadableFileError(f"it holds {cells:,} values, and at most {MOST_CELLS:,} are read; split it")
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged_parquet(content, error) from error
    return headed(frame, frame.columns, first_row=1)


def _parquet_headers(content: bytes, _reading: Reading) -> list[str]:
    try:
        return list(pl.read_parquet_schema(io.BytesIO(content)))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _damaged_parquet(content, error) from error


def _damaged_parquet(content: bytes, error: Exception) -> UnreadableFileError:
    reason = str(error).split("\n", 1)[0]
    return UnreadableFileError(
        f"the Parquet file is truncated or damaged within its {len(content):,} bytes ({reason}); copy it again"
    )


class Format(NamedTuple):
    """How a format is read, how its headers, and whether the first lines of a file are a file of it."""

    read: Callable[[bytes, Reading], pl.DataFrame]
    headers: Callable[[bytes, Reading], list[str]]
    by_lines: bool = False


FORMATS: dict[str, Format] = {
    ".csv": Format(read_csv, csv_headers, by_lines=True),
    ".txt": Format(read_csv, csv_headers, by_lines=True),
    ".xlsx": Format(read_workbook, workbook_headers),
    ".xls": Format(read_workbook, workbook_headers),
    ".parquet": Format(_read_parquet, _parquet_headers),
    ".json": Format(read_json, document_headers),
    ".jsonl": Format(read_json_lines, json_headers, by_lines=True),
    ".ndjson": Format(read_json_lines, json_headers, by_lines=True),
}
