"""Figures that a file states and that follow from its others: recomputed and compared, never stored as truth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from data_contracts.forms import rewritten
from data_contracts.mapping import normalised, numbered, template_parts
from data_contracts.parsing import as_text, known
from data_contracts.rules import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data_contracts.contract import Contract, Field
    from data_contracts.mapping import Mapping, StatedFigure

ROW = "_row"
# Two roundings: of the figure itself, and of those that it is made of.
ROUNDINGS = 1.05
MOST_SHOWN = 3  # totals that a message names


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

    def off(stated: pl.Expr, margin: pl.Expr) -> pl.Expr:
        over = stated - expected
        return (over if figure.at_most else over.abs()) > margin

    wrong = off(pl.col("stated"), pl.col("margin"))
    if figure.share:  # 6.38 may stand for 6.38 %, and a whole number stands for nothing else
        as_percent = off(pl.col("stated") / 100, pl.col("margin") / 100)
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
    """Numbers, as Float64; percentages as shares; null for what is none, and for -1, by which nothing is known."""
    plain = text.str.replace_all("[,，¥￥%\\s元]", "").cast(pl.Float64, strict=False)
    share = pl.when(text.str.contains("%", literal=True)).then(plain / 100).otherwise(plain)
    return pl.select(pl.when(plain != -1).then(share)).to_series()


def _margins(text: pl.Series) -> pl.Series:
    """What the last digit that is printed is worth."""
    decimals = text.str.extract(r"\.([0-9]+)").fill_null("").str.len_chars().cast(pl.Int32)
    worth = pl.lit(10.0).pow(-decimals) * ROUNDINGS
    return pl.select(pl.when(text.str.contains("%", literal=True)).then(worth / 100).otherwise(worth)).to_series()


def joined(found: Iterable[Disagreement], /) -> tuple[Disagreement, ...]:
    """The disagreements of the parts of a file, one for each figure."""
    rows: dict[tuple[str, str], list[int]] = {}
    for name, some, expected in found:
        rows.setdefault((name, expected), []).extend(some)
    return tuple(Disagreement(name, some, expected) for (name, expected), some in rows.items())


class Sums:
    """What the additive columns of a file sum to, added up part by part.

    A column of which a value could not be read has no sum, nor has one without values, nor what users are counted in,
    since users of several rows are the same ones.
    """

    def __init__(self, feed: Contract, /) -> None:
        self._sums: dict[str, Any] = {field.name: None for field in feed.fields if _additive(field)}

    def add(self, part: pl.DataFrame, /) -> None:
        """Add a part, typed as by `parse`."""
        for name in list(self._sums):
            if UNREADABLE + name in part.columns:
                del self._sums[name]
            elif part[name].count():
                self._sums[name] = (self._sums[name] or 0) + part[name].sum()

    def found(self) -> dict[str, Any]:
        """The sum of each column that has one."""
        return {name: value for name, value in self._sums.items() if value is not None}


def unequal_totals(totals: pl.DataFrame, sums: Sums, /) -> list[Disagreement]:
    """Which columns of a file's total rows, typed as by `parse`, are not the sum of its other rows.

    Of several totals one must be it, or all of them together, as where each day has its own.
    """
    return [
        Disagreement(f"total of {name}", totals[ROW].to_list(), f"{summed:,}, found {' and '.join(shown)}")
        for name, summed in sums.found().items()
        if (stated := totals[name].drop_nulls()).len() and summed not in (*stated, stated.sum())
        for shown in [[f"{value:,}" for value in stated.head(MOST_SHOWN)]]
    ]


def _additive(field: Field) -> bool:
    counts = field.physical_type in ("BIGINT", "DECIMAL(18,2)")
    return counts and not (field.key or field.personal or field.name.endswith("_uv") or field.name == "cycle")
