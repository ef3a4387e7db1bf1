"""What Dagster shows of a mart: its first rows, its chart, and its totals as numbers over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.charts import Chart
from pipelines.marts.columns import COLUMNS
from pipelines.marts.returns import main_currency
from pipelines.marts.totals import totals
from pipelines.metadata import heading
from pipelines.reports.figures import kind_of

if TYPE_CHECKING:
    import duckdb

    from pipelines.marts.mart import Mart

SHOWN_MODEL = "linear"


def shown(connection: duckdb.DuckDBPyConnection, mart: Mart, /) -> dict[str, Any]:
    """The options of `table_metadata` for a mart that is stored, in the currency of most orders."""
    columns = {row[0] for row in connection.execute(f"DESCRIBE mart.{mart.name}").fetchall()}
    models = {row[0] for row in connection.execute(f"SELECT DISTINCT model FROM mart.{mart.name}").fetchall()}
    by_model = f"（{SHOWN_MODEL}）" if SHOWN_MODEL in models else ""
    rows = f"mart.{mart.name} WHERE model IN ('{SHOWN_MODEL}', 'observed')"
    if "currency" in columns:
        rows += f" AND coalesce(currency, '') IN ('', '{main_currency(connection)}')"
    sums = ", ".join(f"{sql} AS {column}" for column, sql in totals(columns).items())
    return {
        "preview": mart.preview.format(model=SHOWN_MODEL),
        "chart": _chart(mart, rows, by_model),
        "figures": mart.figures or (f"SELECT {sums} FROM {rows}" if sums else None),
    }


def _chart(mart: Mart, rows: str, by_model: str) -> Chart | None:
    if mart.chart is None or isinstance(mart.chart, Chart):
        return mart.chart
    label, value = mart.chart
    query = f"SELECT {label}, ({value})::DOUBLE FROM {rows} AND ({value}) IS NOT NULL ORDER BY 2 DESC"
    return Chart(f"{mart.name_zh} · {heading(value, COLUMNS)}{by_model}", query, kind_of(value))
