"""Great Expectations on an open DuckDB connection: what is leaned on, and what every rule catches."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.contract import contract, feeds
from data_contracts.suites import suite
from pipelines.expectations import ExpectationOutcome, validate

pytestmark = pytest.mark.filterwarnings("ignore:module 'sre_(constants|parse)' is deprecated:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
SHANGHAI = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
EARLIEST = datetime(2013, 6, 1, tzinfo=SHANGHAI)
INSTANT = timedelta(microseconds=1)
EXPORTED = datetime(2026, 11, 20, 0, 30, tzinfo=SHANGHAI)  # the 19th in UTC

GOOD: dict[str, dict[str, Any]] = {
    "shop_conversions": {
        "channel": "tmall",
        "order_id": "1001",
        "line_no": "1",
        "brand": "花间",
        "user_key": -(2**63),
        "paid_at": datetime(2026, 11, 19, 23, 59, tzinfo=SHANGHAI),
        "paid_amount": Decimal("99.90"),
        "currency": "CNY",
        "quantity": 1,
        "exported_at": EXPORTED,
    },
    "note_spend": {
        "spend_id": "s1",
        "spend_date": date(2026, 11, 19),
        "kind": "ads",
        "payer": "brand",
        "amount": Decimal("10.00"),
        "currency": "CNY",
        "exported_at": EXPORTED,
    },
}


def _create(connection: duckdb.DuckDBPyConnection, feed: str) -> None:
    columns = ", ".join(f"{f.name} {f.physical_type}" for f in contract(feed).fields)
    connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
    connection.execute(f"CREATE TABLE raw.{feed} ({columns}, _row BIGINT)")


def _insert(connection: duckdb.DuckDBPyConnection, feed: str, row: int, **changed: Any) -> None:
    values = GOOD[feed] | changed | {"_row": row}
    marks = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO raw.{feed} ({', '.join(values)}) VALUES ({marks})", [*values.values()])


def _outcomes(connection: duckdb.DuckDBPyConnection, feed: str) -> dict[str, ExpectationOutcome]:
    found = validate(connection, f"raw.{feed}", suite(contract(feed), now=NOW))
    return {outcome.name: outcome for outcome in found}


def _rows(connection: duckdb.DuckDBPyConnection, outcome: ExpectationOutcome) -> list[int]:
    return sorted(row for (row,) in connection.execute(f"SELECT _row FROM ({outcome.query})").fetchall())


def _expect(name: str, **arguments: Any) -> Any:
    import great_expectations as gx
    import great_expectations.expectations as gxe

    return gx.ExpectationSuite(name="one", expectations=[getattr(gxe, name)(**arguments)])


@pytest.fixture
def connection() -> Any:
    with duckdb.connect() as connection:
        for feed in GOOD:
            _create(connection, feed)
            _insert(connection, feed, 0)
        yield connection


BAD = [
    ("shop_conversions", "channel_required", {"channel": None}),
    ("shop_conversions", "paid_amount_required", {"paid_amount": None}),
    ("shop_conversions", "paid_at_required", {"paid_at": None}),
    ("shop_conversions", "paid_amount_minimum", {"paid_amount": Decimal("-0.01")}),
    ("shop_conversions", "quantity_minimum", {"quantity": -1}),
    ("shop_conversions", "paid_at_minimum", {"paid_at": EARLIEST - INSTANT}),
    ("shop_conversions", "paid_at_not_after", {"paid_at": EXPORTED + INSTANT}),
    ("shop_conversions", "exported_at_not_after", {"exported_at": NOW + INSTANT}),
    ("shop_conversions", "order_id_max_length", {"order_id": "红" * 65}),
    ("shop_conversions", "order_id_identifier", {"order_id": "6.61E+23"}),
    ("shop_conversions", "promo_code_identifier", {"promo_code": "1e5"}),
    ("shop_conversions", "currency_pattern", {"currency": "cny"}),
    ("shop_conversions", "currency_pattern", {"currency": "CNYX"}),
    ("shop_conversions", "currency_pattern", {"currency": " CNY"}),
    ("note_spend", "kind_enum", {"kind": "广告"}),
    ("note_spend", "kind_enum", {"kind": "ad's"}),
    ("note_spend", "payer_enum", {"payer": ""}),
    ("note_spend", "spend_date_minimum", {"spend_date": date(2013, 5, 31)}),
    ("note_spend", "spend_date_not_after", {"spend_date": date(2026, 11, 21)}),
]

ON_THE_EDGE = [
    ("shop_conversions", {"paid_amount": Decimal(0), "quantity": 0}),
    ("shop_conversions", {"quantity": None, "promo_code": None}),
    ("shop_conversions", {"paid_at": EARLIEST}),
    ("shop_conversions", {"paid_at": EXPORTED}),
    ("shop_conversions", {"exported_at": NOW}),
    ("shop_conversions", {"order_id": "红" * 64}),
    ("shop_conversions", {"order_id": "66f1a2b3c4d5e6f708091a2b"}),
    ("shop_conversions", {"brand": 'it\'s "花\\间" %s :x {y}'}),
    ("note_spend", {"spend_date": date(2013, 6, 1)}),
    ("note_spend", {"spend_date": date(2026, 11, 20)}),  # business date of the export, a day after UTC's
]


@pytest.mark.parametrize(("feed", "name", "changed"), BAD)
def test_a_bad_row_fails_its_rule_and_no_other(
    connection: duckdb.DuckDBPyConnection, feed: str, name: str, changed: dict
) -> None:
    _insert(connection, feed, 7, **{**_other_key(feed), **changed})
    found = _outcomes(connection, feed)
    failed = [outcome for outcome in found.values() if not outcome.success]
    assert [outcome.name for outcome in failed] == [name]
    assert (failed[0].evaluated, failed[0].unexpected, failed[0].unexpected_share) == (2, 1, 0.5)
    assert _rows(connection, failed[0]) == [7]


@pytest.mark.parametrize(("feed", "changed"), ON_THE_EDGE)
def test_a_row_on_the_edge_passes(connection: duckdb.DuckDBPyConnection, feed: str, changed: dict) -> None:
    _insert(connection, feed, 7, **{**_other_key(feed), **changed})
    found = _outcomes(connection, feed)
    assert [outcome.name for outcome in found.values() if not outcome.success] == []
    assert {outcome.unexpected for outcome in found.values()} == {0}
    assert {outcome.evaluated for outcome in found.values()} == {2}
    assert all(_rows(connection, outcome) == [] for outcome in found.values())


def _other_key(feed: str) -> dict[str, str]:
    return {"shop_conversions": {"order_id": "1002"}, "note_spend": {"spend_id": "s2"}}[feed]


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_instants_do_not_depend_on_the_sessions_time_zone(
    connection: duckdb.DuckDBPyConnection, time_zone: str
) -> None:
    _insert(connection, "shop_conversions", 1, order_id="a", paid_at=EARLIEST - INSTANT)
    _insert(connection, "shop_conversions", 2, order_id="b", paid_at=EARLIEST)
    _insert(connection, "shop_conversions", 3, order_id="c", exported_at=NOW)
    _insert(connection, "shop_conversions", 4, order_id="d", exported_at=NOW + INSTANT)
    _insert(connection, "note_spend", 5, spend_id="b", spend_date=date(2026, 11, 20))
    _insert(connection, "note_spend", 6, spend_id="c", spend_date=date(2026, 11, 21))
    connection.execute(f"SET TimeZone = '{time_zone}'")
    orders, spend = _outcomes(connection, "shop_conversions"), _outcomes(connection, "note_spend")
    assert _rows(connection, orders["paid_at_minimum"]) == [1]
    assert _rows(connection, orders["exported_at_not_after"]) == [4]
    assert _rows(connection, spend["spend_date_not_after"]) == [6]


def test_a_compound_key_is_repeated_only_where_all_of_it_is(connection: duckdb.DuckDBPyConnection) -> None:
    _insert(connection, "shop_conversions", 1)  # the key of row 0
    _insert(connection, "shop_conversions", 2, channel="jd")
    _insert(connection, "shop_conversions", 3, line_no="2")
    _insert(connection, "shop_conversions", 4, order_id=None)
    _insert(connection, "shop_conversions", 5, order_id=None)  # lacks its key: `required`, not `unique`
    outcome = _outcomes(connection, "shop_conversions")["primary_key_unique"]
    assert (outcome.success, outcome.unexpected, outcome.evaluated) == (False, 2, 6)
    assert _rows(connection, outcome) == [0, 1]
    assert outcome.column == "channel,order_id,line_no"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12"), st.decimals("-1", "1", places=2)), max_size=8))
def test_counts_are_those_of_the_rows(drawn: list[tuple[str, str, Decimal]]) -> None:
    with duckdb.connect() as connection:
        _create(connection, "shop_conversions")
        for row, (channel, order, amount) in enumerate(drawn):
            _insert(connection, "shop_conversions", row, channel=channel, order_id=order, paid_amount=amount)
        found = _outcomes(connection, "shop_conversions")
        keys = [(channel, order) for channel, order, _ in drawn]
        repeated = [row for row, key in enumerate(keys) if keys.count(key) > 1]
        negative = [row for row, (*_, amount) in enumerate(drawn) if amount < 0]
        for name, rows in (("primary_key_unique", repeated), ("paid_amount_minimum", negative)):
            assert found[name].success == (not rows)
            assert found[name].unexpected == len(rows)
            assert found[name].evaluated == len(drawn)
            assert _rows(connection, found[name]) == rows


def test_failing_rows_come_with_every_column_in_the_tables_order(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    _insert(connection, "shop_conversions", 7, order_id="1002", brand="花'间", paid_amount=Decimal("-1.50"))
    _insert(connection, "shop_conversions", 8)
    stored = connection.execute("SELECT * FROM raw.shop_conversions").fetchall()
    columns = [row[0] for row in connection.execute("DESCRIBE raw.shop_conversions").fetchall()]
    found = _outcomes(connection, "shop_conversions")
    assert connection.execute(found["paid_amount_minimum"].query).fetchall() == [stored[1]]
    assert [column[0] for column in connection.description] == columns
    assert sorted(connection.execute(found["primary_key_unique"].query).fetchall()) == [stored[0], stored[2]]
    assert [column[0] for column in connection.description] == columns


def test_uncommitted_rows_are_seen_and_stay_uncommitted(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "writer.duckdb") as connection:
        _create(connection, "note_spend")
        connection.begin()
        _insert(connection, "note_spend", 1, amount=Decimal(-1))
        found = _outcomes(connection, "note_spend")
        assert found["amount_minimum"].unexpected == 1
        assert connection.cursor().execute("SELECT count(*) FROM raw.note_spend").fetchall() == [(0,)]
        connection.rollback()  # would raise if the transaction had been ended
        assert connection.execute("SELECT count(*) FROM raw.note_spend").fetchall() == [(0,)]


def test_failing_rows_can_be_moved_in_the_same_transaction(connection: duckdb.DuckDBPyConnection) -> None:
    connection.begin()
    _insert(connection, "note_spend", 1, spend_id="s2", amount=Decimal(-1))
    query = _outcomes(connection, "note_spend")["amount_minimum"].query
    connection.execute(f"CREATE TABLE moved AS {query}")
    connection.execute("DELETE FROM raw.note_spend WHERE _row IN (SELECT _row FROM moved)")
    assert all(outcome.success for outcome in _outcomes(connection, "note_spend").values())
    connection.commit()
    assert connection.execute("SELECT _row FROM moved").fetchall() == [(1,)]
    assert connection.execute("SELECT _row FROM raw.note_spend").fetchall() == [(0,)]


def test_the_connection_is_let_go(tmp_path: Path) -> None:
    file = tmp_path / "writer.duckdb"
    with duckdb.connect(file) as connection:
        _create(connection, "note_spend")
        _outcomes(connection, "note_spend")
    # A file that is still open for writing cannot be opened with another configuration.
    with duckdb.connect(file, read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM raw.note_spend").fetchall() == [(0,)]


def test_connections_do_not_see_each_other() -> None:
    def negative(rows: int) -> list[int]:
        with duckdb.connect() as connection:
            _create(connection, "note_spend")
            for row in range(rows):
                _insert(connection, "note_spend", row, spend_id=str(row), amount=Decimal(-1))
            return [_outcomes(connection, "note_spend")["amount_minimum"].unexpected for _ in range(3)]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(negative, range(4))) == [[rows] * 3 for rows in range(4)]


def test_a_table_that_changed_its_columns_is_described_anew(connection: duckdb.DuckDBPyConnection) -> None:
    assert _outcomes(connection, "note_spend")["amount_minimum"].success
    connection.execute("ALTER TABLE raw.note_spend ADD COLUMN _file_id BIGINT")
    outcome = _outcomes(connection, "note_spend")["amount_minimum"]
    connection.execute(outcome.query)
    assert connection.description[-1][0] == "_file_id"


def test_names_that_need_quotes(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute('CREATE TABLE raw."订单 表" ("实付 ""金额""" DECIMAL(18,2), "order" VARCHAR)')
    connection.execute("""INSERT INTO raw."订单 表" VALUES (1, 'a'), (-1, 'b')""")
    checks = _expect("ExpectColumnValuesToBeBetween", column='实付 "金额"', min_value=0)
    (outcome,) = validate(connection, 'raw."订单 表"', checks)
    assert (outcome.evaluated, outcome.unexpected) == (2, 1)
    assert connection.execute(outcome.query).fetchall() == [(Decimal("-1.00"), "b")]


@pytest.mark.parametrize("value", ["it's", 'say "花"', "back\\slash", "100%", "%s", ":name", "?", "$1", "a\nb", "{b}"])
def test_values_reach_duckdb_as_they_are(connection: duckdb.DuckDBPyConnection, value: str) -> None:
    connection.execute("CREATE TABLE v AS SELECT ? AS x UNION ALL SELECT 'other'", [value])
    (outcome,) = validate(connection, "v", _expect("ExpectColumnValuesToBeInSet", column="x", value_set=[value, "-"]))
    assert connection.execute(outcome.query).fetchall() == [("other",)]
    (outcome,) = validate(connection, "v", _expect("ExpectColumnValuesToNotBeInSet", column="x", value_set=[value]))
    assert connection.execute(outcome.query).fetchall() == [(value,)]


@pytest.mark.parametrize(
    ("name", "regex", "failing"),
    [
        ("ExpectColumnValuesToMatchRegex", "b", ["xyz"]),  # found anywhere, not the whole value
        ("ExpectColumnValuesToMatchRegex", "^b$", ["abc", "xyz"]),
        ("ExpectColumnValuesToMatchRegex", r"^\w+$", []),
        ("ExpectColumnValuesToNotMatchRegex", "b", ["abc", "b"]),
        ("ExpectColumnValuesToNotMatchRegex", r"^.\w.$", ["abc", "xyz"]),
    ],
)
def test_a_regex_may_match_part_of_a_value(
    connection: duckdb.DuckDBPyConnection, name: str, regex: str, failing: list[str]
) -> None:
    connection.execute("CREATE TABLE v AS SELECT unnest(['abc', 'b', 'xyz', NULL]) AS x")
    (outcome,) = validate(connection, "v", _expect(name, column="x", regex=regex))
    assert sorted(x for (x,) in connection.execute(outcome.query).fetchall()) == failing
    assert (outcome.success, outcome.unexpected, outcome.evaluated) == (not failing, len(failing), 4)


@pytest.mark.parametrize("name", ["ExpectColumnValuesToMatchRegex", "ExpectColumnValuesToNotMatchRegex"])
def test_a_regex_is_left_to_a_function_and_not_to_an_operator(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    (outcome,) = validate(connection, "raw.note_spend", _expect(name, column="kind", regex="x"))
    assert "REGEXP_MATCHES(kind, 'x')" in outcome.query


def test_an_unpinned_version_is_a_reason_to_look_again() -> None:
    import great_expectations as gx

    assert gx.__version__ == "1.24.1"


def test_the_datasource_has_a_type_of_its_own() -> None:
    from pipelines.expectations.datasource import session

    sources = session()._context.data_sources
    assert hasattr(sources, "add_duckdb")
    assert {source.type for source in sources.all().values()} == {"duckdb"}


def test_failing_rows_are_not_fetched_to_count_them(connection: duckdb.DuckDBPyConnection, monkeypatch) -> None:
    from pipelines.expectations import dialect

    fetched: list[int] = []
    execute = dialect.Cursor.execute

    def counted(self: dialect.Cursor, *args: Any) -> None:
        execute(self, *args)
        fetched.append(len(self._rows))

    monkeypatch.setattr(dialect.Cursor, "execute", counted)
    connection.execute("INSERT INTO raw.note_spend SELECT s.* FROM raw.note_spend s, range(1000)")
    columns = len(contract("note_spend").fields) + 1
    found = _outcomes(connection, "note_spend")
    assert found["primary_key_unique"].unexpected == 1001
    assert max(fetched) == columns


def test_a_cursor_gives_its_rows_in_order_and_keeps_them_from_later_queries() -> None:
    from pipelines.expectations.dialect import BorrowedConnection

    borrowed = BorrowedConnection()
    with duckdb.connect() as connection, borrowed.from_owner(connection):
        first, second = borrowed.cursor(), borrowed.cursor()
        first.execute("SELECT * FROM range(5)")
        assert first.fetchone() == (0,)
        second.execute("SELECT 'x' AS y")
        assert first.fetchmany(2) == [(1,), (2,)]
        assert first.fetchall() == [(3,), (4,)]
        assert (first.fetchone(), first.fetchmany(3), first.fetchall()) == (None, [], [])
        assert (second.fetchall(), second.description[0][0]) == ([("x",)], "y")
        borrowed.commit(), borrowed.rollback(), borrowed.close()
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    with pytest.raises(RuntimeError, match="no DuckDB connection is borrowed"):
        borrowed.cursor()


def test_missing_columns_are_named_and_the_transaction_lives(connection: duckdb.DuckDBPyConnection) -> None:
    connection.begin()
    connection.execute("CREATE TABLE narrow (spend_id VARCHAR, kind VARCHAR)")
    with pytest.raises(ValueError, match=r"narrow lacks 6 of the 8 columns.*: amount, .*It has spend_id, kind"):
        validate(connection, "narrow", suite(contract("note_spend"), now=NOW))
    assert connection.execute("SELECT count(*) FROM narrow").fetchall() == [(0,)]


def test_a_query_that_duckdb_refuses_says_why(connection: duckdb.DuckDBPyConnection) -> None:
    checks = _expect("UnexpectedRowsExpectation", unexpected_rows_query="SELECT * FROM {batch} WHERE nope")
    with pytest.raises(Exception, match=r'Referenced column "nope" not found'):
        validate(connection, "raw.note_spend", checks)


def test_an_empty_table_has_nothing_unexpected(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DELETE FROM raw.note_spend")
    found = _outcomes(connection, "note_spend")
    assert {(o.success, o.evaluated, o.unexpected, o.unexpected_share) for o in found.values()} == {(True, 0, 0, 0.0)}


@pytest.mark.parametrize("feed", feeds())
def test_every_contract_can_be_checked_on_its_own_table(feed: str) -> None:
    with duckdb.connect() as connection:
        _create(connection, feed)
        connection.execute(f"INSERT INTO raw.{feed} (_row) VALUES (0)")
        failed = {name for name, outcome in _outcomes(connection, feed).items() if not outcome.success}
        assert failed == {f"{field.name}_required" for field in contract(feed).fields if field.required}


def test_an_empty_suite_has_no_outcomes(connection: duckdb.DuckDBPyConnection) -> None:
    import great_expectations as gx

    assert validate(connection, "raw.note_spend", gx.ExpectationSuite(name="none")) == []


def test_outcomes_keep_the_suites_order_names_and_sentences(connection: duckdb.DuckDBPyConnection) -> None:
    stated = suite(contract("note_spend"), now=NOW)
    found = validate(connection, "raw.note_spend", stated)
    assert [(o.name, o.rule, o.column, o.description) for o in found] == [
        (e.meta["name"], e.meta["rule"], e.meta["column"], e.description) for e in stated.expectation_configurations
    ]


def test_validating_twice_gives_the_same(connection: duckdb.DuckDBPyConnection) -> None:
    stated = suite(contract("note_spend"), now=NOW)
    assert validate(connection, "raw.note_spend", stated) == validate(connection, "raw.note_spend", stated)


def test_mostly_passes_and_still_counts(connection: duckdb.DuckDBPyConnection) -> None:
    _insert(connection, "note_spend", 1, kind="other")
    checks = _expect("ExpectColumnValuesToBeInSet", column="kind", value_set=["ads"], mostly=0.5)
    (outcome,) = validate(connection, "raw.note_spend", checks)
    assert (outcome.success, outcome.unexpected) == (True, 1)


def test_nothing_is_printed_or_written(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch, capfd
) -> None:
    monkeypatch.chdir(tmp_path)
    _insert(connection, "note_spend", 1)
    _outcomes(connection, "note_spend")
    assert tuple(capfd.readouterr()) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_importing_the_package_does_not_import_great_expectations() -> None:
    program = "import sys, pipelines.expectations; print({'great_expectations', 'sqlalchemy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
