"""The tables of spend: what it bought, whether inside its task, and how much of it was real money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.reports.content import Column, Table
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
    mart="spend_daily",
)


def _planned(rows: pl.DataFrame, settings: ReportSettings, brand: str) -> pl.DataFrame:
    """Months with what was planned for them (in yuan), and how much of them is over."""
    plan = pl.DataFrame(
        list(settings.plan_of(brand).items()), {"month": pl.String, "planned_spend": pl.Float64}, orient="row"
    )
    return _against(rows.join(plan, on="month", how="left", maintain_order="left"))


def _planned_by_category(rows: pl.DataFrame, settings: ReportSettings, brand: str) -> pl.DataFrame:
    """Categories in the month of the report; one that was planned and on which nothing was spent has its row."""
    schema = {"month": pl.String, "category": pl.String, "planned_spend": pl.Float64}
    plan = pl.DataFrame(settings.category_plan_of(brand), schema, orient="row")
    months = rows.select("as_of", "month", currency=pl.lit("CNY")).unique()
    found = rows.join(
        months.join(plan, on="month"),
        on=["as_of", "month", "currency", "category"],
        how="full",
        coalesce=True,
        nulls_equal=True,
    )
    found = found.with_columns(pl.col("spend").fill_null(0))
    order = ["as_of", "currency", "spend", "category"]
    return _against(found.sort(order, descending=[True, False, True, False], nulls_last=True))


def _against(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of spend and plan with how much of the plan is spent, and of the month over. Plans are in yuan."""
    begins = (pl.col("month") + "-01").str.to_date()
    over = ((pl.col("as_of") - begins).dt.total_days() + 1) / begins.dt.month_end().dt.day()
    planned = pl.when((pl.col("currency") == "CNY") & (pl.col("planned_spend") > 0)).then("planned_spend")
    return rows.with_columns(
        pl.when(pl.col("currency") == "CNY").then("planned_spend").alias("planned_spend"),
        plan_share=pl.col("spend").cast(pl.Float64) / planned,
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
    mart="spend_daily",
    then=_planned,
)
CATEGORY_PLAN = Table(
    "category_plan",
    Text("本月类目花费与计划", "The month's spend against plan by category"),
    Text(
        "截至日所在月份，按笔记的类目，按最新数据。计划写在 targets.yaml：plan 下每月按类目列出；没有写的类目为“—”。",
        "In the month of the date, by the category of the note, as known today. targets.yaml states under plan what is "
        "planned for each category of a month; “—” where it states nothing.",
    ),
    """
    SELECT as_of, s.currency, strftime(as_of, '%Y-%m') AS month, category,
        (sum(amount_fen) / 100)::DECIMAL(18, 2) AS spend
    FROM (SELECT DISTINCT as_of FROM history.spend_daily WHERE {shown})
    JOIN core.spend AS s ON spend_date <= as_of AND spend_date >= date_trunc('month', as_of)
    LEFT JOIN raw.notes USING (note_id)
    WHERE payer = 'brand' GROUP BY ALL ORDER BY as_of DESC, currency, spend DESC, category""",
    (
        Column("category", "code"),
        Column("month", "text"),
        Column("spend"),
        Column("planned_spend"),
        Column("plan_share"),
        Column("month_share"),
    ),
    needs=("history.spend_daily", "core.spend", "raw.notes"),
    mart="spend_daily",
    then=_planned_by_category,
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
    mart="wallet_daily",
)
REAL_RETURNS = Table(
    "real_returns",
    Text("真实资金ROI", "ROAS on real money"),
    Text(
        "有据花费减去账户为其广告用返货、券、赔付支付的部分。没有账户流水的日期按票面计。账户流水不写品牌："
        "有几个品牌时，每个品牌用了多少真实资金是未知的（—），账户流水见“不分品牌”的日报。",
        "Spend on notes whose orders are evidenced, less what the accounts paid of their ads with rebates, coupons and "
        "compensation. Days without a flow of the account stand at face value. Accounts name no brand: of several "
        "brands it is unknown (—) what each paid of its own, and the accounts stand in the report of no single brand.",
    ),
    """
    SELECT r.as_of, r.model, r.currency, r.credited_gmv, coalesce(r.evidenced_spend, r.spend) AS evidenced_spend,
        r.real_spend, r.roas_gmv AS roas_face, r.roas_real, wallet_from, wallet_to, r.maturity
    FROM history.real_returns AS r
    WHERE r.{shown} ORDER BY r.as_of DESC, r.model, r.currency""",
    (
        *map(Column, ("credited_gmv", "evidenced_spend", "real_spend", "roas_face", "roas_real")),
        Column("wallet_from", "date"),
        Column("wallet_to", "date"),
        Column("maturity", "code"),
    ),
    needs=("history.real_returns", "history.buyers"),
    mart="real_returns",
)
