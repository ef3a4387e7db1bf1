"""Figures that a file states and that follow from its others: recomputed and compared, never stored as truth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from data_contracts.forms import rewritten
from data_contracts.mapping import normalised, numbered, template_parts
from data_contracts.parsing import as_text, known
from data_contracts.rules import UNREADABLE

if TYPE_CHECKING:
    from data_contracts.contract import Contract, Field
    from data_contracts.mapping import Mapping, StatedFigure

ROW = "_row"
# Two roundings: of the figure itself, and of those that it is made of.
ROUNDINGS = 1.05


class Disagreement(NamedTuple):
    """A figure that does not follow from the others, and on which rows of the file."""

    name: str
    rows: list[int]
    expected: str

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.rows[:5])) + (", …" if len(self.rows) > 5 else "")
        noun = "rows" if len(self.rows) > 1 else "row"
        return (
            f"{self.name}: {len(self.rows):,} {noun} ({shown}) differ from what follows from the other figures "
            f"({self.expected}); kept as they are, check the export"
        )


def disagreements(frame: pl.DataFrame, mapping: Mapping, /) -> list[Disagreement]:
    """Which of the figures that the mapping names do not follow from the others, within the rounding of the file.

    Args:
        frame: the file's columns under its own headers, and `_row` (Int64).
        mapping: its mapping; a figure or a part of it that the file does not have is passed over.
    """
    spelled = {normalised(c): c for c in frame.columns if not c.startswith("_")}
    found = (_disagreement(frame, spelled, figure, mapping) for figure in mapping.figures)
    return [d for d in found if d is not None and d.rows]


def _disagreement(
    frame: pl.DataFrame, spelled: dict[str, str], figure: StatedFigure, mapping: Mapping
) -> Disagreement | None:
    def column(any_of: list[str]) -> str | None:
        return next((spelled[key] for h in any_of if (key := normalised(numbered(h))) in spelled), None)

    formula = figure.equals or figure.at_most or ""
    parts = [column(any_of) for any_of, _ in template_parts(formula)]
    stated = column(list(figure.headers))
    if stated is None or any(part is None for part in parts):
        return None
    names = iter(range(len(parts)))
    expression = re.sub(r"{[^{}]+}", lambda _: f"p{next(names)}", formula)
    texts = _texts(frame[stated], mapping)
    values = pl.DataFrame(
        [frame[ROW], _numbers(texts).alias("stated"), _margins(texts).alias("margin"),
         texts.str.contains("%", literal=True).fill_null(False).alias("percent"),
         *[_numbers(_texts(frame[part], mapping)).alias(f"p{n}") for n, part in enumerate(parts) if part]],
    )  # fmt: skip
    expected = pl.sql_expr(expression)
    over = pl.col("stated") - expected
    wrong = over > pl.col("margin") if figure.at_most else over.abs() > pl.col("margin")
    if figure.share:  # 6.38 may stand for 6.38 %, and a whole number stands for nothing else
        as_percent = (pl.col("stated") / 100 - expected).abs() > pl.col("margin") / 100
        whole = pl.col("margin") >= 1
        wrong = pl.when("percent").then(wrong).otherwise((wrong | whole) & as_percent)
    rows = values.filter(expected.is_finite() & wrong.fill_null(False))[ROW].to_list()
    relation = "at most " if figure.at_most else ""
    return Disagreement(stated, rows, relation + re.sub(r"[{}]", "", expression_shown(formula, parts)))


def expression_shown(formula: str, parts: list[str | None]) -> str:
    """The formula with the headers that the file has."""
    names = iter(parts)
    return re.sub(r"{[^{}]+}", lambda _: str(next(names)), formula)


def _texts(column: pl.Series, mapping: Mapping) -> pl.Series:
    text = as_text(known(column)).alias(column.name)
    return rewritten(text, "DECIMAL(18,2)", mapping.forms)


def _numbers(text: pl.Series) -> pl.Series:
    """Numbers, as Float64; percentages as shares, null for what is none."""
    plain = text.str.replace_all("[,，¥￥%\\s元]", "").cast(pl.Float64, strict=False)
    return pl.select(pl.when(text.str.contains("%", literal=True)).then(plain / 100).otherwise(plain)).to_series()


def _margins(text: pl.Series) -> pl.Series:
    """What the last digit that is printed is worth."""
    decimals = text.str.extract(r"\.([0-9]+)").fill_null("").str.len_chars().cast(pl.Int32)
    worth = pl.lit(10.0).pow(-decimals) * ROUNDINGS
    return pl.select(pl.when(text.str.contains("%", literal=True)).then(worth / 100).otherwise(worth)).to_series()


def unequal_totals(total: pl.DataFrame, details: pl.DataFrame, feed: Contract, /) -> list[Disagreement]:
    """Which additive columns of a file's one total row are not the sum of its other rows.

    Both frames are typed as by `parse`; a column of which a value could not be read is passed over, as is what users
    are counted in, since users of several rows are the same ones.
    """
    found = []
    for field in filter(_additive, feed.fields):
        (stated,) = total[field.name].to_list()
        unread = details[UNREADABLE + field.name].null_count() < details.height
        if stated is None or unread or not details[field.name].count():
            continue
        if (summed := details[field.name].sum()) != stated:
            found.append(Disagreement(f"total of {field.name}", total[ROW].to_list(), f"{summed:,}, found {stated:,}"))
    return found


def _additive(field: Field) -> bool:
    counts = field.physical_type in ("BIGINT", "DECIMAL(18,2)")
    return counts and not (field.key or field.personal or field.name.endswith("_uv") or field.name == "cycle")
