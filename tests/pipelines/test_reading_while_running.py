"""Who reads while runs go on never sees an error, half of a version, or a total that disagrees with itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.marts.privacy import PRIVATE
from pipelines.marts.tables import MARTS
from tests.pipelines.test_recomputation import (
    DAYS,
    at_home,
    everything_landed,
    impressions,
    notes,
    orders,
    refunds,
    run,
    spend,
)

ROOT = Path(__file__).resolve().parents[2]

# Opens both levels again and again until told to stop; says how often, and which totals of which days it saw.
READER = """
import json, pathlib, sys, duckdb

published, stop, marts = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
rounds, seen, last = 0, [], False

def rows(connection, query):
    return connection.execute(query).fetchall()

while not last:
    last = stop.exists()  # then once more
    figures = {}
    for level in ("analyst", "marketer"):
        with duckdb.connect(published / f"{level}.duckdb", read_only=True) as connection:
            there = rows(connection, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mart' ORDER BY 1")
            assert [name for name, in there] == marts[level], (level, there)
            dates = {rows(connection, f"SELECT max(as_of) FROM mart.{name}")[0][0] for name, in there} - {None}
            assert len(dates) == 1, dates
            sums = rows(connection, "SELECT total_gmv, credited_gmv + unattributed_gmv, credited_gmv, model "
                                    "FROM mart.reconciliation")
            assert {total for total, *_ in sums} == {both for _, both, *_ in sums}, sums
            (total,) = {total for total, *_ in sums}
            for _, _, credited, model in sums:
                for mart in ("note_roi", "category_roi", "channel_roi"):
                    found = rows(connection, f"SELECT sum(credited_gmv) FROM mart.{mart} WHERE model = '{model}'")
                    assert found == [(credited,)], (level, mart, model, found, credited)
            assert rows(connection, "SELECT sum(paid_gmv) FROM mart.funnel_daily") == [(total,)]
            if level == "analyst":
                paid = "SELECT (sum(paid_fen) / 100)::DECIMAL(18, 2) FROM core.conversions"
                assert rows(connection, paid) == [(total,)]
                for _, _, credited, model in sums:
                    fen = f"SELECT sum(credited_fen) FROM core.earned WHERE model = '{model}'"
                    assert rows(connection, fen) == [(credited * 100,)]
            figures[level] = str(total)
    rounds += 1
    if figures["analyst"] not in seen:
        seen.append(figures["analyst"])
    if rounds == 1:
        print("reading", flush=True)
print(json.dumps({"rounds": rounds, "seen": seen}))
"""


@pytest.mark.slow
def test_a_reader_in_a_loop_sees_whole_versions_for_the_whole_of_several_runs(tmp_path: Path, monkeypatch) -> None:
    home, stop = at_home(tmp_path / "home", monkeypatch), tmp_path / "stop"
    (home / "targets.yaml").write_text("privacy_k: 1\n")  # four buyers are few
    landing = home / "landing"
    notes(landing), refunds(landing), spend(landing)
    impressions(landing, "early.csv", range(20))
    orders(landing, "first.csv", range(10))
    run(home, 0, DAYS - 1)
    names = sorted(mart.name for mart in MARTS)
    marts = {"analyst": names, "marketer": [name for name in names if PRIVATE[name] is not None]}
    arguments = [sys.executable, "-c", READER, str(home / "published"), str(stop), json.dumps(marts)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        started = reader.stdout.readline()
        try:
            if started == "reading\n":
                orders(landing, "second.csv", range(10, 30))
                run(home, 0, DAYS - 1)
                everything_landed(landing)
                run(home, 0, DAYS - 1)
        finally:
            stop.touch()
        told, errors = reader.communicate()
    assert reader.returncode == 0, errors
    found = json.loads(told)
    totals = [f"{sum(100 + day for day in range(days)) + days / 100:.2f}" for days in (10, 30, DAYS)]
    assert found["seen"] == totals, "every version, in its order, and no other total"
    assert found["rounds"] > len(totals)
