"""Rows of one file that say different things under one key: one of them is kept, and that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from data_contracts.contract import contract
from pipelines.warehouse import quoted

if TYPE_CHECKING:
    import polars as pl

    from data_contracts.contract import Contract


def contradiction(connection: duckdb.DuckDBPyConnection, rows: str, feed: str, /) -> str | None:
    """How many good rows of a file (SQL for its judged rows) differ under one key and instant of export; None if none.

    Of such rows the one with the greatest values is kept, whatever their order. They are what a report gives that is
    split by a column that its mapping does not read.
    """
    terms = contract(feed)
    key, values = (", ".join(map(quoted, names)) for names in (terms.primary_key, terms.schema))
    amount = _amount(terms)
    of_all, of_kept = (f"sum({quoted(amount)})", f"arg_max({quoted(amount)}, row({values}))") if amount else ("0", "0")
    keys, found, stated, kept, example = connection.execute(f"""
        WITH good AS (SELECT {values} FROM {rows} WHERE len(_reasons) = 0),
        unequal AS (
            SELECT {key}, exported_at FROM good GROUP BY ALL HAVING min(hash({values})) <> max(hash({values}))
        ), said AS (
            SELECT {key}, exported_at, count(*) AS versions, {of_all} AS stated, {of_kept} AS kept
            FROM (SELECT DISTINCT * FROM good SEMI JOIN unequal USING ({key}, exported_at)) GROUP BY ALL
        )
        SELECT count(*), sum(versions), sum(stated), sum(kept), min(concat_ws(' ', {key})) FROM said
    """).fetchall()[0]
    if not keys:
        return None
    money = f", {kept:,} of {stated:,} in {amount}" if amount and stated is not None else ""
    return (
        f"{found:,} rows say different things under {keys:,} key{'s' if keys > 1 else ''} ({example}"
        f"{', …' if keys > 1 else ''}): {keys:,} kept{money}. If the report is split by a column that is not read, "
        "export it without, or name the column in a mapping file"
    )


def contradiction_in(rows: pl.DataFrame, feed: str, /) -> list[str]:
    """The same of judged rows (columns of the contract, and `_reasons`), in a list; empty if there is none."""
    if rows.select(contract(feed).primary_key).is_unique().all():
        return []
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        connection.register("judged", rows.select(*contract(feed).schema, "_reasons").to_arrow())
        told = contradiction(connection, "judged", feed)
    return [told] if told else []


def _amount(terms: Contract) -> str | None:
    """The column of the money that a row is about, if it is about some."""
    money = [f for f in terms.fields if f.physical_type == "DECIMAL(18,2)"]
    return next((f.name for f in money if f.required), money[0].name if money else None)
