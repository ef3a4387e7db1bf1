"""Fen become yuan without losing any."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.marts.yuan import in_yuan


@given(st.lists(st.one_of(st.none(), st.integers(-(10**15), 10**15))))
def test_yuan_are_a_hundredth_of_fen_exactly(fen: list[int | None]) -> None:
    found = in_yuan(pl.DataFrame({"credited_fen": fen}, schema={"credited_fen": pl.Int64}))
    assert found.schema == {"credited_gmv": pl.Decimal(18, 2)}
    assert found["credited_gmv"].to_list() == [None if f is None else Decimal(f) / 100 for f in fen]


def test_a_figure_without_a_name_is_not_shown_under_another() -> None:
    with pytest.raises(KeyError, match="mystery_fen"):
        in_yuan(pl.DataFrame({"mystery_fen": [1]}))
