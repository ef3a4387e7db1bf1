"""The mapping files: those of `exports/`, and those with which an installation adds to them or changes them."""

from __future__ import annotations

import difflib
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from data_contracts.contract import contract, feeds
from data_contracts.mapping import SIMILAR, Mapping, MappingError, Texts, headers_of, normalised
from data_contracts.yaml_files import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EXPORTS = Path(__file__).parent / "exports"
# What an extension states of the mapping that it extends; every other entry takes the place of the mapping's own.
EXTENDS, ALSO_CALLED, TAKE = "extends", "also_called", "take"
SOURCES = ("from", "value", "template", "given")
MOST_ENTRIES, DEEPEST = 10_000, 16  # of a file; the largest that is delivered has a few hundred

Document = dict[str, Any]


class _Part(BaseModel):
    """The shape that the entries of a file must have before they are put together; what they say is looked at then."""

    columns: dict[str, Any] | None = None
    recognise: list[Any] | None = None
    unless: list[Any] | None = None
    leave_out: list[dict[str, Any]] | None = None
    each: list[dict[str, Any]] | None = None
    codes: dict[str, Any] | None = None


class _Shape(_Part):
    export: str | None = None
    extends: str | None = None
    feeds: dict[str, _Part] | None = None


def mappings(folder: Path | None = None, /) -> tuple[Mapping, ...]:
    """Every mapping that is read: those of `exports/`, with what the files of another folder add to and change.

    In the order of the exports' names, the feeds of one export in the order of its file. Raises MappingError for a
    broken file.
    """
    return tuple(m for m in every_mapping(folder) if not m.optional)


def every_mapping(folder: Path | None = None, /) -> tuple[Mapping, ...]:
    """The mappings, with the optional ones."""
    added = sorted(folder.glob("*.yaml")) if folder and folder.is_dir() else []
    if away := [path.name for path in added if folder and not path.resolve().is_relative_to(folder.resolve())]:
        raise MappingError(f"{', '.join(away)}: a link that leaves the folder; put the file itself there")
    return _read((*sorted(EXPORTS.glob("*.yaml")), *added), tuple(path.stat().st_mtime_ns for path in added))


@lru_cache(maxsize=8)
def _read(paths: tuple[Path, ...], _states: tuple[int, ...]) -> tuple[Mapping, ...]:
    documents: dict[str, Document] = {}
    found: dict[str, tuple[Mapping, ...]] = {}
    for path in paths:
        stated = _document(path)
        name = str(stated.get("export", stated.get(EXTENDS)))
        if name in documents and "export" in stated:
            raise MappingError(
                f"{path.name}: there is an export {name!r} already; to change it, write `extends: {name}` in the "
                "place of `export`, else give yours another name"
            )
        documents[name] = _extended(stated, documents, path)
        found[name] = _validated(path, documents[name])
    return tuple(m for name in sorted(found) for m in found[name])


def read_mapping(path: Path) -> tuple[Mapping, ...]:
    """The mappings of one file that extends no other, one for each feed that its export becomes, the main one first.

    A file states one `feed` and its columns, or under `feeds` what is special to each; `recognise`, `unless` and
    `leave_out` of a feed add to those of the export. Raises MappingError naming the file, the place and what was
    expected there.
    """
    return _validated(path, _document(path))


def _document(path: Path) -> Document:
    try:
        document = read_yaml(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name} is not readable YAML: {' '.join(str(error).split())}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # what the parts of a YAML reader raise
        raise MappingError(
            f"{path.name} is not readable YAML: a value is not what its form or its tag says, such as a date that does "
            "not exist, or lists stand in one another too often; write the value in quotation marks"
        ) from error
    if not isinstance(document, dict):
        raise MappingError(f"{path.name} is not a mapping: it must state export, title, columns and a feed")
    if _size(document, ()) > MOST_ENTRIES:
        raise MappingError(
            f"{path.name} is not a mapping: it refers to itself, or its references stand for more than "
            f"{MOST_ENTRIES:,} entries; write out what is meant"
        )
    try:
        _Shape.model_validate(document)
    except ValidationError as error:
        raise MappingError(f"{path.name} is not a mapping: {_places(error)}") from error
    return document


def _size(node: Any, above: tuple[int, ...]) -> int:
    """How many entries a document has, references counted as what they stand for; more than the most in a circle."""
    if not isinstance(node, dict | list):
        return 1
    if id(node) in above or len(above) > DEEPEST:
        return MOST_ENTRIES + 1
    size = 1
    for value in node.values() if isinstance(node, dict) else node:
        size += _size(value, (*above, id(node)))
        if size > MOST_ENTRIES:
            break
    return size


def _places(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())


def _validated(path: Path, document: Document) -> tuple[Mapping, ...]:
    try:
        found = [Mapping.model_validate(stated) for stated in _by_feed(document)]
    except ValidationError as error:
        raise MappingError(f"{path.name} is not a mapping: {_places(error)}") from error
    shared = frozenset(h for mapping in found for h in headers_of(mapping, mapping.names))
    shared |= {normalised(h) for mapping in found for figure in mapping.figures for h in figure.headers}
    return tuple(mapping.sharing(shared) for mapping in found)


def _by_feed(document: Document) -> list[Document]:
    """What a mapping file states, once for each of its feeds."""
    if not isinstance(document.get("feeds"), dict):
        return [document]
    shared = {key: stated for key, stated in document.items() if key != "feeds"}
    main = next(iter(document["feeds"]), None)  # a file's figures are compared once, whatever it becomes
    return [
        {key: stated for key, stated in shared.items() if key != "figures" or feed == main}
        | {"feed": feed}
        | stated
        | {key: [*(shared.get(key) or []), *(stated.get(key) or [])] for key in ("recognise", "unless", "leave_out")}
        | {"columns": (shared.get("columns") or {}) | (stated.get("columns") or {})}
        for feed, stated in document["feeds"].items()
    ]


def _extended(document: Document, known: dict[str, Document], path: Path) -> Document:
    """A document with what it extends; itself when it extends nothing.

    What it states takes the place of what the other states: columns one by one, everything else entry by entry, and
    null takes away. `also_called` gives headers further names, wherever the other reads them; `take` names optional
    feeds that are to be read.
    """
    if EXTENDS not in document:
        return document
    name = document[EXTENDS]
    if name not in known:
        raise MappingError(f"{path.name}: there is no export {name!r} to extend; {_nearest(str(name), known)}")
    stated = {k: v for k, v in document.items() if k not in (EXTENDS, ALSO_CALLED, TAKE)}
    base = _called(known[name], _further_names(document, path), path)
    return _merged(_taken(base, document.get(TAKE), path), _by_part(base, stated))


def _by_part(base: Document, stated: Document) -> Document:
    """What is stated, with its columns under the feeds of the base that have columns of these names."""
    columns, parts = stated.get("columns"), base.get("feeds")
    if not isinstance(columns, dict) or not isinstance(parts, dict):
        return stated
    own = {
        feed: {name: column for name, column in columns.items() if name in (part.get("columns") or {})}
        for feed, part in parts.items()
    }
    rest = {name: column for name, column in columns.items() if not any(name in part for part in own.values())}
    placed = {feed: {"columns": part} for feed, part in own.items() if part}
    return stated | {"columns": rest, "feeds": _merged(placed, stated.get("feeds") or {})}


def _merged(base: Document, stated: Document) -> Document:
    merged = {key: value for key, value in base.items() if key not in stated}
    for key, value in stated.items():
        if key == "columns" and isinstance(value, dict):
            merged[key] = _columns(base.get(key) or {}, value)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _merged(base[key], value)
        elif value is not None:
            merged[key] = value
    return merged


def _columns(base: Document, stated: Document) -> Document:
    """Columns, each stated one in the place of the one before; one that states no source changes only the rest."""
    merged = {name: column for name, column in base.items() if name not in stated}
    for name, column in stated.items():
        before = {"from": base[name]} if isinstance(base.get(name), str | list) else base.get(name)
        if isinstance(column, dict) and isinstance(before, dict) and not any(key in column for key in SOURCES):
            codes = {"codes": before.get("codes", {}) | column["codes"]} if "codes" in column else {}
            merged[name] = before | column | codes
        elif column is not None:
            merged[name] = column
    return merged


def _taken(base: Document, wanted: Any, path: Path) -> Document:
    """A document whose named feeds are no longer optional."""
    if wanted is None:
        return base
    parts = base.get("feeds", {})
    optional = [feed for feed, stated in parts.items() if stated.get("optional")]
    for feed in _texts(wanted, f"{path.name}: {TAKE}"):
        if feed not in optional:
            raise MappingError(
                f"{path.name}: {TAKE} names {feed!r}, which is no optional feed of {base['export']}; "
                + (f"those are {', '.join(optional)}" if optional else "it has none")
            )
        parts = parts | {feed: parts[feed] | {"optional": False}}
    return base | {"feeds": parts}


def _further_names(document: Document, path: Path) -> dict[str, list[str]]:
    stated = document.get(ALSO_CALLED) or {}
    if not isinstance(stated, dict):
        raise MappingError(f"{path.name}: {ALSO_CALLED} must name headers, each with its further names")
    return {header: _texts(names, f"{path.name}: {ALSO_CALLED}.{header}") for header, names in stated.items()}


def _texts(stated: Any, place: str) -> list[str]:
    try:
        return list(TypeAdapter(Texts).validate_python(stated, strict=False))
    except ValidationError as error:
        raise MappingError(f"{place}: it must be a text or a list of texts, and is {stated!r}") from error


def _called(base: Document, names: dict[str, list[str]], path: Path) -> Document:
    """A document that reads each header also under its further names."""
    found = {header for stated in _by_feed(base) for header in _headers_in(stated)}
    for header in names:
        if normalised(header) not in {normalised(h) for h in found}:
            raise MappingError(
                f"{path.name}: {ALSO_CALLED} names {header!r}, which {base['export']} does not read; "
                + _nearest(header, found)
            )
    return _renamed(base, {normalised(header): further for header, further in names.items()}) if names else base


def _headers_in(document: Document) -> set[str]:
    mapping = Mapping.model_validate(document)
    columns = [column for columns in mapping.variants for column in columns.values()]
    telling = [h for any_of in mapping.recognise for h in any_of]
    left_out = [h for rule in mapping.leave_out for h in rule.headers]
    return {*telling, *mapping.unless, *left_out, *(h for column in columns for h in (*column.stated, *column.asked))}


def _renamed(document: Document, names: dict[str, list[str]]) -> Document:
    def headers(stated: Any) -> list[str]:
        listed = [stated] if isinstance(stated, str) else stated
        return list(dict.fromkeys(name for h in listed for name in (h, *names.get(normalised(h), []))))

    def column(stated: Any) -> Any:
        if not isinstance(stated, dict):
            return headers(stated)
        if "instead" in stated:
            stated = stated | {"instead": [{**i, "where": rows(i["where"])} for i in stated["instead"]]}
        if "template" in stated:
            return {**stated, "template": _with_names(stated["template"], names)}
        return {**stated, "from": headers(stated["from"])} if "from" in stated else stated

    def rows(stated: list[Document]) -> list[Document]:
        return [{**rule, "from": headers(rule["from"])} for rule in stated]

    def figure(stated: Document) -> Document:
        formulas = {key: _with_names(formula, names) for key, formula in stated.items() if key in ("equals", "at_most")}
        return {**stated, "of": headers(stated["of"]), **formulas}

    def columns(stated: Document) -> Document:
        return {name: column(c) for name, c in stated.items()}

    change: dict[str, Callable[[Any], Any]] = {
        "recognise": lambda stated: [headers(any_of) for any_of in stated],
        "unless": headers,
        "leave_out": rows,
        "columns": columns,
        "figures": lambda stated: list(map(figure, stated)),
        "each": lambda stated: [columns(part) for part in stated],
        "feeds": lambda stated: {feed: _renamed(part, names) for feed, part in stated.items()},
    }
    return {key: change[key](stated) if key in change else stated for key, stated in document.items()}


def _with_names(template: str, names: dict[str, list[str]]) -> str:
    """`{a|b?}` as `{a|b|c?}` where c is a further name of a or b."""

    def part(match: re.Match[str]) -> str:
        text = match[1]
        if text.startswith("="):
            return match[0]
        headers = text.removesuffix("?").split("|")
        further = [name for h in headers for name in names.get(normalised(h), [])]
        return "{" + "|".join(dict.fromkeys([*headers, *further])) + ("?" if text.endswith("?") else "") + "}"

    return re.sub(r"{([^{}]+)}", part, template)


def _nearest(name: str, known: Iterable[str]) -> str:
    every = sorted(known)
    hint = difflib.get_close_matches(name, every, 1, SIMILAR)
    return f"did you mean {hint[0]!r}?" if hint else f"it knows {', '.join(every)}"


@cache
def native(feed: str) -> Mapping:
    """The mapping of a file that already speaks the feed's own vocabulary, in English or in Chinese."""
    names = {f.name: {"from": [f.name, *f.aliases]} for f in contract(feed).fields}
    raw = {name: {"from": [name, *aliases]} for name, aliases in contract(feed).raw.items()}
    return Mapping.model_validate({"export": feed, "feed": feed, "title": feed, "columns": names | raw})


def known_header(header: str, /) -> bool:
    """Whether any feed or mapping uses the header."""
    return normalised(header) in _known_headers()


@cache
def _known_headers() -> frozenset[str]:
    every = [*every_mapping(), *(native(feed) for feed in feeds())]
    return frozenset(h for mapping in every for h in headers_of(mapping, mapping.names))
