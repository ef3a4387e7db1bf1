"""The Great Expectations suite of a feed, derived from its contract: one expectation per stated rule."""

# ruff: noqa: S608 - names come from contracts and callers, and SQL has no parameters for names
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from data_contracts.contract import BUSINESS_TIME_ZONE
from data_contracts.rules import SPREADSHEET_FLOAT, moment, rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from great_expectations import ExpectationSuite

    from data_contracts.contract import Contract, Field
    from data_contracts.rules import Rule

__all__ = ["SPREADSHEET_FLOAT", "identity_suite", "suite"]


class Expected(NamedTuple):
    """An expectation as data: its class in Great Expectations, its arguments, and what it says."""

    expectation: str
    arguments: dict[str, Any]
    sentence: str


@dataclass(frozen=True)
class Check:
    """A rule of a contract, checked at one instant."""

    contract: Contract
    rule: Rule
    now: datetime

    @property
    def name(self) -> str:
        return self.rule.column

    @property
    def bound(self) -> Any:
        return self.rule.bound

    @property
    def field(self) -> Field:
        return self.contract.field(self.rule.column)


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


def identity_suite(contract: Contract, /) -> ExpectationSuite:
    """The suite of what holds in a feed beyond single values: its `meta` as of `suite`, with the rule `identity`."""
    import great_expectations as gx
    import great_expectations.expectations as gxe

    return gx.ExpectationSuite(
        name=f"{contract.feed} identities",
        expectations=[
            getattr(gxe, "UnexpectedRowsExpectation")(  # noqa: B009 - which its module does not export by name
                unexpected_rows_query=identity.query.replace("{object}", "{batch}"),
                description=identity.description,
                severity="critical" if identity.severity == "error" else "warning",
                meta={"rule": "identity", "column": "", "name": identity.name},
            )
            for identity in contract.identities
        ],
    )


def _stated(contract: Contract, now: datetime) -> Iterator[tuple[dict[str, str], Expected]]:
    for rule in rules(contract):
        meta = {"rule": rule.kind, "column": rule.column, "name": rule.name}
        yield meta, EXPECTED[rule.kind](Check(contract, rule, now))
    key = contract.primary_key
    yield {"rule": "unique", "column": ",".join(key), "name": "primary_key_unique"}, _unique(key)


def _required(check: Check) -> Expected:
    return Expected("ExpectColumnValuesToNotBeNull", {"column": check.name}, f"Every row states {check.name}.")


def _enum(check: Check) -> Expected:
    return Expected(
        "ExpectColumnValuesToBeInSet",
        {"column": check.name, "value_set": list(check.bound)},
        f"{check.name} is one of {', '.join(check.bound)}.",
    )


def _minimum(check: Check) -> Expected:
    return Expected(
        "ExpectColumnValuesToBeBetween",
        {"column": check.name, "min_value": check.bound},
        f"{check.name} is at least {check.bound}.",
    )


def _maximum(check: Check) -> Expected:
    return Expected(
        "ExpectColumnValuesToBeBetween",
        {"column": check.name, "max_value": check.bound},
        f"{check.name} is at most {check.bound}.",
    )


def _max_length(check: Check) -> Expected:
    return Expected(
        "ExpectColumnValueLengthsToBeBetween",
        {"column": check.name, "max_value": check.bound},
        f"{check.name} has at most {check.bound} characters.",
    )


def _pattern(check: Check) -> Expected:
    return Expected(
        "ExpectColumnValuesToMatchRegex",
        {"column": check.name, "regex": check.bound},
        f"{check.name} matches {check.bound}.",
    )


def _identifier(check: Check) -> Expected:
    return Expected(
        "ExpectColumnValuesToNotMatchRegex",
        {"column": check.name, "regex": check.bound},
        f"{check.name} is not a number that a spreadsheet rounded, such as 6.61E+23.",
    )


def _not_after(check: Check) -> Expected:
    if check.bound == "now":
        return Expected(
            "ExpectColumnValuesToBeBetween",
            {"column": check.name, "max_value": moment(check.now, check.field)},
            f"{check.name} is not after the instant of the check.",
        )
    other = check.contract.field(check.bound)
    by_date = "DATE" in (check.field.physical_type, other.physical_type)
    left, right = (_moment(field, by_date=by_date) for field in (check.field, other))
    return Expected(
        "UnexpectedRowsExpectation",
        {"unexpected_rows_query": f"SELECT * FROM {{batch}} WHERE {left} > {right}"},
        f"{check.name} is not after {check.bound}.",
    )


EXPECTED: dict[str, Callable[[Check], Expected]] = {
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
    # Hashes are counted first, since mostly none stands twice, then the keys on their own, so that no row is carried
    # whole through the count.
    suspect = f"SELECT hash({columns}) FROM {{batch}} GROUP BY ALL HAVING count(*) > 1"
    repeated = (
        f"SELECT {columns} FROM {{batch}} WHERE hash({columns}) IN ({suspect}) GROUP BY {columns} HAVING count(*) > 1"
    )
    return Expected(
        "UnexpectedRowsExpectation",
        {"unexpected_rows_query": f"SELECT * FROM {{batch}} SEMI JOIN ({repeated}) USING ({columns})"},
        f"No two rows share the same {', '.join(key)}.",
    )


def _moment(field: Field, *, by_date: bool) -> str:
    """SQL for the column, as its business date where it is compared with a date."""
    if by_date and field.physical_type == "TIMESTAMPTZ":
        return f"CAST(\"{field.name}\" AT TIME ZONE '{BUSINESS_TIME_ZONE}' AS DATE)"
    return f'"{field.name}"'
