"""Validating one file without storing anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.contract import contract
from data_contracts.exports import MappingError, Reading
from pipelines.intake.landing import siblings_of
from pipelines.intake.misplaced import mapping_of
from pipelines.intake.readers import UnreadableFileError, read_headers
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
        if feed is None:
            read_headers(path, Reading())  # says why, where no header can be read
        mapping = mapping_of(path, feed)
        siblings = siblings_of(path, mapping, path.parent)
        judged = judged_rows(path, mapping, siblings, secret=b"check", now=datetime.now(UTC))
    except (UnreadableFileError, MappingError) as error:
        result.refused, result.message = True, str(error)
        return result
    except OSError as error:
        result.refused, result.message = True, f"it cannot be opened ({error.strerror}); check its name and its rights"
        return result
    refused, terms = judged.refused, contract(mapping.feed)
    good = judged.frame.filter(pl.col("_reasons").list.len() == 0)
    result.export, result.feed, result.rows = mapping.export, mapping.feed, judged.frame.height
    result.quarantined = refused.height
    result.accepted = good.select(pl.struct(terms.primary_key).n_unique()).item() if good.height else 0
    result.duplicate = good.height - result.accepted
    result.reasons = [(row, why) for row, why in refused.select("_row", "_reasons").iter_rows()]
    result.warnings = [*judged.notes, *unknown_references(good, terms)]
    return result
