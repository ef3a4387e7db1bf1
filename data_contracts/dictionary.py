"""The data dictionary, written from the contracts: `python -m data_contracts.dictionary FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.contract import contract, feeds
from data_contracts.rules import said

if TYPE_CHECKING:
    from data_contracts.contract import Contract, Field

OPENING = """\
# Data dictionary 数据字典

Written from the contracts in `data_contracts/feeds/` by `make dictionary`; change the contract, not this page.

A file of a feed may use the English column names or any of the Chinese headers. Text instants without an offset are
read as Asia/Shanghai. Raw user ids become keyed hashes, and texts of users become classes, before anything is stored.
"""


def dictionary() -> str:
    """The whole dictionary as Markdown."""
    return "\n".join([OPENING, *(_section(contract(feed)) for feed in feeds())])


def _section(feed: Contract) -> str:
    head = [
        f"## {feed.feed} {feed.name_zh}",
        "",
        f"{feed.description} Grain: {feed.grain}. Key: {', '.join(f'`{k}`' for k in feed.primary_key)}. "
        f"Business date: `{feed.business_date}`. {_promise(feed)}",
        "",
        "| column | headers accepted | type | required | rules | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *(_row(field) for field in feed.fields), ""])


def _promise(feed: Contract) -> str:
    if feed.latency_days is None:
        return "A registry: comes when it changes."
    rows = "Every day has rows" if feed.daily else "A day may have none"
    parts = f", of each `{feed.arrives_by}`" if feed.arrives_by else ""
    return f"Due T+{feed.latency_days} at {feed.available_at:%H:%M}. {rows}{parts}."


def _row(field: Field) -> str:
    headers = [*([field.made_from] if field.made_from else []), *field.raw_aliases, *field.aliases]
    cells = [
        f"`{field.name}`",
        ", ".join(headers),
        field.physical_type,
        "yes" if field.required else "no",
        "; ".join(_rules(field)) or "—",
        field.description,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _rules(field: Field) -> list[str]:
    stated = {
        "one of " + ", ".join(f"{value} {label}" for value, label in field.enum.items()): field.enum,
        f"at least {said(field.minimum)}": field.minimum is not None,
        f"at most {said(field.maximum)}": field.maximum is not None,
        f"at most {field.max_length} characters": field.max_length is not None,
        f"matches `{field.pattern}`": field.pattern is not None,
        f"not later than {field.not_after}": field.not_after is not None,
        f"`{field.default}` where empty": field.default is not None,
        f"should stand in {field.reference}": field.reference is not None,
    }
    return [text for text, applies in stated.items() if applies]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dictionary(), encoding="utf-8")
