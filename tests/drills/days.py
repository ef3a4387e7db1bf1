"""A small shop, day by day: what lands on each day, and what the warehouse must then add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

FIRST = date(2025, 9, 1)
NOTES, USERS, SEEN, SOLD = 5, 40, 12, 4
Row = dict[str, Any]


def on(day: int, clock: str = "12:00:00") -> str:
    return f"{FIRST + timedelta(day)} {clock}"


@dataclass
class Shop:
    """Lands its files under a folder, and keeps the sums of all that it has landed."""

    landing: Path
    paid: dict[str, Decimal] = field(default_factory=dict)
    refunded: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    rows: dict[str, int] = field(default_factory=dict)

    def land(self, day: int) -> None:
        """The exports that come after a day has ended; some days bring late touches, others restated orders."""
        if not day:
            self._notes()
        self._write(day, "note_impressions", [_impression(day, n) for n in range(SEEN)])
        self._write(day, "shop_conversions", [self._order(day, n) for n in range(SOLD)])
        self._write(day, "note_spend", [self._spend(day, n) for n in range(NOTES)])
        if day >= 3 and day % 3 == 0:
            self._write(day, "refunds", [self._refund(day)])
        if day >= 5 and day % 5 == 0:
            self._write(day, "note_impressions", [_impression(day - 5, SEEN + n) for n in range(3)], name="late")
        if day >= 7 and day % 7 == 0:
            self._write(day, "shop_conversions", [self._order(day - 2, 0, off=1)], name="restated", new=False)

    def _write(self, day: int, feed: str, rows: list[Row], *, name: str = "day", new: bool = True) -> None:
        folder = self.landing / feed
        folder.mkdir(parents=True, exist_ok=True)
        exported = pl.lit(on(day + 1, "06:00:00"))
        pl.DataFrame(rows).with_columns(exported_at=exported).write_csv(folder / f"{name} {on(day)[:10]}.csv")
        self.rows[feed] = self.rows.get(feed, 0) + (len(rows) if new else 0)

    def _notes(self) -> None:
        rows = [
            {"note_id": f"n{n}", "brand": "b", "creator_id": f"c{n % 2}", "published_at": on(0, "00:00:01"),
             "category": "lipstick", "lane": "seeding"}
            for n in range(NOTES)
        ]  # fmt: skip
        self._write(0, "notes", rows)

    def _order(self, day: int, n: int, *, off: int = 0) -> Row:
        key, amount = f"o{day}-{n}", Decimal(10_000 + 37 * day + n) / 100 - off
        self.paid[key] = amount
        return {
            "channel": ("tmall", "jd")[n % 2], "order_id": key, "line_no": "1", "brand": "b",
            "user_id": f"u{(7 * day + n) % USERS}", "paid_at": on(day, f"2{n}:00:00"), "paid_amount": str(amount),
            "currency": "CNY", "category": "lipstick",
        }  # fmt: skip

    def _refund(self, day: int) -> Row:
        self.refunded += Decimal("10.01")
        return {
            "channel": "jd", "refund_id": f"r{day}", "order_id": f"o{day - 3}-1", "line_no": "1",
            "refunded_at": on(day), "refund_amount": "10.01", "currency": "CNY",
        }  # fmt: skip

    def _spend(self, day: int, n: int) -> Row:
        amount = Decimal(1_000 + day % 100 + n) / 100
        self.spent += amount
        return {
            "spend_id": f"s{day}-{n}", "note_id": f"n{n}", "spend_date": on(day)[:10], "kind": "ads",
            "payer": "brand", "amount": str(amount), "currency": "CNY",
        }  # fmt: skip


def _impression(day: int, n: int) -> Row:
    return {"note_id": f"n{(day + n) % NOTES}", "user_id": f"u{(5 * day + n) % USERS}",
            "occurred_at": on(day, f"{n + 3:02d}:00:00")}  # fmt: skip
