"""What a key of a level returned, as a table of the report: the figures that all such tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.reports.content import Column, Table

if TYPE_CHECKING:
    from pipelines.reports.wording import Text

MONEY = (
    *(Column("spend"), Column("evidenced_spend"), Column("credited_gmv"), Column("direct_gmv"), Column("halo_gmv")),
    Column("credited_net"),
)
RATIOS = (
    Column("roas_gmv", of=("credited_gmv", "evidenced_spend")),
    Column("roas_low"),
    Column("roas_high"),
    Column("roas_net", of=("credited_net", "evidenced_spend")),
    Column("roi_profit"),
)
PEOPLE = (Column("orders"), Column("buyers"), Column("new_customer_share"))
ACQUIRED = (*PEOPLE, Column("cac"))
RETURNS = (*MONEY, *PEOPLE, *RATIOS, Column("maturity", "code"))


def returns(level: str, key: str, *columns: str, mart: str = "") -> str:
    """What each key of a level returned, with the buyers behind it and the range of ROAS over the models.

    `mart` holds the returns where it is not that of the level.
    """
    shown = ", ".join(f"r.{name}" for name in ("as_of", "model", "currency", key, *columns))
    return f"""
        SELECT {shown}, r.spend, coalesce(r.evidenced_spend, r.spend) AS evidenced_spend, r.credited_gmv, r.direct_gmv,
            r.halo_gmv, r.credited_net, r.orders, r.roas_gmv, r.roas_net, r.roi_profit, r.maturity,
            coalesce(b.buyers, 0) AS buyers, b.new_customer_share,
            (r.spend / nullif(b.new_customers, 0))::DOUBLE AS cac,
            r.roas_direct, min(r.roas_gmv) OVER same AS roas_low, max(r.roas_gmv) OVER same AS roas_high,
            min(r.roas_direct) OVER same AS direct_low, max(r.roas_direct) OVER same AS direct_high
        FROM history.{mart or f"{level}_roi"} AS r LEFT JOIN history.buyers AS b
            ON b.level = '{level}' AND b.as_of = r.as_of AND b.model = r.model AND b.currency = r.currency
            AND b.key IS NOT DISTINCT FROM r.{key}
        WHERE r.{{shown}}
        WINDOW same AS (PARTITION BY r.as_of, r.{key}, r.currency)
        ORDER BY r.as_of DESC, r.model, r.spend DESC NULLS LAST, r.{key} NULLS LAST"""


def level_returns(level: str, key: str, title: Text, says: Text, names: tuple[Column, ...], *columns: Column) -> Table:
    """A table of what each key of a level returned: its names, then the given columns or those of all returns."""
    return Table(
        f"{level}_returns",
        title,
        says,
        returns(level, key, *(column.name for column in names if column.name != key)),
        columns or (*names, *RETURNS),
        needs=(f"history.{level}_roi", "history.buyers"),
        mart=f"{level}_roi",
    )
