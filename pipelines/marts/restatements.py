"""What changed since the day before: figures that a platform restated, and figures of past dates that moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.charts import Chart
from pipelines.dates import as_of
from pipelines.marts.mart import Mart, sales_maturity
from pipelines.warehouse import columns_of, quoted

if TYPE_CHECKING:
    from datetime import date

    import duckdb

RECENT_DAYS = 7  # how long a restatement is shown; versions and history keep it
STAMPS = ("model", "as_of", "window_set", "brand", "scope", "maturity", "business_date", "currency", "note_id")
# Marts of figures by date, of which a past date should not move unnoticed.
BY_DATE = ("funnel_daily", "match_rates", "note_daily", "spend_daily", "wallet_daily")
COLUMNS = "restated_in, note_id, part_of, cycle, business_date, currency, figure, was, became, change, restated_on"


def _restated(feed: str, claim_id: str, part_of: str, figures: tuple[str, ...]) -> str:
    """The query of what was restated of the claims of a feed."""
    return f"""
    WITH recent AS (
        SELECT DISTINCT {claim_id} FROM versions.{feed}
        WHERE (exported_at AT TIME ZONE 'Asia/Shanghai')::DATE > $day - {RECENT_DAYS}
    ), told AS (
        SELECT {claim_id}, note_id, concat_ws(' · ', {part_of}) AS part_of, claim_date, cycle, currency, exported_at,
            unnest(['{"', '".join(figures)}']) AS figure,
            unnest([{", ".join(f"{name}::DECIMAL(18,2)" for name in figures)}]) AS became
        FROM versions.{feed} SEMI JOIN recent USING ({claim_id})
    ), stepped AS (
        SELECT *, lag(became) OVER versions AS was, lag(exported_at) OVER versions AS before FROM told
        WINDOW versions AS (PARTITION BY {claim_id}, figure ORDER BY exported_at)
    )
    SELECT '{feed}' AS restated_in, note_id, part_of, cycle, claim_date AS business_date, currency, figure, was, became,
        became - was AS change, (exported_at AT TIME ZONE 'Asia/Shanghai')::DATE AS restated_on
    FROM stepped
    WHERE before IS NOT NULL AND was IS DISTINCT FROM became AND restated_on > $day - {RECENT_DAYS}"""


# Figures that platforms claim; those that are only derived from others are left out.
CLAIMED = (
    "read_uv", "engagement_uv", "search_visit_uv", "visit_uv", "new_visitor_uv", "cart_uv", "order_uv",
    "new_customer_uv", "shop_gmv", "task_product_gmv",
)  # fmt: skip
OF_PLATFORMS = (
    _restated("exchange_note_daily", "claim_id", "exchange, level, task_id, flow_type", CLAIMED),
    _restated("ad_claims_daily", "ad_claim_id", "platform, claim_kind, part", ("orders", "gmv")),
)


def restatements(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every figure that was restated lately, one row each: what it was, what it became, and when."""
    day = as_of(connection)
    queries = (*OF_PLATFORMS, *_of_marts(connection, day))
    parts = [connection.sql(query, params={"day": day}).pl() for query in queries]
    found = pl.concat(parts, how="vertical_relaxed").select(COLUMNS.split(", "))
    state = sales_maturity(pl.col("business_date"), day)
    return found.sort(found.columns, nulls_last=True).with_columns(maturity=state)


def _of_marts(connection: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """For each mart by date, the query of its figures that are not those of the version before."""
    queries = []
    for mart in BY_DATE:
        table = f"history.{mart}"
        known = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'history' AND table_name = ?"
        if not connection.execute(known, [mart]).fetchall()[0][0]:
            continue
        (before,) = connection.execute(f"SELECT max(as_of) FROM {table} WHERE as_of < ?", [day]).fetchall()[0]
        if before is None:
            continue
        kinds = columns_of(connection, table)
        figures = [n for n, kind in kinds.items() if n not in STAMPS and kind.startswith(("BIGINT", "DECIMAL"))]
        key = [name for name, kind in kinds.items() if name not in STAMPS and kind == "VARCHAR"]
        queries.append(_moved(mart, before, key, figures, has=set(kinds)))
    return queries


def _moved(mart: str, before: date, key: list[str], figures: list[str], *, has: set[str]) -> str:
    of, currency = (name if name in has else f"NULL::VARCHAR AS {name}" for name in ("note_id", "currency"))
    shared = f"""
        {of}, business_date, {currency},
        concat_ws(' · ', {", ".join(map(quoted, key))}{", " if key else ""}NULL) AS part_of,
        unnest([{", ".join(f"'{name}'" for name in figures)}]) AS figure,
        unnest([{", ".join(f"{quoted(name)}::DECIMAL(18,2)" for name in figures)}]) AS value"""
    row = "note_id, business_date, currency, part_of, figure"
    return f"""
        WITH now AS (SELECT {shared} FROM history.{mart} WHERE as_of = $day AND business_date <= DATE '{before}'),
        earlier AS (SELECT {shared} FROM history.{mart} WHERE as_of = DATE '{before}' AND business_date <= as_of),
        paired AS (
            SELECT {row}, any_value(value) FILTER (NOT is_new) AS was, any_value(value) FILTER (is_new) AS became
            FROM (SELECT *, true AS is_new FROM now UNION ALL SELECT *, false FROM earlier) GROUP BY ALL
        )
        SELECT '{mart}' AS restated_in, note_id, part_of, NULL::BIGINT AS cycle, business_date, currency, figure,
            was, became, became - was AS change, $day AS restated_on
        FROM paired WHERE was IS DISTINCT FROM became"""


RESTATEMENT_MARTS = (
    Mart(
        "restatements",
        "数据回溯",
        "What changed lately: figures that a platform restated, and figures of past dates that moved from one run to "
        "the next, each with what it was, what it became, and when.",
        restatements,
        "SELECT restated_in AS 出处, business_date AS 日期, figure, was, became, restated_on FROM mart.restatements "
        "ORDER BY restated_on DESC, abs(change) DESC NULLS LAST LIMIT 8",
        made_of=("raw/exchange_note_daily", "raw/ad_claims_daily", *(f"mart/{name}" for name in BY_DATE)),
        chart=Chart("每日被回溯的数字", "SELECT restated_on, count(*) FROM mart.restatements GROUP BY ALL", "count"),
        about_zh="最近被回溯的数字：平台重述的，以及过去日期在两次运行之间变动的；原来是多少、变成多少、哪天变的。",
        figures="SELECT count(*) AS restated FROM mart.restatements "
        "WHERE restated_on = (SELECT max(restated_on) FROM mart.restatements)",
    ),
)
