"""Files land as objects in storage: read, settled, sensed and told of like files in a folder.

Against a real server that speaks S3, on loopback.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from pipelines.automation import landing_sensor
from pipelines.doctor import examine
from pipelines.home import Home, landing_place
from pipelines.intake.ingest import ingest_feed
from pipelines.intake.landing import data_files, demand_unchanged, settled, state, unknown_files
from pipelines.intake.objects import ObjectPath, StorageAwayError
from pipelines.marts.tables import MARTS
from pipelines.settings import SettingError
from tests.pipelines.built import built
from tests.pipelines.intake_files import csv_bytes, ingest, memory, orders, tables
from tests.pipelines.test_recomputation import DAYS, FIRST, everything_landed
from tests.pipelines.test_recomputation import orders as orders_of_days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.pipelines.conftest import Redcat

SAMPLES = Path(__file__).parents[1] / "samples"
PLACE = "s3://landing/brand"
ORDERS = csv_bytes(orders(2))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Bucket:
    """The bucket of the tests, filled through a client of its own."""

    def __init__(self, endpoint: str) -> None:
        import boto3

        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
        )
        self.client.create_bucket(Bucket="landing")

    def put(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket="landing", Key=f"brand/{name}", Body=content)

    def put_folder(self, folder: Path) -> None:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.put(path.relative_to(folder).as_posix(), path.read_bytes())

    def delete(self, name: str) -> None:
        self.client.delete_object(Bucket="landing", Key=f"brand/{name}")

    def empty(self) -> None:
        for found in self.client.list_objects_v2(Bucket="landing").get("Contents", []):
            self.client.delete_object(Bucket="landing", Key=found["Key"])


@pytest.fixture
def environment(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    stated = {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "an id", "AWS_SECRET_ACCESS_KEY": "a planted secret",
        "REDCAT_LANDING": PLACE, "REDCAT_HOME": str(tmp_path / "home"), "REDCAT_SECRET": "the same in every home",
        "REDCAT_SETTLE_SECONDS": "0",
    }  # fmt: skip
    for name, value in stated.items():
        monkeypatch.setenv(name, value)
    return stated


@pytest.fixture
def bucket(server: str, environment: dict[str, str]) -> Iterator[Bucket]:
    bucket = Bucket(server)
    yield bucket
    bucket.empty()


def names(place: ObjectPath) -> list[str]:
    return [path.relative_to(place).as_posix() for path in data_files(place)]


def test_objects_below_the_prefix_are_the_files(bucket: Bucket) -> None:
    for name in (
        "notes/a.csv",
        "notes/2026-09/笔记 b.csv",
        "mystery.csv",
        "notes/",
        "README.md",
        "notes/.a",
        "~$a.xlsx",
    ):
        bucket.put(name, b"a,b\n1,2\n" if name.endswith("csv") else b"")
    bucket.client.put_object(Bucket="landing", Key="brand2/notes/x.csv", Body=b"")
    place = ObjectPath.parse(f"{PLACE}/")
    assert names(place) == ["mystery.csv", "notes/2026-09/笔记 b.csv", "notes/a.csv"]
    assert unknown_files(place) == ["mystery.csv"]
    assert names(ObjectPath.parse("s3://landing")) == [
        "brand/mystery.csv", "brand/notes/2026-09/笔记 b.csv", "brand/notes/a.csv", "brand2/notes/x.csv",
    ]  # fmt: skip
    assert names(ObjectPath.parse("s3://landing/nothing/here")) == []


@pytest.mark.slow
def test_samples_of_every_export_give_the_same_rows_as_in_a_folder(bucket: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "landing"
    shutil.copytree(SAMPLES, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__", "*.yaml"))
    bucket.put_folder(folder)
    place = landing_place(PLACE)
    assert isinstance(place, ObjectPath)
    for path in data_files(place):  # where no export date is stated, the time of the file is taken
        os.utime(folder / path.relative_to(place), (path.stat().st_mtime,) * 2)
    there, here = memory(), memory()
    told = [[(r.feed, r.file, r.status, r.message) for r in ingest(c, p)] for c, p in ((there, place), (here, folder))]
    assert told[0] == told[1]
    assert len(told[0]) > 15
    assert tables(there) == tables(here)
    assert ingest(there, place) == [], "nothing is taken in twice"


def test_a_changed_object_is_another_one_and_the_same_content_again_is_not(bucket: Bucket) -> None:
    bucket.put("notes/a.csv", b"one")
    place = ObjectPath.parse(PLACE)
    (path,) = data_files(place)
    before = {path: state(path)}
    bucket.put("notes/a.csv", b"one")
    demand_unchanged(before)
    bucket.put("notes/a.csv", b"two")
    with pytest.raises(ValueError, match=r"a\.csv is still being written"):
        demand_unchanged(before)
    assert state(data_files(place)[0]) != before[path]
    bucket.delete("notes/a.csv")
    with pytest.raises(FileNotFoundError):
        demand_unchanged(before)


def test_an_object_that_was_just_written_has_not_settled(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put("notes/a.csv", b"one")
    bucket.put("notes/b.csv.part", b"one")
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "3600")
    assert [settled(path) for path in data_files(ObjectPath.parse(PLACE))] == [False, False]
    monkeypatch.setenv("REDCAT_SETTLE_SECONDS", "0")
    assert [settled(path) for path in data_files(ObjectPath.parse(PLACE))] == [True, False]


@pytest.mark.parametrize("meanwhile", ["replaced", "deleted"])
def test_an_object_that_goes_while_it_is_read_is_read_later(bucket: Bucket, monkeypatch, meanwhile: str) -> None:
    from pipelines.intake import ingest as module

    bucket.put("shop_conversions/a.csv", ORDERS)
    judged = module.judged_parts

    def disturbed(*args: Any, **options: Any) -> Any:
        rows = list(judged(*args, **options))
        if meanwhile == "replaced":
            bucket.put("shop_conversions/a.csv", ORDERS + b"x")
        else:
            bucket.delete("shop_conversions/a.csv")
        return rows

    monkeypatch.setattr(module, "judged_parts", disturbed)
    connection = memory()
    (report,) = ingest_feed(connection, ObjectPath.parse(PLACE), "shop_conversions", secret=b"s")
    assert report.status == "unfinished"
    assert connection.sql("SELECT count(*) FROM raw.shop_conversions").fetchall() == [(0,)]


def test_a_reader_never_gets_a_part_of_each_of_two_contents(bucket: Bucket) -> None:
    bucket.put("notes/a.csv", b"a" * (10 << 20))
    (path,) = data_files(ObjectPath.parse(PLACE))
    with path.open("rb") as file:
        assert file.read(2) == b"aa"
        bucket.put("notes/a.csv", b"b" * (10 << 20))
        with pytest.raises(OSError, match="replaced while it was read"):
            file.read()


def test_the_sensor_asks_for_new_and_changed_objects(bucket: Bucket, environment: dict[str, str]) -> None:
    def sensed(cursor: str | None) -> tuple[list[str], str | None]:
        found = landing_sensor(dg.build_sensor_context(cursor=cursor))
        if isinstance(found, dg.SkipReason):
            return [], cursor
        return [r.tags["redcat/files"] for r in found.run_requests or []], found.cursor

    bucket.put("shop_conversions/a.csv", ORDERS)
    found, cursor = sensed(None)
    assert found == ["shop_conversions/a.csv"]
    bucket.put("shop_conversions/a.csv", ORDERS)
    assert sensed(cursor)[0] == []
    bucket.put("shop_conversions/a.csv", ORDERS[::-1])
    found, cursor = sensed(cursor)
    assert found == ["shop_conversions/a.csv"]
    bucket.delete("shop_conversions/a.csv")
    assert sensed(cursor)[0] == []


def landing_of_doctor() -> tuple[str, str]:
    (found,) = [f for f in examine(Home.from_environment()) if f.check == "landing"]
    return found.state, found.told


def test_doctor_looks_at_the_objects(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put("notes/a.csv", b"a,b\n1,2\n")
    assert landing_of_doctor() == ("ok", f"1 files in {PLACE}")
    bucket.put("mystery.csv", b"a,b\n1,2\n")
    assert landing_of_doctor() == ("warn", "1 files fit no mapping: mystery.csv")
    monkeypatch.setenv("REDCAT_LANDING", "s3://nowhere")
    state, told = landing_of_doctor()
    assert state == "fail"
    assert "there is no such bucket; create it" in told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"REDCAT_LANDING": "s3://nowhere/x"}, "s3://nowhere/x: there is no such bucket; create it, or name another"),
        ({"AWS_ACCESS_KEY_ID": ""}, "needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "the storage does not answer"),
        ({"AWS_ENDPOINT_URL": "nonsense"}, "check AWS_ENDPOINT_URL and the network"),
        ({"REDCAT_LANDING": "gs://bucket/x"}, "'gs://bucket/x' is no landing place; name a folder, or objects as s3://"),
        ({"REDCAT_LANDING": "s3://id:planted@bucket/x"}, "'bucket/x' is no landing place"),
        ({"REDCAT_LANDING": "s3:///x"}, "is no landing place"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_reached_is_told_in_one_line(bucket, monkeypatch, changes: dict[str, str], told: str) -> None:
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    with pytest.raises((SettingError, OSError)) as raised:
        data_files(Home.from_environment().landing)
    from pipelines.cli import _line_of

    line = _line_of(raised.value)
    assert told in line
    assert "\n" not in line
    assert "planted" not in line


def test_refused_access_says_whose_key_it_takes(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.intake import objects

    def refused(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(objects.storage(), "find", refused)
    with pytest.raises(PermissionError, match=r"access is refused; AWS_ACCESS_KEY_ID .* may list the bucket"):
        data_files(ObjectPath.parse(PLACE))


def test_without_its_client_it_says_what_to_install(environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(SettingError, match=r"needs s3fs, which is not installed; install it: pip install .*\[s3\]"):
        data_files(ObjectPath.parse(PLACE))


def test_a_storage_that_goes_away_stops_the_run_and_takes_nothing_back(bucket: Bucket, monkeypatch) -> None:
    from pipelines.intake import ingest as module

    bucket.put("shop_conversions/a.csv", ORDERS)
    connection, place = memory(), ObjectPath.parse(PLACE)
    ingest(connection, place, "shop_conversions")
    bucket.put("shop_conversions/b.csv", csv_bytes(orders(3)))

    def away(*_: object) -> str:
        raise StorageAwayError(5, "the storage does not answer", PLACE)

    monkeypatch.setattr(module, "content_hash", away)
    with pytest.raises(StorageAwayError):
        ingest(connection, place, "shop_conversions")
    assert connection.sql("SELECT count(*) FROM raw.shop_conversions").fetchall() == [(2,)]
    monkeypatch.undo()


@pytest.mark.slow
def test_objects_give_the_warehouse_that_files_give(bucket: Bucket, tmp_path: Path) -> None:
    everything_landed(tmp_path / "landing")
    bucket.put_folder(tmp_path / "landing")
    days, marts = (FIRST, FIRST + timedelta(DAYS - 1)), [mart.name for mart in MARTS]
    there = built(ObjectPath.parse(PLACE), *days, *marts)
    assert tables(there) == tables(built(tmp_path / "landing", *days, *marts))
    assert there.sql("SELECT count(*) > 0 FROM mart.note_roi WHERE credited_gmv > 0").fetchall() == [(True,)]


@pytest.mark.slow
def test_commands_work_with_objects(
    redcat: Redcat, bucket: Bucket, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDCAT_LANDING")
    orders_of_days(tmp_path, "orders.csv", range(2))
    bucket.put("shop_conversions/orders.csv", (tmp_path / "shop_conversions" / "orders.csv").read_bytes())
    days = ("--from", str(FIRST), "--to", str(FIRST + timedelta(1)))
    assert "shop_conversions" in redcat("run", "--landing", PLACE, *days).stdout
    written = [path for path in redcat.home.rglob("*") if path.is_file()]
    assert not [path for path in written if environment["AWS_SECRET_ACCESS_KEY"].encode() in path.read_bytes()]
    told = redcat("run", "--landing", "s3://nowhere", *days, status=2).stderr
    assert told == "redcat: s3://nowhere: there is no such bucket; create it, or name another\n"
    checked = redcat("check", f"{PLACE}/shop_conversions/orders.csv", "--json").stdout
    assert json.loads(checked)["accepted"] == 2
    assert "no such object" in redcat("check", f"{PLACE}/none.csv", status=2).stderr
