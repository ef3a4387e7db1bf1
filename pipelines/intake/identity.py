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
MOST_REMEMBERED = 250_000
_remembered: dict[bytes, pl.DataFrame] = {}  # the keys of the ids of the files before, which name the same users


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
    named = identifiers(raw).alias("text").to_frame()
    rounded = named["text"].str.contains(SPREADSHEET_FLOAT).fill_null(False)
    remembered = _remembered.get(secret, pl.DataFrame(schema={"text": pl.String, "key": pl.Int64}))
    keys = _looked_up(named, remembered)
    if (new := named.filter(keys.is_null() & ~rounded).drop_nulls().unique()).height:
        remembered = pl.concat([remembered, new.with_columns(_keys(new["text"], secret).alias("key"))])
        keys = _looked_up(named, remembered)
        _remembered.clear()  # of one secret only, and of no more ids than are quickly looked up
        if remembered.height <= MOST_REMEMBERED:
            _remembered[secret] = remembered
    return keys.alias(raw.name), rounded


def _looked_up(named: pl.DataFrame, remembered: pl.DataFrame) -> pl.Series:
    """The keys of ids, null where they are not remembered."""
    return named.join(remembered, on="text", how="left", maintain_order="left")["key"]


def _keys(texts: pl.Series, secret: bytes) -> pl.Series:
    """HMAC-SHA256 as RFC 2104 spells it out, with the secret padded once for all: half the time of one call each."""
    padded = (secret if len(secret) <= BLOCK else sha256(secret).digest()).ljust(BLOCK, b"\0")
    inner, outer = (bytes(byte ^ mask for byte in padded) for mask in (0x36, 0x5C))
    digests = b"".join([sha256(outer + sha256(inner + v.encode()).digest()).digest()[:8] for v in texts])
    return pl.Series(np.frombuffer(digests, dtype=">i8").astype(np.int64))
