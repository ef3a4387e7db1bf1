"""Neither a secret nor a buyer's phone number is found in anything that a run writes."""

from __future__ import annotations

import base64
import gzip
import re
import zipfile
from typing import TYPE_CHECKING

import duckdb
import pytest

from pipelines.warehouse import quoted
from tests.pipelines.intake_files import IMPRESSION, ORDER, csv_bytes, land, orders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipelines.conftest import Redcat

SECRET = "planted-secret-5f0c2b7e91"
PHONE = "13812345678"
PACKED = re.compile(r"H4sI[0-9A-Za-z+/=]{1000,}")  # gzip in base64, as the page holds its figures
DATES = ("--from", "2026-09-01", "--to", "2026-09-02")
# A buyer's data in every place where a shop's own export has it.
SHOP_EXPORT = (
    "订单编号,买家会员名,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额,宝贝种类,宝贝总数量\r\n"
    f"3000000000000000001,tb{PHONE},99.00,上海市 {PHONE},2026-09-01 10:00:00,2026-09-01 10:05:00,0,1,1\r\n"
    f"not an order {PHONE},tb{PHONE},abc,上海市 {PHONE},2026-09-01 10:00:00,2026-09-01 10:05:00,0,1,1\r\n"
)


def planted(landing: Path) -> None:
    """Phone numbers as user ids: in good rows, in refused ones, in a file that breaks off and in a shop's export.

    And where they have no place: as a header, and within the value of a column that is kept.
    """
    good = [IMPRESSION | {"user_id": PHONE}, IMPRESSION | {"user_id": f"+86 {PHONE}"}]
    refused = [IMPRESSION | {"user_id": PHONE, "occurred_at": "yesterday"}, IMPRESSION | {"occurred_at": PHONE}]
    land(landing, "note_impressions/a.csv", csv_bytes(good + refused))
    land(landing, "note_impressions/b.csv", csv_bytes(good) + f'"{PHONE} breaks off'.encode())
    land(landing, "shop_conversions/a.csv", csv_bytes([*orders(3, user_id=PHONE), ORDER | {"user_id": PHONE}]))
    land(landing, "shop_conversions/refused.csv", csv_bytes(orders(2, user_id=PHONE, paid_amount="x")))
    land(landing, "shop_conversions/qianniu.csv", SHOP_EXPORT.encode("gbk"))
    land(landing, "note_spend/header.csv", f"note_id,spend,{PHONE},138-1234-5678\r\na,1,2,3\r\n".encode())
    land(landing, "note_impressions/kind.csv", csv_bytes([IMPRESSION | {"event_type": f"微信{PHONE}"}]))


def texts(home: Path) -> str:
    """Every value of every table of every warehouse in the home, and every report, as text: all of them are packed."""
    found = []
    for page in home.rglob("*.html"):
        found += [gzip.decompress(base64.b64decode(packed)).decode() for packed in PACKED.findall(page.read_text())]
    for workbook in home.rglob("*.xlsx"):
        with zipfile.ZipFile(workbook) as archive:
            found += [archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")]
    for file in sorted(home.rglob("*.duckdb")):
        with duckdb.connect(file, read_only=True) as connection:
            for schema, table in connection.sql("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
                rows = connection.sql(f"SELECT to_json(t)::VARCHAR FROM {quoted(schema)}.{quoted(table)} AS t")
                found += [row for (row,) in rows.fetchall()]
    return "\n".join(found)


@pytest.mark.slow
def test_neither_secret_nor_phone_number_is_in_anything_written(redcat: Redcat, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    planted(landing)
    done = [redcat("run", "--landing", str(landing), *DATES, REDCAT_SECRET=SECRET)]
    done.append(redcat("check", str(landing / "note_impressions" / "a.csv"), REDCAT_SECRET=SECRET, status=1))
    done.append(redcat("check", str(landing / "note_spend" / "header.csv"), REDCAT_SECRET=SECRET, status=1))
    (redcat.home / "targets.yaml").write_text("privacy_k: 0\n")  # a run that fails writes tracebacks
    done.append(redcat("run", "--landing", str(landing), *DATES, REDCAT_SECRET=SECRET, status=1))
    shown = "".join(run.stdout + run.stderr for run in done)
    stored = texts(redcat.home)
    assert "66f1a2b3c4d5e6f708091a2b" in stored  # what was looked through holds the rows
    assert "not an order [mobile number]" in stored  # and so were the refused ones kept
    assert "链路" in stored  # and the pages and workbooks
    assert "[mobile number]" in done[2].stdout
    for planted_text in (SECRET, PHONE):
        assert planted_text not in shown
        assert planted_text not in stored
        for file in (path for path in redcat.home.rglob("*") if path.is_file()):
            assert planted_text.encode() not in file.read_bytes(), file
