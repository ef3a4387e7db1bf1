"""Total rows that exports write among their data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import contract
from data_contracts.mapping import headers_of, normalised
from data_contracts.parsing import known

if TYPE_CHECKING:
    from data_contracts.contract import Field
    from data_contracts.mapping import Mapping

# Whole words, of which the rest of the cell may only say of how many rows or in which unit: 合计汇总, 本页合计,
# 合计1条记录, 总计：12 条, 合计（3条）, 合计(元), 共计:, Grand Total.
SUSPECT = ["合计", "总计", "小计", "汇总", "共计", "总和", "累计", "平均", "均值"]
AVERAGE = "(?i)平均|均值|average"
LATIN = "((grand|sub)?[ -]?totals?|sum|average)"
BRACKET = r"[(（\[【][^)）\]】]{0,12}[)）\]】]"
TOTAL = (
    rf"(?i)^\s*((本页|当页|全部|所有|整体|账户|总)?({'|'.join(SUSPECT)})(值|数|行|汇总|数据)?"
    rf"\s*([:：]?\s*[0-9,]+\s*[条笔行个项]?(记录|数据|订单|笔记)?)?|{LATIN})\s*({BRACKET})?\s*[:：]?\s*$"
)
SHORTEST, LONGEST_LATIN = 3, 20  # bytes of a cell that begins with a word of LATIN
INITIALS = [("A", "B"), ("G", "H"), ("S", "U"), ("a", "b"), ("g", "h"), ("s", "u")]  # and what comes after them
# 笔记ID, unit_id, 订单编号: what names a row, also where the mapping does not use it.
NAMES_A_ROW = r"(id|编号|单号|日期|时间)$"
AN_ID = r"(id|编号|单号)$"
LONGEST_NOTHING = 7  # bytes of a cell that may say that its id is missing


def total_rows(frame: pl.DataFrame, mapping: Mapping, /) -> pl.Series:
    """Which rows of a file (Boolean) are totals: those with such a word in a column that names its rows.

    These are the first column, columns of keys, ids and dates; a title that reads 合计 makes no row a total, unless
    every id of the row is missing.
    """
    feed = contract(mapping.feed)
    naming = headers_of(mapping, [f.name for f in feed.fields if _names_a_row(f)])
    texts = headers_of(mapping, [*feed.raw, *(f.name for f in feed.fields if not _names_a_row(f))]) - naming
    columns = [c for c in frame.columns if not c.startswith("_")]
    named = [
        c
        for at, c in enumerate(columns)
        if normalised(c) not in texts and (at == 0 or normalised(c) in naming or re.search(NAMES_A_ROW, normalised(c)))
    ]
    found = _with_total(frame, named)
    identifiers = {normalised(h) for f in feed.fields if f.identifier for h in _plain_headers(mapping, f.name)}
    ids = [c for c in named if normalised(c) in identifiers or re.search(AN_ID, normalised(c))]
    nameless = _all_missing(frame, ids)
    if not nameless.any():
        return found
    return found | (nameless & _with_total(frame, [c for c in columns if c not in named]))


def of_sums(totals: pl.DataFrame, /) -> pl.DataFrame:
    """The total rows without those that state averages."""
    texts = [pl.col(c).str.contains(AVERAGE).fill_null(False) for c in totals.columns if totals.schema[c] == pl.String]
    return totals.filter(~pl.any_horizontal(pl.lit(False), *texts))


def _with_total(frame: pl.DataFrame, columns: list[str]) -> pl.Series:
    """Which rows have the word of a total in one of the columns."""
    wanted = [c for c in columns if frame.schema[c] == pl.String and _suspect(frame[c])]
    if not wanted:
        return pl.Series([False]).new_from_index(0, frame.height)
    return frame.select(pl.any_horizontal([pl.col(c).str.contains(TOTAL).fill_null(False) for c in wanted])).to_series()


def _suspect(text: pl.Series) -> bool:
    """Whether a word of a total may stand in it: much sooner seen than where, and nearly always not.

    The words of SUSPECT are beyond ASCII; what begins with a word of LATIN is short, and has its first letter.
    """
    size = text.str.len_bytes()
    if (size != text.str.len_chars()).any() and text.str.contains_any(SUSPECT).any():
        return True
    short = text.filter(size.is_between(SHORTEST, LONGEST_LATIN))
    may = (short < "!") | (short >= "A")  # it begins with a space or a letter, as no number and no date does
    if not may.any():
        return False
    may = short < "!"
    for first, after in INITIALS:
        may = may | ((short >= first) & (short < after))
    return bool(may.any() and short.filter(may).str.contains(rf"(?i)^\s*{LATIN}").any())


def _all_missing(frame: pl.DataFrame, ids: list[str]) -> pl.Series:
    """Which rows have none of the ids."""
    if not all(_may_be_missing(frame[name]) for name in ids):
        return pl.Series([False]).new_from_index(0, frame.height)
    missing = pl.Series([True]).new_from_index(0, frame.height)
    for name in ids:
        missing = missing & known(frame[name]).is_null()
    return missing


def _may_be_missing(column: pl.Series) -> bool:
    if column.null_count():
        return True
    return column.dtype == pl.String and bool((column.str.len_bytes() <= LONGEST_NOTHING).any())


def _plain_headers(mapping: Mapping, name: str) -> list[str]:
    """The headers of a column of the feed, none of those that a template is made of."""
    return [h for columns in mapping.variants if name in columns for h in columns[name].headers]


def _names_a_row(field: Field) -> bool:
    return field.key or field.identifier or field.personal or field.physical_type in ("DATE", "TIMESTAMPTZ")
