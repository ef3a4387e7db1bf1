"""All rules, Markov and Shapley against the packages of this field, on the same journeys in one run.

    pip install '.[bench]'
    python -m benchmarks.peers

Peers that are not installed are left out, and said so. Simulating the journeys and bringing them into the form that a
package asks for is not timed; each part runs in a process of its own, the better of two runs counts (of one, if it is
long), and a part that has not ended after `PATIENCE` seconds, preparations included, is ended.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import polars as pl

from benchmarks.fitted import simulate
from benchmarks.measuring import installed, table
from models import MODELS, markov, rule_totals, shapley
from models.totals import ATTRIBUTED

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60
SIZES = {"1M journeys, 12 channels": (1_000_000, 12), "100k journeys, 5,000 notes": (100_000, 5_000)}
RULES = {name: MODELS[name].function for name in ATTRIBUTED if MODELS[name].kind == "rule"}

Frames = tuple[pl.DataFrame, pl.DataFrame]


@dataclass(frozen=True)
class Part:
    """What is measured: who, what (parts of one kind are compared), and a function that prepares the run."""

    kind: str
    name: str
    package: str | None
    prepare: Callable[[Frames], Callable[[], Any]]


def joined(frames: Frames) -> pl.DataFrame:
    """One row per journey, with its path as text."""
    paths, journeys = frames
    path = pl.col("note_id").str.join(" > ").alias("path")
    hours = (pl.col("occurred_at").max() - pl.col("occurred_at")).dt.total_hours().cast(pl.String).str.join(" > ")
    texts = paths.group_by("journey_id", maintain_order=True).agg(path, hours.alias("hours"))
    return texts.join(journeys, on="journey_id", maintain_order="left")


def channelattribution(model: str) -> Callable[[Frames], Callable[[], Any]]:
    def prepare(frames: Frames) -> Callable[[], Any]:
        peer = import_module("ChannelAttribution")
        integers = pl.col("conversions", "nulls").cast(pl.Int64)
        data = joined(frames).select("path", "value", integers).to_pandas()
        data["path"] = data["path"].astype(object)
        if model == "rules":
            return lambda: peer.heuristic_models(data, "path", "conversions", "value", flg_pro=False)
        return lambda: peer.markov_model(data, "path", "conversions", "value", "nulls", verbose=False, flg_pro=False)

    return prepare


def marketing_attribution_models(method: str) -> Callable[[Frames], Callable[[], Any]]:
    def prepare(frames: Frames) -> Callable[[], Any]:
        package = import_module("mam")
        data = joined(frames).with_columns(pl.col("conversions").cast(pl.Boolean))
        peer = package.MAM(
            data,
            format_type="journey",
            channels_colname="path",
            journey_with_conv_colname="conversions",
            user_id_colname="journey_id",
            time_till_conv_colname="hours",
            conversion_value_colname="value",
        )
        return getattr(peer, method)

    return prepare


CA, MAM_NAME = "ChannelAttribution", "marketing-attribution-models"
PARTS = (
    Part("rules", f"redcat, {len(RULES)} rules in one pass", None, lambda f: lambda: rule_totals(*f, rules=RULES)),
    Part("rules", "ChannelAttribution, first + last + linear", CA, channelattribution("rules")),
    Part("rules", "marketing-attribution-models, linear alone", MAM_NAME, marketing_attribution_models("run_linear")),
    Part("markov", "redcat, exact", None, lambda f: lambda: markov(*f)),
    Part("markov", "ChannelAttribution, simulated", CA, channelattribution("markov")),
    Part("markov", "marketing-attribution-models", MAM_NAME, marketing_attribution_models("run_markov")),
    Part("shapley", "redcat, exact", None, lambda f: lambda: shapley(*f)),
    Part("shapley", "marketing-attribution-models, groups of 4", MAM_NAME, marketing_attribution_models("run_shapley")),
)


def seconds(number: int, size: tuple[int, int]) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        run = PARTS[number].prepare(simulate(*size))
        found: list[float] = []
        while len(found) < 2 and sum(found) < PATIENCE / 4:
            start = time.perf_counter()
            run()
            found.append(time.perf_counter() - start)
    return min(found)


def patiently(number: int, size: tuple[int, int]) -> float | str:
    """Seconds, or why there are none."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    pool = multiprocessing.get_context("spawn").Pool(1)
    try:
        return pool.apply_async(seconds, (number, size)).get(timeout=PATIENCE)
    except multiprocessing.TimeoutError:
        return f"not within {PATIENCE} s"
    except Exception as error:
        return f"failed: {type(error).__name__}"
    finally:
        pool.terminate()


def main() -> str:
    there = [n for n, part in enumerate(PARTS) if part.package is None or installed(part.package)]
    missing = sorted({part.package for part in PARTS if part.package and not installed(part.package)})
    found = {(n, title): patiently(n, size) for title, size in SIZES.items() for n in there}
    rows = []
    for n in there:
        base = next(m for m in there if PARTS[m].kind == PARTS[n].kind)
        cells = []
        for title in SIZES:
            took, ours = found[n, title], found[base, title]
            both = isinstance(took, float) and isinstance(ours, float)
            cells.append(f"{took:.2f} s ({took / ours:.1f}×)" if both else took)
        rows.append((PARTS[n].kind, PARTS[n].name, *cells))
    note = f"\n\nNot installed, so left out: {', '.join(missing)} (the extra `bench`)." if missing else ""
    return table(("model", "how", *SIZES), rows) + note


if __name__ == "__main__":
    print(main())
