"""No published cell stands for fewer than k people, and none can be worked out from totals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.privacy import only_solutions, suppress

CELLS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.one_of(st.none(), st.integers(0, 40))), max_size=14
)
WITHIN = (("shop",), ("note",), ())


def frame(rows: list[tuple[str, str, int | None]]) -> pl.DataFrame:
    schema = {"shop": pl.String, "note": pl.String, "buyers": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(gmv=pl.col("buyers") * 100)


def suppressed(cells: pl.DataFrame, k: int) -> pl.DataFrame:
    return suppress(cells, count="buyers", figures=["gmv"], within=WITHIN, k=k)


def test_a_small_cell_takes_its_complement_with_it() -> None:
    cells = frame([("a", "x", 3), ("a", "y", 30), ("a", "z", 50), ("b", "x", 20)])
    kept = suppress(cells, count="buyers", figures=["gmv"], within=[["shop"]])
    assert kept["gmv"].to_list() == [None, None, 5000, 2000]
    assert kept["suppressed"].to_list() == [True, True, False, False]


def test_nobody_is_no_secret_and_unknown_stays_unknown() -> None:
    kept = suppress(frame([("a", "x", 0), ("a", "y", None), ("a", "z", 12)]), count="buyers", figures=["gmv"])
    assert kept["gmv"].to_list() == [0, None, 1200]
    assert not kept["suppressed"].any()


@pytest.mark.parametrize("k", [0, -1])
def test_a_threshold_below_one_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="k must be >= 1"):
        suppressed(frame([]), k)


@settings(max_examples=60)
@given(CELLS, st.integers(1, 25))
def test_no_small_cell_is_shown_and_none_follows_from_a_total(rows: list[tuple[str, str, int]], k: int) -> None:
    cells = frame(rows)
    kept = suppressed(cells, k).with_columns(true=cells["buyers"])
    shown = kept.filter(~pl.col("suppressed"))
    assert shown.filter(pl.col("true").is_between(1, k - 1)).is_empty()
    assert shown["gmv"].equals(shown["true"] * 100)
    assert kept.filter("suppressed")["gmv"].null_count() == kept["suppressed"].sum()
    for by in WITHIN:
        for group in kept.partition_by(by) if by and kept.height else [kept]:
            hidden = group.filter("suppressed")
            if hidden.is_empty() or group.filter(~pl.col("suppressed") & (pl.col("true") > 0)).is_empty():
                continue
            assert hidden.height >= 2
            assert hidden["true"].sum() >= k


@given(CELLS)
def test_without_a_threshold_everything_is_shown(rows: list[tuple[str, str, int]]) -> None:
    cells = frame(rows)
    assert suppressed(cells, 1).drop("suppressed").equals(cells)


@given(st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=6, unique=True), min_size=1, max_size=10))
@settings(max_examples=60, deadline=None)
def test_what_follows_from_equations_is_what_their_null_space_cannot_move(equations: list[list[int]]) -> None:
    terms = pl.DataFrame(
        [(at, unknown, 1.0 if unknown % 3 else -1.0) for at, eq in enumerate(equations) for unknown in eq],
        schema={"equation": pl.Int64, "unknown": pl.Int64, "factor": pl.Float64},
        orient="row",
    )
    named = sorted(set(terms["unknown"]))
    matrix = np.zeros((len(equations), 12))
    for at, unknown, factor in terms.iter_rows():
        matrix[at, unknown] = factor
    rank = np.linalg.matrix_rank(matrix)
    follow = {n for n in named if np.linalg.matrix_rank(np.vstack([matrix, np.eye(12)[n]])) == rank}
    assert only_solutions(terms) & set(named) == follow
