"""The accept-or-quarantine rules that a contract implies, and the judgement of rows by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from data_contracts.contract import Contract, Field

EXCEL_FLOAT = r"^\d(\.\d+)?[eE]\+?\d+$"
UNREADABLE = "_unreadable_"


@dataclass(frozen=True)
class Rule:
    """One demand on one column: `kind` names the demand, `bound` what it is measured against."""

    kind: str
    column: str
    bound: Any
    advice: str

    @property
    def name(self) -> str:
        """A stable name, unique within its feed."""
        return f"{self.column}_{self.kind}"


def rules(contract: Contract) -> list[Rule]:
    """Every row-level rule of the contract, in the order of its columns."""
    return [rule for field in contract.fields for rule in _field_rules(field)]


def _field_rules(field: Field) -> Iterator[Rule]:
    if field.required:
        yield Rule("required", field.name, None, "supply the value")
    if field.identifier:
        yield Rule("identifier", field.name, EXCEL_FLOAT, "export again with the column formatted as text")
    if field.enum:
        yield Rule(
            "enum", field.name, tuple(field.enum), "use one of these, or map the code in the mapping file"
        )
    if field.minimum is not None:
        yield Rule("minimum", field.name, field.minimum, "correct the value at its source")
    if field.maximum is not None:
        yield Rule("maximum", field.name, field.maximum, "correct the value at its source")
    if field.max_length is not None:
        yield Rule("max_length", field.name, field.max_length, "shorten the text at its source")
    if field.pattern is not None:
        yield Rule("pattern", field.name, field.pattern, "correct the value at its source")
    if field.not_after is not None:
        yield Rule(
            "not_after", field.name, field.not_after, "check the clock and the date format of the source"
        )


def judge(frame: pl.DataFrame, contract: Contract, /, *, now: datetime) -> pl.DataFrame:
    """Judge typed rows by the contract.

    Args:
        frame: the contract's columns in their polars types. A column `_unreadable_<name>` (String) beside
            a column holds the text that could not be read as its type, null where it could.
        contract: the feed's contract.
        now: the instant after which nothing can have been exported.

    Returns:
        The contract's columns and every column that begins with a single underscore, and `_reasons`
        (List(String)): why a row is refused, one sentence for each broken rule; empty for a good row.
    """
    checks = [_unreadable(field) for field in contract.fields if UNREADABLE + field.name in frame.columns]
    checks += [_broken(rule, contract, frame.columns, now=now) for rule in rules(contract)]
    reasons = pl.concat_list(checks).list.drop_nulls() if checks else pl.lit([], dtype=pl.List(pl.String))
    return frame.with_columns(_reasons=reasons).select(pl.exclude(f"^{UNREADABLE}.*$"))


def _unreadable(field: Field) -> pl.Expr:
    column = pl.col(UNREADABLE + field.name)
    shown = pl.lit("a value") if field.personal else pl.format("'{}'", column.str.slice(0, 40))
    message = pl.format("{}: {} cannot be read as {}", pl.lit(field.name), shown, pl.lit(_noun(field)))
    return pl.when(column.is_not_null()).then(message)


def _broken(rule: Rule, contract: Contract, columns: list[str], *, now: datetime) -> pl.Expr:
    field = contract.field(rule.column)
    column = pl.col(rule.column)
    shown = pl.lit("the value") if field.personal else _shown(column, field)
    failed, expected = _demand(rule, field, now=now)
    if rule.kind == "required" and UNREADABLE + rule.column in columns:
        failed = failed & pl.col(UNREADABLE + rule.column).is_null()
    found = pl.lit("is missing") if rule.kind == "required" else pl.format("is {}", shown)
    message = pl.format(
        "{}: {}, expected {}; {}", pl.lit(rule.column), found, pl.lit(expected), pl.lit(rule.advice)
    )
    return pl.when(failed.fill_null(False)).then(message)


def _shown(column: pl.Expr, field: Field) -> pl.Expr:
    if field.dtype == pl.Datetime("us", "UTC"):
        return column.dt.convert_time_zone(BUSINESS_TIME_ZONE).dt.to_string("%Y-%m-%dT%H:%M:%S%:z")
    if isinstance(field.dtype, pl.List):
        return column.list.join("|").str.slice(0, 40)
    return pl.format("'{}'", column.cast(pl.String).str.slice(0, 40))


def _demand(rule: Rule, field: Field, *, now: datetime) -> tuple[pl.Expr, str]:
    """When a row breaks the rule, and what was expected of it, in words."""
    column = pl.col(rule.column)
    match rule.kind:
        case "required":
            return column.is_null(), _noun(field)
        case "identifier":
            return column.str.contains(rule.bound), "an id as text, not a number that a spreadsheet rounded"
        case "enum":
            return ~column.is_in(rule.bound), f"one of {', '.join(rule.bound)}"
        case "minimum":
            return column < _bound(rule.bound, field), f"at least {rule.bound}"
        case "maximum":
            return column > _bound(rule.bound, field), f"at most {rule.bound}"
        case "max_length":
            return column.str.len_chars() > rule.bound, f"at most {rule.bound} characters"
        case "pattern":
            return ~column.str.contains(rule.bound), f"text that matches {rule.bound}"
        case "not_after" if rule.bound == "now":
            return column > now, f"not later than now ({now:%Y-%m-%dT%H:%M:%SZ})"
        case "not_after":
            return column > _instant(rule.bound, field), f"not later than {rule.bound}"
    raise ValueError(f"rule {rule.name}: unknown kind {rule.kind!r}")


def _bound(value: Any, field: Field) -> pl.Expr:
    if isinstance(value, str):
        return (
            pl.lit(value).str.to_datetime(time_zone="UTC").cast(field.dtype)
            if "T" in value
            else pl.lit(value).str.to_date()
        )
    return pl.lit(value).cast(field.dtype)


def _instant(column: str, field: Field) -> pl.Expr:
    """The other column, as a business date where the judged column is a date."""
    other = pl.col(column)
    return other.dt.convert_time_zone(BUSINESS_TIME_ZONE).dt.date() if field.dtype == pl.Date() else other


NOUNS: dict[str, str] = {
    "VARCHAR": "text",
    "TIMESTAMPTZ": "a date and time",
    "DATE": "a date",
    "DECIMAL(18,2)": "an amount with at most two decimals",
    "BIGINT": "a whole number",
    "BOOLEAN": "yes or no",
    "VARCHAR[]": "a list separated by |",
}


def _noun(field: Field) -> str:
    return NOUNS[field.physical_type]
