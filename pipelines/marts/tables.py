"""The table of marts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from models.register import RULES
from models.roi import reconciliation
from pipelines.buckets import credited_parts
from pipelines.dates import as_of
from pipelines.marts.funnel import FUNNEL
from pipelines.marts.returns import returns_by

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb


@dataclass(frozen=True)
class Mart:
    """One mart: what it says, how its rows are made, of which core tables, and which two columns make its chart."""

    name: str
    name_zh: str
    description: str
    rows: Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]
    made_of: tuple[str, ...] = ("earned", "spend")
    chart: tuple[str, str] | None = None


def _reconciled(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    day = as_of(connection)
    parts = [
        reconciliation(credited, orders, refunds, models=list(RULES), as_of=day)
        for credited, orders, refunds in credited_parts(connection, models=len(RULES))
    ]
    return pl.concat(parts).group_by("model", "currency").sum().sort("model", "currency")


def _funnel(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return connection.sql(FUNNEL).pl()


MARTS = (
    Mart(
        "category_roi",
        "类目回报",
        "What each category returned: spend on its notes, credited sales of its products, direct and halo apart, "
        "and what no note earned.",
        returns_by("category"),
        chart=("category", "roas_gmv"),
    ),
    Mart(
        "note_roi",
        "笔记回报",
        "What each note returned. A note with spend and no orders has its row.",
        returns_by("note"),
        chart=("note_id", "roas_gmv"),
    ),
    Mart("creator_roi", "博主回报", "What the notes of each creator returned.", returns_by("creator")),
    Mart("campaign_roi", "项目回报", "What the notes of each campaign returned.", returns_by("campaign")),
    Mart(
        "channel_roi",
        "渠道回报",
        "Where credited sales happened, and what no note earned there.",
        returns_by("channel"),
        chart=("channel", "orders"),
    ),
    Mart(
        "lane_roi",
        "链路回报",
        "What each lane returned; lanes are shown side by side and never mixed.",
        returns_by("lane"),
        chart=("lane", "roas_gmv"),
    ),
    Mart(
        "reconciliation",
        "对账",
        "Credited and unattributed sales add up to the shop's total, to the fen, for every model.",
        _reconciled,
        made_of=("credits", "conversions", "refunds"),
    ),
    Mart(
        "funnel_daily",
        "每日漏斗",
        "Exposure, engagement, click, visit, cart, paid and kept, by day. A feed that did not arrive is missing, not 0.",
        _funnel,
        made_of=("touches", "conversions", "refunds"),
    ),
)
