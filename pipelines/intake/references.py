"""Values that point to nothing: accepted, counted and named, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts.reference import categories, channels, lanes

if TYPE_CHECKING:
    import polars as pl

    from data_contracts.contract import Contract

REFERENCES = {
    "reference.categories.category": lambda: categories()["category"],
    "reference.channels.channel": lambda: channels()["channel"],
    "reference.lanes.lane": lambda: lanes()["lane"],
}


def unknown_references(frame: pl.DataFrame, contract: Contract, /, *, notes: pl.Series | None = None) -> list[str]:
    """One sentence for each column whose values are not all in the table that it refers to.

    `notes`: the ids of the notes that are known; without it notes are not looked up.
    """
    known = {name: table() for name, table in REFERENCES.items()} | (
        {"notes.note_id": notes} if notes is not None else {}
    )
    sentences = []
    for field in contract.fields:
        if field.reference not in known:
            continue
        table = known[field.reference]
        unknown = frame[field.name].drop_nulls().filter(~frame[field.name].drop_nulls().is_in(table.implode()))
        if rows := unknown.len():
            have, values = "row has" if rows == 1 else "rows have", unknown.n_unique()
            sentences.append(
                f"{field.name}: {rows:,} {have} {values:,} value{'s' * (values > 1)} that "
                f"{field.reference} does not hold ({', '.join(map(repr, unknown.unique().sort().head(5).to_list()))}); "
                "they are kept and flagged; add them there, or correct the source"
            )
    return sentences
