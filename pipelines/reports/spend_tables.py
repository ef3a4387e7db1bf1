"""The tables of spend: what it bought, whether inside its task, and how much of it was real money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.reports.content import Column, Private, Table
from pipelines.reports.wording import Text

if TYPE_CHECKING:
    from pipelines.targets import ReportSettings

SPEND = Table(
    "spend_by_kind",
    Text("花费构成", "What was spent on"),
    Text(
        "品牌付费按类型：任务期内、任务期外、未知，三者之和等于花费。平台付费另列，不计入。",
        "What the brand paid by kind: inside the task period, outside, or unknown, which add up to spend. What the "
        "platform paid stands beside and is no part of it.",
    ),
    """
    SELECT as_of, currency, spend_kind, sum(spend) AS spend, sum(in_task_spend) AS in_task_spend,
        sum(out_of_task_spend) AS out_of_task_spend, sum(unknown_task_spend) AS unknown_task_spend,
        sum(platform_spend) AS platform_spend,
        (sum(in_task_spend) / nullif(sum(spend), 0))::DOUBLE AS in_task_share
    FROM history.spend_daily WHERE {shown} GROUP BY ALL ORDER BY as_of DESC, currency, spend DESC, spend_kind""",
    (
        Column("spend_kind", "code"),
        *map(Column, ("spend", "in_task_spend", "out_of_task_spend", "unknown_task_spend")),
        Column("in_task_share", of=("in_task_spend", "spend")),
        Column("platform_spend"),
    ),
    needs=("history.spend_daily",),
)


def _planned(rows: pl.DataFrame, settings: ReportSettings, brand: str) -> pl.DataFrame:
    """Months with what was planned for them (in yuan), and how much of them is over."""
    plan = settings.plan_of(brand)
    known = pl.DataFrame(list(plan.items()), {"month": pl.String, "planned_spend": pl.Float64}, orient="row")
    begins = (pl.col("month") + "-01").str.to_date()
    over = ((pl.col("as_of") - begins).dt.total_days() + 1) / begins.dt.month_end().dt.day()
    in_yuan = pl.when(pl.col("currency") == "CNY")
    return rows.join(known, on="month", how="left", maintain_order="left").with_columns(
        in_yuan.then("planned_spend").alias("planned_spend"),
        plan_share=in_yuan.then(pl.col("spend").cast(pl.Float64) / pl.col("planned_spend")),
        month_share=over.clip(0, 1),
    )


PLAN = Table(
    "spend_plan",
    Text("花费与计划", "Spend against plan"),
    Text(
        "每月花费与计划对照。计划写在 targets.yaml 的 plan 里；没有写的月份为空。",
        "What was spent in each month beside what targets.yaml states under plan; empty where it states nothing.",
    ),
    """
    SELECT as_of, currency, strftime(business_date, '%Y-%m') AS month, sum(spend) AS spend
    FROM history.spend_daily WHERE {shown} GROUP BY ALL ORDER BY as_of DESC, currency, month DESC""",
    (
        Column("month", "text"),
        Column("spend"),
        Column("planned_spend"),
        Column("plan_share"),
        Column("month_share"),
    ),
    needs=("history.spend_daily",),
    then=_planned,
)
FUNDS = ("cash_spend", "credit_spend", "rebate_spend", "coupon_spend", "compensation_spend", "face_spend", "real_spend")
WALLETS = Table(
    "wallets",
    Text("现金与返货", "Cash and rebates"),
    Text(
        "广告账户用什么资金支付。真实花费 = 现金 + 授信；返货、券、赔付不是。与广告花费是同一笔钱，不相加。",
        "With what the advertising accounts paid. Real spend = cash + credit; rebates, coupons and compensation are "
        "not. It is the money of ads once more, and is never added to it.",
    ),
    f"""
    SELECT as_of, currency, account_id, {", ".join(f"sum({name}) AS {name}" for name in FUNDS)},
        (sum(real_spend) / nullif(sum(face_spend), 0))::DOUBLE AS real_share, min(business_date) AS wallet_from,
        max(business_date) AS wallet_to
    FROM history.wallet_daily WHERE {{shown}} GROUP BY ALL ORDER BY as_of DESC, currency, face_spend DESC, account_id
    """,
    (
        Column("account_id", "text"),
        *map(Column, FUNDS),
        Column("real_share", of=("real_spend", "face_spend")),
        Column("wallet_from", "date"),
        Column("wallet_to", "date"),
    ),
    needs=("history.wallet_daily",),
)
REAL_RETURNS = Table(
    "real_returns",
    Text("真实资金ROI", "ROAS on real money"),
    Text(
        "有据花费减去账户为其广告用返货、券、赔付支付的部分。没有账户流水的日期按票面计。",
        "Spend on notes whose orders are evidenced, less what the accounts paid of their ads with rebates, coupons and "
        "compensation. Days without a flow of the account stand at face value.",
    ),
    """
    SELECT r.as_of, r.model, r.currency, r.credited_gmv, coalesce(r.evidenced_spend, r.spend) AS evidenced_spend,
        r.real_spend, r.roas_gmv AS roas_face, r.roas_real, wallet_from, wallet_to, r.maturity,
        coalesce(least(nullif(b.buyers, 0), nullif(b.unattributed_buyers, 0)), 0) AS people
    FROM history.real_returns AS r LEFT JOIN history.buyers AS b
        ON b.level = 'all' AND b.as_of = r.as_of AND b.model = r.model AND b.currency = r.currency
    WHERE r.{shown} ORDER BY r.as_of DESC, r.model, r.currency""",
    (
        *map(Column, ("credited_gmv", "evidenced_spend", "real_spend", "roas_face", "roas_real")),
        Column("wallet_from", "date"),
        Column("wallet_to", "date"),
        Column("maturity", "code"),
    ),
    needs=("history.real_returns", "history.buyers"),
    private=Private("people", ("credited_gmv", "roas_face", "roas_real"), ()),
)
