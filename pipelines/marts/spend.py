"""The marts of spend: by day, in and out of tasks, and what of it is the brand's own money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from data_contracts.reference import refund_days
from models.maturity import maturity
from models.real_money import OWN_FUNDS, real_returns
from pipelines.charts import Chart
from pipelines.dates import as_of
from pipelines.marts.mart import Mart
from pipelines.marts.returns import SPEND, evidenced_notes

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

SPEND_DAILY = """
    SELECT spend_date AS business_date, kind AS spend_kind, currency,
        coalesce(sum(amount_fen) FILTER (payer = 'brand'), 0)::BIGINT AS spend_fen,
        coalesce(sum(amount_fen) FILTER (payer = 'brand' AND in_task), 0)::BIGINT AS in_task_spend_fen,
        coalesce(sum(amount_fen) FILTER (payer = 'brand' AND NOT in_task), 0)::BIGINT AS out_of_task_spend_fen,
        coalesce(sum(amount_fen) FILTER (payer = 'brand' AND in_task IS NULL), 0)::BIGINT AS unknown_task_spend_fen,
        coalesce(sum(amount_fen) FILTER (payer = 'platform'), 0)::BIGINT AS platform_spend_fen
    FROM core.task_spend WHERE spend_date <= $day GROUP BY ALL ORDER BY ALL"""

_FUNDS = ("cash", "credit", "rebate", "coupon", "compensation")
_OWN = f"fund IN {OWN_FUNDS}"
WALLET_DAILY = f"""
    SELECT flow_date AS business_date, account_id, currency,
        {", ".join(f"coalesce((sum(amount) FILTER (fund = '{f}') * 100), 0)::BIGINT AS {f}_fen" for f in _FUNDS)},
        (sum(amount) * 100)::BIGINT AS face_spend_fen,
        coalesce(sum(amount) FILTER ({_OWN}) * 100, 0)::BIGINT AS real_spend_fen,
        real_spend_fen / nullif(face_spend_fen, 0) AS real_share
    FROM raw.wallet_flows WHERE flow_date <= $day GROUP BY ALL ORDER BY ALL"""

WALLET = "SELECT flow_date, fund, (amount * 100)::BIGINT AS amount_fen, currency FROM raw.wallet_flows"


def _by_day(query: str) -> Callable[[duckdb.DuckDBPyConnection], pl.DataFrame]:
    def rows(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        # What was spent on a day is known with it; restatements say when it was corrected.
        return connection.sql(query, params={"day": as_of(connection)}).pl().with_columns(maturity=pl.lit("mature"))

    return rows


def _real_returns(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    day = as_of(connection)
    found = real_returns(
        connection.sql("FROM core.earned").pl(),
        connection.sql(SPEND).pl(),
        evidenced_notes(connection),
        connection.sql(WALLET).pl(),
        as_of=day,
    )
    state = maturity(pl.col("last_paid"), as_of=day, refund_days=refund_days())
    return found.with_columns(maturity=state).drop("last_paid")


SPEND_MARTS = (
    Mart(
        "spend_daily",
        "每日花费",
        "Spend by day and kind: the brand's own, in the task period of its note, out of it or unknown, and what the "
        "platform paid. In task + out of task + unknown = spend.",
        _by_day(SPEND_DAILY),
        "SELECT spend_kind AS 类型, sum(spend) AS 花费, sum(in_task_spend) AS 任务期内, sum(out_of_task_spend) AS 外, "
        "sum(platform_spend) AS 平台付费 FROM mart.spend_daily GROUP BY ALL ORDER BY 2 DESC",
        made_of=("core/spend", "raw/notes"),
        chart=Chart("每日花费", "SELECT business_date, sum(spend) FROM mart.spend_daily GROUP BY ALL", "yuan"),
        about_zh="每天、每种类型的花费：品牌付费分任务期内、任务期外和未知，三者之和等于花费；平台付费另列。",
    ),
    Mart(
        "wallet_daily",
        "账户资金",
        "What the advertising accounts paid by day and fund: cash and credit are the brand's own money, rebates, "
        "coupons and compensation are not. It is the money of ads once more and is never added to spend.",
        _by_day(WALLET_DAILY),
        "SELECT business_date AS 日期, account_id AS 账户, face_spend, real_spend, real_share FROM mart.wallet_daily "
        "ORDER BY business_date DESC, account_id LIMIT 8",
        made_of=("raw/wallet_flows",),
        chart=Chart(
            "每日真实花费", "SELECT business_date, sum(real_spend) FROM mart.wallet_daily GROUP BY ALL", "yuan"
        ),
        about_zh="广告账户每天按资金类型的消耗：现金、授信是真实花费，返货、券、赔付不是；与花费是同一笔钱，不相加。",
        figures="SELECT sum(face_spend) AS face_spend, sum(real_spend) AS real_spend FROM mart.wallet_daily",
    ),
    Mart(
        "real_returns",
        "现金回报",
        "ROI on real money beside ROI at face value, of notes whose orders are evidenced: their spend less what the "
        "advertising accounts paid of their ads with rebates, coupons and compensation. Unknown where no account flow "
        "has arrived, and of each of several brands, since accounts name none.",
        _real_returns,
        "SELECT model, evidenced_spend, real_spend, roas_gmv, roas_real FROM mart.real_returns ORDER BY model",
        made_of=("core/earned", "core/spend", "raw/notes", "raw/wallet_flows"),
        chart=("model", "roas_real"),
        about_zh="按真实资金算的 ROI 与按票面算的 ROI 并列：有据花费减去账户为其广告用返货、券和赔付支付的部分。",
        figures="SELECT roas_gmv, roas_real FROM mart.real_returns WHERE model = 'linear' LIMIT 1",
    ),
)
