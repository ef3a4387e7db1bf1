"""What the report says equals the warehouse, and tells of no few buyers."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from models.advice import Targets
from models.register import RULES
from pipelines.home import Home
from pipelines.marts.privacy import PRIVATE, private
from pipelines.marts.shown import shown
from pipelines.marts.tables import MARTS
from pipelines.reports.content import Content, Table, read_content
from pipelines.reports.figures import KINDS
from pipelines.reports.query import reading
from pipelines.reports.sections import SECTIONS
from pipelines.reports.wording import CODES, MODEL_RULES, explained
from pipelines.settings import SettingError
from pipelines.suppression import PEOPLE, counted
from pipelines.targets import ReportSettings, report_settings
from tests.pipelines.test_marketer import OF_NOBODY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipelines.conftest import Redcat

TABLES = [table for section in SECTIONS for table in section.tables]
# What an exchange or platform states of its own buyers, how many models agree, and how much is missing.
STATED_BY_OTHERS = {
    *("claimed_gmv", "claimed_orders", "places", "models_agree", "counts_unknown", "days_missing"),
    *("planned_spend", "plan_share", "month_share"),
}
NUMBERS = {name for name, kind in KINDS.items() if kind.is_number}


def content(redcat: Redcat, settings: ReportSettings | None = None) -> Content:
    with reading(Home(redcat.home)) as connection:
        return read_content(
            connection, SECTIONS, brand="b", settings=settings or report_settings(Home(redcat.home)), dates=8
        )


@pytest.fixture(scope="module")
def read(demo: Redcat) -> Content:
    return content(demo)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_figure_is_explained_and_has_its_form(table: Table) -> None:
    for column in table.columns:
        assert " · " in explained(column.name), column.name
        assert column.kind in KINDS
        assert column.heading.zh
        assert column.heading.en


def test_every_model_says_how_it_splits() -> None:
    assert set(MODEL_RULES) == set(RULES)


def test_names_of_tables_are_told_apart() -> None:
    assert len({table.name for table in TABLES}) == len(TABLES)


def test_every_table_has_its_columns(read: Content) -> None:
    for table in TABLES:
        if table.name not in read.missing:
            assert {column.name for column in table.columns} <= set(read.frames[table.name].columns), table.name


def test_figures_are_those_of_the_warehouse(demo: Redcat, read: Content) -> None:
    figures = ["spend", "credited_gmv", "roas_gmv", "roi_profit", "orders"]
    for level in ("category", "lane", "note"):
        key = "note_id" if level == "note" else level
        with reading(Home(demo.home)) as connection:
            stored = connection.sql(f"SELECT model, {key}, {', '.join(figures)} FROM mart.{level}_roi").pl()
        shown = read.frames[f"{level}_returns"].filter(~pl.col("suppressed"))
        assert shown.height
        both = shown.join(stored, on=["model", key], nulls_equal=True, suffix="_stored")
        assert both.height == shown.height
        for name in figures:
            assert both[name].equals(both[f"{name}_stored"], null_equal=True), (level, name)


def test_totals_are_what_was_sold_and_spent(demo: Redcat, read: Content) -> None:
    with reading(Home(demo.home)) as connection:
        query = "SELECT sum(amount_fen) / 100 FROM core.spend WHERE payer = 'brand'"
        (spend,) = connection.execute(query).fetchall()[0]
    totals = read.frames["totals"]
    assert totals["spend"].cast(pl.Float64).unique().to_list() == [pytest.approx(spend)]
    assert totals.select((pl.col("credited_gmv") + pl.col("unattributed_gmv") == pl.col("total_gmv")).all()).item()


def test_reads_are_what_is_known_between_snapshots_of_the_last_28_days(demo: Redcat, read: Content) -> None:
    with reading(Home(demo.home)) as connection:
        query = """
            SELECT sum(reads), count(*) FILTER (reads IS NULL) FROM mart.note_daily
            WHERE platform = 'pugongying' AND covers_from > as_of - 28"""
        expected = connection.execute(query).fetchall()[0]
    (step,) = read.frames["funnel"].filter(step="reads").iter_rows(named=True)
    assert (step["events"], step["counts_unknown"]) == expected
    assert step["days_missing"] >= 0


def test_every_yuan_of_spend_is_inside_its_task_or_outside_or_unknown(read: Content) -> None:
    kinds = read.frames["spend_by_kind"]
    parts = [f"{where}_task_spend" for where in ("in", "out_of", "unknown")]
    assert kinds.height
    assert kinds.select((pl.sum_horizontal(parts) == pl.col("spend")).all()).item()
    assert kinds["spend"].sum() == read.frames["totals"]["spend"].max()


def test_parts_of_a_split_add_up_to_all_sales(read: Content) -> None:
    total = read.frames["totals"]["total_gmv"].max()
    shown = read.frames["order_splits"].filter(~pl.col("suppressed").any().over("split"))
    for (_,), parts in shown.group_by("split"):
        assert parts["total_gmv"].sum() == total


def test_seeding_has_the_cost_of_a_visit_and_no_roas(read: Content) -> None:
    visits = read.frames["lane_visits"]
    assert "seeding" in visits["lane"]
    assert not [name for name in visits.columns if name.startswith("roas")]
    assert (
        visits.select(
            (pl.col("cpuv") - pl.col("task_spend").cast(pl.Float64) / pl.col("daily_visitors")).abs().max()
        ).item()
        < 1e-4
    )


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_of_a_mart_says_which_and_what_it_tells_of_people(table: Table) -> None:
    marts = {need.partition(".")[2] for need in table.needs if need.startswith(("mart.", "history."))}
    if not marts:
        return
    assert table.mart in marts
    if PRIVATE[table.mart] == ():
        return
    told = {figure for few in private(table.name, table.mart) for figure in few.figures}
    figures = {column.name for column in table.columns if column.kind in NUMBERS}
    assert figures - told - OF_NOBODY - STATED_BY_OTHERS == set()


@pytest.mark.parametrize("k", [1, 10, 60])
def test_no_cell_stands_for_fewer_people_than_the_threshold(demo: Redcat, k: int) -> None:
    frames = content(demo, ReportSettings(Targets(), privacy_k=k)).frames
    with reading(Home(demo.home)) as connection:
        days = connection.sql("SELECT DISTINCT as_of FROM history.reconciliation ORDER BY 1 DESC LIMIT 8").fetchall()
        shown = "as_of IN ({})".format(", ".join(f"DATE '{day}'" for (day,) in days))
        judged = 0
        for table in TABLES:
            few = private(table.name, table.mart)
            if table.then or not few or table.name not in frames:
                continue
            rows = counted(connection, f"({table.query.format(shown=shown)})", few, buyers="history.buyers")
            if any(entry.drop for entry in few):
                assert rows.filter(pl.col("buyers") >= k).height == frames[table.name].height
                continue
            for n, entry in enumerate(few):
                small = rows[f"{PEOPLE}{n}"].is_between(1, k - 1).fill_null(value=False)
                for figure in set(entry.figures) & set(rows.columns):
                    told = frames[table.name].filter(small)
                    assert told[figure].null_count() == told.height, (table.name, figure)
                    judged += told.height
    assert bool(judged) == (k > 1)


def test_no_advice_rests_on_what_is_withheld(demo: Redcat) -> None:
    notes = content(demo, ReportSettings(Targets(), privacy_k=60)).frames["note_returns"]
    few = notes.filter("suppressed")
    assert few.height
    assert few["action"].null_count() == few.height
    assert few["credited_gmv"].null_count() == few.height


@pytest.mark.parametrize("k", [1, 3, 10, 40])
def test_neither_days_nor_their_difference_tell_of_fewer_buyers_than_the_threshold(demo: Redcat, k: int) -> None:
    rows = content(demo, ReportSettings(Targets(), privacy_k=k)).frames["exchange_returns"]
    with duckdb.connect(Home(demo.home).published, read_only=True) as connection:
        parts = connection.sql("""
            SELECT model, currency, split_part(key, '|', 1), split_part(key, '|', 2), buyers FROM mart.buyers
            WHERE level = 'exchange_part'""").fetchall()
    buyers = {tuple(key): number for *key, number in parts}
    chain, told = ("7", "15", "30", "later", "view"), 0
    assert {key[2] for key in buyers} == {"red_cat", "red_jd"}
    for row in rows.iter_rows(named=True):
        ends = [
            n for n, name in enumerate(("click_gmv_7d", "click_gmv_15d", "click_gmv_30d", "view_gmv"), 1) if row[name]
        ]
        ends += [5] if row["credited_gmv"] is not None else []
        told += len(ends)
        for first, last in combinations([0, *ends], 2):
            crowd = [
                buyers.get((row["model"], row["currency"], row["exchange"], part), 0) for part in chain[first:last]
            ]
            assert max(crowd) == 0 or max(crowd) >= k, (row, first, last)
    assert k > 1 or told == 5 * rows.height


def test_what_dagster_shows_stands_for_no_fewer_buyers_than_the_threshold(demo: Redcat) -> None:
    notes = next(mart for mart in MARTS if mart.name == "note_roi")
    orders = {}
    with duckdb.connect(Home(demo.home).published, read_only=True) as connection:
        for k in (1, 20):
            query = shown(connection, notes, privacy_k=k)["preview"].replace("title[:12] AS 笔记", "orders")
            orders[k] = [number for number, *_ in connection.execute(query).fetchall()]
    assert any(0 < number < 20 for number in orders[1])
    assert orders[20]
    assert not any(0 < number < 20 for number in orders[20])


def test_advice_stands_only_where_it_may(demo: Redcat) -> None:
    notes = content(demo, ReportSettings(Targets(), privacy_k=1)).frames["note_returns"]
    advised = notes.filter(pl.col("action").is_not_null())
    assert advised["age_days"].min() >= 15  # type: ignore[operator]
    assert advised["spend"].min() >= 800  # type: ignore[operator]
    assert advised["orders"].min() >= 5  # type: ignore[operator]
    assert set(notes["reason"]) <= set(CODES["reason"])


def test_words_stand_for_codes(read: Content) -> None:
    assert read.label("category", "lipstick").zh == "口红"
    assert read.label("category", None).en == "Unassigned"
    assert read.label("reason", "too_young").en == "Younger than 15 days"
    assert read.label("lane", "unheard_of").zh == "unheard_of"


def test_spend_stands_against_what_was_planned_for_the_month(demo: Redcat) -> None:
    settings = ReportSettings(Targets(), plan={"2026-10": 50_000})
    months = {row["month"]: row for row in content(demo, settings).frames["spend_plan"].to_dicts()}
    assert set(months) == {"2026-09", "2026-10"}
    october, september = months["2026-10"], months["2026-09"]
    assert october["planned_spend"] == 50_000
    assert october["plan_share"] == pytest.approx(float(october["spend"]) / 50_000)
    assert october["month_share"] == pytest.approx(30 / 31)
    assert (september["planned_spend"], september["plan_share"], september["month_share"]) == (None, None, 1)
    with reading(Home(demo.home)) as connection:
        spent = connection.execute("SELECT sum(amount_fen) / 100 FROM core.spend WHERE payer = 'brand'").fetchall()
    assert sum(float(row["spend"]) for row in months.values()) == pytest.approx(spent[0][0])


def test_each_brand_has_its_plan(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "targets.yaml").write_text("plan:\n  花间:\n    2026-10: 120000\n  山野: {2026-11: 5}\n")
    assert report_settings(home).plan_of("花间") == {"2026-10": 120_000}
    assert report_settings(home).plan_of("山野") == {"2026-11": 5}
    assert report_settings(home).plan_of("别家") == {}
    (tmp_path / "targets.yaml").write_text("plan:\n  2026-10: 120000\n")
    assert report_settings(home).plan_of("花间") == {"2026-10": 120_000}
    for wrong in (
        "plan: 7",
        "plan: {2026-13: 7}",
        "plan: {2026-10: much}",
        "plan: {2026-10: -1}",
        "plan: {2026-10: .inf}",
        "plan: {花间: {山野: {2026-10: 1}}}",
        "plan: &itself {花间: *itself}",
    ):
        (tmp_path / "targets.yaml").write_text(wrong)
        with pytest.raises(SettingError, match="such as 2026-10: 120000"):
            report_settings(home)


def test_spend_of_a_category_stands_against_what_was_planned_for_it(demo: Redcat) -> None:
    settings = ReportSettings(Targets(), plan={"2026-10": {"lipstick": 40_000, "unsold": 500}})
    found = content(demo, settings)
    rows = {row["category"]: row for row in found.frames["category_plan"].to_dicts()}
    with reading(Home(demo.home)) as connection:
        spent = dict(
            connection.execute("""
                SELECT category, sum(amount_fen) / 100 FROM core.spend LEFT JOIN raw.notes USING (note_id)
                WHERE payer = 'brand' AND spend_date >= '2026-10-01' GROUP BY ALL""").fetchall()
        )
    assert {category: float(row["spend"]) for category, row in rows.items() if row["spend"]} == pytest.approx(spent)
    assert rows["lipstick"]["plan_share"] == pytest.approx(spent["lipstick"] / 40_000)
    assert (rows["unsold"]["spend"], rows["unsold"]["plan_share"]) == (0, 0)
    assert rows["sunscreen"]["planned_spend"] is None
    assert rows["lipstick"]["month_share"] == pytest.approx(30 / 31)
    (october,) = [row for row in found.frames["spend_plan"].to_dicts() if row["month"] == "2026-10"]
    assert october["planned_spend"] == 40_500, "a month is the sum of its categories"


def test_a_plan_by_category_is_told_from_one_by_brand(tmp_path: Path) -> None:
    (tmp_path / "targets.yaml").write_text(
        "plan:\n  花间:\n    2026-10: {lipstick: 70, sunscreen: 50}\n    2026-11: 9\n"
    )
    found = report_settings(Home(tmp_path))
    assert found.plan_of("花间") == {"2026-10": 120, "2026-11": 9}
    assert found.category_plan_of("花间") == [("2026-10", "lipstick", 70), ("2026-10", "sunscreen", 50)]
    assert found.category_plan_of("山野") == []


def test_a_brand_sets_its_own_targets(tmp_path: Path) -> None:
    (tmp_path / "targets.yaml").write_text("roas_target: 3\nprivacy_k: 20\n")
    found = report_settings(Home(tmp_path))
    assert (found.targets.roas_target, found.privacy_k, found.targets.roas_pause) == (3.0, 20, 1.5)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert report_settings(Home(tmp_path)) == ReportSettings(Targets())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roas_tarqet: 3", "roas_tarqet; known are"),
        ("roas_target: high", "roas_target to 'high'; give a number"),
        ("roas_target: .nan", "roas_target to nan; give a number"),
        ("privacy_k: 99999999999999999999", "privacy_k to 99999999999999999999; give a number"),
        ("roas_target: 1", "roas_pause is 1.5, above roas_target 1.0"),
        ("privacy_k: 0", "privacy_k to 0; set it to a whole number from 1 on"),
        ("model: best", "model to 'best'; choose one of"),
        ("- 3", "holds list"),
        ("a: [", "is no YAML"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "targets.yaml").write_text(text)
    with pytest.raises(SettingError, match=told):
        report_settings(Home(tmp_path))
