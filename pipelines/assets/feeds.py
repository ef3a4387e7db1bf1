"""Landed files become the raw tables of the feeds."""

from collections import Counter
from datetime import datetime

import dagster as dg

from data_contracts.contract import contract, feeds
from data_contracts.reference import window_set
from pipelines.arrivals import BUSINESS_ZONE
from pipelines.assets.common import asset_options, in_two_languages, page_link
from pipelines.basis import demand_same_basis, demand_same_key, store_reference
from pipelines.charts import Chart
from pipelines.checks import auditor, check_results, check_specs
from pipelines.content_checks import CONTENT_CHECKS
from pipelines.dates import take_back_future
from pipelines.identities import identity_results, identity_specs
from pipelines.intake.identity import struck_out
from pipelines.intake.ingest import FileReport, ingest_feed
from pipelines.intake.landing import data_files, known_files, unknown_files
from pipelines.intake.misplaced import why_left_alone
from pipelines.intake.shown import shown
from pipelines.metadata import drawing, markdown, table_metadata
from pipelines.resources import Warehouse, progress
from pipelines.row_checks import reference_checks, row_check_results, row_check_specs

MOST_TOLD = 20  # files that no mapping reads, with the reason


def feed_asset(feed: str) -> dg.AssetsDefinition:
    """The asset of one feed: every new file in the landing folder, validated and stored."""
    terms, row_checks = contract(feed), [*reference_checks(feed), *CONTENT_CHECKS.get(feed, ())]

    @dg.asset(
        key=["raw", feed],
        deps=[["reference", "tables"]],
        check_specs=[*check_specs(feed), *row_check_specs(f"raw.{feed}", row_checks), *identity_specs(feed)],
        **asset_options("feeds", {"duckdb", "polars", "greatexpectations"}),
        description=in_two_languages(
            terms.name_zh, terms.description_zh, f"{terms.description} Keyed by {', '.join(terms.primary_key)}."
        ),
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
                *row_check_results(connection, f"raw.{feed}", row_checks),
                *identity_results(connection, feed, reports),
            ]
            metadata = table_metadata(connection, f"raw.{feed}", **shown(feed))
        return dg.MaterializeResult(
            metadata=metadata | _intake_metadata(reports) | page_link(home), check_results=checks
        )

    return raw


def _intake_metadata(reports: list[FileReport]) -> dict[str, object]:
    by_file = [(r.file.split("/", 1)[-1], r.rows_read, r.accepted, r.duplicate, r.quarantined) for r in reports]
    columns = ["file", "rows", "accepted", "duplicate", "quarantined"]
    problems = [f"{r.file}: {r.message}" for r in reports if r.status in ("refused", "unfinished")]
    read, quarantined = sum(r.rows_read for r in reports), sum(r.quarantined for r in reports)
    return {
        "files": len(reports),
        "rows read": read,
        "rows accepted": sum(r.accepted for r in reports),
        "rows duplicate": sum(r.duplicate for r in reports),
        "rows quarantined": quarantined,
        "rows ignored": sum(r.ignored for r in reports),
        **({"quarantined share": quarantined / read} if read else {}),
        "by file": dg.MetadataValue.md(markdown(columns, by_file)),
        "problems": dg.MetadataValue.md("\n".join(f"- {p}" for p in problems) or "none"),
    }


@dg.asset(
    key=["ops", "landing"],
    **asset_options("feeds", {"file"}),
    description=in_two_languages(
        "落地文件",
        "平台导出的文件落在这个文件夹；认不出的文件列名并说明与哪种导出最接近、差哪些表头，不动它。",
        "The landing folder. Files that no mapping recognises are named here, with the nearest export and the headers "
        "that differ, and left alone.",
    ),
)
def landing(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    folder = warehouse.home.landing
    with warehouse.open(context) as connection:
        known = known_files(folder, connection)
    unknown = unknown_files(folder, but=known)
    paths = {path.relative_to(folder).as_posix(): path for path in data_files(folder)}
    found = Counter(name.partition("/")[0] for name in paths)
    why = [f"{n}: {why_left_alone(paths[n])}" if n in paths else n for n in unknown[:MOST_TOLD]]
    told = [" ".join(struck_out(line).split()) for line in why]  # a header may hold a new line, or a number of a phone
    for line in told:
        context.log.warning(line)
    return dg.MaterializeResult(
        metadata={
            "chart": drawing("各来源文件数", found.most_common()),
            "files": sum(found.values()),
            "preview": dg.MetadataValue.md(markdown(["folder", "files"], sorted(found.items()))),
            "unknown files": len(unknown),
            "left alone": dg.MetadataValue.md("\n".join(f"- {line}" for line in told) or "none"),
            "folder": dg.MetadataValue.path(str(folder)),
        }
        | page_link(warehouse.home)
    )


@dg.asset(
    key=["reference", "tables"],
    **asset_options("feeds", {"duckdb"}),
    description=in_two_languages(
        "参考表",
        "渠道、费率、链路及窗口、类目及毛利率、城市、项目、支付、会员、阈值、政策日历，按生效日期。",
        "Channels, fees, lanes with their windows, categories, cities, programmes, payment, memberships, thresholds "
        "and the policy calendar, from data_contracts/reference/.",
    ),
)
def reference(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.open(context) as connection:
        demand_same_key(connection, warehouse.home.secret())
        store_reference(connection)
        ahead = take_back_future(connection, datetime.now(BUSINESS_ZONE).date())
        outdated = demand_same_basis(connection)
        metadata = table_metadata(
            connection,
            "reference.categories",
            preview="SELECT name_zh AS 类目, industry_zh AS 行业, margin AS 毛利率 FROM reference.categories LIMIT 8",
            chart=Chart("类目毛利率", "SELECT name_zh, margin FROM reference.categories ORDER BY 2 DESC", "percent"),
        )
    told = {"window set": window_set(), "made again": outdated, "dates taken back that have not ended": len(ahead)}
    return dg.MaterializeResult(metadata=metadata | told | page_link(warehouse.home))


feed_assets = [landing, reference, *(feed_asset(feed) for feed in feeds())]
