"""Values that point to nothing: accepted, counted and named, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts.reference import TABLES

if TYPE_CHECKING:
    import polars as pl

    from data_contracts.contract import Contract


def unknown_references(frame: pl.DataFrame, contract: Contract, /) -> list[str]:
    """One sentence for each column whose values are not all in the reference table that the contract names."""
    sentences = []
    for field in contract.fields:
        schema, *table_and_column = (field.reference or "").split(".")
        if schema != "reference":  # notes, which are known to the warehouse only
            continue
        name, column = table_and_column
        table = TABLES[name]()[column]
        unknown = frame[field.name].drop_nulls().filter(~frame[field.name].drop_nulls().is_in(table.implode()))
        if rows := unknown.len():
            have, values = "row has" if rows == 1 else "rows have", unknown.n_unique()
            sentences.append(
                f"{field.name}: {rows:,} {have} {values:,} value{'s' * (values > 1)} that "
                f"{field.reference} does not hold ({', '.join(map(repr, unknown.unique().sort().head(5).to_list()))}); "
                "they are kept and flagged; add them there, or correct the source"
            )
    return sentences
