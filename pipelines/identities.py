"""What holds in sound data of a feed beyond single values: broken in rows that are kept, and named as a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import duckdb

from data_contracts.contract import contract
from data_contracts.mapping_files import every_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import polars as pl

    from data_contracts.contract import Contract
    from pipelines.intake.ingest import FileReport

STATED = "stated_figures"
EXAMPLES = 5
STATED_TEXT = (
    "Ratios, bounds and totals that a file states follow from its other figures, and no two of its rows say different "
    "things under one key; what it states is compared and never stored. "
    "文件自带的比率与合计与重新计算一致，同一主键的各行内容一致。"
)


def identity_specs(feed: str, /) -> list[dg.AssetCheckSpec]:
    """One check for each identity of the feed's contract, and one for what its files state of themselves."""
    asset = ["raw", feed]
    specs = [dg.AssetCheckSpec(i.name, asset=asset, description=i.description) for i in contract(feed).identities]
    if _has_exports(feed):
        specs.append(dg.AssetCheckSpec(STATED, asset=asset, description=STATED_TEXT))
    return specs


def _has_exports(feed: str) -> bool:
    """Whether a mapping fills the feed, whose files may state figures of their own."""
    return any(mapping.feed == feed for mapping in every_mapping())


def identity_results(
    connection: duckdb.DuckDBPyConnection, feed: str, reports: Iterable[FileReport], /
) -> Iterator[dg.AssetCheckResult]:
    """How many rows of the raw table break each identity, and which; what the files of this run state wrongly."""
    terms = contract(feed)
    if connection.execute(f"SELECT count(*) FROM (FROM raw.{feed} LIMIT 1)").fetchall() == [(0,)]:
        for identity in terms.identities:
            yield _result(feed, identity.name, 0, "", identity.severity)
    elif terms.identities:
        from data_contracts.suites import identity_suite
        from pipelines.expectations import validate

        for outcome in validate(connection, f"raw.{feed}", identity_suite(terms)):
            keys = ", ".join(terms.primary_key)
            query = f"SELECT {keys} FROM ({outcome.query}) ORDER BY ALL LIMIT {EXAMPLES}"
            found = [" ".join(map(str, key)) for key in connection.execute(query).fetchall()]
            told = f"{outcome.name}: {_told(outcome.unexpected, found)}"
            yield _result(feed, outcome.name, outcome.unexpected, told, outcome.severity)
    if _has_exports(feed):
        said = [f"{report.file}: {said}" for report in reports for said in report.disagreements]
        yield _result(feed, STATED, len(said), "; ".join(said[:EXAMPLES]), "warning")


def _result(feed: str, name: str, broken: int, told: str, severity: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=["raw", feed],
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR if severity == "critical" else dg.AssetCheckSeverity.WARN,
        description=told if broken else None,
        metadata={"rows": broken},
    )


def broken_identities(rows: pl.DataFrame, terms: Contract, /) -> list[str]:
    """One sentence for each identity that the rows of one file break (columns of the contract, and `_row`)."""
    if not terms.identities or rows.is_empty():
        return []
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        connection.register("rows", rows.select(*terms.schema, "_row").to_arrow())
        told = []
        for identity in terms.identities:
            query = identity.query.replace("{object}", "(SELECT * FROM rows) AS batch")
            found = [row for (row,) in connection.execute(f"SELECT DISTINCT _row FROM ({query}) ORDER BY 1").fetchall()]
            if found:
                told.append(f"{identity.name}: {_told(len(found), found[:EXAMPLES])}. {identity.description}")
    return told


def _told(count: int, examples: list[object] | list[str]) -> str:
    shown = ", ".join(map(str, examples)) + (", …" if count > len(examples) else "")
    return f"{count:,} {'row does' if count == 1 else 'rows do'} not hold it ({shown}); kept as it is, check the source"
