"""What an asset tells about its table, in words, numbers and a chart that a marketer reads."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg
from rich.cells import cell_len, set_cell_size

from pipelines.charts import INLINE_LIMIT, Chart, draw
from pipelines.reports.figures import KINDS, UNKNOWN, kind_of, written
from pipelines.warehouse import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

ROOM_FOR_REST = 24
WIDEST_CELL = 24
DECIMALS = 4
PERSONAL = {"user_key", "instrument_key"}  # not shown to everyone who may look at the graph
MEANS_MORE_IN_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$@])")
TURNS_DIRECTION = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


def table_metadata(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    /,
    *,
    descriptions: Mapping[str, str] | None = None,
    preview: str | None = None,
    chart: Chart | None = None,
    figures: str | None = None,
) -> dict[str, Any]:
    """What Dagster shows of a table: rows, columns, the first rows, a chart, and numbers that it plots over time.

    `preview` is the query of the first rows; without one every column that is not personal is shown. `figures` is a
    query of one row, a number in each column. Columns are headed by their Chinese names in `descriptions`.
    """
    told = descriptions or {}
    columns = connection.execute(f"DESCRIBE {table}").fetchall()
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
    shown = names([name for name, *_ in columns if name not in PERSONAL])
    metadata = {
        "dagster/row_count": count,
        "dagster/table_name": table,
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(name, kind, description=told.get(name)) for name, kind, *_ in columns]
        ),
    }
    if chart:
        metadata["chart"] = drawing(chart.title, connection.execute(chart.query).fetchall(), kind=chart.kind)
    metadata["preview"] = dg.MetadataValue.md(
        markdown_table(connection, preview or f"SELECT {shown} FROM {table} LIMIT 5", told)
    )
    return metadata | (numbers(connection, figures, told) if figures else {})


def drawing(title: str, points: Sequence[tuple[object, float | None]], /, *, kind: str = "count") -> dg.MetadataValue:
    """A chart as an image, or "—" where there is nothing to draw."""
    return dg.MetadataValue.md(draw(title, points, kind=kind) or UNKNOWN)


def numbers(
    connection: duckdb.DuckDBPyConnection, query: str, descriptions: Mapping[str, str], /
) -> dict[str, int | float]:
    """The row of a query as numbers by name, Chinese and English; what is unknown is left out, never 0."""
    relation = connection.sql(query)
    return {
        f"{heading(column, descriptions)} {column}".removeprefix(f"{column} "): (
            round(float(value), DECIMALS) if isinstance(value, Decimal | float) else value
        )
        for row in relation.fetchall()
        for column, value in zip(relation.columns, row, strict=True)
        if value is not None
    }


def heading(column: str, descriptions: Mapping[str, str], /) -> str:
    """The Chinese name of a column, which stands before the point in its description; else its own name."""
    name, point, _ = descriptions.get(column, "").partition(" · ")
    return name if point else column


def markdown_table(
    connection: duckdb.DuckDBPyConnection, query: str, descriptions: Mapping[str, str] | None = None, /
) -> str:
    """The rows of a query as a Markdown table."""
    relation = connection.sql(query)
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    kinds = [kind_of(column, types) for column in relation.columns]
    return markdown([heading(column, descriptions or {}) for column in relation.columns], relation.fetchall(), kinds)


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]], kinds: Sequence[str] | None = None, /) -> str:
    """A Markdown table of as many rows as Dagster shows inline, and how many more there are."""
    kinds = kinds or ["text", *["count"] * (len(head) - 1)]
    lines = [_line(head), _line(["---:" if KINDS[kind].is_number else "---" for kind in kinds])]
    for number, row in enumerate(rows):
        line = _line([_shown(value, kind) for value, kind in zip(row, kinds, strict=True)])
        if sum(map(len, lines)) + len(lines) + len(line) + ROOM_FOR_REST > INLINE_LIMIT:
            lines.append(_line([f"… {len(rows) - number:,} more"]))
            break
        lines.append(line)
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _shown(value: object, kind: str) -> str:
    """A cell in which nothing is markup, whatever a title holds."""
    text = " ".join(written(value, kind).translate(TURNS_DIRECTION).split())
    if cell_len(text) > WIDEST_CELL:
        text = set_cell_size(text, WIDEST_CELL - 1).rstrip() + "…"
    return MEANS_MORE_IN_MARKDOWN.sub(r"\\\1", text)


def names(columns: Sequence[str]) -> str:
    """Columns as an SQL list."""
    return ", ".join(map(quoted, columns))
