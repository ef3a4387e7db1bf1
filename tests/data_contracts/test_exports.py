"""Mappings make a foreign file a feed, and refuse what would be a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from data_contracts.contract import feeds
from data_contracts.exports import Mapping, MappingError, apply_mapping, mappings, native, read_mapping, recognised

if TYPE_CHECKING:
    from pathlib import Path

ORDER = {"channel": ["tmall"], "order_id": ["1"], "line_no": ["1"], "brand": ["b"], "paid_at": ["2026-09-01"],
         "paid_amount": ["9"], "currency": ["CNY"], "exported_at": ["2026-09-02"]}  # fmt: skip


def mapping(feed: str = "refunds", **stated: Any) -> Mapping:
    return Mapping.model_validate({"export": "x", "feed": feed, "title": "x"} | stated)


def filled(frame: pl.DataFrame, name: str, stated: Any) -> list[Any]:
    """What becomes of one column of an order, the others given."""
    columns = {c: {"value": v[0]} for c, v in ORDER.items()} | {name: stated}
    return apply_mapping(frame, mapping("shop_conversions", columns=columns))[0][name].to_list()


@pytest.mark.parametrize("feed", feeds())
def test_a_feeds_own_vocabulary_is_english_and_chinese(feed: str) -> None:
    columns = native(feed).columns
    assert all(name in column.headers for name, column in columns.items())
    if feed == "shop_conversions":
        assert "淘宝订单编号" in columns["order_id"].headers


@pytest.mark.parametrize("header", ["order_id", " Order_ID ", "ORDER_ID", "\ufefforder_id", "订单编号", "订单编号 "])
def test_width_case_and_space_of_a_header_do_not_matter(header: str) -> None:
    frame = pl.DataFrame({header: ["7"]} | {k: v for k, v in ORDER.items() if k != "order_id"})
    mapped, unused = apply_mapping(frame, native("shop_conversions"))
    assert (mapped["order_id"].to_list(), unused) == (["7"], [])


def test_brackets_of_either_width_are_one() -> None:
    assert filled(pl.DataFrame({"实付（元)": ["5"]}), "paid_amount", "实付(元）") == ["5"]


@pytest.mark.parametrize("empty", ["", " ", "-", "null", None])
def test_the_first_alias_that_has_a_value_fills_the_column(empty: str | None) -> None:
    frame = pl.DataFrame({"a": [empty, "1", "1"], "b": ["2", empty, "3"]})
    assert filled(frame, "order_id", ["a", "b"]) == ["2", "1", "1"]


def test_aliases_of_several_types_meet_as_text() -> None:
    frame = pl.DataFrame({"a": [None, 12.0], "b": ["x", "y"]})
    assert filled(frame, "order_id", ["a", "b"]) == ["x", "12"]


def test_a_template_needs_all_its_parts() -> None:
    frame = pl.DataFrame({"a": ["1", "-", "3"], "b": [7.0, 8.0, None]})
    assert filled(frame, "order_id", {"template": "{a}-{b}"}) == ["1-7", None, None]


def test_codes_keep_or_empty_what_they_do_not_list() -> None:
    frame = pl.DataFrame({"a": [" 1 ", "2", None]})
    assert filled(frame, "channel", {"from": "a", "codes": {"1": "jd"}}) == ["jd", "2", None]
    assert filled(frame, "channel", {"from": "a", "codes": {"1": "jd"}, "otherwise": "empty"}) == ["jd", None, None]
    assert filled(pl.DataFrame({"a": [1, 2]}), "channel", {"from": "a", "codes": {"1": "jd"}}) == ["jd", "2"]


@pytest.mark.parametrize(
    ("fen", "yuan"),
    [("1234", "12.34"), ("5", "0.05"), ("-7", "-0.07"), ("1234.0", "12.34"), ("1.5", "1.5 fen"), ("-", None),
     (1234, "12.34"), (1234.0, "12.34"), ("12,34", "12,34 fen")],
)  # fmt: skip
def test_fen_become_yuan_without_rounding(fen: Any, yuan: str | None) -> None:
    assert filled(pl.DataFrame({"a": [fen]}), "paid_amount", {"from": "a", "unit": "fen"}) == [yuan]


def test_a_header_that_stands_twice_with_other_values_is_refused() -> None:
    frame = pl.DataFrame(ORDER | {"order_id_duplicated_0": ["2"]})
    with pytest.raises(MappingError, match=r"2 columns have the header 'order_id' .* different values.*rename"):
        apply_mapping(frame, native("shop_conversions"))
    frame = pl.DataFrame(ORDER | {"ＯＲＤＥＲ_ID": ["2"]})
    with pytest.raises(MappingError, match="2 columns have the header"):
        apply_mapping(frame, native("shop_conversions"))


def test_a_header_that_stands_twice_is_one_where_it_is_not_used_or_says_the_same() -> None:
    twice = pl.DataFrame(ORDER | {"order_id_duplicated_0": ["1"], "x": ["1"], "x_duplicated_0": ["2"]})
    assert apply_mapping(twice, native("shop_conversions"))[0]["order_id"].to_list() == ["1"]


def test_a_mapping_may_name_which_of_two_equal_headers_is_meant() -> None:
    frame = pl.DataFrame({"任务": ["1"], "任务_duplicated_0": ["2"]})
    assert filled(frame, "order_id", ["任务_duplicated_0"]) == ["2"]


def test_what_is_missing_is_told_with_the_nearest_header() -> None:
    frame = pl.DataFrame({"order_idx" if k == "order_id" else k: v for k, v in ORDER.items()})
    with pytest.raises(MappingError) as caught:
        apply_mapping(frame, native("shop_conversions"))
    told = str(caught.value)
    assert "1 required column is missing: order_id." in told
    assert "order_id may be 'order_idx'" in told
    assert "Rename the header, or state it in a mapping file for shop_conversions" in told


def test_a_first_row_of_data_is_not_repeated_in_the_message() -> None:
    with pytest.raises(MappingError) as caught:
        apply_mapping(pl.DataFrame({"zhangsan-13812345678": ["x"], "2026-09-01": ["y"]}), native("shop_conversions"))
    assert "None of its 2 headers is known. If the first row is data, add a row of headers" in str(caught.value)
    assert "zhangsan" not in str(caught.value)


def test_no_rows_stay_no_rows_also_under_constants() -> None:
    frame = pl.DataFrame({"_row": [], "a": []}, schema={"_row": pl.Int64, "a": pl.String})
    columns = {c: {"value": v[0]} for c, v in ORDER.items()} | {"order_id": "a"}
    assert apply_mapping(frame, mapping("shop_conversions", columns=columns))[0].height == 0


def test_the_most_telling_mapping_comes_first_and_unless_excludes() -> None:
    v1 = mapping(recognise=["a"], columns={"currency": "a"}, export="v1")
    v2 = mapping(recognise=["a", "b"], columns={"currency": "a"}, export="v2")
    not_c = mapping(recognise=["a"], unless=["c"], columns={"currency": "a"}, export="not_c")
    everything = (v1, v2, not_c)
    assert [m.export for m in recognised(["A", "b ", "x"], everything)] == ["v2", "not_c", "v1"]
    assert [m.export for m in recognised(["a", "c"], everything)] == ["v1"]
    assert recognised(["b"], everything) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feed: refunds\nexport: x\ntitle: x\ncolumns: {refund_amuont: a}", "did you mean 'refund_amount'"),
        ("feed: refund\nexport: x\ntitle: x\ncolumns: {}", "feed 'refund' does not exist"),
        ("feed: refunds\nexport: x\ntitle: x\ncolumns: {currency: {from: a, value: b}}", "exactly one of"),
        ("feed: refunds\nexport: x\ntitle: x\nheader: 3\ncolumns: {}", "header: Extra inputs are not permitted"),
        ("feed: [", "is not readable YAML"),
        ("feed: link_clicks\nexport: x\ntitle: x\ncolumns: {user_id: buyer, click_id: {template: '{Buyer}-{day}'}}",
         "buyer holds raw user ids"),
    ],
)  # fmt: skip
def test_a_broken_mapping_file_says_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(MappingError, match=message) as caught:
        read_mapping(tmp_path / "m.yaml")
    assert "m.yaml" in str(caught.value)


def test_the_mapping_files_that_are_delivered_are_sound() -> None:
    assert len({(m.export, m.feed) for m in mappings()}) == len(mappings())
    assert all(m.recognise for m in mappings())
