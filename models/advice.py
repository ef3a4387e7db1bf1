"""What to do with a note: boost, keep, watch or stop; and when there is too little to say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from models.frames import Frame

#: Every action, from the best to the worst.
ACTIONS = ("boost", "keep", "watch", "stop")

#: Why nothing is advised, in the order in which it is asked.
NO_ADVICE = ("unknown_age", "too_young", "low_spend", "few_orders")


@dataclass(frozen=True)
class Targets:
    """By what a note is judged. Ratios are credited GMV / spend, costs are yuan.

    The defaults are examples of this field, not standards: every brand sets its own.
    """

    roas_target: float = 2.5
    roas_pause: float = 1.5
    cpuv_target: float = 35.0
    cpuv_pause: float = 50.0
    min_age_days: int = 15
    min_spend: float = 800.0
    min_orders: float = 5.0

    def __post_init__(self) -> None:
        """Refuse targets that contradict each other."""
        if self.roas_pause > self.roas_target:
            raise ValueError(f"roas_pause is {self.roas_pause}, above roas_target {self.roas_target}; set it lower")
        if self.cpuv_pause < self.cpuv_target:
            raise ValueError(f"cpuv_pause is {self.cpuv_pause}, below cpuv_target {self.cpuv_target}; set it higher")
        if negative := [name for name, value in vars(self).items() if value < 0]:
            raise ValueError(f"{', '.join(negative)} below 0; set it to 0 or more")


def advise(notes: Frame, /, *, targets: Targets) -> Frame:
    """What to do with each note by each model, why, and how many models say the same.

    The first rule that holds decides:

    - nothing is advised where the age is unknown or below `min_age_days`, the spend below `min_spend` or unknown, or
      where the note has fewer than `min_orders` credited orders;
    - `stop`: ROAS below `roas_pause`, or CPUV above `cpuv_pause` while ROAS is below `roas_target`; only once the
      note's windows are closed, before that `watch`;
    - `boost`: ROAS from `roas_target` on, after refunds too, and CPUV not above `cpuv_target` where it is known;
    - `keep`: ROAS from `roas_target` on otherwise;
    - `watch`: what lies between.

    Source: thresholds of this field (see `Targets`); the rules are this project's own. They judge attribution, which
    says who was present before a purchase, not who caused it.

    Args:
        notes: One row per note, model and currency, and date where it has `as_of`: `note_id`, `model`, `currency`
            String, `age_days` Int64, `spend` and `orders` numeric, `roas_gmv`, `roas_net`, `cpuv` Float64 (null where
            unknown), `maturity` String.
        targets: By what notes are judged.

    Returns:
        The rows with `action` (one of `ACTIONS`, null where nothing is advised), `reason` (String: the rule that
        decided), and `models_agree` (UInt32: how many of the note's models give the same action, null where
        nothing is advised).
    """
    roas, cpuv, is_open = pl.col("roas_gmv"), pl.col("cpuv"), pl.col("maturity") == "maturing"
    dear = (cpuv > targets.cpuv_pause).fill_null(False)
    rules = (
        (pl.col("age_days").is_null(), None, "unknown_age"),
        (pl.col("age_days") < targets.min_age_days, None, "too_young"),
        (pl.col("spend").is_null() | (pl.col("spend") < targets.min_spend) | roas.is_null(), None, "low_spend"),
        (pl.col("orders") < targets.min_orders, None, "few_orders"),
        ((roas < targets.roas_pause) & is_open, "watch", "low_roas_open"),
        (roas < targets.roas_pause, "stop", "low_roas"),
        (dear & (roas < targets.roas_target) & is_open, "watch", "dear_visits_open"),
        (dear & (roas < targets.roas_target), "stop", "dear_visits"),
        (roas < targets.roas_target, "watch", "between"),
        (pl.col("roas_net").fill_null(roas) < targets.roas_target, "keep", "refunds"),
        ((cpuv > targets.cpuv_target).fill_null(False), "keep", "visits_above_target"),
        (pl.lit(True), "boost", "above_target"),
    )
    first = pl.coalesce(pl.when(holds).then(at) for at, (holds, _, _) in enumerate(rules))
    decided = pl.Series("action", [action for _, action, _ in rules], dtype=pl.String)
    named = pl.Series("reason", [reason for _, _, reason in rules], dtype=pl.String)
    judged = notes.with_columns(
        action=first.replace_strict(list(range(len(rules))), decided, return_dtype=pl.String),
        reason=first.replace_strict(list(range(len(rules))), named, return_dtype=pl.String),
    )
    of_one = [name for name in ("as_of", "note_id", "currency") if name in judged.collect_schema().names()]
    same = pl.len().over(*of_one, "action").cast(pl.UInt32)
    return judged.with_columns(models_agree=pl.when(pl.col("action").is_not_null()).then(same))
