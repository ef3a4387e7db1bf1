"""What Great Expectations found, as asset checks: one check for each kind of rule of a feed."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from data_contracts.contract import contract
from data_contracts.rules import rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import duckdb

    from pipelines.intake.ingest import FileReport

KINDS = {
    "required": "Every row states what it must. 必填项齐全。",
    "unique": "No row stands twice in a file; of repeated ones the newest is kept. 主键不重复。",
    "identifier": "No id was rounded by a spreadsheet. 编号未被表格软件改写。",
    "enum": "Codes are known ones. 代码取值合规。",
    "minimum": "Amounts and dates are not below what is possible. 数值与日期不低于下限。",
    "maximum": "Amounts and dates are not above what is possible. 数值与日期不高于上限。",
    "max_length": "Texts are not longer than they may be. 文本长度合规。",
    "pattern": "Texts have the form they should. 文本格式合规。",
    "not_after": "Nothing happened after it was exported. 时间不晚于导出时间。",
}
TOLERANCE = "within_tolerance"


def check_specs(feed: str) -> list[dg.AssetCheckSpec]:
    """The checks of a feed: one per kind of rule that its contract states, and the blocking one."""
    key = dg.AssetKey(["raw", feed])
    kinds = {rule.kind for rule in rules(contract(feed))} | {"unique"}
    specs = [dg.AssetCheckSpec(kind, asset=key, description=text) for kind, text in KINDS.items() if kind in kinds]
    limit = contract(feed).quarantine_tolerance
    return [
        *specs,
        dg.AssetCheckSpec(
            TOLERANCE,
            asset=key,
            blocking=True,
            description=f"At most {limit:.0%} of the rows are quarantined, else nothing downstream is made. "
            f"隔离行不超过 {limit:.0%}，否则停止下游。",
        ),
    ]


def auditor() -> Callable[[duckdb.DuckDBPyConnection, str, str], list[Any]]:
    """A function that validates the staged rows of a feed; suites are built once."""
    from data_contracts.suites import suite
    from pipelines.expectations import validate

    now = datetime.now(UTC)
    suites: dict[str, Any] = {}

    def audit(connection: duckdb.DuckDBPyConnection, table: str, feed: str) -> list[Any]:
        if feed not in suites:
            suites[feed] = suite(contract(feed), now=now)
        return validate(connection, table, suites[feed])

    return audit


def check_results(
    connection: duckdb.DuckDBPyConnection, feed: str, reports: Iterable[FileReport]
) -> Iterator[dg.AssetCheckResult]:
    """One result for each check of the feed, over all files that a run took in.

    The blocking one looks at all files that are not published yet: those of a run that it stopped stop the next one
    too, until a corrected file has landed. Of files that came by the same name the last one counts.
    """
    reports = list(reports)
    found: dict[str, list[Any]] = defaultdict(list)
    for report in reports:
        for outcome in report.outcomes:
            found[outcome.rule].append(outcome)
    read = sum(r.rows_read for r in reports)
    for spec in check_specs(feed):
        if spec.name == TOLERANCE:
            continue
        failing = [o for o in found[spec.name] if o.unexpected]
        columns = sorted({str(o.column) for o in failing})
        unexpected = sum(o.unexpected for o in failing)
        yield dg.AssetCheckResult(
            check_name=spec.name,
            asset_key=spec.asset_key,
            passed=not failing,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{spec.name}: {unexpected:,} of {read:,} rows ({', '.join(columns)})" if failing else None,
            metadata={
                "rows": read,
                "unexpected": unexpected,
                "expected": " ".join(sorted({o.description for o in failing})) or "—",
            },
        )
    read, quarantined = connection.execute(
        """SELECT coalesce(sum(rows_read - coalesce(ignored, 0)), 0)::BIGINT, coalesce(sum(quarantined), 0)::BIGINT
        FROM (
            FROM ops.files WHERE feed = ? QUALIFY row_number() OVER (PARTITION BY file ORDER BY ingested_at DESC) = 1
        ) WHERE NOT published""",
        [feed],
    ).fetchall()[0]
    refused = [r.file for r in reports if r.status == "refused"]
    share = quarantined / read if read else 0.0
    yield dg.AssetCheckResult(
        check_name=TOLERANCE,
        asset_key=dg.AssetKey(["raw", feed]),
        passed=share <= contract(feed).quarantine_tolerance,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"rows": read, "quarantined": quarantined, "share": share, "refused files": ", ".join(refused) or "—"},
    )
