"""The accept-or-quarantine rules that a contract implies, and the judgement of rows by them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE
from data_contracts.instants import business_dates

if TYPE_CHECKING:
    from data_contracts.contract import Contract, Field

# What a spreadsheet makes of a long number, as in 6.61E+23 or 1234567890123456800.0: digits that it dropped are lost.
SPREADSHEET_FLOAT = r"^[+-]?[0-9]([.,][0-9]+)?[eE]\+?[0-9]+$|^[+-]?[0-9]{16,}\.0+$"
UNREADABLE = "_unreadable_"
REASONS = pl.List(pl.String())

# The kinds of rules, each named after the field of the contract that states it, with what to do about a broken one.
ADVICE: dict[str, str] = {
    "required": "supply the value",
    "identifier": "export again with the column formatted as text",
    "enum": "use one of these, or map the code in the mapping file",
    "minimum": "correct the value at its source",
    "maximum": "correct the value at its source",
    "max_length": "shorten the text at its source",
    "pattern": "correct the value at its source",
    "not_after": "check the clock and the date format of the source",
}


@dataclass(frozen=True)
class Rule:
    """One demand on the values of one column.

    `bound` is what they are measured against: None (required), a regular expression (identifier, which must not
    match, and pattern, which must), a tuple of codes (enum), a number, an instant in UTC or a date (minimum,
    maximum), a number of characters (max_length), "now" or the name of another column (not_after).
    Missing values break no rule but `required`.
    """

    kind: str
    column: str
    bound: Any
    advice: str

    @property
    def name(self) -> str:
        """A stable name, unique within its feed."""
        return f"{self.column}_{self.kind}"


def rules(contract: Contract, /) -> list[Rule]:
    """Every row-level rule of the contract, in the order of its columns."""
    return [
        Rule(kind, field.name, _bound(kind, stated, field), advice)
        for field in contract.fields
        for kind, advice in ADVICE.items()
        if (stated := getattr(field, kind)) not in (None, (), {}) and stated is not False  # a bound of 0 is stated
    ]


def _bound(kind: str, stated: Any, field: Field) -> Any:
    match kind:
        case "required":
            return None
        case "identifier":
            return SPREADSHEET_FLOAT
        case "enum":
            return tuple(stated)
        case "minimum" | "maximum" if isinstance(stated, str):
            instant = datetime.fromisoformat(stated)
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=ZoneInfo(BUSINESS_TIME_ZONE))
            return moment(instant, field)
    return stated


def moment(instant: datetime, field: Field, /) -> datetime | date:
    """The instant as the column holds it: in UTC, or as its business date."""
    if field.physical_type == "DATE":
        return instant.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).date()
    return instant.astimezone(UTC)


def judge(frame: pl.DataFrame, contract: Contract, /, *, now: datetime) -> pl.DataFrame:
    """Judge typed rows by the contract.

    Args:
        frame: the contract's columns in their polars types. A column `_unreadable_<name>` (String) beside
            a column holds the text that could not be read as its type, null where it could.
        contract: the feed's contract.
        now: the instant after which nothing can have been exported.

    Returns:
        The frame without the columns `_unreadable_…`, with `_reasons` (List(String)): why a row is refused, one
        sentence for each broken rule; empty for a good row.
    """
    breaches = [_unreadable(field) for field in contract.fields if UNREADABLE + field.name in frame.columns]
    breaches += [_breach(rule, contract, frame.columns, now=now) for rule in rules(contract)]
    refused = frame.select(pl.any_horizontal([pl.lit(False), *[broken for broken, _ in breaches]]).alias("refused"))
    judged = frame.select(pl.exclude(f"^{UNREADABLE}.*$")).with_columns(pl.lit([], dtype=REASONS).alias("_reasons"))
    if not refused["refused"].any():
        return judged
    # Sentences are made only for the rows that need one: nearly none, out of very many. Put together anew, since
    # polars' format reads what nulls of a filtered column once pointed to, and ends the program where that is gone.
    those = frame.filter(refused["refused"]).rechunk()
    told = those.select(
        _reasons=pl.concat_list(
            [pl.lit(None, dtype=pl.String), *[pl.when(broken).then(told) for broken, told in breaches]]
        ).list.drop_nulls()
    )
    nth = pl.when("refused").then(pl.col("refused").cum_sum().cast(pl.Int64) - 1)
    reasons = told["_reasons"].gather(refused.select(nth).to_series())
    return judged.with_columns(pl.coalesce(reasons, "_reasons").alias("_reasons"))


def _unreadable(field: Field) -> tuple[pl.Expr, pl.Expr]:
    """Whether a value could not be read, and the sentence that says so."""
    column = pl.col(UNREADABLE + field.name)
    shown = pl.lit("a value") if field.personal else pl.format("'{}'", column.str.slice(0, 40))
    expected = pl.lit(NOUNS[field.physical_type])
    return column.is_not_null(), pl.format(
        "{}: {} cannot be read as {}; correct the value at its source", pl.lit(field.name), shown, expected
    )


def _breach(rule: Rule, contract: Contract, columns: list[str], *, now: datetime) -> tuple[pl.Expr, pl.Expr]:
    """Whether a row breaks the rule, and the sentence that says so."""
    field = contract.field(rule.column)
    column = pl.col(rule.column)
    broken, expected = _demand(rule, contract, now=now)
    if rule.kind == "required" and UNREADABLE + rule.column in columns:
        broken = broken & pl.col(UNREADABLE + rule.column).is_null()
    found = pl.lit("is missing") if rule.kind == "required" else pl.format("is {}", _shown(column, field))
    told = pl.format("{}: {}, expected {}; {}", pl.lit(rule.column), found, pl.lit(expected), pl.lit(rule.advice))
    return broken.fill_null(False), told


def _shown(column: pl.Expr, field: Field) -> pl.Expr:
    if field.personal:
        return pl.lit("a value that is not shown")
    if field.dtype == pl.Datetime("us", "UTC"):
        return column.dt.convert_time_zone(BUSINESS_TIME_ZONE).dt.to_string("%Y-%m-%dT%H:%M:%S%:z")
    if isinstance(field.dtype, pl.List):
        return column.list.join("|").str.slice(0, 40)
    return pl.format("'{}'", column.cast(pl.String).str.slice(0, 40))


def _demand(rule: Rule, contract: Contract, *, now: datetime) -> tuple[pl.Expr, str]:
    """When a row breaks the rule, and what was expected of it, in words."""
    field = contract.field(rule.column)
    column = pl.col(rule.column)
    match rule.kind:
        case "required":
            return column.is_null(), NOUNS[field.physical_type]
        case "identifier":
            return column.str.contains(rule.bound), "an id as text, not a number that a spreadsheet rounded"
        case "enum":
            return ~column.is_in(rule.bound), f"one of {', '.join(rule.bound)}"
        case "minimum":
            return column < _literal(rule.bound, field), f"at least {said(rule.bound)}"
        case "maximum":
            return column > _literal(rule.bound, field), f"at most {said(rule.bound)}"
        case "max_length":
            return column.str.len_chars() > rule.bound, f"at most {rule.bound} characters"
        case "pattern":
            return ~column.str.contains(rule.bound), f"text that matches {rule.bound}"
        case "not_after" if rule.bound == "now":
            return column > _literal(moment(now, field), field), f"not later than now ({said(moment(now, field))})"
        case "not_after":
            other = contract.field(rule.bound)
            first, last = column, pl.col(other.name)
            if pl.Date() in (field.dtype, other.dtype):
                first, last = (side.map_batches(business_dates, return_dtype=pl.Date()) for side in (first, last))
            return first > last, f"not later than {rule.bound}"
    raise ValueError(f"rule {rule.name}: unknown kind {rule.kind!r}; the kinds are {', '.join(ADVICE)}")


def _literal(bound: Any, field: Field) -> pl.Expr:
    return pl.lit(bound).cast(field.dtype) if isinstance(field.dtype, pl.Decimal) else pl.lit(bound)


def said(bound: Any) -> str:
    """A bound as a person reads it: instants in business time, numbers with their thousands apart."""
    if isinstance(bound, datetime):
        return bound.astimezone(ZoneInfo(BUSINESS_TIME_ZONE)).isoformat(timespec="seconds")
    return f"{bound:,}" if isinstance(bound, int | float) else str(bound)


NOUNS: dict[str, str] = {
    "VARCHAR": "text",
    "TIMESTAMPTZ": "a date and time",
    "DATE": "a date without a time of day",
    "DECIMAL(18,2)": "an amount with at most two decimals",
    "BIGINT": "a whole number",
    "BOOLEAN": "yes or no",
    "VARCHAR[]": "a list separated by |",
}
