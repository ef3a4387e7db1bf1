"""A file is read again when its mapping was corrected, and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pipelines.intake_files import ingest, land, memory, tables

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

SPEND = "笔记,日子,钱\n{note},2026-09-0{day},{amount}\n{note}x,2026-09-0{day},abc\n"
MAPPING = """
export: mine
feed: note_spend
title: x
recognise: [笔记, 日子, 钱]
columns:
  spend_id: {{template: "{{笔记}}-{{=spend_date}}"}}
  note_id: 笔记
  spend_date: 日子
  kind: {{value: ads}}
  payer: {{value: brand}}
  currency: {{value: CNY}}
  amount: {{from: 钱, unit: {unit}}}
  exported_at: {{value: "2026-09-10 00:00:00"}}
"""


@pytest.fixture
def landing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REDCAT_HOME", str(tmp_path))
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    state(tmp_path / "landing", unit="yuan")
    for day in (1, 2):
        land(tmp_path / "landing", f"{day}.csv", SPEND.format(note=f"n{day}", day=day, amount=100 * day).encode())
    return tmp_path / "landing"


def state(landing: Path, **stated: str) -> None:
    """Write the mapping."""
    folder = landing.parent / "exports"
    folder.mkdir(exist_ok=True)
    (folder / "mine.yaml").write_text(MAPPING.format(**stated), encoding="utf-8")


def amounts(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, float]]:
    return connection.execute("SELECT note_id, amount::DOUBLE FROM raw.note_spend ORDER BY ALL").fetchall()


def outdated(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("SELECT business_date::VARCHAR FROM ops.outdated WHERE asset = 'spend' ORDER BY ALL")
    return [date for (date,) in rows.fetchall()]


def test_a_corrected_mapping_gives_what_it_would_have_given_at_first(landing: Path) -> None:
    """Also where the corrected amount is the lesser one, and for the rows in quarantine."""
    connection = memory()
    ingest(connection, landing, "note_spend")
    assert amounts(connection) == [("n1", 100.0), ("n2", 200.0)]
    assert ingest(connection, landing, "note_spend") == []
    connection.execute("DELETE FROM ops.outdated")
    state(landing, unit="fen")
    assert [(r.file, r.accepted, r.quarantined) for r in ingest(connection, landing, "note_spend")] == [
        ("1.csv", 1, 1),
        ("2.csv", 1, 1),
    ]
    assert outdated(connection) == ["2026-09-01", "2026-09-02"]
    afresh = memory()
    ingest(afresh, landing, "note_spend")
    assert amounts(connection) == [("n1", 1.0), ("n2", 2.0)]
    assert tables(connection) == tables(afresh)
    assert ingest(connection, landing, "note_spend") == []


def test_a_file_that_is_no_more_of_the_feed_leaves_it(landing: Path) -> None:
    connection = memory()
    ingest(connection, landing, "note_spend")
    connection.execute("DELETE FROM ops.outdated")
    (landing.parent / "exports" / "mine.yaml").unlink()
    assert ingest(connection, landing, "note_spend") == []
    assert amounts(connection) == []
    assert connection.execute("SELECT count(*) FROM ops.files").fetchall() == [(0,)]
    assert connection.execute("SELECT count(*) FROM quarantine.note_spend").fetchall() == [(0,)]
    assert outdated(connection) == ["2026-09-01", "2026-09-02"]


def test_what_cannot_be_read_again_stays(landing: Path) -> None:
    """One file was removed, another overwritten: what they said is known from them alone."""
    connection = memory()
    ingest(connection, landing, "note_spend")
    (landing / "1.csv").unlink()
    land(landing, "2.csv", SPEND.format(note="n3", day=3, amount=300).encode())
    state(landing, unit="fen")
    ingest(connection, landing, "note_spend")
    assert amounts(connection) == [("n1", 100.0), ("n2", 200.0), ("n3", 3.0)]


def test_a_home_that_does_not_know_by_which_mapping_it_read_reads_once_more(landing: Path) -> None:
    connection = memory()
    ingest(connection, landing, "note_spend")
    connection.execute("UPDATE ops.files SET mapping = NULL")
    assert [r.accepted for r in ingest(connection, landing, "note_spend")] == [1, 1]
    assert ingest(connection, landing, "note_spend") == []


def test_a_replaced_file_does_not_have_all_files_hashed_at_every_run(landing: Path, monkeypatch) -> None:
    """What it said before was read by another mapping, and nothing can be done about it any more."""
    connection = memory()
    ingest(connection, landing, "note_spend")
    (landing / "2.csv").write_text(SPEND.format(note="n2", day=2, amount=300), encoding="utf-8")
    (landing / "1.csv").unlink()
    state(landing, unit="fen")
    ingest(connection, landing, "note_spend")
    land(landing, "3.csv", SPEND.format(note="n3", day=3, amount=300).encode())
    ingest(connection, landing, "note_spend")
    hashed: list[str] = []
    for module in ("ingest", "reread"):
        monkeypatch.setattr(
            f"pipelines.intake.{module}.content_hash", lambda paths: hashed.extend(p.name for p in paths) or ""
        )
    assert ingest(connection, landing, "note_spend") == []
    assert hashed == []
