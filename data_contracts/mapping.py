"""What a mapping states: how the files of an export become a feed."""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import available_timezones

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from data_contracts.contract import BUSINESS_TIME_ZONE, contract, feeds
from data_contracts.forms import FORMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data_contracts.contract import Contract

SIMILAR = 0.75  # from this likeness on (0 to 1), a name is taken for another one misspelled
TEMPLATE_PART = "{([^{}]+)}"
LOWEST_HEADER = 1_000
NO_DELIMITERS = '"\r\n\0'
OCCURRENCE = re.compile(r"(.+)#([1-9])")


class MappingError(ValueError):
    """A mapping file or a file's headers that do not fit; the message says what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _texts(stated: Any) -> Any:
    """A bare text is short for a list of one."""
    return [stated] if isinstance(stated, str) else stated


Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]

# The name of a file, which leads to no other folder.
FileName = Annotated[str, Field(pattern=r"^[^/\\]+$")]

# What is known of a file beside its content, as columns that the intake adds: see `pipelines.intake.given`.
GIVEN = "_given_"
Given = Literal["exported_at", "brand"]


class Rows(_Strict):
    """Rows of a file: those whose header has one of `values`, or none of `unless`; "" is no value.

    Of several headers the first that has a value counts.
    """

    headers: Texts = Field(alias="from")
    values: Texts = ()
    unless: Texts = ()

    @model_validator(mode="after")
    def _one_list(self) -> Rows:
        if bool(self.values) == bool(self.unless):
            raise ValueError("state exactly one of values and unless")
        return self


class Instead(_Strict):
    """A constant that takes the place of a column's value in the rows of which all of `where` holds."""

    value: str
    where: tuple[Rows, ...] = Field(min_length=1)


class Column(_Strict):
    """Where one column of the feed comes from: a header, a constant, a template, or what is known of the file.

    Of several headers the first that has a value fills the column, where none has `given` or `default`; `x#2` is the
    second column whose header is x.
    `instead` names constants that take its place in some rows; the first that holds does.
    A part of a template is a header, `{a|b}` the first of several, `{a?}` one that may be missing, and `{=name}`
    the value of another column of the feed, written as the feed reads it.
    """

    headers: Texts = Field((), alias="from")
    value: str | None = None
    template: str | None = None
    given: Given | None = None
    default: str | None = None
    codes: dict[str, str | None] = {}
    otherwise: Literal["keep", "empty"] = "keep"
    unit: Literal["yuan", "fen"] = "yuan"
    sign: Literal["as_is", "turned"] = "as_is"
    instead: tuple[Instead, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Column:
        if sum(map(bool, (self.headers or self.given, self.value, self.template))) != 1:
            raise ValueError("state exactly one of from, value and template; given and default may stand beside from")
        return self

    @field_validator("template")
    @classmethod
    def _closed(cls, template: str | None) -> str | None:
        if template is not None and re.search("[{}]", re.sub(TEMPLATE_PART, "", template)):
            raise ValueError(f"the template {template!r} has a bracket that is empty or not closed; write {{header}}")
        return template

    @property
    def stated(self) -> list[str]:
        """The headers of which it is made, as the mapping writes them."""
        if self.template:
            return [h for any_of, _ in template_parts(self.template) for h in any_of]
        return list(self.headers)

    @property
    def plain(self) -> bool:
        """Whether it is what stands under its headers, unchanged and with nothing in the place of what is missing."""
        changed = self.codes or self.unit != "yuan" or self.sign != "as_is"
        return not (changed or self.value or self.template or self.given or self.default)

    @property
    def named(self) -> list[str]:
        """The headers of which it is made, as readers name them."""
        return [numbered(h) for h in self.stated]

    @property
    def asked(self) -> list[str]:
        """The headers that decide whether a constant takes its place."""
        return [h for instead in self.instead for rows in instead.where for h in rows.headers]


def _column(stated: Any) -> Any:
    """A bare text, or a list of them, is short for {from: ...}."""
    return {"from": stated} if isinstance(stated, str | list) else stated


Columns = dict[str, Annotated[Column, BeforeValidator(_column)]]


class StatedFigure(_Strict):
    """A figure of the export that follows from its others: `equals` or `at_most` is a formula over `{header|alias}`.

    A `share` may be printed as 6.38%, 0.0638 or 6.38.
    """

    headers: Texts = Field(alias="of")
    equals: str | None = None
    at_most: str | None = None
    share: bool = False

    @model_validator(mode="after")
    def _one_formula(self) -> StatedFigure:
        if bool(self.equals) == bool(self.at_most):
            raise ValueError("state exactly one of equals and at_most")
        return self

    @field_validator("equals", "at_most")
    @classmethod
    def _a_number(cls, formula: str | None) -> str | None:
        """The formula can be reckoned with numbers under its headers."""
        if formula is None:
            return None
        try:
            expression = pl.sql_expr(re.sub(TEMPLATE_PART, "p", formula))
            numeric = pl.DataFrame({"p": [1.0]}).select(expression.alias("p"))["p"].dtype.is_numeric()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            numeric = False
        if not numeric:
            raise ValueError(f"{formula!r} is no formula; write numbers and {{header}} with + - * / between them")
        return formula


class Reading(_Strict):
    """How the bytes of the file are read.

    Of a JSON document `records` is the path of the list of records, `totals` that of an object with their sums, which
    is a total row, and `count` that of how many records there are on all pages.
    """

    encoding: str | None = None
    delimiter: str = ","
    header_row: int = Field(default=1, ge=1, le=LOWEST_HEADER)
    sheet: str | None = None
    records: str | None = None
    totals: str | None = None
    count: str | None = None

    @field_validator("encoding")
    @classmethod
    def _an_encoding(cls, encoding: str | None) -> str | None:
        try:
            "字".encode(encoding or "utf-8", errors="replace").decode(encoding or "utf-8")
        except (LookupError, ValueError) as error:
            raise ValueError(f"there is no encoding {encoding!r}; state one such as utf-8 or gb18030") from error
        return encoding

    @field_validator("delimiter")
    @classmethod
    def _a_delimiter(cls, delimiter: str) -> str:
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in NO_DELIMITERS:
            raise ValueError(f"{delimiter!r} is no delimiter; state one character such as a comma, or \\t")
        return delimiter


class Mapping(_Strict):
    """One export and the feed that it becomes.

    `recognise` lists headers that only this export has together (a list within it: any of these), `unless` headers
    that tell it from one that has them too; `siblings` names other files of the same delivery that `query` (one
    SELECT of DuckDB's SQL over the table `file` and the siblings) joins to it. The query must keep the column `_row`.

    `leave_out` names rows that are no rows of this feed; `missing` values that say that nothing is known; `forms`
    other ways in which the export writes dates and numbers; `figures` those of its figures that follow from others:
    they are compared, with a warning, and not stored. With `each`, a row becomes one row of the feed for each
    of its parts, which is a set of further columns; a part that the row leaves empty makes none. An `optional` feed
    is read only where an installation takes it: see `data_contracts.mapping_files`.
    """

    export: str
    feed: str
    title: str
    source: str | None = None
    recognise: tuple[Texts, ...] = ()
    unless: tuple[str, ...] = ()
    read: Reading = Reading()
    time_zone: str = BUSINESS_TIME_ZONE
    siblings: dict[str, FileName] = {}
    query: str | None = None
    leave_out: tuple[Rows, ...] = ()
    missing: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    columns: Columns
    each: tuple[Columns, ...] = ()
    figures: tuple[StatedFigure, ...] = ()
    optional: bool = False
    # The headers, normalised, that any feed of the same export uses.
    _shared: frozenset[str] = PrivateAttr(frozenset())

    @property
    def version(self) -> str:
        """What tells this mapping from an earlier or corrected one: 16 digits of the hash of all that it states."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def sharing(self, headers: frozenset[str], /) -> Mapping:
        """This mapping, which knows the headers that any feed of its export uses, normalised."""
        copy = self.model_copy()
        copy._shared = headers
        return copy

    @property
    def shared(self) -> frozenset[str]:
        """The headers, normalised, that a feed of the same export uses."""
        return self._shared

    @property
    def rewrites(self) -> bool:
        """Whether what stands in the file is changed before it is read, or whether it stands there decides on rows."""
        return bool(self.missing or self.forms or self.each)

    @property
    def variants(self) -> tuple[dict[str, Column], ...]:
        """The columns of each row of the feed that a row of the file makes."""
        return tuple(self.columns | part for part in self.each) or (self.columns,)

    @property
    def names(self) -> list[str]:
        """The names of all columns that are filled."""
        return list(dict.fromkeys(name for columns in self.variants for name in columns))

    @model_validator(mode="after")
    def _forms_exist(self) -> Mapping:
        if unknown := [form for form in self.forms if form not in FORMS]:
            raise ValueError(f"there is no form {unknown[0]!r}; the forms are {', '.join(FORMS)}")
        if "time_of_day" in self.forms and self.time_zone != BUSINESS_TIME_ZONE:
            raise ValueError(f"times of {self.time_zone} do not tell the day in {BUSINESS_TIME_ZONE}; map an instant")
        return self

    @field_validator("time_zone")
    @classmethod
    def _a_time_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"there is no time zone {name!r}; state one such as {BUSINESS_TIME_ZONE}")
        return name

    @field_validator("siblings")
    @classmethod
    def _tables(cls, siblings: dict[str, str]) -> dict[str, str]:
        for alias in siblings:
            if not alias.isidentifier() or alias == "file":
                raise ValueError(f"{alias!r} cannot name a table; use letters, digits and _, and not `file`")
        return siblings

    @model_validator(mode="after")
    def _names_exist(self) -> Mapping:
        if self.feed not in feeds():
            raise ValueError(f"feed {self.feed!r} does not exist; the feeds are {', '.join(feeds())}")
        known = _accepted_names(contract(self.feed))
        for name in self.names:
            if name not in known:
                hint = difflib.get_close_matches(name, known, 1, SIMILAR)
                raise ValueError(
                    f"{self.feed} has no column {name!r}" + (f"; did you mean {hint[0]!r}?" if hint else "")
                )
        for template in (c.template for columns in self.variants for c in columns.values() if c.template):
            for part in re.findall(TEMPLATE_PART, template):
                if part.startswith("=") and part[1:].removesuffix("?") not in contract(self.feed).schema:
                    raise ValueError(f"the template {template!r} names {part!r}, which is no column of {self.feed}")
        return self

    @model_validator(mode="after")
    def _raw_ids_stay_apart(self) -> Mapping:
        raw = set(contract(self.feed).raw)
        others = set(self.names) - raw
        if shared := headers_of(self, raw) & headers_of(self, others):
            raise ValueError(
                f"{', '.join(sorted(shared))} holds raw user ids or texts of users, which are not stored; "
                "no other column may be made of it"
            )
        return self


def _accepted_names(feed: Contract) -> list[str]:
    """The names a file may use: the contract's columns and the raw values of which some of them are made."""
    return [*feed.schema, *feed.raw]


def normalised(header: str) -> str:
    """A header as it is compared: width, case, brackets, marks and surrounding space do not matter."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", header).strip("\ufeff \t\r\n")).lower()


def headers_of(mapping: Mapping, names: Iterable[str], /) -> set[str]:
    """The headers, normalised, of which the columns of these names are made."""
    wanted = set(names)
    stated = [column for columns in mapping.variants for name, column in columns.items() if name in wanted]
    return {normalised(h) for column in stated for h in (*column.named, *column.asked)}


def template_parts(template: str, /) -> list[tuple[list[str], bool]]:
    """The headers of each part of a template, and whether it may be missing; other columns are no headers."""
    stated = [part for part in re.findall(TEMPLATE_PART, template) if not part.startswith("=")]
    return [(part.removesuffix("?").split("|"), part.endswith("?")) for part in stated]


def numbered(header: str, /) -> str:
    """`x#2`, the second column whose header is x, as readers name it."""
    match = OCCURRENCE.fullmatch(header)
    if not match:
        return header
    return match[1] if match[2] == "1" else f"{match[1]}_duplicated_{int(match[2]) - 2}"
