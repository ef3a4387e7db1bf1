"""What contents of feeds look wrong beyond single rows: the rows are kept, and named."""

from __future__ import annotations

from pipelines.intake.texts import pattern_of
from pipelines.row_checks import RowCheck

_PATTERN = pattern_of("diverts_off_platform").replace("'", "''")
# A note leads off the platform when its text was found to at intake, or its title does.
DIVERTING = f"coalesce(diverts_off_platform, false) OR regexp_matches(coalesce(title, ''), '{_PATTERN}')"

# A day is held against the days before it, where both have enough rows to tell; the last days only, as every run asks.
ENOUGH_ROWS, ENOUGH_DAYS, DAYS_BEFORE, DAYS_JUDGED = 10, 7, 28, 30
# How near to a power of ten a factor has to be, in decimal logarithms: ×6.3 to ×15.8 is about ×10.
NEAR = 0.2


def unit_slip(feed: str, column: str, *of: str) -> RowCheck:
    """The check that a day's amounts are not about 10, 100, 1,000 … times as high or as low as those before it.

    That is what a slip of the unit makes of them (fen for yuan, yuan for 万元), which no limit on single amounts can
    see. The medians of a day's rows of one export are compared with the median of those of the days before, apart for
    each value of the columns `of`. Other changes, such as those of a sale, are left alone.
    """
    group = ", ".join(of)
    last = f"(SELECT max(_date) FROM raw.{feed})"
    factor = "log10(middle / usual)"
    return RowCheck(
        f"unit_of_{column}",
        f"{column} is in the unit of the days before: its median by day ({group}) did not move by a power of ten; "
        "such rows are kept and named. 金额单位与往日一致（无十倍、百倍之差）。",
        f"""
        WITH days AS (
            SELECT {group}, _date, export, median(abs({column}))::DOUBLE AS middle, count(*) AS found
            FROM raw.{feed} LEFT JOIN (
                SELECT left(content_hash, 16) AS _file, any_value(export) AS export
                FROM ops.files WHERE feed = '{feed}' GROUP BY ALL
            ) USING (_file)
            WHERE {column} <> 0 AND _date >= {last} - {DAYS_JUDGED + DAYS_BEFORE}
            GROUP BY ALL HAVING found >= {ENOUGH_ROWS}
        ), beside AS (
            SELECT *, median(middle) OVER before AS usual, count(DISTINCT _date) OVER before AS known
            FROM days WINDOW before AS (
                PARTITION BY {group} ORDER BY _date
                RANGE BETWEEN INTERVAL {DAYS_BEFORE} DAYS PRECEDING AND INTERVAL 1 DAY PRECEDING)
        )
        SELECT format('{{}} {{}} of {{}}: {{:.2f}}, usually {{:.2f}}', _date, concat_ws(' ', {group}),
            coalesce(export, 'unknown export'), middle, usual), found
        FROM beside WHERE known >= {ENOUGH_DAYS} AND _date >= {last} - {DAYS_JUDGED}
            AND round({factor}) <> 0 AND abs({factor} - round({factor})) <= {NEAR}
        ORDER BY ALL""",
        f"unusual in {column}, by about a power of ten",
        "see in which unit the export is, and state it in its mapping file (unit: fen)",
    )


#: Checks of a feed's contents, beside those of its references.
CONTENT_CHECKS: dict[str, tuple[RowCheck, ...]] = {
    "notes": (
        RowCheck(
            "diverts_off_platform",
            "No title or text of a note leads off the platform; such notes are kept and named.",
            f"SELECT note_id, count(*) FROM raw.notes WHERE {DIVERTING} GROUP BY ALL ORDER BY ALL",
            "notes that lead off the platform",
            "change their text before the platform takes them down; the patterns stand in "
            "data_contracts/reference/text_patterns.csv",
        ),
    ),
    "shop_conversions": (unit_slip("shop_conversions", "paid_amount", "channel", "currency"),),
    "promotion_orders": (unit_slip("promotion_orders", "paid_amount", "channel", "currency"),),
    "refunds": (unit_slip("refunds", "refund_amount", "channel", "currency"),),
    "note_spend": (unit_slip("note_spend", "amount", "kind", "payer", "currency"),),
    "exchange_note_daily": (unit_slip("exchange_note_daily", "shop_gmv", "exchange", "level", "cycle", "currency"),),
    "ad_claims_daily": (unit_slip("ad_claims_daily", "gmv", "platform", "claim_kind", "cycle", "currency"),),
    "local_events": (unit_slip("local_events", "amount", "programme", "event", "currency"),),
}
