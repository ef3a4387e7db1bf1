"""The page of a large brand: how long it takes to write, how large it is, how fast it opens and switches.

2,000 notes, 8 categories, 365 days, and as many of the last 8 dates as fit, from a published warehouse that is made
here. Needs Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import duckdb

from benchmarks.measuring import table
from models.register import RULES
from pipelines.home import Home
from pipelines.reports.formats import PAGE, write_report
from pipelines.reports.newest import newest_content

NOTES, CATEGORIES, DAYS, DATES = 2_000, 8, 365, 8
SWITCHES = {
    "model": "select => { select.value = 'last_click'; }",
    "as-of": "select => { select.selectedIndex = 1; }",
}

ROI = """
    (u * 90000)::DECIMAL(18, 2) AS credited_gmv, (u * 30000)::DECIMAL(18, 2) AS direct_gmv,
    (credited_gmv - direct_gmv)::DECIMAL(18, 2) AS halo_gmv, (u * 4000)::DECIMAL(18, 2) AS credited_refunds,
    (credited_gmv - credited_refunds)::DECIMAL(18, 2) AS credited_net, (100 + v * 30000)::DECIMAL(18, 2) AS spend,
    spend AS evidenced_spend, spend AS task_spend, (v * 900)::BIGINT AS daily_visitors,
    0 AS cpuv, u * 300 AS orders, (credited_gmv / spend)::DOUBLE AS roas_gmv,
    (direct_gmv / spend)::DOUBLE AS roas_direct,
    (credited_net / spend)::DOUBLE AS roas_net, roas_net * 0.5 - 1 AS roi_profit,
    ['maturing', 'settling', 'mature'][1 + (v * 3)::INTEGER % 3] AS maturity, 'CNY' AS currency, 'w' AS window_set,
    'brand' AS scope"""


def _key(level: str) -> str:
    return level if level in ("category", "lane", "channel") else f"{level}_id"


def _world(path: Path) -> None:
    """A published warehouse of such a brand; figures are hashes, so no two repeat."""
    path.parent.mkdir(parents=True)
    with duckdb.connect(path) as c:
        for schema in ("mart", "history", "core", "raw", "ops", "reference"):
            c.execute(f"CREATE SCHEMA {schema}")
        models = ", ".join(f"('{name}')" for name in RULES)
        c.execute(f"""
            CREATE TABLE keys AS SELECT model, DATE '2026-10-31' - d::INTEGER AS as_of, n::INTEGER AS n,
                (hash(model, n, d) % 1000003) / 1000003 AS u, (hash(n) % 1000003) / 1000003 AS v
            FROM (VALUES {models}) AS m(model), range({DATES}) AS d(d), range({NOTES}) AS k(n)""")
        note = "printf('66%022d', n) AS note_id, printf('面部精华｜一周实测 第%d篇 换季必备', n) AS title"
        of_note = f"""{note}, printf('creator%04d', n % 600) AS creator_id,
            printf('研究所%d', n % 600) AS creator_name, ['head', 'mid', 'tail', 'koc'][1 + n % 4] AS creator_tier,
            printf('campaign%d', n % 40) AS campaign_id,
            printf('category%d', n % {CATEGORIES}) AS category,
            ['exchange_link', 'seeding', 'in_app'][1 + n % 3] AS lane,
            'red_cat' AS exchange, TIMESTAMPTZ '2026-03-01' + to_days(n % 200) AS published_at"""
        c.execute(f"CREATE TABLE history.note_roi AS SELECT model, as_of, {of_note}, {ROI} FROM keys")
        by = {"category": CATEGORIES, "creator": 600, "campaign": 40, "lane": 3, "channel": 3}
        for level, count in by.items():
            key = _key(level)
            more = "1 AS notes, 'x' AS creator_name, 'mid' AS creator_tier, 'order' AS evidence"
            c.execute(f"""CREATE TABLE history.{level}_roi AS SELECT model, as_of, printf('{level}%d', n) AS {key},
                {more}, {ROI}, credited_gmv * 2 AS total_gmv, credited_gmv AS unattributed_gmv, halo_gmv AS halo_out_gmv
                FROM keys WHERE n < {count}""")
        keys = {"note": "note_id"} | {level: _key(level) for level in by}
        levels = " UNION ALL ".join(
            f"SELECT DISTINCT as_of, model, '{level}' AS level, {key} AS key FROM history.{level}_roi"
            for level, key in keys.items()
        )
        levels += " UNION ALL SELECT DISTINCT as_of, model, 'all', 'all' FROM keys"
        c.execute(f"""CREATE TABLE history.buyers AS SELECT *, 'CNY' AS currency, 20 + hash(key) % 500 AS buyers,
            (hash(key) % 20)::BIGINT AS new_customers, 0.3 AS new_customer_share, 400 AS unattributed_buyers,
            'mature' AS maturity FROM ({levels})""")
        c.execute(f"""CREATE TABLE history.reconciliation AS SELECT model, as_of, {ROI}, credited_gmv * 2 AS total_gmv,
            credited_gmv AS unattributed_gmv, credited_refunds AS total_refunds,
            credited_refunds AS unattributed_refunds,
            credited_refunds AS unmatched_refunds FROM keys WHERE n = 0""")
        c.execute("""CREATE TABLE history.note_quadrant AS SELECT 'observed' AS model, as_of, note_id, title,
            creator_name, lane, category, 1000 AS read_uv, 90 AS engagements, 30 + hash(note_id) % 300 AS visitor_uv,
            90 AS age_days,
            0.01 + (hash(title) % 100) / 400 AS engagement_rate, visitor_uv / 1000 AS visit_rate,
            NULL::VARCHAR AS not_judged, 0.1 AS engagement_rate_from, 0.1 AS visit_rate_from,
            ['star', 'weak', 'quiet_seller', 'liked_but_no_visits'][(1 + hash(note_id) % 4)::INTEGER] AS quadrant
            FROM history.note_roi WHERE model = 'linear'""")
        steps = ", ".join(
            f"(100 * (1 + hash(d, '{s}') % 900))::BIGINT AS {s}"
            for s in ("impressions", "engagements", "clicks", "visits", "carts", "orders", "kept_orders")
        )
        crowds = ", ".join(
            f"{step} AS {crowd}"
            for step, crowd in (
                *(("impressions", "impression_uv"), ("engagements", "engagement_uv"), ("clicks", "click_uv")),
                *(("visits", "visit_uv"), ("carts", "cart_uv"), ("orders", "buyer_uv")),
            )
        )
        c.execute(f"""CREATE TABLE history.funnel_daily AS SELECT DATE '2026-10-31' - a::INTEGER AS as_of,
            as_of - d::INTEGER AS business_date, 'CNY' AS currency, {steps}, {crowds},
            (orders * 80)::DECIMAL(18, 2) AS paid_gmv,
            paid_gmv AS kept_gmv FROM range({DATES}) AS x(a), range({DAYS}) AS y(d)""")
        c.execute("""CREATE TABLE history.note_daily AS SELECT as_of, as_of - d::INTEGER AS business_date, note_id,
            'pugongying' AS platform, 'all' AS part, business_date AS covers_from,
            CASE WHEN hash(note_id, d) % 5 > 0 THEN (hash(note_id, d) % 900)::BIGINT END AS reads
            FROM history.note_roi, range(28) AS y(d) WHERE model = 'linear'""")
        c.execute("""CREATE TABLE history.live_roi AS SELECT *, spend * 0.1 AS commission FROM history.note_roi
            WHERE hash(note_id) % 10 = 0""")
        c.execute("""CREATE TABLE history.in_app_loop AS SELECT 'observed' AS model, as_of, note_id, title,
            creator_name, currency, maturity, 300 + hash(title, as_of) % 900 AS clicks, clicks // 2 AS own_link_clicks,
            clicks - own_link_clicks AS other_link_clicks, clicks - 9 AS click_uv, clicks - 40 AS visit_uv,
            clicks // 9 AS cart_uv, clicks // 12 AS buyer_uv, buyer_uv AS paid_orders, credited_gmv AS paid_gmv,
            credited_refunds AS paid_refunds, credited_net AS paid_net
            FROM history.note_roi WHERE model = 'linear' AND lane = 'in_app'""")
        c.execute("""CREATE TABLE history.restatements AS SELECT as_of, as_of AS restated_on,
            'exchange_note_daily' AS restated_in, as_of - d::INTEGER AS business_date, 'shop_gmv' AS figure,
            'red_cat · content' AS part_of, note_id, 30 AS cycle, credited_gmv AS was, credited_net AS became,
            became - was AS change FROM history.note_roi, range(30) AS y(d) WHERE model = 'linear'""")
        c.execute("CREATE TABLE mart.funnel_daily AS FROM history.funnel_daily WHERE as_of = DATE '2026-10-31'")
        c.execute("""CREATE TABLE core.spend AS SELECT business_date AS spend_date, 'CNY' AS currency, 'brand' AS payer,
            1000000 AS amount_fen FROM mart.funnel_daily""")
        c.execute("CREATE TABLE raw.notes AS SELECT '规模品牌' AS brand")
        c.execute("CREATE TABLE core.conversions (brand VARCHAR)")
        c.execute("DROP TABLE keys")


def measured() -> dict[str, float]:
    """Seconds and megabytes by what they are of."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Home(Path(folder))
        _world(home.published)
        start = time.perf_counter()
        file = write_report(newest_content(home), PAGE, home)
        found["written, seconds"] = time.perf_counter() - start
        found["size, MB"] = file.stat().st_size / 1e6
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        start = time.perf_counter()
        page.goto(file.as_uri())
        page.wait_for_selector("body[data-ready]")
        found["opened, seconds"] = time.perf_counter() - start
        page.wait_for_selector("body[data-charts=drawn]")
        found["dates in it"] = page.locator("#as-of option").count()
        # From the change until the next frame is painted, the charts in view included.
        painted = "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now() - start))))"
        for name, choose in SWITCHES.items():
            found[f"{name} switched, seconds"] = (
                page.locator(f"#{name}").evaluate(
                    f"select => {{ const start = performance.now(); ({choose})(select);"
                    f" select.dispatchEvent(new Event('change')); return {painted}; }}"
                )
                / 1e3
            )
            page.wait_for_selector("body[data-charts=drawn]")
        found["language switched, seconds"] = (
            page.locator("[data-language=en]").evaluate(
                f"button => {{ const start = performance.now(); button.click(); return {painted}; }}"
            )
            / 1e3
        )
        browser.close()
    return found


def main() -> str:
    """The table of what was measured."""
    head = f"{NOTES:,} notes, {CATEGORIES} categories, {DAYS} days\n\n"
    return head + table(("of the page", "measured"), [(name, f"{value:,.2f}") for name, value in measured().items()])


if __name__ == "__main__":
    print(main())
