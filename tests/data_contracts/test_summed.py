"""Total rows are told from data, wherever they stand."""

from __future__ import annotations

import polars as pl
import pytest

from data_contracts.mapping import Mapping
from data_contracts.mapping_files import native
from data_contracts.summed import of_sums, total_rows


def totals(frame: pl.DataFrame, feed: str = "notes") -> list[bool]:
    return total_rows(frame, native(feed)).to_list()


@pytest.mark.parametrize(
    "word",
    ["合计", " 合计 ", "合计汇总", "合计1条记录", "合计 1,234 条", "总计", "小计", "汇总", "总计：12条数据", "共计",
     "合计:", "合计（3条）", "合计(元)", "本页合计", "总合计", "总和", "平均", "平均值", "汇总(3)", "总计 【12】：",
     "Total", "TOTAL:", " total (3)", "Grand Total", "Subtotal", "Sum"],
)  # fmt: skip
def test_words_of_a_total(word: str) -> None:
    assert totals(pl.DataFrame({"note_id": ["1", word, "2"]})) == [False, True, False]


@pytest.mark.parametrize(
    "word",
    [
        "合计器",
        "汇总表笔记",
        "不合计",
        "合计-某计划",
        "合计(",
        "平均律",
        "totally",
        "total-1",
        "sum1",
        "summer",
        "",
        None,
    ],
)
def test_words_that_are_none(word: str | None) -> None:
    assert totals(pl.DataFrame({"note_id": ["1", word]})) == [False, False]


def test_a_title_that_reads_total_is_a_title_also_in_the_first_column() -> None:
    frame = pl.DataFrame({"title": ["合计"], "note_id": ["1"], "creator_name": ["汇总"]})
    assert totals(frame) == [False]


def test_ids_dates_and_the_first_column_count_also_where_they_are_not_used() -> None:
    for header in ("计划ID", "unit_id", "订单编号", "日期", "published_at"):
        assert totals(pl.DataFrame({"title": ["a", "b"], header: ["合计", "7"]})) == [True, False], header
    assert totals(pl.DataFrame({"计划": ["合计"], "note_id": ["-"]})) == [True]
    assert totals(pl.DataFrame({"note_id": ["1"], "计划名称": ["合计"]})) == [False]


def test_any_cell_tells_a_total_where_every_id_of_the_row_is_missing() -> None:
    frame = pl.DataFrame(
        {"时间": ["2026-09-01"] * 4, "计划名称": ["合计", "合计", "秋季", "Total"], "笔记ID": ["-", "n1", "-", None]}
    )
    assert totals(frame, "note_spend") == [True, False, False, True]
    assert totals(frame.with_columns(计划ID=pl.lit("7")), "note_spend") == [False] * 4


def test_the_name_of_a_buyer_makes_no_order_a_total() -> None:
    frame = pl.DataFrame({"user_id": ["Total", "合计"], "order_id": ["1", "2"]})
    assert totals(frame, "shop_conversions") == [False, False]


def test_columns_that_are_no_text_and_empty_files_have_no_totals() -> None:
    assert totals(pl.DataFrame({"note_id": [1, 2]})) == [False, False]
    assert totals(pl.DataFrame({"note_id": []}, schema={"note_id": pl.String})) == []


def test_a_mapping_names_its_own_ids() -> None:
    mapping = Mapping.model_validate(
        {"export": "x", "feed": "notes", "title": "x", "columns": {"note_id": "笔记", "title": "标题"}}
    )
    frame = pl.DataFrame({"标题": ["a", "合计"], "笔记": ["合计", "1"]})
    assert total_rows(frame, mapping).to_list() == [True, False]


def test_an_average_is_no_sum() -> None:
    frame = pl.DataFrame({"note_id": ["合计", "平均", "Average", None], "n": [1, 2, 3, 4]})
    assert of_sums(frame)["n"].to_list() == [1, 4]
