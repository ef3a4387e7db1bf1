"""Other ways of writing dates and numbers mean what they say, and nothing else is rewritten."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.forms import FORMS, rewritten

ALL = tuple(FORMS)


def of(text: str | None, kind: str) -> str | None:
    return rewritten(pl.Series("x", [text], dtype=pl.String), kind, ALL).item()


@pytest.mark.parametrize(
    ("text", "kind", "meant"),
    [
        ("46266", "DATE", "2026-09-01"), ("46266.0", "DATE", "2026-09-01"), ("46266.75", "DATE", "2026-09-01"),
        ("46266.75", "TIMESTAMPTZ", "2026-09-01 18:00:00"), ("46266", "BIGINT", "46266"), ("99999", "DATE", "99999"),
        ("1788192000000", "TIMESTAMPTZ", "2026-08-31T16:00:00.000+00:00"), ("1788192000000", "BIGINT", "1788192000000"),
        ("1788192000", "TIMESTAMPTZ", "1788192000"), ("2026-09-01", "DATE", "2026-09-01"), (None, "DATE", None),
        ("2026/9/1 18:00", "DATE", "2026/9/1"), ("2026-09-01T18:00:00.5", "DATE", "2026-09-01"),
        ("2026-09-01 18:00", "TIMESTAMPTZ", "2026-09-01 18:00"), ("2026-09-01 18", "DATE", "2026-09-01 18"),
        ("2026-09-01T18:00:00+00:00", "DATE", "2026-09-01T18:00:00+00:00"),
        ("1.2万", "BIGINT", "12000"), ("12.3w", "BIGINT", "123000"), ("20万", "BIGINT", "200000"),
        ("-0.5W", "DECIMAL(18,2)", "-5000"), ("1.23456万", "DECIMAL(18,2)", "12345.6"), ("10万+", "BIGINT", "10万+"),
        ("<100", "BIGINT", "<100"), ("1.2万", "VARCHAR", "1.2万"), ("0万", "BIGINT", "0"), (None, "BIGINT", None),
    ],
)  # fmt: skip
def test_known_answers(text: str | None, kind: str, meant: str | None) -> None:
    assert of(text, kind) == meant


@given(st.dates(date(2013, 1, 1), date(2060, 1, 1)))
def test_a_spreadsheet_counts_days_from_the_end_of_1899(day: date) -> None:
    assert of(str((day - date(1899, 12, 30)) // timedelta(days=1)), "DATE") == day.isoformat()


def test_without_a_form_nothing_is_rewritten() -> None:
    column = pl.Series("x", ["46266", "1.2万"])
    assert rewritten(column, "DATE", ()).to_list() == column.to_list()
    assert rewritten(column, "DATE", ("wan",)).to_list() == column.to_list()
