"""Journeys: which touches a conversion can be credited to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from models.frames import like
from models.reach import with_reach
from models.windows import with_window

if TYPE_CHECKING:
    from models.frames import AnyFrame, Frame

#: Kinds of touch from the weakest to the strongest: the order among touches of one instant.
KINDS = ("impression", "engagement", "click")

#: Place of a touch's kind among `KINDS`.
STRENGTH = pl.sum_horizontal((pl.col("kind") == kind) * place for place, kind in enumerate(KINDS))

#: What a note promotes. A note that lists products promotes these, else its category, else its whole brand.
PROMOTES_CATEGORY = (pl.col("note_category") == pl.col("category")) | pl.col("note_category").is_null()
PROMOTES_PRODUCT = (
    pl.when("lists_products").then(pl.col("promoted")).otherwise(PROMOTES_CATEGORY).fill_null(value=False)
)

#: For which conversions of its brand a note competes.
SCOPES = {"brand": pl.lit(value=True), "category": PROMOTES_CATEGORY, "product": PROMOTES_PRODUCT}

#: The touches of a journey stand in this order, which is total: equal rows are one touch.
TOUCH_ORDER = ("order", "touched_at", "strength", "note_id", "touch_click")

#: How a conversion finds a touch, from the strongest evidence to the weakest.
MATCHES = ("click_id", "promotion_code", "user_key", "identity_link")
_CLICK, _CODE, _USER, _LINK = range(len(MATCHES))


def journeys(
    touches: Frame,
    conversions: AnyFrame,
    notes: AnyFrame,
    windows: AnyFrame,
    /,
    *,
    codes: AnyFrame | None = None,
    links: AnyFrame | None = None,
    scope: str = "brand",
    reach: AnyFrame | None = None,
) -> Frame:
    """The touches of each conversion inside its windows, one row per conversion and touch.

    A conversion finds a touch by user key, by a user key that is linked to its own, or by the click id that
    its order carries. A promotion code on the order is evidence of a click on the note to which the code
    belongs, and is counted once: it adds a click unless the order has found one on that note otherwise.

    The note of the touch must be of the conversion's brand and inside `scope`, its lane must reach the
    conversion's channel on the day of payment, and the touch must lie inside the window of its lane and kind:
    `paid_at − window ≤ touched_at < paid_at`, in instants. At `paid_at` itself only a click that carries the
    order's click id counts, or the one of which its code is evidence. Null never equals null: a touch or
    conversion without user key finds nothing by user, a note without brand competes for nothing, a lane and
    kind without window match nothing, and where `reach` is given a lane without channels or a conversion
    without channel neither. Touches of notes that `notes` does not hold are left out, for the caller to report.

    Args:
        touches: `note_id` String, `user_key` Int64, `touched_at` Datetime(us, UTC), `kind` String (`KINDS`),
            `click_id` String, `organic` Boolean (nobody paid for the touch; null: not known, which counts as paid
            for). Rows that agree in note, instant, kind and click id are one touch: that of the strongest match,
            and of several such one that is not organic.
        conversions: `conversion_id` String (unique), `user_key`, `paid_at`, `brand`, `category`,
            `product_id`, `click_id`, and with `reach` also `channel` String and `paid_date` Date; others are
            ignored.
        notes: `note_id` (unique), `brand`, `lane`, `category`, `product_ids` List(String), and with `reach`
            also `exchange` String; others are ignored.
        windows: `lane`, `kind`, `category`, `window` Duration(us), unique by the first three. A row with a
            category overrides, for conversions of that category, the row without.
        codes: `conversion_id`, `note_id` (unique together): the notes whose codes an order carries;
            `clicked_at` Datetime(us, UTC), null where nobody says when: then it is the payment.
        links: `user_key`, `linked_key` Int64: keys of one person, in both directions. Links are taken as
            stated and not chained.
        scope: `brand`, or `category` or `product`: the note must promote the conversion's category or
            product.
        reach: Which channels a lane can reach: `lane`, `exchange`, `channel` String, `valid_from`, `valid_to`
            Date (both included; null: since ever, still). A row with an exchange is for the lane's notes of
            this exchange, and for those of which none is known; a row without one for all. At most 63
            different pairs of lane and exchange. None: every lane reaches every channel.

    Returns:
        Sorted by conversion and touch order (`touched_at`, then kind, then `note_id`, then click id):
        `conversion_id`, `note_id`, `lane`, `kind`, `touched_at`, `age` (Duration, `paid_at − touched_at`),
        `matched_by` (the strongest of `MATCHES` by which the order found the touch), `organic` (Boolean,
        never null), `direct` (Boolean: the note promotes the product), `position` (UInt32 from 1), `touches`
        (UInt32, in the journey). Conversions without touches have no row. May be called per bucket of users,
        if each bucket also holds the touches whose click id one of its conversions carries, and those of linked users.

    Raises:
        ValueError: `scope` is not one of `SCOPES`.

    >>> from datetime import UTC, datetime, timedelta
    >>> paid = datetime(2026, 9, 10, 4, tzinfo=UTC)
    >>> result = journeys(
    ...     pl.DataFrame({"note_id": ["n1", "n1"], "user_key": [7, 7], "kind": ["impression"] * 2,
    ...         "touched_at": [paid - timedelta(days=3), paid], "click_id": [None] * 2, "organic": [None] * 2},
    ...         schema_overrides={"click_id": pl.String, "organic": pl.Boolean}),
    ...     pl.DataFrame({"conversion_id": ["tmall-1-1"], "user_key": [7], "paid_at": [paid], "brand": ["A"],
    ...         "category": ["lipstick"], "product_id": ["p"], "click_id": ["c"]}),
    ...     pl.DataFrame({"note_id": ["n1"], "brand": ["A"], "lane": ["seeding"], "category": ["lipstick"],
    ...         "product_ids": [["p"]]}),
    ...     pl.DataFrame({"lane": ["seeding"], "kind": ["impression"], "category": [None],
    ...         "window": [timedelta(days=30)]}, schema_overrides={"category": pl.String}),
    ... )
    >>> result.select("note_id", "age", "matched_by", "direct", "position", "touches").rows()
    [('n1', datetime.timedelta(days=3), 'user_key', True, 1, 1)]
    """
    if scope not in SCOPES:
        raise ValueError(f"scope {scope!r} is unknown: expected one of {', '.join(map(repr, SCOPES))}")
    windows = windows.lazy()
    reached, notes = with_reach(conversions.lazy(), notes.lazy(), None if reach is None else reach.lazy())
    orders = _orders(reached, windows)

    def inside(pairs: pl.LazyFrame) -> pl.LazyFrame:
        return _inside(_eligible(pairs, orders, notes, SCOPES[scope]), windows)

    found = inside(_matched(touches.lazy(), orders, links))
    if codes is not None:
        clicked = found.filter(pl.col("kind") == "click")
        by_code = inside(_by_code(codes.lazy(), orders))
        found = pl.concat([found, by_code.join(clicked, on=["order", "note_id"], how="anti")])
    return like(_numbered(found), touches)


def _orders(conversions: pl.LazyFrame, windows: pl.LazyFrame) -> pl.LazyFrame:
    """The conversions, numbered, with the earliest instant that any window reaches."""
    return (
        conversions.select(
            "conversion_id", "user_key", "paid_at", "brand", "category", "product_id", "click_id", "reached_by"
        )
        .sort("conversion_id")
        .with_row_index("order")
        .join(windows.select(longest=pl.col("window").max()), how="cross")
        .with_columns(earliest=pl.col("paid_at") - pl.col("longest"))
    )


def _matched(touches: pl.LazyFrame, orders: pl.LazyFrame, links: AnyFrame | None) -> pl.LazyFrame:
    """Pairs of touch and order, by user, by click and by linked user, that the longest window would still allow."""
    organic = pl.col("organic").fill_null(value=False)
    touches = touches.select("note_id", "kind", "touched_at", "user_key", organic, touch_click="click_id")
    # A join costs by the columns that it carries: what else an order has joins the pairs that are left.
    orders = orders.select("order", "user_key", "click_id", "paid_at", "earliest")
    by_user = touches.join(orders.drop("click_id"), on="user_key")
    by_click = touches.filter(pl.col("touch_click").is_not_null()).join(
        orders.drop("user_key"), left_on="touch_click", right_on="click_id"
    )
    before = pl.col("touched_at").is_between("earliest", "paid_at", closed="left")
    at_once = (pl.col("touched_at") == pl.col("paid_at")) & (pl.col("kind") == "click")
    # A pair that is found in several ways stands here as often: as with every touch that does, one will count.
    pairs = {_USER: by_user.filter(before), _CLICK: by_click.filter(before | at_once)}
    if links is not None:
        others = orders.drop("click_id").join(links.lazy().select("user_key", "linked_key").unique(), on="user_key")
        pairs[_LINK] = touches.join(others, left_on="user_key", right_on="linked_key").filter(before)
    return pl.concat(_pair(found, way) for way, found in pairs.items())


def _by_code(codes: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
    """The clicks of which the codes of orders are evidence."""
    known = orders.select("order", "conversion_id", "paid_at", "earliest")
    clicks = codes.select("conversion_id", "note_id", "clicked_at").join(known, on="conversion_id")
    return _pair(
        clicks.with_columns(
            kind=pl.lit("click"),
            touched_at=pl.coalesce("clicked_at", "paid_at"),
            touch_click=pl.lit(None, pl.String),
            organic=pl.lit(value=False),
        ).filter(pl.col("touched_at").is_between("earliest", "paid_at")),
        _CODE,
    )


def _pair(found: pl.LazyFrame, way: int) -> pl.LazyFrame:
    return found.select("order", "note_id", "kind", "touched_at", "touch_click", "organic", way=pl.lit(way, pl.UInt8))


def _eligible(matched: pl.LazyFrame, orders: pl.LazyFrame, notes: pl.LazyFrame, in_scope: pl.Expr) -> pl.LazyFrame:
    """The pairs whose note is of the order's brand and in scope, and whose lane reaches the order's channel."""
    # A note may list thousands of products: a pair looks its product up, and does not carry the list.
    promoted = notes.select("note_id", product_id="product_ids").explode("product_id").drop_nulls().unique()
    notes = notes.select(
        "note_id",
        "lane",
        "reaches",
        lists_products=pl.col("product_ids").list.len() > 0,
        note_brand="brand",
        note_category="category",
    )
    return (
        matched.join(notes, on="note_id")
        .join(orders.drop("user_key"), on="order")
        .filter((pl.col("note_brand") == pl.col("brand")) & ((pl.col("reaches") & pl.col("reached_by")) != 0))
        .join(promoted.with_columns(promoted=pl.lit(value=True)), on=["note_id", "product_id"], how="left")
        .filter(in_scope)
        .select(
            "order",
            "conversion_id",
            "note_id",
            "lane",
            "kind",
            "category",
            "touched_at",
            "touch_click",
            "organic",
            "way",
            age=pl.col("paid_at") - pl.col("touched_at"),
            direct=PROMOTES_PRODUCT,
        )
    )


def _inside(eligible: pl.LazyFrame, windows: pl.LazyFrame) -> pl.LazyFrame:
    """The pairs inside the window of their lane and kind, or of their category where that has its own."""
    return with_window(eligible, windows).filter(pl.col("age") <= pl.col("window"))


def _numbered(inside: pl.LazyFrame) -> pl.LazyFrame:
    """Every touch once, in touch order, with its place in the journey."""
    row = pl.col("row")
    return (
        inside.with_columns(strength=STRENGTH)
        .sort(*TOUCH_ORDER, "way", "organic")
        .filter(pl.any_horizontal(pl.col(key).ne_missing(pl.col(key).shift()) for key in TOUCH_ORDER))
        .with_row_index("row")
        .select(
            "conversion_id",
            "note_id",
            "lane",
            "kind",
            "touched_at",
            "age",
            pl.col("way").replace_strict(dict(enumerate(MATCHES)), return_dtype=pl.String).alias("matched_by"),
            "organic",
            "direct",
            position=row - row.min().over("order") + 1,
            touches=pl.len().over("order"),
        )
    )
