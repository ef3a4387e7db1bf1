"""What the report says: its sections and the frames of their tables, read once for the page and the workbook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from models.privacy import suppress
from models.register import RULES
from pipelines.reports.figures import kind_of
from pipelines.reports.wording import CODES, Text, explained, heading
from pipelines.version import program_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import duckdb

    from pipelines.targets import ReportSettings

#: Columns by which no figure may ever be added: every row belongs to one of each.
BASIS = ("as_of", "model", "currency")
#: Reference tables that have words for codes: the table, the column of the report, the table's key.
NAMED = (
    *(("categories", "category", "category"), ("channels", "channel", "channel"), ("lanes", "lane", "lane")),
    *(
        ("cities", "city", "city"),
        ("verticals", "vertical", "vertical"),
        ("local_programmes", "programme", "programme"),
    ),
    *(("policy_calendar", "entry", "entry"), ("policy_calendar", "pilot", "entry")),
)


@dataclass(frozen=True)
class Column:
    """A column of a table, and what kind of value it holds: one of `figures.KINDS`, by its name where none is given.

    A `code` is a text for which the content's labels have words. `of` names numerator and denominator of a ratio that
    follows from two other columns of the table.
    """

    name: str
    stated: str = ""
    of: tuple[str, str] | None = None

    @property
    def kind(self) -> str:
        """The kind of its values, `code` being `text`."""
        return "text" if self.is_code else self.stated or kind_of(self.name)

    @property
    def is_code(self) -> bool:
        """Whether there are words for its values."""
        return self.stated == "code"

    @property
    def heading(self) -> Text:
        """What it is called."""
        return heading(self.name)

    @property
    def tip(self) -> str:
        """Its meaning and formula."""
        return explained(self.name)


@dataclass(frozen=True)
class Private:
    """Which figures of a table are suppressed where too few people stand behind them.

    `people`: column of their number; `within`: groups whose totals readers know, each beside `BASIS`; `drop`: leave
    suppressed rows out, where the row's very existence is what a figure would tell. `counts` are numbers of people
    that no readers know totals of: each is suppressed by itself. `finer`: figures that tell of fewer people than the
    row does, such as of the new ones among its buyers, with the column of the least number of them.
    """

    people: str
    figures: tuple[str, ...]
    within: tuple[tuple[str, ...], ...] = ((),)
    drop: bool = False
    counts: tuple[str, ...] = ()
    finer: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Table:
    """One table of the report: the query of its rows, the columns that are shown, and what it needs.

    The query reads the published warehouse; `{shown}` stands in it for the condition that `as_of` is one of the
    dates of the report. A table whose `needs` (schema.table) are not in the warehouse is left out, and said so.
    `then` finishes the rows with what is no SQL, by the settings and for the brand. A table that is `folded` is long or
    for few: it opens by a click.
    """

    name: str
    title: Text
    says: Text
    query: str
    columns: tuple[Column, ...]
    needs: tuple[str, ...]
    private: Private | None = None
    then: Callable[[pl.DataFrame, ReportSettings, str], pl.DataFrame] | None = None
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """A question that people ask every morning, and the tables that answer it."""

    name: str
    title: Text
    question: Text
    tables: tuple[Table, ...]


@dataclass
class Content:
    """A report as data: for every table its rows, by all models and on all dates of the report."""

    brand: str
    dates: list[date]
    models: list[str]
    sections: tuple[Section, ...]
    settings: ReportSettings
    basis: dict[str, str] = field(default_factory=dict)
    labels: dict[str, dict[str | None, Text]] = field(default_factory=dict)
    frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def label(self, column: str, value: Any, /) -> Text:
        """The words for a code, or the code itself where there are none."""
        words = self.labels.get(column, {}).get(value)
        text = words or Text(str(value), str(value))
        numbers = self.settings.as_numbers()
        return Text(text.zh.format_map(numbers), text.en.format_map(numbers)) if column == "reason" else text

    def rows(self, table: str, /, *, model: str, as_of: date) -> pl.DataFrame:
        """The rows of one table by one model (or by none, where no model touches the figures) on one date."""
        found = self.frames[table]
        if "model" in found.columns:
            found = found.filter(pl.col("model").is_in([model, "observed"]))
        return found.filter(pl.col("as_of") == as_of) if "as_of" in found.columns else found


def read_content(
    connection: duckdb.DuckDBPyConnection,
    sections: tuple[Section, ...],
    /,
    *,
    brand: str,
    settings: ReportSettings,
    dates: int = 1,
) -> Content:
    """Read every table of the sections, for the newest date and as many before it as are there and wanted.

    Small cells are suppressed before anything is returned. A warehouse without a date gives an empty content.
    """
    there = _tables(connection)
    content = Content(brand, _dates(connection, there, dates), list(RULES), sections, settings)
    content.labels = labels(connection, there)
    content.basis = _basis(connection, there)
    if not content.dates:
        return content
    shown = "as_of IN ({})".format(", ".join(f"DATE '{day}'" for day in content.dates))
    for table in (table for section in sections for table in section.tables):
        if not there.issuperset(table.needs):
            content.missing.append(table.name)
            continue
        rows = connection.sql(table.query.format(shown=shown)).pl()
        content.frames[table.name] = _finished(rows, table, settings, brand)
    return content


def _finished(rows: pl.DataFrame, table: Table, settings: ReportSettings, brand: str) -> pl.DataFrame:
    """Rows with what is no SQL, and without what too few people stand behind."""
    flags = [column.name for column in table.columns if column.is_code and rows.schema.get(column.name) == pl.Boolean]
    rows = rows.with_columns(pl.col(flags).cast(pl.String))
    if table.then:
        rows = table.then(rows, settings, brand)
    return _suppressed(rows, table.private, settings.privacy_k) if table.private else rows


def _suppressed(rows: pl.DataFrame, private: Private, k: int) -> pl.DataFrame:
    """Rows without what too few people stand behind: `suppressed` says so of a row, `partly` of its finer figures."""
    basis = [name for name in BASIS if name in rows.columns]
    within = [[*basis, *by] for by in private.within]
    parts = [(private.people, private.figures), *([private.finer] if private.finer else [])]
    hidden = []
    for people, names in parts:
        figures = [name for name in names if name in rows.columns]
        rows = suppress(rows, count=people, figures=figures, within=within, k=k)
        hidden.append(rows["suppressed"])
        rows = rows.drop("suppressed")
    whole = pl.lit(hidden[0])
    few = {name: pl.col(name).is_between(1, k - 1) for name in private.counts}
    rows = rows.with_columns(
        *(pl.when(~is_few).then(name).alias(name) for name, is_few in few.items()),
        suppressed=pl.any_horizontal(whole, *few.values()).fill_null(False),
        partly=pl.lit(hidden[-1]),
    )
    if "reason" in rows.columns:
        unadvised = whole & pl.col("action").is_not_null()
        rows = rows.with_columns(
            action=pl.when(~unadvised).then("action").otherwise(pl.lit(None, pl.String)),
            reason=pl.when(~unadvised).then("reason").otherwise(pl.lit("few_buyers")),
            models_agree=pl.when(~unadvised).then("models_agree"),
        )
    return rows.filter(~hidden[0]) if private.drop else rows


def labels(connection: duckdb.DuckDBPyConnection, there: set[str], /) -> dict[str, dict[str | None, Text]]:
    """The words for codes by column, those of the warehouse's reference tables among them."""
    found = {column: dict(words) for column, words in CODES.items()}
    for table, column, key in NAMED:
        if f"reference.{table}" in there:
            rows = connection.execute(f"SELECT {key}, name_zh, name_en FROM reference.{table}").fetchall()
            found.setdefault(column, {}).update({code: Text(zh, en) for code, zh, en in rows})
    return found


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    query = "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
    return {name for (name,) in connection.execute(query).fetchall()}


def _dates(connection: duckdb.DuckDBPyConnection, there: set[str], wanted: int) -> list[date]:
    if "history.reconciliation" not in there:
        return []
    query = "SELECT DISTINCT as_of FROM history.reconciliation ORDER BY 1 DESC LIMIT ?"
    return [day for (day,) in connection.execute(query, [wanted]).fetchall()]


def _basis(connection: duckdb.DuckDBPyConnection, there: set[str]) -> dict[str, str]:
    """What all figures rest on, and which version of the program made them."""
    stated = {"program": program_version()}
    if "ops.basis" in there:
        stated |= dict(connection.execute("SELECT name, value FROM ops.basis").fetchall())
    if "ops.files" in there:
        query = (
            "SELECT count(*), strftime(max(ingested_at) AT TIME ZONE 'Asia/Shanghai', '%Y-%m-%d %H:%M') FROM ops.files"
        )
        files, newest = connection.execute(query).fetchall()[0]
        stated |= {"files": str(files), "newest_file": newest or "—"}
    return stated
