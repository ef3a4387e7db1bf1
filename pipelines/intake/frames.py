"""The shape that every reader gives to a landed file."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Item = TypeVar("Item")

ROW = "_row"
BROKEN = "_broken"
IN_ALL = "_in_all"  # how many records a document says there are on all its pages
# What no export needs and what would fill the memory: columns, bytes once unpacked (of a small file in proportion).
MOST_COLUMNS = 5_000
LARGEST_UNPACKED = 2 * 1024**3
LARGEST_RATIO = 200
SMALL = 10_000_000


class UnreadableFileError(ValueError):
    """The file as a whole cannot be read; the message says why and what to do."""


def most_unpacked(packed: int, /, *, at_most: int = LARGEST_UNPACKED) -> int:
    """To how many bytes a packed file may unpack: beyond it, it is a bomb and no export."""
    return min(max(LARGEST_RATIO * packed, SMALL), at_most)


def headed(
    frame: pl.DataFrame, headers: Sequence[str], /, *, first_row: int, broken: pl.Series | None = None
) -> pl.DataFrame:
    """The frame under the file's headers, its rows numbered from `first_row`, with why a row is broken, if it is."""
    named = frame.rename(dict(zip(frame.columns, distinct(headers), strict=True)))
    rows = pl.int_range(first_row, first_row + frame.height, dtype=pl.Int64, eager=True)
    why = pl.lit(None, dtype=pl.String) if broken is None else broken
    return named.with_columns(rows.alias(ROW), why.alias(BROKEN))


def batched(items: Iterable[Item], size: int, /) -> Iterator[list[Item]]:
    """The items in lists of `size`, the last one shorter."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some


def distinct(headers: Sequence[str], /) -> list[str]:
    """Headers that can be columns: a second "x" becomes "x_duplicated_0", as in polars.

    A leading underscore marks the intake's own columns, and a file's header cannot pose as one: it gets an "x".
    Raises UnreadableFileError where there are more than any export has.
    """
    if len(headers) > MOST_COLUMNS:
        raise UnreadableFileError(
            f"it has {len(headers):,} columns, and at most {MOST_COLUMNS:,} are read; export those that are needed"
        )
    given: set[str] = set()
    names = []
    for header in headers:
        wanted = name = f"x{header}" if header.startswith("_") else header
        number = 0
        while name in given:
            name, number = f"{wanted}_duplicated_{number}", number + 1
        given.add(name)
        names.append(name)
    return names


def without_blank_rows(frame: pl.DataFrame, /) -> pl.DataFrame:
    """The rows in which any cell holds something, or whose shape is broken."""
    cells = [pl.col(c) for c in frame.columns if c not in (ROW, BROKEN)]
    filled = [(c.is_not_null() & (c != "")) for c in cells]
    return frame.filter(pl.any_horizontal([pl.col(BROKEN).is_not_null(), *filled]))
