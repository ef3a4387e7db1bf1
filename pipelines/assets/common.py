"""What all assets have in common."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines.partitions import daily
from pipelines.settings import reports_url

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from pipelines.home import Home

# Single-run backfills are beta in this Dagster; its version is pinned, and a test runs one.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

OWNERS = ["team:marketing-analytics"]
POOL = "duckdb"
LATE = "late dates made again"


def asset_options(group: str, kinds: set[str]) -> dict[str, Any]:
    """The pool of the warehouse's single writer, owners and kinds."""
    return {"group_name": group, "kinds": kinds, "owners": OWNERS, "pool": POOL}


def daily_options(group: str, kinds: set[str]) -> dict[str, Any]:
    """The same for an asset that is made by business date; a range of dates is made in one run."""
    return asset_options(group, kinds) | {
        "partitions_def": daily,
        "backfill_policy": dg.BackfillPolicy.single_run(),
    }


def enter_late_dates(context: dg.AssetExecutionContext, dates: Iterable[date]) -> None:
    """Tell Dagster of the dates outside the run that were made again because of late or restated files."""
    for day in dates:
        context.log_event(
            dg.AssetMaterialization(context.asset_key, partition=day.isoformat(), metadata={LATE: day.isoformat()})
        )


def in_two_languages(name_zh: str, about_zh: str, about_en: str, /) -> str:
    """The description of an asset: its Chinese name and what it holds, in Chinese and in English."""
    return f"{name_zh} · {about_zh}\n\n{about_en}" if about_zh else f"{name_zh} · {about_en}"


def page_link(home: Home, /) -> dict[str, dg.MetadataValue]:
    """Where the newest report page is: its address, and the folder."""
    return {"report": dg.MetadataValue.url(reports_url()), "report folder": dg.MetadataValue.path(str(home.reports))}
