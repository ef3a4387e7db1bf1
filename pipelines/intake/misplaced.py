"""Telling which feed a file is for: by its headers, and whether it lies in the folder of another."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from data_contracts.contract import feeds
from data_contracts.exports import SIMILAR, MappingError, Reading, fit, known_header, mappings, native
from pipelines.intake.landing import headers, recognised_by

if TYPE_CHECKING:
    from pathlib import Path

    from data_contracts.exports import Fit, Mapping
    from pipelines.intake.landing import LandedFile


def demand_own_folder(file: LandedFile, /) -> None:
    """Raise MappingError when the file lies in the folder of a feed, and fits another one better.

    It does when it states every required column of the other, and either more of its headers have a place there, or
    as many, and it lacks a column here.
    """
    if file.mapping != native(file.feed):
        return
    own = fit(headers(file.path, Reading()), file.mapping)
    others = [m for m in recognised_by(file.path, mappings()) if m.feed != file.feed]
    better = [
        found
        for found in fits(file.path)
        if not found.lacking and (len(found.unused), 0) < (len(own.unused), len(own.lacking))
    ]
    feed = others[0].feed if others and own.lacking else better[0].mapping.feed if better else file.feed
    if feed == file.feed:
        return
    differ = f"{file.feed} needs {', '.join(own.lacking)} too" if own.lacking else ""
    unknown = f"{file.feed} has no place for {', '.join(own.unused)}" if own.unused else ""
    raise MappingError(
        f"it lies in the folder of {file.feed}, and its headers are those of {feed} "
        f"({'; '.join(filter(None, (differ, unknown)))}); move it to {feed}/"
    )


def fits(path: Path, /) -> list[Fit]:
    """How well the headers of a file fit each feed's own vocabulary, the best first."""
    found = headers(path, Reading())
    return sorted((fit(found, native(feed)) for feed in feeds()), key=lambda f: (-f.share, len(f.unused)))


def mappings_of(path: Path, feed: str | None, /) -> list[Mapping]:
    """The mappings that the headers tell, the most telling of each feed; the feed's own vocabulary otherwise.

    Raises MappingError, with the nearest feed and what it lacks, when no feed is named and none fits.
    """
    fitting = recognised_by(path, [m for m in mappings() if feed in (None, m.feed)])
    if fitting:
        return list({m.feed: m for m in reversed(fitting)}.values())[::-1]
    if feed is not None:
        return [native(feed)]
    best = fits(path)[0]
    if not best.lacking:
        return [best.mapping]
    found = headers(path, Reading())
    advice = "Name the feed with --feed, or add a mapping file to data_contracts/exports/"
    if not any(map(known_header, found)):
        raise MappingError(f"none of its {len(found)} headers is known; is the first row data? {advice}")
    nearest = {n: difflib.get_close_matches(n, found, 1, SIMILAR) for n in best.lacking}
    hints = [f"{name} (perhaps {near[0]!r})" if near else name for name, near in nearest.items()]
    raise MappingError(
        f"no mapping recognises its headers {', '.join(found)}. The nearest is {best.mapping.export}, "
        f"which also needs {', '.join(hints)}. {advice}"
    )
