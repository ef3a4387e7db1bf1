"""The charts of the page as Altair charts; the page gives each its rows as the data set `rows`."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import vl_convert

from pipelines.reports.wording import Text

ACCENT, INK, SOFT, GRID = "#c2255c", "#212529", "#868e96", "#e9ecef"
# From the palette of Okabe and Ito, which people who see few colours tell apart too.
APART = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"]
SHADES = ["#faf0f4", "#f0cddb", "#e3a3bd", "#d4759b", "#c2255c", "#7d1039"]
FONT = "system-ui, 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif"
ROWS = alt.NamedData("rows")


@cache
def specifications() -> dict[str, list[dict[str, Any]]]:
    """The Vega specification of every chart, in Chinese and English, compiled here and not in each reader's browser."""
    return {name: [_finished(chart(_Words(i))) for i in (0, 1)] for name, chart in CHARTS.items()}


class _Words:
    """One of the two languages."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, zh: str, en: str) -> str:
        text = Text(zh, en)
        return (text.zh, text.en)[self.at]


def _finished(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The specification, with the look that all charts share."""
    styled = chart.configure(  # type: ignore[attr-defined]
        font=FONT,
        background="transparent",
        aria=False,
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelColor=INK,
            titleColor="#495057",
            gridColor=GRID,
            domainColor=GRID,
            tickColor=GRID,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=150,
        ),
        legend=alt.LegendConfig(
            orient="top", labelFontSize=12, titleFontSize=12, titleFontWeight="normal", columns=6, symbolSize=160
        ),
        header=alt.HeaderConfig(labelFontSize=12, titleFontSize=12),
    )
    compiled: dict[str, Any] = vl_convert.vegalite_to_vega(styled.to_dict())
    return compiled


def _tooltip(*fields: tuple[str, str, str]) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{name}:{'Q' if form else 'N'}", title=title, **({"format": form} if form else {}))
        for name, title, form in fields
    ]


def daily(words: _Words) -> alt.TopLevelMixin:
    """Spend, and what buyers paid, as two panels over one axis of days; rules mark events of the policy calendar."""
    base = alt.Chart(ROWS).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%m-%d", grid=False, tickCount=8, labelOverlap=True)),
        tooltip=[
            alt.Tooltip("day:T", title=words("日期", "Day"), format="%Y-%m-%d"),
            alt.Tooltip("paid_gmv:Q", title=words("付款GMV", "Paid GMV"), format=",.0f"),
            alt.Tooltip("spend:Q", title=words("花费", "Spend"), format=",.0f"),
        ],
    )
    paid = base.mark_line(color=ACCENT, strokeWidth=2, point=alt.OverlayMarkDef(size=12, color=ACCENT)).encode(
        y=alt.Y("paid_gmv:Q", title=words("付款GMV（元）", "Paid GMV (yuan)"), axis=alt.Axis(tickCount=4))
    )
    spend = base.mark_bar(color=SOFT).encode(
        y=alt.Y("spend:Q", title=words("花费（元）", "Spend (yuan)"), axis=alt.Axis(tickCount=3))
    )
    # Days of which the policy calendar tells nothing have an empty text and a rule without width.
    events = alt.Chart(ROWS).encode(
        x="day:T",
        tooltip=[
            alt.Tooltip("told:N", title=words("日期", "Day")),
            alt.Tooltip("event:N", title=words("政策日历", "Policy calendar")),
        ],
    )
    rules = events.mark_rule(color=INK, strokeDash=[2, 3]).encode(
        strokeWidth=alt.condition("datum.event", alt.value(1), alt.value(0))
    )
    names = events.mark_text(align="left", baseline="top", dx=4, fontSize=11, color=INK, limit=260).encode(
        text="event:N", y=alt.Y("level:Q", scale=None, axis=None)
    )
    marked = alt.layer(paid, rules, names).resolve_scale(y="independent")
    spend = alt.layer(spend, rules)
    return alt.vconcat(
        marked.properties(width="container", height=150), spend.properties(width="container", height=70), spacing=12
    )


def category_range(words: _Words) -> alt.TopLevelMixin:
    """Direct ROAS of each category, its range over all models, and ROAS with halo; hollow while it is maturing."""
    base = alt.Chart(ROWS).encode(
        y=alt.Y("name:N", sort=alt.EncodingSortField("roas_gmv", order="descending"), title=None),
        tooltip=_tooltip(
            ("name", words("类目", "Category"), ""),
            ("roas_gmv", words("ROI", "ROAS"), ".2f"),
            ("roas_direct", words("直接ROI", "Direct ROAS"), ".2f"),
            ("direct_low", words("直接，各模型最低", "Direct, lowest by model"), ".2f"),
            ("direct_high", words("直接，各模型最高", "Direct, highest by model"), ".2f"),
            ("maturity", words("成熟度", "Maturity"), ""),
        ),
    )
    x = alt.X("direct_low:Q", title=words("ROI", "ROAS"), axis=alt.Axis(tickCount=6))
    span = base.mark_rule(strokeWidth=7, color="#ced4da", strokeCap="round").encode(x=x, x2="direct_high:Q")
    direct = base.mark_point(shape="circle", size=90, strokeWidth=2, color=INK).encode(
        x="roas_direct:Q", fill=alt.condition("datum.open", alt.value("#ffffff"), alt.value(INK))
    )
    whole = base.mark_point(shape="diamond", size=130, strokeWidth=2, color=ACCENT).encode(
        x="roas_gmv:Q", fill=alt.condition("datum.open", alt.value("#ffffff"), alt.value(ACCENT))
    )
    target = alt.Chart(ROWS).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="min(target):Q")
    return (span + target + direct + whole).properties(width="container", height=alt.Step(30))


def lane_bars(words: _Words) -> alt.TopLevelMixin:
    """ROAS of each lane beside the others, and no total."""
    base = alt.Chart(ROWS).encode(
        y=alt.Y("name:N", sort=None, title=None),
        tooltip=_tooltip(
            ("name", words("链路", "Lane"), ""),
            ("roas_gmv", words("ROI", "ROAS"), ".2f"),
            ("spend", words("花费", "Spend"), ",.0f"),
            ("credited_gmv", words("归因GMV", "Credited GMV"), ",.0f"),
            ("maturity", words("成熟度", "Maturity"), ""),
        ),
    )
    bars = base.mark_bar(height=14, stroke=ACCENT, strokeWidth=1.5, cornerRadiusEnd=2).encode(
        x=alt.X("roas_gmv:Q", title=words("ROI", "ROAS"), axis=alt.Axis(tickCount=6)),
        fill=alt.condition("datum.open", alt.value("#ffffff"), alt.value(ACCENT)),
    )
    text = base.mark_text(align="left", dx=6, color=INK, fontSize=12).encode(
        x="roas_gmv:Q", text=alt.Text("roas_gmv:Q", format=".2f")
    )
    return (bars + text).properties(width="container", height=alt.Step(28))


def purchase_lag(words: _Words) -> alt.TopLevelMixin:
    """Which part of a category's orders came how long after the first touch."""
    return (
        alt.Chart(ROWS)
        .mark_bar(stroke="#ffffff", strokeWidth=1)
        .encode(
            y=alt.Y("name:N", sort=alt.EncodingSortField("median_days", op="min"), title=None),
            x=alt.X(
                "share:Q",
                stack="zero",
                title=words("订单占比", "Share of orders"),
                axis=alt.Axis(format=".0%", tickCount=5),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color(
                "band_name:N", sort=alt.EncodingSortField("band", op="min"), title=None, scale=alt.Scale(range=SHADES)
            ),
            order="band:O",
            tooltip=_tooltip(
                ("name", words("类目", "Category"), ""),
                ("band_name", words("决策天数", "Days to purchase"), ""),
                ("share", words("订单占比", "Share of orders"), ".1%"),
                ("order_lines", words("订单行", "Order lines"), ",.0f"),
                ("median_days", words("中位天数", "Median days"), ",.0f"),
            ),
        )
        .properties(width="container", height=alt.Step(28))
    )


def note_quadrant(words: _Words) -> alt.TopLevelMixin:
    """Each note by engagement and visits; the lines part the quadrants, and a quadrant has its own shape."""
    names = ["star", "quiet_seller", "liked_but_no_visits", "weak"]
    points = (
        alt.Chart(ROWS)
        .mark_point(size=55, filled=True, opacity=0.75)
        .encode(
            x=alt.X(
                "engagement_rate:Q",
                title=words("互动率", "Engagement rate"),
                axis=alt.Axis(format=".0%", tickCount=6),
                scale=alt.Scale(type="sqrt"),
            ),
            y=alt.Y(
                "visit_rate:Q",
                title=words("进店率", "Visit rate"),
                axis=alt.Axis(format=".0%", tickCount=6),
                scale=alt.Scale(type="sqrt"),
            ),
            color=alt.Color(
                "quadrant:N",
                legend=None,
                scale=alt.Scale(domain=names, range=[APART[0], APART[2], ACCENT, SOFT]),
            ),
            shape=alt.Shape(
                "quadrant:N",
                legend=None,
                scale=alt.Scale(domain=names, range=["circle", "square", "triangle-up", "cross"]),
            ),
            tooltip=_tooltip(
                ("title", words("笔记", "Note"), ""),
                ("quadrant_name", words("象限", "Quadrant"), ""),
                ("engagement_rate", words("互动率", "Engagement rate"), ".1%"),
                ("visit_rate", words("进店率", "Visit rate"), ".1%"),
                ("read_uv", words("阅读人数", "Readers"), ",.0f"),
            ),
        )
    )
    lines = alt.Chart(ROWS).mark_rule(color=SOFT, strokeDash=[4, 3])
    return (
        lines.encode(x="max(engagement_rate_from):Q") + lines.encode(y="max(visit_rate_from):Q") + points
    ).properties(width="container", height=300)


CHARTS = {
    "note_quadrant": note_quadrant,
    "daily": daily,
    "category_returns": category_range,
    "lane_returns": lane_bars,
    "purchase_lag": purchase_lag,
}
