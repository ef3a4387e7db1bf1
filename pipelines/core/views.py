"""What follows from the tables alone, and is therefore a view: always true, never made again."""

from __future__ import annotations

from models.journeys import MATCHES
from pipelines.core.sales import CONVERSION_ID, IS_SALE

# The sale that each order line of an alliance stands for: the shop's own line of that number, else (where the two
# number lines differently) every line of the order, else of the order of which it is a part.
PROMOTED_ORDERS = f"""
    WITH told AS (
        SELECT *, unnest([order_id, parent_order_id]) AS sold_as FROM raw.promotion_orders
    ), sales AS (
        SELECT _date AS paid_date, {CONVERSION_ID} AS conversion_id, channel, order_id, line_no
        FROM raw.shop_conversions AS sold WHERE {IS_SALE}
    )
    SELECT paid_date, conversion_id, told.* EXCLUDE (sold_as)
    FROM sales JOIN told ON sales.channel = told.channel AND sales.order_id = sold_as
    QUALIFY rank() OVER (PARTITION BY told.channel, told.order_id, told.line_no
        ORDER BY sold_as = told.order_id DESC, sales.line_no = told.line_no DESC) = 1"""

_KINDS = ("relation_id", "special_id", "adzone_id", "sub_union_id", "position_id")
# Every code that a sale carries, of a kind or of none that is known, and when its click was where somebody says.
ORDER_CODES = f"""
    SELECT sold._date AS paid_date, {CONVERSION_ID} AS conversion_id, NULL::VARCHAR AS code_kind, promo_code AS code,
        NULL::TIMESTAMPTZ AS clicked_at
    FROM raw.shop_conversions AS sold
    WHERE promo_code IS NOT NULL AND {IS_SALE}
    UNION ALL
    SELECT paid_date, conversion_id, code_kind, code, clicked_at
    FROM (UNPIVOT core.promoted_orders ON {", ".join(_KINDS)} INTO NAME code_kind VALUE code)"""

_STRENGTH = "[" + ", ".join(f"'{way}'" for way in MATCHES) + "]"
STRONGEST = f"{_STRENGTH}[min(list_position({_STRENGTH}, matched_by))]"
# The strongest way in which each order found a note, and of the others the first reason why they found none.
MATCHED = """
    SELECT c.paid_date, c.conversion_id, c.channel, c.order_id, c.line_no, c.brand, c.paid_at, c.paid_fen, c.currency,
        c.category, c.product_id, coalesce(ways.matched_by, 'none') AS matched_by,
        CASE WHEN ways.matched_by IS NOT NULL THEN NULL
            WHEN c.click_id IS NOT NULL AND c.click_id NOT IN (
                SELECT click_id FROM core.touches WHERE click_id IS NOT NULL) THEN 'unknown_click'
            WHEN c.conversion_id IN (SELECT conversion_id FROM core.code_matches) THEN 'outside_rules'
            WHEN c.conversion_id IN (SELECT conversion_id FROM core.order_codes) THEN 'unknown_code'
            WHEN c.user_key IS NULL AND c.click_id IS NULL THEN 'no_key'
            ELSE 'no_touch'
        END AS unmatched_because
    FROM core.conversions AS c JOIN core.ways USING (paid_date, conversion_id)"""

# When each order line changed its status: `since` is when its source first said so, `until` when it said otherwise.
ORDER_STATUS = f"""
    WITH told AS (
        SELECT 'shop_conversions' AS source, {CONVERSION_ID} AS conversion_id, channel, order_id, line_no,
            coalesce(status, 'paid') AS status, exported_at, _file
        FROM versions.shop_conversions AS sold
        UNION ALL
        SELECT 'promotion_orders', {CONVERSION_ID}, channel, order_id, line_no, status, exported_at, _file
        FROM versions.promotion_orders AS sold WHERE status IS NOT NULL
    ), changed AS (
        SELECT *, lag(status) OVER line AS status_before FROM told
        WINDOW line AS (PARTITION BY source, conversion_id ORDER BY exported_at)
        QUALIFY status IS DISTINCT FROM status_before
    )
    SELECT source, conversion_id, channel, order_id, line_no, status_before, status, exported_at AS since,
        lead(exported_at) OVER (PARTITION BY source, conversion_id ORDER BY exported_at) AS until, file
    FROM changed LEFT JOIN (SELECT feed, content_hash, file FROM ops.files) AS files
        ON files.feed = source AND files.content_hash[:16] = _file"""

# What platforms count of a note, as long rows: a figure, or the interval in which it lies.
NOTE_FIGURES = (
    "impressions", "clicks", "reads", "likes", "comments", "collects", "shares", "follows", "interactions",
)  # fmt: skip


def bounds(figure: str) -> tuple[str, str]:
    """SQL for the least and the most that a figure can be: 0 and 99 where its row states `<100` in its place.

    What states no such interval, or one of more digits than a count has, says nothing.
    """
    stated = f"list_filter(censored, lambda c: regexp_full_match(c, '{figure}<[0-9]{{1,18}}'))[1]"
    upper = f"split_part({stated}, '<', 2)::BIGINT - 1"
    return f"coalesce({figure}, if({stated} IS NULL, NULL, 0))", f"coalesce({figure}, {upper})"


def _bounded(figure: str) -> str:
    """A figure as (figure, count, lower, upper)."""
    lower, upper = bounds(figure)
    return f"{{'figure': '{figure}', 'count': {figure}, 'lower': {lower}, 'upper': {upper}}}"


# Counts by day. Of counts since publication, what came between two snapshots: over how many days is told, and never
# spread over them; a difference below zero (deleted likes) is kept.
NOTE_DAILY = f"""
    WITH counted AS (
        SELECT note_id, source, part, payer, metric_date, is_cumulative,
            unnest([{", ".join(map(_bounded, NOTE_FIGURES))}], recursive := true)
        FROM raw.note_metrics_daily
    ), stepped AS (
        SELECT counted.*, lag(metric_date) OVER snapshots AS before, lag(count) OVER snapshots AS count_before,
            lag(lower) OVER snapshots AS lower_before, lag(upper) OVER snapshots AS upper_before
        FROM counted WHERE upper IS NOT NULL
        WINDOW snapshots AS (
            PARTITION BY note_id, source, part, figure, is_cumulative ORDER BY metric_date)
    )
    SELECT note_id, source, part, payer, metric_date, is_cumulative, figure,
        CASE WHEN NOT is_cumulative THEN metric_date ELSE coalesce(
            before + 1, (published_at AT TIME ZONE 'Asia/Shanghai')::DATE) END AS covers_from,
        metric_date - covers_from + 1 AS days,
        CASE WHEN NOT is_cumulative OR before IS NULL THEN count ELSE count - count_before END AS count,
        CASE WHEN NOT is_cumulative OR before IS NULL THEN lower ELSE lower - upper_before END AS lower,
        CASE WHEN NOT is_cumulative OR before IS NULL THEN upper ELSE upper - lower_before END AS upper
    FROM stepped LEFT JOIN raw.notes USING (note_id)"""

# Spend, and whether it falls in the paid task of its note: as its export says, else by the days of the task; null where
# the task or the note is not known.
TASK_SPEND = """
    SELECT spend.*,
        coalesce(is_in_task, spend_date BETWEEN task_from AND coalesce(task_to, DATE '9999-12-31')) AS in_task
    FROM core.spend AS spend LEFT JOIN raw.notes USING (note_id)"""

VIEWS = {
    "core.task_spend": TASK_SPEND,
    "core.order_status": ORDER_STATUS,
    "core.note_daily": NOTE_DAILY,
    "core.promoted_orders": PROMOTED_ORDERS,
    "core.order_codes": ORDER_CODES,
    "core.matches": MATCHED,
}
