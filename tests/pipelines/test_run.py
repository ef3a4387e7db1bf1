"""A run over files as they come, good and bad, through the command line."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import duckdb
import pytest

from models.register import RULES

if TYPE_CHECKING:
    from tests.pipelines.conftest import Redcat

NOTES = """note_id,brand,published_at,category,lane,exchange,exported_at
n1,b,2026-09-01 08:00:00,lipstick,exchange_link,red_cat,2026-09-06 06:00:00
n2,b,2026-09-01 09:00:00,lipstick,exchange_link,red_cat,2026-09-06 06:00:00
"""
IMPRESSIONS = """note_id,user_id,occurred_at,payer,exported_at
n1,u1,2026-09-02 10:00:00,brand,2026-09-06 06:00:00
unknown,u1,2026-09-02 11:00:00,brand,2026-09-06 06:00:00
"""
ORDERS = """channel,order_id,line_no,brand,user_id,paid_at,paid_amount,currency,category,exported_at
tmall,o1,1,b,u1,2026-09-03 10:00:00,100.00,CNY,lipstick,2026-09-06 06:00:00
tmall,o2,1,b,u2,2026-09-03 11:00:00,-5.00,CNY,lipstick,2026-09-06 06:00:00
tmall,1.23457E+18,1,b,u2,2026-09-03 11:00:00,5.00,CNY,lipstick,2026-09-06 06:00:00
tmall,o4,1,b,u3,2026-09-04 00:30:00,40.00,CNY,mystery,2026-09-06 06:00:00
"""
SPEND = """spend_id,note_id,spend_date,kind,payer,amount,currency,exported_at
s1,n1,2026-09-02,ads,brand,20.00,CNY,2026-09-06 06:00:00
s2,n2,2026-09-02,ads,brand,30.00,CNY,2026-09-06 06:00:00
"""


@pytest.fixture
def landed(redcat: Redcat) -> Redcat:
    landing = redcat.home / "landing"
    for feed, text in (
        ("notes", NOTES),
        ("note_impressions", IMPRESSIONS),
        ("shop_conversions", ORDERS),
        ("note_spend", SPEND),
    ):
        (landing / feed).mkdir(parents=True)
        (landing / feed / "good.csv").write_text(text)
    return redcat


def query(redcat: Redcat, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(redcat.home / "published" / "analyst.duckdb", read_only=True) as connection:
        return connection.sql(sql).fetchall()


def test_good_rows_go_in_and_every_other_row_and_file_is_named(landed: Redcat) -> None:
    folder = landed.home / "landing" / "note_impressions"
    (folder / "cut.csv.gz").write_bytes(gzip.compress(IMPRESSIONS.encode())[:-9])
    (folder / "empty.csv").write_bytes(b"")
    (folder / "damaged.parquet").write_bytes(b"PAR1 and then nothing")
    (folder / "other.csv").write_text("a,b\n1,2\n")
    (folder / "coming.csv.part").write_text(IMPRESSIONS)
    (landed.home / "landing" / "mystery.csv").write_text("a,b\n1,2\n")
    (landed.home / "landing" / "near.csv").write_text("时间,笔记ID号,消费,展现量,点击量\n2026-09-01,x,1,2,1\n")
    shown = landed("run", "--from", "2026-09-01", "--to", "2026-09-05").stdout
    for name in ("cut.csv.gz", "empty.csv", "damaged.parquet", "other.csv", "coming.csv.part", "mystery.csv"):
        assert name in shown, shown
    assert "mystery.csv: none of its 2 headers is known" in shown
    assert "The nearest is juguang_notes, which also needs 笔记ID or 笔记/素材ID" in shown
    assert "category (mystery)" in shown
    assert "note_id (unknown)" in shown
    assert query(landed, "SELECT total_gmv::VARCHAR FROM mart.reconciliation WHERE model = 'linear'") == [("140.00",)]
    kept = query(landed, "SELECT row_number, reasons[1] FROM quarantine.shop_conversions ORDER BY 1")
    assert [row for row, _ in kept] == [3, 4]
    assert "at least 0" in kept[0][1]
    assert "spreadsheet" in kept[1][1]
    roi = query(
        landed,
        "SELECT note_id, spend::INT, credited_gmv::INT, roas_gmv FROM mart.note_roi WHERE model = 'linear' ORDER BY 1",
    )
    assert roi == [("n1", 20, 100, 5.0), ("n2", 30, 0, 0.0)]


@pytest.mark.slow
def test_business_dates_are_those_of_shanghai(landed: Redcat) -> None:
    landed("run", "--from", "2026-09-01", "--to", "2026-09-05")
    days = query(landed, "SELECT paid_date::VARCHAR, paid_at = '2026-09-03 16:30:00+00' FROM core.conversions "
                         "WHERE order_id = 'o4'")  # fmt: skip
    assert days == [("2026-09-04", True)]


@pytest.mark.slow
def test_mostly_broken_rows_stop_what_is_downstream_and_leave_what_was_published(landed: Redcat) -> None:
    landed("run", "--from", "2026-09-01", "--to", "2026-09-05")
    before = (landed.home / "published" / "analyst.duckdb").read_bytes()
    broken = ORDERS.replace("2026-09-03 1", "1970-01-01 1").replace("o4", "").replace("o1", "o9")
    (landed.home / "landing" / "shop_conversions" / "broken.csv").write_text(broken)
    for _ in range(2):  # the second run finds no new file, and is stopped all the same
        shown = landed("run", "--from", "2026-09-01", "--to", "2026-09-05", status=1).stdout
        assert "raw/shop_conversions: within_tolerance failed" in shown
        assert "what was published stays" in shown
        assert "DagsterAssetCheckFailedError" not in shown
        assert (landed.home / "published" / "analyst.duckdb").read_bytes() == before
    corrected = ORDERS.replace("-5.00", "5.00").replace("o2", "o5").replace("1.23457E+18", "o6").replace("o4", "o7")
    (landed.home / "landing" / "shop_conversions" / "corrected.csv").write_text(corrected)
    landed("run", "--from", "2026-09-01", "--to", "2026-09-05")
    assert query(landed, "SELECT total_gmv::INT FROM mart.reconciliation WHERE model = 'linear'") == [(190,)]


def test_a_second_run_at_the_same_time_is_told_to_wait(landed: Redcat) -> None:
    warehouse = landed.home / "warehouse" / "redcat.duckdb"
    warehouse.parent.mkdir(parents=True)
    with duckdb.connect(warehouse):
        shown = landed("run", "--from", "2026-09-01", "--to", "2026-09-05", status=2)
    assert "is being written by another run" in shown.stderr
    assert shown.stderr.count("\n") == 1


def test_an_empty_landing_folder_gives_empty_marts_not_an_error(redcat: Redcat) -> None:
    (redcat.home / "landing").mkdir(parents=True)
    redcat("run", "--from", "2026-09-01", "--to", "2026-09-02")
    assert query(redcat, "SELECT count(*) FROM mart.category_roi") == [(0,)]
    zeros = "SELECT count(*), sum(total_gmv)::INT, count(DISTINCT model) FROM mart.reconciliation"
    assert query(redcat, zeros) == [(len(RULES), 0, len(RULES))]
    assert "No rows" in redcat("report").stdout


@pytest.mark.slow
def test_a_landing_folder_elsewhere_is_only_read(landed: Redcat, tmp_path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (landed.home / "landing").rename(elsewhere)
    before = sorted(p.relative_to(elsewhere) for p in elsewhere.rglob("*"))
    landed("run", "--landing", str(elsewhere), "--from", "2026-09-01", "--to", "2026-09-05")
    assert sorted(p.relative_to(elsewhere) for p in elsewhere.rglob("*")) == before
    assert query(landed, "SELECT count(*) FROM core.conversions") == [(2,)]


@pytest.mark.slow
def test_ids_may_hold_any_character_without_becoming_one(landed: Redcat) -> None:
    rows = ["channel,order_id,line_no,brand,paid_at,paid_amount,currency,exported_at"]
    rows += [
        f"tmall,{order},{line},b,2026-09-03 10:00:00,1.00,CNY,2026-09-06 06:00:00"
        for order, line in (("x|y", "z"), ("x", "y|z"), ("x%7Cy", "z"), ("x > y", "' z"))
    ]
    (landed.home / "landing" / "shop_conversions" / "odd.csv").write_text("\n".join(rows))
    landed("run", "--from", "2026-09-01", "--to", "2026-09-05")
    assert query(landed, "SELECT count(*), count(DISTINCT conversion_id) FROM core.conversions") == [(6, 6)]
    assert query(landed, "SELECT total_gmv::INT FROM mart.reconciliation WHERE model = 'linear'") == [(144,)]


def test_files_of_ones_own_do_not_mix_with_the_demo(demo: Redcat, tmp_path) -> None:
    (tmp_path / "mine").mkdir()
    done = demo("run", "--landing", str(tmp_path / "mine"), "--from", "2026-09-01", status=2)
    assert "holds the demo" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_fresh_deletes_only_what_the_demo_made(redcat: Redcat) -> None:
    redcat("demo", "--size", "s", "--no-week")
    mine = redcat.home / "landing" / "notes" / "mine.txt"
    mine.write_text("precious")
    redcat("demo", "--size", "s", "--seed", "8", "--fresh", "--no-week")
    assert mine.read_text() == "precious"
    elsewhere = redcat.home.parent / "elsewhere"
    elsewhere.mkdir()
    done = redcat("demo", "--size", "s", "--fresh", status=2, REDCAT_LANDING=str(elsewhere))
    assert "unset REDCAT_LANDING" in done.stderr
