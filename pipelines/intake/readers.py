"""Reading one landed file, whatever its format, into rows of its own headers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from pipelines.intake.content import Content
from pipelines.intake.delimited import csv_headers, csv_parts
from pipelines.intake.frames import BROKEN, UnreadableFileError, headed
from pipelines.intake.json_documents import document_headers, read_json
from pipelines.intake.json_lines import json_headers, json_lines_parts
from pipelines.intake.workbooks import read_workbook, workbook_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from data_contracts.mapping import Reading
    from pipelines.intake.objects import LandingPath

__all__ = ["BROKEN", "UnreadableFileError", "is_readable_name", "read_file", "read_headers", "read_parts"]

MOST_CELLS = 200_000_000
LARGEST_DOCUMENT = 64 * 1024**2
ROWS = 100_000  # of a part of a Parquet file


def read_parts(path: LandingPath, reading: Reading, /) -> Iterator[pl.DataFrame]:
    """Read a CSV, Excel, Parquet, JSON or JSON-lines file, also gzipped, part by part: at least one.

    A text or a Parquet file of any length needs no more memory than a part of it. Workbooks and JSON documents,
    which can only be read as a whole, are one part; how large they may be is limited.

    Returns:
        The file's columns under its own headers (text, except in Parquet; headers made distinct), `_row` (Int64:
        the row as a spreadsheet numbers it, or the line, or the record of a Parquet or JSON file) and `_broken`
        (String: why the row has no readable shape, null for a sound one). Blank rows are left out. Every part has
        the same columns.

    Raises:
        UnreadableFileError: the file is empty, truncated, of another format, or in an unknown encoding.
        OSError: the file cannot be opened.
    """
    return _format(path).parts(Content(path), reading)


def read_file(path: LandingPath, reading: Reading, /) -> pl.DataFrame:
    """All parts of a file, as `read_parts` gives them, in one frame."""
    return pl.concat(read_parts(path, reading))


def read_headers(path: LandingPath, reading: Reading, /) -> list[str]:
    """The headers that `read_parts` would find, from the beginning of the file where that is enough."""
    return _format(path).headers(Content(path), reading)


def is_readable_name(name: str, /) -> bool:
    """Whether the name ends like a format that can be read."""
    return _suffix(name) in FORMATS


def is_document(path: LandingPath, /) -> bool:
    """Whether it is a JSON document, in which a mapping says where the records stand."""
    return _suffix(path.name) == ".json"


def _suffix(name: str) -> str:
    name = name.lower().removesuffix(".gz")
    return name[name.rfind(".") :] if "." in name else ""


def _format(path: LandingPath) -> Format:
    suffix = _suffix(path.name)
    if suffix not in FORMATS:
        raise UnreadableFileError(f"the format {suffix!r} is not known; save it as one of {', '.join(FORMATS)}")
    return FORMATS[suffix]


#: What the reader of Parquet raises for a file that says one thing and holds another; the last is no Exception.
DAMAGE = (pl.exceptions.PolarsError, OSError, pl.exceptions.PanicException)


def _parquet_parts(content: Content, _reading: Reading) -> Iterator[pl.DataFrame]:
    try:
        scanned = pl.scan_parquet(_parquet(content))
        count, columns = scanned.select(pl.len()).collect().item(), scanned.collect_schema().names()
        if count * len(columns) > MOST_CELLS:
            raise UnreadableFileError(
                f"it holds {count * len(columns):,} values, and at most {MOST_CELLS:,} are read; split it"
            )
        for at in range(0, max(count, 1), ROWS):
            yield headed(scanned.slice(at, ROWS).collect(), columns, first_row=1 + at)
    except DAMAGE as error:
        raise _damaged_parquet(content, error) from error


def _parquet_headers(content: Content, _reading: Reading) -> list[str]:
    try:
        return list(pl.read_parquet_schema(_parquet(content)))
    except DAMAGE as error:
        raise _damaged_parquet(content, error) from error


def _parquet(content: Content) -> Path | io.BytesIO:
    """The file, of which only what is needed is read, or what it unpacks to."""
    with content.open() as stream:  # whose absence, emptiness or damage has its own message
        return content.path if isinstance(content.path, Path) and not content.packed else io.BytesIO(stream.read())


def _damaged_parquet(content: Content, error: BaseException) -> UnreadableFileError:
    panicked = isinstance(error, pl.exceptions.PanicException)
    reason = "its parts contradict each other" if panicked else str(error).split("\n", 1)[0]
    return UnreadableFileError(
        f"the Parquet file is truncated or damaged within its {content.path.stat().st_size:,} bytes ({reason}); "
        "copy it again"
    )


class Format(NamedTuple):
    """How the parts of a format are read, and how its headers."""

    parts: Callable[[Content, Reading], Iterator[pl.DataFrame]]
    headers: Callable[[Content, Reading], list[str]]


DELIMITED = Format(lambda c, r: csv_parts(c.open, r), lambda c, r: csv_headers(c.beginning(), r))
JSON_LINES = Format(lambda c, r: json_lines_parts(c.open, r), lambda c, r: json_headers(c.beginning(), r))
WORKBOOK = Format(lambda c, r: iter([read_workbook(c.read(), r)]), lambda c, r: workbook_headers(c.read(), r))
DOCUMENT = Format(lambda c, r: iter([read_json(_document(c), r)]), lambda c, r: document_headers(_document(c), r))
FORMATS: dict[str, Format] = {
    ".csv": DELIMITED,
    ".txt": DELIMITED,
    ".xlsx": WORKBOOK,
    ".xls": WORKBOOK,
    ".parquet": Format(_parquet_parts, _parquet_headers),
    ".json": DOCUMENT,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
}


def _document(content: Content) -> bytes:
    return content.read(at_most=LARGEST_DOCUMENT, kind="JSON document")
