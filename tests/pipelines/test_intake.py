"""What a feed's tables hold does not depend on how its rows came: in which files, in which order, how often."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.contract import contract
from pipelines.intake import ingest as ingest_module
from pipelines.intake import text
from pipelines.intake.identity import user_keys
from pipelines.intake.store import begin, stage, store
from pipelines.warehouse import one_thread, transaction
from tests.pipelines.intake_files import (
    IMPRESSION,
    ORDER,
    csv_bytes,
    ingest,
    land,
    memory,
    orders,
    parquet_bytes,
    raw,
    tables,
    xlsx_bytes,
)


@pytest.fixture(autouse=True, scope="module")
def at_once() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDCAT_SETTLE_SECONDS", "0")
        yield


def counts(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT file, rows_read, accepted, duplicate, quarantined + ignored FROM ops.files ORDER BY ALL"
    ).fetchall()


def outdated(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, date]]:
    found = set(connection.execute("FROM ops.outdated").fetchall())
    connection.execute("DELETE FROM ops.outdated")
    return found


def test_a_file_that_was_taken_in_is_a_no_op_also_under_another_name(tmp_path: Path) -> None:
    connection = memory()
    land(tmp_path, "shop_conversions/a.csv", csv_bytes(orders(3)))
    (report,) = ingest(connection, tmp_path, "shop_conversions")
    assert (report.status, report.rows_read, report.accepted) == ("complete", 3, 3)
    before = tables(connection)
    land(tmp_path, "shop_conversions/copy of a.csv", csv_bytes(orders(3)))
    assert ingest(connection, tmp_path) == []
    assert tables(connection) == before


def test_a_name_with_new_content_is_a_new_file(tmp_path: Path) -> None:
    connection = memory()
    for amount in ("1", "2"):
        exported = f"2026-09-0{amount} 13:00:00"
        land(tmp_path, "shop_conversions/a.csv", csv_bytes(orders(2, paid_amount=amount, exported_at=exported)))
        assert [r.accepted for r in ingest(connection, tmp_path)] == [2]
    assert {str(row[6]) for row in raw(connection, "shop_conversions")} == {"2.00"}
    assert len(counts(connection)) == 2


def test_the_newer_version_wins_whichever_file_came_first(tmp_path: Path) -> None:
    old = csv_bytes([ORDER | {"paid_amount": "1", "exported_at": "2026-09-02 00:00:00"}])
    new = csv_bytes([ORDER | {"paid_amount": "2", "exported_at": "2026-09-03 00:00:00"}])
    for names in (("a", "b"), ("b", "a")):
        connection = memory()
        for name, content in zip(names, (old, new), strict=True):
            land(tmp_path, f"{names}/shop_conversions/{name}.csv", content)
        ingest(connection, tmp_path / str(names), "shop_conversions")
        assert [str(row[6]) for row in raw(connection, "shop_conversions")] == ["2.00"]
        assert sorted(c[1:] for c in counts(connection)) in ([(1, 1, 0, 0), (1, 1, 0, 0)], [(1, 0, 1, 0), (1, 1, 0, 0)])


def test_only_what_changed_is_made_again(tmp_path: Path) -> None:
    connection = memory()

    def after(rows: list[dict[str, Any]]) -> tuple[int, set[tuple[str, date]]]:
        land(tmp_path, "shop_conversions/a.csv", csv_bytes(rows))
        (report,) = ingest(connection, tmp_path, "shop_conversions")
        return report.accepted, outdated(connection)

    first, second = ({(asset, date(2026, 9, day)) for asset in ("conversions", "code_matches")} for day in (1, 5))
    assert after(orders(2)) == (2, first)
    # The same rows again, under an order of columns that makes it another file: nothing new.
    assert after([dict(reversed(row.items())) for row in orders(2)]) == (0, set())
    # A later export that says the same: a newer version, and nothing to make again.
    assert after(orders(2, exported_at="2026-09-07 00:00:00")) == (2, set())
    # Payments that move to another date: both dates.
    moved = orders(1, paid_at="2026-09-05 00:30:00", exported_at="2026-09-08 00:00:00")
    assert after(moved) == (1, first | second)


def test_a_business_date_is_that_of_shanghai(tmp_path: Path) -> None:
    connection = memory()
    for n, time in enumerate(("2026-08-31T16:00:00Z", "2026-08-31T15:59:59Z", "2026-09-01 00:00:00")):
        land(tmp_path, f"shop_conversions/{n}.csv", csv_bytes([ORDER | {"order_id": f"o{n}", "paid_at": time}]))
    ingest(connection, tmp_path, "shop_conversions")
    dates = connection.execute("SELECT _date FROM raw.shop_conversions ORDER BY order_id").fetchall()
    assert dates == [(date(2026, 9, 1),), (date(2026, 8, 31),), (date(2026, 9, 1),)]
    spans = connection.execute("SELECT file, first_date, last_date FROM ops.files ORDER BY file").fetchall()
    assert spans[1] == ("shop_conversions/1.csv", date(2026, 8, 31), date(2026, 8, 31))


def test_one_user_has_one_key_in_every_format(tmp_path: Path) -> None:
    row = IMPRESSION | {"user_id": "13812345678"}
    floats = pl.DataFrame([row]).with_columns(pl.col("user_id").cast(pl.Float64))
    files = {
        "a.csv": csv_bytes([row]), "b.csv": csv_bytes([row | {"user_id": "13812345678.0 "}]),
        "c.xlsx": xlsx_bytes([list(row), [13812345678 if k == "user_id" else v for k, v in row.items()]]),
        "d.parquet": parquet_bytes(floats), "e.parquet": parquet_bytes(floats.cast({"user_id": pl.Int64})),
        "f.jsonl": floats.cast({"user_id": pl.Int64}).write_ndjson().encode(),
    }  # fmt: skip
    connection = memory()
    for name, content in files.items():
        land(tmp_path, f"note_impressions/{name}", content)
    reports = ingest(connection, tmp_path, "note_impressions")
    assert [r.accepted + r.duplicate for r in reports] == [1] * 6
    assert connection.execute("SELECT count(*) FROM raw.note_impressions").fetchall() == [(1,)]


def test_keys_are_those_of_the_hmac() -> None:
    # RFC 4231, test case 2: HMAC-SHA256 with the key "Jefe" begins with 5bdcc146bf60754e.
    keys, rounded = user_keys(pl.Series(["what do ya want for nothing?", " ", "-", "1.38123E+10"]), b"Jefe")
    assert keys.to_list() == [0x5BDCC146BF60754E, None, None, None]
    assert rounded.to_list() == [False, False, False, True]


def test_a_finished_key_passes_through(tmp_path: Path) -> None:
    row = {k: v for k, v in IMPRESSION.items() if k != "user_id"} | {"user_key": "-9223372036854775808"}
    land(tmp_path, "note_impressions/a.csv", csv_bytes([row]))
    connection = memory()
    ingest(connection, tmp_path, "note_impressions")
    assert raw(connection, "note_impressions")[0][1] == -(2**63)


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    from pipelines.intake.ingest import ingest_feed

    land(tmp_path, "shop_conversions/a.csv", csv_bytes(orders(3)))
    connection = memory()
    before = tables(connection)

    def fail(*_: object) -> list[Any]:
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        list(ingest_feed(connection, tmp_path, "shop_conversions", secret=b"s", audit=fail))
    assert tables(connection) == before
    assert [r.accepted for r in ingest(connection, tmp_path, "shop_conversions")] == [3]


def test_the_audit_sees_every_row_before_it_is_parted(tmp_path: Path) -> None:
    from pipelines.intake.ingest import ingest_feed

    land(tmp_path, "shop_conversions/a.csv", csv_bytes([*orders(3), ORDER | {"paid_amount": "-1"}]))
    connection = memory()

    def audit(borrowed: duckdb.DuckDBPyConnection, table: str, feed: str) -> list[Any]:
        query = f"SELECT count(*), count(*) FILTER (paid_amount < 0) FROM {table}"
        return [SimpleNamespace(rule="minimum", feed=feed, found=borrowed.execute(query).fetchall())]

    (report,) = ingest_feed(connection, tmp_path, "shop_conversions", secret=b"s", audit=audit)
    assert report.outcomes == [SimpleNamespace(rule="minimum", feed="shop_conversions", found=[(4, 1)])]


@pytest.mark.parametrize("again", [[], orders(2), [ORDER | {"paid_amount": "-1"}] * 2], ids=["none", "good", "refused"])
def test_what_is_taken_in_does_not_depend_on_whether_it_is_audited(tmp_path: Path, again: list[dict[str, Any]]) -> None:
    """The audit tells whether a key stands twice, in one file or in two, and nobody else looks then."""
    from pipelines.checks import auditor
    from pipelines.intake.ingest import ingest_feed

    land(tmp_path, "shop_conversions/a.csv", csv_bytes([*orders(4), *again]))
    land(tmp_path, "shop_conversions/b.csv", csv_bytes([*orders(2, line_no="2"), *again]))
    found = []
    for audit in (None, auditor()):
        connection = memory()
        list(ingest_feed(connection, tmp_path, "shop_conversions", secret=b"s", audit=audit))
        found.append(tables(connection))
    assert found[0] == found[1]


# Few keys, instants and values, so that versions, ties, repeats and refusals all occur.
ROWS = st.lists(
    st.builds(
        lambda order, amount, day, user: (
            ORDER
            | {
                "order_id": f"o{order}",
                "paid_amount": amount,
                "exported_at": f"2026-09-0{day} 00:00:00",
                "user_id": user,
            }
        ),
        st.integers(0, 3),
        st.sampled_from(["1", "2", "3", "-1", "x"]),
        st.integers(2, 4),
        st.sampled_from(["u1", "u2", "", "1.2E+10"]),
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=15, deadline=None)
@given(rows=ROWS, data=st.data())
def test_order_repeats_and_splitting_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Rules 1 and 3: every row is accounted for, and the raw table is the same however its rows came."""
    whole, parted = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parted")
    land(whole, "shop_conversions/a.csv", csv_bytes(rows))
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows)), max_size=4)) | {0, len(rows)})
    files = [shuffled[a:b] for a, b in pairwise(cuts)]
    repeated = data.draw(st.lists(st.sampled_from(files), max_size=2))
    one, other = memory(), memory()
    ingest(one, whole, "shop_conversions")
    for n, part in enumerate(files + repeated):
        land(parted, f"shop_conversions/{n}.csv", csv_bytes(part))
        if data.draw(st.booleans()):
            ingest(other, parted, "shop_conversions")
    ingest(other, parted, "shop_conversions")
    assert raw(other, "shop_conversions") == raw(one, "shop_conversions")
    for connection in (one, other):
        for _, read, accepted, duplicate, quarantined in counts(connection):
            assert read == accepted + duplicate + quarantined
            assert min(accepted, duplicate, quarantined) >= 0
    told = "SELECT reasons::VARCHAR, record::VARCHAR FROM quarantine.shop_conversions"
    refused = [Counter(connection.execute(told).fetchall()) for connection in (one, other)]
    assert refused[0].keys() == refused[1].keys()
    if not repeated:
        assert sum(c[1] for c in counts(other)) <= len(rows)


@settings(max_examples=10, deadline=None)
@given(rows=ROWS, data=st.data())
def test_every_table_but_the_counts_is_the_same_in_every_order_of_the_same_files(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    files = [rows[n::3] for n in range(3) if rows[n::3]]
    found = []
    for order in (files, data.draw(st.permutations(files))):
        folder, connection = tmp_path_factory.mktemp("order"), memory()
        for n, part in enumerate(order):
            land(folder, f"shop_conversions/{n}.csv", csv_bytes(part))
            ingest(connection, folder, "shop_conversions")
        kept = tables(connection)
        del kept["ops.files"]  # which of two files brought a row first is its history
        kept["core.order_status"] = [row[:-1] for row in kept["core.order_status"]]  # the last names the file
        kept["quarantine.shop_conversions"] = sorted(repr(q[2:4]) for q in kept["quarantine.shop_conversions"])
        found.append(kept)
    assert found[0] == found[1]


@settings(max_examples=15, deadline=None)
@given(rows=ROWS, size=st.integers(1, 400), together=st.sampled_from([1, 4, 10**6]), data=st.data())
def test_a_file_is_taken_in_alike_in_parts_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], size: int, together: int, data: st.DataObject
) -> None:
    """Every table is the same, with what it says of each file, however few bytes are read and files put in at once."""
    folder = tmp_path_factory.mktemp("parts")
    cut = data.draw(st.integers(0, len(rows)))
    total = b"\xe5\x90\x88\xe8\xae\xa1,,,,,,9.90,,,\n"
    for name, part in (("a", rows[:cut]), ("b", rows[cut:]), ("c", [])):
        land(folder, f"shop_conversions/{name}.csv", csv_bytes([ORDER, *part]) + total)
    land(folder, "shop_conversions/d.csv", csv_bytes(rows).replace(b"paid_at", b"x"))
    found = []
    for characters, rows_together in ((text.PART, 1), (size, together)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text, "PIECE", min(characters, text.PIECE))
            patch.setattr(text, "PART", characters)
            patch.setattr(ingest_module, "ROWS_TOGETHER", rows_together)
            connection = memory()
            ingest(connection, folder, "shop_conversions")
            found.append(tables(connection))
    assert found[0] == found[1]
    statuses = [row[4] for row in found[0]["ops.files"]]
    assert statuses.count("refused") == 1
    assert all("1 total row ignored" in row[10] for row in found[0]["ops.files"] if row[4] != "refused")


def test_a_part_that_cannot_be_read_leaves_nothing_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside another file that is put in with it; what stands twice under a header shows in the last part only."""
    monkeypatch.setattr(text, "PIECE", 200)
    monkeypatch.setattr(text, "PART", 200)
    rows = [row | {"ORDER_ID ": row["order_id"]} for row in orders(20)]
    land(tmp_path, "shop_conversions/a.csv", csv_bytes(orders(3, line_no="2")))
    land(tmp_path, "shop_conversions/b.csv", csv_bytes([*rows, rows[0] | {"ORDER_ID ": "other"}]))
    connection = memory()
    whole, broken = ingest(connection, tmp_path, "shop_conversions")
    assert (whole.accepted, broken.status, broken.rows_read) == (3, "refused", 0)
    assert "2 columns have the header" in broken.message
    assert connection.execute("SELECT count(*), count(DISTINCT _file) FROM raw.shop_conversions").fetchall() == [(3, 1)]


@pytest.mark.slow
def test_a_file_of_five_million_rows_is_taken_in_in_bounded_memory(tmp_path: Path) -> None:
    """In a process of its own, whose memory is measured with that of everything that is imported."""
    count, path = 5_000_000, tmp_path / "landing" / "note_impressions" / "a.csv"
    path.parent.mkdir(parents=True)
    number = pl.int_range(count, eager=True)
    frame = pl.select(
        note_id=pl.format("66f1a2b3c4d5e6f70809{}", (number % 5_000).cast(pl.String).str.zfill(4)),
        user_id=(number % 2_000_003).cast(pl.String).str.zfill(12),
        occurred_at=pl.lit("2026-09-01 ") + pl.from_epoch(number % 86_399).dt.strftime("%H:%M:%S"),
        exported_at=pl.lit("2026-09-02 06:00:00"),
    )
    frame.write_csv(path)
    program = (
        "import pathlib, sys; from benchmarks.intake import intake; from benchmarks.measuring import peak_gigabytes\n"
        "print(intake(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))\n"
        "print(peak_gigabytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "landing"), str(tmp_path)],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    accepted, peak = done.stdout.split()
    assert int(accepted) == count
    assert float(peak) < 1


def test_rows_that_fill_row_groups_of_the_database_are_all_stored() -> None:
    """A part of more rows than the database puts into one group, in the transaction that makes the table."""
    connection = memory()
    number = pl.int_range(150_000, eager=True).cast(pl.String).alias("spend_id")
    values = {"spend_date": date(2026, 9, 1), "kind": "ads", "payer": "brand", "amount": 1, "currency": "CNY",
              "exported_at": datetime(2026, 9, 2, tzinfo=UTC), "_date": date(2026, 9, 1), "_row": 1}  # fmt: skip
    with transaction(connection):
        begin(connection, "note_spend")
        for digest in "ab":
            frame = pl.DataFrame({"spend_id": digest + number}).with_columns(
                *[pl.lit(value).alias(name) for name, value in values.items()],
                pl.lit([], dtype=pl.List(pl.String)).alias("_reasons"),
                pl.lit(None, dtype=pl.String).alias("_record"),
            )
            stage(connection, frame, digest * 64)
        stored = store(connection, "note_spend", {"a" * 64: "a", "b" * 64: "b"})
    assert [(s.rows, s.accepted) for s in stored.values()] == [(150_000, 150_000)] * 2
    assert connection.execute("SELECT count(DISTINCT spend_id) FROM raw.note_spend").fetchall() == [(300_000,)]


def test_what_fails_in_one_thread_is_told_and_the_others_come_back() -> None:
    connection = memory()
    threads = "SELECT current_setting('threads')"
    several = connection.execute(threads).fetchall()
    with pytest.raises(duckdb.ConversionException, match="'x'"), transaction(connection), one_thread(connection):
        connection.execute(f"SELECT 'x'::INTEGER WHERE ({threads}) = 1")
    assert connection.execute(threads).fetchall() == several


def test_storing_counts_what_the_raw_table_gained(tmp_path: Path) -> None:
    terms, connection = contract("note_spend"), memory()
    row = {"spend_id": "s", "spend_date": date(2026, 9, 1), "kind": "ads", "payer": "brand", "amount": 1,
           "currency": "CNY", "exported_at": datetime(2026, 9, 2)}  # fmt: skip
    schema = {"_row": pl.Int64, "_date": pl.Date, "_reasons": pl.List(pl.String), "_record": pl.String}
    rows = [row | {"_row": 2, "_date": row["spend_date"], "_reasons": []},
            row | {"_row": 3, "_date": row["spend_date"], "_reasons": ["kind: no"], "_record": "{}"},
            row | {"_row": 4, "_date": row["spend_date"], "_reasons": []}]  # fmt: skip
    frame = pl.DataFrame([{c: r.get(c) for c in [*terms.schema, *schema]} for r in rows],
                         schema_overrides=dict(terms.schema) | schema)  # fmt: skip
    begin(connection, "note_spend")
    stage(connection, frame, "d" * 64)
    stored = store(connection, "note_spend", {"d" * 64: "f"})["d" * 64]
    assert (stored.accepted, stored.quarantined) == (1, 1)
    assert connection.execute("SELECT _file, _row FROM raw.note_spend").fetchall() == [("d" * 16, 4)]
