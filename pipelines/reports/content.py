"""What the report says: its sections and the frames of their tables, read once for the page and the workbook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from models.register import RULES
from pipelines.marts.privacy import AS_MART, REPORTED, private
from pipelines.reports.figures import kind_of
from pipelines.reports.wording import CODES, Text, explained, heading
from pipelines.suppression import WITHHELD, bare, counted, in_order, without_few
from pipelines.version import program_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    import duckdb

    from pipelines.marts.privacy import Few
    from pipelines.targets import ReportSettings

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

#: Of what a restated figure is a part: codes of these columns, one after the other.
PARTS, PART = ("level", "channel", "exchange", "platform", "claim_kind", "matched_by", "spend_kind"), " · "
_ROW = "__place"


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
class Table:
    """One table of the report: the query of its rows, the columns that are shown, and what it needs.

    The query reads the published warehouse; `{shown}` stands in it for the condition that `as_of` is one of the
    dates of the report. A table whose `needs` (schema.table) are not in the warehouse is left out, and said so. `mart`
    is the one of whose rows it is made: by what that tells of people its small cells are suppressed. `then` finishes
    the rows with what is no SQL, by the settings and for the brand. A table that is `folded` is long or for few: it
    opens by a click.
    """

    name: str
    title: Text
    says: Text
    query: str
    columns: tuple[Column, ...]
    needs: tuple[str, ...]
    mart: str = ""
    then: Callable[[pl.DataFrame, ReportSettings, str], pl.DataFrame] | None = None
    folded: bool = False

    @property
    def is_mart(self) -> bool:
        """Whether it is its mart row by row, and the sums of other marts are sums of its rows."""
        return bool(self.mart) and (self.name not in REPORTED or self.name in AS_MART)


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
    read, few = {}, {}
    for table in (table for section in sections for table in section.tables):
        if not there.issuperset(table.needs):
            content.missing.append(table.name)
            continue
        few[table.name] = private(table.name, table.mart)
        rows = counted(connection, f"({table.query.format(shown=shown)})", few[table.name], buyers="history.buyers")
        read[table.name] = _finished(rows, table, settings, brand)
    marts = {table.name: table.mart for section in sections for table in section.tables if table.is_mart}
    content.frames = _without_few(read, few, marts, k=settings.privacy_k)
    content.labels |= _words_of_restatements(content)
    return content


def _words_of_restatements(content: Content) -> dict[str, dict[str | None, Text]]:
    """The words for what was restated: the figure, and the codes of what it is a part of."""
    rows = content.frames.get("restatements")
    if rows is None:
        return {}
    known = {code: text for column in PARTS for code, text in content.labels.get(column, {}).items()}
    parts = {
        part: [known.get(code, Text(code, code)) for code in part.split(PART)] for part in rows["part_of"].unique()
    }
    return {
        "figure": {name: heading(name) for name in rows["figure"].unique()},
        "part_of": {
            part: Text(PART.join(text.zh for text in texts), PART.join(text.en for text in texts))
            for part, texts in parts.items()
        },
    }


def _finished(rows: pl.DataFrame, table: Table, settings: ReportSettings, brand: str) -> pl.DataFrame:
    """Rows with what is no SQL."""
    flags = [column.name for column in table.columns if column.is_code and rows.schema.get(column.name) == pl.Boolean]
    rows = rows.with_columns(pl.col(flags).cast(pl.String))
    return table.then(rows, settings, brand) if table.then else rows


def _without_few(
    read: dict[str, pl.DataFrame], few: dict[str, tuple[Few, ...]], marts: dict[str, str], /, *, k: int
) -> dict[str, pl.DataFrame]:
    """The rows of every table without what too few people stand behind; `marts` are those that tables are row by row.

    `suppressed` says so of a row's first figures, and `withheld` names all of its figures that are.
    """
    called: dict[str, str] = {}  # as those name them whose rows are sums of theirs
    for table in read:
        mart = marts.get(table, table)
        called[table if mart in called else mart] = table
    done: dict[str, pl.DataFrame] = {}
    for name in in_order({name: few[table] for name, table in called.items()}):
        done[name] = without_few(read[called[name]].with_row_index(_ROW), few[called[name]], done, k=k)
    return {table: _told(read[table], done[name], few[table]) for name, table in called.items()}


def _told(before: pl.DataFrame, rows: pl.DataFrame, few: tuple[Few, ...]) -> pl.DataFrame:
    """Rows with what is withheld of each, beside what they were before; no advice rests on what is withheld."""
    if not few:
        return rows.drop(_ROW, "suppressed")
    before = before[rows[_ROW]]
    figures = sorted({name for entry in few for name in entry.figures if name in rows.columns})
    gone = [pl.when(pl.lit(before[name].is_not_null()) & pl.col(name).is_null()).then(pl.lit(name)) for name in figures]
    names = pl.concat_str(gone, separator="|", ignore_nulls=True)
    whole = pl.col(f"{WITHHELD}0")
    rows = rows.with_columns(suppressed=whole, withheld=pl.when(names != "").then(names))
    if "action" in rows.columns:
        unadvised = whole & pl.col("action").is_not_null()
        rows = rows.with_columns(
            action=pl.when(~unadvised).then("action").otherwise(pl.lit(None, pl.String)),
            reason=pl.when(~unadvised).then("reason").otherwise(pl.lit("few_buyers")),
            models_agree=pl.when(~unadvised).then("models_agree"),
        )
    return bare(rows.drop(_ROW))


def labels(connection: duckdb.DuckDBPyConnection, there: set[str], /) -> dict[str, dict[str | None, Text]]:
    """The words for codes by column, those of the warehouse's reference tables among them."""
    found = {column: dict(words) for column, words in CODES.items()}
    for table, column, key in NAMED:
        if f"reference.{table}" in there:
            rows = connection.execute(f"SELECT {key}, name_zh, name_en FROM reference.{table}").fetchall()
            found.setdefault(column, {}).update({code: Text(zh, en) for code, zh, en in rows})
    for column in ("channel", "programme"):
        found["source"] |= {code: text for code, text in found.get(column, {}).items() if code is not None}
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
