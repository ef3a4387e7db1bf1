"""What a figure of the marts is over all rows of one model and currency, in SQL: ratios from summed parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

SUMMED = (
    "spend",
    "evidenced_spend",
    "commission",
    "platform_spend",
    "total_gmv",
    "credited_gmv",
    "direct_gmv",
    "halo_gmv",
    "click_gmv",
    "view_gmv",
    "unattributed_gmv",
    "total_refunds",
    "credited_refunds",
    "unmatched_refunds",
    "credited_net",
    "orders",
)
RATIOS = {"roas_gmv": "credited_gmv", "roas_direct": "direct_gmv", "roas_net": "credited_net"}


def totals(columns: Collection[str], /) -> dict[str, str]:
    """The totals that a table with these columns has, each as an SQL expression."""
    sums = {column: f"sum({column})" for column in SUMMED if column in columns}
    return sums | {
        ratio: f"(sum({part}) / nullif(sum(evidenced_spend), 0))::DOUBLE"
        for ratio, part in RATIOS.items()
        if part in columns and "evidenced_spend" in columns
    }
