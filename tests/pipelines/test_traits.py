"""What is known of real exports, and where it is shown that each trait is taken as it should: a sample or a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from data_contracts.exports import fit
from data_contracts.mapping_files import mappings

TESTS = Path(__file__).resolve().parents[1]

# A place is a trait of a sample (`export: words`) or a test (`file::name`).
TRAITS = {
    "UTF-8 with BOM": ["juguang_notes: UTF-8 with BOM"],
    "GBK with CRLF": ["qianniu_orders: GBK with CRLF", "lingxi_notes: GBK with CRLF"],
    "total as first row": ["juguang_notes: total as first row"],
    "total among the rows": ["juguang_notes: total among the rows",
                             "xinghe_content_effect: total in the column of ids",
                             "lingxi_notes: total rows of several words",
                             "juguang_notes: totals without an id in any cell"],
    "words for missing": ["data_contracts/test_parsing.py::test_words_for_missing",
                          "xinghe_content_effect: -1 where nothing is filled",
                          "pugongying_notes: words in place of a price"],
    "brackets of either width": ["juguang_account_flow: brackets of the other width",
                                 "data_contracts/test_exports.py::test_brackets_of_either_width_are_one"],
    "header drift": ["xinghe_content_effect: the other vocabulary of headers", "juguang_notes: headers of other words",
                     "data_contracts/test_mapping_files.py::test_a_header_that_was_renamed_is_read"],
    "one label for several things": ["pipelines/test_traits.py::test_columns_whose_label_says_too_little_are_not_used"],
    "header on row 3": ["pugongying_notes: header on row 3"],
    "headers that stand several times": ["pugongying_notes: headers that stand twice and three times"],
    "first column without a header": ["pugongying_notes: first column without a header"],
    "spaces at the end of headers": ["qianniu_orders: headers that end in spaces"],
    "spellings of dates": ["juguang_notes: three spellings of a date and a serial", "xinghe_content_effect: yyyymmdd",
                           "jd_union_orders: milliseconds"],
    "hourly rows among daily ones": ["juguang_notes: hourly row among daily ones",
                                     "juguang_notes: hourly rows with a clock"],
    "percentages in three ways": ["lingxi_notes: three ways of a percentage",
                                  "data_contracts/test_stated_figures.py::test_a_share_is_one_in_every_way"],
    "grouped and marked numbers": ["juguang_notes: grouped and marked amounts"],
    "万, w and numbers with a plus": ["juguang_notes: 1.2万", "juguang_notes: 12.3w", "lingxi_notes: 10万+"],
    "numbers as text in JSON": ["juguang_notes: numbers as text"],
    "intervals": ["juguang_notes: <100", "xiaohongmeng_content_effect: <10",
                  "data_contracts/test_exports.py::test_intervals_are_kept_apart_from_numbers"],
    "fen, and negative": ["juguang_account_flow: fen", "juguang_account_flow: negative amounts",
                          "pugongying_api_notes: prices in fen"],
    "ids that a spreadsheet rounded": ["qianniu_orders: id rounded by a spreadsheet",
                                       "pipelines/test_check.py::test_order_numbers_that_all_end_in_zeros_are_told_and_taken",
                                       "taobao_alliance_orders: ids that are numbers among ids that are text"],
    "counts since publication": ["pugongying_notes: cumulative counts",
                                 "pipelines/test_identities.py::test_an_identity_is_told_where_it_does_not_hold"],
    "pages and snapshots that repeat": ["jd_union_orders: page that was sent twice",
                                        "taobao_alliance_orders: two versions of a line"],
    "9.11 after 9.8": ["pipelines/test_samples.py::test_the_higher_version_wins_not_the_newer_file_time"],
    "zero spend and blanks": ["juguang_notes: zero spend"],
    "impossible values": ["juguang_notes: more clicks than impressions", "juguang_notes: clicks without impressions"],
    "time zone": ["juguang_notes: an instant in UTC that is the next day in Shanghai",
                  "pipelines/test_intake.py::test_a_business_date_is_that_of_shanghai"],
    "locked and half-written files": ["pipelines/test_landing.py::test_a_workbook_that_is_open_is_left_alone",
                                      "pipelines/test_landing.py::test_a_file_that_changes_while_it_is_read"],
    "headers and no rows": ["juguang_notes: headers and no rows"],
    "hostile text": ["juguang_notes: hostile titles", "pipelines/test_hostile.py::test_hostile_text_is_text"],
    "text pasted after the data": ["juguang_notes: text pasted after the data"],
    "life cycles of orders": ["jd_union_orders: split parent beside its children", "jd_union_orders: deposit",
                              "jd_union_orders: invalid for commission", "jd_union_orders: returned units",
                              "taobao_alliance_orders: closed after payment"],
    "two cycles": ["xinghe_content_effect: two cycles of one note"],
    "personal data": ["qianniu_orders: personal data",
                      "pipelines/test_samples.py::test_names_and_addresses_of_buyers_are_kept_nowhere"],
    "bombs": ["pipelines/test_hostile.py::test_a_bomb_is_refused_in_bounded_memory",
              "pipelines/test_hostile.py::test_ten_megabytes_in_a_cell"],
}  # fmt: skip


def shown(place: str) -> bool:
    if "::" in place:
        file, name = place.split("::")
        return re.search(rf"^def {name}", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE) is not None
    export, words = place.split(": ", 1)
    samples = yaml.safe_load((TESTS / "samples" / export / "expected.yaml").read_text(encoding="utf-8"))
    return any(words in map(str, sample["traits"]) for sample in samples.values())


@pytest.mark.parametrize("trait", TRAITS)
def test_a_trait_is_shown_where_the_table_says(trait: str) -> None:
    assert [place for place in TRAITS[trait] if not shown(place)] == []


def test_columns_whose_label_says_too_little_are_not_used() -> None:
    """Three things go by nearly one name, and one name stands for a cost in one place and for a value in another."""
    unclear = ["行业商品进店量30日", "店铺访问量(15日)", "小红星站外活跃UV", "external_goods_order_price_30"]
    headers = ["时间", "笔记ID", "消费", "展现量", "点击量", *unclear]
    for mapping in (m for m in mappings() if m.export == "juguang_notes"):
        assert fit(headers, mapping).unused == unclear
