"""The page of systems names only what exists, and leaves none out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from data_contracts.contract import contract, feeds
from data_contracts.reference import TABLES, lanes
from pipelines.core.added_up import ADDED_UP
from pipelines.core.orders import ORDERS
from pipelines.core.tables import CORE
from pipelines.core.views import VIEWS
from pipelines.definitions import defs
from pipelines.marts.tables import MARTS
from pipelines.warehouse import CORE_TABLES

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
EXISTING = {
    "mart": {mart.name for mart in MARTS},
    "raw": set(feeds()),
    "reference": set(TABLES),
    "core": {table.name for table in CORE}
    | {name.split(".")[1] for name in (*CORE_TABLES, *VIEWS)}
    | {"earned", "earned_daily", *ADDED_UP, *ORDERS, "readers", "credited_buyers"},
}
TOLD = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
TABLE = re.compile(r"(mart|raw|reference|core)\.(\w+)")


def test_every_system_has_its_row() -> None:
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, flags=re.M)] == list(range(1, 29))


@pytest.mark.parametrize("table", [name for name in TOLD if TABLE.fullmatch(name)])
def test_every_table_that_is_named_exists(table: str) -> None:
    schema, name = table.split(".")
    assert name in EXISTING[schema]


@pytest.mark.parametrize("column", re.findall(r"`(\w+)` in `core\.conversions`", PAGE))
def test_every_column_of_orders_that_is_named_exists(column: str) -> None:
    assert f"{column} " in CORE_TABLES["core.conversions"]


@pytest.mark.parametrize(("columns", "feed_names"), re.findall(r"`(\w+)` in ((?:`\w+`(?: and )?)+)", PAGE))
def test_every_column_of_a_feed_that_is_named_exists(columns: str, feed_names: str) -> None:
    for feed in re.findall(r"`(\w+)`", feed_names):
        assert columns in contract(feed).schema


@pytest.mark.parametrize(("check", "asset"), re.findall(r"the check `(\w+)` of `([\w/]+)`", PAGE))
def test_every_check_that_is_named_exists(check: str, asset: str) -> None:
    keys = defs.get_repository_def().asset_graph.asset_check_keys
    assert (asset, check) in {(key.asset_key.to_user_string(), key.name) for key in keys}


@pytest.mark.parametrize("lane", re.findall(r"lane `(\w+)`", PAGE))
def test_every_lane_that_is_named_exists(lane: str) -> None:
    assert lane in lanes()["lane"]


@pytest.mark.parametrize("path", [name for name in TOLD if re.fullmatch(r"[\w./]+/[\w./]*", name) and "." in name])
def test_every_file_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).is_file()
