"""What readers see in two languages: headings of figures, and the words for codes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from data_contracts.contract import contract, feeds
from models.register import MODELS, RULES
from pipelines.marts.columns import COLUMNS


@dataclass(frozen=True)
class Text:
    """The same in Chinese and English."""

    zh: str
    en: str


# English headings that the name of a column does not give by itself.
HEADINGS = {
    "roas_gmv": "ROAS",
    "roas_net": "Net ROAS",
    "roas_direct": "Direct ROAS",
    "roi_profit": "Profit ROI",
    "as_of": "As of",
    "note_id": "Note ID",
    "title": "Note",
    "creator_name": "Creator",
    "creator_tier": "Tier",
    "campaign_id": "Campaign",
    "orders": "Orders",
    "key": "Key",
}
SHOUTED = {"gmv", "roi", "roas", "uv", "cpuv", "cpe", "cpc", "cpm", "cpti", "cac", "aov", "ctr", "id", "url"}


def _spaced(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


# What codes in figures mean, by column. Categories, channels and lanes come from the warehouse's reference tables.
CODES: dict[str, dict[str | None, Text]] = {
    "maturity": {
        "maturing": Text("未成熟", "Maturing"),
        "settling": Text("结算中", "Settling"),
        "mature": Text("已成熟", "Mature"),
    },
    "model": {name: Text(MODELS[name].name_zh, MODELS[name].name_en) for name in RULES},
    "action": {
        "boost": Text("加投", "Boost"),
        "keep": Text("保持", "Keep"),
        "watch": Text("观察", "Watch"),
        "stop": Text("停投", "Stop"),
        None: Text("不建议", "No advice"),
    },
    "reason": {
        "unknown_age": Text("发布时间未知", "Date of publication unknown"),
        "too_young": Text("发布不足{min_age_days}天", "Younger than {min_age_days} days"),
        "low_spend": Text("花费低于{min_spend}元", "Spend below {min_spend} yuan"),
        "few_orders": Text("订单少于{min_orders}", "Fewer than {min_orders} orders"),
        "few_buyers": Text("购买人数低于隐私阈值{privacy_k}", "Fewer buyers than the privacy threshold {privacy_k}"),
        "low_roas_open": Text("ROI低于{roas_pause}，但窗口未关闭", "ROAS below {roas_pause}, but windows are open"),
        "low_roas": Text("ROI低于{roas_pause}", "ROAS below {roas_pause}"),
        "dear_visits_open": Text(
            "进店成本高于{cpuv_pause}元，但窗口未关闭", "A visit costs over {cpuv_pause} yuan, but windows are open"
        ),
        "dear_visits": Text(
            "进店成本高于{cpuv_pause}元且ROI未达标",
            "A visit costs over {cpuv_pause} yuan and ROAS is below target",
        ),
        "between": Text("ROI在{roas_pause}与{roas_target}之间", "ROAS between {roas_pause} and {roas_target}"),
        "refunds": Text("ROI达标，退款后低于{roas_target}", "ROAS on target, after refunds below {roas_target}"),
        "visits_above_target": Text(
            "ROI达标，但进店成本高于{cpuv_target}元", "ROAS on target, but a visit costs over {cpuv_target} yuan"
        ),
        "above_target": Text("ROI不低于{roas_target}", "ROAS at {roas_target} or above"),
    },
    "kind": {
        "impression": Text("曝光", "Impression"),
        "engagement": Text("互动", "Engagement"),
        "click": Text("点击", "Click"),
    },
    "exchange": {
        "red_cat": Text("红猫", "Red-Cat"),
        "red_jd": Text("红京", "Red-JD"),
        None: Text("无", "None"),
    },
    "evidence": {"order": Text("逐单", "Order by order"), "claim": Text("平台申报", "Claims only")},
    "band": {
        "0": Text("当天", "Same day"),
        "1": Text("1–3天", "1–3 days"),
        "2": Text("4–7天", "4–7 days"),
        "3": Text("8–14天", "8–14 days"),
        "4": Text("15–30天", "15–30 days"),
        "5": Text("30天以上", "Over 30 days"),
    },
    "step": {
        "impressions": Text("曝光", "Impressions"),
        "engagements": Text("互动", "Engagements"),
        "clicks": Text("点击", "Clicks"),
        "visits": Text("进店", "Shop visits"),
        "carts": Text("加购", "Carts"),
        "orders": Text("付款订单", "Paid orders"),
        "kept_orders": Text("留存订单", "Kept orders"),
    },
    "state": {
        "arrived": Text("已到", "Arrived"),
        "late": Text("迟到", "Late"),
        "missing": Text("缺失", "Missing"),
        "not_due": Text("未到期", "Not due"),
    },
    "feed": {feed: Text(contract(feed).name_zh, _spaced(feed)) for feed in feeds()},
    "source": {None: Text("全部", "All")},
    "status": {
        "complete": Text("完整", "Complete"),
        "partial": Text("部分隔离", "Partly quarantined"),
        "refused": Text("拒收", "Refused"),
    },
    "by_model": {name: Text(MODELS[name].name_zh, MODELS[name].name_en) for name in RULES},
    "category": {None: Text("未归类", "Unassigned")},
    "channel": {None: Text("未知", "Unknown")},
    "lane": {None: Text("不属于链路", "No lane")},
    "creator_tier": {
        "head": Text("头部", "Head"),
        "mid": Text("腰部", "Mid"),
        "tail": Text("尾部", "Tail"),
        "koc": Text("KOC", "KOC"),
    },
    "campaign_id": {None: Text("无项目", "No campaign")},
    "creator_name": {None: Text("无博主", "No creator")},
    "title": {None: Text("不属于单篇笔记", "No single note")},
}

# How each model splits an order over the touches of its journey.
MODEL_RULES = {
    "first_touch": Text("全部归给第一个触点", "All to the first touch"),
    "last_touch": Text("全部归给最后一个触点", "All to the last touch"),
    "last_click": Text("全部归给最后一次点击，没有点击则归给最后触点", "All to the last click, or the last touch"),
    "last_non_organic": Text(
        "全部归给品牌或平台付费的最后一个触点，没有则归给最后触点",
        "All to the last touch that brand or platform paid for, or the last touch",
    ),
    "linear": Text("每个触点相同", "The same to each touch"),
    "time_decay": Text("付款前每早7天减半", "Half as much for every 7 days before the payment"),
    "position_based": Text("首40%、末40%、中间20%", "40 % first, 40 % last, 20 % to those between"),
}


def heading(column: str, /) -> Text:
    """What a column is called."""
    zh = COLUMNS[column].split(" · ")[0] if column in COLUMNS else column
    return Text(zh, HEADINGS.get(column) or _words(column))


def explained(column: str, /) -> str:
    """What a column says, with its formula: the one text that stands wherever the figure is shown."""
    return COLUMNS.get(column, "")


def _words(column: str) -> str:
    words = [w.upper() if w in SHOUTED else w for w in re.split("_+", column)]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])
