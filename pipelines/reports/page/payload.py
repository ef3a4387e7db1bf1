"""A report's content as compact JSON: columns instead of rows, every text once, every repeated column once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.reports.figures import KINDS
from pipelines.reports.wording import MODEL_RULES, Text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipelines.reports.content import Column, Content, Table

#: Columns that the page needs beside those that it shows.
UNSHOWN = ("currency", "suppressed", "withheld", "engagement_rate_from", "visit_rate_from")
DECIMALS = 4


class Texts:
    """Every text once, by its place."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, text: str | None) -> int | None:
        """Where the text stands; null stays null."""
        return None if text is None else self.places.setdefault(text, len(self.places))


def payload(content: Content, dates: Sequence[date], /) -> dict[str, Any]:
    """Everything that the page shows of the given dates, as JSON knows it."""
    texts = Texts()
    tables = {
        table.name: _table(table, content.frames[table.name], dates, texts)
        for section in content.sections
        for table in section.tables
        if table.name in content.frames
    }
    return {
        "brand": content.brand,
        "dates": [str(day) for day in dates],
        "models": [
            {"name": name, "label": _both(content.label("model", name)), "rule": _both(MODEL_RULES[name])}
            for name in content.models
        ],
        "model": content.settings.model,
        "targets": content.settings.as_numbers(),
        "basis": content.basis,
        "kinds": {name: {"form": kind.d3, "large": kind.large} for name, kind in KINDS.items()},
        "labels": {
            column: {code or "": _both(content.label(column, code)) for code in words}
            for column, words in content.labels.items()
        },
        "sections": [
            {
                "name": section.name,
                "title": _both(section.title),
                "question": _both(section.question),
                "tables": [table.name for table in section.tables if table.name in tables],
            }
            for section in content.sections
        ],
        "missing": [
            _both(table.title)
            for section in content.sections
            for table in section.tables
            if table.name in content.missing
        ],
        "tables": tables,
        "texts": list(texts.places),
    }


def as_json(value: Any, /) -> str:
    """JSON without a space that is not needed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _both(text: Text) -> list[str]:
    return [text.zh, text.en]


def _table(table: Table, rows: pl.DataFrame, dates: Sequence[date], texts: Texts) -> dict[str, Any]:
    """The table's head, and its rows in parts by date and model: for each the places of its columns in a pool."""
    shown = {column.name: column for column in table.columns}
    if "as_of" in rows.columns:
        rows = rows.filter(pl.col("as_of").is_in(list(dates)))
    sent = [name for name in (*shown, *UNSHOWN) if name in rows.columns and not (name in shown and shown[name].of)]
    pool: dict[str, int] = {}
    parts = {}
    by = [name for name in ("as_of", "model") if name in rows.columns]
    for key, part in rows.partition_by(by, as_dict=True, maintain_order=True).items() if by else {(): rows}.items():
        named = dict(zip(by, key, strict=True))
        place = f"{named.get('as_of', '')}|{named.get('model', '')}"
        parts[place] = [pool.setdefault(as_json(_values(part[name], texts)), len(pool)) for name in sent]
    return {
        "title": _both(table.title),
        "says": _both(table.says),
        "columns": [_column(column) for column in table.columns],
        "folded": table.folded,
        "by": by,
        "sent": sent,
        "texts": [name for name in sent if rows.schema[name] == pl.String],
        "pool": [json.loads(column) for column in pool],
        "parts": parts,
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "code": column.is_code,
        "of": column.of,
        "label": _both(column.heading),
        "tip": column.tip,
    }


def _values(values: pl.Series, texts: Texts) -> list[Any]:
    """A column as JSON knows it; figures keep what any form of them shows."""
    if values.dtype == pl.String:
        return [texts.place(value) for value in values]
    if values.dtype.is_temporal():
        return values.cast(pl.String).to_list()
    if values.dtype.is_decimal():
        values = values.cast(pl.Float64).round(2)
    if values.dtype.is_float():
        rounded = values.round(DECIMALS).to_list()
        return [int(value) if value is not None and value.is_integer() else value for value in rounded]
    return values.to_list()
