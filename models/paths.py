"""Paths: ordered touches of journeys, converting or not, as the fitted models read them.

Two frames go together. `paths` has one row per touch: `journey_id` (String or integer), the touch column (String,
`note_id` unless told otherwise; a null is no touch) and `position` (integer, 1 is the first). `journeys` has one row
per journey: `journey_id`, and Float64 `conversions` (how often it converted), `value` (its revenue) and `nulls` (how
often it did not): 1 and 0 for a single journey, any counts for an aggregated one. A path is rows or a list, never a
joined string, so that a name may hold any character.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like

if TYPE_CHECKING:
    from models.frames import AnyFrame, Frame

#: What each journey carries into a model.
WEIGHTS = ("conversions", "value", "nulls")

_NEW_JOURNEY = pl.col("journey_id").ne_missing(pl.col("journey_id").shift(1))


def treat(paths: Frame, /, *, treatment: str = "whole", touch_column: str = "note_id") -> Frame:
    """Paths with repeats treated in one of four ways, positions counted anew from 1.

    | treatment | A A B A becomes | |
    |---|---|---|
    | `whole` | A A B A | every exposure counts |
    | `collapse` | A B A | repeats in a row are one |
    | `first` | A B | a note counts where it first occurs |
    | `unique` | A B | a set: each note once, in the order of names, so that time carries nothing |

    Args:
        paths: As in this module's text; other columns stay, those of the touch that is kept.
        treatment: One of `TREATMENTS`.
        touch_column: What a touch is of: note, creator, campaign, category, lane.

    Returns:
        The columns of `paths`, sorted by journey and position, `position` UInt32. Rows without touch are left out.

    Raises:
        ValueError: `treatment` is not one of the four.

    >>> path = pl.DataFrame({"journey_id": [1] * 4, "note_id": ["B", "B", "A", "B"], "position": [1, 2, 3, 4]})
    >>> {name: treat(path, treatment=name)["note_id"].to_list() for name in TREATMENTS}
    {'whole': ['B', 'B', 'A', 'B'], 'collapse': ['B', 'A', 'B'], 'first': ['B', 'A'], 'unique': ['A', 'B']}
    """
    if treatment not in TREATMENTS:
        raise ValueError(f"treatment must be one of {', '.join(TREATMENTS)}, got {treatment!r}")
    touch = pl.col(touch_column)
    keep = {
        "whole": pl.lit(value=True),
        "collapse": _NEW_JOURNEY | touch.ne_missing(touch.shift(1)),
        "first": pl.struct("journey_id", touch_column).is_first_distinct(),
        "unique": pl.struct("journey_id", touch_column).is_first_distinct(),
    }
    order = ("journey_id", touch_column) if treatment == "unique" else ("journey_id", "position")
    treated = (
        paths.lazy()
        .filter(touch.is_not_null())
        .sort("journey_id", "position")
        .filter(keep[treatment])
        .sort(*order)
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("journey_id").alias("position"))
    )
    return like(treated, paths)


#: The treatments of repeats in a path.
TREATMENTS = ("whole", "collapse", "first", "unique")


def paths_from_touches(touches: Frame, journeys: AnyFrame, /, *, touch_column: str = "note_id") -> tuple[Frame, Frame]:
    """Paths and journeys from touches and the outcome of each journey.

    A touch belongs to its journey if it is not after the conversion: `occurred_at ≤ converted_at`; a journey that
    did not convert keeps all its touches. Touches of one instant stand in the order of their names, whatever the
    order of rows. Left out: touches without journey, instant or name, and touches of journeys that `journeys` does
    not hold.

    Args:
        touches: `journey_id`, the touch column, `occurred_at`; others stay.
        journeys: `journey_id` (unique), `converted` (Boolean, or 0 and 1), `revenue` (null counts as 0),
            `converted_at` (null: no limit).
        touch_column: What a touch is of.

    Returns:
        `paths` and `journeys` as in this module's text. A journey without touches stays in `journeys`: no model
        credits it.

    Raises:
        ValueError: a journey id is null or occurs twice, or `converted` is null (when collected, if lazy).

    >>> paths, journeys = paths_from_touches(
    ...     pl.DataFrame({"journey_id": ["j"] * 3, "note_id": ["B", "A", "late"], "occurred_at": [1, 1, 9]}),
    ...     pl.DataFrame({"journey_id": ["j"], "converted": [True], "revenue": [99.0], "converted_at": [5]}))
    >>> paths.select("note_id", "position").rows(), journeys.rows()
    ([('A', 1), ('B', 2)], [('j', 1.0, 99.0, 0.0)])
    """
    outcomes = journeys.lazy().map_batches(_check_outcomes)
    converted = pl.col("converted").cast(pl.Float64)
    until = pl.when(converted > 0).then("converted_at").alias("_until")
    paths = (
        touches.lazy()
        .filter(pl.all_horizontal(pl.col("journey_id", touch_column, "occurred_at").is_not_null()))
        .join(outcomes.select("journey_id", until), on="journey_id")
        .filter((pl.col("occurred_at") <= pl.col("_until")).fill_null(value=True))
        .sort("journey_id", "occurred_at", touch_column)
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("journey_id").alias("position"))
        .drop("_until")
    )
    weights = outcomes.select(
        "journey_id",
        converted.alias("conversions"),
        (pl.col("revenue").cast(pl.Float64).fill_null(0.0) * converted).alias("value"),
        (1.0 - converted).alias("nulls"),
    )
    return like(paths, touches), like(weights, touches)


def paths_from_aggregated(
    aggregated: Frame, /, *, separator: str = " > ", touch_column: str = "note_id"
) -> tuple[Frame, Frame]:
    """Paths and journeys from aggregated paths, one journey per row.

    Args:
        aggregated: `path` (List(String); or String, cut at `separator`), `total_conversions`, and where present
            `total_conversion_value` and `total_null` (else 0).
        separator: Where a `path` of String is cut. Names that hold it need lists.
        touch_column: The name that the touch column gets.

    Returns:
        `paths` and `journeys` as in this module's text, `journey_id` (Int64) the number of the row from 0.

    >>> paths, journeys = paths_from_aggregated(pl.DataFrame({"path": ["A > B", "A"], "total_conversions": [3, 0],
    ...     "total_null": [1, 7]}))
    >>> paths.rows(), journeys.rows()
    ([(0, 'A', 1), (0, 'B', 2), (1, 'A', 1)], [(0, 3.0, 0.0, 1.0), (1, 0.0, 0.0, 7.0)])
    """
    schema = aggregated.lazy().collect_schema()
    rows = aggregated.lazy().with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("journey_id"))
    path = pl.col("path") if schema["path"] == pl.List else pl.col("path").str.split(separator)
    paths = (
        rows.select("journey_id", path.alias(touch_column))
        .explode(touch_column, empty_as_null=True)
        .filter(pl.col(touch_column).is_not_null() & (pl.col(touch_column) != ""))
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("journey_id").alias("position"))
    )
    names = {"conversions": "total_conversions", "value": "total_conversion_value", "nulls": "total_null"}
    weights = rows.select(
        "journey_id",
        *(
            (pl.col(name).cast(pl.Float64) if name in schema else pl.lit(0.0)).alias(weight)
            for weight, name in names.items()
        ),
    )
    return like(paths, aggregated), like(weights, aggregated)


def paths_of_users(
    touches: Frame,
    conversions: AnyFrame,
    /,
    *,
    restart: bool = True,
    user_column: str = "user_key",
    touch_column: str = "note_id",
) -> tuple[Frame, Frame]:
    """Paths and journeys of users who may buy several times, restarting after each purchase or not.

    With `restart` a journey holds the touches since the purchase before it, so each touch is in one journey; the
    touches after a user's last purchase are a journey that did not convert. Without, a journey holds all touches
    up to its purchase, and only users who never bought have a journey that did not convert (rows grow with touches
    × purchases of a user). A touch at the instant of a purchase belongs to it; of purchases at one instant the
    first by `revenue` has the touches, if journeys restart.

    Args:
        touches: The user column, the touch column, `occurred_at`. Rows with a null in one of them are left out.
        conversions: The user column, `converted_at`, `revenue`.
        restart: Whether a journey restarts after a purchase.
        user_column: Who touches and buys.
        touch_column: What a touch is of.

    Returns:
        `paths` and `journeys` as in this module's text, with the user column in `journeys`; `journey_id` Int64.

    >>> touches = pl.DataFrame({"user_key": [1] * 3, "note_id": ["A", "B", "C"], "occurred_at": [1, 3, 5]})
    >>> bought = pl.DataFrame({"user_key": [1, 1], "converted_at": [2, 4], "revenue": [10.0, 20.0]})
    >>> paths_of_users(touches, bought)[0].select("journey_id", "note_id").rows()
    [(0, 'A'), (1, 'B'), (2, 'C')]
    >>> paths_of_users(touches, bought, restart=False)[0].select("journey_id", "note_id").rows()
    [(0, 'A'), (1, 'A'), (1, 'B')]
    """
    columns = (user_column, touch_column, "occurred_at")
    seen = touches.lazy().filter(pl.all_horizontal(pl.col(*columns).is_not_null()))
    bought = (
        conversions.lazy()
        .select(user_column, "converted_at", "revenue")
        .sort(user_column, "converted_at", "revenue")
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("journey_id"))
    )
    since = pl.col("converted_at").shift(1).over(user_column).alias("since")
    spans = bought.with_columns(since if restart else pl.lit(None).alias("since"))
    last = bought.group_by(user_column).agg(pl.col("converted_at").max().alias("since"))
    in_journey = (
        seen.join(spans.drop("revenue"), on=user_column)
        .filter(pl.col("occurred_at") <= pl.col("converted_at"))
        .filter(((pl.col("occurred_at") > pl.col("since")) if restart else pl.lit(value=True)).fill_null(value=True))
        .select("journey_id", *columns)
    )
    left_over = (
        seen.join(last, on=user_column, how="left").filter(
            ((pl.col("occurred_at") > pl.col("since")) if restart else pl.lit(value=False)) | pl.col("since").is_null()
        )
    ).select(*columns)
    lost = (
        left_over.select(pl.col(user_column).unique().sort())
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("n"))
        .join(bought.select(pl.len().cast(pl.Int64).alias("journey_id")), how="cross")
        .select(user_column, pl.col("journey_id") + pl.col("n"))
    )
    paths = (
        pl.concat([in_journey, left_over.join(lost, on=user_column).select("journey_id", *columns)])
        .sort("journey_id", "occurred_at", touch_column)
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over("journey_id").alias("position"))
        .drop(user_column)
    )
    weights = pl.concat(
        [
            bought.select(
                "journey_id",
                user_column,
                pl.lit(1.0).alias("conversions"),
                pl.col("revenue").cast(pl.Float64).fill_null(0.0).alias("value"),
                pl.lit(0.0).alias("nulls"),
            ),
            lost.select(
                "journey_id",
                user_column,
                pl.lit(0.0).alias("conversions"),
                pl.lit(0.0).alias("value"),
                pl.lit(1.0).alias("nulls"),
            ),
        ]
    )
    return like(paths, touches), like(weights, touches)


def check_unique(journeys: pl.DataFrame) -> None:
    if (n := journeys.height - journeys["journey_id"].n_unique()) or journeys["journey_id"].has_nulls():
        again = journeys.filter(pl.col("journey_id").is_duplicated())["journey_id"].unique().sort().head(5).to_list()
        raise ValueError(
            f"{n} of {journeys.height} journeys have an id that is null or another's, such as {again}: expected one "
            "row per journey. Aggregate them, or name them apart"
        )


def _check_outcomes(journeys: pl.DataFrame) -> pl.DataFrame:
    check_unique(journeys)
    if n := journeys["converted"].null_count():
        raise ValueError(
            f"{n} of {journeys.height} journeys have no `converted`: expected true or false (or 1 or 0). Set it, or "
            "leave them out"
        )
    return journeys
