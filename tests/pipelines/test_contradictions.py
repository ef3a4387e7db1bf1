"""Rows of one file that differ under one key are told with their number and money; one of them is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelines.identities import STATED, identity_results
from pipelines.intake.check import check_file
from tests.pipelines.intake_files import ingest, land, memory

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "时间,笔记ID,性别,消费,展现量,点击量\n"
SPLIT = HEAD + "2026-09-01,n1,男,10.00,9,5\n2026-09-01,n1,女,20.00,9,5\n2026-09-01,n2,女,5.00,9,5\n"
TOLD = "2 rows say different things under 1 key (juguang-2026-09-01-n1---): 1 kept, 20.00 of 30.00 in amount."


@pytest.mark.parametrize(("body", "told"), [(SPLIT, True), (SPLIT.replace("10.00", "20.00"), False)])
def test_a_report_that_is_split_by_a_column_that_is_not_read(tmp_path: Path, body: str, told: bool) -> None:
    path = land(tmp_path, "聚光_20260902.csv", body.encode())
    spend, _ = check_file(path)
    assert (spend.accepted, spend.duplicate) == (2, 1)
    assert any(w.startswith(TOLD) for w in spend.warnings) == told
    connection = memory()
    (report,) = ingest(connection, tmp_path, "note_spend")
    (result,) = identity_results(connection, "note_spend", [report])
    assert (TOLD in report.message) == told
    assert (result.check_name, result.passed) == (STATED, not told)
    assert connection.execute("SELECT sum(amount)::DOUBLE FROM raw.note_spend").fetchall() == [(25.0,)]


def test_a_later_version_contradicts_nothing(tmp_path: Path) -> None:
    for day, amount in (("20260902", "10.00"), ("20260903", "12.00")):
        land(tmp_path, f"聚光_{day}.csv", f"{HEAD}2026-09-01,n1,男,{amount},9,5\n".encode())
    assert not any(report.disagreements for report in ingest(memory(), tmp_path, "note_spend"))
