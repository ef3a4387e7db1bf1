"""What a file would become, in the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pipelines.reports.terminal import console

if TYPE_CHECKING:
    from pipelines.intake.check import CheckResult

SHOWN_REASONS = 20


def print_check(results: list[CheckResult], /, *, as_json: bool) -> None:
    """Print what a file would become, feed by feed, with the reason of every refusal; as JSON one object a feed."""
    for result in results:
        if as_json:
            print(json.dumps(result.as_dict(), ensure_ascii=False, default=str))
        else:
            _print_result(result)


def _print_result(result: CheckResult) -> None:
    out = console()
    if result.message:
        feed = f"for the feed {result.feed}: " if result.refused and result.feed else ""
        out.print(f"{result.file}: {feed}{'refused. ' if result.refused else ''}{result.message}", soft_wrap=True)
        return
    out.print(
        f"{result.file}: read as {result.export} for the feed {result.feed}: {_rows(result.rows)}, "
        f"{result.accepted:,} accepted, {result.duplicate:,} duplicate, {result.quarantined:,} quarantined"
        + (f", {result.ignored_totals:,} ignored as totals" if result.ignored_totals else ""),
        soft_wrap=True,
    )
    for warning in result.warnings:
        out.print(f"  note: {warning}", soft_wrap=True)
    for row, reasons in result.reasons[:SHOWN_REASONS]:
        out.print(f"  row {row}: {'; '.join(reasons)}", soft_wrap=True)
    if more := len(result.reasons[SHOWN_REASONS:]):
        out.print(f"  … and {_rows(more, 'more ')}; see all with --json", soft_wrap=True)


def _rows(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}row{'s' * (count != 1)}"
