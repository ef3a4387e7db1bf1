"""Data-driven attribution: credits from a fitted chance to convert, by taking each note out of its journey.

| module | gives |
|---|---|
| `features` | kinds, recency and repetition of the touches of a journey |
| `judging` | calibration and losses out of time, beside a naive base rate |
| `attribution` | the model: fit, shares of every touch, credits |
"""

from __future__ import annotations

from models.data_driven.attribution import (
    DataDrivenModel,
    NoBetterThanBaseRateError,
    data_driven,
    fit_data_driven,
)

__all__ = ["DataDrivenModel", "NoBetterThanBaseRateError", "data_driven", "fit_data_driven"]
