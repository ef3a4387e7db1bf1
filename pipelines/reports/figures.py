"""How figures are written: one form for each kind of figure, in the terminal, Dagster, the page and the workbook."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from data_contracts.contract import BUSINESS_TIME_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = "—"


@dataclass(frozen=True)
class Kind:
    """A kind of figure: its form as text, in a workbook, and in JavaScript (d3); `large` may be told in 万 and 亿."""

    form: str
    excel: str
    d3: str
    large: bool = False

    @property
    def is_number(self) -> bool:
        """Whether values are numbers, which stand to the right and can be charted."""
        return bool(self.d3)


KINDS = {
    "yuan": Kind("{:,.0f}", "#,##0", ",.0f", large=True),
    "unit_cost": Kind("{:,.2f}", "#,##0.00", ",.2f"),
    "count": Kind("{:,.0f}", "#,##0", ",.0f", large=True),
    "ratio": Kind("{:,.2f}", "0.00", ",.2f"),
    "percent": Kind("{:.1%}", "0.0%", ".1%"),
    "days": Kind("{:,.0f}", "0", ",.0f"),
    "date": Kind("{:%Y-%m-%d}", "yyyy-mm-dd", ""),
    "instant": Kind("{:%Y-%m-%d %H:%M}", "yyyy-mm-dd hh:mm", ""),
    "text": Kind("{}", "@", ""),
}

# Of which kind a column is, by its name: the first pattern that fits the whole of it.
KIND_OF_NAME = {
    r"(roas|roi|iroas)(_.*)?|.*_(roas|roi|ratio)|direct_(low|high)": "ratio",
    r"(ctr|margin)|(.*_)?(share|rate)|毛利率|占比": "percent",
    r"cpm|cpc|cpe|cpti|cpuv|cac|aov|(cost|price)_per_.*": "unit_cost",
    r"(.*_)?(spend|commission|gmv|net|refunds|amount|cost|fees|sales|balance|yuan|budget)(_.*)?": "yuan",
    r"(.*_)?days": "days",
    r"(.*_)?(orders|uv)": "count",
}
LARGE = ((Decimal(10) ** 8, "亿"), (Decimal(10) ** 4, "万"))


def kind_of(column: str, values: Mapping[str, str] | None = None, /) -> str:
    """The kind of a column, by its name and, where `values` has it, by its type in DuckDB."""
    stored = (values or {}).get(column, "")
    if stored.startswith("TIMESTAMP"):
        return "instant"
    if stored == "DATE":
        return "date"
    if stored and not re.match(r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL|DOUBLE|FLOAT)", stored):
        return "text"
    other = "ratio" if stored.startswith(("DECIMAL", "DOUBLE", "FLOAT")) else "count"
    return next((kind for pattern, kind in KIND_OF_NAME.items() if re.fullmatch(pattern, column.lower())), other)


def written(value: object, kind: str, /) -> str:
    """A value as text, exact to what its kind shows; what is unknown is "—", never 0."""
    if is_unknown(value):
        return UNKNOWN
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.astimezone(ZoneInfo(BUSINESS_TIME_ZONE))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | date):
        return str(value)
    text = KINDS[kind].form.format(value)
    return text.removeprefix("-") if not re.search("[1-9]", text) else text  # no negative zero


def short(value: object, kind: str, /) -> str:
    """The same for a chart: from 10,000 on in 万 and 亿, to three digits or more."""
    if isinstance(value, int | float | Decimal) and not is_unknown(value) and KINDS[kind].large:
        exact = Decimal(str(value))
        for size, sign in LARGE:
            if abs(exact) >= size:
                parts = exact / size
                return f"{parts:,.0f}{sign}" if abs(parts) >= 100 else f"{parts:,.1f}{sign}"
    return written(value, kind)


def is_unknown(value: object, /) -> bool:
    """Whether a value says nothing: null, or no number."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))
