"""What categories, lanes and channels returned."""

from __future__ import annotations

from pipelines.reports.content import Column, Table
from pipelines.reports.tables.returns import ACQUIRED, MONEY, RATIOS, level_returns, returns
from pipelines.reports.wording import Text

CATEGORIES = level_returns(
    "category",
    "category",
    Text("类目回报", "Returns by category"),
    Text(
        "订单按商品类目，花费按笔记类目。直接：归给推广该商品的笔记；带动：归给推广别的商品的笔记。"
        "一个类目的归因总额各模型相同，直接部分因模型而异，故列出区间。",
        "Orders stand in the category of their product, spend in that of its note. Direct went to notes that promote "
        "the product, halo to notes that promote another. All models credit a category the same in all, and differ in "
        "the direct part, whose range is shown.",
    ),
    (Column("category", "code"), Column("halo_out_gmv")),
    Column("category", "code"),
    *MONEY,
    Column("halo_out_gmv"),
    *ACQUIRED,
    Column("roas_gmv", of=("credited_gmv", "evidenced_spend")),
    Column("roas_direct", of=("direct_gmv", "evidenced_spend")),
    Column("direct_low"),
    Column("direct_high"),
    Column("roas_net", of=("credited_net", "evidenced_spend")),
    Column("roi_profit"),
    Column("maturity", "code"),
)

LANES = level_returns(
    "lane",
    "lane",
    Text("链路", "Lanes"),
    Text("各链路并列，互不混合，没有合计。", "Lanes stand side by side, are never mixed and have no total."),
    (Column("lane", "code"), Column("evidence", "code")),
    Column("lane", "code"),
    Column("evidence", "code"),
    *MONEY,
    *ACQUIRED,
    *RATIOS,
    Column("maturity", "code"),
)

CHANNELS = Table(
    "channel_returns",
    Text("渠道", "Channels"),
    Text("订单在哪里成交，其中多少来自笔记。", "Where orders were placed, and how much of it notes earned."),
    returns("channel", "channel", "total_gmv", "unattributed_gmv"),
    (
        Column("channel", "code"),
        *map(Column, ("total_gmv", "credited_gmv", "unattributed_gmv", "orders", "buyers", "new_customer_share")),
    ),
    needs=("history.channel_roi", "history.buyers"),
    mart="channel_roi",
)
