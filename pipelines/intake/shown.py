"""What Dagster shows of a feed: which columns of its newest rows, and what of it by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data_contracts.contract import contract
from pipelines.charts import Chart
from pipelines.warehouse import quoted

PREVIEWED = 4  # as many columns as stand side by side without breaking


@dataclass(frozen=True)
class Shown:
    """Columns of the preview, and the figure by day with its name and kind."""

    columns: tuple[str, ...]
    figure: str = "count(*)"
    name: str = "行数"
    kind: str = "count"


def _money(amount: str, name: str, *columns: str) -> Shown:
    return Shown(columns, f"sum({amount}) FILTER (currency = (SELECT mode(currency) FROM rows))", name, "yuan")


SHOWN = {
    "exchange_note_daily": Shown(("claim_date", "exchange", "cycle", "shop_gmv")),
    "link_clicks": Shown(("occurred_at", "channel", "note_id"), name="点击"),
    "local_events": Shown(("occurred_at", "event", "city", "amount"), name="卡券动作"),
    "local_shops": Shown(("shop_name", "city", "vertical", "valid_from"), name="登记门店"),
    "note_comments": Shown(("commented_at", "note_id", "asks_link", "is_negative"), name="评论"),
    "note_engagements": Shown(("occurred_at", "action", "note_id"), name="互动"),
    "note_impressions": Shown(("occurred_at", "payer", "note_id"), name="曝光"),
    "note_metrics_daily": Shown(("metric_date", "source", "note_id", "impressions")),
    "note_spend": _money("amount", "花费", "spend_date", "kind", "payer", "amount"),
    "notes": Shown(("title", "creator_name", "category", "lane"), name="发布笔记"),
    "promotion_orders": _money("paid_amount", "推广订单金额", "paid_at", "channel", "status", "paid_amount"),
    "identity_links": Shown(("linked_at", "exported_at"), name="关联"),
    "promotion_codes": Shown(("code", "note_id", "valid_from", "valid_to"), name="生效推广码"),
    "refunds": _money("refund_amount", "退款", "refunded_at", "channel", "refund_amount"),
    "shop_conversions": _money("paid_amount", "付款GMV", "paid_at", "channel", "category", "paid_amount"),
    "shop_events": Shown(("occurred_at", "channel", "event", "category")),
    "wallet_flows": _money("amount", "支付", "flow_date", "account_id", "fund", "amount"),
}


def shown(feed: str, /) -> dict[str, Any]:
    """The options of `table_metadata` for a feed; one that is not in the table shows its first columns."""
    terms = contract(feed)
    told = SHOWN.get(feed) or Shown(tuple(f.name for f in terms.fields if not f.personal)[:PREVIEWED])
    chosen = ", ".join(map(quoted, told.columns))
    by_day = f"WITH rows AS (FROM raw.{feed}) SELECT _date, ({told.figure})::DOUBLE FROM rows GROUP BY ALL"
    return {
        "descriptions": {f.name: f"{f.name_zh} · {f.description}" for f in terms.fields},
        "preview": f"SELECT {chosen} FROM raw.{feed} ORDER BY exported_at DESC, _file, _row LIMIT 6",
        "chart": Chart(f"每日{told.name}", by_day, told.kind),
    }
