"""The reference tables: channels, fees, lanes with their windows, categories; dated where they change."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from hashlib import sha256

import polars as pl

from data_contracts.reference_table import REFERENCE, read_table
from data_contracts.systems import SYSTEMS

TOUCH_KINDS = ("impression", "engagement", "click")


@cache
def channels() -> pl.DataFrame:
    """`channel`, names, `exchange`, `shop_type`, `settlement`, `valid_from`, `valid_to` (Date), `refund_days` (Int64).

    A closed programme stays, with the last date on which it sold; where only the year is known, the end of the year.
    """
    return read_table("channels", dates=("valid_from", "valid_to"), numbers={"refund_days": pl.Int64})


@cache
def settlements() -> pl.DataFrame:
    """`settlement`, names, `ads_borne_by`, `refunds_borne_by` (`brand` or `platform`): how a channel settles."""
    return read_table("settlements")


@cache
def eligibility() -> pl.DataFrame:
    """Which categories an exchange takes, and of which type of shop: what no row names is not eligible on that day.

    `exchange`, `category`, `shop_type`, `valid_from`, `valid_to` (Date, inclusive, null while in force) and
    `look_back_days` (Int64), the longest that a click of the exchange's links looks back from an order of the
    category.
    """
    clicks = windows().filter(lane="exchange_link", kind="click").with_columns(days=pl.col("window").dt.total_days())
    general = clicks.filter(pl.col("category").is_null())["days"].item()
    return (
        read_table("eligibility", dates=("valid_from", "valid_to"))
        .join(clicks.select("category", look_back_days="days"), on="category", how="left")
        .with_columns(pl.col("look_back_days").fill_null(general))
    )


@cache
def lane_channels() -> pl.DataFrame:
    """Which channels a lane can reach: `lane`, `exchange`, `channel`, `valid_from`, `valid_to` (Date, null: open).

    What `models.journeys.journeys` takes as `reach`; what no row names is out of reach.
    """
    return read_table("lane_channels", dates=("valid_from", "valid_to"))


@cache
def fees() -> pl.DataFrame:
    """`channel`, `kind` (`service` or `payment`), `valid_from`, `valid_to` (Date, inclusive), `fee_rate` (Float64).

    `valid_to` is null while the rate is in force. What an order pays is the sum over kinds.
    """
    return read_table("fees", dates=("valid_from", "valid_to"), numbers={"fee_rate": pl.Float64})


@cache
def lanes() -> pl.DataFrame:
    """`lane`, names, `evidence` (`order` or `claim`), the windows as text, `category_override` (Boolean).

    In a lane of evidence `claim` only notes with keyed data have orders of their own.
    """
    return read_table("lanes").with_columns(pl.col("category_override") == "true")


@cache
def categories() -> pl.DataFrame:
    """`category`, names, industry, `margin` (Float64, contribution margin of net sales), `window` (text)."""
    return read_table("categories", numbers={"margin": pl.Float64})


@cache
def windows() -> pl.DataFrame:
    """Look-back windows: `lane`, `kind`, `category` (String, null for all others), `window` (Duration us).

    A category's own window stands in the lanes that allow it, for every kind of touch.
    """
    rows = [
        (lane["lane"], kind, None, _duration(lane[f"{kind}_window"]))
        for lane in lanes().iter_rows(named=True)
        for kind in TOUCH_KINDS
    ]
    rows += [
        (lane["lane"], kind, category["category"], _duration(category["window"]))
        for lane in lanes().filter("category_override").iter_rows(named=True)
        for category in categories().filter(pl.col("window").is_not_null()).iter_rows(named=True)
        for kind in TOUCH_KINDS
    ]
    schema = pl.Schema({"lane": pl.String(), "kind": pl.String(), "category": pl.String(), "window": pl.Duration("us")})
    return pl.DataFrame(rows, schema=schema, orient="row")


@cache
def window_set() -> str:
    """A short name of the windows in force, which changes when any of them does."""
    return (
        "w"
        + sha256(windows().with_columns(pl.col("window").dt.total_microseconds()).write_csv().encode()).hexdigest()[:8]
    )


@cache
def reference_version() -> str:
    """A hash of every reference table, which changes when any of them does."""
    files = sorted(REFERENCE.glob("*.csv"))
    return sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:16]


@cache
def longest_window() -> timedelta:
    """The longest look-back of all."""
    longest = windows()["window"].max()
    assert isinstance(longest, timedelta)
    return longest


@cache
def reach_days() -> int:
    """Whole days that the longest window can span: a touch can change conversions of so many days after its own."""
    return -(-longest_window() // timedelta(days=1))


@cache
def refund_days() -> int:
    """Days after a sale within which refunds are still to be expected, of the slowest channel."""
    return int(channels().select(pl.col("refund_days").max()).item())


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+)([dh])", text)
    if match is None:
        raise ValueError(f"{text!r} is no window; write days or hours, such as 30d or 24h")
    return timedelta(**{{"d": "days", "h": "hours"}[match[2]]: int(match[1])})


def _windows_in_hours() -> pl.DataFrame:
    """Durations in whole hours, which every reader of the warehouse understands."""
    return windows().select(pl.exclude("window"), window_hours=pl.col("window").dt.total_hours())


#: Every table by its name in the warehouse's schema `reference`.
TABLES = {
    "channels": channels,
    "settlements": settlements,
    "fees": fees,
    "lanes": lanes,
    "lane_channels": lane_channels,
    "categories": categories,
    "eligibility": eligibility,
    "windows": _windows_in_hours,
    **SYSTEMS,
}
