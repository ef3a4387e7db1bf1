"""Applying mappings: which one fits the headers of a file, and what its columns become."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import contract
from data_contracts.forms import rewritten
from data_contracts.mapping import (
    GIVEN,
    OCCURRENCE,
    SIMILAR,
    Column,
    Mapping,
    MappingError,
    Rows,
    headers_of,
    normalised,
    numbered,
    template_parts,
)
from data_contracts.mapping_files import known_header
from data_contracts.parsing import as_text, canonical, identifiers, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from data_contracts.contract import Field as FeedField

ROW_NUMBER = "_row"
MOST_LISTED = 100  # headers that a message names


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
    used = {normalised(h) for name, column in stated if name in filled for h in (*column.named, *column.asked)}
    used |= {normalised(h) for rule in mapping.leave_out for h in rule.headers}
    unused = [header for key, header in spelled.items() if key not in used and key not in mapping.shared]
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
    parts = _told_alike([source.part(part) for part in mapping.each])
    return pl.concat(parts, how="diagonal_relaxed").sort(ROW_NUMBER, maintain_order=True), found.unused


def _told_alike(parts: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The parts with text in each where a column holds lists or records in some of them alone."""
    kinds: dict[str, set[pl.DataType]] = {}
    for part in parts:
        for name, dtype in part.schema.items():
            kinds.setdefault(name, set()).add(dtype)
    mixed = {name for name, found in kinds.items() if len(found) > 1 and any(dtype.is_nested() for dtype in found)}
    return [part.with_columns(as_text(part[name]) for name in mixed & set(part.columns)) for part in parts]


def left_out(frame: pl.DataFrame, mapping: Mapping, /) -> pl.Series:
    """Which rows of a file (Boolean) the mapping says are no rows of its feed."""
    spelled = {normalised(c): c for c in frame.columns if not c.startswith("_")}
    out = pl.Series([False]).new_from_index(0, frame.height)
    for rule in mapping.leave_out:
        if any(normalised(h) in spelled for h in rule.headers):
            out = out | _which(frame, spelled, rule)
    return out


def _which(frame: pl.DataFrame, spelled: dict[str, str], rows: Rows) -> pl.Series:
    """Which rows of a file (Boolean) are meant; a header that the file lacks has no value."""
    named = [spelled[key] for h in rows.headers if (key := normalised(h)) in spelled]
    values = [identifiers(known(frame[h])) for h in named]
    text = pl.select(pl.coalesce([*values, pl.lit("")])).to_series()
    text = text if named else text.new_from_index(0, frame.height)
    return text.is_in(rows.values) if rows.values else ~text.is_in(rows.unless)


def _addressed(mapping: Mapping) -> set[str]:
    """The headers, normalised, of which the mapping says which occurrence it means."""
    stated = [h for columns in mapping.variants for column in columns.values() for h in column.stated]
    return {normalised(match[1]) for h in stated if (match := OCCURRENCE.fullmatch(h))}


def _fills(column: Column, spelled: dict[str, str]) -> bool:
    """Whether the headers suffice: any of alternatives, every part of a template that must not be missing."""
    if column.template:
        return all(
            may or any(normalised(numbered(h)) in spelled for h in any_of)
            for any_of, may in template_parts(column.template)
        )
    return bool(column.value or column.given or column.default) or any(normalised(h) in spelled for h in column.named)


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
        source = self._usual(column, name, done)
        for other in reversed(column.instead):
            of = pl.all_horizontal([_which(self.frame, self.spelled, rows) for rows in other.where])
            source = pl.select(pl.when(of).then(pl.lit(other.value)).otherwise(as_text(source))).to_series()
        return source

    def _usual(self, column: Column, name: str, done: dict[str, pl.Series]) -> pl.Series:
        if column.template:
            return self._composed(column.template, done)
        fallback = self._fallback(column)
        headers = [h for h in column.named if normalised(h) in self.spelled]
        if len(headers) == 1 and column.plain and not self.mapping.rewrites:
            return self.frame[self.spelled[normalised(headers[0])]]  # whose reading into types tells what is missing
        named = [self._known(h) for h in headers]
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
            ((any_of, may),) = template_parts("{" + part + "}")
            named = [self._known(numbered(h)) for h in any_of if normalised(numbered(h)) in self.spelled]
            words = identifiers(_coalesced(named)) if named else None
            parts.append(pl.lit("") if words is None else words.fill_null("") if may else words)
        composed = pl.select(pl.format(re.sub(r"{[^{}]+}", "{}", template), *parts)).to_series()
        stands_alone = not any(isinstance(part, pl.Series) for part in parts)
        return composed.new_from_index(0, self.frame.height) if stands_alone else composed

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
        f"{missing}Found the headers {listed(headers)}. " + (f"Perhaps {nearest}. " if nearest else "") + advice
    )


def listed(headers: Sequence[str], /) -> str:
    """Headers as a message names them, of a file that may have thousands.

    >>> listed(["a", "b"]), listed([f"c{n}" for n in range(6_000)])[-23:]
    ('a, b', 'c98, c99 and 5,900 more')
    """
    more = len(headers) - MOST_LISTED
    return ", ".join(headers[:MOST_LISTED]) + (f" and {more:,} more" if more > 0 else "")


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
