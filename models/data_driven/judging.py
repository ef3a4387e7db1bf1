"""How well predicted chances did on journeys that the model had not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray


def judge(
    chance: NDArray[np.float64], won: NDArray[np.float64], lost: NDArray[np.float64], base: float
) -> dict[str, Any]:
    total = won + lost
    saved = won * np.log(chance / base) + lost * np.log((1 - chance) / (1 - base))
    n = total.sum()
    gain = saved.sum() / n
    table = pl.DataFrame({"chance": chance, "won": won, "total": total}).sort("chance")
    tenth = (pl.col("total").cum_sum() / n * 10).ceil().clip(1, 10).cast(pl.Int32)
    calibration = (
        table.group_by(tenth.alias("tenth"))
        .agg(
            ((pl.col("chance") * pl.col("total")).sum() / pl.col("total").sum()).alias("predicted"),
            (pl.col("won").sum() / pl.col("total").sum()).alias("observed"),
            pl.col("total").sum().alias("journeys"),
        )
        .sort("tenth")
    )

    def log_loss(p: NDArray[np.float64] | float) -> float:
        return float(-(won * np.log(p) + lost * np.log1p(-np.asarray(p))).sum() / n)

    def brier(p: NDArray[np.float64] | float) -> float:
        return float((won * (1 - np.asarray(p)) ** 2 + lost * np.asarray(p) ** 2).sum() / n)

    return {
        "calibration": calibration,
        "log_loss": log_loss(chance),
        "base_log_loss": log_loss(base),
        "brier": brier(chance),
        "base_brier": brier(base),
        "gain": float(gain),
        "gain_error": float(np.sqrt(((saved - gain * total) ** 2).sum()) / n),
    }
