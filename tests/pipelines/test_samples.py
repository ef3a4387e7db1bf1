"""The corpus of samples: each export is recognised, gives the rows that it must and refuses those that it must."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.contract import feeds
from data_contracts.mapping_files import mappings
from pipelines.intake.check import check_file
from pipelines.intake.landing import siblings_of
from pipelines.intake.rows import judged_rows
from tests.pipelines.intake_files import csv_bytes, ingest, land, memory, orders, raw, tables

if TYPE_CHECKING:
    from tests.pipelines.conftest import Redcat

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
COUNTS = ("rows", "accepted", "duplicate", "quarantined", "ignored_totals")
EXPECTED = {
    folder.name: yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8"))
    for folder in sorted(SAMPLES.iterdir())
    if folder.is_dir() and (folder / "expected.yaml").is_file()
}
FILES = [SAMPLES / export / name for export, files in EXPECTED.items() for name in files]
VERSIONS = ("report 9.8.csv", "report 9.11.csv")
OURS = {m.export for m in mappings() if not m.export.startswith("completejourney_")}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")


def stated(file: Path) -> dict[str, Any]:
    """What a sample must become, by feed."""
    return {k: v for k, v in EXPECTED[file.parent.name][file.name].items() if k != "traits"}


def test_every_export_has_samples_and_every_sample_an_expectation() -> None:
    assert set(EXPECTED) == OURS
    found = {p for p in SAMPLES.glob("*/*") if p.name != "expected.yaml" and p.suffix != ".pyc"}
    assert found == set(FILES)
    for file in FILES:
        assert set(stated(file)) <= set(feeds())


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.name}")
def test_a_sample_is_recognised_counted_and_refused_row_by_row(file: Path) -> None:
    found = check_file(file)
    assert not any(part.refused for part in found), [part.message for part in found]
    parts = {part.feed: part for part in found}
    assert list(parts) == list(stated(file))
    for feed, part in parts.items():
        wanted = stated(file)[feed]
        assert part.export == file.parent.name
        assert {name: getattr(part, name) for name in COUNTS} == wanted["counts"], feed
        assert part.rows == part.accepted + part.duplicate + part.quarantined + part.ignored_totals
        refused = dict.fromkeys(row for row, _ in part.reasons)
        assert list(refused) == list(wanted.get("refused", {})), feed
        for row, why in part.reasons:
            column = wanted["refused"][row]
            assert any(reason.startswith(f"{column}: ") for reason in why), (feed, row, why)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.name}")
def test_a_sample_gives_the_rows_that_it_must(file: Path) -> None:
    for mapping in (m for m in mappings() if m.export == file.parent.name and m.feed in stated(file)):
        siblings = siblings_of(file, mapping, file.parent)
        frame = judged_rows(file, mapping, siblings, secret=b"s", now=datetime.now(UTC)).frame
        good = frame.filter(pl.col("_reasons").list.len() == 0).drop("_reasons", "_record")
        lists = [c for c, t in good.schema.items() if isinstance(t, pl.List)]
        written = good.with_columns(pl.col(lists).list.join("|")).select(pl.all().cast(pl.String))
        for wanted in stated(file)[mapping.feed].get("gives", []):
            same = [pl.col(name).eq_missing(pl.lit(value, dtype=pl.String)) for name, value in wanted.items()]
            assert written.filter(*same).height >= 1, (mapping.feed, wanted, written.select(list(wanted)))


def test_the_whole_corpus_goes_in_and_every_file_adds_up_whatever_the_order(tmp_path: Path) -> None:
    """A total row never becomes data, and the same files in another order and twice give the same tables."""
    states = []
    for order in (FILES, FILES[::-1]):
        landing, connection = tmp_path / str(len(states)), memory()
        landing.mkdir()
        for file in order:
            shutil.copy2(file, landing / f"{file.parent.name} {file.name}")
            ingest(connection, landing)
            assert ingest(connection, landing) == []
        counts = connection.execute(
            "SELECT rows_read, accepted, duplicate, quarantined, ignored, status, message FROM ops.files"
        ).fetchall()
        assert len(counts) == sum(len(stated(file)) for file in FILES)
        for read, accepted, duplicate, quarantined, ignored, status, message in counts:
            assert status in ("complete", "partial"), message
            assert read == accepted + duplicate + quarantined + ignored
        kept = tables(connection)
        del kept["ops.files"]  # which of two files brought a row first is its history
        states.append(kept)
    assert states[0] == states[1]
    assert "合计" not in repr([rows for name, rows in states[0].items() if name.startswith("raw.")])


def test_a_promoted_order_that_the_shop_exports_too_is_one_sale(tmp_path: Path) -> None:
    """Whichever file comes first, and the day of the sale is made again for what the alliance says of it."""
    sample = (SAMPLES / "qianniu_orders" / "订单表_20260909.csv").read_bytes()
    sample = sample.replace(b"4000000000000000001", b"2000000000000000010")
    alliance = SAMPLES / "taobao_alliance_orders" / "order_details_20260909.json"
    for first in ("shop", "alliance"):
        landing, connection = tmp_path / first, memory()
        landing.mkdir()
        files = {"shop": ("订单.csv", sample), "alliance": (alliance.name, alliance.read_bytes())}
        for which in sorted(files, key=lambda w: w != first):
            connection.execute("DELETE FROM ops.outdated")
            name, content = files[which]
            (landing / name).write_bytes(content)
            ingest(connection, landing)
        sales = "SELECT count(*), sum(paid_amount)::DOUBLE FROM raw.shop_conversions WHERE order_id LIKE '2%'"
        assert connection.execute(sales).fetchall() == [(1, 189.0)]
        lines = "SELECT count(*) FROM raw.promotion_orders WHERE order_id = '2000000000000000010'"
        assert connection.execute(lines).fetchall() == [(3,)]
        outdated = connection.execute("SELECT asset, business_date::VARCHAR FROM ops.outdated").fetchall()
        assert ("conversions", "2026-09-01") in outdated


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_sample_is_the_same_in_any_order_and_split(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Rows of a text sample, shuffled, spread over files and some of these landed twice, give the same rows."""
    file = data.draw(st.sampled_from([f for f in FILES if f.suffix == ".csv"]))
    whole, parted = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parted")
    head, *lines = file.read_bytes().splitlines(keepends=True)
    shuffled = data.draw(st.permutations(lines))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(lines)), max_size=3)) | {0, len(lines)})
    parts = [head + b"".join(shuffled[a:b]) for a, b in pairwise(cuts)] or [head]
    parts += data.draw(st.lists(st.sampled_from(parts), max_size=2))
    shutil.copy2(file, whole)
    one, other = memory(), memory()
    ingest(one, whole, *stated(file))
    for n, part in enumerate(parts):
        (parted / f"{n} {file.name}").write_bytes(part)
        if data.draw(st.booleans()):
            ingest(other, parted, *stated(file))
    ingest(other, parted, *stated(file))
    for feed in stated(file):
        assert raw(other, feed) == raw(one, feed)
        told = f"SELECT DISTINCT reasons::VARCHAR, record::VARCHAR FROM quarantine.{feed} ORDER BY ALL"
        assert other.execute(told).fetchall() == one.execute(told).fetchall()


@pytest.mark.parametrize("last", ["订单表_20260909.csv", "宝贝列表_20260909.csv"])
def test_an_order_is_none_beside_its_lines_whichever_list_comes_first(tmp_path: Path, last: str) -> None:
    """As a split parent is none beside its children; so is its refund beside theirs, and both dates are made again."""
    from pipelines.basis import store_reference
    from pipelines.core.make import replace_dates
    from pipelines.core.tables import CORE

    connection, days = memory(), (datetime(2026, 9, 1).date(), datetime(2026, 9, 4).date())
    store_reference(connection)
    for name in sorted(("订单表_20260909.csv", "宝贝列表_20260909.csv"), key=lambda name: name == last):
        connection.execute("DELETE FROM ops.outdated")
        shutil.copy2(SAMPLES / "qianniu_orders" / name, tmp_path)
        ingest(connection, tmp_path)
    outdated = connection.execute("SELECT asset, business_date::VARCHAR FROM ops.outdated").fetchall()
    assert {("conversions", "2026-09-01"), ("refunds", "2026-09-01")} <= set(outdated)
    for table in (t for t in CORE if t.name in ("conversions", "refunds")):
        replace_dates(connection, table, *days)
    of = "WHERE conversion_id LIKE '%400000000000000000_|%'"
    assert connection.execute(f"SELECT count(*), sum(paid_fen) FROM core.conversions {of}").fetchall() == [
        (3 + 2 + 2, 18900 + 118900 + 9900 + 1000)
    ]
    paid_back = f"SELECT refund_date::VARCHAR, refund_fen FROM core.refunds {of} ORDER BY 1"
    assert connection.execute(paid_back).fetchall() == [("2026-09-01", 9900), ("2026-09-04", 5050)]


def test_the_first_line_of_the_first_order_is_not_taken_for_the_whole_of_it(tmp_path: Path) -> None:
    from pipelines.basis import store_reference
    from pipelines.core.make import replace_dates
    from pipelines.core.tables import CORE

    lines = [order | {"order_id": "1", "line_no": line} for order, line in zip(orders(2), "12", strict=True)]
    land(tmp_path, "shop_conversions/a.csv", csv_bytes(lines))
    connection, day = memory(), datetime(2026, 9, 1).date()
    store_reference(connection)
    ingest(connection, tmp_path)
    (conversions,) = (table for table in CORE if table.name == "conversions")
    replace_dates(connection, conversions, day, day)
    assert connection.execute("SELECT count(*) FROM core.conversions").fetchall() == [(2,)]


def test_an_export_whose_headers_are_not_known_is_taken_in_by_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of 小红盟 that this installation sees are given in a file of its own."""
    path = tmp_path / "京准通.csv"
    path.write_text(
        "任务编码,周期,作品,数据日期,引流人数,归因方式\n9001,30日,n1,2026-09-01,12,曝光\n", encoding="utf-8"
    )
    assert check_file(path)[0].refused
    monkeypatch.setenv("REDCAT_HOME", str(tmp_path))
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "jd.yaml").write_text(
        "extends: xiaohongmeng_content_effect\nalso_called: {taskId: 任务编码, dataCycle: 周期, contentId: 作品, "
        "日期: 数据日期, 进店UV: 引流人数, attributionTouchType: 归因方式}\n",
        encoding="utf-8",
    )
    (found,) = check_file(path)
    assert (found.export, found.accepted, found.warnings) == ("xiaohongmeng_content_effect", 1, [])


def test_the_mappings_that_the_docs_show_take_in_exports_whose_headers_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = (SAMPLES.parents[1] / "docs" / "files.md").read_text(encoding="utf-8")
    section = docs.split("### Exports whose headers are not known here")[1].split("\n## ")[0]
    blocks = re.findall(r"```yaml\n(.*?)```", section, flags=re.S)
    monkeypatch.setenv("REDCAT_HOME", str(tmp_path))
    (tmp_path / "exports").mkdir()
    for number, block in enumerate(blocks):
        (tmp_path / "exports" / f"{number}.yaml").write_text(block, encoding="utf-8")
    orders = tmp_path / "京麦订单_20260903.csv"
    orders.write_text(
        "订单号,商品ID,订购数量,应付金额,付款确认时间,下单帐号,订单状态\n"
        "300200000001,100001,2,180.00,2026-09-01 12:00:00,买家八,等待出库\n"
        "300200000002,100001,1,90.00,2026-09-01 13:00:00,买家九,已取消\n",
        encoding="utf-8",
    )
    spend = tmp_path / "聚光_20260903.csv"
    told = {1: "期内", 2: "期外", 3: ""}
    lines = [f"2026-09-0{day},n1,{day}.00,9,1,{word}" for day, word in told.items()]
    spend.write_text("\n".join(["时间,笔记ID,消费,展现量,点击量,任务期", *lines, ""]), encoding="utf-8")
    assert {(p.export, p.feed, p.accepted) for p in (*check_file(orders), *check_file(spend))} == {
        ("jingmai_orders", "shop_conversions", 2),
        ("juguang_notes", "note_spend", 3),
        ("juguang_notes", "note_metrics_daily", 3),
    }
    landing, connection = tmp_path / "landing", memory()
    landing.mkdir()
    for file in (orders, spend):
        shutil.copy2(file, landing)
    ingest(connection, landing)
    sold = connection.sql(
        "SELECT channel, order_id, status, quantity FROM raw.shop_conversions ORDER BY ALL"
    ).fetchall()
    assert sold == [("jd", "300200000001", "paid", 2), ("jd", "300200000002", "cancelled", 1)]
    booked = connection.sql("SELECT amount::INTEGER, is_in_task FROM raw.note_spend ORDER BY ALL").fetchall()
    assert booked == [(1, True), (2, False), (3, None)]


def test_names_and_addresses_of_buyers_are_kept_nowhere(tmp_path: Path) -> None:
    landing, connection = tmp_path, memory()
    for file in FILES:
        shutil.copy2(file, landing / file.name)
    ingest(connection, landing)
    kept = repr(tables(connection))
    assert not any(word in kept for word in ("买家一", "买家四", "某省"))


def test_of_promoted_orders_only_sales_count_where_a_brand_has_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a split parent the children count, a deposit does not, and what is invalid for commission does.

    Units that came back are refunds of what was paid for all, whether before or after the order was finished.

    Without the brand's own choice none of them does: the shop's own export holds the same orders.
    """
    from pipelines.basis import store_reference
    from pipelines.core.make import replace_dates
    from pipelines.core.tables import CORE

    connection, landing = memory(), tmp_path / "landing"
    landing.mkdir()
    shutil.copy2(SAMPLES / "jd_union_orders" / "order_row_20260909.json", landing)
    assert [r.feed for r in ingest(connection, landing)] == ["promotion_orders"]
    monkeypatch.setenv("REDCAT_HOME", str(tmp_path))
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "jd.yaml").write_text("extends: jd_union_orders\ntake: [shop_conversions, refunds]\n")
    connection = memory()
    assert [r.feed for r in ingest(connection, landing)] == ["promotion_orders", "refunds", "shop_conversions"]
    refunds = connection.execute("""
        SELECT order_id::BIGINT - 300100000000, refund_amount::DOUBLE, _date::VARCHAR FROM raw.refunds ORDER BY ALL
        """).fetchall()
    assert refunds == [
        (5, 90.0, "2026-09-05"), (11, 100.0, "2026-09-01"), (12, 90.0, "2026-09-05"), (13, 200.0, "2026-09-01"),
        (14, 180.0, "2026-09-06"),
    ]  # fmt: skip
    store_reference(connection)
    (table,) = (t for t in CORE if t.name == "conversions")
    first = datetime(2026, 9, 1).date()
    replace_dates(connection, table, first, first)
    sold = connection.execute("SELECT order_id, paid_fen FROM core.conversions ORDER BY ALL").fetchall()
    assert [(int(order) - 300100000000, fen) for order, fen in sold] == [
        (1, 18000), (3, 20000), (4, 10000), (5, 18000), (6, 18000), (8, 18000),
        (11, 30000), (12, 36000), (13, 20000), (14, 18000),
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [VERSIONS, VERSIONS[::-1]])
def test_the_higher_version_wins_not_the_newer_file_time(tmp_path: Path, first: str, second: str) -> None:
    sample = (SAMPLES / "xinghe_content_effect" / "report 9.3.csv").read_text(encoding="utf-8-sig")
    connection = memory()
    for name in (first, second):
        uv = "12" if name == "report 9.8.csv" else "13"
        (tmp_path / name).write_text(sample.replace(",12,3600.50", f",{uv},3600.50"), encoding="utf-8")
        ingest(connection, tmp_path)
    assert connection.execute("SELECT order_uv FROM raw.exchange_note_daily").fetchall() == [(13,)]


def test_a_file_that_fits_nothing_is_told_the_nearest_export_and_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "聚光.csv"
    path.write_text("时间,笔记ID号,消费,展现量,点击量,创意ID\n2026-09-01,x,1,2,1,7\n", encoding="utf-8")
    (found,) = check_file(path)
    assert found.refused
    assert "The nearest is juguang_notes, which also needs 笔记ID" in found.message
    assert "perhaps '笔记ID号'" in found.message
    assert "it has 创意ID, which that export has not" in found.message


@pytest.mark.slow
def test_the_whole_corpus_goes_through_a_run_and_every_file_adds_up(redcat: Redcat, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    for file in FILES:
        shutil.copy2(file, landing / f"{file.parent.name} {file.name}")
    redcat("run", "--landing", str(landing), "--from", "2026-09-01", "--to", "2026-09-01")
    with duckdb.connect(redcat.home / "warehouse" / "redcat.duckdb", read_only=True) as connection:
        counts = connection.execute(
            "SELECT file, feed, rows_read, accepted, duplicate, quarantined, ignored, status FROM ops.files"
        ).fetchall()
    assert len(counts) == sum(len(stated(file)) for file in FILES)
    for file, feed, read, accepted, duplicate, quarantined, ignored, status in counts:
        assert status in ("complete", "partial"), file
        assert read == accepted + duplicate + quarantined + ignored, (file, feed)
