"""Working on what comes next while the last one is used."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")
END = object()


def ahead(items: Iterable[Item], /, *, most: int = 1) -> Iterator[Item]:
    """The items in their order, the next ones made in a thread while the caller uses the last.

    At most `most` are made ahead. What making one raises is raised in its place in the order.
    """
    left = iter(items)
    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(next, left, END) for _ in range(most))
        try:
            while (item := coming.popleft().result()) is not END:
                coming.append(thread.submit(next, left, END))
                yield item  # type: ignore[misc]
        finally:
            thread.shutdown(cancel_futures=True)
