"""The table of models: what there is, what it is called, how it is applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

from models.data_driven import data_driven
from models.markov import markov
from models.rules.by_position import by_position
from models.rules.first_touch import first_touch
from models.rules.last_click import last_click
from models.rules.last_non_organic import last_non_organic
from models.rules.last_touch import last_touch
from models.rules.linear import linear
from models.rules.participation import participation
from models.rules.position_based import position_based
from models.rules.time_decay import time_decay
from models.shapley import shapley, shapley_ordered

#: The weight of each touch of a journey.
Rule = Callable[[], pl.Expr]


@dataclass(frozen=True)
class Model:
    """A model: its column name, its kind, its display names, and its function.

    `rule`: the function gives an expression over a journeys frame (see `models.rules`). `fitted`: the function
    learns values from many journeys first, `function(paths, journeys, touch_column=…)` (see `models.paths`).

    `additive`: the credits of a conversion sum to it. `timed`: it reads when touches occurred, which aggregated
    paths do not tell. `needs`: an option that has no default.
    """

    name: str
    kind: Literal["rule", "fitted"]
    name_zh: str
    name_en: str
    function: Callable[..., Any]
    additive: bool = True
    timed: bool = False
    needs: str | None = None


#: A new model is its module and its line here.
MODELS = MappingProxyType(
    {
        model.name: model
        for model in (
            Model("first_touch", "rule", "首次触点", "First touch", first_touch),
            Model("last_touch", "rule", "末次触点", "Last touch", last_touch),
            Model("last_click", "rule", "末次点击", "Last click", last_click),
            Model("last_non_organic", "rule", "末次非自然触点", "Last non-organic", last_non_organic),
            Model("linear", "rule", "线性", "Linear", linear),
            Model("time_decay", "rule", "时间衰减", "Time decay", time_decay, timed=True),
            Model("position_based", "rule", "位置（40/20/40）", "Position based", position_based),
            Model("by_position", "rule", "自定义位置权重", "Custom, by position", by_position, needs="weights"),
            Model("participation", "rule", "参与", "Participation", participation, additive=False),
            Model("markov", "fitted", "马尔可夫链", "Markov", markov),
            Model("shapley", "fitted", "沙普利值", "Shapley", shapley),
            Model("shapley_ordered", "fitted", "有序沙普利值", "Ordered Shapley", shapley_ordered),
            Model("data_driven", "fitted", "数据驱动", "Data-driven", data_driven, timed=True),
        )
    }
)

#: The additive rules by name, with their default options, that need nothing beyond a journeys frame: what a
#: conversion can be credited by, to the fen, and every total and reconciliation be made of.
RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {
        model.name: model.function
        for model in MODELS.values()
        if model.kind == "rule" and model.additive and not model.needs
    }
)

_NOT_ADDITIVE = frozenset(model.function for model in MODELS.values() if not model.additive)


def is_additive(rule: Rule, /) -> bool:
    """Whether the credits by `rule` of a conversion sum to it.

    >>> is_additive(linear), is_additive(participation)
    (True, False)
    """
    return (rule.func if isinstance(rule, partial) else rule) not in _NOT_ADDITIVE
