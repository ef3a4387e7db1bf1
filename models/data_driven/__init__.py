"""Data-driven attribution: credits from a fitted chance to convert, by taking each note out of its journey.

| module | gives |
|---|---|
| `features` | kinds, recency and repetition of the touches of a journey |
| `judging` | calibration and losses out of time, beside a naive base rate |
| `model` | the fitted chance to convert, and the shares of every touch |
| `attribution` | fit and credits |
"""

from __future__ import annotations

from models.data_driven.attribution import data_driven, fit_data_driven
from models.data_driven.model import DataDrivenModel, NoBetterThanBaseRateError

__all__ = ["DataDrivenModel", "NoBetterThanBaseRateError", "data_driven", "fit_data_driven"]
