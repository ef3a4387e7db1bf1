"""Random worlds and a plain-Python reference of the attribution core, written from its rules and not from its code."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import polars as pl

START = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
INSTANT = pl.Datetime("us", "UTC")
RANK = {"impression": 0, "engagement": 1, "click": 2}

SCHEMAS: dict[str, dict[str, Any]] = {
    "touches": {
        "note_id": pl.String,
        "user_key": pl.Int64,
        "touched_at": INSTANT,
        "kind": pl.String,
        "click_id": pl.String,
        "organic": pl.Boolean,
    },
    "conversions": {
        "conversion_id": pl.String,
        "user_key": pl.Int64,
        "paid_at": INSTANT,
        "paid_fen": pl.Int64,
        "brand": pl.String,
        "category": pl.String,
        "product_id": pl.String,
        "click_id": pl.String,
        "channel": pl.String,
        "currency": pl.String,
        "paid_date": pl.Date,
        "margin": pl.Float64,
        "fee_rate": pl.Float64,
    },
    "notes": {
        "note_id": pl.String,
        "brand": pl.String,
        "lane": pl.String,
        "category": pl.String,
        "product_ids": pl.List(pl.String),
        "creator_id": pl.String,
        "campaign_id": pl.String,
        "exchange": pl.String,
        "evidence": pl.String,
    },
    "reach": {
        "lane": pl.String,
        "exchange": pl.String,
        "channel": pl.String,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
    },
    "windows": {"lane": pl.String, "kind": pl.String, "category": pl.String, "window": pl.Duration("us")},
    "refunds": {
        "conversion_id": pl.String,
        "refund_date": pl.Date,
        "refund_fen": pl.Int64,
        "borne_by": pl.String,
    },
    "spend": {
        "note_id": pl.String,
        "spend_date": pl.Date,
        "kind": pl.String,
        "payer": pl.String,
        "amount_fen": pl.Int64,
        "currency": pl.String,
        "in_task": pl.Boolean,
    },
    "codes": {"conversion_id": pl.String, "note_id": pl.String, "clicked_at": INSTANT},
    "links": {"user_key": pl.Int64, "linked_key": pl.Int64},
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "touches": {"kind": "impression", "click_id": None, "organic": None},
    "conversions": {
        "paid_at": START + 40 * DAY,
        "paid_fen": 10_000,
        "brand": "A",
        "category": "lipstick",
        "product_id": "p1",
        "click_id": None,
        "channel": "tmall",
        "currency": "CNY",
        "paid_date": date(2026, 10, 11),
        "margin": 0.5,
        "fee_rate": 0.01,
    },
    "notes": {
        "brand": "A",
        "lane": "seeding",
        "category": "lipstick",
        "product_ids": None,
        "creator_id": "k1",
        "campaign_id": "m1",
        "exchange": None,
        "evidence": "order",
    },
    "reach": {"lane": "seeding", "channel": "tmall"},
    "windows": {"lane": "seeding", "kind": "impression", "category": None, "window": 30 * DAY},
    "refunds": {"refund_date": date(2026, 10, 12)},
    "spend": {
        "spend_date": date(2026, 9, 10),
        "kind": "ads",
        "payer": "brand",
        "currency": "CNY",
    },
    "codes": {"conversion_id": "o1", "note_id": "n1"},
    "links": {},
}
WINDOWS = [{"kind": kind} for kind in RANK]


def frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The frame `name` of rows that say only what matters; the rest are defaults, or null."""
    whole = [{**dict.fromkeys(SCHEMAS[name]), **DEFAULTS[name], **row} for row in rows]
    return pl.DataFrame(whole, schema=SCHEMAS[name])


def world(seed: int) -> dict[str, list[dict[str, Any]]]:
    """A small world in which everything odd is likely: ties, duplicates, nulls, edges of windows, unknown notes."""
    rng = random.Random(seed)
    brands, lanes, categories = ["A", "B", None], ["seeding", "in_app", None, "nowhere"], ["lipstick", "baby_food"]
    products, clicks, users = ["p1", "p2", None], ["c1", "c2", "c3", None, None], [1, 2, 3, None]
    instants = [START + step * 6 * timedelta(hours=1) for step in range(40)]
    notes = [
        {
            "note_id": f"n{number}",
            "brand": rng.choice(brands[:2] if rng.random() < 0.9 else brands),
            "lane": rng.choice(lanes[:2] if rng.random() < 0.8 else lanes),
            "category": rng.choice([*categories, None]),
            "product_ids": rng.choice([None, [], ["p1"], ["p1", "p2"], ["p3"]]),
            "creator_id": rng.choice(["k1", "k2", None]),
            "campaign_id": rng.choice(["m1", "m2"]),
            "exchange": None,
            "evidence": "order",
        }
        for number in range(rng.randint(1, 6))
    ]
    touches = [
        {
            "note_id": rng.choice([note["note_id"] for note in notes] + ["unknown"]),
            "user_key": rng.choice(users),
            "touched_at": rng.choice(instants),
            "kind": (kind := rng.choice(list(RANK))),
            "click_id": rng.choice(clicks) if kind == "click" or rng.random() < 0.1 else None,
            "organic": rng.choice([True, False, None]),
        }
        for _ in range(rng.randint(0, 60))
    ]
    touches += rng.choices(touches, k=len(touches) // 5) if touches else []
    conversions = []
    for number in range(rng.randint(0, 12)):
        paid_at = rng.choice(instants)
        conversions.append(
            {
                "conversion_id": f"o{number}",
                "user_key": rng.choice(users),
                "paid_at": paid_at,
                "paid_fen": rng.choice([0, 1, 2, 99, 10_001, 123_457, 9_000_000_000]),
                "brand": rng.choice(brands),
                "category": rng.choice([*categories, None]),
                "product_id": rng.choice(products),
                "click_id": rng.choice(clicks),
                "channel": rng.choice(["tmall", "jd"]),
                "currency": rng.choice(["CNY", "CNY", "USD"]),
                "paid_date": (paid_at + timedelta(hours=8)).date(),
                "margin": rng.choice([0.5, 0.3, None]),
                "fee_rate": rng.choice([0.006, 0.0]),
            }
        )
    refunds = [
        {
            "conversion_id": order["conversion_id"],
            "refund_date": order["paid_date"] + timedelta(days=rng.randint(0, 10)),
            "refund_fen": rng.randint(0, order["paid_fen"] // 2),
        }
        for order in conversions
        for _ in range(rng.choice([0, 0, 1, 2]))
    ]
    spend = [
        {
            "note_id": rng.choice([note["note_id"] for note in notes] + ["unknown", None]),
            "spend_date": date(2026, 9, rng.randint(1, 10)),
            "payer": rng.choice(["brand", "brand", "platform"]),
            "amount_fen": rng.randint(0, 50_000),
            "currency": rng.choice(["CNY", "USD"]),
            "in_task": rng.choice([True, False, None]),
        }
        for _ in range(rng.randint(0, 8))
    ]
    windows = [
        {"lane": lane, "kind": kind, "window": rng.choice([DAY, 3 * DAY, 10 * DAY])}
        for lane in ("seeding", "in_app")
        for kind in RANK
        if rng.random() < 0.9
    ]
    windows += [{**row, "category": "baby_food", "window": 5 * DAY} for row in windows if rng.random() < 0.4]
    windows += [{"lane": "in_app", "kind": "click", "category": "lipstick", "window": timedelta(hours=6)}]
    # What follows draws from a stream of its own, so that the rest of a world stays as it was.
    rng = random.Random(seed + 1)
    for note in notes:
        note["exchange"] = rng.choice(["red_cat", "red_jd", None])
    days = [None, date(2026, 9, 3), date(2026, 9, 6)]
    reach = [
        {
            "lane": rng.choice(lanes),
            "exchange": rng.choice(["red_cat", "red_jd", None, None]),
            "channel": rng.choice(["tmall", "jd", None]),
            "valid_from": rng.choice(days),
            "valid_to": rng.choice(days),
        }
        for _ in range(rng.randint(0, 8))
    ]
    for refund in refunds:
        refund["borne_by"] = rng.choice(["brand", "platform", None])
    return {
        "touches": touches,
        "conversions": conversions,
        "notes": notes,
        "windows": windows,
        "reach": reach,
        "refunds": refunds,
        "spend": spend,
    }


def other_evidence(seed: int, rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Codes that orders of the world carry, and links between its users."""
    rng = random.Random(seed + 1)
    orders, notes = (rows["conversions"] or [{"conversion_id": "o0", "paid_at": START}]), rows["notes"]
    pairs = {(rng.randrange(len(orders)), rng.choice(notes)["note_id"]) for _ in range(rng.randint(0, 8))}
    codes = [
        {
            "conversion_id": orders[order]["conversion_id"],
            "note_id": note,
            "clicked_at": rng.choice([None, orders[order]["paid_at"] + rng.randint(-8, 2) * timedelta(hours=6)]),
        }
        for order, note in sorted(pairs)
    ]
    links = [
        dict(zip(("user_key", "linked_key"), rng.sample([1, 2, 3], 2), strict=True)) for _ in range(rng.randint(0, 3))
    ]
    return {"codes": codes, "links": links}


def frames(rows: dict[str, list[dict[str, Any]]]) -> dict[str, pl.DataFrame]:
    return {name: frame(name, rows[name]) for name in rows}


def promotes(note: dict[str, Any], order: dict[str, Any], what: str) -> bool:
    """Whether the note promotes the order's product or category."""
    if what == "product" and note.get("product_ids"):
        return order["product_id"] in note["product_ids"]
    return note["category"] is None or note["category"] == order["category"]


def reaches(note: dict[str, Any], order: dict[str, Any], reach: list[dict[str, Any]]) -> bool:
    """Whether the note's lane reaches the order's channel on the day of payment."""
    return any(
        row["lane"] is not None
        and row["lane"] == note["lane"]
        and row["channel"] is not None
        and row["channel"] == order["channel"]
        and (row["exchange"] is None or note["exchange"] is None or row["exchange"] == note["exchange"])
        and (row["valid_from"] or date.min) <= order["paid_date"] <= (row["valid_to"] or date.max)
        for row in reach
    )


def reference_journeys(
    rows: dict[str, list[dict[str, Any]]], scope: str = "brand", *, reach: bool = False
) -> list[dict[str, Any]]:
    """Journeys by looking at every pair; every lane reaches every channel unless `reach` is to count."""
    rows = rows if reach else {name: rows[name] for name in rows if name != "reach"}
    result = []
    for order in sorted(rows["conversions"], key=lambda order: order["conversion_id"]):
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for touch in rows["touches"]:
            way = _found_by(touch, order, rows.get("links", []))
            if way and (row := _in_journey(touch, order, way, rows, scope)):
                key = (touch["touched_at"], RANK[touch["kind"]], touch["note_id"], touch["click_id"] or "")
                if key not in found or _standing(row) < _standing(found[key]):
                    found[key] = row
        clicked = {row["note_id"] for row in found.values() if row["kind"] == "click"}
        for code in rows.get("codes", []):
            if code["conversion_id"] != order["conversion_id"] or code["note_id"] in clicked:
                continue
            at = code["clicked_at"] or order["paid_at"]
            click = {"note_id": code["note_id"], "kind": "click", "touched_at": at, "click_id": None, "organic": None}
            if row := _in_journey(click, order, "promotion_code", rows, scope):
                found[at, RANK["click"], code["note_id"], ""] = row
        journey = [found[key] for key in sorted(found)]
        result += [
            {**touch, "position": place, "touches": len(journey)} for place, touch in enumerate(journey, start=1)
        ]
    return result


WAYS = ("click_id", "promotion_code", "user_key", "identity_link")


def _standing(row: dict[str, Any]) -> tuple[int, bool]:
    """Of rows that are one touch, the least stands."""
    return WAYS.index(row["matched_by"]), row["organic"]


def _found_by(touch: dict[str, Any], order: dict[str, Any], links: list[dict[str, Any]]) -> str | None:
    """How the order finds the touch, if it does."""
    if touch["click_id"] is not None and touch["click_id"] == order["click_id"]:
        return "click_id"
    if touch["user_key"] is not None and touch["user_key"] == order["user_key"]:
        return "user_key"
    linked = {"user_key": order["user_key"], "linked_key": touch["user_key"]}
    return "identity_link" if linked in links else None


def _in_journey(
    touch: dict[str, Any], order: dict[str, Any], way: str, rows: dict[str, list[dict[str, Any]]], scope: str
) -> dict[str, Any] | None:
    """The touch as a row of the order's journey, or None if it may not be in it."""
    note = next((note for note in rows["notes"] if note["note_id"] == touch["note_id"]), None)
    if note is None or note["brand"] is None or note["brand"] != order["brand"]:
        return None
    if scope != "brand" and not promotes(note, order, scope):
        return None
    if "reach" in rows and not reaches(note, order, rows["reach"]):
        return None
    windows = {(row["lane"], row["kind"], row.get("category")): row["window"] for row in rows["windows"]}
    lane, kind, age = note["lane"], touch["kind"], order["paid_at"] - touch["touched_at"]
    window = windows.get((lane, kind, None))
    if order["category"] is not None:
        window = windows.get((lane, kind, order["category"]), window)
    if window is None or not timedelta(0) <= age <= window:
        return None
    if age == timedelta(0) and (kind != "click" or way not in ("click_id", "promotion_code")):
        return None
    return {
        "conversion_id": order["conversion_id"],
        "note_id": touch["note_id"],
        "lane": lane,
        "kind": kind,
        "touched_at": touch["touched_at"],
        "age": age,
        "matched_by": way,
        "organic": touch["organic"] is True,
        "direct": promotes(note, order, "product"),
    }


def reference_weights(journey: list[dict[str, Any]], model: str) -> list[float]:
    """The weight of each touch of one journey, by the textbook."""
    count = len(journey)
    if model == "first_touch":
        return [1.0] + [0.0] * (count - 1)
    if model == "last_click":
        clicks = [place for place, touch in enumerate(journey) if touch["kind"] == "click"]
        return [float(place == (clicks[-1] if clicks else count - 1)) for place in range(count)]
    if model == "last_non_organic":
        placed = [place for place, touch in enumerate(journey) if not touch["organic"]]
        return [float(place == (placed[-1] if placed else count - 1)) for place in range(count)]
    if model == "last_touch":
        return [0.0] * (count - 1) + [1.0]
    if model == "linear":
        return [1.0] * count
    if model == "time_decay":
        return [0.5 ** (touch["age"] / timedelta(days=7)) for touch in journey]
    if model == "position_based":
        return [1.0] if count == 1 else [0.5] * 2 if count == 2 else [0.4, *[0.2 / (count - 2)] * (count - 2), 0.4]
    raise KeyError(model)


def reference_shares(journeys: list[dict[str, Any]], model: str) -> dict[str, dict[str, float]]:
    """conversion → note → share, notes in the order of their first touch."""
    by_order: dict[str, list[dict[str, Any]]] = {}
    for touch in journeys:
        by_order.setdefault(touch["conversion_id"], []).append(touch)
    shares: dict[str, dict[str, float]] = {}
    for order, journey in by_order.items():
        weights = reference_weights(journey, model)
        notes: dict[str, float] = {}
        for touch, weight in zip(journey, weights, strict=True):
            notes[touch["note_id"]] = notes.get(touch["note_id"], 0.0) + weight / sum(weights)
        shares[order] = notes
    return shares


def reference_split(amount: int, shares: list[float]) -> list[int]:
    """Largest remainder, in fractions; shares stand in the order in which ties are broken."""
    parts = [round(share / sum(shares) * 10**9) for share in shares]
    quotas = [Fraction(amount * part, sum(parts)) for part in parts]
    fen = [int(quota) for quota in quotas]
    by_remainder = sorted(range(len(shares)), key=lambda place: (fen[place] - quotas[place], place))
    for place in by_remainder[: amount - sum(fen)]:
        fen[place] += 1
    return fen
