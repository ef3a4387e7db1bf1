"""What attention became: visits, searches, requests for the link, and what the community makes of it."""

from __future__ import annotations

from pipelines.charts import Chart
from pipelines.content_checks import DIVERTING
from pipelines.marts.mart import Mart
from pipelines.marts.observed import days, observed, threshold

NOTE_QUADRANT = f"""
WITH engaged AS (
    SELECT note_id, sum(engagements)::BIGINT AS engagements FROM core.touched_notes GROUP BY ALL
), reached AS (
    SELECT note_id, count(*) AS read_uv FROM core.readers GROUP BY ALL
), visited AS (
    SELECT note_id, count(DISTINCT user_key) AS visitor_uv FROM core.readers
    JOIN (SELECT note_id, category FROM raw.notes) AS n USING (note_id) JOIN raw.shop_events AS e USING (user_key)
    WHERE e.event = 'visit' AND e.occurred_at >= first_at
        AND (e.category IS NULL OR n.category IS NULL OR e.category = n.category)
        AND e.occurred_at < first_at + to_days({days("visit_days")})
    GROUP BY ALL
), rated AS (
    SELECT note_id, title, creator_name, lane, category, coalesce(read_uv, 0) AS read_uv,
        coalesce(engagements, 0) AS engagements,
        CASE WHEN EXISTS (FROM raw.shop_events) THEN coalesce(visitor_uv, 0) END AS visitor_uv,
        $as_of::DATE - n._date AS age_days, n._date + {days("visit_days")} AS _closes
    FROM raw.notes AS n LEFT JOIN reached USING (note_id) LEFT JOIN engaged USING (note_id)
    LEFT JOIN visited USING (note_id)
), judged AS (
    SELECT *, engagements / nullif(read_uv, 0) AS engagement_rate, visitor_uv / nullif(read_uv, 0) AS visit_rate,
        CASE WHEN age_days < {threshold("quadrant_min_age_days")} THEN 'young'
            WHEN read_uv < {threshold("quadrant_min_read_uv")} THEN 'small'
            WHEN visitor_uv IS NULL THEN 'visits_unknown' END AS not_judged
    FROM rated
), parted AS (
    SELECT coalesce({threshold("quadrant_engagement_rate")}, median(engagement_rate)) AS engagement_rate_from,
        coalesce({threshold("quadrant_visit_rate")}, median(visit_rate)) AS visit_rate_from
    FROM judged WHERE not_judged IS NULL
)
SELECT * EXCLUDE (_closes), CASE
        WHEN not_judged IS NOT NULL THEN NULL
        WHEN engagement_rate >= engagement_rate_from AND visit_rate >= visit_rate_from THEN 'star'
        WHEN engagement_rate >= engagement_rate_from THEN 'liked_but_no_visits'
        WHEN visit_rate >= visit_rate_from THEN 'quiet_seller'
        ELSE 'weak' END AS quadrant, _closes
FROM judged CROSS JOIN parted ORDER BY read_uv DESC, note_id
"""

LINK_REQUESTS = """
SELECT note_id, title, creator_name, lane, category, count(*) AS comments,
    count(*) FILTER (asks_link) AS link_requests,
    count(DISTINCT c.user_key) FILTER (asks_link) AS link_request_uv,
    count(*) FILTER (asks_link AND c._date > $as_of::DATE - 7) AS link_requests_last_7d,
    count(*) FILTER (asks_link) / nullif(count(asks_link), 0) AS link_request_share,
    any_value(lane) IN ('exchange_link', 'in_app', 'live') AS has_link, max(c._date) AS _closes
FROM raw.note_comments AS c LEFT JOIN (
    SELECT note_id, title, creator_name, lane, category FROM raw.notes
) USING (note_id)
WHERE c._date <= $as_of::DATE
GROUP BY ALL ORDER BY link_requests DESC, note_id
"""

# Searches of the brand in the shop after the first reading of a note of the category, by whole days between them.
# Each reader counts once, so that the lags of a category add up.
SEARCH_BACK = f"""
WITH readers AS (
    SELECT category, user_key, min(first_at) AS first_at FROM core.readers JOIN raw.notes USING (note_id) GROUP BY ALL
), brands AS (
    SELECT DISTINCT lower(brand) AS brand FROM raw.notes
), searched AS (
    SELECT user_key, occurred_at FROM raw.shop_events SEMI JOIN brands ON contains(lower(keyword), brand)
    WHERE event = 'search' AND user_key IS NOT NULL
), found AS (
    SELECT category, user_key, (epoch_us(min(occurred_at) - any_value(first_at)) // 86400000000)::INTEGER AS lag_days
    FROM readers JOIN searched USING (user_key)
    WHERE occurred_at >= first_at AND occurred_at < first_at + to_days({days("search_back_days")})
    GROUP BY ALL
), reached AS (
    SELECT category, count(*) AS read_uv, (max(first_at) AT TIME ZONE 'Asia/Shanghai')::DATE AS last_first
    FROM readers GROUP BY ALL
), lags AS (
    SELECT category, read_uv, last_first, lag::INTEGER AS lag_days
    FROM reached, range({days("search_back_days")}) AS r(lag) WHERE EXISTS (FROM raw.shop_events)
), counted AS (
    SELECT lags.category, lags.lag_days, read_uv, last_first, count(user_key) AS search_uv
    FROM lags LEFT JOIN found ON found.lag_days = lags.lag_days AND found.category IS NOT DISTINCT FROM lags.category
    GROUP BY ALL
)
SELECT category, lag_days, read_uv, search_uv, (sum(search_uv) OVER so_far)::BIGINT AS search_uv_to_date,
    sum(search_uv) OVER so_far / read_uv AS search_back_rate, last_first + {days("search_back_days")} AS _closes
FROM counted WINDOW so_far AS (PARTITION BY category ORDER BY lag_days)
ORDER BY category NULLS LAST, lag_days
"""

GUARDRAILS = f"""
WITH advertised AS (
    SELECT DISTINCT note_id FROM core.spend
    WHERE payer = 'brand' AND kind IN ('ads', 'boost') AND amount_fen > 0 AND note_id IS NOT NULL
), posted AS (
    SELECT category, count(*) AS notes, count(*) FILTER (note_id IN (FROM advertised)) AS ad_notes,
        count(*) FILTER ({DIVERTING}) AS diverting_notes, max(_date) AS last_note
    FROM raw.notes WHERE _date <= $as_of::DATE GROUP BY ALL
), said AS (
    SELECT n.category, count(*) AS comments, count(*) FILTER (c.is_negative) AS negative_comments,
        count(*) FILTER (c.is_complaint) AS complaints,
        count(*) FILTER (c.diverts_off_platform) AS diverting_comments, max(c._date) AS last_comment
    FROM raw.note_comments AS c JOIN raw.notes AS n USING (note_id) WHERE c._date <= $as_of::DATE GROUP BY ALL
), rated AS (
    SELECT posted.category, name_zh, name_en, notes, ad_notes, ad_notes / notes AS ad_share, diverting_notes,
        comments, negative_comments, negative_comments / nullif(comments, 0) AS negative_share,
        complaints, complaints / nullif(comments, 0) AS complaint_share, diverting_comments,
        greatest(last_note, last_comment) AS _closes
    FROM posted LEFT JOIN said ON said.category IS NOT DISTINCT FROM posted.category
    LEFT JOIN reference.categories ON categories.category = posted.category
)
SELECT * EXCLUDE (_closes), ad_share > {threshold("ad_share_max")} AS is_ad_share_high,
    negative_share > {threshold("negative_share_max")} AS is_negative_share_high,
    complaint_share > {threshold("complaint_share_max")} AS is_complaint_share_high, _closes
FROM rated ORDER BY category NULLS LAST
"""

NOTE_QUADRANT_CHART = """
    SELECT coalesce(quadrant, not_judged), count(*)
    FROM mart.note_quadrant
    GROUP BY ALL ORDER BY 2 DESC"""
LINK_REQUESTS_CHART = """
    SELECT coalesce(title, note_id), link_requests
    FROM mart.link_requests
    ORDER BY 2 DESC"""
SEARCH_BACK_CHART = """
    SELECT coalesce(name_zh, category, '未归类'), max(search_back_rate)
    FROM mart.search_back LEFT JOIN reference.categories USING (category)
    GROUP BY ALL ORDER BY 2 DESC"""
GUARDRAILS_CHART = """
    SELECT coalesce(name_zh, category, '未归类'), negative_share
    FROM mart.guardrails
    ORDER BY 2 DESC"""

ATTENTION_MARTS = (
    Mart(
        "note_quadrant",
        "笔记四象限",
        "Engagement against shop visits of each note: liked but no visits, quiet sellers, stars and weak ones. Notes "
        "that are too young or too small are not judged.",
        observed(NOTE_QUADRANT),
        "SELECT title[:12] AS 笔记, quadrant, not_judged, read_uv, engagement_rate, visit_rate "
        "FROM mart.note_quadrant LIMIT 8",
        chart=Chart("各象限笔记数", NOTE_QUADRANT_CHART, "count"),
        about_zh="每篇笔记的互动与进店对照：只被喜欢却不进店、安静的卖家、明星与弱笔记；太新、太小的笔记不评。",
        made_of=("core/touches", "raw/notes", "raw/shop_events"),
    ),
    Mart(
        "link_requests",
        "求链接",
        "Comments that ask for the link, by note: demand that no link meets. No user is named, no text kept.",
        observed(LINK_REQUESTS),
        "SELECT title[:12] AS 笔记, comments, link_requests, link_request_share, has_link "
        "FROM mart.link_requests LIMIT 8",
        chart=Chart("求链接最多的笔记", LINK_REQUESTS_CHART, "count"),
        about_zh="每篇笔记下求链接的评论：没有被链接满足的需求。不记录用户，不保留原文。",
        made_of=("raw/note_comments", "raw/notes", "core/conversions"),  # with which the dates of the run become known
    ),
    Mart(
        "search_back",
        "回搜",
        "Readers who searched the brand in the shop after reading, by the days between: search-back rate and its lag.",
        observed(SEARCH_BACK),
        "SELECT category AS 类目, lag_days, read_uv, search_uv, search_back_rate FROM mart.search_back "
        "WHERE lag_days IN (0, 1, 6, 29) LIMIT 8",
        chart=Chart("30日回搜率 · 类目", SEARCH_BACK_CHART, "percent"),
        about_zh="阅读之后在店铺搜索品牌的人，按间隔天数：回搜率与它的时滞。",
        made_of=("core/touches", "raw/notes", "raw/shop_events"),
    ),
    Mart(
        "guardrails",
        "社区护栏",
        "What ROI does not show: the share of notes with ads, negative comments, complaints, and texts that lead off "
        "the platform.",
        observed(GUARDRAILS),
        "SELECT name_zh AS 类目, ad_share, negative_share, complaint_share, diverting_notes FROM mart.guardrails",
        chart=Chart("负面评论占比 · 类目", GUARDRAILS_CHART, "percent"),
        about_zh="ROI 看不见的：广告笔记占比、负面评论、投诉，以及引流站外的文字。",
        made_of=("core/spend", "raw/notes", "raw/note_comments"),
    ),
)

ATTENTION_COLUMNS = {
    "read_uv": "阅读人数 · Users with at least one touch; not to be added over notes or categories.",
    "visitor_uv": "阅读后进店人数 · Of these, who visited the shop of that category (or of none that is told) "
    "within visit_days of the first touch.",
    "engagement_rate": "互动率 · engagements / read_uv.",
    "visit_rate": "进店率 · visitor_uv / read_uv.",
    "not_judged": "不评原因 · young, small or visits_unknown, by reference.thresholds; such notes are in no quadrant.",
    "engagement_rate_from": "互动率分界 · From this engagement rate on a note is liked: stated, or the median.",
    "visit_rate_from": "进店率分界 · From this visit rate on a note brings visits: stated, or the median.",
    "quadrant": "象限 · star, liked_but_no_visits, quiet_seller or weak.",
    "comments": "评论数 · Comments; empty where none have arrived.",
    "link_requests": "求链接数 · Comments that ask for the link or where to buy.",
    "link_request_uv": "求链接人数 · Users who did.",
    "link_requests_last_7d": "近7日求链接 · In the seven days up to as_of.",
    "link_request_share": "求链接占比 · link_requests / comments that were classed.",
    "has_link": "是否有链接 · Whether the note's lane hangs a link.",
    "lag_days": "间隔天数 · Whole days from the first reading to the first search of the brand in the shop.",
    "search_uv": "回搜人数 · Readers whose first search came after so many days.",
    "search_uv_to_date": "累计回搜人数 · Readers who searched within so many days.",
    "search_back_rate": "回搜率 · search_uv_to_date / read_uv.",
    "ad_notes": "广告笔记 · Notes with ads or boosts that the brand paid.",
    "ad_share": "广告笔记占比 · ad_notes / notes.",
    "diverting_notes": "引流笔记 · Notes whose title or text leads off the platform.",
    "negative_comments": "负面评论 · Comments against the product or the note.",
    "negative_share": "负面占比 · negative_comments / comments.",
    "complaints": "投诉 · Comments that complain of service, delivery or refund.",
    "complaint_share": "投诉占比 · complaints / comments.",
    "diverting_comments": "引流评论 · Comments that lead off the platform.",
    "is_ad_share_high": "广告占比超限 · ad_share above reference.thresholds.",
    "is_negative_share_high": "负面占比超限 · negative_share above reference.thresholds.",
    "is_complaint_share_high": "投诉占比超限 · complaint_share above reference.thresholds.",
}
