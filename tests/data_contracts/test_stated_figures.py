"""Figures that a file states are compared with what follows from its others, within their rounding."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from data_contracts.contract import contract
from data_contracts.mapping import Mapping
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


def test_users_are_not_summed() -> None:
    terms = contract("exchange_note_daily")
    total, details = ({"visit_uv": uv, "_row": [2] * len(uv)} for uv in (["3"], ["2", "2"]))
    assert (
        unequal_totals(parse(pl.DataFrame(total), terms), summed(parse(pl.DataFrame(details), terms), terms.feed)) == []
    )
