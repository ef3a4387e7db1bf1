"""The data-driven model: fit and credits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from models.data_driven.features import ANY_RECENCY, RECENCY_DAYS, design_of, kinds_of, touches_of
from models.data_driven.judging import judge
from models.data_driven.model import DataDrivenModel, NoBetterThanBaseRateError
from models.deferred import deferred, on_own_thread
from models.encoded import RESULT
from models.paths import WEIGHTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.frames import AnyFrame, Frame

#: The latest part of the journeys, on which the model is judged.
HELD_OUT = 0.25


def fit_data_driven(
    paths: AnyFrame,
    journeys: AnyFrame,
    /,
    *,
    touch_column: str = "note_id",
    kind_column: str | None = None,
    time_column: str = "occurred_at",
) -> DataDrivenModel:
    """Fit the chance to convert given the touches so far, and judge it out of time.

    A logistic regression (L2, scikit-learn's defaults) on converting and non-converting journeys:

        logit p = α + Σ over kinds k of [β(k) · 1{n(k) > 0} + Σ over recencies r of β(k, r) · log(1 + n(k, r))]
                    + γ · log(1 + repeats)

    n counts the touches of a kind, and of those in a span before the last touch of the journey (`RECENCY_DAYS`: to
    1 day, to 7, above); repeats are touches of notes already met. Recency is to the last touch, not to the
    conversion, which journeys that do not convert lack: so the outcome cannot leak in. The model is fitted on the
    earlier journeys by last touch, judged on the latest quarter (`HELD_OUT`), then fitted on all.

    Source: the regression of Shao and Li (2011), "Data-driven multi-touch attribution models", KDD; counterfactual
    removal as Dalessandro et al. (2012), "Causally motivated attribution for online advertising", ADKDD.

    Args:
        paths: `journey_id`, the touch column, `position`, the time column; the kind column if named.
        journeys: `journey_id`, `conversions`, `value`, `nulls`.
        touch_column: What a touch is of.
        kind_column: What kinds are told apart by: `kind` where `paths` has it, else the touch column.
        time_column: Datetime of the touch.

    Raises:
        ValueError: the time column is missing (as in aggregated paths), or fewer than two journeys of either outcome
            are on either side of the split.
    """
    schema = paths.lazy().collect_schema()
    if time_column not in schema:
        raise ValueError(
            f"paths have no column {time_column!r}: the data-driven model needs the time of every touch, which "
            "aggregated paths lack. Use touches, name the column, or another model"
        )
    kind_column = kind_column or ("kind" if "kind" in schema else touch_column)
    rows = paths.lazy().filter(pl.col(touch_column).is_not_null())
    kinds = kinds_of(rows, kind_column)
    touches = touches_of(rows, touch_column, kind_column, time_column, kinds).collect().lazy()
    weights = (
        journeys.lazy()
        .select("journey_id", *WEIGHTS)
        .join(touches.group_by("journey_id").agg(pl.col("time").max().alias("end")), on="journey_id")
        .filter(pl.col("conversions") + pl.col("nulls") > 0)
        .sort("end", "journey_id")
        .with_row_index("row")
        .collect()
    )
    cells = [(kind, recency) for kind in kinds for recency in range(ANY_RECENCY, len(RECENCY_DAYS) + 1)]
    design = design_of(touches, weights, cells)
    won, lost = weights["conversions"].to_numpy(), weights["nulls"].to_numpy()
    # Journeys of one instant stay on one side: nothing of the test is known while fitting.
    split = int(weights["end"].search_sorted(weights["end"][int(weights.height * (1 - HELD_OUT))])) if won.size else 0
    _check_outcomes(won, lost, split)
    early = on_own_thread(_fit, design[:split], won[:split], lost[:split])
    base = won[:split].sum() / (won[:split].sum() + lost[:split].sum())
    judged = judge(on_own_thread(early.predict_proba, design[split:])[:, 1], won[split:], lost[split:], base)
    final = on_own_thread(_fit, design, won, lost)
    beta = final.coef_[0]
    return DataDrivenModel(
        touch_column=touch_column,
        kind_column=kind_column,
        time_column=time_column,
        kinds=kinds,
        intercept=float(final.intercept_[0]),
        repeats=float(beta[-1]),
        coefficients=pl.DataFrame(
            {"kind": [k for k, _ in cells], "recency": [r for _, r in cells], "coefficient": beta[:-1]},
            schema={"kind": pl.String, "recency": pl.Int32, "coefficient": pl.Float64},
        ),
        **judged,
    )


def data_driven(
    paths: Frame,
    journeys: AnyFrame,
    /,
    *,
    touch_column: str = "note_id",
    kind_column: str | None = None,
    time_column: str = "occurred_at",
) -> Frame:
    """Credits by counterfactual removal from a fitted chance to convert.

    `credit(c) = Σ over journeys of conversions · share(c)`, the shares as in `DataDrivenModel.shares`, of the model
    that `fit_data_driven` fits. Source: Shao and Li (2011), Dalessandro et al. (2012), as named there. Conservation:
    credits sum to the conversions, and to the revenue, of the journeys that have a touch; each is non-negative; a
    journey without touches changes nothing. Limits: what is removed is what the regression knows, so two notes of the
    same kind and recency are worth the same in a journey; the effects are of association, not of an experiment. A
    note without conversions has 0.

    Args:
        paths: As for `fit_data_driven`.
        journeys: As for `fit_data_driven`.
        touch_column: What a touch is of.
        kind_column: What kinds are told apart by.
        time_column: Datetime of the touch.

    Returns:
        Sorted by name: the touch column (String), `conversions`, `revenue` (Float64), `removal_effect` (null: what
        is removed is removed from one journey, not from all).

    Raises:
        NoBetterThanBaseRateError: out of time the model does not beat the rate of the earlier journeys by twice the
            standard error of the difference.
        ValueError: as `fit_data_driven`.

    >>> import numpy as np
    >>> from datetime import datetime, timedelta
    >>> n = np.arange(2000)
    >>> paths = pl.DataFrame({"journey_id": n, "note_id": np.where(n % 2, "A", "B"), "position": 1,
    ...     "occurred_at": [datetime(2026, 9, 1) + timedelta(minutes=int(i)) for i in n]})
    >>> converted = ((n % 2 == 1) & (n % 3 > 0)).astype(float)
    >>> journeys = pl.DataFrame({"journey_id": n, "conversions": converted, "value": converted * 10,
    ...     "nulls": 1 - converted})
    >>> data_driven(paths, journeys).select("note_id", pl.col("conversions", "revenue").round(6)).rows()
    [('A', 667.0, 6670.0), ('B', 0.0, 0.0)]
    """

    def compute() -> pl.DataFrame:
        model = fit_data_driven(
            paths, journeys, touch_column=touch_column, kind_column=kind_column, time_column=time_column
        )
        if not model.better_than_base_rate:
            raise NoBetterThanBaseRateError(
                f"on the latest {HELD_OUT:.0%} of journeys the model's log loss is {model.log_loss:.6f}, that of the "
                f"earlier rate {model.base_log_loss:.6f}: a gain of {model.gain:.2e} ± {model.gain_error:.2e} a "
                "journey, expected more than twice its error. Kinds and recency of touches say nothing about who "
                "converts: use another model, or more journeys"
            )
        credit = (
            model.shares(paths.lazy())
            .join(journeys.lazy().select("journey_id", "conversions", "value"), on="journey_id")
            .group_by(touch_column)
            .agg(
                (pl.col("share") * pl.col("conversions")).sum().alias("conversions"),
                (pl.col("share") * pl.col("value")).sum().alias("revenue"),
            )
        )
        notes = paths.lazy().select(pl.col(touch_column).drop_nulls().unique())
        return (
            notes.join(credit, on=touch_column, how="left")
            .select(
                pl.col(touch_column).cast(pl.String),
                pl.col("conversions", "revenue").fill_null(0.0),
                pl.lit(None, pl.Float64).alias("removal_effect"),
            )
            .sort(touch_column)
            .collect()
        )

    return deferred(compute, paths, schema={touch_column: pl.String(), **RESULT})


def _fit(design: Any, won: NDArray[np.float64], lost: NDArray[np.float64]) -> Any:
    # scikit-learn takes a second to import: only who fits pays for it.
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    outcome = np.repeat([1, 0], won.size)
    weight = np.concatenate([won, lost])
    weighs = weight > 0
    return LogisticRegression(max_iter=1000, tol=1e-8).fit(
        sparse.vstack([design, design]).tocsr()[weighs], outcome[weighs], sample_weight=weight[weighs]
    )


def _check_outcomes(won: NDArray[np.float64], lost: NDArray[np.float64], split: int) -> None:
    counts = {
        f"{side} {outcome}": float(amount[part].sum())
        for side, part in (("earlier", slice(None, split)), ("later", slice(split, None)))
        for outcome, amount in (("converting", won), ("not converting", lost))
    }
    if min(counts.values()) < 2:
        found = ", ".join(f"{name}: {count:.0f}" for name, count in counts.items())
        raise ValueError(
            f"{won.size} journeys with touches ({found}): expected at least 2 of each. The data-driven model learns "
            "from both outcomes over time: add non-converting journeys, or use another model"
        )
