"""Raw buyer identifiers become keyed hashes before anything is stored."""

from __future__ import annotations

import hashlib
import hmac

import polars as pl


def user_keys(raw: pl.Series, secret: bytes, /) -> pl.Series:
    """The first 64 bits of the HMAC-SHA256 of each raw id, as Int64 (signed, which every engine reads).

    Null, empty and "missing" ids have no key. Ids are compared after stripping surrounding space.
    """
    from data_contracts.parsing import MISSING_WORDS

    text = raw.cast(pl.String).str.strip_chars()
    distinct = [v for v in text.unique().to_list() if v is not None and v.lower() not in MISSING_WORDS]
    keys = [_user_key(v, secret) for v in distinct]
    table = dict(zip(distinct, keys, strict=True))
    return text.replace_strict(table, default=None, return_dtype=pl.Int64).rename("user_key")


def _user_key(raw: str, secret: bytes) -> int:
    digest = hmac.new(secret, raw.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
