"""The table of models: what there is, what it is called, how it is applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

from models.rules.first_touch import first_touch
from models.rules.last_click import last_click
from models.rules.last_touch import last_touch
from models.rules.linear import linear
from models.rules.position_based import position_based
from models.rules.time_decay import time_decay

#: The weight of each touch of a journey.
Rule = Callable[[], pl.Expr]


@dataclass(frozen=True)
class Model:
    """A model: its column name, its kind, its display names, and its function.

    `rule`: the function gives an expression over a journeys frame (see `models.rules`). `fitted`: the
    function learns values from many journeys first.
    """

    name: str
    kind: Literal["rule", "fitted"]
    name_zh: str
    name_en: str
    function: Callable[..., Any]


#: A new model is its module and its line here.
MODELS = MappingProxyType(
    {
        model.name: model
        for model in (
            Model("first_touch", "rule", "首次触点", "First touch", first_touch),
            Model("last_touch", "rule", "末次触点", "Last touch", last_touch),
            Model("last_click", "rule", "末次点击", "Last click", last_click),
            Model("linear", "rule", "线性", "Linear", linear),
            Model("time_decay", "rule", "时间衰减", "Time decay", time_decay),
            Model("position_based", "rule", "位置（40/20/40）", "Position based", position_based),
        )
    }
)

#: The rules by name, with their default options.
RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {model.name: model.function for model in MODELS.values() if model.kind == "rule"}
)
