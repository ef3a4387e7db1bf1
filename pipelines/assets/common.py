"""What all assets have in common."""

from __future__ import annotations

import warnings
from typing import Any

import dagster as dg

from pipelines.partitions import daily

# Single-run backfills are beta in this Dagster; its version is pinned, and a test runs one.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

OWNERS = ["team:marketing-analytics"]
POOL = "duckdb"


def asset_options(group: str, kinds: set[str]) -> dict[str, Any]:
    """The pool of the warehouse's single writer, owners and kinds."""
    return {"group_name": group, "kinds": kinds, "owners": OWNERS, "pool": POOL}


def daily_options(group: str, kinds: set[str]) -> dict[str, Any]:
    """The same for an asset that is made by business date; a range of dates is made in one run."""
    return asset_options(group, kinds) | {
        "partitions_def": daily,
        "backfill_policy": dg.BackfillPolicy.single_run(),
    }
