"""Reading JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from pipelines.intake.frames import BROKEN, ROW, UnreadableFileError, distinct
from pipelines.intake.text import LOST, decoded

if TYPE_CHECKING:
    from data_contracts.mapping import Reading

DEEPEST = 32
TOO_DEEP = f"nests values more than {DEEPEST} times; export it flat"


def read_json_lines(content: bytes, reading: Reading, /) -> pl.DataFrame:
    """Every line that is not blank, under the keys of all; one that is no JSON object is broken."""
    text, damage = decoded(content, reading.encoding)
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    records = [_record(line, damage) for _, line in numbered]
    keys = list(dict.fromkeys(key for record, _ in records for key in record))
    if not keys:
        first = f"; line {numbered[0][0]} {records[0][1] or 'is empty'}" if records else ""
        raise UnreadableFileError(f"none of its {len(records):,} lines is a JSON object with values{first}")
    columns = {
        name: pl.Series([text_of(record.get(key)) for record, _ in records], dtype=pl.String)
        for name, key in zip(distinct(keys), keys, strict=True)
    }
    marks = {
        ROW: pl.Series([n for n, _ in numbered], dtype=pl.Int64),
        BROKEN: pl.Series([why for _, why in records], dtype=pl.String),
    }
    return pl.DataFrame(columns | marks)


def json_headers(content: bytes, reading: Reading, /) -> list[str]:
    """The keys in the beginning of a file."""
    return [c for c in read_json_lines(content, reading).columns if c not in (ROW, BROKEN)]


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
