"""What people wrote becomes classes before anything is stored: a text may hold a name, a number, an address."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from data_contracts.parsing import as_text, known
from data_contracts.systems import text_patterns

if TYPE_CHECKING:
    import polars as pl


def in_class(raw: pl.Series, text_class: str, /) -> pl.Series:
    """Whether each text (Boolean) matches a pattern of the class; null where there is no text.

    Patterns stand in `data_contracts/reference/text_patterns.csv`; raises KeyError for a class that has none.
    """
    return as_text(known(raw)).str.contains(pattern_of(text_class))


@cache
def pattern_of(text_class: str, /) -> str:
    """One regular expression for all patterns of the class, which polars and DuckDB read alike."""
    patterns = text_patterns().filter(text_class=text_class)["pattern"].to_list()
    if not patterns:
        known_classes = text_patterns()["text_class"].unique().sort().to_list()
        raise KeyError(f"there is no class of texts {text_class!r}; the classes are {', '.join(known_classes)}")
    return "|".join(f"(?:{pattern})" for pattern in patterns)
