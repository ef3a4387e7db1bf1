"""Raw buyer identifiers become keyed hashes before anything is stored."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import polars as pl

from data_contracts.parsing import identifiers
from data_contracts.rules import SPREADSHEET_FLOAT

# A number of a mobile phone in mainland China that stands by itself, not within a longer number such as an order id.
MOBILE_NUMBER = r"(^|[^0-9])(?:\+?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}([^0-9]|$)"
BLOCK = 64  # bytes that SHA-256 takes at a time
MOST_REMEMBERED = 250_000
REMEMBERED = {"text": pl.String, "hash": pl.UInt64, "key": pl.Int64, "rounded": pl.Boolean}
_remembered: dict[bytes, pl.DataFrame] = {}  # the keys of the ids of the files before, which name the same users


def without_mobile_numbers(text: pl.Expr, /) -> pl.Expr:
    """The text (String) with the numbers of mobile phones struck out: they stray into columns that are not theirs."""
    struck = text.str.replace_all(MOBILE_NUMBER, "${1}[mobile number]${2}")
    return struck.str.replace_all(MOBILE_NUMBER, "${1}[mobile number]${2}")  # of two side by side, the second


def struck_out(message: str, /) -> str:
    """The message without numbers of mobile phones: it may quote headers and values.

    >>> struck_out("no place for 13812345678, 138-1234-5678 (order 3138123456789)")
    'no place for [mobile number], [mobile number] (order 3138123456789)'
    """
    struck: str = pl.select(without_mobile_numbers(pl.lit(message))).item()
    return struck


def user_keys(raw: pl.Series, secret: bytes, /) -> tuple[pl.Series, pl.Series]:
    """Keys of raw ids, and whether an id has none because a spreadsheet rounded it.

    A key (Int64) is the first 64 bits of the HMAC-SHA256 of the id, signed, which every engine reads. Null, empty
    and "missing" ids have no key. Ids are compared as text, without surrounding space. A rounded id stands for
    many users at once, so it has no key either, and is told apart (Boolean).
    """
    texts = raw.alias("text") if raw.dtype == pl.String else identifiers(raw).alias("text")
    remembered = _remembered.get(secret, pl.DataFrame(schema=REMEMBERED))
    places = _places(texts, remembered)
    if (new := texts.is_not_null() & places.is_null()).any():
        made = _made(texts.filter(new).unique(), secret)
        places = places.scatter(new.arg_true(), _found(texts.filter(new), made["text"]) + remembered.height)
        remembered = pl.concat([remembered, made])
        _remembered.clear()  # of one secret only, and of no more ids than are quickly looked up
        if remembered.height <= MOST_REMEMBERED:
            _remembered[secret] = remembered.unique("hash")
    return remembered["key"].gather(places).alias(raw.name), remembered["rounded"].gather(places).fill_null(False)


def _places(texts: pl.Series, remembered: pl.DataFrame) -> pl.Series:
    """Where each text is remembered (null: it is not), found by hashes, in half the time, and held against the text."""
    places = _found(_hashes(texts), remembered["hash"])
    same = remembered["text"].gather(places) == texts
    return pl.select(pl.when(same).then(places)).to_series()


def _hashes(texts: pl.Series) -> pl.Series:
    return texts.hash()


def _found(values: pl.Series, among: pl.Series) -> pl.Series:
    """Where each value stands among others, of which none stands twice; null where it does not."""
    named = among.alias("value").to_frame().with_row_index("place")
    return values.alias("value").to_frame().join(named, on="value", how="left", maintain_order="left")["place"]


def _made(texts: pl.Series, secret: bytes) -> pl.DataFrame:
    """The keys of texts as they stand in a file, each of which is given once."""
    ids = identifiers(texts)
    rounded = ids.str.contains(SPREADSHEET_FLOAT).fill_null(False)
    named = ids.is_not_null() & ~rounded
    keys = pl.Series([None], dtype=pl.Int64).new_from_index(0, texts.len())
    keys = keys.scatter(named.arg_true(), _keys(ids.filter(named), secret))
    return pl.DataFrame([texts, _hashes(texts).alias("hash"), keys.alias("key"), rounded.alias("rounded")])


def _keys(texts: pl.Series, secret: bytes) -> pl.Series:
    """HMAC-SHA256 as RFC 2104 spells it out, with the secret padded once for all: half the time of one call each."""
    padded = (secret if len(secret) <= BLOCK else sha256(secret).digest()).ljust(BLOCK, b"\0")
    inner, outer = (bytes(byte ^ mask for byte in padded) for mask in (0x36, 0x5C))
    digests = b"".join([sha256(outer + sha256(inner + v.encode()).digest()).digest()[:8] for v in texts])
    return pl.Series(np.frombuffer(digests, dtype=">i8").astype(np.int64))
