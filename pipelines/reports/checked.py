"""What a file would become, in the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipelines.reports.terminal import console

if TYPE_CHECKING:
    from pipelines.intake.check import CheckResult

SHOWN_REASONS = 20


def print_check(result: CheckResult, /, *, as_json: bool) -> None:
    """Print what a file would become, with the reason of every refusal."""
    if as_json:
        print(json.dumps(result.as_dict(), ensure_ascii=False, default=str))
        return
    out = console()
    if result.message:
        out.print(f"{result.file}: {'refused. ' if result.refused else ''}{result.message}", soft_wrap=True)
    if result.refused:
        return
    for part in (result, *result.also):
        _print_part(part)


def _print_part(result: CheckResult) -> None:
    """What a file becomes in one feed."""
    out = console()
    out.print(
        f"{result.file}: read as {result.export} for the feed {result.feed}: {result.rows:,} rows, "
        f"{result.accepted:,} accepted, {result.duplicate:,} duplicate, {result.quarantined:,} quarantined"
        + (f", {result.ignored_totals:,} ignored as totals" if result.ignored_totals else ""),
        soft_wrap=True,
    )
    for warning in result.warnings:
        out.print(f"  note: {warning}", soft_wrap=True)
    for row, reasons in result.reasons[:SHOWN_REASONS]:
        out.print(f"  row {row}: {'; '.join(reasons)}", soft_wrap=True)
    if len(result.reasons) > SHOWN_REASONS:
        out.print(f"  … and {len(result.reasons) - SHOWN_REASONS:,} more rows; see all with --json")
