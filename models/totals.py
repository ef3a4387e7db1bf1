"""Totals: what each note earned over all journeys, by all rules in one pass, or by any model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy import sparse

from models.deferred import deferred
from models.encoded import RESULT, encode, result
from models.register import MODELS, RULES, is_additive
from models.runs import occurrences, starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Executor

    from numpy.typing import NDArray

    from models.encoded import Encoded
    from models.frames import AnyFrame, Frame
    from models.money import Ints
    from models.register import Rule

#: What `attribute` runs unless told otherwise: every model that needs no option.
ATTRIBUTED = tuple(name for name, model in MODELS.items() if model.needs != "weights")

#: What stands for columns that rules read and paths may lack.
_MISSING = {"kind": pl.lit(None, pl.String), "organic": pl.lit(value=False)}

#: Rules compare touches of one journey, so that any instant will do to count ages from.
_AGE = (-pl.col("occurred_at").dt.epoch("us")).cast(pl.Duration("us")).alias("age")


def rule_totals(
    paths: Frame, journeys: AnyFrame, /, *, rules: Mapping[str, Rule] = RULES, touch_column: str = "note_id"
) -> Frame:
    """What each note earned by every rule, in one pass over the journeys.

    `credit(c) = Σ over journeys of conversions · share(c)`, the share as in `models.credits.credits`, and revenue
    likewise. Conservation: by an additive rule credits sum to the conversions, and the revenue, of the journeys that
    have a touch; none is negative. Journeys that did not convert count for nothing; a journey without touches stays
    unattributed; a note that earned nothing keeps its row with 0.

    Args:
        paths: `journey_id`, the touch column, `position` (see `models.paths`); `occurred_at` (Datetime or Date), or
            `age` (Duration), where a rule asks for times; `kind` and `organic` where known: without `kind` last click
            is last touch, without `organic` so is last non-organic.
        journeys: `journey_id`, `conversions`, `value`, `nulls`.
        rules: Name → rule. Options are given by `functools.partial`.
        touch_column: What a touch is of: note, creator, campaign, category, lane.

    Returns:
        In the order of `rules`, then by name: `model`, the touch column (String), `conversions`, `revenue` (Float64,
        the unit of `value`), `removal_effect` (null).

    Raises:
        ValueError: a weight is null, not finite or negative, a journey id occurs twice, or a rule reads a column that
            the paths lack, such as times.

    >>> from models.paths import paths_from_aggregated
    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["A > B > A", "C"],
    ...     "total_conversions": [6, 0], "total_conversion_value": [60.0, 0.0], "total_null": [0, 9]}))
    >>> rule_totals(paths, journeys, rules={"linear": RULES["linear"]}).rows()
    [('linear', 'A', 4.0, 40.0, None), ('linear', 'B', 2.0, 20.0, None), ('linear', 'C', 0.0, 0.0, None)]
    """
    schema = {"model": pl.String(), touch_column: pl.String(), **RESULT}

    def compute() -> pl.DataFrame:
        columns = paths.lazy().collect_schema()
        known = [name for name in ("kind", "organic", "age", "occurred_at") if name in columns]
        encoded = encode(paths, journeys, touch_column=touch_column, with_nulls=False, columns=known)
        walked = _Walked.through(encoded)
        # Threads add up what polars does not: none of them uses it, see `models.deferred.on_own_thread`.
        with ThreadPoolExecutor() as threads:
            weights = walked.weights(rules, threads)
            earned = list(threads.map(walked.earned, map(weights.get, rules), map(is_additive, rules.values())))
        if not earned:
            return pl.DataFrame(schema=schema)
        conversions, revenue = np.concatenate(earned).T
        totals = result(pl.concat([encoded.notes] * len(rules)), conversions=conversions, revenue=revenue)
        model = pl.Series("model", list(rules)).gather(np.arange(totals.height) // encoded.notes.len())
        return totals.insert_column(0, model)

    return deferred(compute, paths, schema=schema)


def attribute(
    paths: Frame,
    journeys: AnyFrame,
    /,
    *,
    models: Iterable[str] = ATTRIBUTED,
    touch_column: str = "note_id",
) -> Frame:
    """What each note earned by each of the named models, with their default options.

    Args:
        paths: As for `rule_totals` and `models.data_driven`.
        journeys: `journey_id`, `conversions`, `value`, `nulls`.
        models: Names of `models.register.MODELS`.
        touch_column: What a touch is of.

    Returns:
        One row per model and note: `model`, the touch column, `conversions`, `revenue`, `removal_effect` (null where
        a model has none), in the order of `models`, then by name.

    Raises:
        ValueError: a model is unknown or has an option without a default, or as the models themselves.

    >>> from models.paths import paths_from_aggregated
    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["A > B"], "total_conversions": [2]}))
    >>> attribute(paths, journeys, models=["last_touch", "markov"]).select("model", "note_id", "conversions").rows()
    [('last_touch', 'A', 0.0), ('last_touch', 'B', 2.0), ('markov', 'A', 1.0), ('markov', 'B', 1.0)]
    """
    models = list(models)
    if unknown := [name for name in models if name not in ATTRIBUTED]:
        raise ValueError(f"models must be of {', '.join(ATTRIBUTED)}, got {', '.join(map(repr, unknown))}")
    rules = {name: MODELS[name].function for name in models if MODELS[name].kind == "rule"}
    schema = {"model": pl.String(), touch_column: pl.String(), **RESULT}

    def compute() -> pl.DataFrame:
        by_rules = rule_totals(paths.lazy(), journeys, rules=rules, touch_column=touch_column).collect()
        parts = []
        for name in models:
            if name in rules:
                parts.append(by_rules.filter(pl.col("model") == name))
            else:
                fitted = MODELS[name].function(paths.lazy(), journeys, touch_column=touch_column).collect()
                parts.append(fitted.select(pl.lit(name).alias("model"), pl.all()))
        return pl.concat(parts) if parts else pl.DataFrame(schema=schema)

    return deferred(compute, paths, schema=schema)


@dataclass(frozen=True)
class _Walked:
    """Journeys as rules see them, one after the other, each in its order.

    `touches`: the columns of a journeys frame. `bounds`: where the journeys in it begin, and its end. `won`: how often
    each converted, and for what, journeys × 2.
    """

    encoded: Encoded
    touches: pl.DataFrame
    bounds: Ints
    won: NDArray[np.float64]

    @classmethod
    def through(cls, encoded: Encoded) -> _Walked:
        size = encoded.journey.size
        begins = starts(encoded.journey)
        bounds = np.append(begins, size)
        lengths = np.diff(bounds)
        of_journey = pl.DataFrame(
            {
                "conversion_id": encoded.journey,
                "note_id": encoded.note,
                "position": np.arange(1, size + 1, dtype=np.uint32) - np.repeat(begins.astype(np.uint32), lengths),
                "touches": np.repeat(lengths.astype(np.uint32), lengths),
            }
        )
        given = encoded.columns
        touches = of_journey.with_columns(
            *given.iter_columns(),
            *(missing.alias(name) for name, missing in _MISSING.items() if name not in given.columns),
        )
        if "age" not in given.columns and "occurred_at" in given.columns:
            touches = touches.with_columns(_AGE)
        weights = encoded.weights[encoded.journey[begins]]
        won = weights.select("conversions", "value").to_numpy(order="c")
        return cls(encoded, touches, bounds, won)

    def weights(self, rules: Mapping[str, Rule], threads: Executor) -> dict[str, NDArray[np.float64]]:
        """The weight of every touch by every rule; where some rules read repeats, these are counted meanwhile."""
        expressions = {name: rule().cast(pl.Float64).alias(name) for name, rule in rules.items()}
        self._check(expressions)
        later = {name for name, expression in expressions.items() if "repeats" in expression.meta.root_names()}
        counted = threads.submit(occurrences, self.encoded.journey, self.encoded.note) if later else None
        found = self.touches.select(expressions[name] for name in rules if name not in later).get_columns()
        if counted:
            _, repeats = counted.result()
            touches = self.touches.with_columns(repeats=pl.Series(repeats, dtype=pl.UInt32))
            found += touches.select(expressions[name] for name in later).get_columns()
        return {weight.name: weight.to_numpy() for weight in found}

    def _check(self, expressions: Mapping[str, pl.Expr]) -> None:
        known = {*self.touches.columns, "repeats"}
        for name, expression in expressions.items():
            if missing := sorted({*expression.meta.root_names()} - known):
                raise ValueError(
                    f"{name} reads {', '.join(missing)}, which the paths lack: add occurred_at where it is the age, as "
                    "aggregated paths cannot, or leave this rule out"
                )

    def earned(self, weight: NDArray[np.float64], additive: bool, /) -> NDArray[np.float64]:
        """What each note earned of `won`, notes × 2: `Wᵀ (won / W 1)`, W the weights as journeys × notes."""
        shape = (self.bounds.size - 1, self.encoded.notes.len())
        given = sparse.csr_array((weight, self.encoded.note.view(np.int32), self.bounds), shape=shape)
        whole = given @ np.ones(shape[1]) if additive else np.ones(shape[0])
        # A journey in which a rule weighs no touch is credited to none.
        per_weight = np.divide(self.won, whole[:, None], out=np.zeros_like(self.won), where=whole[:, None] > 0)
        found: NDArray[np.float64] = given.T @ per_weight
        return found
