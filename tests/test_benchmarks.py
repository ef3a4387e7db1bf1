"""What is timed is what the models compute, at scale as in the plain form, and what stands beside it is the same."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.fitted import simulate
from benchmarks.peers import LEAN_SQL, PACKAGE_SQL, sql
from benchmarks.scale import REFUNDED, everything, journeys_alone
from benchmarks.stored import LAST_DATE, synthesise
from models import RULES, credits, earned, journeys, markov_effects, returns, rollup, rule_totals  # noqa: A004
from models.markov import markov_weight
from models.shapley import shapley_weight

if TYPE_CHECKING:
    from pathlib import Path


def test_category_roi_by_buckets_is_that_of_the_plain_form(tmp_path: Path) -> None:
    synthesise(tmp_path, touches=30_000, conversions=600, buckets=3)
    touches, orders = (pl.read_parquet(tmp_path / f"{name}-*.parquet") for name in ("touches", "conversions"))
    notes, windows, reach, spend = (
        pl.read_parquet(tmp_path / f"{name}.parquet") for name in ("notes", "windows", "reach", "spend")
    )
    found = journeys(touches, orders, notes, windows, reach=reach)
    refunds = orders.gather_every(REFUNDED).select(
        "conversion_id", refund_date="paid_date", refund_fen="paid_fen", borne_by=pl.lit("brand")
    )
    won = orders.select(journey_id="conversion_id", conversions=1, value=1, nulls=0)
    effects = markov_effects(found.rename({"conversion_id": "journey_id"}), won)
    models = {**RULES, "shapley": shapley_weight, "markov": partial(markov_weight, effects=effects)}
    plain = rollup(earned(credits(found, models=models), orders, refunds, models=models, as_of=LAST_DATE))
    expected = returns(plain, spend, notes, windows, level="category", models=models, as_of=LAST_DATE)

    assert journeys_alone(tmp_path) == found.height > 1_000
    assert expected["credited_fen"].sum() > 0
    # Effects of removal agree to rounding, so that a fen may fall to another note of the same order.
    exact = pl.col("model") != "markov"
    result = everything(tmp_path)
    assert_frame_equal(result.filter(exact), expected.filter(exact))
    assert_frame_equal(result.filter(~exact), expected.filter(~exact), check_exact=False, rel_tol=1e-6)


@pytest.mark.parametrize("query", [PACKAGE_SQL, LEAN_SQL], ids=["package", "lean"])
def test_sql_beside_the_rules_gives_what_they_give(query: str) -> None:
    frames = simulate(2_000, 30)
    models = ("first_touch", "last_touch", "linear", "position_based")
    found = pl.DataFrame(sql(query)(frames)(), schema=["note_id", *models], orient="row")
    totals = rule_totals(*frames, rules={name: RULES[name] for name in models})
    expected = totals.pivot("model", index="note_id", values="revenue")
    assert_frame_equal(found, expected, check_row_order=False, check_dtypes=False, rel_tol=1e-9)
