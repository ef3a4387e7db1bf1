"""Raw buyer identifiers become keyed hashes before anything is stored."""

from __future__ import annotations

import hmac

import polars as pl

from data_contracts.parsing import identifiers
from data_contracts.rules import SPREADSHEET_FLOAT

# A number of a mobile phone in mainland China that stands by itself, not within a longer number such as an order id.
MOBILE_NUMBER = r"(^|[^0-9])(?:\+?86)?1[3-9][0-9]{9}([^0-9]|$)"


def without_mobile_numbers(text: pl.Expr, /) -> pl.Expr:
    """The text (String) with the numbers of mobile phones struck out: they stray into columns that are not theirs."""
    struck = text.str.replace_all(MOBILE_NUMBER, "${1}[mobile number]${2}")
    return struck.str.replace_all(MOBILE_NUMBER, "${1}[mobile number]${2}")  # of two side by side, the second


def user_keys(raw: pl.Series, secret: bytes, /) -> tuple[pl.Series, pl.Series]:
    """Keys of raw ids, and whether an id has none because a spreadsheet rounded it.

    A key (Int64) is the first 64 bits of the HMAC-SHA256 of the id, signed, which every engine reads. Null, empty
    and "missing" ids have no key. Ids are compared as text, without surrounding space. A rounded id stands for
    many users at once, so it has no key either, and is told apart (Boolean).
    """
    text = identifiers(raw)
    rounded = text.str.contains(SPREADSHEET_FLOAT).fill_null(False)
    distinct = text.filter(~rounded).drop_nulls().unique()
    keys = pl.Series([_user_key(v, secret) for v in distinct], dtype=pl.Int64)
    return text.replace_strict(distinct, keys, default=None, return_dtype=pl.Int64), rounded


def _user_key(raw: str, secret: bytes) -> int:
    return int.from_bytes(hmac.digest(secret, raw.encode(), "sha256")[:8], "big", signed=True)
