"""Keys of raw ids are their HMAC-SHA256, and numbers of mobile phones are struck out of texts, and nothing else is."""

from __future__ import annotations

import hmac

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.intake import identity
from pipelines.intake.identity import user_keys, without_mobile_numbers


def reference(raw: str, secret: bytes) -> int:
    return int.from_bytes(hmac.digest(secret, raw.encode(), "sha256")[:8], "big", signed=True)


IDS = st.text("abc0129é买", min_size=1, max_size=40).filter(lambda text: not text.replace("0", "").isdigit())


@given(st.lists(IDS, max_size=8), st.binary(min_size=1, max_size=100))
@settings(max_examples=25)
def test_keys_are_the_first_64_bits_of_hmac_sha256(raw: list[str], secret: bytes) -> None:
    keys, rounded = user_keys(pl.Series("user_id", raw, dtype=pl.String), secret)
    assert keys.to_list() == [reference(text, secret) for text in raw]
    assert not rounded.any()


def test_nothing_has_no_key_and_another_secret_another() -> None:
    raw = pl.Series("user_id", ["a", "-", None, "1.2E+15", "a"])
    for secret in (b"one", b"two", b"one"):
        keys, rounded = user_keys(raw, secret)
        assert keys.to_list() == [reference("a", secret), None, None, None, reference("a", secret)]
        assert rounded.to_list() == [False, False, False, True, False]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "MOST_REMEMBERED", 10)
    for start in range(0, 60, 6):
        raw = [f"u{n}" for n in range(start, start + 6)]
        keys, _ = user_keys(pl.Series("user_id", raw), b"s")
        assert keys.to_list() == [reference(text, b"s") for text in raw]
        assert sum(frame.height for frame in identity._remembered.values()) <= 10


def test_ids_of_one_hash_have_keys_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        identity, "_hashes", lambda texts: pl.Series([7], dtype=pl.UInt64).new_from_index(0, len(texts))
    )
    for raw in (["a", "b", "a"], ["b", "c"], ["a", "c", "b"]):
        keys, _ = user_keys(pl.Series("user_id", raw), b"of one hash")
        assert keys.to_list() == [reference(text, b"of one hash") for text in raw]


@pytest.mark.parametrize(
    ("text", "kept"),
    {
        "call 13812345678 now": "call [mobile number] now",
        "13812345678": "[mobile number]",
        "13812345678,15900001111,19912345678": "[mobile number],[mobile number],[mobile number]",
        "+8613812345678": "[mobile number]",
        "1234567890138123456": "1234567890138123456",  # an order id
        "12012345678": "12012345678",  # no mobile number begins with 12
        "1381234567": "1381234567",
        None: None,
    }.items(),
)
def test_mobile_numbers_are_struck_out(text: str | None, kept: str | None) -> None:
    frame = pl.DataFrame({"text": [text]}, {"text": pl.String})
    assert frame.select(without_mobile_numbers(pl.col("text"))).item() == kept
