"""Validating one file without storing anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.contract import contract
from data_contracts.exports import MappingError, Reading
from pipelines.intake.landing import siblings_of
from pipelines.intake.misplaced import mappings_of
from pipelines.intake.readers import UnreadableFileError, read_headers
from pipelines.intake.references import unknown_references
from pipelines.intake.rows import judged_rows

if TYPE_CHECKING:
    from pathlib import Path

    from data_contracts.exports import Mapping


@dataclass
class CheckResult:
    """What a file would become; rows = accepted + duplicate + quarantined + ignored_totals.

    `left_out` counts rows that the mapping says are no rows of the feed; `also` holds what the file becomes in
    further feeds.
    """

    file: str
    export: str = ""
    feed: str = ""
    rows: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: int = 0
    ignored_totals: int = 0
    left_out: int = 0
    refused: bool = False
    message: str = ""
    warnings: list[str] = field(default_factory=list)
    reasons: list[tuple[int, list[str]]] = field(default_factory=list)
    also: list[CheckResult] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every row would go in."""
        return not self.refused and not self.quarantined and all(other.sound for other in self.also)

    def as_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        reasons = [{"row": row, "reasons": why} for row, why in self.reasons]
        plain = {k: v for k, v in vars(self).items() if k not in ("reasons", "also")}
        return plain | {"reasons": reasons, "also": [other.as_dict() for other in self.also]}


def check_file(path: Path, feed: str | None = None, /) -> CheckResult:
    """Judge one file by the feed's contract; the feed is recognised by the headers where none is named.

    Raises KeyError with the feeds that exist when `feed` is none of them.
    """
    if feed is not None:
        contract(feed)
    try:
        if feed is None and path.suffix != ".json":
            read_headers(path, Reading())  # says why, where no header can be read
        first, *others = [_checked(path, mapping) for mapping in mappings_of(path, feed)]
    except (UnreadableFileError, MappingError) as error:
        return CheckResult(path.name, feed=feed or "", refused=True, message=str(error))
    except OSError as error:
        told = f"it cannot be opened ({error.strerror}); check its name and its rights"
        return CheckResult(path.name, feed=feed or "", refused=True, message=told)
    first.also = others
    return first


def _checked(path: Path, mapping: Mapping) -> CheckResult:
    """What a file becomes by one mapping."""
    siblings = siblings_of(path, mapping, path.parent)
    judged = judged_rows(path, mapping, siblings, secret=b"check", now=datetime.now(UTC))
    terms, refused = contract(mapping.feed), judged.refused
    good = judged.frame.filter(pl.col("_reasons").list.len() == 0)
    accepted = good.select(pl.struct(terms.primary_key).n_unique()).item() if good.height else 0
    return CheckResult(
        path.name,
        export=mapping.export,
        feed=mapping.feed,
        rows=judged.rows_read,
        accepted=accepted,
        duplicate=good.height - accepted,
        quarantined=refused.height,
        ignored_totals=judged.ignored,
        left_out=judged.left_out,
        warnings=[*judged.notes, *unknown_references(good, terms)],
        reasons=[(row, why) for row, why in refused.select("_row", "_reasons").iter_rows()],
    )
