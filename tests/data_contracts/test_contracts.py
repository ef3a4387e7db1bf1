"""The contracts are sound by the standard's own tool, and say all that the software takes from them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from data_contracts.contract import FEEDS, POLARS_TYPES, contract, feeds
from data_contracts.reference import categories, channels, lanes

NAMED = {
    "notes.note_id", "local_shops.shop_id", "reference.categories.category", "reference.channels.channel",
    "reference.lanes.lane", "reference.cities.city", "reference.verticals.vertical",
    "reference.local_programmes.programme", "reference.payment_channels.payment_channel",
}  # fmt: skip


def test_the_feeds_are_those_of_the_vocabulary() -> None:
    assert set(feeds()) >= {
        "notes", "note_impressions", "note_engagements", "link_clicks", "shop_events", "shop_conversions", "refunds",
        "note_spend",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("feed", feeds())
def test_lint_passes(feed: str) -> None:
    tool = Path(sys.executable).with_name("datacontract")
    done = subprocess.run([tool, "lint", FEEDS / f"{feed}.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("feed", feeds())
def test_what_every_feed_states(feed: str) -> None:
    terms = contract(feed)
    assert terms.feed == feed
    assert terms.primary_key
    assert all(terms.field(name).required for name in terms.primary_key)
    assert terms.field(terms.business_date).required
    assert terms.field(terms.business_date).physical_type in ("DATE", "TIMESTAMPTZ")
    assert terms.field("exported_at").required
    assert terms.field("exported_at").not_after == "now"
    assert 0 < terms.quarantine_tolerance <= 1
    assert list(terms.schema) == [f.name for f in terms.fields]
    for field in terms.fields:
        assert field.description, field.name
        assert field.name_zh, field.name
        assert field.reference is None or field.reference in NAMED
        assert field.not_after in (None, "now", *terms.schema)


@pytest.mark.parametrize("feed", feeds())
def test_its_types_are_types_of_duckdb_and_no_header_means_two_columns(feed: str) -> None:
    terms = contract(feed)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({', '.join(f'{f.name} {f.physical_type}' for f in terms.fields)})")
        frame = connection.sql("FROM t").pl()
    assert {n: t for n, t in frame.schema.items() if t.base_type().__name__ != "Datetime"} == {
        n: t for n, t in terms.schema.items() if t.base_type().__name__ != "Datetime"
    }
    assert {f.physical_type for f in terms.fields} <= set(POLARS_TYPES)
    names = [n for f in terms.fields for n in {f.name, *f.aliases}]
    names += [n for name, aliases in terms.raw.items() for n in (name, *aliases)]
    assert len(names) == len(set(names))


def test_codes_of_lanes_are_the_reference_tables() -> None:
    assert list(contract("notes").field("lane").enum) == lanes()["lane"].to_list()
    assert {"tmall", "jd", "in_app_shop", "store"} <= set(channels()["channel"])
    assert categories()["category"].is_unique().all()


def test_an_unknown_feed_or_column_is_told_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match=r"no feed 'orders'.*shop_conversions"):
        contract("orders")
    with pytest.raises(KeyError, match=r"notes has no column 'nope'.*note_id"):
        contract("notes").field("nope")
