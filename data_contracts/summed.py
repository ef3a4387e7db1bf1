"""Total rows that exports write among their data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import contract
from data_contracts.mapping import headers_of, normalised

if TYPE_CHECKING:
    from data_contracts.contract import Field
    from data_contracts.mapping import Mapping

# 合计, 合计汇总, 合计1条记录, 总计: 12 条
TOTAL = r"^(合计|总计|小计|汇总)(汇总|数据|[:：]?\s*[0-9,]+\s*条(记录|数据)?)?$"
SUSPECT = ["合计", "总计", "小计", "汇总"]
# 笔记ID, unit_id, 订单编号: what names a row, also where the mapping does not use it.
NAMES_A_ROW = r"(id|编号|单号|日期|时间)$"


def total_rows(frame: pl.DataFrame, mapping: Mapping, /) -> pl.Series:
    """Which rows of a file (Boolean) are totals: those with such a word in a column that names its rows.

    These are the first column, columns of keys, ids and dates; a title that reads 合计 makes no row a total.
    """
    feed = contract(mapping.feed)
    naming = headers_of(mapping, [f.name for f in feed.fields if _names_a_row(f)])
    texts = headers_of(mapping, [f.name for f in feed.fields if not _names_a_row(f)]) - naming
    columns = [c for c in frame.columns if not c.startswith("_")]
    wanted = [
        c
        for at, c in enumerate(columns)
        if frame.schema[c] == pl.String
        and normalised(c) not in texts
        and (at == 0 or normalised(c) in naming or re.search(NAMES_A_ROW, normalised(c)))
    ]
    wanted = [c for c in wanted if _beyond_ascii(frame[c]) and frame[c].str.contains_any(SUSPECT).any()]
    if not wanted:
        return pl.Series([False]).new_from_index(0, frame.height)
    found = [pl.col(c).str.strip_chars().str.contains(TOTAL).fill_null(False) for c in wanted]
    return frame.select(pl.any_horizontal(found)).to_series()


def _beyond_ascii(text: pl.Series) -> bool:
    """Whether any character of it is none of ASCII, as those words are not: much sooner seen than the words."""
    return bool((text.str.len_bytes() != text.str.len_chars()).any())


def _names_a_row(field: Field) -> bool:
    return field.key or field.identifier or field.personal or field.physical_type in ("DATE", "TIMESTAMPTZ")
