"""Real input: a year of a grocery chain's baskets, campaigns and coupons through the same graph, by mappings alone."""

from __future__ import annotations

import resource
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from data_contracts.contract import contract, feeds
from data_contracts.exports import recognised
from data_contracts.mapping_files import mappings
from data_contracts.reference import categories
from models.register import RULES
from pipelines.intake.landing import landed_files, unknown_files
from pipelines.intake.rows import judged_rows
from tests.pipelines.conftest import Redcat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipelines.intake.landing import LandedFile

SALES = Decimal("233935.24")
DISCOUNTS = Decimal("1356.71")
LARGEST_MEMORY = 6 * 1024**3  # that is written to: a run needs 0.7 GB, if no journey carries its campaign's products
FILES = {
    "notes": ("campaign_descriptions.parquet", 27),
    "note_impressions": ("campaigns.parquet", 6_589),
    "link_clicks": ("coupon_redemptions.parquet", 2_102),
    "shop_conversions": ("transactions_sample.parquet", 75_000),
    "note_spend": ("transactions_sample.parquet", 1_135),  # the lines with a coupon discount
}
OURS = {m.export for m in mappings() if m.export.startswith("completejourney_")}


@pytest.fixture(scope="session")
def folder(shared_data: Path) -> Path:
    return shared_data / "completejourney"


def judged(landing: Path, feed: str) -> dict[str, pl.DataFrame]:
    """The judged rows of every file of the feed, by the file's name."""
    return {file.path.name: rows_of(file, landing) for file in landed_files(landing, feed)}


def rows_of(file: LandedFile, landing: Path) -> pl.DataFrame:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return judged_rows(file.path, file.mapping, file.siblings(landing), secret=b"test", now=now).frame


# The mappings alone


@pytest.mark.shared
def test_files_in_a_flat_folder_are_recognised_by_their_headers(folder: Path) -> None:
    found = {feed: [(f.path.name, f.mapping.export in OURS) for f in landed_files(folder, feed)] for feed in feeds()}
    assert found == {feed: [(FILES[feed][0], True)] if feed in FILES else [] for feed in feeds()}
    assert unknown_files(folder) == []


@pytest.mark.shared
@pytest.mark.parametrize("feed", FILES)
def test_every_row_fits_its_contract(folder: Path, feed: str) -> None:
    name, rows = FILES[feed]
    frame = judged(folder, feed)[name]
    assert frame.filter(pl.col("_reasons").list.len() > 0)["_reasons"].to_list() == []
    assert frame.height == rows
    assert frame.select(contract(feed).primary_key).is_unique().all()


@pytest.mark.shared
def test_files_in_feed_folders_give_the_same_rows(folder: Path, tmp_path: Path) -> None:
    for feed, (name, _) in FILES.items():
        (tmp_path / feed).mkdir()
        shutil.copyfile(folder / name, tmp_path / feed / name)
    (tmp_path / "lookup").mkdir()
    for sibling in ("coupons.parquet", "products.parquet"):
        shutil.copyfile(folder / sibling, tmp_path / "lookup" / sibling)
    for feed in feeds():
        here, there = judged(tmp_path, feed), judged(folder, feed)
        assert here.keys() == there.keys()
        assert all(here[name].equals(there[name]) for name in here), feed
    assert unknown_files(tmp_path) == []


@pytest.mark.shared
def test_every_department_is_a_category(folder: Path) -> None:
    (mapping,) = (m for m in mappings() if m.export == "completejourney_transactions_sample")
    departments = pl.read_parquet(folder / "products.parquet", columns=["department"])["department"].unique()
    codes = mapping.columns["category"].codes
    assert set(departments) == set(codes)
    assert set(codes.values()) <= set(categories()["category"])
    lines = judged(folder, "shop_conversions")["transactions_sample.parquet"]
    assert lines["category"].null_count() == 222  # lines whose product is not in products.parquet


def test_a_file_of_redemptions_is_not_taken_for_the_campaigns_that_households_received() -> None:
    campaigns, redemptions = ["campaign_id", "household_id"], ["household_id", "coupon_upc", "campaign_id"]
    assert [m.export for m in recognised(campaigns, mappings())] == ["completejourney_campaigns"]
    assert [m.export for m in recognised([*redemptions, "redemption_date"], mappings())] == [
        "completejourney_coupon_redemptions"
    ]


def test_a_discount_belongs_to_the_last_started_campaign_that_covers_it(tmp_path: Path) -> None:
    """Campaigns 2 and 10 start on one day: the greater number wins, as a number and not as text."""
    campaigns = {"1": (1, 31), "2": (10, 20), "10": (10, 15)}
    pl.DataFrame(
        [(c, "Type A", date(2017, 1, first), date(2017, 1, last)) for c, (first, last) in campaigns.items()],
        schema=["campaign_id", "campaign_type", "start_date", "end_date"],
        orient="row",
    ).write_parquet(tmp_path / "campaign_descriptions.parquet")
    pl.DataFrame({"campaign_id": ["1", "2", "10"], "household_id": ["7"] * 3}).write_parquet(
        tmp_path / "campaigns.parquet"
    )
    # Two coupons of campaign 1 cover product 5: the discount still is one row.
    pl.DataFrame(
        [("u1", "5", "1"), ("u2", "5", "1"), ("u3", "5", "2"), ("u4", "5", "10")],
        schema=["coupon_upc", "product_id", "campaign_id"],
        orient="row",
    ).write_parquet(tmp_path / "coupons.parquet")
    lines = [
        ("7", "100", "5", 0.5, datetime(2017, 1, 9, 23, 59), "1"),
        ("7", "101", "5", 0.5, datetime(2017, 1, 10), "10"),
        ("7", "102", "5", 0.5, datetime(2017, 1, 15, 23, 59), "10"),
        ("7", "103", "5", 0.5, datetime(2017, 1, 16), "2"),
        ("7", "104", "5", 0.5, datetime(2017, 1, 31, 23, 59), "1"),
        ("7", "105", "5", 0.5, datetime(2017, 2, 1), None),
        ("7", "106", "6", 0.5, datetime(2017, 1, 15), None),
        ("8", "4.0128e+10", "5", 0.5, datetime(2017, 1, 15), None),
        ("7", "107", "5", 0.0, datetime(2017, 1, 15), "no row"),
    ]
    headers = ["household_id", "basket_id", "product_id", "coupon_disc", "transaction_timestamp", "note_id"]
    sample = pl.DataFrame(lines, schema=headers, orient="row")
    sample.drop("note_id").write_parquet(tmp_path / "transactions_sample.parquet")
    spend = judged(tmp_path, "note_spend")["transactions_sample.parquet"]
    assert spend["_reasons"].list.len().sum() == 0
    expected = {f"{basket}-{product}": note for _, basket, product, _, _, note in lines if note != "no row"}
    expected["40128000000-5"] = expected.pop("4.0128e+10-5")
    assert dict(spend.select("spend_id", "note_id").iter_rows()) == expected
    assert set(spend["amount"]) == {Decimal("0.50")}


# The whole graph


@pytest.fixture(scope="module")
def home(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the year has run, straight from the read-only folder."""
    redcat = Redcat(tmp_path_factory.mktemp("completejourney") / "home")
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (LARGEST_MEMORY, before[1]))
    try:
        redcat("run", "--landing", str(folder), "--from", "2017-01-01", "--to", "2018-01-01")
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
    return redcat.home


@pytest.fixture(scope="module")
def warehouse(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published warehouse; `received` in it: every line with each campaign open that its household received."""
    with duckdb.connect(home / "published" / "analyst.duckdb", read_only=True) as connection:
        connection.execute("""
            CREATE TEMP TABLE received AS
            SELECT order_id, line_no, paid_amount, product_id, note_id, task_from
            FROM raw.shop_conversions
            JOIN raw.note_impressions USING (user_key)
            JOIN raw.notes USING (note_id)
            WHERE raw.shop_conversions._date BETWEEN task_from AND task_to""")
        connection.execute("""
            CREATE TEMP TABLE covered AS
            SELECT received.* FROM received
            JOIN (SELECT note_id, unnest(product_ids) AS product_id FROM raw.notes) USING (note_id, product_id)""")
        yield connection


def row(warehouse: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    (only,) = warehouse.execute(query).fetchall()
    return only


@pytest.mark.slow
@pytest.mark.shared
def test_every_row_of_every_file_is_in_the_warehouse(warehouse) -> None:
    counts = "rows_read, accepted, duplicate, quarantined"
    files = warehouse.execute(f"SELECT feed, file, {counts} FROM ops.files").fetchall()
    assert sorted(files) == sorted((feed, name, rows, rows, 0, 0) for feed, (name, rows) in FILES.items())
    for feed in feeds():
        assert row(warehouse, f"SELECT count(*) FROM raw.{feed}") == (FILES.get(feed, ("", 0))[1],)
        assert row(warehouse, f"SELECT count(*) FROM quarantine.{feed}") == (0,)


@pytest.mark.slow
@pytest.mark.shared
def test_sales_and_baskets_are_those_of_the_sample(warehouse) -> None:
    sales = "SELECT sum(paid_amount), count(DISTINCT order_id), list(DISTINCT currency) FROM raw.shop_conversions"
    assert row(warehouse, sales) == (SALES, 47_243, ["USD"])
    assert row(warehouse, "SELECT sum(paid_fen), count(*) FROM core.conversions") == (int(SALES * 100), 75_000)


@pytest.mark.slow
@pytest.mark.shared
def test_coupon_discounts_are_the_spend_at_every_level(warehouse) -> None:
    spent = "SELECT sum(amount), list(DISTINCT kind), list(DISTINCT currency), min(amount) > 0 FROM raw.note_spend"
    assert row(warehouse, spent) == (DISCOUNTS, ["discount"], ["USD"], True)
    for level in ("note", "campaign", "category", "lane"):
        by_model = warehouse.execute(f"SELECT model, sum(spend) FROM mart.{level}_roi GROUP BY ALL").fetchall()
        assert dict(by_model) == dict.fromkeys(RULES, DISCOUNTS), level


@pytest.mark.slow
@pytest.mark.shared
def test_discounts_stand_with_the_last_started_campaign_that_covers_the_line(warehouse) -> None:
    wrong = warehouse.execute("""
        WITH best AS (
            SELECT order_id || '-' || line_no AS spend_id, arg_max(note_id, (task_from, note_id::INT)) AS note_id
            FROM covered GROUP BY ALL
        )
        FROM raw.note_spend AS s LEFT JOIN best USING (spend_id) WHERE s.note_id IS DISTINCT FROM best.note_id""")
    assert wrong.fetchall() == []
    assert row(warehouse, "SELECT count(note_id) > 0, count(note_id) < count(*) FROM raw.note_spend") == (True, True)


@pytest.mark.slow
@pytest.mark.shared
def test_baskets_inside_a_received_campaign(warehouse) -> None:
    """A basket counts once; its lines add up with one share for every campaign open at the time."""
    assert row(warehouse, "SELECT count(DISTINCT order_id), sum(paid_amount) FROM received") == (
        20_402,
        Decimal("135487.28"),
    )


@pytest.mark.slow
@pytest.mark.shared
def test_lines_whose_product_stood_on_a_coupon(warehouse, folder: Path) -> None:
    """A line and campaign are one pair in the warehouse; counted once for every coupon there are 11,315."""
    pairs = "SELECT count(*), count(DISTINCT (order_id, line_no, note_id)) FROM covered"
    assert row(warehouse, pairs) == (10_233, 10_233)
    coupons = pl.read_parquet(folder / "coupons.parquet").rename({"campaign_id": "note_id"})
    covered = warehouse.sql("SELECT note_id, product_id FROM covered").pl()
    assert covered.join(coupons, on=["note_id", "product_id"]).height == 11_315


@pytest.mark.slow
@pytest.mark.shared
def test_every_model_accounts_for_all_sales(warehouse) -> None:
    rows = warehouse.sql("FROM mart.reconciliation ORDER BY model").pl()
    assert rows["model"].to_list() == sorted(RULES)
    assert set(rows["currency"]) == {"USD"}
    assert set(rows["as_of"]) == {date(2018, 1, 1)}
    assert set(rows["total_gmv"]) == {SALES}
    assert (rows["credited_gmv"] + rows["unattributed_gmv"] == rows["total_gmv"]).all()
    assert rows.select((pl.col("credited_gmv", "unattributed_gmv") > 0).all()).row(0) == (True, True)
    for column in ("total_refunds", "credited_refunds", "unattributed_refunds"):
        assert set(rows[column]) == {Decimal(0)}, column


@pytest.mark.slow
@pytest.mark.shared
def test_all_models_credit_the_lines_with_a_touch_in_the_last_thirty_days(warehouse) -> None:
    """The lane local looks back 30 days from the payment: written out here in SQL, apart from the models."""
    touched = """
        WITH touches AS (
            SELECT user_key, occurred_at FROM raw.note_impressions
            UNION ALL SELECT user_key, occurred_at FROM raw.link_clicks
        )
        SELECT sum(paid_amount) FROM raw.shop_conversions AS line WHERE EXISTS (
            FROM touches WHERE touches.user_key = line.user_key
            AND epoch_us(paid_at) - epoch_us(occurred_at) BETWEEN 1 AND 30::BIGINT * 86400 * 1000000)"""
    expected = row(warehouse, touched)[0]
    by_model = warehouse.execute("SELECT model, credited_gmv FROM mart.reconciliation").fetchall()
    assert dict(by_model) == dict.fromkeys(RULES, expected)


@pytest.mark.slow
@pytest.mark.shared
def test_a_credited_line_is_direct_where_its_product_stood_on_a_coupon(warehouse) -> None:
    wrong = warehouse.execute("""
        WITH promoted AS (SELECT note_id, unnest(product_ids) AS product_id, true AS listed FROM raw.notes)
        FROM core.credits JOIN core.conversions USING (conversion_id) LEFT JOIN promoted USING (note_id, product_id)
        WHERE direct <> coalesce(listed, false)""")
    assert wrong.fetchall() == []
    assert row(warehouse, "SELECT list_sort(list(DISTINCT direct)) FROM core.credits") == ([False, True],)


@pytest.mark.slow
@pytest.mark.shared
def test_no_household_id_is_stored(warehouse, folder: Path) -> None:
    columns = {name for (name,) in warehouse.execute("SELECT DISTINCT column_name FROM duckdb_columns()").fetchall()}
    assert columns.isdisjoint({"household_id", "user_id"})
    households = pl.read_parquet(folder / "transactions_sample.parquet", columns=["household_id"])["household_id"]
    keys = warehouse.sql("SELECT DISTINCT user_key FROM raw.shop_conversions").pl()["user_key"]
    assert keys.len() == households.n_unique()
    assert set(keys.cast(pl.String)).isdisjoint(households)
    clicks = pl.read_parquet(folder / "coupon_redemptions.parquet")
    stems = clicks.select(pl.concat_str("campaign_id", "coupon_upc", "redemption_date", separator="-")).to_series()
    stored = warehouse.sql("SELECT click_id FROM raw.link_clicks").pl()["click_id"]
    assert set(stored.str.replace(r"-\d+$", "")) == set(stems)
    assert set(stored.str.extract(r"-(\d+)$").cast(pl.Int64)) == set(range(1, stems.value_counts()["count"].max() + 1))
