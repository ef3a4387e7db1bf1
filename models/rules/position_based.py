"""Position based: U, W, J, inverse J, or parts of one's own."""

from __future__ import annotations

from types import MappingProxyType

import polars as pl

#: Parts (first, middle, last, centre) by the name of the shape that they draw.
SHAPES = MappingProxyType(
    {
        "U": (0.4, 0.2, 0.4, 0.0),
        "W": (0.3, 0.1, 0.3, 0.3),
        "J": (0.2, 0.2, 0.6, 0.0),
        "inverse_J": (0.6, 0.2, 0.2, 0.0),
    }
)


def position_based(
    *, first: float = 0.4, middle: float = 0.2, last: float = 0.4, centre: float = 0.0, shape: str | None = None
) -> pl.Expr:
    """Fixed parts to the first touch, to the last, and to those in the middle together: 40/20/40.

    `w = first`, `middle / (touches − 2)` each, `last`. With a `centre`, the touch half-way (the earlier of two) has
    that part and leaves `middle / (touches − 3)` to each of the others. Two touches share as `first : last` (50/50 by
    default), one touch gets all. Conservation: shares of a journey sum to 1; a part that finds no touch goes to the
    others in proportion. Source: industry convention (also bathtub). Limits: the parts are chosen, not learnt.

    Args:
        first: Part of the first touch.
        middle: Part of the touches in between, together.
        last: Part of the last touch.
        centre: Part of the touch half-way, of three or more.
        shape: One of `SHAPES` instead: `U` 40/20/40, `W` 30/30/30 and 10 to the rest, `J` 20/20/60, `inverse_J`
            60/20/20.

    Raises:
        ValueError: a part is negative, `first + last` is 0 (two touches could not share), or `shape` is unknown.

    >>> journey = pl.DataFrame({"position": [1, 2, 3, 4], "touches": [4] * 4})
    >>> journey.select(position_based(), W=position_based(shape="W")).to_dict(as_series=False)
    {'literal': [0.4, 0.1, 0.1, 0.4], 'W': [0.3, 0.3, 0.1, 0.3]}
    """
    if shape is not None:
        if shape not in SHAPES:
            raise ValueError(f"shape must be one of {', '.join(SHAPES)}, got {shape!r}")
        first, middle, last, centre = SHAPES[shape]
    if min(first, middle, last, centre) < 0 or first + last == 0:
        raise ValueError(f"parts must be >= 0 and first + last > 0, got {first}, {middle}, {last}, {centre}")
    position, touches = pl.col("position").cast(pl.Int64), pl.col("touches").cast(pl.Int64)
    return (
        pl.when(touches == 1)
        .then(1.0)
        .when(position == 1)
        .then(float(first))
        .when(position == touches)
        .then(float(last))
        .when((centre > 0) & (position == (touches + 1) // 2))
        .then(float(centre))
        .otherwise(middle / (touches - 2 - (centre > 0)))
    )
