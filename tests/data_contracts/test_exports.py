"""Mappings make a foreign file a feed, and refuse what would be a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from data_contracts.contract import contract, feeds
from data_contracts.exports import apply_mapping, differing, left_out, recognised
from data_contracts.mapping import Mapping, MappingError
from data_contracts.mapping_files import mappings, native, read_mapping
from data_contracts.parsing import parse

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


def test_one_file_may_become_several_feeds(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("""
export: x
title: x
recognise: [a]
columns: {currency: {value: CNY}}
feeds:
  refunds: {columns: {refund_amount: b}, recognise: [b]}
  note_spend: {columns: {amount: c}}
""")
    refunds, spend = read_mapping(tmp_path / "m.yaml")
    assert (refunds.feed, refunds.recognise, refunds.names) == (
        "refunds",
        (("a",), ("b",)),
        ["currency", "refund_amount"],
    )
    assert (spend.feed, spend.recognise, spend.export) == ("note_spend", (("a",),), "x")


def test_any_of_several_telling_headers_suffices() -> None:
    either = mapping(recognise=["a", ["b", "c"]], columns={"currency": "a"})
    assert [bool(recognised(h, [either])) for h in (["a", "b"], ["C", "a"], ["a"], ["b", "c"])] == [
        True,
        True,
        False,
        False,
    ]
    assert differing(["a", "x"], either) == (["b or c"], [])


def test_headers_are_addressed_by_occurrence() -> None:
    frame = pl.DataFrame({"发现页": ["1", "1"], "发现页_duplicated_0": ["2", "2"], "发现页_duplicated_1": ["-", "3"]})
    assert filled(frame, "order_id", "发现页#2") == ["2", "2"]
    assert filled(frame, "order_id", ["发现页#3", "发现页#1"]) == ["1", "3"]


def test_a_key_is_made_of_what_the_feed_reads() -> None:
    """One day in four spellings is one key; a part that may be missing is left empty."""
    frame = pl.DataFrame({"t": ["2026-09-01 00:00:00", "2026/09/01", "20260901", "46266"], "n": ["1", None, "1", "1"]})
    columns = {c: {"value": v[0]} for c, v in ORDER.items()} | {
        "paid_at": "t", "order_id": {"template": "{=paid_at}-{n|m?}-{k?}"},
    }  # fmt: skip
    mapped, _ = apply_mapping(frame, mapping("shop_conversions", columns=columns, forms=["excel_serial"]))
    assert mapped["order_id"].str.tail(3).to_list() == ["-1-", "0--", "-1-", "-1-"]
    assert mapped["order_id"].str.head(19).unique().to_list() == ["2026-08-31 16:00:00"]


def test_what_no_header_says_is_given_or_stated() -> None:
    frame = pl.DataFrame({"_given_brand": ["own", "own"], "a": [None, "b"]})
    assert filled(frame, "brand", {"from": "a", "given": "brand"}) == ["own", "b"]
    assert filled(frame, "brand", {"given": "brand"}) == ["own", "own"]
    assert filled(frame, "brand", {"from": ["a"], "default": "c"}) == ["c", "b"]
    assert filled(frame, "brand", {"from": ["z"], "default": "c"}) == ["c", "c"]


@pytest.mark.parametrize(("text", "turned"), [("-5", "5"), ("5", "-5"), ("+5", "-5"), ("0", "0"), ("0.00", "0.00")])
def test_a_sign_is_turned(text: str, turned: str) -> None:
    assert filled(pl.DataFrame({"a": [text]}), "paid_amount", {"from": "a", "sign": "turned"}) == [turned]


def test_a_row_becomes_one_row_for_each_part_that_it_has() -> None:
    spend = {"spend_date": {"value": "2026-09-01"}, "payer": {"value": "brand"}, "currency": {"value": "CNY"},
             "exported_at": {"value": "2026-09-02"}}  # fmt: skip
    parts = [{"kind": {"value": k}, "spend_id": {"template": "{id}-" + k}, "amount": k} for k in ("ads", "boost")]
    stated = mapping("note_spend", columns=spend, each=parts, missing=["none"])
    frame = pl.DataFrame({"_row": [2, 3], "id": ["a", "b"], "ads": ["1", "2"], "boost": ["none", "3"]})
    mapped, unused = apply_mapping(frame, stated)
    assert mapped.select("_row", "spend_id", "amount").rows() == [
        (2, "a-ads", "1"),
        (3, "b-ads", "2"),
        (3, "b-boost", "3"),
    ]
    assert unused == []
    lists = frame.with_columns(boost=pl.Series([None, ["3", "4"]]))
    assert apply_mapping(lists, stated)[0]["amount"].to_list() == ["1", "2", "3|4"]


def test_rows_are_left_out_by_value_or_unless() -> None:
    frame = pl.DataFrame({"s": ["done", "open", "", None], "n": ["2", "2.0", "3", "-"]})
    columns = {"currency": "s"}
    kept = [
        (~left_out(frame, mapping(columns=columns, leave_out=[rule]))).to_list()
        for rule in (
            {"from": "S ", "unless": "done"},
            {"from": "s", "values": ["", "open"]},
            {"from": "n", "values": "2"},
        )
    ]
    assert kept == [[True, False, False, False], [True, False, False, False], [False, False, True, True]]
    with pytest.raises(ValueError, match="exactly one of values and unless"):
        mapping(columns=columns, leave_out=[{"from": "s"}])


def test_a_constant_takes_the_place_of_a_value_where_all_of_its_conditions_hold() -> None:
    frame = pl.DataFrame({"s": ["12", "12", "13", "13", "9"], "paid": ["x", "", "--", "x", None], "pre": ["", *"yyyy"]})
    unpaid = {"from": ["Paid", "paid at"], "values": ""}
    stated = {"from": "s", "codes": {"12": "paid", "13": "closed"}, "instead": [
        {"value": "cancelled", "where": [unpaid, {"from": "s", "values": "13"}]},
        {"value": "deposit", "where": [unpaid, {"from": "pre", "unless": ""}]},
    ]}  # fmt: skip
    assert filled(frame, "status", stated) == ["paid", "deposit", "cancelled", "closed", "deposit"]
    # A header that the file lacks has no value.
    lacking = frame.drop("paid", "pre")
    assert filled(lacking, "status", stated) == ["paid", "paid", "cancelled", "cancelled", "9"]
    with pytest.raises(ValueError, match="at least 1 item"):
        mapping(columns={"currency": {"from": "s", "instead": [{"value": "x", "where": []}]}})


def test_an_unknown_form_is_told_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"no form 'roman'; the forms are excel_serial"):
        mapping(columns={"currency": "a"}, forms=["roman"])


def test_intervals_are_kept_apart_from_numbers_where_the_feed_has_a_place_for_them() -> None:
    frame = pl.DataFrame({"visit_uv": ["<100", "5"], "shop_gmv": ["1.50", "＜ 10"], "read_uv": ["7", "8"]})
    typed = parse(frame, contract("exchange_note_daily"))
    assert typed["censored"].to_list() == [["visit_uv<100"], ["shop_gmv<10"]]
    assert typed["visit_uv"].to_list() == [None, 5]
    assert "_unreadable_visit_uv" not in typed.columns
    assert (
        parse(pl.DataFrame({"quantity": ["<100"]}), contract("shop_conversions"))["_unreadable_quantity"].item()
        == "<100"
    )


def test_a_template_of_parts_that_are_all_missing_is_the_same_on_every_row() -> None:
    assert filled(pl.DataFrame({"a": ["1", "2"]}), "order_id", {"template": "x{b?}{c?}"}) == ["x", "x"]
