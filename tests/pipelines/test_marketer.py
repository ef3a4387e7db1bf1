"""Marketers see marts alone, and nothing of few buyers: neither stated nor as the difference of what is stated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import polars as pl
import pytest

from pipelines.marketer import marketer
from pipelines.marts.privacy import BASIS, PRIVATE, REPORTED, with_privacy
from pipelines.marts.tables import MARTS
from pipelines.reports.sections import SECTIONS
from pipelines.suppression import PEOPLE, counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from tests.pipelines.conftest import Redcat

# What tells of money that was spent, of notes, of dates and of shares that a platform states, and so of no buyer.
OF_NOBODY = {
    *("spend", "in_task_spend", "out_of_task_spend", "unknown_task_spend", "evidenced_spend", "commission"),
    *("platform_spend", "task_spend", "notes", "duplicate", "quarantined", "steps", "band", "months_since", "lag_days"),
    *("age_days", "cycle", "claims", "ad_notes", "ad_share", "diverting_notes", "comments", "eligible", "linked_notes"),
    *("look_back_days", "engagement_rate_from", "visit_rate_from", "fee_rate", "shops", "curated_shops"),
    *("curated_share", "certified_shops", "certification_cost", "notes_before", "notes_after"),
    *("wallet_face_spend", "wallet_real_spend", "real_spend"),
    *("link_requests", "link_requests_last_7d", "link_request_share"),  # comments that anybody reads
}


def level(source: Path, k: int, target: Path) -> duckdb.DuckDBPyConnection:
    """The level for marketers made anew of a published warehouse, which is attached as `analyst`."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{source}' AS analyst (READ_ONLY)")
        connection.execute("USE analyst")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{target}' AS published")
        marketer(k)(connection, "published")
    opened = duckdb.connect(target, read_only=True)
    opened.execute(f"ATTACH '{source}' AS analyst (READ_ONLY)")
    return opened


@pytest.fixture(scope="module", params=[10, 40])
def made(
    demo: Redcat, tmp_path_factory: pytest.TempPathFactory, request
) -> Iterator[tuple[duckdb.DuckDBPyConnection, int]]:
    published = demo.home / "published" / "analyst.duckdb"
    with level(published, request.param, tmp_path_factory.mktemp("marketer") / "marketer.duckdb") as connection:
        yield connection, request.param


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY 1"
    return [name for (name,) in connection.sql(query).fetchall()]


def test_a_run_publishes_both_levels_as_one_version(demo: Redcat) -> None:
    folder = demo.home / "published"
    assert (folder / "marketer.duckdb").resolve().parent == (folder / "analyst.duckdb").resolve().parent
    with duckdb.connect(folder / "marketer.duckdb", read_only=True) as connection:
        schemas = connection.sql("SELECT DISTINCT schema_name FROM duckdb_tables()").fetchall()
        assert schemas == [("mart",)]
        assert set(tables(connection)) == {name for name, few in PRIVATE.items() if few is not None}
        assert connection.sql("SELECT count(*) > 0 FROM duckdb_views() WHERE NOT internal").fetchall() == [(False,)]


def test_every_mart_says_what_it_tells_of_people() -> None:
    assert {mart.name for mart in MARTS} == set(PRIVATE)
    with pytest.raises(KeyError):
        with_privacy([replace(MARTS[0], name="new")])


@pytest.mark.parametrize("name", [name for name, few in PRIVATE.items() if few])
def test_every_figure_is_suppressed_or_tells_of_nobody(made, name: str) -> None:
    connection, _ = made
    told = {figure for few in PRIVATE[name] or () for figure in few.figures}
    columns = {row[0]: row[1] for row in connection.sql(f"DESCRIBE mart.{name}").fetchall()}
    figures = {c for c, kind in columns.items() if kind.startswith(("BIGINT", "DOUBLE", "DECIMAL", "INTEGER", "UINT"))}
    assert figures - told - OF_NOBODY == set()


def test_every_figure_that_is_declared_is_one_of_a_mart_or_of_a_report(demo: Redcat) -> None:
    declared = [few for entries in (*PRIVATE.values(), *REPORTED.values()) for few in entries or ()]
    with duckdb.connect(demo.home / "published" / "analyst.duckdb", read_only=True) as connection:
        columns = {name for (name,) in connection.sql("SELECT column_name FROM duckdb_columns()").fetchall()}
    in_reports = {column.name for section in SECTIONS for table in section.tables for column in table.columns}
    assert {figure for few in declared for figure in few.figures} <= columns | in_reports


def test_no_column_holds_a_key_of_a_user_or_of_an_order(made) -> None:
    connection, _ = made
    connection.execute("""
        CREATE TEMP TABLE keys AS
        SELECT DISTINCT user_key::VARCHAR AS key FROM analyst.core.touches WHERE user_key IS NOT NULL
        UNION SELECT user_key::VARCHAR FROM analyst.core.conversions WHERE user_key IS NOT NULL
        UNION SELECT conversion_id FROM analyst.core.conversions
        UNION SELECT order_id FROM analyst.core.conversions""")
    assert connection.sql("SELECT count(*) > 1000 FROM keys").fetchall() == [(True,)]
    for name in tables(connection):
        if name == "keys":
            continue
        columns = [row[0] for row in connection.sql(f"DESCRIBE mart.{name}").fetchall()]
        assert not [column for column in columns if "user" in column or column in ("order_id", "conversion_id")]
        for column in columns:
            found = f'SELECT count(*) FROM mart.{name} WHERE "{column}"::VARCHAR IN (SELECT key FROM keys)'
            assert connection.sql(found).fetchall() == [(0,)], (name, column)


def people(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """The rows of a mart as analysts see them, with the counts by which they are judged."""
    rows = counted(connection, f"analyst.mart.{name}", PRIVATE[name] or (), buyers="analyst.mart.buyers")
    return rows.rename(lambda column: column.replace(PEOPLE, "people_"))


@pytest.mark.parametrize("name", [name for name, few in PRIVATE.items() if few])
def test_small_cells_are_null_and_what_is_shown_is_what_analysts_see(made, name: str) -> None:
    connection, k = made
    rows, shown = people(connection, name), connection.sql(f"FROM mart.{name}").pl()
    few = PRIVATE[name] or ()
    if any(entry.drop for entry in few):
        assert shown["buyers"].min() >= k  # type: ignore[operator]
        assert set(shown["path"]) <= set(rows["path"])
        return
    assert shown.height == rows.height
    for n, entry in enumerate(few):
        small = rows[f"people_{n}"].is_between(1, k - 1).fill_null(value=False)
        for figure in set(entry.figures) & set(rows.columns):
            assert shown.filter(small)[figure].null_count() == small.sum(), figure
    told = [figure for entry in few for figure in entry.figures]
    for column in rows.columns:
        if not column.startswith("people_"):
            is_shown = shown[column].is_not_null()
            assert shown.filter(is_shown)[column].equals(rows.filter(is_shown)[column]), column
            withheld = shown.filter(~is_shown & rows[column].is_not_null())
            assert not withheld.height or column in told, column
            assert withheld["suppressed"].all()


# Which figures are sums of which: rows of the parts by the columns that they share with the sum.
SUMS = (
    ("reconciliation", "credited_gmv", (), "category_roi", "credited_gmv"),
    ("reconciliation", "credited_gmv", (), "channel_roi", "credited_gmv"),
    ("reconciliation", "credited_gmv", (), "lane_roi", "credited_gmv"),
    ("reconciliation", "credited_gmv", (), "creator_roi", "credited_gmv"),
    ("reconciliation", "credited_gmv", (), "campaign_roi", "credited_gmv"),
    ("reconciliation", "credited_gmv", (), "note_roi", "credited_gmv"),
    ("reconciliation", "credited_gmv", (), "purchase_lag", "paid_gmv"),
    ("reconciliation", "credited_gmv", (), "common_paths", "paid_gmv"),
    ("category_roi", "credited_gmv", ("category",), "purchase_lag", "paid_gmv"),
    ("creator_roi", "credited_gmv", ("creator_id",), "note_roi", "credited_gmv"),
    ("campaign_roi", "credited_gmv", ("campaign_id",), "note_roi", "credited_gmv"),
    ("lane_roi", "credited_gmv", ("lane",), "note_roi", "credited_gmv"),
    ("exchange_roi", "credited_gmv", ("exchange",), "note_roi where lane = 'exchange_link'", "credited_gmv"),
    ("note_roi where lane = 'live'", "credited_gmv", ("note_id",), "live_roi", "credited_gmv"),
    ("reconciliation", "total_gmv", (), "category_roi", "total_gmv"),
    ("reconciliation", "total_gmv", (), "channel_roi", "total_gmv"),
    ("reconciliation", "total_gmv", (), "funnel_daily", "paid_gmv"),
    ("reconciliation", "total_gmv", (), "product_eligibility", "paid_gmv"),
    ("category_roi", "total_gmv", ("category",), "product_eligibility", "paid_gmv"),
    ("channel_roi", "total_gmv", ("channel",), "product_eligibility", "paid_gmv"),
)


def test_what_is_suppressed_does_not_follow_from_sums(made) -> None:
    """Every sum that the marts keep as an equation: no small cell may be the only solution of all of them."""
    connection, k = made
    unknown: dict[tuple[str, str, int], int] = {}
    small: set[int] = set()
    equations: list[dict[int, float]] = []
    seen: dict[str, pl.DataFrame] = {}

    def rows(text: str) -> pl.DataFrame:
        """The rows of one model as analysts see them, with the numbers of those that marketers see as well."""
        name, _, condition = text.partition(" where ")
        if name not in seen:
            stated = people(connection, name).with_row_index("at")
            seen[name] = stated.filter(pl.col("model").is_in(["linear", "observed"]))
        return seen[name].filter(pl.sql_expr(condition)) if condition else seen[name]

    def shown(text: str, figure: str) -> set[int]:
        name = text.partition(" where ")[0]
        found = connection.sql(f"FROM mart.{name}").pl().filter(pl.col(figure).is_not_null())
        if name == "common_paths":
            return set(rows(name).filter(pl.col("path").is_in(found["path"].implode()))["at"])
        whole = connection.sql(f"FROM mart.{name}").pl().with_row_index("at")
        return set(whole.filter(pl.col(figure).is_not_null())["at"])

    def variable(text: str, figure: str, row: dict[str, Any]) -> int:
        number = unknown.setdefault((text.partition(" where ")[0], figure, row["at"]), len(unknown))
        if row["people_0"] is not None and 1 <= row["people_0"] < k:
            small.add(number)
        return number

    for whole, figure, by, part, of in SUMS:
        basis = [
            name
            for name in BASIS
            if name not in ("model", "as_of") and name in rows(whole).columns and name in rows(part).columns
        ]
        parts = rows(part).partition_by(*basis, *by, as_dict=True) if basis or by else {(): rows(part)}
        known, parts_known = shown(whole, figure), shown(part, of)
        for row in rows(whole).iter_rows(named=True):
            same = tuple(row[name] for name in (*basis, *by))
            equation = {} if row["at"] in known else {variable(whole, figure, row): 1.0}
            for item in parts.get(same, rows(part).clear()).iter_rows(named=True):
                if item["at"] not in parts_known:
                    equation[variable(part, of, item)] = -1.0
            if equation:
                equations.append(equation)
    assert small
    matrix = np.zeros((len(equations), len(unknown)))
    for at, equation in enumerate(equations):
        for number, factor in equation.items():
            matrix[at, number] = factor
    _, singular, vectors = np.linalg.svd(matrix)
    free = vectors[(singular > 1e-9).sum() :]  # what may be added to any solution
    certain = np.abs(free).max(axis=0, initial=0) < 1e-9
    names = list(unknown)
    assert [names[number] for number in sorted(small) if certain[number]] == []
