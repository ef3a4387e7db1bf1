"""A generated brand: landing files like real exports, from a causal world whose truth is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo import buyers, comments, dirt, evidence, exports, lanes, local, platforms, presales, stores
from pipelines.demo import landing as files
from pipelines.demo import truth as truths
from pipelines.demo.clock import FIRST_DATE, LAST_DATE
from pipelines.demo.population import BRAND
from pipelines.demo.world import SIZES, simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

__all__ = ["DemoSummary", "DirtCount", "FeedCount", "generate"]


@dataclass(frozen=True)
class FeedCount:
    """What one feed received: files, rows in them (a second copy of a file not counted), and how many of
    these rows repeat another one exactly, restate an earlier version or came late."""

    feed: str
    files: int
    rows: int
    repeated: int
    restated: int
    late: int
    copied_files: int


@dataclass(frozen=True)
class DirtCount:
    """Rows of a feed that are dirty for one reason, and what must become of them: quarantined or flagged."""

    feed: str
    reason: str
    outcome: str
    rows: int


@dataclass(frozen=True)
class DemoSummary:
    """What was generated."""

    brand: str
    first_date: date
    last_date: date
    size: str
    seed: int
    users: int
    notes: int
    feeds: tuple[FeedCount, ...]
    dirt: tuple[DirtCount, ...]


def generate(
    landing: Path,
    truth: Path,
    *,
    size: str = "m",
    seed: int = 7,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> DemoSummary:
    """Generate a brand's 60 business days into `landing/<feed>/…` and the truth of them into `truth/`.

    The same size and seed give the same bytes. Files of the same names are replaced, others stay.

    Args:
        landing: folder for the feeds' files.
        truth: folder for what really happened, outside `landing`.
        size: `s` (2,000 users), `m` (20,000) or `l` (200,000).
        seed: of every random draw.
        on_progress: called with (files done, files in all, name of the file) after each file.

    Raises:
        ValueError: the size is unknown, or the truth would lie in the landing folder.
    """
    if size not in SIZES:
        raise ValueError(f"there is no size {size!r}; choose one of {', '.join(SIZES)}")
    if truth.resolve().is_relative_to(landing.resolve()):
        raise ValueError(f"the truth must lie outside the landing folder, got {truth} inside {landing}")
    world = simulate(SIZES[size], seed=seed)
    feeds = exports.feeds(world, np.random.default_rng((seed, 1)))
    feeds |= evidence.feeds(world, feeds, np.random.default_rng((seed, 20)))
    feeds |= platforms.feeds(world, np.random.default_rng((seed, 21)))
    feeds |= lanes.feeds(world, feeds, np.random.default_rng((seed, 30)))
    feeds["shop_conversions"] = buyers.with_buyers(feeds["shop_conversions"], np.random.default_rng((seed, 40)))
    feeds["shop_conversions"] = presales.with_presales(feeds["shop_conversions"], np.random.default_rng((seed, 44)))
    world = stores.opened(world, np.random.default_rng((seed, 45)))
    in_stores = stores.sold(world, np.random.default_rng((seed, 46)))
    feeds["shop_conversions"] = pl.concat([feeds["shop_conversions"], in_stores], how="diagonal_relaxed")
    feeds["refunds"] = buyers.with_bearers(feeds["refunds"], np.random.default_rng((seed, 43)))
    feeds |= comments.feeds(world, np.random.default_rng((seed, 41)))
    feeds |= local.feeds(np.random.default_rng((seed, 42)))
    planned = files.plan(feeds)
    spots = dirt.plan(users=SIZES[size].users, files=files.files_by_export())

    copies: Counter[str] = Counter()
    for done, file in enumerate(planned, start=1):
        written = files.write(file, landing, spots.get((file.export.name, file.position), []))
        copies[file.export.feed] += len(written) - 1
        if on_progress:
            on_progress(done, len(planned), file.path)
    truths.write(world, truth)

    counted = _dirt_counts([spot.trait for found in spots.values() for spot in found])
    return DemoSummary(
        brand=BRAND,
        first_date=FIRST_DATE,
        last_date=LAST_DATE,
        size=size,
        seed=seed,
        users=SIZES[size].users,
        notes=SIZES[size].notes,
        feeds=tuple(_feed_count(feed, planned, counted, copies[feed]) for feed in feeds),
        dirt=counted,
    )


def _feed_count(feed: str, planned: list[files.File], dirty: tuple[DirtCount, ...], copied: int) -> FeedCount:
    own = [file for file in planned if file.export.feed == feed]
    rows = pl.concat([file.frame.select("_trace") for file in own])["_trace"]
    repeated = sum(file.repeated for file in own)
    return FeedCount(
        feed=feed,
        files=len(own),
        rows=len(rows) + sum(count.rows for count in dirty if count.feed == feed),
        repeated=repeated,
        restated=int((rows == "restated").sum()),
        late=int((rows == "late").sum()),
        copied_files=copied,
    )


def _dirt_counts(traits: list[dirt.Trait]) -> tuple[DirtCount, ...]:
    counts = Counter((trait.feed, trait.reason, trait.outcome) for trait in traits)
    return tuple(DirtCount(*key, rows) for key, rows in sorted(counts.items()))
