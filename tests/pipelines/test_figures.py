"""How figures are written: the same form wherever a kind of figure is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from pipelines.marts.columns import COLUMNS
from pipelines.reports.figures import KINDS, kind_of, short, written


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (Decimal("1234567.89"), "yuan", "1,234,568"),
        (Decimal("35.5"), "unit_cost", "35.50"),
        (2.345678, "ratio", "2.35"),
        (0.1234, "percent", "12.3%"),
        (1995.4, "count", "1,995"),
        (date(2026, 9, 1), "date", "2026-09-01"),
        (datetime(2026, 8, 31, 16, tzinfo=UTC), "instant", "2026-09-01 00:00"),
        ("=1+1", "text", "=1+1"),
        (0, "ratio", "0.00"),
        (-0.001, "ratio", "0.00"),
        (None, "yuan", "—"),
        (float("nan"), "ratio", "—"),
        (float("inf"), "ratio", "—"),
    ],
)
def test_a_figure_is_written_in_the_form_of_its_kind(value: object, kind: str, text: str) -> None:
    assert written(value, kind) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(9999, "9,999"), (10_000, "1.0万"), (2_429_532, "243万"), (Decimal("-55018.4"), "-5.5万"), (3.2e8, "3.2亿")],
)
def test_large_figures_are_told_in_wan_and_yi(value: float, text: str) -> None:
    assert short(value, "yuan") == text


def test_ratios_are_never_shortened() -> None:
    assert short(12345.6, "ratio") == "12,345.60"


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("spend", "yuan"),
        ("platform_spend", "yuan"),
        ("credited_gmv", "yuan"),
        ("credited_net", "yuan"),
        ("unattributed_refunds", "yuan"),
        ("roas_gmv", "ratio"),
        ("roi_profit", "ratio"),
        ("direct_low", "ratio"),
        ("new_customer_share", "percent"),
        ("visit_rate", "percent"),
        ("cpuv", "unit_cost"),
        ("orders", "count"),
        ("visit_uv", "count"),
    ],
)
def test_a_column_says_by_its_name_of_which_kind_it_is(column: str, kind: str) -> None:
    assert kind_of(column) == kind


def test_what_is_stored_as_text_or_date_is_no_figure() -> None:
    with duckdb.connect() as connection:
        described = connection.sql("SELECT 'x' AS spend, DATE '2026-09-01' AS d, now() AS t, 1.5::DECIMAL(18,2) AS gmv")
        kinds = {name: str(kind) for name, kind in zip(described.columns, described.types, strict=True)}
    assert [kind_of(column, kinds) for column in kinds] == ["text", "date", "instant", "yuan"]


def test_every_column_has_a_chinese_name() -> None:
    assert [column for column, text in COLUMNS.items() if " · " not in text] == []
    assert all(kind_of(column) in KINDS for column in COLUMNS)
