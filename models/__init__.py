"""Attribution: from touches and conversions to what each note returned. Pure polars, knows no files.

Frames in are positional, options named; lazy in gives lazy out. `help()` of each tells formula, source, conservation
and limits.

| step | functions |
|---|---|
| the touches of each conversion inside its windows | `journeys`; dates that touches can change: `reached_dates` |
| the share of each conversion that a note gets, by rules | `credits`; the weights: `first_touch`, `last_touch`, \
`last_click`, `last_non_organic`, `linear`, `time_decay`, `position_based`, `by_position`, `participation` |
| shares to fen, earnings, returns, totals that agree | `split_fen`, `earned`, `rollup`, `returns`, `sold`, \
`reconciliation`; `earned_at_grain` for many conversions; on real money: `real_returns` |
| the same bucket by bucket | `earned_cells`, `add_cells`, `cells_by_model`, `RunningSum`, `TransitionSum` |
| journeys as paths, converting or not | `paths_from_touches`, `paths_from_aggregated`, `paths_of_users`, `treat` |
| what each note earned, by rules or by any model | `rule_totals`, `attribute` |
| models that are fitted on paths | `markov`, `shapley`, `shapley_ordered`, `data_driven` |
| their parts | `markov_effects`, `markov_transitions`, `markov_transition_effects`, `fit_data_driven` |
| their shares of single conversions | `markov_shares`, `shapley_shares`; as rules: `markov_weight`, `shapley_weight` |
| what an event added in some places | `difference_in_differences` |
| how orders are evidenced, what a claimed visit cost | `evidenced`, `cost_per_visit` |
| the table of models | `MODELS`, `RULES` |
"""

from __future__ import annotations

from models.added import RunningSum
from models.credits import credits  # noqa: A004
from models.data_driven import NoBetterThanBaseRateError, data_driven, fit_data_driven
from models.did import difference_in_differences
from models.earnings import earned, reconciliation, rollup, sold
from models.evidence import evidenced
from models.grain import add_cells, cells_by_model, earned_at_grain, earned_cells
from models.journeys import journeys
from models.markov import (
    SingularChainError,
    TransitionSum,
    markov,
    markov_effects,
    markov_shares,
    markov_transition_effects,
    markov_transitions,
    markov_weight,
)
from models.money import split_fen
from models.paths import paths_from_aggregated, paths_from_touches, paths_of_users, treat
from models.real_money import real_returns
from models.register import MODELS, RULES
from models.roi import returns
from models.rules.by_position import by_position
from models.rules.first_touch import first_touch
from models.rules.last_click import last_click
from models.rules.last_non_organic import last_non_organic
from models.rules.last_touch import last_touch
from models.rules.linear import linear
from models.rules.participation import participation
from models.rules.position_based import position_based
from models.rules.time_decay import time_decay
from models.shapley import shapley, shapley_ordered, shapley_shares, shapley_weight
from models.totals import attribute, rule_totals
from models.visits import cost_per_visit
from models.windows import reached_dates

__all__ = [
    "MODELS",
    "RULES",
    "NoBetterThanBaseRateError",
    "RunningSum",
    "SingularChainError",
    "TransitionSum",
    "add_cells",
    "attribute",
    "by_position",
    "cells_by_model",
    "cost_per_visit",
    "credits",
    "data_driven",
    "difference_in_differences",
    "earned",
    "earned_at_grain",
    "earned_cells",
    "evidenced",
    "first_touch",
    "fit_data_driven",
    "journeys",
    "last_click",
    "last_non_organic",
    "last_touch",
    "linear",
    "markov",
    "markov_effects",
    "markov_shares",
    "markov_transition_effects",
    "markov_transitions",
    "markov_weight",
    "participation",
    "paths_from_aggregated",
    "paths_from_touches",
    "paths_of_users",
    "position_based",
    "reached_dates",
    "real_returns",
    "reconciliation",
    "returns",
    "rollup",
    "rule_totals",
    "shapley",
    "shapley_ordered",
    "shapley_shares",
    "shapley_weight",
    "sold",
    "split_fen",
    "time_decay",
    "treat",
]
