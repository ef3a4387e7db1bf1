"""The Great Expectations suite of a feed, derived from its contract: one expectation per stated rule."""

# ruff: noqa: S608 - names come from contracts and callers, and SQL has no parameters for names
from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from data_contracts.contract import BUSINESS_TIME_ZONE, Contract, Field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from great_expectations import ExpectationSuite

# What a spreadsheet makes of a long number, as in 6.61E+23: the digits that it dropped are lost.
SPREADSHEET_FLOAT = r"^\d(\.\d+)?[eE]\+?\d+$"


class Expected(NamedTuple):
    """An expectation as data: its class in Great Expectations, its arguments, and what it says."""

    expectation: str
    arguments: dict[str, Any]
    sentence: str


@dataclass(frozen=True)
class Check:
    """What a rule is derived from: one field of one contract, checked at one instant."""

    contract: Contract
    field: Field
    now: datetime

    @property
    def name(self) -> str:
        return self.field.name


def suite(contract: Contract, /, *, now: datetime) -> ExpectationSuite:
    """The suite of a feed's table, whose columns have the contract's names and DuckDB types.

    Every expectation carries a sentence as its description and, as its meta, `rule` (required, enum,
    minimum, maximum, max_length, pattern, identifier, not_after, unique), `column` (of `unique`: all key
    columns, joined by commas) and `name`, which stays the same from run to run. `now` is the instant that
    nothing may lie after; raises ValueError when it has no time zone.
    """
    import great_expectations as gx
    import great_expectations.expectations as gxe

    if now.tzinfo is None:
        raise ValueError(f"`now` must have a time zone, got {now!r}: pass datetime.now(UTC)")
    return gx.ExpectationSuite(
        name=contract.feed,
        expectations=[
            getattr(gxe, expected.expectation)(**expected.arguments, description=expected.sentence, meta=meta)
            for meta, expected in _stated(contract, now)
        ],
    )


def _stated(contract: Contract, now: datetime) -> Iterator[tuple[dict[str, str], Expected]]:
    for field in contract.fields:
        for rule, expected in RULES.items():
            value = getattr(field, rule)
            if value in (None, (), {}) or value is False:  # a bound of 0 is stated
                continue
            meta = {"rule": rule, "column": field.name, "name": f"{field.name}_{rule}"}
            yield meta, expected(Check(contract, field, now), value)
    key = contract.primary_key
    yield {"rule": "unique", "column": ",".join(key), "name": "primary_key_unique"}, _unique(key)


def _required(check: Check, _: bool) -> Expected:
    return Expected(
        "ExpectColumnValuesToNotBeNull", {"column": check.name}, f"Every row states {check.name}."
    )


def _enum(check: Check, values: dict[str, str]) -> Expected:
    return Expected(
        "ExpectColumnValuesToBeInSet",
        {"column": check.name, "value_set": list(values)},
        f"{check.name} is one of {', '.join(values)}.",
    )


def _minimum(check: Check, value: str | float) -> Expected:
    return Expected(
        "ExpectColumnValuesToBeBetween",
        {"column": check.name, "min_value": _bound(check.field, value)},
        f"{check.name} is at least {value}.",
    )


def _maximum(check: Check, value: str | float) -> Expected:
    return Expected(
        "ExpectColumnValuesToBeBetween",
        {"column": check.name, "max_value": _bound(check.field, value)},
        f"{check.name} is at most {value}.",
    )


def _max_length(check: Check, value: int) -> Expected:
    return Expected(
        "ExpectColumnValueLengthsToBeBetween",
        {"column": check.name, "max_value": value},
        f"{check.name} has at most {value} characters.",
    )


def _pattern(check: Check, value: str) -> Expected:
    return Expected(
        "ExpectColumnValuesToMatchRegex",
        {"column": check.name, "regex": value},
        f"{check.name} matches {value}.",
    )


def _identifier(check: Check, _: bool) -> Expected:
    return Expected(
        "ExpectColumnValuesToNotMatchRegex",
        {"column": check.name, "regex": SPREADSHEET_FLOAT},
        f"{check.name} is not a number that a spreadsheet rounded, such as 6.61E+23.",
    )


def _not_after(check: Check, value: str) -> Expected:
    if value == "now":
        return Expected(
            "ExpectColumnValuesToBeBetween",
            {"column": check.name, "max_value": _bound(check.field, check.now.isoformat())},
            f"{check.name} is not after the instant of the check.",
        )
    other = check.contract.field(value)
    by_date = "DATE" in (check.field.physical_type, other.physical_type)
    left, right = (_moment(field, by_date=by_date) for field in (check.field, other))
    return Expected(
        "UnexpectedRowsExpectation",
        {"unexpected_rows_query": f"SELECT * FROM {{batch}} WHERE {left} > {right}"},
        f"{check.name} is not after {value}.",
    )


RULES: dict[str, Callable[[Check, Any], Expected]] = {
    "required": _required,
    "enum": _enum,
    "minimum": _minimum,
    "maximum": _maximum,
    "max_length": _max_length,
    "pattern": _pattern,
    "identifier": _identifier,
    "not_after": _not_after,
}


def _unique(key: list[str]) -> Expected:
    columns = ", ".join(f'"{name}"' for name in key)
    # The keys are counted on their own, so that no row is carried whole through the count.
    repeated = f"SELECT {columns} FROM {{batch}} GROUP BY {columns} HAVING count(*) > 1"
    return Expected(
        "UnexpectedRowsExpectation",
        {"unexpected_rows_query": f"SELECT * FROM {{batch}} SEMI JOIN ({repeated}) USING ({columns})"},
        f"No two rows share the same {', '.join(key)}.",
    )


def _bound(field: Field, value: str | float) -> datetime | date | float:
    match field.physical_type:
        case "TIMESTAMPTZ":
            return _instant(str(value)).astimezone(UTC)
        case "DATE":
            return _instant(str(value)).astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date()
        case _:
            return float(value)


def _instant(text: str) -> datetime:
    """An instant from ISO text; without an offset it is business time."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(BUSINESS_TIME_ZONE))


def _moment(field: Field, *, by_date: bool) -> str:
    """SQL for the column, as its business date where it is compared with a date."""
    if by_date and field.physical_type == "TIMESTAMPTZ":
        return f"CAST(\"{field.name}\" AT TIME ZONE '{BUSINESS_TIME_ZONE}' AS DATE)"
    return f'"{field.name}"'
