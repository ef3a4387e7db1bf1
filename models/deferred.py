"""Frames whose rows take more than expressions: computed at once for eager input, on collection for lazy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.frames import Frame

P = ParamSpec("P")
R = TypeVar("R")


def deferred(compute: Callable[[], pl.DataFrame], given: Frame, /, *, schema: Mapping[str, pl.DataType]) -> Frame:
    """`compute()` if `given` is a DataFrame, or a LazyFrame that calls it when it is collected.

    >>> one = pl.DataFrame({"x": [1]})
    >>> deferred(lambda: one, one.lazy(), schema=one.schema).collect().rows()
    [(1,)]
    """
    if isinstance(given, pl.LazyFrame):
        return pl.defer(compute, schema=dict(schema))
    return compute()


def on_own_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """`function(*args, **kwargs)` on a thread of Python's, for linear algebra.

    What a LazyFrame defers runs on threads of polars, whose stacks are too small for OpenBLAS: it takes half a
    megabyte per call and crashes the process. `function` must not use polars, whose threads may all be waiting.

    >>> on_own_thread(max, 1, 2)
    2
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(function, *args, **kwargs).result()
