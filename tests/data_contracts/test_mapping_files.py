"""An installation adds to the mappings and changes them by files of its own, without code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data_contracts.exports import recognised
from data_contracts.mapping import Mapping, MappingError
from data_contracts.mapping_files import every_mapping, mappings

if TYPE_CHECKING:
    from pathlib import Path

XINGHE = ["日期", "内容ID", "归因周期", "阅读UV", "进店UV"]


def read(folder: Path, **files: str) -> dict[tuple[str, str], Mapping]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return {(m.export, m.feed): m for m in mappings(folder)}


def test_without_files_of_its_own_an_installation_reads_what_is_delivered(tmp_path: Path) -> None:
    assert mappings(tmp_path) == mappings(tmp_path / "missing") == mappings()


def test_a_new_export_stands_beside_the_others(tmp_path: Path) -> None:
    text = "export: mine\nfeed: refunds\ntitle: x\nrecognise: [q]\ncolumns: {refund_amount: q}\n"
    found = read(tmp_path, mine=text)
    assert len(found) == len(mappings()) + 1
    assert found["mine", "refunds"].columns["refund_amount"].headers == ("q",)


def test_an_entry_without_anything_below_it_states_nothing(tmp_path: Path) -> None:
    text = "export: mine\ntitle: x\nrecognise:\ncolumns:\nfeeds: {refunds: {unless: , columns: {refund_amount: q}}}\n"
    assert read(tmp_path, mine=text)["mine", "refunds"].columns["refund_amount"].headers == ("q",)
    base = "export: a_base\ntitle: x\nrecognise: [q]\ncolumns:\nfeeds: {refunds: {columns: }}\n"
    found = read(tmp_path, a_base=base, b_more="extends: a_base\ncolumns: {refund_amount: q}\n")
    assert found["a_base", "refunds"].columns["refund_amount"].headers == ("q",)


def test_a_header_that_was_renamed_is_read_wherever_the_old_one_was(tmp_path: Path) -> None:
    drifted = ["日期", "作品ID", "归因周期", "阅读UV", "访店UV"]
    assert recognised(drifted, mappings()) == []
    found = read(tmp_path, drift="extends: xinghe_content_effect\nalso_called: {内容id: 作品ID, 进店UV: [访店UV]}\n")
    assert len(found) == len(mappings())
    for headers in (drifted, XINGHE):
        assert [m.export for m in recognised(headers, found.values())] == ["xinghe_content_effect"]
    changed = found["xinghe_content_effect", "exchange_note_daily"]
    assert changed.columns["note_id"].headers == ("内容ID", "作品ID", "笔记ID", "contentId")
    assert changed.version != next(m for m in mappings() if m.export == "xinghe_content_effect").version


def test_a_renamed_header_is_read_in_conditions_too(tmp_path: Path) -> None:
    found = read(tmp_path, drift="extends: qianniu_orders\nalso_called: {定金付款时间: 付定时间}\n")
    changed = found["qianniu_orders", "shop_conversions"]
    assert changed.columns["deposit_paid_at"].headers == ("定金付款时间", "付定时间")
    assert changed.columns["paid_at"].headers == ("订单付款时间", "定金付款时间", "付定时间")
    found = read(tmp_path, drift="extends: qianniu_orders\nalso_called: {订单付款时间: 付款于}\n")
    (lapsed, _) = found["qianniu_orders", "shop_conversions"].columns["status"].instead
    assert lapsed.where[0].headers == ("订单付款时间", "付款于")


def test_a_renamed_header_is_read_in_a_key_too(tmp_path: Path) -> None:
    found = read(tmp_path, drift="extends: xinghe_content_effect\nalso_called: {任务ID: 任务编码}\n")
    template = found["xinghe_content_effect", "exchange_note_daily"].columns["claim_id"].template
    assert template is not None
    assert "{任务ID|订单ID|eventId|settleSeqId|任务编码?}" in template


def test_what_is_stated_again_takes_the_place_of_what_was(tmp_path: Path) -> None:
    text = """
extends: qianniu_orders
read: {header_row: 2}
columns:
  channel: {value: taobao}
  status: {codes: {已退款: closed}}
  quantity: null
"""
    found = read(tmp_path, mine=text)
    sold, refunds = found["qianniu_orders", "shop_conversions"], found["qianniu_orders", "refunds"]
    assert (sold.read.header_row, refunds.read.header_row) == (2, 2)
    assert sold.columns["channel"].value == refunds.columns["channel"].value == "taobao"
    assert (sold.columns["status"].codes["已退款"], sold.columns["status"].codes["交易关闭"]) == ("closed", "closed")
    assert sold.columns["status"].headers == ("订单状态",)
    assert "quantity" not in sold.columns


def test_an_export_may_be_made_after_another(tmp_path: Path) -> None:
    found = read(tmp_path, other="export: other\nextends: lingxi_notes\ntitle: x\nrecognise: [笔记ID, 看量]\n"
                                 "columns: {impressions: 看量, interactions: null}\n")  # fmt: skip
    assert found["other", "note_metrics_daily"].columns["impressions"].headers == ("看量",)
    assert found["lingxi_notes", "note_metrics_daily"] == next(m for m in mappings() if m.export == "lingxi_notes")


def test_optional_feeds_are_read_where_an_installation_takes_them(tmp_path: Path) -> None:
    assert [m.feed for m in mappings() if m.export == "jd_union_orders"] == ["promotion_orders"]
    assert {m.feed for m in every_mapping() if m.optional} == {"shop_conversions", "refunds"}
    found = read(tmp_path, jd="extends: jd_union_orders\ntake: shop_conversions\n")
    assert [feed for export, feed in found if export == "jd_union_orders"] == ["promotion_orders", "shop_conversions"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extends: xinge_content_effect", r"no export 'xinge_content_effect' to extend; did you mean 'xinghe_content"),
        ("export: lingxi_notes\ntitle: x\nfeed: refunds\ncolumns: {}", "already; to "
         "change it, write `extends: lingxi_notes`"),
        ("extends: lingxi_notes\nalso_called: {曝光人数: x}", "'曝光人数', which lingxi_notes does not read; it"),
        ("extends: lingxi_notes\nalso_called: [曝光量]", "also_called must name headers"),
        ("extends: lingxi_notes\nalso_called: {曝光量: {x: y}}", "曝光量: it must be a text or a list of texts"),
        ("extends: lingxi_notes\ntake: [notes]", "'notes', which is no optional feed of lingxi_notes; it has none"),
        ("extends: jd_union_orders\ntake: [notes]", "those are shop_conversions, refunds"),
        ("extends: lingxi_notes\nheader: 3", "header: Extra inputs are not permitted"),
        ("extends: lingxi_notes\ncolumns: {impresions: x}", "has no column 'impresions'; did you mean 'impressions'"),
        ("extends: [", "is not readable YAML"),
        ("- a", "is not a mapping: it must state"),
        ("extends: lingxi_notes\na: &a [*a]", "it refers to itself"),
        ("extends: lingxi_notes\nwhen: 2026-02-30", "is not readable YAML"),
        ("extends: lingxi_notes\nfeeds: {notes: 1}", "feeds.notes: Input should be a valid dict"),
        ("extends: lingxi_notes\ncolumns: [1]", "columns: Input should be a valid dict"),
        ("extends: lingxi_notes\nread: {encoding: utf-9}", "no encoding 'utf-9'; state one such as utf-8"),
        ("extends: lingxi_notes\nread: {encoding: base64}", "no encoding 'base64'"),
        ("extends: lingxi_notes\nread: {delimiter: ',,'}", "',,' is no delimiter"),
        ("extends: lingxi_notes\nread: {header_row: 99999}", "header_row: Input should be less than or equal to 1000"),
        ("extends: lingxi_notes\ntime_zone: Mars", "no time zone 'Mars'"),
        ("extends: lingxi_notes\nsiblings: {file: x.csv}", "'file' cannot name a table"),
        ("extends: lingxi_notes\ncolumns: {note_id: {template: 'x{'}}", "a bracket that is empty or not closed"),
        ("extends: lingxi_notes\ncolumns: {note_id: {template: '{=x}'}}", "names '=x', which is no column of note_met"),
        ("extends: lingxi_notes\nfigures: [{of: 互动量, equals: '{点赞} +'}]", "is no formula"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_what_to_do(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MappingError, match=message) as caught:
        read(tmp_path, mine=text)
    assert str(caught.value).startswith("mine.yaml")


def test_a_corrected_file_is_read_again(tmp_path: Path) -> None:
    text = "extends: lingxi_notes\nalso_called: {曝光量: %s}\n"
    for name in ("看量", "览量"):
        found = read(tmp_path, mine=text % name)
        assert found["lingxi_notes", "note_metrics_daily"].columns["impressions"].headers == ("曝光量", name)


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "a/b.csv", r"..\\secret.csv"])
def test_a_file_that_is_joined_lies_in_no_other_folder(tmp_path: Path, name: str) -> None:
    text = f"export: mine\nfeed: refunds\ntitle: x\nsiblings: {{a: '{name}'}}\ncolumns: {{refund_amount: q}}\n"
    with pytest.raises(MappingError, match=r"siblings\.a"):
        read(tmp_path, mine=text)


def test_a_link_out_of_the_folder_is_no_mapping_file(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "elsewhere.yaml").write_text("export: mine\n")
    (tmp_path / "exports" / "mine.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    with pytest.raises(MappingError, match=r"mine\.yaml: a link that leaves the folder"):
        mappings(tmp_path / "exports")
