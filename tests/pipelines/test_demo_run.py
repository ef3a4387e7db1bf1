"""The demo, run as a newcomer runs it, and what its warehouse must say."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from data_contracts.contract import feeds
from models.register import RULES
from models.roi import LEVELS
from pipelines.demo import generate
from pipelines.marts.columns import COLUMNS
from pipelines.marts.tables import MARTS
from tests.compared import contents, differing
from tests.pipelines.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.pipelines.conftest import Redcat

# What the notes of one lane returned is a part of the whole.
WHOLE_LEVELS = [name for name in LEVELS if name != "exchange"]
ORDER_LEVELS = [name for name, level in LEVELS.items() if level.of_order]


@pytest.fixture(scope="module")
def warehouse(demo: Redcat) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(demo.home / "published" / "analyst.duckdb", read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("world")
    return generate(folder / "landing", folder / "truth", size="s")


def test_every_model_has_one_reconciliation_row_that_adds_up_to_the_shops_total(warehouse, demo: Redcat) -> None:
    truth = pl.read_parquet(demo.home / "truth" / "orders.parquet")
    rows = warehouse.sql("FROM mart.reconciliation").pl()
    assert rows["model"].to_list() == sorted(RULES)
    assert set(rows["as_of"]) == {date(2026, 10, 30)}
    accepted = warehouse.sql(
        "SELECT sum(paid_amount) FROM raw.shop_conversions WHERE status IN ('paid', 'received')"
    ).fetchall()[0][0]
    assert set(rows["total_gmv"]) == {accepted}
    assert (rows["credited_gmv"] + rows["unattributed_gmv"] == rows["total_gmv"]).all()
    assert (rows["credited_refunds"] + rows["unattributed_refunds"] == rows["total_refunds"]).all()
    assert (rows["unattributed_gmv"] > 0).all()
    assert rows.schema["total_gmv"] == pl.Decimal(18, 2)
    assert warehouse.sql("SELECT count(*) FROM core.conversions").fetchall()[0][0] == truth.height


@pytest.mark.parametrize("level", WHOLE_LEVELS)
def test_every_level_adds_up_to_the_same_totals(warehouse, level: str) -> None:
    sums = warehouse.sql(f"""
        SELECT m.model, sum(m.credited_gmv) = any_value(r.credited_gmv) AND
            sum(m.credited_refunds) = any_value(r.credited_refunds) AND
            sum(m.direct_gmv + m.halo_gmv) = any_value(r.credited_gmv) AND
            sum(m.click_gmv + m.view_gmv) = any_value(r.credited_gmv) AND
            sum(m.credited_gmv - m.credited_refunds) = sum(m.credited_net)
        FROM mart.{level}_roi AS m JOIN mart.reconciliation AS r USING (model) GROUP BY ALL""").fetchall()
    assert dict(sums) == dict.fromkeys(RULES, True)


@pytest.mark.parametrize("level", ORDER_LEVELS)
def test_what_no_note_earned_stands_beside_what_notes_earned(warehouse, level: str) -> None:
    wrong = warehouse.sql(f"""
        FROM mart.{level}_roi WHERE credited_gmv + unattributed_gmv <> total_gmv
            OR credited_refunds + unattributed_refunds <> total_refunds""").fetchall()
    assert wrong == []


@pytest.mark.parametrize("level", ["note", "creator", "campaign", "category", "lane"])
def test_all_brand_spend_is_in_every_level(warehouse, level: str) -> None:
    spent = warehouse.sql("SELECT sum(amount) FROM raw.note_spend WHERE payer = 'brand'").fetchall()[0][0]
    by_model = warehouse.sql(f"SELECT model, sum(spend) FROM mart.{level}_roi GROUP BY ALL").fetchall()
    assert dict(by_model) == dict.fromkeys(RULES, spent)


@pytest.mark.parametrize("mart", [mart.name for mart in MARTS])
def test_every_mart_row_says_what_it_rests_on(warehouse, mart: str) -> None:
    columns = "model, window_set, scope, as_of, maturity"
    assert warehouse.sql(f"SELECT count(*) FROM mart.{mart}").fetchall()[0][0] > 0
    assert warehouse.sql(f"SELECT {columns} FROM mart.{mart} WHERE NOT (({columns}) IS NOT NULL)").fetchall() == []
    assert warehouse.sql(f"SELECT * FROM mart.{mart} EXCEPT FROM history.{mart}").fetchall() == []


def test_losers_are_never_joined_away(warehouse) -> None:
    spent = warehouse.sql("""
        SELECT count(DISTINCT note_id) FROM raw.note_spend SEMI JOIN raw.notes USING (note_id)
        WHERE payer = 'brand' AND amount > 0""").fetchall()[0][0]
    figures = "note_id, spend, evidenced_spend, credited_gmv, roas_gmv"
    rows = warehouse.sql(f"SELECT {figures} FROM mart.note_roi WHERE model = 'linear'").pl()
    assert rows.filter((pl.col("spend") > 0) & pl.col("note_id").is_not_null()).height >= spent
    losers = rows.filter(
        (pl.col("evidenced_spend") > 0) & (pl.col("credited_gmv") == 0) & pl.col("note_id").is_not_null()
    )
    assert losers.height > 0
    assert set(losers["roas_gmv"]) == {0.0}


def test_ratios_without_spend_are_unknown_not_zero(warehouse) -> None:
    rows = warehouse.sql("SELECT roas_gmv, roas_net, roi_profit FROM mart.channel_roi").fetchall()
    assert rows
    assert set(rows) == {(None, None, None)}


def test_every_file_is_accounted_for_row_by_row(warehouse, world) -> None:
    files = warehouse.sql("FROM ops.files").pl()
    assert (
        files["rows_read"] == files["accepted"] + files["duplicate"] + files["quarantined"] + files["ignored"]
    ).all()
    read = dict(files.group_by("feed").agg(pl.col("rows_read").sum()).iter_rows())
    assert read == {count.feed: count.rows for count in world.feeds}
    quarantined = dict(files.group_by("feed").agg(pl.col("quarantined").sum()).iter_rows())
    expected = {count.feed: 0 for count in world.feeds}
    for dirt in world.dirt:
        expected[dirt.feed] += dirt.rows if dirt.outcome == "quarantined" else 0
    assert quarantined == expected
    for feed in feeds():
        kept = warehouse.sql(f"SELECT count(*) FROM quarantine.{feed}").fetchall()[0][0]
        assert kept == quarantined.get(feed, 0)
        whole = warehouse.sql(f"FROM quarantine.{feed} WHERE file IS NULL OR row_number IS NULL OR len(reasons) = 0")
        assert whole.fetchall() == []


def test_no_raw_user_id_is_stored_anywhere(demo: Redcat, warehouse) -> None:
    buyer = pl.read_parquet(demo.home / "truth" / "orders.parquet")["user_id"].drop_nulls()[0]
    assert any(buyer.encode() in f.read_bytes() for f in (demo.home / "landing").rglob("*.csv"))
    for table in warehouse.sql("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall():
        found = warehouse.sql(f"SELECT count(*) FROM {table[0]} AS t WHERE t::VARCHAR LIKE '%{buyer}%'").fetchall()
        assert found == [(0,)], table


def test_credited_notes_reached_the_buyer_before_the_purchase(warehouse) -> None:
    late = warehouse.sql("""
        SELECT count(*) FROM core.journeys JOIN core.conversions USING (conversion_id)
        WHERE touched_at > paid_at
            OR (touched_at = paid_at AND matched_by NOT IN ('click_id', 'promotion_code'))""").fetchall()
    assert late == [(0,)]


def test_unattributed_orders_are_those_without_a_journey(warehouse) -> None:
    missing = warehouse.sql("""
        SELECT sum(paid_fen) / 100 FROM core.conversions ANTI JOIN core.journeys USING (conversion_id)""").fetchall()
    stated = warehouse.sql("SELECT DISTINCT unattributed_gmv FROM mart.reconciliation").fetchall()
    assert [(Decimal(str(missing[0][0])),)] == stated


def test_a_day_without_a_feed_is_missing_in_the_funnel_not_zero(warehouse) -> None:
    arrived = warehouse.sql("SELECT DISTINCT _date FROM raw.note_impressions").pl()["_date"].to_list()
    funnel = warehouse.sql("SELECT business_date, impressions FROM mart.funnel_daily").pl()
    assert set(funnel.filter(pl.col("impressions").is_null())["business_date"]).isdisjoint(arrived)
    assert set(funnel.filter(~pl.col("business_date").is_in(arrived))["impressions"]) <= {None}
    assert funnel.height == 60


def test_the_published_file_is_readable_by_duckdb_1_5(warehouse) -> None:
    tags = warehouse.sql("SELECT tags FROM duckdb_databases() WHERE database_name = 'analyst'").fetchall()[0][0]
    assert tags["storage_version"].startswith("v1.5")


def test_report_prints_every_category_in_chinese_and_english(demo: Redcat) -> None:
    shown = demo("report").stdout
    for name in ("面部精华 Facial serum", "跑鞋 Running shoes", "益生菌 Probiotics", "roas_net", "Unattributed"):
        assert name in shown
    assert "credited" in shown


def test_report_refuses_an_unknown_model_in_one_line(demo: Redcat) -> None:
    shown = demo("report", "--model", "magic", status=2)
    assert shown.stderr.startswith("redcat: the model 'magic' does not exist; choose one of ")
    assert shown.stderr.count("\n") == 1


def test_sql_reads_the_published_warehouse_and_nothing_else(demo: Redcat, tmp_path: Path) -> None:
    shown = demo("sql", "SELECT model, total_gmv FROM mart.reconciliation", "--format", "csv").stdout
    assert {row["model"] for row in csv.DictReader(io.StringIO(shown))} == set(RULES)
    for query in (
        "DELETE FROM mart.category_roi",
        f"COPY mart.category_roi TO '{tmp_path}/out.csv'",
        "FROM read_csv('/etc/passwd')",
        "FROM nowhere",
        "SELEC 1",
    ):
        refused = demo("sql", query, status=2)
        assert refused.stderr.startswith("redcat: ")
        assert refused.stderr.count("\n") == 1


def test_the_same_run_again_changes_nothing(demo: Redcat, tmp_path: Path) -> None:
    import shutil

    from tests.pipelines.conftest import Redcat as Command

    again = Command(tmp_path / "home")
    shutil.copytree(demo.home, again.home, symlinks=True)
    published = again.home / "published" / "analyst.duckdb"
    before = contents(published)
    assert "no new files" in again("demo", "--size", "s").stdout
    assert differing(contents(published), before) == []


@pytest.mark.slow
def test_a_week_earlier_is_remembered_and_changes_nothing_else(demo: Redcat, redcat: Redcat) -> None:
    redcat("demo", "--size", "s")
    with duckdb.connect(redcat.home / "published" / "analyst.duckdb", read_only=True) as both:
        both.execute(f"ATTACH '{demo.home / 'published' / 'analyst.duckdb'}' AS one (READ_ONLY)")
        dates = both.execute("SELECT DISTINCT as_of FROM history.category_roi ORDER BY 1").fetchall()
        assert dates == [(date(2026, 10, 23),), (date(2026, 10, 30),)]
        for mart in (mart.name for mart in MARTS if mart.name != "restatements"):
            assert not both.execute(f"FROM mart.{mart} EXCEPT ALL FROM one.mart.{mart}").fetchall(), mart
        (moved,) = both.execute("SELECT count(*) FROM mart.restatements WHERE restated_in = 'note_daily'").fetchall()
        assert moved == (0,), "the same files were taken in"


def test_another_world_is_not_mixed_into_a_demo(demo: Redcat) -> None:
    refused = demo("demo", "--size", "s", "--seed", "8", status=2)
    assert "--fresh" in refused.stderr


def test_every_column_of_a_mart_is_explained(warehouse) -> None:
    present = {
        row[0]
        for row in warehouse.sql(
            "SELECT DISTINCT column_name FROM duckdb_columns() WHERE schema_name = 'mart' AND database_name = 'analyst'"
        ).fetchall()
    }
    assert present <= set(COLUMNS)
    reports = "".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "pipelines" / "reports").rglob("*.py"))
    )
    unused = {column for column in set(COLUMNS) - present if not re.search(rf"\b{column}\b", reports)}
    assert unused == set()


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_no_figure_of_the_report_is_cut_short(demo: Redcat, warehouse, width: int) -> None:
    rows = warehouse.sql("SELECT spend, credited_gmv FROM mart.category_roi WHERE model = 'linear'").fetchall()
    shown = demo("report", COLUMNS=str(width)).stdout
    for spend, credited in rows:
        assert f"{spend:,.0f}" in shown
        assert f"{credited:,.0f}" in shown
    assert ("Left out for lack of width" in shown) == (width <= 100)
