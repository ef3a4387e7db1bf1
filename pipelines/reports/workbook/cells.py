"""A report's values as a workbook takes them: numbers as numbers, everything else as text that nothing executes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from data_contracts.contract import BUSINESS_TIME_ZONE
from pipelines.reports.figures import is_unknown

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from pipelines.reports.content import Column, Content

LONGEST = 32_767  # characters that a cell holds
# Before the word, so that maturity is told by more than slant and shade.
SIGNS = {"maturing": "◔ ", "settling": "◑ ", "mature": "● "}


def shown(content: Content, column: Column, value: Any, /) -> Any:
    """A value as its cell holds it: None, a number, a date, or text."""
    if column.name == "path" and value is not None:
        return _path(content, str(value))
    if column.is_code or (is_unknown(value) and value in content.labels.get(column.name, {})):
        return (
            SIGNS.get(value, "") + content.label(column.name, value).zh if _has_words(content, column, value) else value
        )
    if is_unknown(value):
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).replace(tzinfo=None)
    return value


def shown_all(content: Content, column: Column, values: list[Any], /) -> list[Any]:
    """The same for a column; the words of a code are looked up once."""
    if not column.is_code:
        return [shown(content, column, value) for value in values]
    words = {value: shown(content, column, value) for value in set(values)}
    return [words[value] for value in values]


def write(sheet: Worksheet, row: int, column: int, value: Any, form: Format, /) -> None:
    """Write what `shown` gave; never a formula, never a link, and nothing for what is unknown."""
    if value is None:
        sheet.write_blank(row, column, None, form)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, form)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, form)
    else:
        sheet.write_string(row, column, str(value)[:LONGEST], form)


def _has_words(content: Content, column: Column, value: Any) -> bool:
    return value is not None or None in content.labels.get(column.name, {})


def _path(content: Content, path: str) -> str:
    """The touches of a path in words, such as 种草·曝光 → 红猫红京·点击."""
    steps = (step.partition(":") for step in path.split(" > "))
    return " → ".join(f"{content.label('lane', lane).zh}·{content.label('kind', kind).zh}" for lane, _, kind in steps)
