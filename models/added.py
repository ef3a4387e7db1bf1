"""Frames that add up, of which there are many: their sum without holding them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable


class RunningSum:
    """The sum of frames that come one after the other, such as those of buckets of users.

    `add_up` takes several of them, concatenated, and returns their sum in the same form. Frames wait until they
    outgrow the sum so far, so that each row is added up a few times only, and memory is that of a few sums, however
    many frames there are.

    >>> total = RunningSum(lambda frame: frame.group_by("key").agg(pl.col("n").sum()).sort("key"))
    >>> for n in range(100):
    ...     total.add(pl.DataFrame({"key": [n % 2], "n": [1]}))
    >>> total.result().rows()
    [(0, 50), (1, 50)]
    """

    def __init__(self, add_up: Callable[[pl.DataFrame], pl.DataFrame], /) -> None:
        self._add_up = add_up
        self._sum_rows = 0
        self._parts: list[pl.DataFrame] = []

    def add(self, part: pl.DataFrame, /) -> None:
        self._parts.append(part)
        if sum(waiting.height for waiting in self._parts) > self._sum_rows:
            self.result()

    def result(self) -> pl.DataFrame:
        """The sum of all that was added.

        Raises:
            ValueError: nothing was added.
        """
        if not self._parts:
            raise ValueError("nothing was added: expected at least one frame")
        self._parts = [self._add_up(pl.concat(self._parts, how="diagonal"))]
        self._sum_rows = self._parts[0].height
        return self._parts[0]
