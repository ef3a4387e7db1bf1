"""Figures that a file states are compared with what follows from its others, within their rounding."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from data_contracts.contract import contract
from data_contracts.mapping import Mapping
from data_contracts.mapping_files import mappings
from data_contracts.parsing import parse
from data_contracts.stated_figures import Sums, disagreements, unequal_totals


def rows_of(figure: dict[str, Any], **columns: str) -> list[int]:
    """The rows, from 2, on which a figure does not follow."""
    stated = {"export": "x", "feed": "note_spend", "title": "x", "columns": {"amount": "fee"}, "forms": ["wan"]}
    mapping = Mapping.model_validate(stated | {"figures": [figure]})
    frame = pl.DataFrame({name: values.split(" ") for name, values in columns.items()})
    found = disagreements(frame.with_columns(_row=pl.int_range(2, pl.len() + 2)), mapping)
    return found[0].rows if found else []


CTR = {"of": ["点击率", "ctr"], "equals": "{click} / {展现|impression}", "share": True}


@pytest.mark.parametrize("ctr", ["6.38%", "6.4%", "0.0638", "6.38", "6.380%", "-", "#DIV/0!"])
def test_a_share_is_one_in_every_way_of_writing_it(ctr: str) -> None:
    assert rows_of(CTR, ctr=ctr, click="638", impression="1万") == []


@pytest.mark.parametrize("ctr", ["6.5%", "0.065", "6.5", "638%", "0", "0.00%"])
def test_a_share_that_does_not_follow_is_named(ctr: str) -> None:
    assert rows_of(CTR, ctr=ctr, click="638", impression="10,000") == [2]


def test_nothing_is_said_of_what_cannot_be_computed() -> None:
    assert rows_of(CTR, ctr="5% 5%", click="0 -", impression="0 100") == []
    assert rows_of(CTR, ctr="5%", click="1") == []


def test_costs_and_bounds() -> None:
    assert rows_of({"of": "acp", "equals": "{fee} / {click}"}, acp="0.33 0.35", fee="¥1.00 1.00", click="3 3") == [3]
    assert rows_of(
        {"of": "cpm", "equals": "{fee} / {imp} * 1000"}, cpm="12.35 12.5", fee="1.235 1.235", imp="100 100"
    ) == [3]
    assert rows_of({"of": "part", "at_most": "{fee}"}, part="1.00 1.50", fee="1.00 1.00") == [3]


def test_a_share_may_be_bounded_and_nothing_known_bounds_nothing() -> None:
    bound = {"of": "率", "at_most": "{a} / {b}", "share": True}
    assert rows_of(bound, 率="5% 5 0.05 5.2% 7 -1", a="5 5 5 5 5 5", b="100 100 100 100 100 100") == [5, 6]
    assert rows_of({"of": "roi", "equals": "{a} / {b}"}, roi="-1 -1.00 2", a="5 -1 -1", b="1 1 1") == []


HEADS = "时间,笔记ID,消费,展现量,点击量"
# Of each export: headers, a row that holds, and the figures of it that are wrong with what is told.
WRONG = {
    "juguang_notes": (
        f"{HEADS},行业商品成交订单量（7日）,行业商品成交订单成本（7日）,7日支付金额,7日支付ROI",
        "2026-09-01,n1,100.00,1000,9,5,20.00,250.00,2.50",
        {5: ("99", "行业商品成交订单量（7日）"), 6: ("25.00", "行业商品成交订单成本（7日）"), 8: ("9", "7日支付ROI")},
    ),
    "xinghe_content_effect": (
        "日期,内容ID,归因周期,阅读/播放UV,互动UV,进店UV,成交UV,成交转化率,内容互动率",
        "2026-09-01,n1,15,1000,90,150,12,8.00%,9%",
        {7: ("99%", "成交转化率"), 8: ("0.5", "内容互动率")},
    ),
    "lingxi_notes": (
        "笔记ID,作业昵称,笔记标题,创建时间,曝光量,阅读量,互动量,点击率,互动率",
        "n1,a,b,2026-08-20,1000,100,10,10%,0.1",
        {7: ("12%", "点击率"), 8: ("88%", "互动率")},
    ),
    "pugongying_notes": (
        "笔记id,笔记发布日期,博主昵称,曝光量,阅读量,博主报价,服务费金额",
        "n1,2026-08-20,a,1000,100,3000,300",
        {6: ("3300", "服务费金额")},
    ),
}


@pytest.mark.parametrize("export", WRONG)
def test_each_export_states_what_follows_from_its_own_figures(export: str) -> None:
    """A row whose figures follow breaks none; each that does not is named, and it alone."""
    (mapping, *_) = [m for m in mappings() if m.export == export and m.figures]
    headers, row, wrong = WRONG[export]

    def found(changed: int | None, value: str) -> list[str]:
        cells = [value if at == changed else cell for at, cell in enumerate(row.split(","))]
        frame = pl.DataFrame(dict(zip(headers.split(","), [[c] for c in cells], strict=True))).with_columns(_row=2)
        return [d.name for d in disagreements(frame, mapping)]

    assert found(None, "") == []
    for at, (value, name) in wrong.items():
        assert name in found(at, value), name


def test_a_figure_states_one_formula() -> None:
    with pytest.raises(ValueError, match="exactly one of equals and at_most"):
        rows_of({"of": "a"}, a="1")


def spend(*amounts: str) -> pl.DataFrame:
    frame = pl.DataFrame({"amount": amounts}).with_columns(_row=pl.int_range(2, pl.len() + 2))
    return parse(frame, contract("note_spend"))


def summed(details: pl.DataFrame, feed: str) -> Sums:
    """What two parts of the rows sum to."""
    sums = Sums(contract(feed))
    for part in (details.head(1), details.slice(1)):
        sums.add(part)
    return sums


@pytest.mark.parametrize(
    ("total", "details", "told"),
    [("3.00", ["1", "2"], []), ("3.01", ["1", "2"], ["total of amount"]), ("-", ["1"], []), ("9", ["1", "x"], [])],
)
def test_a_total_is_the_sum_of_its_rows(total: str, details: list[str], told: list[str]) -> None:
    assert [d.name for d in unequal_totals(spend(total), summed(spend(*details), "note_spend"))] == told


@pytest.mark.parametrize(
    ("totals", "told"),
    [(["30", "30"], ["25.00, found 30.00 and 30.00"]), (["25", "9"], []), (["10", "15"], []),
     (["-", "26"], ["25.00, found 26.00"])],
)  # fmt: skip
def test_of_several_totals_one_is_the_sum_or_all_together(totals: list[str], told: list[str]) -> None:
    found = unequal_totals(spend(*totals), summed(spend("10", "15"), "note_spend"))
    assert [d.expected for d in found] == told


def test_users_are_not_summed() -> None:
    terms = contract("exchange_note_daily")
    total, details = ({"visit_uv": uv, "_row": [2] * len(uv)} for uv in (["3"], ["2", "2"]))
    assert (
        unequal_totals(parse(pl.DataFrame(total), terms), summed(parse(pl.DataFrame(details), terms), terms.feed)) == []
    )
