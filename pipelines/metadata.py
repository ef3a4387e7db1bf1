"""What an asset tells about its table, in words and numbers that a marketer reads."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dagster as dg

from pipelines.warehouse import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

INLINE_LIMIT = 1000  # Dagster shows longer Markdown only behind a link
ROOM_FOR_REST = 24
ACCENT = "#d6336c"
PERSONAL = {"user_key", "instrument_key"}  # not shown to everyone who may look at the graph


def table_metadata(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    /,
    *,
    descriptions: Mapping[str, str] | None = None,
    preview: str | None = None,
) -> dict[str, Any]:
    """Row count, column schema and the first rows of a table; `preview` is the query that gives these rows.

    Without one it shows every column that is not personal.
    """
    columns = connection.execute(f"DESCRIBE {table}").fetchall()
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0]
    schema = [dg.TableColumn(name, kind, description=(descriptions or {}).get(name)) for name, kind, *_ in columns]
    shown = names([name for name, *_ in columns if name not in PERSONAL])
    return {
        "dagster/row_count": count,
        "dagster/table_name": table,
        "dagster/column_schema": dg.TableSchema(columns=schema),
        "preview": dg.MetadataValue.md(markdown_table(connection, preview or f"SELECT {shown} FROM {table} LIMIT 5")),
    }


def markdown_table(connection: duckdb.DuckDBPyConnection, query: str, /) -> str:
    """The rows of a query as a Markdown table."""
    relation = connection.sql(query)
    return markdown(relation.columns, relation.fetchall())


def markdown(head: Sequence[str], rows: Sequence[Sequence[object]], /) -> str:
    """A Markdown table of as many rows as Dagster shows inline, and how many more there are."""
    lines = [_line(head), _line(["---"] * len(head))]
    for number, row in enumerate(rows):
        line = _line([_shown(value) for value in row])
        if sum(map(len, lines)) + len(lines) + len(line) + ROOM_FOR_REST > INLINE_LIMIT:
            lines.append(_line([f"… {len(rows) - number:,} more"]))
            break
        lines.append(line)
    return "\n".join(lines)


def bar_chart(bars: Sequence[tuple[str, float]], /, *, unit: str = "") -> dg.MetadataValue:
    """A small horizontal bar chart as an SVG image, short enough to show inline."""
    top = max((abs(value) for _, value in bars), default=0) or 1
    for shown in range(min(len(bars), 8), 0, -1):
        rows = "".join(
            f"<rect y='{18 * i}' width='{150 * max(value, 0) / top:.0f}' height='9' fill='{ACCENT}'/>"
            f"<text y='{18 * i + 17}'>{_escaped(label[:10])} {value:.2f}{unit}</text>"
            for i, (label, value) in enumerate(bars[:shown])
        )
        svg = (
            f"<svg xmlns='http://www.w3.org/2000/svg' width='160' height='{18 * shown + 4}' font-size='8'>{rows}</svg>"
        )
        image = f"![chart](data:image/svg+xml,{quote(svg, safe='/:=')})"
        if len(image) <= INLINE_LIMIT:
            return dg.MetadataValue.md(image)
    return dg.MetadataValue.md("")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _shown(value: object) -> str:
    if value is None:
        return "—"
    text = f"{value:,.2f}" if isinstance(value, float | Decimal) else str(value)
    return _escaped(text[:60]).replace("|", "\\|").replace("\n", " ")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def names(columns: Sequence[str]) -> str:
    """Columns as an SQL list."""
    return ", ".join(map(quoted, columns))
