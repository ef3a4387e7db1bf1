"""Validating one file without storing anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.contract import contract
from data_contracts.mapping import MappingError, Reading
from pipelines.identities import broken_identities
from pipelines.intake.contradictions import contradiction_in
from pipelines.intake.identity import struck_out
from pipelines.intake.known import mappings
from pipelines.intake.landing import UNFINISHED_NAMES, recognised_by, siblings_of
from pipelines.intake.misplaced import mappings_of
from pipelines.intake.readers import UnreadableFileError, read_headers
from pipelines.intake.references import unknown_references
from pipelines.intake.rows import judged_rows

if TYPE_CHECKING:
    from pathlib import Path

    from data_contracts.mapping import Mapping


@dataclass
class CheckResult:
    """What a file would become; rows = accepted + duplicate + quarantined + ignored_totals.

    `left_out` counts rows that the mapping says are no rows of the feed.
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

    def __post_init__(self) -> None:
        self.message = struck_out(self.message)
        self.warnings = list(map(struck_out, self.warnings))

    @property
    def sound(self) -> bool:
        """Whether every row would go in."""
        return not self.refused and not self.quarantined

    def as_dict(self) -> dict[str, Any]:
        """The result as plain values."""
        reasons = [{"row": row, "reasons": why} for row, why in self.reasons]
        return {k: v for k, v in vars(self).items() if k != "reasons"} | {"reasons": reasons}


def check_file(path: Path, feed: str | None = None, /) -> list[CheckResult]:
    """Judge one file by the contract of each feed that it becomes, recognised by its headers where no feed is named.

    A file that only serves to be joined to others becomes no feed: one result that says so, without rows.
    Raises KeyError with the feeds that exist when `feed` is none of them.
    """
    if feed is not None:
        contract(feed)
    try:
        if path.name.lower().endswith(UNFINISHED_NAMES):
            raise UnreadableFileError(
                f"its name ends in {path.suffix}, so its transfer is not finished; check it when it has its own name"
            )
        if feed is None and not recognised_by(path, mappings()):
            read_headers(path, Reading())  # says why, where no header can be read
        return [_judged(path, mapping) for mapping in mappings_of(path, feed)]
    except MappingError as error:
        joining = _joining(path)
        return [CheckResult(path.name, message=joining) if joining else _refused(path, feed, str(error))]
    except UnreadableFileError as error:
        return [_refused(path, feed, str(error))]
    except OSError as error:
        return [_refused(path, feed, f"it cannot be opened ({error.strerror}); check its name and its rights")]


def _refused(path: Path, feed: str | None, message: str) -> CheckResult:
    return CheckResult(path.name, feed=feed or "", refused=True, message=message)


def _joining(path: Path) -> str:
    """Which mappings join the file to another; empty where none does."""
    joining = [m.export for m in mappings() if path.name in m.siblings.values()]
    if not joining:
        return ""
    return (
        f"it becomes no rows of its own; {len(joining)} mapping{'s join' if len(joining) > 1 else ' joins'} it to "
        f"another file: {', '.join(joining)}. Land it beside that one"
    )


def _judged(path: Path, mapping: Mapping) -> CheckResult:
    try:
        siblings = siblings_of(path, mapping, path.parent)
        judged = judged_rows(path, mapping, siblings, secret=b"check", now=datetime.now(UTC))
    except (UnreadableFileError, MappingError) as error:
        return _refused(path, mapping.feed, str(error))
    refused, terms = judged.refused, contract(mapping.feed)
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
        ignored_totals=judged.beside.ignored,
        left_out=judged.beside.left_out,
        warnings=[
            *judged.beside.notes,
            *contradiction_in(good, terms.feed),
            *unknown_references(good, terms),
            *broken_identities(good, terms),
        ],
        reasons=[(row, why) for row, why in refused.select("_row", "_reasons").iter_rows()],
    )
