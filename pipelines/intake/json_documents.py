"""Reading JSON documents: the response of an interface, saved as it came."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl

from pipelines.intake.frames import BROKEN, IN_ALL, ROW, UnreadableFileError, distinct
from pipelines.intake.json_lines import TOO_DEEP, text_of, too_deep
from pipelines.intake.text import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data_contracts.mapping import Reading

TOTAL = "合计"
A_COUNT = "[0-9]{1,15}"
DEEPEST = 8
NESTED = 3


def read_json(content: bytes, reading: Reading, /) -> pl.DataFrame:
    """The records of a document, numbered from 1; an object in a record becomes columns `outer.inner`.

    They stand at the path that the mapping states as `records`, else in the first list of objects. The object at its
    `totals` follows them as a total row; `_in_all` (Int64) is the number at its `count`, where the document has one.
    """
    text, damage = decoded(content, reading.encoding)
    if damage:
        raise UnreadableFileError(f"the file {damage}; export it again")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableFileError(f"the file is no whole JSON document ({error}); export it again") from error
    records = _at(document, reading.records)
    if not isinstance(records, list):
        records = next(_lists(document), None)
    if records is None:
        wanted = f" at {reading.records}" if reading.records else ""
        raise UnreadableFileError(f"the JSON document has no list of records{wanted}; {_said(document)}")
    broken = [_why_broken(record) for record in records]
    flat = [{} if why else _flat(record) for record, why in zip(records, broken, strict=True)]
    keys = list(dict.fromkeys(key for record in flat for key in record))
    if records and not keys:
        raise UnreadableFileError(
            f"none of its {len(records):,} records has values; record 1 {broken[0] or 'is empty'}"
        )
    totals = _at(document, reading.totals)
    if isinstance(totals, dict) and keys:
        flat.append({key: value for key, value in _flat(totals).items() if key in keys} | {keys[0]: TOTAL})
        broken.append(None)
    columns = {
        name: pl.Series([text_of(record.get(key)) for record in flat], dtype=pl.String)
        for name, key in zip(distinct(keys), keys, strict=True)
    }
    marks = {
        ROW: pl.Series(range(1, len(flat) + 1), dtype=pl.Int64),
        BROKEN: pl.Series(broken, dtype=pl.String),
    }
    in_all = str(_at(document, reading.count))
    if re.fullmatch(A_COUNT, in_all):
        marks[IN_ALL] = pl.Series([int(in_all)]).new_from_index(0, len(flat))
    return pl.DataFrame(columns | marks)


def document_headers(content: bytes, reading: Reading, /) -> list[str]:
    """The keys of the records."""
    return [c for c in read_json(content, reading).columns if c not in (ROW, BROKEN, IN_ALL)]


def _why_broken(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "is no JSON object; a record must be one"
    return TOO_DEEP if too_deep(record) else None


def _at(document: Any, path: str | None) -> Any:
    """What stands at the path, also through an object that is written as text; None where nothing does."""
    if path is None:
        return None
    for name in path.split("."):
        document = _opened(document)
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _opened(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def _lists(document: Any) -> Iterator[list[Any]]:
    """Every list of objects, the outermost first."""
    level = [document]
    for _ in range(DEEPEST):
        opened = [_opened(value) for value in level]
        yield from (v for v in opened if isinstance(v, list) and v and all(isinstance(item, dict) for item in v))
        level = [item for v in opened if isinstance(v, dict) for item in v.values()]


def _flat(record: dict[str, Any], prefix: str = "", depth: int = 1) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict) and depth < NESTED:
            flat |= _flat(value, f"{prefix}{key}.", depth + 1)
        else:
            flat[prefix + key] = value
    return flat


def _said(document: Any) -> str:
    """What the interface said in place of records, where it did."""
    said = document if isinstance(document, dict) else {}
    told = [f"{key} {said[key]}" for key in ("code", "msg", "message") if isinstance(said.get(key), (str, int))]
    return f"it says {', '.join(told)[:200]}; ask the interface again" if told else "save the whole response"
