"""Mappings: how a foreign file becomes a feed, stated in one YAML file per export under `exports/`."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from data_contracts.contract import BUSINESS_TIME_ZONE, contract, feeds
from data_contracts.forms import FORMS, rewritten
from data_contracts.parsing import as_text, canonical, identifiers, known

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data_contracts.contract import Contract
    from data_contracts.contract import Field as FeedField

EXPORTS = Path(__file__).parent / "exports"
SIMILAR = 0.75  # from this likeness on (0 to 1), a name is taken for another one misspelled
ROW_NUMBER = "_row"
OCCURRENCE = re.compile(r"(.+)#([1-9])")


class MappingError(ValueError):
    """A mapping file or a file's headers that do not fit; the message says what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _texts(stated: Any) -> Any:
    """A bare text is short for a list of one."""
    return [stated] if isinstance(stated, str) else stated


Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]

# What is known of a file beside its content, as columns that the intake adds: see `pipelines.intake.given`.
GIVEN = "_given_"
Given = Literal["exported_at", "brand"]


class Column(_Strict):
    """Where one column of the feed comes from: a header, a constant, a template, or what is known of the file.

    Of several headers the first that has a value fills the column, where none has `given` or `default`; `x#2` is the
    second column whose header is x.
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

    @model_validator(mode="after")
    def _one_source(self) -> Column:
        if sum(map(bool, (self.headers or self.given, self.value, self.template))) != 1:
            raise ValueError("state exactly one of from, value and template; given and default may stand beside from")
        return self


def _column(stated: Any) -> Any:
    """A bare text, or a list of them, is short for {from: ...}."""
    return {"from": stated} if isinstance(stated, str | list) else stated


Columns = dict[str, Annotated[Column, BeforeValidator(_column)]]


class LeftOut(_Strict):
    """Rows that are no rows of the feed: whose header has one of `values`, or none of `unless`; "" is no value."""

    headers: Texts = Field(alias="from")
    values: Texts = ()
    unless: Texts = ()

    @model_validator(mode="after")
    def _one_list(self) -> LeftOut:
        if bool(self.values) == bool(self.unless):
            raise ValueError("state exactly one of values and unless")
        return self


class Reading(_Strict):
    """How the bytes of the file are read; `records` is the path of the list of records in a JSON document."""

    encoding: str | None = None
    delimiter: str = ","
    header_row: int = Field(default=1, ge=1)
    sheet: str | None = None
    records: str | None = None


class Mapping(_Strict):
    """One export and the feed that it becomes.

    `recognise` lists headers that only this export has together (a list within it: any of these), `unless` headers
    that tell it from one that has them too; `siblings` names other files of the same delivery that `query` (one
    SELECT of DuckDB's SQL over the table `file` and the siblings) joins to it. The query must keep the column `_row`.

    `leave_out` names rows that are no rows of this feed; `missing` values that say that nothing is known; `forms`
    other ways in which the export writes dates and numbers. With `each`, a row becomes one row of the feed for each
    of its parts, which is a set of further columns; a part that the row leaves empty makes none.
    """

    export: str
    feed: str
    title: str
    source: str | None = None
    recognise: tuple[Texts, ...] = ()
    unless: tuple[str, ...] = ()
    read: Reading = Reading()
    time_zone: str = BUSINESS_TIME_ZONE
    siblings: dict[str, str] = {}
    query: str | None = None
    leave_out: tuple[LeftOut, ...] = ()
    missing: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    columns: Columns
    each: tuple[Columns, ...] = ()

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
        return self

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


@cache
def mappings() -> tuple[Mapping, ...]:
    """All mappings of the folder `exports/`, in alphabetical order; raises MappingError for a broken file."""
    return tuple(mapping for path in sorted(EXPORTS.glob("*.yaml")) for mapping in read_mapping(path))


def read_mapping(path: Path) -> tuple[Mapping, ...]:
    """The mappings of one file, one for each feed that its export becomes, the main one first.

    A file states one `feed` and its columns, or under `feeds` what is special to each; `recognise`, `unless` and
    `leave_out` of a feed add to those of the export. Raises MappingError naming the file, the place and what was
    expected there.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return tuple(Mapping.model_validate(stated) for stated in _by_feed(document))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name} is not readable YAML: {error}") from error
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
        raise MappingError(f"{path.name} is not a mapping: " + "; ".join(places)) from error


def _by_feed(document: Any) -> list[Any]:
    """What a mapping file states, once for each of its feeds."""
    if not isinstance(document, dict) or not isinstance(document.get("feeds"), dict):
        return [document]
    shared = {key: stated for key, stated in document.items() if key != "feeds"}
    return [
        shared
        | {"feed": feed}
        | stated
        | {key: [*shared.get(key, []), *stated.get(key, [])] for key in ("recognise", "unless", "leave_out")}
        | {"columns": shared.get("columns", {}) | stated.get("columns", {})}
        for feed, stated in document["feeds"].items()
    ]


@cache
def native(feed: str) -> Mapping:
    """The mapping of a file that already speaks the feed's own vocabulary, in English or in Chinese."""
    names = {f.name: {"from": [f.name, *f.aliases]} for f in contract(feed).fields}
    raw = {name: {"from": [name, *aliases]} for name, aliases in contract(feed).raw.items()}
    return Mapping.model_validate({"export": feed, "feed": feed, "title": feed, "columns": names | raw})


def normalised(header: str) -> str:
    """A header as it is compared: width, case, brackets, marks and surrounding space do not matter."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", header).strip("\ufeff \t\r\n")).lower()


def recognised(headers: Iterable[str], candidates: Iterable[Mapping]) -> list[Mapping]:
    """The mappings whose telling headers all stand in the file and none of `unless`, the most telling first."""
    found = list(headers)
    fitting = [m for m in candidates if m.recognise and not any(differing(found, m))]
    return sorted(fitting, key=lambda m: (-len(m.recognise), m.export))


def differing(headers: Iterable[str], mapping: Mapping, /) -> tuple[list[str], list[str]]:
    """The telling headers of a mapping that are not among the headers, and those that speak against it."""
    found = {normalised(h): h for h in headers}
    lacking = [" or ".join(any_of) for any_of in mapping.recognise if not any(normalised(h) in found for h in any_of)]
    return lacking, [found[normalised(h)] for h in mapping.unless if normalised(h) in found]


@dataclass(frozen=True)
class Fit:
    """How well headers fit a mapping: the required columns that none of them fills, and the headers not used."""

    mapping: Mapping
    lacking: list[str]
    unused: list[str]
    share: float


def fit(headers: Iterable[str], mapping: Mapping, /) -> Fit:
    """Which required columns of the feed the headers do not fill; `share` is the part that they do, 0 to 1."""
    spelled = {normalised(h): h for h in headers}
    stated = [(name, column) for columns in mapping.variants for name, column in columns.items()]
    filled = {name for name, column in stated if _fills(column, spelled)}
    required = [f for f in contract(mapping.feed).fields if f.required and f.default is None]
    lacking = [f.name for f in required if f.name not in filled and f.made_from not in filled]
    used = {normalised(h) for name, column in stated if name in filled for h in _headers_of(column)}
    used |= {normalised(h) for rule in mapping.leave_out for h in rule.headers}
    used |= {h for other in mappings() if other.export == mapping.export for h in headers_of(other, other.names)}
    unused = [header for key, header in spelled.items() if key not in used]
    return Fit(mapping, lacking, unused, 1 - len(lacking) / len(required))


def apply_mapping(frame: pl.DataFrame, mapping: Mapping, /) -> tuple[pl.DataFrame, list[str]]:
    """Name the columns of a foreign file as the feed names them.

    Args:
        frame: the file's columns under its own headers; columns that begin with "_" are kept.
        mapping: the file's mapping. Of several headers of one column, the first that has a value fills it.

    Returns:
        The columns that the mapping fills, not yet read into types, and the headers that it did not use.

    Raises:
        MappingError: a header that a required column needs is missing, or one that is used stands for several
            columns with different values; says which, and the nearest found.
    """
    spelled: dict[str, str] = {}
    for header in (c for c in frame.columns if not c.startswith("_")):
        spelled.setdefault(normalised(header), header)
    found = fit(spelled.values(), mapping)
    _demand_required(found, list(spelled.values()))
    _demand_clear(headers_of(mapping, mapping.names) - _addressed(mapping), frame, mapping)
    source = Source(frame, spelled, mapping)
    if not mapping.each:
        return source.filled(mapping.columns), found.unused
    parts = [source.part(part) for part in mapping.each]
    return pl.concat(parts, how="diagonal_relaxed").sort(ROW_NUMBER, maintain_order=True), found.unused


def left_out(frame: pl.DataFrame, mapping: Mapping, /) -> pl.Series:
    """Which rows of a file (Boolean) the mapping says are no rows of its feed."""
    spelled = {normalised(c): c for c in frame.columns if not c.startswith("_")}
    out = pl.Series([False]).new_from_index(0, frame.height)
    for rule in mapping.leave_out:
        named = [spelled[key] for h in rule.headers if (key := normalised(h)) in spelled]
        if named:
            text = pl.select(pl.coalesce([identifiers(known(frame[h])) for h in named]).fill_null("")).to_series()
            out = out | (text.is_in(rule.values) if rule.values else ~text.is_in(rule.unless))
    return out


def headers_of(mapping: Mapping, names: Iterable[str], /) -> set[str]:
    """The headers, normalised, of which the columns of these names are made."""
    wanted = set(names)
    stated = [column for columns in mapping.variants for name, column in columns.items() if name in wanted]
    return {normalised(h) for column in stated for h in _headers_of(column)}


def _headers_of(column: Column) -> list[str]:
    return [numbered(h) for h in _stated(column)]


def _stated(column: Column) -> list[str]:
    if column.template:
        return [h for any_of, _ in _parts(column.template) for h in any_of]
    return list(column.headers)


def _addressed(mapping: Mapping) -> set[str]:
    """The headers, normalised, of which the mapping says which occurrence it means."""
    stated = [h for columns in mapping.variants for column in columns.values() for h in _stated(column)]
    return {normalised(match[1]) for h in stated if (match := OCCURRENCE.fullmatch(h))}


def _parts(template: str) -> list[tuple[list[str], bool]]:
    """The headers of each part of a template, and whether it may be missing; other columns are no headers."""
    stated = [part for part in re.findall(r"{([^{}]+)}", template) if not part.startswith("=")]
    return [(part.removesuffix("?").split("|"), part.endswith("?")) for part in stated]


def numbered(header: str, /) -> str:
    """`x#2`, the second column whose header is x, as readers name it."""
    match = OCCURRENCE.fullmatch(header)
    if not match:
        return header
    return match[1] if match[2] == "1" else f"{match[1]}_duplicated_{int(match[2]) - 2}"


def _fills(column: Column, spelled: dict[str, str]) -> bool:
    """Whether the headers suffice: any of alternatives, every part of a template that must not be missing."""
    if column.template:
        parts = [
            may or any(normalised(numbered(h)) in spelled for h in any_of) for any_of, may in _parts(column.template)
        ]
        return all(parts)
    return bool(column.value or column.given or column.default) or any(
        normalised(h) in spelled for h in _headers_of(column)
    )


@dataclass(frozen=True)
class Source:
    """A file's frame, its headers as they are spelled, by their normalised form, and its mapping."""

    frame: pl.DataFrame
    spelled: dict[str, str]
    mapping: Mapping

    def filled(self, columns: dict[str, Column]) -> pl.DataFrame:
        """The columns of the feed that the headers suffice for; templates last, as they may name other columns."""
        present = {name: column for name, column in columns.items() if _fills(column, self.spelled)}
        done: dict[str, pl.Series] = {}
        for name in sorted(present, key=lambda n: present[n].template is not None):
            done[name] = self._values(present[name], name, done).alias(name)
        return self.frame.select(pl.col("^_.*$"), *[done[name] for name in present])

    def part(self, columns: dict[str, Column]) -> pl.DataFrame:
        """The rows that a part of `each` makes: those in which a header of its own columns has a value."""
        own = [name for name, column in columns.items() if column.headers and _fills(column, self.spelled)]
        filled = self.filled(self.mapping.columns | columns)
        return filled.filter(pl.any_horizontal(pl.lit(False), *[pl.col(name).is_not_null() for name in own]))

    def _values(self, column: Column, name: str, done: dict[str, pl.Series]) -> pl.Series:
        if column.template:
            return self._composed(column.template, done)
        fallback = self._fallback(column)
        named = [self._known(h) for h in _headers_of(column) if normalised(h) in self.spelled]
        if not named:
            return fallback
        source = _coalesced(named)
        if column.codes:
            text = as_text(source)
            others = text if column.otherwise == "keep" else None
            source = text.replace_strict(column.codes, return_dtype=pl.String, default=others)
        field = next((f for f in contract(self.mapping.feed).fields if f.name == name), None)
        if field and self.mapping.forms:
            source = rewritten(source, field.physical_type, self.mapping.forms)
        if column.sign == "turned":
            source = _turned(as_text(source))
        if column.unit == "fen":
            source = pl.select(_yuan_of_fen(as_text(source))).to_series()
        return _coalesced([source, fallback]) if column.given or column.default else source

    def _fallback(self, column: Column) -> pl.Series:
        """What stands where no header says anything."""
        if column.given and GIVEN + column.given in self.frame.columns:
            return self.frame[GIVEN + column.given]
        stated = column.value if column.value is not None else column.default
        return pl.Series([stated], dtype=pl.String).new_from_index(0, self.frame.height)

    def _known(self, header: str) -> pl.Series:
        """The values under a header, null where they say that nothing is known."""
        values = known(self.frame[self.spelled[normalised(header)]])
        if not self.mapping.missing:
            return values
        unknown = as_text(values).is_in(self.mapping.missing)
        return pl.select(pl.when(~unknown).then(values)).to_series().alias(values.name)

    def _composed(self, template: str, done: dict[str, pl.Series]) -> pl.Series:
        parts: list[pl.Series | pl.Expr] = []
        for part in re.findall(r"{([^{}]+)}", template):
            if part.startswith("="):
                field = contract(self.mapping.feed).field(part[1:].removesuffix("?"))
                text = self._canonical(field, done)
                parts.append(text.fill_null("") if part.endswith("?") else text)
                continue
            ((any_of, may),) = _parts("{" + part + "}")
            named = [self._known(numbered(h)) for h in any_of if normalised(numbered(h)) in self.spelled]
            words = identifiers(_coalesced(named)) if named else None
            parts.append(pl.lit("") if words is None else words.fill_null("") if may else words)
        return pl.select(pl.format(re.sub(r"{[^{}]+}", "{}", template), *parts)).to_series()

    def _canonical(self, field: FeedField, done: dict[str, pl.Series]) -> pl.Series:
        """What the feed will read in another column, as text."""
        if field.name not in done:
            return pl.Series([field.default], dtype=pl.String).new_from_index(0, self.frame.height)
        text = canonical(done[field.name], field, self.mapping.time_zone)
        return text.fill_null(field.default) if field.default is not None else text


def _coalesced(sources: list[pl.Series]) -> pl.Series:
    """The first that has a value, row by row; as text where they are of several types."""
    if len(sources) == 1:
        return sources[0]
    same = len({s.dtype for s in sources}) == 1
    return pl.select(pl.coalesce(sources if same else list(map(as_text, sources)))).to_series()


def _turned(text: pl.Series) -> pl.Series:
    """Amounts with the other sign, since an account writes what it spends below zero."""
    return pl.select(
        pl.when(text.str.starts_with("-"))
        .then(text.str.slice(1))
        .when(text.str.contains("^[+]?[0.]+$"))
        .then(text)
        .otherwise(pl.lit("-") + text.str.strip_prefix("+"))
    ).to_series()


def _yuan_of_fen(source: pl.Series) -> pl.Expr:
    """Whole fen as yuan, in text so that nothing is rounded; what is no whole number stays unreadable."""
    fen = source.str.replace(r"\.0+$", "")
    digits = fen.str.strip_chars_start("+-").str.zfill(3)
    sign = pl.when(fen.str.starts_with("-")).then(pl.lit("-")).otherwise(pl.lit(""))
    yuan = pl.concat_str(sign, digits.str.head(-2), pl.lit("."), digits.str.tail(2))
    return pl.when(fen.str.contains(r"^[+-]?[0-9]+$")).then(yuan).otherwise(pl.format("{} fen", fen))


def _demand_required(found: Fit, headers: list[str]) -> None:
    """Raise unless every required column is filled.

    Headers none of which any feed knows are not named: they may be the first row of a file without headers,
    and so hold a raw identifier.
    """
    lacking, feed = found.lacking, found.mapping.feed
    if not lacking:
        return
    missing = f"{len(lacking)} required column{'s are' if len(lacking) > 1 else ' is'} missing: {', '.join(lacking)}. "
    advice = f"Rename the header, or state it in a mapping file for {feed} in data_contracts/exports/."
    if not any(known_header(h) for h in headers):
        raise MappingError(
            f"{missing}None of its {len(headers)} headers is known. If the first row is data, add a row of headers; "
            f"if the headers stand lower, state header_row in a mapping file. {advice}"
        )
    hints = {n: difflib.get_close_matches(n, headers, 1, SIMILAR) for n in lacking}
    nearest = "; ".join(f"{n} may be {h[0]!r}" for n, h in hints.items() if h)
    raise MappingError(
        f"{missing}Found the headers {', '.join(headers)}. " + (f"Perhaps {nearest}. " if nearest else "") + advice
    )


def known_header(header: str, /) -> bool:
    """Whether any feed or mapping uses the header."""
    return normalised(header) in _known_headers()


@cache
def _known_headers() -> frozenset[str]:
    every = [*mappings(), *(native(feed) for feed in feeds())]
    return frozenset(h for mapping in every for h in headers_of(mapping, mapping.names))


def _demand_clear(used: set[str], frame: pl.DataFrame, mapping: Mapping) -> None:
    """Raise where a used header stands several times, as readers number them, with different values.

    A mapping that names the numbered headers knows of them.
    """
    columns: dict[str, list[str]] = {}
    for header in frame.columns:
        columns.setdefault(normalised(re.sub(r"_duplicated_[0-9]+$", "", header)), []).append(header)
    for key in sorted(used & columns.keys()):
        same = [h for h in columns[key] if normalised(h) == key or normalised(h) not in used]
        if any(not frame[h].equals(frame[same[0]]) for h in same[1:]):
            raise MappingError(
                f"{len(same)} columns have the header {same[0]!r} ({', '.join(map(repr, same))}), with different "
                f"values. Delete or rename those that are not meant, or name the one that is in a mapping file for "
                f"{mapping.feed} in data_contracts/exports/."
            )
