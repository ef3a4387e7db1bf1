"""Small cells withheld, of marts and of what reports make of them, by what each says that it tells of people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from models.privacy import only_solutions, suppress
from pipelines.marts.privacy import BASIS, IN_COMMON, PRIVATE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from pipelines.marts.privacy import Few

#: What stands beside the rows while they are judged: how many people, and whether the figures of an entry are withheld.
PEOPLE, WITHHELD = "__people", "__withheld"
_ROW, _JUDGED = "__at", "__judged"


def counted(
    connection: duckdb.DuckDBPyConnection, source: str, few: tuple[Few, ...], /, *, buyers: str
) -> pl.DataFrame:
    """The rows of a table or of a query in brackets, in their order, with how many people stand behind each entry.

    `buyers` is the table that tells the buyers of these rows. Of an entry whose figures they do not have nothing is
    asked: its number is null.
    """
    columns = set(connection.sql(f"FROM {source}").columns)
    told = set(connection.sql(f"FROM {buyers}").columns) if any("{buyers}" in entry.people for entry in few) else set()
    shared = [name for name in ("as_of", "brand", "currency") if name in columns & told]
    same = " AND ".join(f"b.{name} IS NOT DISTINCT FROM m.{name}" for name in shared)
    counts = [
        f"({entry.people.format(same=same, buyers=buyers)})::BIGINT AS {PEOPLE}{n}"
        if not columns.isdisjoint(entry.figures)
        else f"NULL::BIGINT AS {PEOPLE}{n}"
        for n, entry in enumerate(few)
    ]
    if not counts:
        return connection.sql(f"FROM {source}").pl()
    numbered = f"(SELECT *, row_number() OVER () AS {_ROW} FROM {source})"
    return connection.sql(f"SELECT m.*, {', '.join(counts)} FROM {numbered} AS m").pl().sort(_ROW).drop(_ROW)


def without_few(rows: pl.DataFrame, few: tuple[Few, ...], done: dict[str, pl.DataFrame], /, *, k: int) -> pl.DataFrame:
    """Rows as `counted` gives them, with small cells null, and which entries' figures are withheld of each.

    `done` are rows of the marts before it; where no row can hide another, a sum in them is withheld as well.
    """
    for n, entry in enumerate(few):
        told = not set(rows.columns).isdisjoint(entry.figures)
        shown = rows.with_columns(pl.lit(False).alias(f"{WITHHELD}{n}"))
        rows = _without(rows, entry, n, done, k=k) if told and k > 1 else shown
    return rows.with_columns(suppressed=pl.any_horizontal(pl.lit(False), *(f"{WITHHELD}{n}" for n in range(len(few)))))


def in_order(few: Mapping[str, tuple[Few, ...]], /) -> list[str]:
    """The names, each after those whose rows are sums of its own."""
    found: list[str] = []
    left = dict(few)
    while left:
        free = [name for name, entries in left.items() if not any(left.keys() & _parents(entry) for entry in entries)]
        found += free
        left = {name: entries for name, entries in left.items() if name not in free}
    return found


def bare(rows: pl.DataFrame, /) -> pl.DataFrame:
    """The rows without what they were judged by."""
    return rows.select(pl.exclude(f"^({PEOPLE}|{WITHHELD}).*$"))


def _parents(few: Few) -> set[str]:
    return {name for name, _ in few.under}


def _without(rows: pl.DataFrame, few: Few, n: int, done: dict[str, pl.DataFrame], /, *, k: int) -> pl.DataFrame:
    people = f"{PEOPLE}{n}"
    few = _here(few, rows, done)
    basis = [name for name in BASIS if name in rows.columns]
    judged = rows.with_columns(pl.col(people).alias(_JUDGED))
    for parent, columns in few.under:
        sums = _with_common(parent, done)
        judged = _few_where_hidden(judged, sums, [*basis, *columns], _entry(parent, few), k=k)
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
        found = found.filter(~pl.col("suppressed"))
    return found.rename({"suppressed": f"{WITHHELD}{n}"})


def _here(few: Few, rows: pl.DataFrame, done: Mapping[str, pl.DataFrame]) -> Few:
    """Of what is declared for a mart that which the rows have."""
    columns = set(rows.columns)
    return replace(
        few,
        figures=tuple(name for name in few.figures if name in columns),
        within=tuple(by for by in few.within if columns.issuperset(by)),
        under=tuple((name, by) for name, by in few.under if name in done and columns.issuperset(by)),
        audit=few.audit if few.audit in columns else "",
    )


def _given_away(
    found: pl.DataFrame, few: Few, people: str, done: dict[str, pl.DataFrame], /, *, k: int
) -> pl.DataFrame:
    """The hidden rows that are small, or parts of a small sum, and follow from all sums together.

    Rows of all models are alike, so those of one are looked at.
    """
    basis = [name for name in BASIS if name in found.columns and name != "model"]
    hidden = found.filter(pl.col("suppressed") & (pl.col("model") == pl.col("model").min()))
    wholes = {by: _withheld(_with_common(name, done), _entry(name, few), basis, by) for name, by in few.under}
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
    """Suppress, for rows that no other row can hide, the sums that they are in; returns whether any was still shown.

    Where all of these are suppressed already and one of them alone, it is the total less the others: the smallest of
    the others is suppressed as well.
    """
    basis = [name for name in BASIS if name in given.columns and name != "model"]
    for name, by in few.under:
        keys = given.select(*basis, *by).unique().with_columns(__hide=pl.lit(True))
        hide = _with_common(name, done).join(
            keys, on=[*basis, *by], how="left", nulls_equal=True, maintain_order="left"
        )["__hide"]
        if _withhold(name, hide.fill_null(value=False), _entry(name, few), done):
            return True
    for name, _ in reversed(few.under):
        entry = _entry(name, few)
        people, withheld = pl.col(f"{PEOPLE}{entry}"), pl.col(f"{WITHHELD}{entry}")
        groups = [column for column in basis if column in done[name].columns]
        least = pl.when(~withheld & (people > 0)).then(people).min().over([*groups, "model"])
        alone = withheld.sum().over([*groups, "model"]) == 1
        if _withhold(name, done[name].select(alone & (people == least)).to_series(), entry, done):
            return True
    return False


def _withhold(mart: str, hide: pl.Series, entry: int, done: dict[str, pl.DataFrame]) -> bool:
    """Suppress the figures of an entry in rows of a mart; returns whether any was still shown."""
    rows, withheld = done[mart], f"{WITHHELD}{entry}"
    hide = hide.fill_null(value=False) & ~rows[withheld]
    if not hide.any():
        return False
    told = set((PRIVATE[mart] or ())[entry].figures)
    kept = [pl.when(~hide).then(column).alias(column) for column in rows.columns if column in told]
    done[mart] = rows.with_columns(*kept, pl.col(withheld) | hide, suppressed=pl.col("suppressed") | hide)
    return True


def _withheld(whole: pl.DataFrame, n: int, basis: list[str], by: tuple[str, ...]) -> pl.DataFrame:
    """The sums that are not shown: their key and the people behind them, of one model."""
    unknown = whole.filter((pl.col("model") == pl.col("model").min()) & pl.col(f"{WITHHELD}{n}"))
    return unknown.select(
        *(name for name in basis if name in whole.columns), *by, pl.col(f"{PEOPLE}{n}").alias("__of_whole")
    )


def _with_common(mart: str, done: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The rows of a mart with what all of them have in common."""
    return done[mart].with_columns(pl.lit(value).alias(name) for name, value in IN_COMMON.get(mart, {}).items())


def _entry(mart: str, few: Few) -> int:
    """Which entry of a mart withholds sums of these figures: the first where none names them."""
    entries = PRIVATE[mart] or ()
    return next((n for n, entry in enumerate(entries) if few.figures[0] in entry.figures), 0)


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


def _few_where_hidden(rows: pl.DataFrame, parent: pl.DataFrame, on: list[str], n: int, /, *, k: int) -> pl.DataFrame:
    """The rows, those of a suppressed sum judged as if fewer people stood behind them than are shown."""
    on = [name for name in on if name in parent.columns]
    hidden = parent.filter(f"{WITHHELD}{n}").select(on).unique().with_columns(__hidden=pl.lit(True))
    less = pl.when("__hidden").then(pl.col(_JUDGED).clip(0, k - 1)).otherwise(_JUDGED)
    marked = rows.join(hidden, on=on, how="left", nulls_equal=True, maintain_order="left")
    return marked.with_columns(less.alias(_JUDGED)).drop("__hidden")
