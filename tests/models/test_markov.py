"""Markov attribution against brute force, its laws, and a known truth."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.credits import credits  # noqa: A004
from models.encoded import encode
from models.markov import (
    SingularChainError,
    TransitionSum,
    markov,
    markov_effects,
    markov_shares,
    markov_transition_effects,
    markov_transitions,
    markov_weight,
)
from models.markov.bounded import bounded_effects
from models.markov.chain import count_chain, steps_of
from models.markov.exact import exact_effects
from models.markov.stepwise import stepwise_effects
from models.paths import paths_from_aggregated

Journeys = list[tuple[list[str], int, float, int]]
NOTES = "ABCDE"
journeys = st.lists(
    st.tuples(
        st.lists(st.sampled_from(NOTES), max_size=7),
        st.integers(0, 4),
        st.integers(0, 90).map(float),
        st.integers(0, 4),
    ).map(lambda row: (row[0], row[1], row[2] * (row[1] > 0), row[3])),
    max_size=8,
)
orders = st.sampled_from([1, 2, 3])
removals = st.sampled_from(["null", "fail"])
NEAR = {"rel": 1e-9, "abs": 1e-11}


def frames(rows: Journeys) -> tuple[pl.DataFrame, pl.DataFrame]:
    return paths_from_aggregated(
        pl.DataFrame(
            rows,
            schema={
                "path": pl.List(pl.String),
                "total_conversions": pl.Int64,
                "total_conversion_value": pl.Float64,
                "total_null": pl.Int64,
            },
            orient="row",
        )
    )


def column(frame: pl.DataFrame, value: str = "removal_effect") -> dict[str, float]:
    return dict(frame.select("note_id", value).iter_rows())


def conversion(rows: Journeys, order: int, *, without: str | None = None, value: bool = False) -> float:
    """P(conversion) or expected value from the start, states and transitions counted and solved afresh."""
    counts: dict[tuple, dict[tuple, float]] = {}
    worth: dict[tuple, float] = {}
    for path, won, amount, lost in rows:
        if not path or not won + lost:
            continue
        size = min(order, len(path))
        states = [tuple(path[i : i + size]) for i in range(len(path) - size + 1)]
        chain = [("start",), *states]
        for here, there in zip(chain, [*states, None], strict=True):
            onward = counts.setdefault(here, {})
            if there is not None:
                onward[there] = onward.get(there, 0) + won + lost
            else:
                onward["end"] = onward.get("end", 0) + won + lost
                worth[here] = worth.get(here, 0) + (amount if value else won)
    index = {state: i for i, state in enumerate(counts)}
    matrix, ends = np.eye(len(index)), np.zeros(len(index))
    for here, onward in counts.items():
        if here[0] != "start" and without in here:
            continue
        total = sum(onward.values())
        ends[index[here]] = worth.get(here, 0) / total
        for there, weight in onward.items():
            if there != "end" and without not in there:
                matrix[index[here], index[there]] -= weight / total
    return float(np.linalg.solve(matrix, ends)[index[("start",)]]) if index else 0.0


def brute_force(rows: Journeys, order: int, *, value: bool = False) -> dict[str, float]:
    whole = conversion(rows, order, value=value)
    notes = {note for path, *_ in rows for note in path}
    return {
        note: 1 - conversion(rows, order, without=note, value=value) / whole if whole > 0 else 0.0 for note in notes
    }


@given(journeys, orders)
@settings(max_examples=200, deadline=None)
def test_removal_effects_against_brute_force(rows: Journeys, order: int) -> None:
    found = markov_effects(*frames(rows), order=order)
    assert column(found) == pytest.approx(brute_force(rows, order), **NEAR)
    assert column(found, "value_effect") == pytest.approx(brute_force(rows, order, value=True), **NEAR)


@given(journeys, orders)
@settings(deadline=None)
def test_larger_chains_are_within_their_bounds(rows: Journeys, order: int) -> None:
    exact = column(markov_effects(*frames(rows), order=order))
    found = markov_effects(*frames(rows), order=order, exact_states=0)
    errors = column(found, "removal_effect_error")
    for note, effect in column(found).items():
        assert abs(effect - exact[note]) <= errors[note] + 1e-9
    if order > 1:
        assert max(errors.values(), default=0.0) <= 1e-6


@given(journeys, orders, removals, st.booleans())
@settings(deadline=None)
def test_conserves_and_is_never_negative(rows: Journeys, order: int, removal: str, with_nulls: bool) -> None:
    found = markov(*frames(rows), order=order, removal=removal, with_nulls=with_nulls)
    won = sum(won for path, won, *_ in rows if path)
    assert found["conversions"].sum() == pytest.approx(won, rel=1e-12)
    assert found["revenue"].sum() == pytest.approx(sum(value for path, _, value, _ in rows if path), rel=1e-12)
    values = found.select("conversions", "revenue", "removal_effect").to_numpy()
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert set(found["note_id"]) == {note for path, *_ in rows for note in path}


@given(
    journeys, orders, st.sampled_from(["null", "fail", "fail_refit", "detour"]), st.permutations(NOTES), st.randoms()
)
@settings(deadline=None)
def test_relabelling_and_row_order(rows: Journeys, order: int, removal: str, names: list[str], random: object) -> None:
    new = dict(zip(NOTES, names, strict=True))
    relabelled = [([new[note] for note in path], *rest) for path, *rest in rows]
    random.shuffle(relabelled)
    expected = column(markov_effects(*frames(rows), order=order, removal=removal))
    found = column(markov_effects(*frames(relabelled), order=order, removal=removal))
    assert found == pytest.approx({new[note]: effect for note, effect in expected.items()}, **NEAR)


@given(journeys, orders, removals)
@settings(deadline=None)
def test_untouched_conversion_changes_nothing(rows: Journeys, order: int, removal: str) -> None:
    more = [*rows, ([], 3, 30.0, 1)]
    options = {"order": order, "removal": removal}
    assert markov(*frames(more), **options).equals(markov(*frames(rows), **options))


@given(journeys)
@settings(deadline=None)
def test_repeats_in_a_row_change_nothing_at_order_one(rows: Journeys) -> None:
    repeated = [([note for note in path for _ in range(2)], *rest) for path, *rest in rows]
    assert column(markov_effects(*frames(repeated))) == pytest.approx(column(markov_effects(*frames(rows))), **NEAR)


def refitted(rows: Journeys, note: str, order: int, removal: str) -> float:
    """The published strategies as they are described: change the journeys, count the chain again, solve it."""

    def states(path: list[str]) -> list[tuple[str, ...]]:
        size = min(order, len(path))
        return [tuple(path[i : i + size]) for i in range(len(path) - size + 1)]

    changed = []
    for path, won, value, lost in (row for row in rows if row[0] and row[1] + row[3]):
        if removal == "detour":
            rest, won_then = states([other for other in path if other != note]), won
        else:
            rest = [state for state in states(path) if note not in state]
            won_then = 0 if note in path else won
        if not rest and removal == "fail":
            rest = [("nothing",)]
        if rest and rest != [()]:
            changed.append(([str(state) for state in rest], won_then, value, won + lost - won_then))
    if not changed:
        return 1.0
    whole = conversion(rows, order)
    rate = conversion(changed, 1)
    return (rate / whole - 1 if removal == "detour" else 1 - rate / whole) if whole else 0.0


@given(journeys, orders, st.sampled_from(["fail", "fail_refit", "detour"]))
@settings(max_examples=200, deadline=None)
def test_closed_forms_against_refitted_chains(rows: Journeys, order: int, removal: str) -> None:
    if not sum(won for path, won, *_ in rows if path):
        return
    found = column(markov_effects(*frames(rows), order=order, removal=removal))
    expected = {note: refitted(rows, note, order, removal) for note in found}
    assert found == pytest.approx(expected, **NEAR)


def test_effects_of_both_signs_have_no_shares() -> None:
    # Without B the rate rises, without A it falls.
    found = markov(*frames([(["A"], 1, 10.0, 0), (["B"], 0, 0.0, 1)]), removal="fail_refit")
    assert column(found) == {"A": 1.0, "B": -1.0}
    assert column(found, "conversions") == {"A": None, "B": None}
    assert column(found, "revenue") == {"A": None, "B": None}


# Edges


@pytest.mark.parametrize("order", [1, 2, 3])
def test_nothing_at_all(order: int) -> None:
    found = markov(*frames([]), order=order)
    assert found.rows() == []
    assert found.columns == ["note_id", "conversions", "revenue", "removal_effect"]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_one_state_only(order: int) -> None:
    assert markov(*frames([(["A"], 3, 30.0, 5)]), order=order).rows() == [("A", 3.0, 30.0, pytest.approx(1.0))]


@pytest.mark.parametrize("order", [1, 2])
def test_none_converts_and_zero_revenue(order: int) -> None:
    assert markov(*frames([(["A", "B"], 0, 0.0, 5)]), order=order).rows() == [("A", 0, 0, 0), ("B", 0, 0, 0)]
    free = markov(*frames([(["A", "B"], 2, 0.0, 5)]), order=order, revenue_by="value")
    assert free["revenue"].to_list() == [0.0, 0.0]
    assert free["conversions"].sum() == pytest.approx(2.0)


def test_all_convert_or_null_left_out_gives_the_chance_to_meet_the_note() -> None:
    rows = [(["A", "B"], 1, 1.0, 0), (["B"], 3, 3.0, 0)]
    assert column(markov(*frames(rows))) == pytest.approx({"A": 0.25, "B": 1.0})
    nulls = [(*row[:3], 9) for row in rows] + [(["A"], 0, 0.0, 50)]
    assert column(markov(*frames(nulls), with_nulls=False)) == pytest.approx({"A": 0.25, "B": 1.0})


@pytest.mark.parametrize("exact_states", [0, 100])
def test_disconnected_note_stays_with_nothing(exact_states: int) -> None:
    rows = [(["A", "B"], 1, 9.0, 2), (["lost", "A"], 0, 0.0, 0), (["B", "C"], 2, 3.0, 1), (["D"], 1, 1.0, 1)]
    found = markov(*frames(rows), exact_states=exact_states)
    assert found.filter(pl.col("note_id") == "lost").rows() == [("lost", 0.0, 0.0, 0.0)]


def test_names_may_hold_any_character() -> None:
    rows = [(["a > b", "(start)"], 1, 9.0, 0), (["a > b"], 0, 0.0, 1), (["", " > ", "笔记"], 1, 1.0, 0)]
    found = markov(*frames(rows))
    assert found["note_id"].to_list() == [" > ", "(start)", "a > b", "笔记"]


def test_absorbing_loop_is_reported_with_its_states() -> None:
    table = pl.DataFrame(
        [("(start)", "A", 1.0), ("A", "(conversion)", 0.5), ("A", "B", 0.5), ("B", "C", 1.0), ("C", "B", 1.0)],
        schema=["from_state", "to_state", "weight"],
        orient="row",
    )
    with pytest.raises(SingularChainError, match=r"2 of 4 states lead neither .*: B, C\. I − Q is singular"):
        markov_transition_effects(table)
    with pytest.raises(SingularChainError, match="B, C"):
        markov_transition_effects(table.lazy()).collect()


def test_loop_that_no_journey_enters_has_no_effect() -> None:
    table = pl.DataFrame(
        [("(start)", "A", 1.0), ("A", "(conversion)", 1.0), ("B", "C", 1.0), ("C", "(null)", 1.0)],
        schema=["from_state", "to_state", "weight"],
        orient="row",
    )
    assert column(markov_transition_effects(table)) == {"A": 1.0, "B": 0.0, "C": 0.0}


def test_state_without_a_way_on_is_reported() -> None:
    table = pl.DataFrame(
        [("(start)", "A", 0.5), ("(start)", "end of file", 0.5), ("A", "(conversion)", 1.0)],
        schema=["from_state", "to_state", "weight"],
        orient="row",
    )
    with pytest.raises(SingularChainError, match=r"1 of 3 states lead neither .*: end of file"):
        markov_transition_effects(table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": 4}, "order must be 1, 2 or 3, got 4"),
        ({"removal": "void"}, "removal must be one of null, fail, fail_refit, detour, got 'void'"),
        ({"revenue_by": "luck"}, "revenue_by must be conversions or value, got 'luck'"),
    ],
)
def test_unknown_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        markov(*frames([]), **options)


def test_lazy_in_gives_lazy_out_and_many_at_once() -> None:
    paths, weights = frames([(["A", "B"], 1, 9.0, 2), (["B", "C"], 2, 3.0, 1)])
    lazy = [markov(paths.lazy(), weights.lazy(), order=order) for order in (1, 2, 3)]
    assert all(frame.collect_schema()["removal_effect"] == pl.Float64 for frame in lazy)
    together = pl.collect_all([frame for frame in lazy for _ in range(4)])
    for k, order in enumerate((1, 2, 3)):
        assert together[4 * k].equals(markov(paths, weights, order=order))


def test_any_level() -> None:
    paths, weights = frames([(["A", "B"], 1, 9.0, 2), (["C"], 2, 3.0, 1)])
    levels = paths.with_columns(creator=pl.col("note_id").replace({"A": "x", "B": "x", "C": "y"}))
    assert markov(levels, weights, touch_column="creator")["creator"].to_list() == ["x", "y"]


# Shares


@given(journeys)
@settings(deadline=None)
def test_shares_of_a_journey_sum_to_one(rows: Journeys) -> None:
    paths, weights = frames(rows)
    shares = markov_shares(paths, markov(paths, weights))
    assert (shares["share"] >= 0).all()
    sums = shares.group_by("journey_id").agg(pl.col("share").sum())["share"].to_list()
    assert sums == pytest.approx([1.0] * paths["journey_id"].n_unique(), rel=1e-12)


def test_shares_need_effects_of_one_sign() -> None:
    effects = pl.DataFrame({"note_id": ["A"], "removal_effect": [-0.5]})
    with pytest.raises(ValueError, match="1 of 1 removal effects are negative"):
        markov_shares(frames([(["A"], 1, 1.0, 0)])[0], effects)


@given(journeys)
@settings(deadline=None)
def test_weights_as_a_rule_are_the_shares(rows: Journeys) -> None:
    paths, weights = frames(rows)
    effects = markov(paths, weights)
    shares = markov_shares(paths, effects).group_by("journey_id", "note_id").agg(pl.col("share").sum())
    known = {"lane": pl.lit("x"), "kind": pl.lit("impression"), "age": pl.duration(days=1), "direct": True}
    steps = paths.with_columns(conversion_id="journey_id", **known)
    found = credits(steps, models={"markov": partial(markov_weight, effects=effects)})
    assert {(row[0], row[1]): row[2] for row in found.select("conversion_id", "note_id", "markov").rows()} == (
        pytest.approx({(row[0], row[1]): row[2] for row in shares.rows()})
    )


def test_weights_need_effects_of_one_sign() -> None:
    with pytest.raises(ValueError, match="1 of 1 removal effects are negative"):
        markov_weight(effects=pl.DataFrame({"note_id": ["A"], "removal_effect": [-0.5]}))


def test_what_would_take_hours_is_refused_with_the_ways_out() -> None:
    rows = [(list("ABCAB"), 1, 1.0, 1), (list("BCA"), 0, 0.0, 1)]
    encoded = encode(*frames(rows))
    chain = count_chain(encoded, steps_of(encoded, order=2))
    exact, _ = exact_effects(chain)
    found, errors = stepwise_effects(chain, tolerance=1e-9)
    assert np.abs(found - exact).max() <= errors.max() + 1e-12
    with pytest.raises(ValueError, match=r"3 notes pass \d+ states .* Lower the order, credit creators or campaigns"):
        stepwise_effects(chain, tolerance=1e-9, most_work=10)


# Transitions that add up


@given(journeys)
@settings(deadline=None)
def test_a_table_of_transitions_gives_the_same_effects(rows: Journeys) -> None:
    rows = [row for row in rows if row[0] and row[1] + row[3]]
    if not rows:
        return
    whole = markov_transitions(*frames(rows))
    parts = TransitionSum()
    for part in (rows[::2], rows[1::2]):
        parts.add(markov_transitions(*frames(part)))
    summed = parts.result()
    assert dict(zip(summed["from_state", "to_state"].rows(), summed["weight"], strict=True)) == pytest.approx(
        dict(zip(whole["from_state", "to_state"].rows(), whole["weight"], strict=True))
    )
    expected = column(markov_effects(*frames(rows)))
    for table in (whole, summed):
        assert column(markov_transition_effects(table)) == pytest.approx(expected, **NEAR)


def test_transitions_of_nothing_and_names_that_are_ends() -> None:
    assert markov_transitions(*frames([])).rows() == []
    with pytest.raises(ValueError, match=r"1 touches are named like an end of journeys: \(null\)"):
        markov_transitions(*frames([(["(null)"], 1, 1.0, 0)]))


# A known truth


def test_recovers_the_chain_that_made_the_journeys() -> None:
    rng = np.random.default_rng(11)
    names = ["A", "B", "C", "D"]
    truth = rng.dirichlet([0.8] * 6, 5)  # rows: start and the notes; columns: the notes, conversion, null
    truth[0, 4:] = 0
    truth[0] /= truth[0].sum()
    ends = [*names, "(conversion)", "(null)"]
    table = pl.DataFrame(
        [(a, b, float(truth[i, j])) for i, a in enumerate(["(start)", *names]) for j, b in enumerate(ends)],
        schema=["from_state", "to_state", "weight"],
        orient="row",
    )
    rows = []
    for _ in range(20_000):
        path, state = [], 0
        while state < 5:
            step = int(rng.choice(6, p=truth[state]))
            if step >= 4:
                rows.append((path, int(step == 4), 0.0, int(step == 5)))
                break
            path.append(names[step])
            state = step + 1
    found, expected = column(markov(*frames(rows))), column(markov_transition_effects(table))
    assert found == pytest.approx(expected, abs=0.02)


# Beyond the exact method


def random_chain(n_notes: int, n_journeys: int, *, clusters: int = 1, seed: int = 3):
    rng = np.random.default_rng(seed)
    touches = rng.geometric(1 / 4.9, n_journeys)
    journey = np.repeat(np.arange(n_journeys), touches)
    popular = np.cumsum(1 / np.arange(1, n_notes // clusters + 1))
    note = np.searchsorted(popular / popular[-1], rng.random(journey.size)) * clusters
    note = note + np.where(
        rng.random(journey.size) < 0.05, rng.integers(clusters, size=journey.size), journey % clusters
    )
    won = (rng.random(n_journeys) < 0.2).astype(float)
    paths = pl.DataFrame({"journey_id": journey, "note_id": note.astype(str), "position": np.arange(journey.size)})
    weights = pl.DataFrame({"journey_id": np.arange(n_journeys), "conversions": won, "value": won, "nulls": 1 - won})
    encoded = encode(paths, weights)
    return count_chain(encoded, steps_of(encoded, order=1))


@pytest.mark.parametrize(
    ("n_notes", "n_journeys", "clusters"), [(600, 30_000, 1), (600, 30_000, 30), (900, 2_000, 1), (900, 900, 90)]
)
@pytest.mark.parametrize("work", [0.0, 1e10])
def test_bounds_hold_and_tighten(n_notes: int, n_journeys: int, clusters: int, work: float) -> None:
    chain = random_chain(n_notes, n_journeys, clusters=clusters)
    exact, _ = exact_effects(chain)
    found, errors = bounded_effects(chain, tolerance=1e-9, work=work)
    assert (np.abs(found - exact) <= errors + 1e-12).all()
    assert np.isfinite(found).all()
    if work:
        assert errors.max() <= 1e-9


def test_bounds_hold_where_nothing_is_left_beside_the_leading_directions() -> None:
    rows = [(["A", "C"], 0, 0.0, 1), (["B"], 1, 1.0, 1)]
    exact = column(markov_effects(*frames(rows)))
    assert column(markov_effects(*frames(rows), exact_states=0)) == pytest.approx(exact, abs=1e-9)


def test_bounds_hold_where_journeys_hardly_end() -> None:
    rows = [(["A", "B"] * 300 + ["C"], 1, 1.0, 0), (["C", "D"], 1, 1.0, 1), (["D", "A"], 0, 0.0, 1)]
    exact = column(markov_effects(*frames(rows)))
    found = markov_effects(*frames(rows), exact_states=0)
    errors = column(found, "removal_effect_error")
    assert all(abs(effect - exact[note]) <= errors[note] + 1e-9 for note, effect in column(found).items())
