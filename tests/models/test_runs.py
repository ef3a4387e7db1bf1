"""Touches counted by numbers are those that windows by journey and note would count."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from models.runs import occurrences, starts

TOUCHES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=40).map(
    lambda rows: sorted(rows, key=lambda row: row[0])
)


@given(TOUCHES)
def test_occurrences_are_windows_by_journey_and_note(touches: list[tuple[int, int]]) -> None:
    frame = pl.DataFrame(touches, schema={"journey": pl.UInt32, "note": pl.UInt32}, orient="row")
    expected = frame.with_row_index("row").select(
        first=pl.col("row").min().over("journey", "note"), repeats=pl.len().over("journey", "note")
    )
    first, repeats = occurrences(frame["journey"].to_numpy(), frame["note"].to_numpy())
    assert first.tolist() == expected["first"].to_list()
    assert repeats.tolist() == expected["repeats"].to_list()


@given(TOUCHES)
def test_runs_begin_where_a_value_changes(touches: list[tuple[int, int]]) -> None:
    values = np.array([note for _, note in touches], np.int64)
    changes = [row for row in range(values.size) if row == 0 or values[row] != values[row - 1]]
    assert starts(values).tolist() == changes
