"""Numbers of mobile phones are struck out of texts, and nothing else is."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.intake.identity import without_mobile_numbers


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
