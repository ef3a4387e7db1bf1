"""Validating one file without storing anything."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.contract import contract, feeds
from data_contracts.exports import Mapping, MappingError, mappings, native, normalised, recognised
from pipelines.intake.landing import headers
from pipelines.intake.readers import UnreadableFileError
from pipelines.intake.references import unknown_references
from pipelines.intake.rows import judged_rows

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class CheckResult:
    """What a file would become; rows = accepted + duplicate + quarantined."""

    file: str
    export: str = ""
    feed: str = ""
    rows: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    refused: bool = False
    message: str = ""
    warnings: list[str] = field(default_factory=list)
    reasons: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every row would go in."""
        return not self.refused and not self.quarantined

    def as_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        reasons = [{"row": row, "reasons": why} for row, why in self.reasons]
        return {k: v for k, v in vars(self).items() if k != "reasons"} | {"reasons": reasons}


def check_file(path: Path, feed: str | None = None, /) -> CheckResult:
    """Judge one file by the feed's contract; the feed is recognised by the headers where none is named.

    Raises KeyError with the feeds that exist when `feed` is none of them.
    """
    if feed is not None:
        contract(feed)
    result = CheckResult(path.name, feed=feed or "")
    try:
        mapping = _mapping(path, feed)
        siblings = {alias: path.parent / name for alias, name in mapping.siblings.items()}
        absent = [p.name for p in siblings.values() if not p.is_file()]
        if absent:
            raise MappingError(f"its mapping {mapping.export} needs {', '.join(absent)} beside it")
        judged = judged_rows(path, mapping, siblings, secret=b"check", now=datetime.now(UTC))
    except (UnreadableFileError, MappingError) as error:
        result.refused, result.message = True, str(error)
        return result
    refused, terms = judged.refused, contract(mapping.feed)
    good = judged.frame.filter(pl.col("_reasons").list.len() == 0)
    result.export, result.feed, result.rows = mapping.export, mapping.feed, judged.frame.height
    result.quarantined = refused.height
    result.accepted = good.select(pl.struct(terms.primary_key).n_unique()).item() if good.height else 0
    result.duplicate = good.height - result.accepted
    result.reasons = [(row, why) for row, why in refused.select("_row", "_reasons").iter_rows()]
    if judged.unused_headers:
        result.warnings.append(f"headers not used: {', '.join(judged.unused_headers)}")
    if not judged.frame.height:
        result.warnings.append("the file has a header and no rows")
    result.warnings += unknown_references(good, terms)
    return result


def _mapping(path: Path, feed: str | None) -> Mapping:
    """The mapping that the headers tell, the feed's own vocabulary otherwise; raises MappingError with the nearest."""
    candidates = [m for m in mappings() if feed in (None, m.feed)]
    own = [native(name) for name in feeds()] if feed is None else [native(feed)]
    found = headers(path, [*candidates, *own])
    fitting = recognised(found, candidates)
    if fitting:
        return fitting[0]
    if feed is not None:
        return own[0]
    present = {normalised(h) for h in found}
    by_fit = sorted(own, key=lambda m: -_fit(m, present))
    if _fit(by_fit[0], present) == 1:
        return by_fit[0]
    nearest = by_fit[0]
    lacking = [f.name for f in contract(nearest.feed).fields if f.required and not _has(nearest, f.name, present)]
    hints = [f"{n} (perhaps {h[0]!r})" if (h := difflib.get_close_matches(n, found, 1)) else n for n in lacking]
    raise MappingError(
        f"no mapping recognises its headers {', '.join(found) or '(none)'}. The nearest is {nearest.export}, which also "
        f"needs {', '.join(hints)}. Name the feed with --feed, or add a mapping file to data_contracts/exports/"
    )


def _fit(mapping: Mapping, present: set[str]) -> float:
    """The share of the feed's required columns that the headers cover."""
    required = [f for f in contract(mapping.feed).fields if f.required and f.default is None]
    return sum(_has(mapping, f.name, present) or _has(mapping, f.keyed_from, present) for f in required) / len(required)


def _has(mapping: Mapping, name: str | None, present: set[str]) -> bool:
    return name in mapping.columns and any(normalised(h) in present for h in mapping.columns[name].headers)
