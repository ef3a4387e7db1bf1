"""The data dictionary is what the contracts say."""

from __future__ import annotations

from pathlib import Path

from data_contracts.contract import contract, feeds
from data_contracts.dictionary import dictionary

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data-dictionary.md"


def test_the_page_is_written_from_the_contracts() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary(), "the contracts changed; run: make dictionary"


def test_every_column_of_every_feed_has_its_row() -> None:
    for feed in feeds():
        section = dictionary().split(f"\n## {feed} ")[1].split("\n## ")[0]
        for field in contract(feed).fields:
            assert f"| `{field.name}` |" in section
            assert field.name_zh in section
