"""The fitted models against answers of independent programs and published examples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from models.markov import markov, markov_effects, markov_transition_effects
from models.paths import paths_from_aggregated
from models.shapley import shapley, shapley_ordered

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.shared
EXACT = {"rel": 1e-9, "abs": 1e-15}


@pytest.fixture(scope="module")
def conformance(shared_data: Path) -> Path:
    return shared_data / "conformance"


@pytest.fixture(scope="module")
def pathdata(conformance: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    return paths_from_aggregated(pl.read_csv(conformance / "pathdata" / "paths.csv"))


def column(frame: pl.DataFrame, value: str, *, key: str = "note_id") -> dict[str, float]:
    return dict(frame.select(key, value).iter_rows())


@pytest.mark.parametrize("order", [1, 2, 3])
def test_pathdata_markov(conformance: Path, pathdata: tuple[pl.DataFrame, pl.DataFrame], order: int) -> None:
    answers = pl.read_csv(conformance / "pathdata" / "do_attribution_markov_exact.csv")
    found = markov(*pathdata, order=order)
    # The answers are printed with twelve digits.
    assert column(found, "removal_effect") == pytest.approx(
        column(answers, f"order{order}_removal_effect", key="channel_name"), rel=1e-9
    )
    share = found.with_columns(pl.col("conversions") / 19785)
    assert column(share, "conversions") == pytest.approx(
        column(answers, f"order{order}_share", key="channel_name"), rel=1e-9
    )
    assert found["conversions"].sum() == pytest.approx(19785, rel=1e-12)
    assert found["revenue"].sum() == pytest.approx(pathdata[1]["value"].sum(), rel=1e-12)


def test_pathdata_cross_check(conformance: Path, pathdata: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    answers = pl.read_csv(conformance / "pathdata" / "cross_check.csv").rename({"": "channel"})
    chain, game = markov(*pathdata), shapley(*pathdata)
    # Ten significant digits are printed.
    for found, value, answer in [
        (chain, "removal_effect", "re_closed"),
        (chain, "conversions", "conv_exact"),
        (game, "conversions", "shapley_closed"),
    ]:
        assert column(found, value) == pytest.approx(column(answers, answer, key="channel"), rel=1e-9)


@pytest.mark.parametrize(("order", "name"), [(1, "markov"), (2, "markov_order2")])
def test_channelattribution_to_two_percent(
    conformance: Path, pathdata: tuple[pl.DataFrame, pl.DataFrame], order: int, name: str
) -> None:
    """A simulation: channels of fewer than ten conversions are within one conversion, all others within 2 %."""
    answers = pl.read_csv(conformance / "pathdata" / f"channelattribution_{name}_hi_precision.csv")
    found = markov(*pathdata, order=order, revenue_by="value")
    for ours, theirs, one in [("conversions", "total_conversions", 1), ("revenue", "total_conversion_value", 4)]:
        expected = column(answers, theirs, key="channel_name")
        assert column(found, ours) == pytest.approx(expected, rel=0.02, abs=one)


def test_channelattribution_removal_effects(conformance: Path, pathdata: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    answers = pl.read_csv(conformance / "pathdata" / "channelattribution_markov_hi_precision_removal.csv")
    found = markov_effects(*pathdata)
    for ours, theirs in [
        ("removal_effect", "removal_effects_conversion"),
        ("value_effect", "removal_effects_conversion_value"),
    ]:
        assert column(found, ours) == pytest.approx(column(answers, theirs, key="channel_name"), rel=0.02, abs=1e-4)


def test_published_transition_matrix_gives_the_same_effects(
    conformance: Path, pathdata: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    folder = conformance / "pathdata"
    matrix = pl.read_csv(folder / "channelattribution_transition_matrix.csv")
    names = pl.read_csv(folder / "channelattribution_heuristics.csv")["channel_name"]
    table = matrix.select(
        from_state=pl.col("channel_from"),
        to_state=pl.col("channel_to"),
        weight=pl.col("transition_probability"),
    )
    effects = markov_transition_effects(table)
    named = {names[int(number) - 1]: effect for number, effect in effects.select("note_id", "removal_effect").rows()}
    # The published matrix leaves self-loops out; effects do not depend on them.
    assert named == pytest.approx(column(markov(*pathdata), "removal_effect"), rel=1e-9)


def test_bryl(conformance: Path) -> None:
    case = json.loads((conformance / "bryl" / "case.json").read_text())
    paths = pl.DataFrame(case["paths"]).rename(
        {"conversions": "total_conversions", "nulls": "total_null", "value": "total_conversion_value"}
    )
    found = markov(*paths_from_aggregated(paths))
    assert column(found, "removal_effect") == pytest.approx(case["expected"]["removal_effects"], **EXACT)
    assert column(found, "conversions") == pytest.approx(case["expected"]["conversions"], **EXACT)
    assert column(found, "revenue") == pytest.approx(case["expected"]["value"], **EXACT)


@pytest.fixture(scope="module")
def readme(conformance: Path) -> dict:
    return json.loads((conformance / "do_attribution_readme" / "case.json").read_text())


@pytest.fixture(scope="module")
def readme_paths(readme: dict) -> tuple[pl.DataFrame, pl.DataFrame]:
    return paths_from_aggregated(
        pl.DataFrame({"path": readme["journeys"], "total_conversions": readme["converted"]}).with_columns(
            total_null=1 - pl.col("total_conversions")
        )
    )


@pytest.mark.parametrize(
    ("run", "options"),
    [
        ("markov_redirect_to_null", {}),
        ("markov_fail", {"removal": "fail"}),
        ("markov_fail_refit", {"removal": "fail_refit"}),
        ("markov_detour", {"removal": "detour"}),
        ("markov_order2", {"order": 2}),
    ],
)
def test_four_removal_strategies(readme: dict, readme_paths: tuple, run: str, options: dict) -> None:
    expected = readme["run"][run]
    found = markov(*readme_paths, **options)
    assert column(found, "removal_effect") == pytest.approx(expected["removal_effects"], rel=1e-9, abs=1e-12)
    if expected["attribution"] is None:
        assert found["conversions"].null_count() == found.height
    else:
        share = found.with_columns(pl.col("conversions") / found["conversions"].sum())
        assert column(share, "conversions") == pytest.approx(expected["attribution"], **EXACT)


def test_ordered_shapley_sums_to_shapley(pathdata: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    by_position = shapley_ordered(*pathdata, by_position=True).group_by("note_id").agg(pl.col("conversions").sum())
    assert column(by_position, "conversions") == pytest.approx(column(shapley(*pathdata), "conversions"), **EXACT)
