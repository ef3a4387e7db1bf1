"""Reading a reference table: a CSV file in `reference/`, text unless its reader says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE = Path(__file__).parent / "reference"


def read_table(
    name: str,
    *,
    dates: tuple[str, ...] = (),
    numbers: Mapping[str, pl.DataType | type[pl.DataType]] | None = None,
    flags: tuple[str, ...] = (),
    lists: tuple[str, ...] = (),
) -> pl.DataFrame:
    """The table `reference/<name>.csv`: an empty cell is null, `flags` are true or false, `lists` are parted by |."""
    text = pl.read_csv(REFERENCE / f"{name}.csv", infer_schema=False)
    return text.with_columns(
        *[pl.col(c).str.to_date("%Y-%m-%d") for c in dates],
        *[pl.col(c).cast(t) for c, t in (numbers or {}).items()],
        *[pl.col(c) == "true" for c in flags],
        *[pl.col(c).str.split("|") for c in lists],
    )
