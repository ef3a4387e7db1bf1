"""Sums that are kept over all dates are those that would be made anew, whichever dates were made again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.register import RULES
from pipelines.core.added_up import add_up
from pipelines.core.buyers import BOUGHT, CREDITED_BUYERS
from pipelines.core.kept import Kept, keep
from pipelines.core.readers import READERS
from pipelines.warehouse import create_table, transaction
from tests.pipelines.intake_files import memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

FIRST = date(2026, 9, 1)
DAYS, NOTES, USERS = 6, 3, 4
# What a run finds on a date: pairs of a note and a user, none where everything was taken back.
PAIRS = st.lists(st.tuples(st.integers(0, NOTES - 1), st.none() | st.integers(0, USERS - 1)), max_size=6)
RUNS = st.lists(st.dictionaries(st.integers(0, DAYS - 1), PAIRS, min_size=1, max_size=3), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with memory() as connection:
        create_table(connection, "core.credits", dict.fromkeys(RULES, "DOUBLE"))
        yield connection


def emptied(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    for table in ("readers", "credited_buyers"):
        connection.execute(f"DROP TABLE IF EXISTS core.{table}")
    for table in ("touches", "conversions", "credits", "bought"):
        connection.execute(f"DELETE FROM core.{table}")
    return connection


def chosen(connection: duckdb.DuckDBPyConnection, days: dict[int, list[tuple[int, int | None]]]) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE dates (business_date DATE)")
    connection.executemany("INSERT INTO dates VALUES (?)", [[FIRST + timedelta(day)] for day in days])


def touched(connection: duckdb.DuckDBPyConnection, day: int, pairs: list[tuple[int, int | None]]) -> None:
    on = FIRST + timedelta(day)
    connection.execute("DELETE FROM core.touches WHERE touch_date = ?", [on])
    for nth, (note, user) in enumerate(pairs):
        connection.execute(
            "INSERT INTO core.touches (touch_date, note_id, user_key, touched_at) VALUES (?, ?, ?, ?)",
            [on, f"n{note}", user, f"{on} 12:00:{nth:02}+08"],
        )


def credited(connection: duckdb.DuckDBPyConnection, day: int, pairs: list[tuple[int, int | None]]) -> None:
    """Orders that are credited to a note, by all models or by every other one."""
    on = FIRST + timedelta(day)
    for table in ("conversions", "credits"):
        connection.execute(f"DELETE FROM core.{table} WHERE paid_date = ?", [on])
    for nth, (note, user) in enumerate(pairs):
        order = f"tmall|o{day}-{nth}|1"
        connection.execute(
            """INSERT INTO core.conversions (paid_date, conversion_id, channel, order_id, brand, user_key, currency,
                category, is_new_customer) VALUES (?, ?, 'tmall', ?, 'b', ?, 'CNY', ?, ?)""",
            [on, order, order, user, ("lipstick", None)[nth % 2], (True, False, None)[nth % 3]],
        )
        shares = ", ".join("1" if nth % 2 or not n % 2 else "0" for n, _ in enumerate(RULES))
        connection.execute(
            f"""INSERT INTO core.credits (paid_date, conversion_id, note_id, lane, clicked, {", ".join(RULES)})
            VALUES (?, ?, ?, ?, true, {shares})""",
            [on, order, f"n{note}", ("seeding", "exchange_link")[note % 2]],
        )


@pytest.mark.parametrize(
    ("kept", "told", "beside"), [(READERS, touched, {}), (CREDITED_BUYERS, credited, BOUGHT)], ids=["readers", "buyers"]
)
@settings(max_examples=25, deadline=None)
@given(runs=RUNS)
def test_what_is_kept_is_what_would_be_made_anew(
    warehouse: duckdb.DuckDBPyConnection, kept: Kept, told, beside: dict[str, str], runs
) -> None:
    connection = emptied(warehouse)
    for days in runs:
        for day, pairs in days.items():
            told(connection, day, pairs)
        chosen(connection, days)
        with transaction(connection):
            keep(connection, kept)
            add_up(connection, beside, "paid_date")
    anew = connection.sql(f"FROM ({kept.rows.format(chosen='true')}) ORDER BY ALL")
    found = connection.sql(f"SELECT {', '.join(anew.columns)} FROM core.{kept.name} ORDER BY ALL")
    assert found.fetchall() == anew.fetchall()


def test_rows_that_a_run_does_not_change_are_not_written_again(warehouse: duckdb.DuckDBPyConnection) -> None:
    connection = emptied(warehouse)
    for day in range(3):
        touched(connection, day, [(0, 0), (1, day)])
        chosen(connection, {day: []})
        with transaction(connection):
            keep(connection, READERS)
    rows = connection.sql("SELECT note_id, user_key, touch_date - DATE '2026-09-01' FROM core.readers ORDER BY ALL")
    assert rows.fetchall() == [("n0", 0, 0), ("n1", 0, 0), ("n1", 1, 1), ("n1", 2, 2)]
    assert connection.sql("SELECT count(*) FROM changed").fetchall() == [(1,)], "of the last day, one of its two"
