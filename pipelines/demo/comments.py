"""What users write under notes in the demo world; the text lands, and only its class is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from pipelines.demo.clock import wall_clock
from pipelines.demo.exports import exported

if TYPE_CHECKING:
    from numpy.random import Generator

    from pipelines.demo.world import World

TEXTS = {
    "asks": ("求链接！", "在哪里买呀", "求同款", "蹲一个链接", "姐妹怎么买的"),
    "negative": ("踩雷了，不好用", "智商税吧", "用了失望"),
    "complaint": ("客服一直不理人", "买了还不退款，要投诉"),
    "diverts": ("想要的加微信 songyu_01", "去淘宝搜店名更便宜"),
    "plain": ("好看！", "收藏了", "这个颜色绝了", "空瓶两次了", "链接已收藏", "种草了种草了"),
}
KINDS = tuple(TEXTS)
# Notes without a link are asked for one; notes that are liked and sell nothing hear more complaints.
ASKED, ASKED_WITH_LINK = 0.22, 0.05
NEGATIVE, NEGATIVE_OF_EMPTY, COMPLAINT, DIVERTS = 0.03, 0.07, 0.015, 0.01


def feeds(world: World, rng: Generator, /) -> dict[str, pl.DataFrame]:
    """`note_comments`, as `pipelines.demo.exports.feeds`: one for each engagement that is a comment."""
    said = world.engagements.filter(action="comment").sort("at", "note", "user")
    notes = world.notes[said["note"].to_numpy()]
    linked = notes["lane"].is_in(["exchange_link", "in_app", "live"]).to_numpy()
    empty = (notes["archetype"] == "liked_but_empty").to_numpy()
    shares = np.column_stack(
        [
            np.where(linked, ASKED_WITH_LINK, ASKED),
            np.where(empty, NEGATIVE_OF_EMPTY, NEGATIVE),
            np.full(said.height, COMPLAINT),
            np.full(said.height, DIVERTS),
        ]
    )
    kind = (rng.random(said.height)[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    nth = rng.integers(0, 60, said.height)  # 60 divides by the number of texts of each kind
    comments = said.select(
        comment_id=pl.lit("m") + pl.int_range(pl.len()).cast(pl.String).str.zfill(9),
        note_id=world.notes["note_id"].gather(said["note"]),
        user_id=world.users.ids.gather(said["user"]),
        comment_text=pl.Series([TEXTS[KINDS[k]][n % len(TEXTS[KINDS[k]])] for k, n in zip(kind, nth, strict=True)]),
        commented_at=wall_clock("at"),
        at="at",
    )
    return {"note_comments": exported(rng, comments)}
