"""Reading JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from pipelines.intake.frames import BROKEN, ROW, UnreadableFileError, batched, distinct
from pipelines.intake.text import LOST, blocks, coding_of, decoded, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from data_contracts.mapping import Reading
    from pipelines.intake.text import Opening

RECORDS = 50_000  # of a part
DEEPEST = 32
TOO_DEEP = f"nests values more than {DEEPEST} times; export it flat"


def json_lines_parts(opened: Opening, reading: Reading, /) -> Iterator[pl.DataFrame]:
    """Every line that is not blank, part by part, under the keys of all; one that is no JSON object is broken."""
    coding = coding_of(opened, reading.encoding)
    keys = _keys(_numbered(coding.texts(opened), coding.damage))
    names = distinct(keys)
    for some in batched(_numbered(coding.texts(opened), coding.damage), RECORDS):
        columns = {
            name: pl.Series([text_of(record.get(key)) for _, record, _ in some], dtype=pl.String)
            for name, key in zip(names, keys, strict=True)
        }
        marks = {
            ROW: pl.Series([number for number, _, _ in some], dtype=pl.Int64),
            BROKEN: pl.Series([why for _, _, why in some], dtype=pl.String),
        }
        yield pl.DataFrame(columns | marks)


def json_headers(content: bytes, reading: Reading, /) -> list[str]:
    """The keys in the beginning of a file."""
    text, damage = decoded(content, reading.encoding)
    return distinct(_keys(_numbered([text.encode()], damage)))


def _numbered(texts: Iterable[bytes], damage: str) -> Iterator[tuple[int, dict[str, Any], str | None]]:
    """The number of each line that is not blank, its object, and why it is broken."""
    for number, line in enumerate(lines(blocks(texts)), start=1):
        if line.strip():
            yield number, *_record(line, damage)


def _keys(numbered: Iterable[tuple[int, dict[str, Any], str | None]]) -> list[str]:
    """The keys of all objects; raises UnreadableFileError where there are none."""
    keys: dict[str, None] = {}
    first, count = "", 0
    for number, record, why in numbered:
        first, count = first or f"; line {number} {why or 'is empty'}", count + 1
        keys |= dict.fromkeys(record)
    if not keys:
        raise UnreadableFileError(f"none of its {count:,} lines is a JSON object with values{first}")
    return list(keys)


def _record(line: str, damage: str) -> tuple[dict[str, Any], str | None]:
    """The object of a line, and why it is broken."""
    if damage and LOST in line:
        return {}, f"{damage}; export the file again"
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return {}, f"is no JSON ({error}); write one object a line"
    if not isinstance(record, dict):
        return {}, "is no JSON object; write one object a line"
    return ({}, TOO_DEEP) if too_deep(record) else (record, None)


def too_deep(value: object, /) -> bool:
    """Whether lists and objects stand in one another more than `DEEPEST` times, which no value of a feed needs."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def text_of(value: object, /) -> str | None:
    """A value of JSON as text: the items of a list with bars between, an object as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return "|".join(text for item in value if (text := text_of(item)) is not None)
    return orjson.dumps(value).decode()
