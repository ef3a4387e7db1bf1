"""What holds in sound data beyond single values: told where it does not hold, and nothing is changed by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from data_contracts.contract import contract, feeds
from pipelines.identities import STATED, identity_results, identity_specs
from pipelines.intake.check import check_file
from tests.pipelines.intake_files import ORDER, csv_bytes, ingest, land, memory

if TYPE_CHECKING:
    from pathlib import Path

METRICS = {"note_id": "n1", "metric_date": "2026-09-01", "source": "pugongying", "part": "all", "is_cumulative": "true",
           "impressions": "100", "reads": "50", "clicks": "9", "likes": "4", "comments": "3", "collects": "2",
           "shares": "1", "follows": "0", "interactions": "10", "exported_at": "2026-09-05 06:00:00"}  # fmt: skip
CLAIM = {"claim_id": "a", "exchange": "red_cat", "level": "content", "task_id": "t", "note_id": "n1",
         "claim_date": "2026-09-01", "cycle": "15", "visit_uv": "100", "new_visitor_uv": "60", "search_visit_uv": "40",
         "order_uv": "10", "shop_gmv": "3000.50", "task_product_gmv": "2000.50", "other_gmv": "1000",
         "currency": "CNY", "exported_at": "2026-09-05 06:00:00"}  # fmt: skip
AD_CLAIM = {"ad_claim_id": "a", "platform": "juguang", "note_id": "n1", "claim_date": "2026-09-01",
            "claim_kind": "in_app_paid", "cycle": "7", "orders": "4", "gmv": "400.00", "currency": "CNY",
            "exported_at": "2026-09-05 06:00:00"}  # fmt: skip
PRESALE = ORDER | {"deposit_amount": "10.00", "balance_amount": "89.90", "status": "paid"}
LATER = {"metric_date": "2026-09-02"}
OTHER = {"note_id": "n2", "metric_date": "2026-09-03", "likes": "0"}
MONTH = {"claim_id": "b", "cycle": "30"}
TASK = {"claim_id": "c", "level": "task", "note_id": ""}
NOTE2 = {"claim_id": "d", "note_id": "n2", "visit_uv": "80"}

# Of each identity: rows that hold it, also at its edge, and rows that break it, with the rows of the file that do.
CASES: dict[str, tuple[dict[str, str], list[dict[str, str]], list[dict[str, str]], list[int]]] = {
    "interactions_add_up": (METRICS, [{"follows": ""}, {}], [{"interactions": "11"}], [2]),
    "reads_within_impressions": (METRICS, [{"reads": "100"}], [{"impressions": "0"}], [2]),
    "clicks_within_impressions": (METRICS, [{"clicks": "100"}], [{"clicks": "101"}], [2]),
    "cumulative_counts_never_fall": (
        METRICS,
        [
            {},
            LATER | {"likes": "5", "interactions": "11"},
            {"note_id": "n2", "metric_date": "2026-09-03", "likes": "0"},
        ],
        [{}, LATER | {"likes": "3", "interactions": "9"}],
        [3],
    ),
    "gmv_adds_up": (CLAIM, [{"other_gmv": "1001"}, {"other_gmv": ""}], [{"other_gmv": "1010"}], [2]),
    "visits_bound_what_follows": (CLAIM, [{"new_visitor_uv": "100"}], [{"order_uv": "101"}], [2]),
    "longer_cycles_hold_shorter_ones": (
        CLAIM,
        [{}, MONTH | {"visit_uv": "120"}, NOTE2 | {"cycle": "30"}],
        [{}, MONTH | {"order_uv": "9"}],
        [3],
    ),
    "task_uv_between_its_notes": (
        CLAIM,
        [{}, NOTE2, TASK | {"visit_uv": "180"}],
        [{}, NOTE2, TASK | {"visit_uv": "181"}],
        [4],
    ),
    "longer_windows_hold_shorter_ones": (
        AD_CLAIM,
        [{}, {"cycle": "15"}, {"cycle": "30", "orders": "5", "gmv": "401.00"}, {"note_id": "n2", "cycle": "30"}],
        [{}, {"cycle": "15", "orders": "3"}],
        [3],
    ),
    "presale_adds_up": (
        PRESALE,
        [{"paid_amount": "99.91"}, {"status": "deposit", "paid_amount": "10.00"}, {"balance_amount": ""}],
        [{}, {"balance_amount": "80.00"}],
        [3],
    ),
}
IDS = {"claim_id", "ad_claim_id", "order_id"}
FEEDS = {id(METRICS): "note_metrics_daily", id(CLAIM): "exchange_note_daily", id(AD_CLAIM): "ad_claims_daily",
         id(PRESALE): "shop_conversions"}  # fmt: skip


def rows(base: dict[str, str], changes: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Each change of the row, under an id of its own."""
    return [base | change | dict.fromkeys(IDS & base.keys(), f"{n}") for n, change in enumerate(changes)]


def test_every_identity_has_a_case() -> None:
    assert set(CASES) == {identity.name for feed in feeds() for identity in contract(feed).identities}


@pytest.mark.parametrize("name", CASES)
def test_an_identity_is_told_where_it_does_not_hold(tmp_path: Path, name: str) -> None:
    """By redcat check with the rows of the file, and as a warning of the feed; the rows go in as they are."""
    base, sound, broken, which = CASES[name]
    feed = FEEDS[id(base)]
    for case, changes in (("sound", sound), ("broken", broken)):
        path = land(tmp_path / case, f"{feed}/a.csv", csv_bytes(rows(base, changes)))
        (found,) = check_file(path, feed)
        told = [w for w in found.warnings if w.startswith(f"{name}: ")]
        connection = memory()
        (report,) = ingest(connection, tmp_path / case, feed)
        checks = {result.check_name: result for result in identity_results(connection, feed, [report])}
        assert report.quarantined == 0
        assert checks[name].passed == (case == "sound")
        assert bool(told) == (case == "broken")
        if case == "broken":
            assert f"({', '.join(map(str, which))})" in told[0]
            assert checks[name].severity.value == "WARN"
            assert checks[name].description
    assert set(checks) == {spec.name for spec in identity_specs(feed)}


def test_what_a_file_states_wrongly_is_a_warning_of_its_feed(tmp_path: Path) -> None:
    head = "时间,笔记ID,消费,展现量,点击量,点击率,小红星任务期消费\n"
    body = "2026-09-01,n1,10.00,100,5,5.00%,10.00\n2026-09-01,n2,10.00,100,5,6.00%,10.50\n合计,-,21.00,200,10,-,-\n"
    path = land(tmp_path, "聚光_20260902.csv", (head + body).encode())
    spend, metrics = check_file(path)
    told = [w for w in spend.warnings if "follow" in w]
    assert [w.split(":")[0] for w in told] == ["点击率", "小红星任务期消费", "total of amount"]
    assert "1 row (3)" in told[0]
    assert not [w for w in metrics.warnings if "点击率" in w]
    connection = memory()
    (report,) = ingest(connection, tmp_path, "note_spend")
    (result,) = identity_results(connection, "note_spend", [report])
    assert (result.check_name, result.passed) == (STATED, False)
    assert connection.execute("SELECT sum(amount)::DOUBLE FROM raw.note_spend").fetchall() == [(20.0,)]


def test_what_a_response_says_of_all_its_pages_is_compared_with_its_records(tmp_path: Path) -> None:
    """The sums beside the records are a total row; the number of records tells that a page is missing."""
    record = {"time": "2026-09-01", "note_id": "n1", "fee": "10.00", "impression": "10", "click": "1"}
    sums = {"fee": "99999.00", "impression": "10"}
    for name, total_count, told in (("whole", 1, []), ("page", "900", ["it says that there are 899 records more"])):
        data = {"total_count": total_count, "data_list": [record], "aggregation_data": sums}
        path = land(tmp_path, f"{name}_20260902.json", orjson.dumps({"code": 0, "data": data}))
        spend, metrics = check_file(path)
        assert (spend.rows, spend.accepted, spend.ignored_totals) == (2, 1, 1)
        assert [w.split(";")[0] for w in spend.warnings if "total of amount" not in w] == ["1 total row ignored", *told]
        assert any("(10.00, found 99,999.00)" in w for w in spend.warnings)
        assert not any("total of" in w for w in metrics.warnings)


def test_a_count_beyond_all_is_refused_and_added_to_nothing(tmp_path: Path) -> None:
    rows = [
        METRICS | {"note_id": note, "likes": likes} for note, likes in (("n1", str(2**63 - 1)), ("n2", str(10**12)))
    ]
    (found,) = check_file(land(tmp_path, "note_metrics_daily/a.csv", csv_bytes(rows)))
    assert (found.accepted, found.quarantined) == (1, 1)
    assert found.reasons[0][1][0].startswith("likes: is '9223372036854775807', expected at most 1,000,000,000,000")
    assert any(warning.startswith("interactions_add_up: 1 row does not hold it (3)") for warning in found.warnings)
