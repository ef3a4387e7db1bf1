"""The reference tables of the systems around seeding: cities, programmes, payment, members, texts, policies."""

from __future__ import annotations

from functools import cache

import polars as pl

from data_contracts.reference_table import read_table

YUAN = pl.Decimal(18, 2)


@cache
def cities() -> pl.DataFrame:
    """`city`, `name_zh`, `name_en` (String): the cities by whose names local data is keyed."""
    return read_table("cities")


@cache
def verticals() -> pl.DataFrame:
    """`vertical`, names, `margin` (Float64): kinds of shops, with the contribution margin of a visit's list price."""
    return read_table("verticals", numbers={"margin": pl.Float64})


@cache
def local_programmes() -> pl.DataFrame:
    """`programme`, `kind` (card, voucher), names, `valid_from`, `valid_to` (Date), `precision` of these, `cities`
    (List, null for everywhere), `price`, `certification_fee` (yuan), `valid_days`, `discount_rate`.
    """
    numbers = {"price": YUAN, "valid_days": pl.Int64(), "discount_rate": pl.Float64(), "certification_fee": YUAN}
    return read_table("local_programmes", dates=("valid_from", "valid_to"), numbers=numbers, lists=("cities",))


@cache
def payment_channels() -> pl.DataFrame:
    """`payment_channel`, names, `stacks` (Boolean): whether a discount may be added to what is paid this way."""
    return read_table("payment_channels", flags=("stacks",))


@cache
def fee_scenarios() -> pl.DataFrame:
    """`scenario`, `payment_channel`, `fee_rate` (Float64), `assumed` (Boolean, false for what is in force), names."""
    return read_table("fee_scenarios", numbers={"fee_rate": pl.Float64}, flags=("assumed",))


@cache
def member_programmes() -> pl.DataFrame:
    """`channel`, `member_programme`, names: the paid membership of a channel, such as 88VIP."""
    return read_table("member_programmes")


@cache
def business_orders() -> pl.DataFrame:
    """`channel`, `category` (null for all), `min_quantity` (Int64): from how many units on a line is for business."""
    return read_table("business_orders", numbers={"min_quantity": pl.Int64})


@cache
def thresholds() -> pl.DataFrame:
    """`threshold`, `value` (Float64, null where the data decides), names: where marts part one thing from another."""
    return read_table("thresholds", numbers={"value": pl.Float64})


@cache
def text_patterns() -> pl.DataFrame:
    """`text_class`, `pattern` (a regular expression), names: a text that matches any pattern is of the class."""
    return read_table("text_patterns")


@cache
def policy_calendar() -> pl.DataFrame:
    """What breaks a series: `entry`, `kind` (link_ban, opening, rule, fee, programme, rollout, pilot, festival,
    closure), `starts`, `ends` (Date, inclusive, null while in force), `precision` of these (day, month, year),
    `platform`, `cities`, `verticals` (List, null for all), names.
    """
    return read_table("policy_calendar", dates=("starts", "ends"), lists=("cities", "verticals"))


#: These tables by their names in the schema `reference`.
SYSTEMS = {
    "cities": cities,
    "verticals": verticals,
    "local_programmes": local_programmes,
    "payment_channels": payment_channels,
    "fee_scenarios": fee_scenarios,
    "member_programmes": member_programmes,
    "business_orders": business_orders,
    "thresholds": thresholds,
    "text_patterns": text_patterns,
    "policy_calendar": policy_calendar,
}
