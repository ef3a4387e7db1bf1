"""Reading CSV and other text with a delimiter."""

from __future__ import annotations

import csv
import io
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from pipelines.intake.frames import BROKEN, ROW, UnreadableFileError, batched, headed, without_blank_rows
from pipelines.intake.text import LONGEST_RECORD, LOST, blocks, coding_of, decoded, end_of_line, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data_contracts.mapping import Reading
    from pipelines.intake.text import Opening

QUOTE = b'"'
OTHER_DELIMITERS = "\t;"
BEGINNING = 1 << 16
csv.field_size_limit(2**31 - 1)
RECORDS = 50_000  # of a part whose records are read one by one


def csv_parts(opened: Opening, reading: Reading, /) -> Iterator[pl.DataFrame]:
    """Every record under the headers, part by part; one that has more or fewer fields than the header is broken."""
    coding = coding_of(opened, reading.encoding)
    texts = blocks(coding.texts(opened), _end_of_record)
    first = next(texts, bytearray())
    delimiter = _delimiter(first, reading)
    headers, at = _headers(first, delimiter, reading)
    del first[:at]
    row = reading.header_row + 1
    for frame in _frames(chain([first], texts), delimiter, headers):
        broken = frame[BROKEN] if BROKEN in frame.columns else None
        numbered = headed(frame.drop(BROKEN, strict=False), headers, first_row=row, broken=broken)
        row += frame.height
        numbered = without_blank_rows(numbered)
        yield _with_lost_broken(numbered, coding.damage) if coding.damage else numbered


def csv_headers(content: bytes, reading: Reading, /) -> list[str]:
    """The headers of a file of which `content` is the beginning."""
    text = decoded(content, reading.encoding)[0].encode()
    return _headers(text, _delimiter(text, reading), reading)[0]


def _end_of_record(text: bytearray) -> int:
    """Where the last whole record ends, as far as quotation marks tell: none is open after an even number of them.

    Text that holds an odd number for too long has a stray one, and is cut where a line ends.
    """
    end = end_of_line(text)
    if _quotes(text, end) % 2:
        even = text.rfind(b"\n", 0, text.rfind(QUOTE, 0, end)) + 1
        return even or (end if len(text) > LONGEST_RECORD else 0)
    return end


def _quotes(text: bytearray, end: int) -> int:
    """How many quotation marks stand before the end: mostly none, which is seen sooner than it is counted."""
    return text.count(QUOTE, 0, end) if QUOTE in text else 0


def _delimiter(text: bytes | bytearray, reading: Reading) -> str:
    """The stated delimiter, or the tab or semicolon where the header has that and not the stated one."""
    begin = 0
    for _ in range(reading.header_row - 1):
        begin = text.find(b"\n", begin) + 1 or begin  # of fewer lines, the last one
    end = text.find(b"\n", begin)
    header = text[begin : end if end >= 0 else None].decode(errors="replace")
    if reading.delimiter in header:
        return reading.delimiter
    return next((d for d in OTHER_DELIMITERS if d in header), reading.delimiter)


def _headers(text: bytes | bytearray, delimiter: str, reading: Reading) -> tuple[list[str], int]:
    """The fields of the header, and where in the text it ends."""
    for most in (BEGINNING, len(text)):  # a copy of a whole long text takes longer than reading it
        beginning = text[:most].decode(errors="ignore")  # within a character it may end
        lines = io.StringIO(beginning, newline="")
        records = csv.reader(lines, delimiter=delimiter)
        for number, fields in enumerate(records, start=1):
            if number == reading.header_row and any(fields):
                end = lines.tell()
                # A record that ends the beginning may have been cut off there.
                if most >= len(text) or next(records, None) is not None:
                    return fields, len(beginning[:end].encode())
                break
    raise UnreadableFileError(
        f"the file has no header on row {reading.header_row}; export it again, or state header_row in its mapping file"
    )


def _frames(texts: Iterator[bytearray], delimiter: str, headers: list[str]) -> Iterator[pl.DataFrame]:
    """The records of each text: the fast way, or one by one where some are broken."""
    for text in texts:
        quotes = _quotes(text, len(text))
        frame = None if quotes % 2 else _read_sound(text, delimiter, len(headers))
        if frame is not None:
            yield frame
        else:  # where quotation marks may be astray, it is not known either where the text should have been cut
            rest = lines(chain([text], texts)) if quotes else lines([text])
            yield from _read_records(rest, delimiter, len(headers))


def _read_sound(text: bytearray, delimiter: str, width: int) -> pl.DataFrame | None:
    """The fast way; None where a record is of another length than the header, or a quotation mark is astray."""
    names = delimiter.join(map(str, range(width)))
    # Of a last line without its end a field too many would go unnoticed.
    ended = b"\n" if text and not text.endswith(b"\n") else b""
    try:
        frame = pl.read_csv(b"".join((names.encode(), b"\n", text, ended)), separator=delimiter, infer_schema=False)
    except pl.exceptions.PolarsError:
        return None
    if frame.width != width:
        return None
    # Short records are filled up with nulls and quotation marks astray are read over, without a word.
    if QUOTE in text or (frame.height and frame[:, -1].null_count()):
        lengths = _lengths(text, delimiter)
        if len(lengths) != frame.height or set(lengths) - {0, width}:
            return None
    return frame


def _lengths(text: bytearray, delimiter: str) -> list[int]:
    """How many fields each record has; none at all where a quotation mark is astray."""
    records = io.StringIO(text.decode(errors="replace").replace("\r", ""))
    try:
        return [len(fields) for fields in csv.reader(records, delimiter=delimiter, strict=True)]
    except csv.Error:
        return []


def _read_records(texts: Iterator[str], delimiter: str, width: int) -> Iterator[pl.DataFrame]:
    """The slow way, for text in which some records are broken."""
    schema = {str(at): pl.String for at in range(width)} | {BROKEN: pl.String}
    for some in batched(_records(texts, delimiter, width), RECORDS):
        columns = {
            str(at): [fields[at] or None if at < len(fields) else None for fields, _ in some] for at in range(width)
        }
        yield pl.DataFrame(columns | {BROKEN: [why for _, why in some]}, schema=schema)


def _records(texts: Iterator[str], delimiter: str, width: int) -> Iterator[tuple[list[str], str | None]]:
    """The fields of each record of some lines, and why it is broken.

    A stray quotation mark would swallow the lines that follow it. Only its own line is broken; reading goes on
    with the next one.
    """
    texts = chain(texts)
    while True:
        taken: list[str] = []
        reader = csv.reader(_taking(texts, taken), delimiter=delimiter, strict=True)
        try:
            for fields in reader:
                sound = len(fields) in (0, width)
                if not sound and len(taken) > 1:
                    raise csv.Error
                yield fields, None if sound else f"has {len(fields)} fields, its header has {width}; quote the text"
                taken.clear()
            return
        except csv.Error:
            yield [], "has a quotation mark that is not closed, or is not doubled inside the text; correct the line"
            texts = chain(taken[1:], texts)


def _taking(texts: Iterator[str], taken: list[str]) -> Iterator[str]:
    """The lines, each kept in `taken`; raises csv.Error where a record has taken more than one can have."""
    length = 0
    for text in texts:
        length = length + len(text) if taken else len(text)
        taken.append(text)
        if length > LONGEST_RECORD:
            raise csv.Error
        yield text + "\n"


def _with_lost_broken(frame: pl.DataFrame, damage: str) -> pl.DataFrame:
    cells = [pl.col(c) for c in frame.columns if c not in (ROW, BROKEN)]
    lost = pl.any_horizontal([c.str.contains(LOST, literal=True).fill_null(False) for c in cells])
    told = pl.lit(f"{damage}; export the file again")
    return frame.with_columns(pl.when(lost).then(told).otherwise(BROKEN).alias(BROKEN))
