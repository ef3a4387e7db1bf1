"""Landed files become the raw tables of the feeds."""

from collections import Counter

import dagster as dg

from data_contracts.contract import contract, feeds
from data_contracts.reference import window_set
from pipelines.assets.common import asset_options
from pipelines.basis import demand_same_basis, store_reference
from pipelines.checks import auditor, check_results, check_specs
from pipelines.intake.ingest import FileReport, ingest_feed
from pipelines.intake.landing import data_files, unknown_files
from pipelines.metadata import markdown, names, table_metadata
from pipelines.resources import Warehouse, progress
from pipelines.row_checks import reference_checks, row_check_results, row_check_specs


def feed_asset(feed: str) -> dg.AssetsDefinition:
    """The asset of one feed: every new file in the landing folder, validated and stored."""
    terms, references = contract(feed), reference_checks(feed)

    @dg.asset(
        key=["raw", feed],
        deps=[["reference", "tables"]],
        check_specs=[*check_specs(feed), *row_check_specs(f"raw.{feed}", references)],
        **asset_options("feeds", {"duckdb", "polars", "greatexpectations"}),
        description=f"{terms.name_zh} · {terms.description} Keyed by {', '.join(terms.primary_key)}.",
    )
    def raw(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
        home, reports = warehouse.home, []
        with warehouse.open(context) as connection:
            audit = auditor()
            for report in ingest_feed(connection, home.landing, feed, secret=home.secret(), audit=audit):
                progress.get().detail(report.file)
                context.log.info(f"{report.file}: {report.status}, {report.rows_read} rows. {report.message}")
                reports.append(report)
            checks = [
                *check_results(connection, feed, reports),
                *row_check_results(connection, f"raw.{feed}", references),
            ]
            metadata = table_metadata(
                connection,
                f"raw.{feed}",
                descriptions={f.name: f"{f.name_zh} · {f.description}" for f in terms.fields},
                preview=f"SELECT {names(_telling(feed))} FROM raw.{feed} ORDER BY exported_at DESC LIMIT 5",
            )
        return dg.MaterializeResult(metadata=metadata | _intake_metadata(reports), check_results=checks)

    return raw


def _telling(feed: str) -> list[str]:
    """The first columns of a feed that say something to a reader: no keys of persons."""
    return [f.name for f in contract(feed).fields if not f.personal][:6]


def _intake_metadata(reports: list[FileReport]) -> dict[str, object]:
    by_file = [(r.file, r.rows_read, r.accepted, r.duplicate, r.quarantined, r.ignored) for r in reports]
    columns = ["file", "rows", "accepted", "duplicate", "quarantined", "ignored"]
    problems = [f"{r.file}: {r.message}" for r in reports if r.status in ("refused", "unfinished")]
    return {
        "files": len(reports),
        "rows read": sum(r.rows_read for r in reports),
        "rows accepted": sum(r.accepted for r in reports),
        "rows duplicate": sum(r.duplicate for r in reports),
        "rows quarantined": sum(r.quarantined for r in reports),
        "rows ignored": sum(r.ignored for r in reports),
        "by file": dg.MetadataValue.md(markdown(columns, by_file)),
        "problems": dg.MetadataValue.md("\n".join(f"- {p}" for p in problems) or "none"),
    }


@dg.asset(
    key=["ops", "landing"],
    **asset_options("feeds", {"file"}),
    description="落地文件 · The landing folder. Files that no mapping recognises are named here and left alone.",
)
def landing(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    folder = warehouse.home.landing
    progress.get().step(context.asset_key.to_user_string())
    unknown, found = unknown_files(folder), Counter(path.relative_to(folder).parts[0] for path in data_files(folder))
    for name in unknown:
        context.log.warning(f"{name}: no mapping recognises its headers; see data_contracts/exports/")
    return dg.MaterializeResult(
        metadata={
            "folder": str(folder),
            "files": sum(found.values()),
            "by folder": dg.MetadataValue.md(markdown(["folder", "files"], sorted(found.items()))),
            "unknown files": len(unknown),
            "names": ", ".join(unknown[:20]) or "—",
        }
    )


@dg.asset(
    key=["reference", "tables"],
    **asset_options("feeds", {"duckdb"}),
    description="参考表 · Channels, fees, lanes with their windows, categories, from data_contracts/reference/.",
)
def reference(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection:
        store_reference(connection)
        outdated = demand_same_basis(connection)
        metadata = table_metadata(
            connection,
            "reference.categories",
            preview="SELECT name_zh AS 类目, name_en, industry_zh AS 行业, margin FROM reference.categories LIMIT 8",
        )
    return dg.MaterializeResult(metadata=metadata | {"window set": window_set(), "made again": outdated})


feed_assets = [landing, reference, *(feed_asset(feed) for feed in feeds())]
