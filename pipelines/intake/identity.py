"""Raw buyer identifiers become keyed hashes before anything is stored."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import polars as pl

from data_contracts.parsing import identifiers
from data_contracts.rules import SPREADSHEET_FLOAT

# A number of a mobile phone in mainland China that stands by itself, not within a longer number such as an order id.
MOBILE_NUMBER = r"(^|[^0-9])(?:\+?86)?1[3-9][0-9]{9}([^0-9]|$)"
BLOCK = 64  # bytes that SHA-256 takes at a time
MOST_REMEMBERED = 1_000_000
_remembered: dict[bytes, pl.DataFrame] = {}


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
    distinct = text.filter(~rounded).drop_nulls().unique().alias("text").to_frame()
    named = text.alias("text").to_frame().join(_keyed(distinct, secret), on="text", how="left", maintain_order="left")
    return named["key"].alias(raw.name), rounded


def _keyed(distinct: pl.DataFrame, secret: bytes) -> pl.DataFrame:
    """The keys of distinct ids, of which those of the files before, which name the same users, are remembered."""
    remembered = _remembered.get(secret, pl.DataFrame(schema={"text": pl.String, "key": pl.Int64}))
    new = distinct.join(remembered, on="text", how="anti")
    found = new.with_columns(_keys(new["text"], secret).alias("key"))
    _remembered.clear()  # of one secret only, and of no more ids than fit beside a file
    _remembered[secret] = every = pl.concat([remembered, found])
    if every.height > MOST_REMEMBERED:
        _remembered.clear()
    return every


def _keys(texts: pl.Series, secret: bytes) -> pl.Series:
    """HMAC-SHA256 as RFC 2104 spells it out, with the secret padded once for all: half the time of one call each."""
    padded = (secret if len(secret) <= BLOCK else sha256(secret).digest()).ljust(BLOCK, b"\0")
    inner, outer = (bytes(byte ^ mask for byte in padded) for mask in (0x36, 0x5C))
    digests = b"".join([sha256(outer + sha256(inner + v.encode()).digest()).digest()[:8] for v in texts])
    return pl.Series(np.frombuffer(digests, dtype=">i8").astype(np.int64))
