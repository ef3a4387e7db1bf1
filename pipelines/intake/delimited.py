"""Reading CSV and other text with a delimiter."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import polars as pl

from pipelines.intake.frames import BROKEN, ROW, UnreadableFileError, distinct, headed, without_blank_rows
from pipelines.intake.text import LOST, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data_contracts.mapping import Reading

OTHER_DELIMITERS = "\t;"
BEGINNING = 1 << 16


def read_csv(content: bytes, reading: Reading, /) -> pl.DataFrame:
    """Every record under the headers; one that has more or fewer fields than the header is broken."""
    text, damage = decoded(content, reading.encoding)
    delimiter = _delimiter(text, reading)
    headers = _headers(text, delimiter, reading)
    frame = _read_sound(text, delimiter, headers, reading.header_row)
    if frame is None:
        frame = _read_records(text, delimiter, headers, reading.header_row)
    frame = without_blank_rows(frame)
    return _with_lost_broken(frame, damage) if damage else frame


def csv_headers(content: bytes, reading: Reading, /) -> list[str]:
    """The headers of a file of which `content` is the beginning."""
    text, _ = decoded(content, reading.encoding)
    return _headers(text, _delimiter(text, reading), reading)


def _delimiter(text: str, reading: Reading) -> str:
    """The stated delimiter, or the tab or semicolon where the header has that and not the stated one."""
    lines = text.split("\n", reading.header_row)
    header = lines[min(reading.header_row, len(lines)) - 1]
    if reading.delimiter in header:
        return reading.delimiter
    return next((d for d in OTHER_DELIMITERS if d in header), reading.delimiter)


def _headers(text: str, delimiter: str, reading: Reading) -> list[str]:
    for beginning in (text[:BEGINNING], text):  # a copy of a whole long text takes longer than reading it
        records = csv.reader(io.StringIO(beginning, newline=""), delimiter=delimiter)
        for number, fields in enumerate(records, start=1):
            if number == reading.header_row and any(fields):
                # A record that ends the beginning may have been cut off there.
                if len(beginning) == len(text) or next(records, None) is not None:
                    return fields
                break
    raise UnreadableFileError(
        f"the file has no header on row {reading.header_row}; export it again, or state header_row in its mapping file"
    )


def _read_sound(text: str, delimiter: str, headers: list[str], header_row: int) -> pl.DataFrame | None:
    """The fast way; None where a record is of another length than the header, or a quotation mark is astray."""
    try:
        frame = pl.read_csv(
            text.encode(), separator=delimiter, infer_schema=False, skip_lines=header_row - 1, raise_if_empty=False
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.width != len(headers):
        return None
    if frame.height and frame[:, -1].null_count():  # short records are filled up with nulls, without a word
        lengths = {len(fields) for fields in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)}
        if header_row > 1 or lengths - {0, len(headers)}:
            return None
    return headed(frame, headers, first_row=header_row + 1)


def _read_records(text: str, delimiter: str, headers: list[str], header_row: int) -> pl.DataFrame:
    """The slow way, for a file in which some records are broken."""
    width = len(headers)
    numbered = [
        (number, fields, why)
        for number, (fields, why) in enumerate(_records(text, delimiter, width, header_row), start=1)
        if number > header_row
    ]
    names = distinct(headers)
    columns = {
        name: [fields[at] or None if at < len(fields) else None for _, fields, _ in numbered]
        for at, name in enumerate(names)
    }
    schema = dict.fromkeys(names, pl.String) | {ROW: pl.Int64, BROKEN: pl.String}
    marks = {ROW: [n for n, _, _ in numbered], BROKEN: [why for _, _, why in numbered]}
    return pl.DataFrame(columns | marks, schema=schema)


def _records(text: str, delimiter: str, width: int, header_row: int) -> Iterator[tuple[list[str], str | None]]:
    """The fields of each record, and why it is broken.

    A stray quotation mark would swallow the lines that follow it. Only its own line is broken; reading goes on
    with the next one.
    """
    csv.field_size_limit(2**31 - 1)
    lines = [line + "\n" for line in text.split("\n")]
    if lines[-1] == "\n":
        lines.pop()
    at, count = 0, 0
    while at < len(lines):
        reader = csv.reader((lines[n] for n in range(at, len(lines))), delimiter=delimiter, strict=True)
        done = 0
        try:
            for fields in reader:
                sound = len(fields) in (0, width) or count < header_row
                if not sound and reader.line_num > done + 1:
                    raise csv.Error
                yield fields, None if sound else f"has {len(fields)} fields, its header has {width}; quote the text"
                done, count = reader.line_num, count + 1
            return
        except csv.Error:
            yield [], "has a quotation mark that is not closed, or is not doubled inside the text; correct the line"
            at, count = at + done + 1, count + 1


def _with_lost_broken(frame: pl.DataFrame, damage: str) -> pl.DataFrame:
    cells = [pl.col(c) for c in frame.columns if c not in (ROW, BROKEN)]
    lost = pl.any_horizontal([c.str.contains(LOST, literal=True).fill_null(False) for c in cells])
    told = pl.lit(f"{damage}; export the file again")
    return frame.with_columns(pl.when(lost).then(told).otherwise(BROKEN).alias(BROKEN))
