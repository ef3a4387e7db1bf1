"""All rules, Markov and Shapley against the packages of this field, on the same journeys in one run.

    pip install '.[bench]'
    python -m benchmarks.peers

Peers that are not installed are left out, and said so. Simulating the journeys and bringing them into the form that a
package asks for is not timed; each part runs in a process of its own, and the best of its runs counts: of as many as
fit into `ENOUGH` seconds, of two at least unless they are long. A part that has not ended after `PATIENCE` seconds,
preparations included, is ended. DuckDB has no package for this: the steps of one for dbt stand for it, and a query that
is leaner than any package's shows how far SQL can get.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import time
import warnings
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

PATIENCE, ENOUGH = 60, 2
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


def mam(method: str) -> Callable[[Frames], Callable[[], Any]]:
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


def mta(*methods: str) -> Callable[[Frames], Callable[[], Any]]:
    def prepare(frames: Frames) -> Callable[[], Any]:
        package = import_module("mta")
        data = joined(frames).select("path", total_conversions="conversions", total_null="nulls").to_pandas()
        data["path"] = data["path"].astype(object)
        peer = package.MTA(data, allow_loops=True, add_timepoints=False)
        return lambda: [getattr(peer, method)() for method in methods]

    return prepare


def pychattr(frames: Frames) -> Callable[[], Any]:
    package = import_module("pychattr.channel_attribution")
    integers = pl.col("conversions", "nulls").cast(pl.Int64)
    data = joined(frames).select(pl.col("path").str.replace_all(" > ", ">", literal=True), integers).to_pandas()
    data["path"] = data["path"].astype(object)
    columns = {"path_feature": "path", "conversion_feature": "conversions", "null_feature": "nulls"}
    return lambda: package.MarkovModel(**columns, separator=">", random_state=0).fit(data)


#: Attribution in SQL as a widely used dbt package does it, step by step, each a table: the path of each conversion as
#: text, from the touches of its user in the 30 days before; then taken apart again, a credit for each place.
PACKAGE_SQL = """
    CREATE OR REPLACE TABLE paths_to_conversion AS
    WITH texts AS (
        SELECT c.conversion_id, c.journey_id, c.converted_at, c.revenue,
            string_agg(e.note_id, ' > ' ORDER BY e.occurred_at) AS path
        FROM conversions c JOIN events e USING (journey_id)
        WHERE datediff('day', e.occurred_at, c.converted_at) <= 30 AND e.occurred_at <= c.converted_at
        GROUP BY ALL)
    SELECT * EXCLUDE path, array_to_string(string_split(path, ' > '), ' > ') AS path FROM texts;

    CREATE OR REPLACE TABLE attributions AS
    WITH
        arrays AS (SELECT *, string_split(path, ' > ') AS steps FROM paths_to_conversion),
        unnested AS (
            SELECT conversion_id, unnest(steps) AS note_id, generate_subscripts(steps, 1) AS place FROM arrays),
        placed AS (
            SELECT *, len(steps) AS places, place = max(place) OVER (PARTITION BY conversion_id) AS is_last
            FROM arrays LEFT JOIN unnested USING (conversion_id))
    SELECT conversion_id, journey_id, converted_at, path, note_id, place, places,
        CASE WHEN place = 1 THEN revenue ELSE 0 END AS first_touch,
        CASE WHEN is_last THEN revenue ELSE 0 END AS last_touch,
        revenue / places AS linear,
        CASE WHEN places <= 2 THEN revenue / places WHEN place = 1 OR is_last THEN revenue * 0.4
            ELSE revenue * 0.2 / (places - 2) END AS position_based
    FROM placed;

    SELECT note_id, sum(first_touch), sum(last_touch), sum(linear), sum(position_based)
    FROM attributions GROUP BY note_id"""

#: The same figures in one query, as lean as SQL gets: journeys known, no window, nothing stored.
LEAN_SQL = """
    WITH paths AS (
        SELECT journey_id, any_value(value) AS revenue,
            string_split(string_agg(note_id, ' > ' ORDER BY occurred_at), ' > ') AS path
        FROM events JOIN journeys USING (journey_id) WHERE conversions > 0 GROUP BY journey_id),
    steps AS (
        SELECT unnest(path) AS note_id, generate_subscripts(path, 1) AS place, len(path) AS places, revenue FROM paths)
    SELECT note_id,
        sum(revenue) FILTER (place = 1) AS first_touch,
        sum(revenue) FILTER (place = places) AS last_touch,
        sum(revenue / places) AS linear,
        sum(revenue * CASE WHEN places = 1 THEN 1 WHEN places = 2 THEN 0.5 WHEN place IN (1, places) THEN 0.4
            ELSE 0.2 / (places - 2) END) AS position_based
    FROM steps GROUP BY note_id"""


def sql(query: str) -> Callable[[Frames], Callable[[], Any]]:
    def prepare(frames: Frames) -> Callable[[], Any]:
        connection = import_module("duckdb").connect()
        paths, journeys = frames  # noqa: RUF059 - DuckDB reads them by name
        connection.execute("CREATE TABLE events AS SELECT journey_id, note_id, occurred_at FROM paths")
        connection.execute("CREATE TABLE journeys AS FROM journeys")
        connection.execute("""
            CREATE TABLE conversions AS
            SELECT journey_id AS conversion_id, journey_id,
                any_value(value) AS revenue, max(occurred_at) AS converted_at
            FROM events JOIN journeys USING (journey_id) WHERE conversions > 0 GROUP BY journey_id""")
        return lambda: connection.execute(query).fetchall()

    return prepare


CA, MAM_NAME = "ChannelAttribution", "marketing-attribution-models"
PARTS = (
    Part("rules", f"redcat, {len(RULES)} rules in one pass", None, lambda f: lambda: rule_totals(*f, rules=RULES)),
    Part("rules", "ChannelAttribution, first + last + linear", CA, channelattribution("rules")),
    Part("rules", "marketing-attribution-models, linear alone", MAM_NAME, mam("run_linear")),
    Part("rules", "marketing-attribution-models, time decay alone", MAM_NAME, mam("run_time_decay")),
    Part("rules", "marketing-attribution-models, position alone", MAM_NAME, mam("run_position_based")),
    Part("rules", "mta, first + last + linear", "mta", mta("first_touch", "last_touch", "linear")),
    Part("rules", "steps of a dbt package on DuckDB, first + last + linear + position", "duckdb", sql(PACKAGE_SQL)),
    Part("rules", "lean SQL on DuckDB (no package), first + last + linear + position", "duckdb", sql(LEAN_SQL)),
    Part("markov", "redcat, exact", None, lambda f: lambda: markov(*f)),
    Part("markov", "ChannelAttribution, simulated", CA, channelattribution("markov")),
    Part("markov", "marketing-attribution-models", MAM_NAME, mam("run_markov")),
    Part("markov", "mta", "mta", mta("markov")),
    Part("markov", "pychattr, simulated", "pychattr", pychattr),
    Part("shapley", "redcat, exact", None, lambda f: lambda: shapley(*f)),
    Part("shapley", "marketing-attribution-models, groups of 4", MAM_NAME, mam("run_shapley")),
    Part("shapley", "mta, all coalitions", "mta", mta("shapley")),
)


def seconds(number: int, size: tuple[int, int]) -> float:
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        run = PARTS[number].prepare(simulate(*size))
        found: list[float] = []
        while sum(found) < (ENOUGH if len(found) > 1 else PATIENCE / 4):
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
