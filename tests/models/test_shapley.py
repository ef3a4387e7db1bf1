"""The Shapley value against its definition."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.credits import credits  # noqa: A004
from models.paths import paths_from_aggregated
from models.shapley import shapley, shapley_ordered, shapley_shares, shapley_weight

Journeys = list[tuple[list[str], int, int]]
journeys = st.lists(
    st.tuples(st.lists(st.sampled_from("ABCDE"), max_size=6), st.integers(0, 5), st.integers(0, 90)), max_size=8
)


def frames(rows: Journeys) -> tuple[pl.DataFrame, pl.DataFrame]:
    return paths_from_aggregated(
        pl.DataFrame(
            rows,
            schema={"path": pl.List(pl.String), "total_conversions": pl.Int64, "total_conversion_value": pl.Int64},
            orient="row",
        )
    )


def credit(frame: pl.DataFrame, value: str = "conversions") -> dict[str, float]:
    return dict(frame.select("note_id", value).iter_rows())


def by_definition(rows: Journeys) -> dict[str, float]:
    """Average marginal contribution over coalitions, with v(S) the conversions of journeys inside S."""
    players = sorted({note for path, _, _ in rows for note in path})
    n = len(players)

    def worth(coalition: set[str]) -> int:
        return sum(won for path, won, _ in rows if path and set(path) <= coalition)

    return {
        player: sum(
            factorial(k) * factorial(n - k - 1) / factorial(n) * (worth({*rest, player}) - worth(set(rest)))
            for k in range(n)
            for rest in combinations([other for other in players if other != player], k)
        )
        for player in players
    }


@given(journeys)
def test_against_the_definition(rows: Journeys) -> None:
    assert credit(shapley(*frames(rows))) == pytest.approx(by_definition(rows), rel=1e-12, abs=1e-12)


@given(journeys)
def test_conserves_and_is_never_negative(rows: Journeys) -> None:
    found = shapley(*frames(rows))
    assert found["conversions"].sum() == pytest.approx(sum(won for path, won, _ in rows if path), rel=1e-12)
    assert found["revenue"].sum() == pytest.approx(sum(value for path, _, value in rows if path), rel=1e-12)
    assert (found.select(pl.col("conversions", "revenue").min() >= 0)).row(0) in [(True, True), (None, None)]
    assert found["removal_effect"].null_count() == found.height


@given(journeys, st.permutations("ABCDE"), st.randoms())
def test_relabelling_and_row_order(rows: Journeys, names: list[str], random: object) -> None:
    new = dict(zip("ABCDE", names, strict=True))
    relabelled = [([new[note] for note in path], won, value) for path, won, value in rows]
    random.shuffle(relabelled)
    expected = {new[note]: amount for note, amount in credit(shapley(*frames(rows))).items()}
    assert credit(shapley(*frames(relabelled))) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(journeys)
def test_untouched_conversion_changes_nothing(rows: Journeys) -> None:
    assert credit(shapley(*frames([*rows, ([], 7, 70)]))) == credit(shapley(*frames(rows)))


@given(journeys)
def test_shares_and_positions_sum_to_the_same(rows: Journeys) -> None:
    paths, weights = frames(rows)
    total = credit(shapley(paths, weights), "revenue")
    shares = shapley_shares(paths)
    assert shares.group_by("journey_id").agg(pl.col("share").sum())["share"].to_list() == pytest.approx(
        [1.0] * paths["journey_id"].n_unique()
    )
    positions = shapley_ordered(paths.lazy(), weights, by_position=True).collect()
    for found in (
        shares.join(weights, on="journey_id").with_columns(revenue=pl.col("share") * pl.col("value")),
        positions,
        shapley_ordered(paths, weights),
    ):
        summed = credit(found.group_by("note_id").agg(pl.col("revenue").sum()), "revenue")
        assert summed == pytest.approx(total, rel=1e-12, abs=1e-12)


def test_recovers_the_game_that_made_the_conversions() -> None:
    rng = np.random.default_rng(2)
    rates = {"A": 0.05, "B": 0.2, "AB": 0.5, "BCD": 0.3, "DA": 0.1}
    won = {path: int(rng.binomial(50_000, rate)) for path, rate in rates.items()}
    found = credit(shapley(*frames([(list(path), n, 0) for path, n in won.items()])))
    truth = {note: 50_000 * sum(rate / len(path) for path, rate in rates.items() if note in path) for note in "ABCD"}
    assert found == pytest.approx(truth, rel=0.03)


def test_position_credits_the_stage() -> None:
    found = shapley_ordered(*frames([(["A", "B", "A"], 4, 40), (["B"], 1, 10)]), by_position=True)
    assert found.drop("removal_effect").rows() == [
        ("A", 1, 1.0, 10.0),
        ("A", 3, 1.0, 10.0),
        ("B", 1, 1.0, 10.0),
        ("B", 2, 2.0, 20.0),
    ]


def test_any_level_and_lazy() -> None:
    paths, weights = frames([(["A", "B"], 2, 20), (["C"], 0, 0)])
    levels = paths.with_columns(creator=pl.col("note_id").replace({"A": "x", "B": "x", "C": "y"}))
    found = shapley(levels.lazy(), weights.lazy(), touch_column="creator")
    assert found.collect_schema().names() == ["creator", "conversions", "revenue", "removal_effect"]
    assert found.collect().rows() == [("x", 2.0, 20.0, None), ("y", 0.0, 0.0, None)]


@given(journeys)
def test_weights_as_a_rule_are_the_shares(rows: Journeys) -> None:
    paths, _ = frames(rows)
    shares = shapley_shares(paths).group_by("journey_id", "note_id").agg(pl.col("share").sum())
    known = {"lane": pl.lit("x"), "kind": pl.lit("impression"), "age": pl.duration(days=1), "direct": True}
    steps = paths.with_columns(conversion_id="journey_id", **known)
    found = credits(steps, models={"shapley": shapley_weight}).select("conversion_id", "note_id", "shapley")
    assert {row[:2]: row[2] for row in found.rows()} == pytest.approx({row[:2]: row[2] for row in shares.rows()})
