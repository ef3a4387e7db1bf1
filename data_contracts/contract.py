"""A feed's contract: the one file from which schema, table, suite, rules and dictionary derive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from open_data_contract_standard.model import CustomProperty, DataQuality, OpenDataContractStandard, SchemaProperty

from data_contracts.yaml_files import read_yaml

FEEDS = Path(__file__).parent / "feeds"
BUSINESS_TIME_ZONE = "Asia/Shanghai"
COUNTED = "SELECT count(*) FROM"
USUAL_HOUR = "10:00+08:00"  # by which a day is there, where the contract states none

POLARS_TYPES: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
    "DATE": pl.Date(),
    "DECIMAL(18,2)": pl.Decimal(18, 2),
    "BIGINT": pl.Int64(),
    "BOOLEAN": pl.Boolean(),
    "VARCHAR[]": pl.List(pl.String()),
}


@dataclass(frozen=True)
class Field:
    """One column of a feed, as its contract states it; an `order_number` may have been rounded by Excel."""

    name: str
    name_zh: str
    description: str
    physical_type: str
    required: bool
    key: bool
    identifier: bool
    order_number: bool
    aliases: tuple[str, ...]
    enum: dict[str, str]
    minimum: str | float | None
    maximum: str | float | None
    max_length: int | None
    pattern: str | None
    not_after: str | None
    keyed_from: str | None
    matched_from: str | None
    raw_aliases: tuple[str, ...]
    default: str | None
    reference: str | None
    examples: tuple[str, ...]

    @property
    def personal(self) -> bool:
        """Whether the column is derived from a raw identifier of a person."""
        return self.keyed_from is not None

    @property
    def made_from(self) -> str | None:
        """The raw value of which the column is made at intake, and which is never stored: an id, or a text."""
        return self.keyed_from or self.matched_from

    @property
    def dtype(self) -> pl.DataType:
        """The polars type of the column."""
        return POLARS_TYPES[self.physical_type]


@dataclass(frozen=True)
class Identity:
    """What holds in sound data of a feed beyond single values; `query` selects the rows in which it does not.

    The query names the table as `{object}`.
    """

    name: str
    description: str
    query: str
    severity: str


@dataclass(frozen=True)
class Contract:
    """One feed: its columns and what its rows must satisfy.

    `censored` is the column that keeps what an export prints only as an interval, such as <100. The rows of a
    business date are due `latency_days` later at `available_at`, in business time (null for a registry, which comes
    when it changes); `daily` means that every date has some. `arrives_by` is the column whose values arrive on their
    own, such as the channel.
    Of a feed that `keeps_versions`, older versions of a row stay readable, as of their date.
    """

    feed: str
    name_zh: str
    description: str
    grain: str
    version: str
    fields: tuple[Field, ...]
    business_date: str
    latency_days: int | None
    available_at: time
    daily: bool
    quarantine_tolerance: float
    censored: str | None = None
    identities: tuple[Identity, ...] = ()
    description_zh: str = ""
    arrives_by: str | None = None
    keeps_versions: bool = False

    @property
    def primary_key(self) -> list[str]:
        """Names of the key columns, in the contract's order."""
        return [field.name for field in self.fields if field.key]

    @property
    def schema(self) -> pl.Schema:
        """The polars schema of accepted rows."""
        return pl.Schema({field.name: field.dtype for field in self.fields})

    @property
    def raw(self) -> dict[str, tuple[str, ...]]:
        """Names of the raw values that a file may carry in the place of what is made of them, with their headers."""
        headers: dict[str, tuple[str, ...]] = {}
        for field in self.fields:
            if field.made_from:
                headers[field.made_from] = headers.get(field.made_from, ()) + field.raw_aliases
        return headers

    def field(self, name: str) -> Field:
        """The column of that name; raises KeyError with the names that exist."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"{self.feed} has no column {name!r}; it has {[f.name for f in self.fields]}")


@cache
def feeds() -> tuple[str, ...]:
    """Names of all feeds, one per contract file, in alphabetical order."""
    return tuple(sorted(path.stem for path in FEEDS.glob("*.yaml")))


@cache
def contract(feed: str) -> Contract:
    """The contract of one feed; raises KeyError with the feeds that exist."""
    if feed not in feeds():
        raise KeyError(f"there is no feed {feed!r}; the feeds are {', '.join(feeds())}")
    return _read(FEEDS / f"{feed}.yaml")


def _read(path: Path) -> Contract:
    document = OpenDataContractStandard(**read_yaml(path))
    (table,) = document.schema_ or []
    settings = _settings(table.customProperties)
    promised = {str(p.property): str(p.value) for p in document.slaProperties or []}
    return Contract(
        feed=str(table.name),
        name_zh=str(table.businessName),
        description=str(document.description.purpose) if document.description else "",
        grain=str(table.dataGranularityDescription),
        version=str(document.version),
        fields=tuple(_field(p) for p in table.properties or []),
        business_date=str(settings["businessDate"]),
        latency_days=int(promised["latency"]) if "latency" in promised else None,
        available_at=_business_time(promised.get("timeOfAvailability", USUAL_HOUR)),
        daily=promised.get("frequency") == "1",
        quarantine_tolerance=float(settings["quarantineTolerance"]),
        censored=settings.get("censoredColumn"),
        identities=tuple(map(_identity, table.quality or [])),
        description_zh=settings.get("purposeZh", ""),
        arrives_by=settings.get("arrivesBy"),
        keeps_versions=settings.get("keepsVersions") == "true",
    )


def _business_time(text: str) -> time:
    """A time of day such as 10:00+08:00; raises ValueError where it is not stated in business time."""
    stated = time.fromisoformat(text)
    if stated.utcoffset() != timedelta(hours=8):
        raise ValueError(f"timeOfAvailability is {text!r}; state it in {BUSINESS_TIME_ZONE}, such as 10:00+08:00")
    return stated.replace(tzinfo=None)


def _identity(item: DataQuality) -> Identity:
    """A quality rule of the contract, which counts the rows that break it."""
    counted = str(item.query)
    if not counted.startswith(COUNTED) or item.mustBe != 0:
        raise ValueError(f"the quality rule {item.name} must be a query `{COUNTED}…` with mustBe: 0")
    return Identity(
        str(item.name), str(item.description), "SELECT * FROM" + counted[len(COUNTED) :], str(item.severity)
    )


def _field(item: SchemaProperty) -> Field:
    options = item.logicalTypeOptions or {}
    settings = _settings(item.customProperties)
    relationships = item.relationships or []
    return Field(
        name=str(item.name),
        name_zh=str(item.businessName),
        description=str(item.description),
        physical_type=str(item.physicalType),
        required=bool(item.required),
        key=bool(item.primaryKey),
        identifier="identifier" in (item.tags or []),
        order_number="order_number" in (item.tags or []),
        aliases=tuple(str(s.synonym) for s in item.synonyms or []),
        enum={str(e.value): str(e.label or e.value) for e in item.enum or []},
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        not_after=settings.get("notAfter"),
        keyed_from=settings.get("keyedFrom"),
        matched_from=settings.get("matchedFrom"),
        raw_aliases=tuple(settings.get("rawSynonyms", ())),
        default=settings.get("default"),
        reference=str(relationships[0].to) if relationships else None,
        examples=tuple(str(e) for e in item.examples or []),
    )


def _settings(items: list[CustomProperty] | None) -> dict[str, Any]:
    return {str(item.property): item.value for item in items or []}
