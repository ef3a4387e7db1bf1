"""Mappings: how a foreign file becomes a feed, stated in one YAML file per export under `exports/`."""

from __future__ import annotations

import difflib
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from data_contracts.contract import BUSINESS_TIME_ZONE, contract, feeds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data_contracts.contract import Contract

EXPORTS = Path(__file__).parent / "exports"


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
    header_row: int = Field(1, ge=1)
    sheet: str | None = None


class Mapping(_Strict):
    """One export and the feed that it becomes.

    `recognise` lists headers that only this export has together; `siblings` names other files of the same
    delivery that `query` (one SELECT of DuckDB's SQL over the table `file` and the siblings) joins to it.
    The query must keep the column `_row`.
    """

    export: str
    feed: str
    title: str
    source: str | None = None
    recognise: tuple[str, ...] = ()
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
                hint = difflib.get_close_matches(name, known, n=1)
                raise ValueError(
                    f"{self.feed} has no column {name!r}" + (f"; did you mean {hint[0]!r}?" if hint else "")
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
    """The mappings whose telling headers all stand in the file, those that name most of them first."""
    found = {normalised(h) for h in headers}
    fitting = [m for m in candidates if m.recognise and {normalised(h) for h in m.recognise} <= found]
    return sorted(fitting, key=lambda m: (-len(m.recognise), m.export))


def apply_mapping(frame: pl.DataFrame, mapping: Mapping, /) -> tuple[pl.DataFrame, list[str]]:
    """Name the columns of a foreign file as the feed names them.

    Args:
        frame: the file's columns under its own headers; columns that begin with "_" are kept.
        mapping: the file's mapping.

    Returns:
        The columns that the mapping fills, not yet read into types, and the headers that it did not use.

    Raises:
        MappingError: a header that a required column needs is missing; says which, and the nearest found.
    """
    by_header = {normalised(c): c for c in frame.columns if not c.startswith("_")}
    feed = contract(mapping.feed)
    filled: list[pl.Expr] = []
    used: set[str] = set()
    missing: list[str] = []
    for name, column in mapping.columns.items():
        needed = _headers_of(column)
        present = [by_header[normalised(h)] for h in needed if normalised(h) in by_header]
        if column.value is None and (not present or (column.template and len(present) < len(needed))):
            missing.append(name)
            continue
        used.update(present)
        filled.append(_expression(column, present, frame).alias(name))
    _demand_required(missing, feed, mapping, by_header)
    kept = [c for c in frame.columns if c.startswith("_")]
    return frame.select(*kept, *filled), [h for h in by_header.values() if h not in used]


def _headers_of(column: Column) -> list[str]:
    return re.findall(r"{([^{}]+)}", column.template) if column.template else list(column.headers)


def _expression(column: Column, present: list[str], frame: pl.DataFrame) -> pl.Expr:
    if column.value is not None:
        return pl.lit(column.value)
    if column.template:
        parts = re.split(r"{[^{}]+}", column.template)
        return pl.format("{}".join(parts), *[pl.col(p).cast(pl.String) for p in present])
    source = pl.coalesce(present) if len(present) > 1 else pl.col(present[0])
    if column.codes:
        text = source.cast(pl.String).str.strip_chars()
        fallback = {"default": None} if column.otherwise == "empty" else {}
        source = text.replace_strict(column.codes, return_dtype=pl.String, **({"default": text} | fallback))
    return _yuan_of_fen(source) if column.unit == "fen" else source


def _yuan_of_fen(source: pl.Expr) -> pl.Expr:
    """Whole fen as yuan, in text so that nothing is rounded; what is no whole number stays unreadable."""
    fen = source.cast(pl.String).str.strip_chars().str.replace(r"\.0+$", "")
    digits = fen.str.strip_chars_start("+-").str.zfill(3)
    sign = pl.when(fen.str.starts_with("-")).then(pl.lit("-")).otherwise(pl.lit(""))
    yuan = pl.concat_str(sign, digits.str.head(-2), pl.lit("."), digits.str.tail(2))
    return pl.when(fen.str.contains(r"^[+-]?\d+$")).then(yuan).otherwise(pl.format("{} fen", fen))


def _demand_required(missing: list[str], feed: Contract, mapping: Mapping, by_header: dict[str, str]) -> None:
    keyed = {f.name: f.keyed_from for f in feed.fields if f.keyed_from}
    lacking = [
        f.name
        for f in feed.fields
        if f.required
        and f.default is None
        and (f.name in missing or f.name not in mapping.columns)
        and not (keyed.get(f.name) in mapping.columns and keyed.get(f.name) not in missing)
    ]
    if not lacking:
        return
    found = sorted(by_header.values())
    hints = {n: difflib.get_close_matches(n, found, n=1) for n in lacking}
    nearest = "; ".join(f"{n} may be {h[0]!r}" for n, h in hints.items() if h)
    raise MappingError(
        f"{len(lacking)} required column{'s are' if len(lacking) > 1 else ' is'} missing: {', '.join(lacking)}. "
        f"Found the headers {', '.join(found) or '(none)'}. "
        + (f"Perhaps {nearest}. " if nearest else "")
        + f"Rename the header, or state it in a mapping file for {mapping.feed} in data_contracts/exports/."
    )
