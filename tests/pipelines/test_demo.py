"""The demo world: deterministic, true to its own rule, and dirty exactly where it says."""

from __future__ import annotations

import gzip
import io
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from data_contracts.contract import contract, feeds
from data_contracts.parsing import parse
from data_contracts.rules import judge, rules
from pipelines.demo import DemoSummary, dirt, generate
from pipelines.demo.landing import EXPORTS

if TYPE_CHECKING:
    from pathlib import Path

AFTER = datetime(2026, 11, 20, tzinfo=UTC)  # later than every export of the demo

MADE = feeds()


@dataclass(frozen=True)
class Demo:
    root: Path
    summary: DemoSummary

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    def files(self, feed: str) -> list[Path]:
        """The feed's files without the second copy of one that was downloaded twice."""
        return [path for path in sorted((self.landing / feed).iterdir()) if " (1)" not in path.name]

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.root / "truth" / f"{name}.parquet")


def make(root: Path, **options: object) -> Demo:
    return Demo(root, generate(root / "landing", root / "truth", **options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return make(tmp_path_factory.mktemp("demo"), size="s", seed=7)


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def read(path: Path) -> pl.DataFrame:
    """A landing file under its own headers, text where the format has no types."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        return pl.read_parquet(data)
    if path.suffix == ".jsonl":
        return pl.read_ndjson(data, infer_schema_length=None)
    if path.suffix == ".xlsx":
        return pl.read_excel(io.BytesIO(data), read_options={"dtypes": "string"})
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    encoding = next(export.encoding for export in EXPORTS if path.name.startswith(export.name + "_2"))
    return pl.read_csv(data.decode(encoding).encode(), infer_schema=False)


def judged(path: Path, feed: str) -> pl.DataFrame:
    """The file's rows in the contract's types with `_reasons`; the user id's number stands for the key."""
    terms = contract(feed)
    names = {alias: field.name for field in terms.fields for alias in field.aliases}
    frame = read(path).rename(names, strict=False)
    for key, raw in {f.name: f.keyed_from for f in terms.fields if f.keyed_from in frame.columns}.items():
        frame = frame.with_columns(pl.col(raw).str.slice(1).cast(pl.Int64).alias(key)).drop(raw)
    return judge(parse(frame, terms), terms, now=AFTER)


def accepted(demo: Demo, feed: str) -> pl.DataFrame:
    """The newest version of every good row."""
    rows = pl.concat([judged(path, feed) for path in demo.files(feed)])
    good = rows.filter(pl.col("_reasons").list.len() == 0)
    return good.sort("exported_at").unique(contract(feed).primary_key, keep="last")


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(demo: Demo, tmp_path: Path) -> None:
    again = make(tmp_path / "again", size="s", seed=7)
    other = make(tmp_path / "other", size="s", seed=8)
    assert contents(again.root) == contents(demo.root)
    assert again.summary == demo.summary
    for feed in MADE:
        assert contents(other.landing / feed) != contents(demo.landing / feed), feed


def test_summary_counts_what_lies_in_the_landing_folder(demo: Demo) -> None:
    assert (demo.summary.first_date, demo.summary.last_date) == (date(2026, 9, 1), date(2026, 10, 30))
    assert [count.feed for count in demo.summary.feeds] == [path.name for path in order_of(demo)]
    for count in demo.summary.feeds:
        frames = [read(path) for path in demo.files(count.feed)]
        assert count.files == len(frames)
        assert count.rows == sum(frame.height for frame in frames)
        assert count.repeated == sum(frame.height - frame.unique().height for frame in frames)
        assert count.copied_files == len(list((demo.landing / count.feed).iterdir())) - len(frames)
    assert sum(count.files + count.copied_files for count in demo.summary.feeds) <= 100
    assert all(sum(getattr(count, kind) for count in demo.summary.feeds) for kind in ("late", "restated"))


def order_of(demo: Demo) -> list[Path]:
    order = list(dict.fromkeys(export.feed for export in EXPORTS))
    assert set(order) == set(MADE)
    return [demo.landing / feed for feed in order]


def test_a_small_world_is_a_tenth_of_the_usual_one(demo: Demo) -> None:
    bounds = {
        "note_impressions": (30_000, 40_000),
        "note_engagements": (3_000, 6_000),
        "link_clicks": (2_000, 5_000),
        "shop_events": (5_000, 8_000),
        "shop_conversions": (1_200, 1_900),
        "refunds": (50, 130),
        "note_spend": (400, 1_200),
    }
    rows = {count.feed: count.rows for count in demo.summary.feeds}
    assert {feed: rows[feed] for feed, (low, high) in bounds.items() if not low <= rows[feed] <= high} == {}


def test_every_tier_lane_category_channel_and_kind_of_spend_occurs(demo: Demo) -> None:
    notes, spend = accepted(demo, "notes"), accepted(demo, "note_spend")
    assert set(notes["creator_tier"]) == {"head", "mid", "tail", "koc"}
    assert set(notes["lane"]) == set(contract("notes").field("lane").enum)
    assert set(notes["exchange"].drop_nulls()) == {"red_cat", "red_jd"}
    assert notes["category"].n_unique() == 8
    assert set(accepted(demo, "shop_conversions")["channel"]) == {"tmall", "jd", "in_app_shop", "store"}
    assert set(spend["payer"]) == {"brand", "platform"}
    kinds = {"creator_fee", "service_fee", "ads", "boost", "samples", "task_fee", "commission", "production"}
    assert set(spend["kind"]) == kinds
    assert spend["note_id"].null_count() > 0


def test_headers_are_names_or_synonyms_of_the_contract(demo: Demo) -> None:
    for feed in MADE:
        fields = contract(feed).fields
        known = {name for f in fields for name in (f.name, f.made_from, *f.raw_aliases, *f.aliases)}
        for path in demo.files(feed):
            assert set(read(path).columns) <= known, path.name


def test_quarantined_rows_are_the_listed_ones_and_below_the_tolerance(demo: Demo) -> None:
    for feed in MADE:
        listed = [d for d in demo.summary.dirt if d.feed == feed and d.outcome == "quarantined"]
        refused = []
        for path in demo.files(feed):
            bad = judged(path, feed).filter(pl.col("_reasons").list.len() > 0)
            assert bad.height / read(path).height < contract(feed).quarantine_tolerance, path.name
            refused += bad["_reasons"].to_list()
        assert all(len(reasons) == 1 for reasons in refused), feed
        columns = Counter(reasons[0].split(":")[0] for reasons in refused)
        expected = Counter({d.reason: d.rows for d in listed})
        assert columns == sum((Counter({column_of(r): n}) for r, n in expected.items()), Counter()), feed


def column_of(reason: str) -> str:
    kinds = ("_required", "_identifier", "_enum", "_minimum", "_not_after", "_unreadable")
    return next(reason.removesuffix(kind) for kind in kinds if reason.endswith(kind))


def test_reasons_are_names_of_the_contracts_rules() -> None:
    for trait in dirt.TRAITS:
        names = {rule.name for rule in rules(contract(trait.feed))}
        derived = {f"{trait.column}_unreadable", f"{trait.column}_reference"}
        assert trait.reason in names | derived, trait


def test_flagged_rows_are_accepted_with_an_unknown_reference(demo: Demo) -> None:
    notes = accepted(demo, "notes")
    for feed in ("note_impressions", "link_clicks", "note_spend"):
        rows = accepted(demo, feed).drop_nulls("note_id")
        unknown = rows.join(notes, on="note_id", how="anti")
        listed = sum(d.rows for d in demo.summary.dirt if d.feed == feed and d.outcome == "flagged")
        assert (unknown.height, set(unknown["note_id"])) == (listed, {dirt.FOREIGN_NOTE})
    assert "home_fragrance" in set(accepted(demo, "shop_events")["category"])


def test_accepted_orders_are_the_true_ones_to_the_fen(demo: Demo) -> None:
    key = ["channel", "order_id", "line_no"]
    truth = demo.truth("orders").sort(key)
    orders = accepted(demo, "shop_conversions").filter(pl.col("status").is_in(["paid", "received"])).sort(key)
    assert truth.select(key).is_unique().all()
    assert orders.select(*key, "paid_at", "paid_amount", "category").equals(
        truth.select(*key, "paid_at", "paid_amount", "category")
    )
    links = accepted(demo, "identity_links").select("user_key", "linked_key")
    assert links.height > 0
    person = pl.col("user_key").replace(dict(links.select("linked_key", "user_key").iter_rows()))
    known = orders.select(*key, person).join(truth, on=key).drop_nulls("user_key")
    assert known.filter(pl.col("user_key") != pl.col("user_id").str.slice(1).cast(pl.Int64)).is_empty()
    assert 0 < orders["user_key"].null_count() < orders.height / 10


def test_a_caused_order_follows_an_exposure_of_its_buyer_to_its_note(demo: Demo) -> None:
    caused = demo.truth("orders").filter("caused")
    assert caused.height > 100
    assert caused.filter(pl.col("exposed_at") >= pl.col("paid_at")).is_empty()
    seen = accepted(demo, "note_impressions").select("note_id", "user_key", exposed_at="occurred_at")
    buyers = caused.with_columns(user_key=pl.col("user_id").str.slice(1).cast(pl.Int64))
    of_keyed = buyers.join(seen, on="note_id", how="semi")
    assert of_keyed.height > 100
    assert of_keyed.join(seen, on=["note_id", "user_key", "exposed_at"], how="anti").is_empty()
    promoted = accepted(demo, "notes").select("note_id", "category")
    assert caused.join(promoted, on=["note_id", "category"], how="anti").is_empty()
    baseline = demo.truth("orders").filter(~pl.col("caused"))
    assert baseline["note_id"].null_count() == baseline.height


def test_an_exchange_alone_knows_the_readers_of_some_seeding_notes(demo: Demo) -> None:
    notes, claims = accepted(demo, "notes"), accepted(demo, "exchange_note_daily")
    unseen = notes.join(accepted(demo, "note_impressions"), on="note_id", how="anti")
    assert unseen.height > 0
    assert set(unseen["lane"]) == {"seeding"}
    assert unseen.join(claims, on="note_id", how="anti").is_empty()
    assert unseen.join(accepted(demo, "note_engagements"), on="note_id").is_empty()
    assert set(claims.join(notes, on=["note_id", "exchange"])["lane"]) == {"seeding", "exchange_link"}


def test_links_under_in_app_notes_have_owners_and_no_others_do(demo: Demo) -> None:
    clicks = accepted(demo, "link_clicks").join(accepted(demo, "notes").select("note_id", "lane"), on="note_id")
    owners = clicks.group_by("lane").agg(pl.col("link_owner").unique().sort())
    assert dict(owners.iter_rows()) == {
        "in_app": ["other_user", "own_note"], "live": [None], "exchange_link": [None]
    }  # fmt: skip


def test_true_increments_of_notes_add_up_and_losers_stay(demo: Demo) -> None:
    orders, notes = demo.truth("orders"), demo.truth("notes")
    assert notes["incremental_gmv"].sum() == orders.filter("caused")["paid_amount"].sum()
    assert notes["caused_orders"].sum() == orders["caused"].sum()
    without_effect = notes.filter(pl.col("archetype").is_in(["liked_but_empty", "flop"]))
    assert without_effect["caused_orders"].sum() == 0
    spending = accepted(demo, "note_spend").filter(pl.col("payer") == "brand")["note_id"]
    assert set(without_effect["note_id"]) <= set(spending)
    assert notes.height == demo.summary.notes
    assert set(notes["note_id"]) == set(accepted(demo, "notes")["note_id"])


def test_click_ids_on_orders_are_earlier_clicks_of_the_same_channel(demo: Demo) -> None:
    orders = demo.truth("orders").join(
        accepted(demo, "shop_conversions").select("channel", "order_id", "line_no", "click_id", "user_key"),
        on=["channel", "order_id", "line_no"],
    )
    carrying = orders.drop_nulls("click_id")
    clicks = accepted(demo, "link_clicks").select("click_id", "occurred_at", link="channel")
    found = carrying.join(clicks, on="click_id")
    assert found.height == carrying.height > 50
    assert found.filter((pl.col("link") != pl.col("channel")) | (pl.col("occurred_at") >= pl.col("paid_at"))).is_empty()
    assert carrying["user_key"].null_count() > 0  # guests, who match by their click alone
    assert carrying.filter(~pl.col("caused")).height > 0  # a click is no proof of a cause


def test_refunds_belong_to_orders_and_never_exceed_them(demo: Demo) -> None:
    key = ["channel", "order_id", "line_no"]
    refunds = accepted(demo, "refunds").join(demo.truth("orders"), on=key, how="left")
    assert refunds["paid_amount"].null_count() == 0
    assert refunds.filter(
        (pl.col("refund_amount") > pl.col("paid_amount")) | (pl.col("refunded_at") <= pl.col("paid_at"))
    ).is_empty()


def test_the_platform_bears_some_refunds_where_the_shop_says_who_does(demo: Demo) -> None:
    refunds = accepted(demo, "refunds")
    told = {c: set(part["borne_by"]) for (c,), part in refunds.partition_by("channel", as_dict=True).items()}
    assert told == {"tmall": {None}, "jd": {None}, "in_app_shop": {"brand", "platform"}}


def test_deposits_become_sales_at_their_full_price_or_stay_deposits(demo: Demo) -> None:
    newest = accepted(demo, "shop_conversions")
    presold = newest.filter(pl.col("deposit_paid_at").is_not_null())
    assert set(presold["channel"]) == {"tmall"}
    assert set(presold["status"]) == {"paid", "deposit", "cancelled"}
    sales = presold.filter(status="paid")
    assert (sales["deposit_amount"] + sales["balance_amount"] == sales["paid_amount"]).all()
    assert (sales["deposit_paid_at"] < sales["paid_at"]).all()
    others = presold.filter(pl.col("status") != "paid")
    assert (others["deposit_amount"] == others["paid_amount"]).all()
    assert others.join(demo.truth("orders"), on="order_id").is_empty()


def test_local_notes_bring_orders_to_stores(demo: Demo) -> None:
    lanes = accepted(demo, "notes").select("note_id", "lane")
    stores = demo.truth("orders").filter(channel="store")
    caused = stores.filter("caused").join(lanes, on="note_id")
    assert caused.height > 5
    assert set(caused["lane"]) == {"local"}
    assert stores.filter(~pl.col("caused")).height > 0


def test_nothing_of_the_truth_lies_in_the_landing_folder(demo: Demo) -> None:
    secret = {"caused", "exposed", "exposed_at", "effect", "archetype", "_trace", "_day"}
    for feed in MADE:
        for path in demo.files(feed):
            assert not secret & set(read(path).columns)
    assert {path.name for path in demo.landing.iterdir()} == set(MADE)
    assert {path.name for path in (demo.root / "truth").iterdir()} == {
        "orders.parquet",
        "notes.parquet",
        "README.md",
    }


def test_progress_is_told_file_by_file(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    generate(tmp_path / "l", tmp_path / "t", size="s", on_progress=lambda *news: told.append(news))
    assert [done for done, _, _ in told] == list(range(1, told[0][1] + 1))


@pytest.mark.parametrize(("options", "message"), [({"size": "xl"}, "no size 'xl'"), ({}, "outside the landing folder")])
def test_bad_arguments_are_refused(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate(tmp_path, tmp_path / "truth", **options)
    assert list(tmp_path.iterdir()) == []
