"""What readers see in two languages: headings of figures, and the words for codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

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

# What only the report shows: figures that its queries make of the marts'.
REPORTED = {
    "cost_per_visitor": "每位进店读者花费 · spend / visitor_uv.",
    "month": "月份 · Month of the spend.",
    "planned_spend": "计划花费 · What the brand planned to spend in the month, by targets.yaml.",
    "plan_share": "计划完成 · spend / planned_spend.",
    "month_share": "当月已过 · Days of the month up to as_of / all its days.",
    "places": "处数 · In how many places.",
    "claim_difference": "差额 · credited_gmv − claimed_gmv.",
    "claimed_by": "重复类型 · Who claims the sale twice.",
    "claimed_gmv": "申报GMV · Shop sales that the exchange claims.",
    "twice_at_least_gmv": "重复至少 · At least so much is claimed twice.",
    "twice_at_most_gmv": "重复至多 · At most so much is claimed twice.",
    "cycle": "周期（天） · Days of the exchange's window.",
    "restated_on": "改动日期 · When the new figure came.",
    "restated_in": "表 · Where the figure stands.",
    "figure": "指标 · Which figure.",
    "was": "原值 · What it was.",
    "became": "新值 · What it became.",
    "change": "变化 · became − was.",
    "part_of": "所属 · To what the figure belongs.",
    "roas_face": "票面ROI · credited_gmv / evidenced_spend, at face value.",
    "in_task_share": "任务期内占比 · in_task_spend / spend.",
    "entry": "事件 · What happened.",
    "ends": "结束日期 · Last day, where it ended.",
    "policy": "类型 · Of what kind the event is.",
    "known_to": "精确到 · To what its date is known.",
    "counts_unknown": "未给数字 · Counts of notes that the platform told no number of.",
}


def _spaced(name: str) -> str:
    return name[:1].upper() + name[1:].replace("_", " ")


def _enum(feed: str, column: str) -> dict[str | None, Text]:
    """The words of a contract for the values of a column."""
    return {value: Text(zh, _spaced(value)) for value, zh in contract(feed).field(column).enum.items()}


OTHERS = "*"  # where a rule is of every category for which there is none
UNKNOWN_ONE: dict[str | None, Text] = {None: Text("未知", "Unknown")}
YES_NO: dict[str | None, Text] = {"true": Text("✓ 是", "✓ yes"), "false": Text("否", "no"), None: Text("—", "—")}
HIGH: dict[str | None, Text] = {"true": Text("▲ 超限", "▲ high"), "false": Text("正常", "fine"), None: Text("—", "—")}

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
    "evidence": {
        "order": Text("逐单", "Order by order"),
        "claim": Text("平台申报", "Claims only"),
        "mixed": Text("部分逐单", "Partly order by order"),
    },
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
        "reads": Text("阅读", "Reads"),
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
    "source": {
        None: Text("全部", "All"),
        "red_cat": Text("红猫", "Red-Cat"),
        "red_jd": Text("红京", "Red-JD"),
        **_enum("note_metrics_daily", "source"),
    },
    "scope": {
        "brand": Text("同品牌", "same brand"),
        "category": Text("同类目", "same category"),
        "product": Text("同商品", "same product"),
    },
    "platform": _enum("ad_claims_daily", "platform"),
    "claim_kind": _enum("ad_claims_daily", "claim_kind"),
    "level": _enum("exchange_note_daily", "level"),
    "restated_in": {
        **{feed: Text(contract(feed).name_zh, _spaced(feed)) for feed in ("exchange_note_daily", "ad_claims_daily")},
        "funnel_daily": Text("每日漏斗", "Daily funnel"),
        "match_rates": Text("匹配率", "Match rates"),
        "note_daily": Text("笔记日指标", "Note daily"),
        "spend_daily": Text("每日花费", "Daily spend"),
        "wallet_daily": Text("账户资金", "Account funds"),
    },
    "matched_by": {
        "click_id": Text("点击", "Click"),
        "promotion_code": Text("推广码", "Promotion code"),
        "user_key": Text("用户键", "User key"),
        "identity_link": Text("账号关联", "Linked account"),
        "none": Text("未匹配", "None"),
    },
    "unmatched_because": {
        "unknown_click": Text("点击未知", "Click unknown"),
        "unknown_code": Text("推广码未知", "Code unknown"),
        "outside_rules": Text("推广码有主，但不合规则", "Code known, outside the rules"),
        "no_key": Text("没有用户键", "No user key"),
        "no_touch": Text("窗口内没有触点", "No touch inside the windows"),
    },
    "quadrant": {
        "star": Text("明星：有互动有进店", "Star: liked and visited"),
        "liked_but_no_visits": Text("只有互动", "Liked, no visits"),
        "quiet_seller": Text("低调带货：进店高", "Quiet seller: visits"),
        "weak": Text("偏弱", "Weak"),
        None: Text("不评", "Not judged"),
    },
    "not_judged": {
        "young": Text("太新", "Too young"),
        "small": Text("阅读太少", "Few readers"),
        "visits_unknown": Text("进店未知", "Visits unknown"),
        None: Text("—", "—"),
    },
    "claimed_by": {
        "windows": Text("两个周期", "Two cycles"),
        "exchanges": Text("两个合作方", "Two exchanges"),
        "notes_of_task": Text("同一任务的笔记", "Notes of a task"),
        "notes_of_shop": Text("同一店铺的笔记", "Notes of a shop"),
        "orders": Text("同一订单行的推广码", "Codes on an order line"),
    },
    "spend_kind": {
        "ads": Text("广告", "Ads"),
        "boost": Text("薯条", "Boost"),
        "creator_fee": Text("博主费", "Creator fee"),
        "service_fee": Text("平台服务费", "Service fee"),
        "task_fee": Text("任务技术费", "Task fee"),
        "production": Text("制作", "Production"),
        "samples": Text("寄样", "Samples"),
        "commission": Text("佣金", "Commission"),
    },
    "split": {
        "buyer": Text("买家", "Buyer"),
        "member": Text("会员", "Member"),
        "exclusive": Text("独家商品", "Exclusive product"),
    },
    "part": {
        "business": Text("企业", "Business"),
        "consumer": Text("消费者", "Consumer"),
        "88vip": Text("88VIP", "88VIP"),
        "jd_plus": Text("京东PLUS", "JD PLUS"),
        "non_member": Text("非会员", "No member"),
        "exclusive": Text("独家", "Exclusive"),
        "everywhere": Text("各渠道均售", "Sold everywhere"),
        None: Text("未知", "Unknown"),
    },
    "outcome": {
        "notes": Text("笔记", "Notes"),
        "redemptions": Text("核销", "Redemptions"),
        "vouchers_sold": Text("售出券", "Vouchers sold"),
    },
    "policy": {
        "programme": Text("项目", "Programme"),
        "link_ban": Text("外链禁令", "Link ban"),
        "rollout": Text("开放", "Rollout"),
        "rule": Text("规则", "Rule"),
        "opening": Text("开放", "Opening"),
        "fee": Text("费率", "Fee"),
        "pilot": Text("试点", "Pilot"),
        "festival": Text("节庆", "Festival"),
        "closure": Text("关停", "Closure"),
    },
    "known_to": {"day": Text("日", "Day"), "month": Text("月", "Month"), "year": Text("年", "Year")},
    **dict.fromkeys(("has_link", "first_exclusive", "is_broken_even", "notes_without_redemptions"), YES_NO),
    **{f"is_{name}_high": HIGH for name in ("ad_share", "negative_share", "complaint_share")},
    "status": {
        "complete": Text("完整", "Complete"),
        "partial": Text("部分隔离", "Partly quarantined"),
        "refused": Text("拒收", "Refused"),
    },
    "by_model": {name: Text(MODELS[name].name_zh, MODELS[name].name_en) for name in RULES},
    "category": {None: Text("未归类", "Unassigned"), OTHERS: Text("其他类目", "All others")},
    **dict.fromkeys(("channel", "city", "vertical"), UNKNOWN_ONE),
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
    zh = explained(column).split(" · ")[0] or _of_claims().get(column, column)
    return Text(zh, HEADINGS.get(column) or _words(column))


@cache
def _of_claims() -> dict[str, str]:
    """What the figures that platforms claim are called."""
    return {
        field.name: field.name_zh
        for feed in ("ad_claims_daily", "exchange_note_daily")
        for field in contract(feed).fields
    }


def explained(column: str, /) -> str:
    """What a column says, with its formula: the one text that stands wherever the figure is shown."""
    return COLUMNS.get(column) or REPORTED.get(column, "")


def _words(column: str) -> str:
    words = [w.upper() if w in SHOUTED else w for w in re.split("_+", column)]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])
