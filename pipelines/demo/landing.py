"""Writing the demo's exports as files in the variety of formats that real ones have."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE, contract
from pipelines.demo.clock import DAYS, FIRST_DATE, LAST_DATE
from pipelines.demo.dirt import soil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipelines.demo.dirt import Spot

PRESALE = ("deposit_paid_at", "deposit_amount", "balance_amount")  # terms that Tmall alone exports
MONEY = (
    "deposit_amount", "balance_amount", "gmv",
    "paid_amount", "refund_amount", "amount", "discount", "shop_discount", "shop_gmv", "task_product_gmv", "other_gmv",
)  # fmt: skip
PAGE = 50  # rows of a page that a retry writes twice
RETRIED = 3  # every third file of an export holds one
# gzip and xlsx stamp the time of writing unless told otherwise; the same world must give the same bytes.
WORKBOOK_DATE = datetime(LAST_DATE.year, LAST_DATE.month, LAST_DATE.day)


@dataclass(frozen=True)
class Export:
    """How one platform hands over (a part of) one feed.

    Each file covers `days`; `periods` says which of these stretches come in this format. `alias` picks the
    contract's Chinese synonym that heads each column (None: the contract's own names); with `labels`, codes
    appear under their Chinese labels. `channel` restricts the rows, `without` names columns that the
    platform does not give.
    """

    name: str
    feed: str
    days: int
    suffix: str
    channel: str | None = None
    alias: int | None = None
    labels: bool = False
    encoding: str = "utf-8"
    newline: str = "\n"
    periods: range = range(DAYS)
    without: tuple[str, ...] = ()


EXPORTS = (
    Export("notes", "notes", 20, "xlsx", alias=0),
    Export("impressions", "note_impressions", 7, "csv.gz", periods=range(5)),
    Export("impressions_new", "note_impressions", 7, "parquet", periods=range(5, DAYS)),
    Export("engagements", "note_engagements", 14, "csv", alias=0, labels=True, encoding="utf-8-sig"),
    Export("clicks", "link_clicks", 7, "jsonl"),
    Export("events", "shop_events", 14, "csv.gz"),
    Export(
        "orders_tmall",
        "shop_conversions",
        7,
        "csv",
        channel="tmall",
        alias=-1,
        encoding="gbk",
        newline="\r\n",
        without=("is_new_customer",),
    ),
    Export("orders_jd", "shop_conversions", 14, "csv", channel="jd", alias=0, encoding="utf-8-sig", without=PRESALE),
    Export("orders_in_app_shop", "shop_conversions", 14, "parquet", channel="in_app_shop", without=PRESALE),
    Export(
        "orders_store",
        "shop_conversions",
        30,
        "xlsx",
        channel="store",
        alias=0,
        without=(*PRESALE, "click_id", "promo_code", "is_member", "is_exclusive", "payment_channel", "buyer_kind"),
    ),
    Export("refunds", "refunds", 30, "csv", alias=0, labels=True),
    Export("spend", "note_spend", 14, "xlsx", alias=0, labels=True),
    Export("codes", "promotion_codes", 30, "csv", alias=0, labels=True, encoding="utf-8-sig"),
    Export("alliance", "promotion_orders", 30, "csv", alias=0, labels=True),
    Export("accounts", "identity_links", 60, "jsonl"),
    Export("claims", "exchange_note_daily", 14, "csv", alias=0, labels=True, encoding="utf-8-sig"),
    Export("counts", "note_metrics_daily", 30, "csv.gz"),
    Export("flows", "wallet_flows", 60, "csv", alias=0, labels=True),
    Export("ad_claims", "ad_claims_daily", 30, "csv", alias=0, labels=True, encoding="utf-8-sig"),
    Export("comments", "note_comments", 60, "csv", alias=0, encoding="utf-8-sig"),
    Export("shops", "local_shops", 60, "xlsx", alias=0),
    Export("local", "local_events", 60, "csv", alias=0, labels=True, encoding="gbk"),
)
# One export was downloaded twice: the same content under another name.
DOWNLOADED_TWICE = ("clicks", 2)


@dataclass(frozen=True)
class File:
    """One file to write: where, its good rows (and how many of them a retry repeats), its dirt."""

    export: Export
    position: int
    path: str
    frame: pl.DataFrame
    repeated: int


def files_by_export() -> dict[str, int]:
    """How many files each export has."""
    return {export.name: len(_periods(export)) for export in EXPORTS}


def plan(feeds: dict[str, pl.DataFrame], /) -> list[File]:
    """Cut the feeds into files: a row lands in the file of the period in which it was exported."""
    return [file for export in EXPORTS for file in _cut(export, feeds[export.feed])]


def _periods(export: Export) -> range:
    return range(-(-DAYS // export.days))[export.periods.start : export.periods.stop]


def _cut(export: Export, frame: pl.DataFrame) -> Iterator[File]:
    if export.channel:
        frame = frame.filter(channel=export.channel)
    last = -(-DAYS // export.days) - 1
    period = (pl.col("_day") // export.days).clip(0, last)
    parts = frame.with_columns(_period=period).partition_by("_period", as_dict=True, include_key=False)
    for position, number in enumerate(_periods(export)):
        part = parts.get((number,), frame.clear())
        retried = part.slice(part.height // 4, min(PAGE, part.height // 8)) if number % RETRIED == 1 else part.clear()
        if export.feed == "notes":
            retried = part.clear()
        yield File(export, position, _path(export, number), pl.concat([part, retried]), retried.height)


def _path(export: Export, period: int) -> str:
    first = FIRST_DATE + timedelta(days=period * export.days)
    last = min(first + timedelta(days=export.days - 1), LAST_DATE)
    return f"{export.feed}/{export.name}_{first:%Y%m%d}-{last:%Y%m%d}.{export.suffix}"


def write(file: File, landing: Path, spots: list[Spot], /) -> list[str]:
    """Write one file under `landing` and return the names written (two for the one downloaded twice)."""
    content = _WRITERS[file.export.suffix](file, spots)
    names = [file.path]
    if (file.export.name, file.position) == DOWNLOADED_TWICE:
        names.append(file.path.replace(".", " (1).", 1))
    for name in names:
        target = landing / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return names


def _columns(file: File) -> list[str]:
    """The feed's columns in the contract's order, with the raw user id in the place of the key."""
    names = dict.fromkeys(field.made_from or field.name for field in contract(file.export.feed).fields)
    return [name for name in names if name in file.frame.columns and name not in file.export.without]


def _text(file: File, spots: list[Spot]) -> pl.DataFrame:
    """The file's rows as text under the export's headers, dirt included."""
    frame = file.frame.select(_columns(file))
    yes, no = ("是", "否") if file.export.alias is not None else ("true", "false")
    readable = (
        frame.with_columns(
            [_yuan(name) for name in MONEY if name in frame.columns],
        )
        .with_columns(
            pl.col(pl.Datetime).dt.to_string("%Y-%m-%d %H:%M:%S"),
            pl.col(pl.Date).dt.to_string("%Y-%m-%d"),
            pl.when(pl.col(pl.Boolean)).then(pl.lit(yes)).when(~pl.col(pl.Boolean)).then(pl.lit(no)).name.keep(),
        )
        .cast(pl.String)
    )
    if file.export.labels:
        readable = readable.with_columns(_labels(file.export.feed, readable.columns))
    return soil(readable, spots).rename(_headers(file.export, readable.columns))


def _yuan(fen: str) -> pl.Expr:
    column = pl.col(fen)
    return pl.format("{}.{}", column // 100, (column % 100).cast(pl.String).str.zfill(2)).alias(fen)


def _labels(feed: str, columns: list[str]) -> list[pl.Expr]:
    fields = [field for field in contract(feed).fields if field.enum and field.name in columns]
    return [pl.col(field.name).replace(field.enum) for field in fields]


def _headers(export: Export, columns: list[str]) -> dict[str, str]:
    if export.alias is None:
        return {}
    terms = contract(export.feed)
    known = {field.name: field.aliases for field in terms.fields}
    known |= {name: aliases for name, aliases in terms.raw.items() if aliases}
    return {name: known[name][export.alias] for name in columns if name in known}


def _csv(file: File, spots: list[Spot]) -> bytes:
    text = _text(file, spots).write_csv(line_terminator=file.export.newline)
    return text.encode(file.export.encoding)


def _csv_gz(file: File, spots: list[Spot]) -> bytes:
    return gzip.compress(_csv(file, spots), compresslevel=3, mtime=0)


def _jsonl(file: File, spots: list[Spot]) -> bytes:
    return _text(file, spots).write_ndjson().encode()


def _parquet(file: File, _spots: list[Spot]) -> bytes:
    frame = file.frame.select(_columns(file))
    typed = frame.with_columns(
        pl.col(pl.Datetime).dt.replace_time_zone(BUSINESS_TIME_ZONE).dt.convert_time_zone("UTC"),
        *[_yuan(name).cast(pl.Decimal(18, 2)) for name in MONEY if name in frame.columns],
    )
    buffer = io.BytesIO()
    typed.write_parquet(buffer)
    return buffer.getvalue()


def _xlsx(file: File, spots: list[Spot]) -> bytes:
    import xlsxwriter

    text = _text(file, spots)
    money = {_headers(file.export, [name]).get(name, name) for name in MONEY}
    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True})
    workbook.set_properties({"created": WORKBOOK_DATE})
    sheet = workbook.add_worksheet("数据")
    for column, series in enumerate(text.iter_columns()):
        sheet.write_string(0, column, series.name)
        number = series.cast(pl.Float64, strict=False) if series.name in money else None
        for row, value in enumerate(series, start=1):
            if number is not None and number[row - 1] is not None:
                sheet.write_number(row, column, number[row - 1])
            elif value is not None:
                sheet.write_string(row, column, value)
    workbook.close()
    return buffer.getvalue()


_WRITERS: dict[str, Callable[[File, list[Spot]], bytes]] = {
    "csv": _csv,
    "csv.gz": _csv_gz,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "xlsx": _xlsx,
}
