"""Telling which feed a file is for: by its headers, and whether it lies in the folder of another."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from data_contracts.contract import feeds
from data_contracts.exports import differing, fit, listed
from data_contracts.mapping import SIMILAR, MappingError, Reading
from data_contracts.mapping_files import known_header, native
from pipelines.intake.known import mappings
from pipelines.intake.landing import headers, reading_of, recognised_by
from pipelines.intake.readers import UnreadableFileError, read_headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data_contracts.exports import Fit
    from data_contracts.mapping import Mapping
    from pipelines.intake.landing import LandedFile
    from pipelines.intake.objects import LandingPath


def demand_own_folder(file: LandedFile, /) -> None:
    """Raise MappingError when the file lies in the folder of a feed, and fits another one better.

    It does when it states every required column of the other, and either more of its headers have a place there, or
    as many, and it lacks a column here.
    """
    if file.mapping != native(file.feed):
        return
    own = fit(headers(file.path, Reading()), file.mapping)
    if not own.unused and not own.lacking:  # nothing fits better than that
        return
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


def fits(path: LandingPath, /) -> list[Fit]:
    """How well the headers of a file fit each feed's own vocabulary, the best first."""
    found = headers(path, Reading())
    return sorted((fit(found, native(feed)) for feed in feeds()), key=lambda f: (-f.share, len(f.unused)))


def mappings_of(path: LandingPath, feed: str | None, /) -> list[Mapping]:
    """The most telling mapping of each feed, the main feed of an export first; the feed's own vocabulary otherwise.

    Raises MappingError, with the nearest feed and what it lacks, when no feed is named and none fits.
    """
    fitting = recognised_by(path, [m for m in mappings() if feed in (None, m.feed)])
    if fitting:
        telling = {m.feed: m for m in reversed(fitting)}
        return [m for m in mappings() if telling.get(m.feed) is m]
    if feed is not None:
        return [native(feed)]
    best = fits(path)[0]
    if not best.lacking:
        return [best.mapping]
    found = headers(path, Reading())
    advice = "Put it into its feed's folder (check it with --feed), or add a mapping file to data_contracts/exports/"
    if near := nearest(path, feed):
        lacking, against = near.differing
        also = f"; it has {', '.join(against)}, which that export has not" if against else ""
        needs = f"which also needs {_hinted(lacking, near.headers)}" if lacking else "which it is not"
        raise MappingError(
            f"no mapping recognises its headers {listed(near.headers)}. The nearest is {near.mapping.export}, "
            f"{needs}{also}. {advice}"
        )
    if not any(map(known_header, found)):
        raise MappingError(f"none of its {len(found)} headers is known; is the first row data? {advice}")
    raise MappingError(
        f"no mapping recognises its headers {listed(found)}. The nearest is {best.mapping.export}, "
        f"which also needs {_hinted(best.lacking, found)}. {advice}"
    )


def why_left_alone(path: LandingPath, /) -> str:
    """Why a file outside the feeds' folders is not taken in, and what to do about it."""
    try:
        if not headers(path, Reading()):
            read_headers(path, Reading())  # says why, where no header can be read
        feed = mappings_of(path, None)[0].feed
    except (MappingError, UnreadableFileError) as error:
        return str(error)
    except OSError as error:
        return f"it cannot be opened ({error.strerror}); check its rights"
    return f"its headers are those of {feed}, and it lies in no folder of a feed; move it to {feed}/"


class Near(NamedTuple):
    """A mapping that does not recognise a file, and the headers that it reads there."""

    mapping: Mapping
    headers: tuple[str, ...]

    @property
    def differing(self) -> tuple[list[str], list[str]]:
        """The telling headers that the file lacks, and those that speak against the mapping."""
        return differing(self.headers, self.mapping)

    @property
    def share(self) -> float:
        """The part of the telling headers that the file has, 0 to 1."""
        return 1 - len(self.differing[0]) / len(self.mapping.recognise)


def nearest(path: LandingPath, feed: str | None, /) -> Near | None:
    """The mapping of an export that a file fits best, when more of it fits than of any feed's own vocabulary."""
    candidates = [
        Near(m, headers(path, reading_of(path, m))) for m in mappings() if m.recognise and feed in (None, m.feed)
    ]
    best = max(candidates, key=lambda near: (near.share, -len(near.differing[1])), default=None)
    return best if best and best.share > max(0.4, fits(path)[0].share) else None


def _hinted(names: list[str], found: Sequence[str]) -> str:
    """Names with the header that each may be."""
    close = [difflib.get_close_matches(name.split(" or ")[0], found, 1, SIMILAR) for name in names]
    return ", ".join(f"{n} (perhaps {h[0]!r})" if h else n for n, h in zip(names, close, strict=True))
