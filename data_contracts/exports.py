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
from data_contracts.parsing import as_text, identifiers, known

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data_contracts.contract import Contract

EXPORTS = Path(__file__).parent / "exports"
SIMILAR = 0.75  # from this likeness on (0 to 1), a name is taken for another one misspelled


class MappingError(ValueError):
    """A mapping file or a file's headers that do not fit; the message says what to do."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """Where one column of the feed comes from: a header, a constant, or a template over headers."""

    headers: tuple[str, ...] = Field((), alias="from")
    value: str | None = None
    template: str | None = None
    codes: dict[str, str | None] = {}
    otherwise: Literal["keep", "empty"] = "keep"
    unit: Literal["yuan", "fen"] = "yuan"

    @model_validator(mode="after")
    def _one_source(self) -> Column:
        if sum(map(bool, (self.headers, self.value, self.template))) != 1:
            raise ValueError("state exactly one of from, value and template")
        return self


def _column(stated: Any) -> Any:
    """A bare text, or a list of them, is short for {from: ...}."""
    if isinstance(stated, str):
        return {"from": [stated]}
    if isinstance(stated, list):
        return {"from": stated}
    if isinstance(stated, dict) and isinstance(stated.get("from"), str):
        return stated | {"from": [stated["from"]]}
    return stated


class Reading(_Strict):
    """How the bytes of the file are read."""

    encoding: str | None = None
    delimiter: str = ","
    header_row: int = Field(default=1, ge=1)
    sheet: str | None = None


class Mapping(_Strict):
    """One export and the feed that it becomes.

    `recognise` lists headers that only this export has together, `unless` headers that tell it from one that has
    them too; `siblings` names other files of the same delivery that `query` (one SELECT of DuckDB's SQL over the
    table `file` and the siblings) joins to it.
    The query must keep the column `_row`.
    """

    export: str
    feed: str
    title: str
    source: str | None = None
    recognise: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    read: Reading = Reading()
    time_zone: str = BUSINESS_TIME_ZONE
    siblings: dict[str, str] = {}
    query: str | None = None
    columns: dict[str, Annotated[Column, BeforeValidator(_column)]]

    @model_validator(mode="after")
    def _names_exist(self) -> Mapping:
        if self.feed not in feeds():
            raise ValueError(f"feed {self.feed!r} does not exist; the feeds are {', '.join(feeds())}")
        known = _accepted_names(contract(self.feed))
        for name in self.columns:
            if name not in known:
                hint = difflib.get_close_matches(name, known, 1, SIMILAR)
                raise ValueError(
                    f"{self.feed} has no column {name!r}" + (f"; did you mean {hint[0]!r}?" if hint else "")
                )
        return self

    @model_validator(mode="after")
    def _raw_ids_stay_apart(self) -> Mapping:
        raw = {f.keyed_from for f in contract(self.feed).fields if f.keyed_from}
        others = set(self.columns) - raw
        if shared := headers_of(self, raw) & headers_of(self, others):
            raise ValueError(
                f"{', '.join(sorted(shared))} holds raw user ids, which are not stored; "
                "no other column may be made of it"
            )
        return self


def _accepted_names(feed: Contract) -> list[str]:
    """The names a file may use: the contract's columns and the raw identifiers that become keys."""
    return [f.name for f in feed.fields] + [f.keyed_from for f in feed.fields if f.keyed_from]


@cache
def mappings() -> tuple[Mapping, ...]:
    """All mappings of the folder `exports/`, in alphabetical order; raises MappingError for a broken file."""
    return tuple(read_mapping(path) for path in sorted(EXPORTS.glob("*.yaml")))


def read_mapping(path: Path) -> Mapping:
    """One mapping file; raises MappingError naming the file, the place and what was expected there."""
    try:
        return Mapping.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name} is not readable YAML: {error}") from error
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
        raise MappingError(f"{path.name} is not a mapping: " + "; ".join(places)) from error


@cache
def native(feed: str) -> Mapping:
    """The mapping of a file that already speaks the feed's own vocabulary, in English or in Chinese."""
    names = {f.name: {"from": [f.name, *f.aliases]} for f in contract(feed).fields}
    raw = {f.keyed_from: {"from": [f.keyed_from]} for f in contract(feed).fields if f.keyed_from}
    return Mapping.model_validate({"export": feed, "feed": feed, "title": feed, "columns": names | raw})


def normalised(header: str) -> str:
    """A header as it is compared: width, case, brackets, marks and surrounding space do not matter."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", header).strip("\ufeff \t\r\n")).lower()


def recognised(headers: Iterable[str], candidates: Iterable[Mapping]) -> list[Mapping]:
    """The mappings whose telling headers all stand in the file and none of `unless`, the most telling first."""
    found = {normalised(h) for h in headers}
    fitting = [
        m
        for m in candidates
        if m.recognise
        and {normalised(h) for h in m.recognise} <= found
        and found.isdisjoint(normalised(h) for h in m.unless)
    ]
    return sorted(fitting, key=lambda m: (-len(m.recognise), m.export))


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
    filled = {name for name, column in mapping.columns.items() if _fills(column, spelled)}
    required = [f for f in contract(mapping.feed).fields if f.required and f.default is None]
    lacking = [f.name for f in required if f.name not in filled and f.keyed_from not in filled]
    used = {normalised(h) for name in filled for h in _headers_of(mapping.columns[name])}
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
    columns = {name: column for name, column in mapping.columns.items() if _fills(column, spelled)}
    _demand_clear({normalised(h) for c in columns.values() for h in _headers_of(c)}, frame, mapping)
    filled = [_filled(column, frame, spelled).alias(name) for name, column in columns.items()]
    return frame.select(pl.col("^_.*$"), *filled), found.unused


def headers_of(mapping: Mapping, names: Iterable[str], /) -> set[str]:
    """The headers, normalised, of which the columns of these names are made."""
    return {normalised(h) for name in names if name in mapping.columns for h in _headers_of(mapping.columns[name])}


def _headers_of(column: Column) -> list[str]:
    return re.findall(r"{([^{}]+)}", column.template) if column.template else list(column.headers)


def _fills(column: Column, spelled: dict[str, str]) -> bool:
    """Whether the headers suffice: any of alternatives, all of a template."""
    present = [normalised(h) in spelled for h in _headers_of(column)]
    return column.value is not None or (all(present) if column.template else any(present))


def _filled(column: Column, frame: pl.DataFrame, spelled: dict[str, str]) -> pl.Expr | pl.Series:
    if column.value is not None:
        return pl.lit(column.value)
    sources = [known(frame[spelled[normalised(h)]]) for h in _headers_of(column) if normalised(h) in spelled]
    if column.template:
        parts = re.split(r"{[^{}]+}", column.template)
        return pl.select(pl.format("{}".join(parts), *map(identifiers, sources))).to_series()
    source = sources[0]
    if len(sources) > 1:
        same = len({s.dtype for s in sources}) == 1
        source = pl.select(pl.coalesce(sources if same else list(map(as_text, sources)))).to_series()
    if column.codes:
        fallback = {} if column.otherwise == "keep" else {"default": None}
        text = as_text(source)
        source = text.replace_strict(column.codes, return_dtype=pl.String, **({"default": text} | fallback))
    return pl.select(_yuan_of_fen(as_text(source))).to_series() if column.unit == "fen" else source


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
    return frozenset(h for mapping in every for h in headers_of(mapping, mapping.columns))


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
