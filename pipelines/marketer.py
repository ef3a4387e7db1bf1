"""The level of the published warehouse for marketers: the marts alone, without what few buyers stand behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.privacy import only_solutions, suppress
from pipelines.marts.privacy import BASIS, PRIVATE
from pipelines.marts.tables import MARTS
from pipelines.warehouse import create_table, quoted

if TYPE_CHECKING:
    import duckdb

    from pipelines.marts.mart import Mart
    from pipelines.marts.privacy import Few
    from pipelines.publish import Fill

_PEOPLE, _JUDGED = "__people", "__judged"


def marketer(k: int, /) -> Fill:
    """The fill of a level that sees every mart but those of analysts, with cells of fewer than k people suppressed.

    Every table has a column `suppressed` more than for analysts: whether figures of the row are withheld.
    """

    def fill(connection: duckdb.DuckDBPyConnection, published: str) -> None:
        connection.execute(f"CREATE SCHEMA {published}.mart")
        done: dict[str, pl.DataFrame] = {}
        for mart in _in_order(connection):
            done[mart.name] = _suppressed(connection, mart, done, k=k)
        for name, found in done.items():
            rows = found.select(pl.exclude(f"^{_PEOPLE}.*$"))  # noqa: F841 - DuckDB reads it
            columns = {row[0]: row[1] for row in connection.execute(f"DESCRIBE mart.{quoted(name)}").fetchall()}
            table = f"{published}.mart.{quoted(name)}"
            create_table(connection, table, columns | {"suppressed": "BOOLEAN"})
            connection.execute(f"INSERT INTO {table} BY NAME FROM rows")

    return fill


def _suppressed(
    connection: duckdb.DuckDBPyConnection, mart: Mart, done: dict[str, pl.DataFrame], /, *, k: int
) -> pl.DataFrame:
    """The rows of a mart with small cells null, `suppressed` and the counts; `done` are the marts before it."""
    few, same = mart.private or (), _same(connection, mart)
    counts = [f"({entry.people.format(same=same)})::BIGINT AS {_PEOPLE}{n}" for n, entry in enumerate(few)]
    rows = connection.sql(f"SELECT {', '.join(['m.*', *counts])} FROM mart.{quoted(mart.name)} AS m").pl()
    rows = rows.with_columns(suppressed=pl.lit(False))
    for n, entry in enumerate(few):
        if k > 1:
            rows = _without_few(rows, entry, f"{_PEOPLE}{n}", done, k=k)
    return rows


def _without_few(
    rows: pl.DataFrame, few: Few, people: str, done: dict[str, pl.DataFrame], /, *, k: int
) -> pl.DataFrame:
    basis = [name for name in BASIS if name in rows.columns]
    before, judged = rows["suppressed"], rows.drop("suppressed").with_columns(pl.col(people).alias(_JUDGED))
    for parent, column in few.under:
        judged = _few_where_hidden(judged, done[parent], [*basis, column], k=k)
    while True:
        found = suppress(judged, count=_JUDGED, figures=few.figures, within=[[*basis, *by] for by in few.within], k=k)
        given = _given_away(found, few, people, done, k=k) if few.audit else found.clear()
        if given.is_empty():
            break
        if beside := _beside(found, given, few, people):
            more = pl.col(few.audit).is_in(beside)
            judged = judged.with_columns(
                pl.when(more).then(pl.col(_JUDGED).clip(0, k - 1)).otherwise(_JUDGED).alias(_JUDGED)
            )
        elif not _withhold_sums(given, few, done):
            break
    found = found.drop(_JUDGED)
    if few.drop:
        return found.filter(~pl.col("suppressed"))
    return found.with_columns(suppressed=pl.col("suppressed") | before)


def _given_away(
    found: pl.DataFrame, few: Few, people: str, done: dict[str, pl.DataFrame], /, *, k: int
) -> pl.DataFrame:
    """The hidden rows that are small, or parts of a small sum, and follow from all sums together.

    Rows of all models are alike, so those of one are looked at.
    """
    basis = [name for name in BASIS if name in found.columns and name != "model"]
    hidden = found.filter(pl.col("suppressed") & (pl.col("model") == pl.col("model").min()))
    wholes = {(column,): _withheld(done[name], few, basis, column) for name, column in few.under}
    return _follow(hidden, wholes, few, basis, people, k=k)


def _beside(found: pl.DataFrame, given: pl.DataFrame, few: Few, people: str) -> list[object]:
    """The keys of the smallest rows that are still shown in a group of each given row, to be hidden with it."""
    basis = [name for name in BASIS if name in found.columns]
    shown, more = found.filter(~pl.col("suppressed") & (pl.col(people) > 0)).sort(people), set()
    for by in (*few.within[1:], ()):
        beside = shown.join(given, on=[*basis, *by], how="semi", nulls_equal=True)
        more |= set(beside.unique([*basis, *by], keep="first", maintain_order=True)[few.audit])
        given = given.join(shown, on=[*basis, *by], how="anti", nulls_equal=True)
    return list(more)


def _withhold_sums(given: pl.DataFrame, few: Few, done: dict[str, pl.DataFrame]) -> bool:
    """Suppress, for rows that no other row can hide, the sums that they are in; returns whether any was still shown."""
    for name, column in few.under:
        basis = [c for c in BASIS if c in given.columns and c != "model"]
        sums = done[name]
        keys = given.select(*basis, column).unique().with_columns(__hide=pl.lit(True))
        hide = sums.join(keys, on=[*basis, column], how="left", nulls_equal=True, maintain_order="left")["__hide"]
        hide = hide.fill_null(value=False) & sums[few.figures[0]].is_not_null()
        if hide.any():
            told = [c for c in sums.columns if c in _figures(name)]
            kept = [pl.when(~hide).then(c).alias(c) for c in told]
            done[name] = sums.with_columns(*kept, suppressed=pl.col("suppressed") | hide)
            return True
    return False


def _withheld(whole: pl.DataFrame, few: Few, basis: list[str], column: str) -> pl.DataFrame:
    """The sums that are not shown: their key and the people behind them, of one model."""
    of_one = whole.filter(pl.col("model") == pl.col("model").min())
    unknown = of_one.filter("suppressed" if few.figures[0] not in whole.columns else pl.col(few.figures[0]).is_null())
    return unknown.select(
        *(name for name in basis if name in whole.columns), column, pl.col(f"{_PEOPLE}0").alias("__of_whole")
    )


def _follow(
    hidden: pl.DataFrame,
    wholes: dict[tuple[str, ...], pl.DataFrame],
    few: Few,
    basis: list[str],
    people: str,
    /,
    *,
    k: int,
) -> pl.DataFrame:
    """The hidden rows that are small, or parts of a small sum, and follow from the equations of all sums."""
    hidden = hidden.with_row_index("__unknown").with_columns(pl.col("__unknown").cast(pl.Int64))
    terms, known, small = [], 0, {}
    count = hidden.height
    for by in few.within:
        names = [*basis, *by]
        groups = hidden.select(*names, "__unknown").with_columns(
            equation=pl.struct(names).rank("dense").cast(pl.Int64) - 1 + known
        )
        terms.append(groups.select("equation", unknown="__unknown", factor=pl.lit(1.0)))
        if (whole := wholes.get(by)) is not None and whole.height:
            keyed = groups.select(*names, "equation").unique()
            sums = keyed.join(whole, on=names, how="inner", nulls_equal=True).with_row_index("__n")
            sums = sums.with_columns(unknown=pl.col("__n").cast(pl.Int64) + count)
            terms.append(sums.select("equation", "unknown", factor=pl.lit(-1.0)))
            last = known + keyed.height
            terms.append(sums.select(equation=pl.lit(last, pl.Int64), unknown="unknown", factor=pl.lit(1.0)))
            for number, equation, of_whole in sums.select("unknown", "equation", "__of_whole").iter_rows():
                if 1 <= (of_whole or 0) < k:
                    small[number] = groups.filter(equation=equation)["__unknown"].to_list()
            count, known = count + sums.height, last + 1
        else:
            known += groups["equation"].n_unique()
    small |= {n: [n] for n in hidden.filter(pl.col(people).is_between(1, k - 1))["__unknown"].to_list()}
    certain = only_solutions(pl.concat(terms)) if terms else set()
    parts = {part for number in certain & set(small) for part in small[number]}
    return hidden.filter(pl.col("__unknown").is_in(list(parts)))


def _few_where_hidden(rows: pl.DataFrame, parent: pl.DataFrame, on: list[str], /, *, k: int) -> pl.DataFrame:
    """The rows, those of a suppressed sum judged as if fewer people stood behind them than are shown."""
    on = [name for name in on if name in parent.columns]
    hidden = parent.filter("suppressed").select(on).unique().with_columns(__hidden=pl.lit(True))
    less = pl.when("__hidden").then(pl.col(_JUDGED).clip(0, k - 1)).otherwise(_JUDGED)
    marked = rows.join(hidden, on=on, how="left", nulls_equal=True, maintain_order="left")
    return marked.with_columns(less.alias(_JUDGED)).drop("__hidden")


def _figures(name: str) -> set[str]:
    return {figure for few in PRIVATE[name] or () for figure in few.figures}


def _in_order(connection: duckdb.DuckDBPyConnection) -> list[Mart]:
    """The marts of this level that are there, each after those whose rows are sums of its own."""
    there = _names(connection, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mart' AND NOT temporary")
    found: list[Mart] = []
    left = [mart for mart in MARTS if mart.private is not None and mart.name in there]
    while left:
        waiting = {mart.name for mart in left}
        free = [
            mart for mart in left if not any(waiting & {name for name, _ in few.under} for few in mart.private or ())
        ]
        found += free
        left = [mart for mart in left if mart not in free]
    return found


def _same(connection: duckdb.DuckDBPyConnection, mart: Mart) -> str:
    """That a row b of the buyers is of the same brand and currency as a row m of the mart, where both tell these."""
    told = [_names(connection, f"DESCRIBE mart.{quoted(name)}") for name in ("buyers", mart.name)]
    return " AND ".join(
        f"b.{name} IS NOT DISTINCT FROM m.{name}" for name in ("brand", "currency") if name in told[0] & told[1]
    )


def _names(connection: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    return {row[0] for row in connection.execute(query).fetchall()}
