"""`redcat attribute`: the models on anybody's journeys, from files to a file, without the pipeline."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING

import polars as pl

from data_contracts.contract import BUSINESS_TIME_ZONE
from models.paths import paths_from_aggregated, paths_from_touches
from models.register import MODELS
from models.totals import ATTRIBUTED, attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    Journeys = tuple[pl.DataFrame, pl.DataFrame, pl.Series]
    Say = Callable[[str], None]

FORMATS = (".csv", ".parquet")
FLAGS = dict.fromkeys(("1", "1.0", "true", "yes"), True) | dict.fromkeys(("0", "0.0", "false", "no"), False)
#: Ways to write an instant, and the one that is read: date T time to the second, zone in figures.
SPELLINGS = (
    ("/", "-"),
    ("[ tT]+", "T"),
    (r"^(\d+-\d+-\d+)$", "${1}T00:00:00"),
    (r"T(\d+:\d+)($|[-+Zz])", "T${1}:00${2}"),
    ("[Zz]$", "+00:00"),
    (r"(T.*[-+]\d{2})$", "${1}:00"),
)
RESULT = ("model", "note_id", "conversions", "revenue", "removal_effect")


class InputError(ValueError):
    """A file or an option cannot be used; the message says which, why, and what to do."""


def attribute_touches(
    touches: Path, journeys: Path, out: Path, /, *, models: str | None, touch_column: str, say: Say, progress: Say
) -> int:
    """Run the models on touches and journeys, write one row per model and note; returns the rows.

    `say` takes what the user should know of, `progress` what is being done just now. A note that stands in `touches`
    has its row whatever became of its touches. The rows of a model that declines have null figures.

    Raises:
        InputError: something is missing, unknown or unreadable.
    """
    chosen, _ = _chosen(models, ATTRIBUTED), _check_out(out)
    progress("reading")
    paths, outcomes, notes = _from_touches(touches, journeys, touch_column, say)
    return _write(_attributed(paths, outcomes, notes, chosen, say, progress), out)


def attribute_paths(paths: Path, out: Path, /, *, models: str | None, say: Say, progress: Say) -> int:
    """The same for aggregated paths, which tell no times: models that need them are refused, or left out unasked."""
    timed = [name for name in ATTRIBUTED if MODELS[name].timed]
    chosen, _ = _chosen(models, ATTRIBUTED), _check_out(out)
    if models and (wrong := [name for name in chosen if name in timed]):
        raise InputError(
            f"{' and '.join(wrong)} cannot run on --paths: aggregated paths do not tell when touches occurred. "
            "Give TOUCHES and JOURNEYS, or leave them out of --models"
        )
    progress("reading")
    found, outcomes, notes = _from_paths(paths)
    if not models:
        chosen = [name for name in chosen if name not in timed]
        say(f"left out {' and '.join(timed)}: aggregated paths do not tell when touches occurred")
    return _write(_attributed(found, outcomes, notes, chosen, say, progress), out)


def _chosen(models: str | None, known: Sequence[str]) -> list[str]:
    names = [name.strip() for name in models.split(",") if name.strip()] if models else list(known)
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            raise InputError(f"there is no model {name!r}{_did_you_mean(near)}; the models are {', '.join(known)}")
    if not names:
        raise InputError(f"--models names none; the models are {', '.join(known)}")
    return list(dict.fromkeys(names))


def _did_you_mean(near: Sequence[str]) -> str:
    return f", did you mean {near[0]!r}?" if near else ""


def _check_out(out: Path) -> None:
    _suffix(out)
    if not out.parent.is_dir():
        raise InputError(f"the folder {out.parent} of --out does not exist; create it, or name another")


def _suffix(path: Path) -> str:
    if (suffix := path.suffix.lower()) not in FORMATS:
        raise InputError(f"{path} ends neither in .csv nor in .parquet; name a file of one of these formats")
    return suffix


def _read(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    suffix = _suffix(path)
    if not path.is_file():
        raise InputError(f"the file {path} does not exist")
    try:
        # Text as it stands: what a column means is decided here, with its line at hand, not guessed by a reader.
        frame = pl.read_csv(path, infer_schema=False) if suffix == ".csv" else pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path} is no readable {suffix[1:]} file ({reason}); CSV has to be UTF-8") from error
    if missing := [name for name in columns if name not in frame.columns]:
        near = get_close_matches(missing[0], frame.columns, n=1)
        raise InputError(
            f"{path} lacks the column{'s' * (len(missing) > 1)} {', '.join(missing)}{_did_you_mean(near)}; "
            f"it has {', '.join(frame.columns) or 'none'}"
        )
    return frame


def _from_touches(touches: Path, journeys: Path, touch_column: str, say: Say) -> Journeys:
    seen = _read(touches, ("journey_id", touch_column, "occurred_at"))
    outcomes = _read(journeys, ("journey_id", "converted", "revenue", "converted_at"))
    seen = seen.select(
        _text(seen["journey_id"]),
        _text(seen[touch_column]).alias("note_id"),
        _instants(seen["occurred_at"], touches),
        *(_text(seen[name]) for name in ("kind",) if name in seen.columns),
        *(_flags(seen[name], touches) for name in ("organic",) if name in seen.columns),
    )
    outcomes = pl.DataFrame(
        [
            _text(outcomes["journey_id"]),
            _flags(outcomes["converted"], journeys),
            _amounts(outcomes["revenue"], journeys),
            _instants(outcomes["converted_at"], journeys),
        ]
    )
    try:
        paths, weights = paths_from_touches(seen, outcomes)
    except ValueError as error:
        raise InputError(f"{journeys}: {error}") from error
    for line in _remarks(seen, outcomes, paths):
        say(line)
    return paths, weights, seen["note_id"].drop_nulls().unique().sort()


def _from_paths(path: Path) -> Journeys:
    frame = _read(path, ("path", "total_conversions"))
    if frame["path"].dtype not in (pl.String, pl.List(pl.String)):
        raise InputError(f"the column path of {path} is {frame['path'].dtype}; expected text, or lists of text")
    totals = ("total_conversions", "total_conversion_value", "total_null")
    paths, weights = paths_from_aggregated(
        frame.select("path", *(_amounts(frame[name], path).fill_null(0.0) for name in totals if name in frame.columns))
    )
    return paths, weights, paths["note_id"].unique().sort()


def _remarks(touches: pl.DataFrame, journeys: pl.DataFrame, paths: pl.DataFrame) -> Iterator[str]:
    """What was left out of the journeys, and which conversions have nobody to credit."""
    if left := touches.height - paths.height:
        incomplete = touches.filter(pl.any_horizontal(pl.col("journey_id", "note_id", "occurred_at").is_null())).height
        unknown = touches.drop_nulls(["journey_id", "note_id", "occurred_at"]).join(
            journeys, on="journey_id", how="anti"
        )
        reasons = {
            "without journey, note or instant": incomplete,
            "of journeys that are not in JOURNEYS": unknown.height,
            "after their conversion": left - incomplete - unknown.height,
        }
        told = ", ".join(f"{count:,} {why}" for why, count in reasons.items() if count)
        yield f"left out {left:,} of {touches.height:,} touches: {told}"
    won = journeys.filter("converted")
    if undated := won["converted_at"].null_count():
        yield f"{undated:,} of {won.height:,} conversions have no converted_at: all touches of these journeys count"
    if alone := won.join(paths, on="journey_id", how="anti").height:
        yield f"{alone:,} of {won.height:,} conversions have no touch and stay unattributed"


def _text(column: pl.Series) -> pl.Series:
    text = column.cast(pl.String)
    return text.set(text == "", None)


def _read_as(column: pl.Series, read: pl.Series, path: Path, expected: str) -> pl.Series:
    """`read`, unless it is null where `column` has something to say."""
    text = _text(column)
    wrong = (text.is_not_null() & read.is_null()).arg_true()
    if wrong.len():
        raise InputError(
            f"the column {column.name} of {path} has {wrong.len():,} of {column.len():,} values that cannot be used, "
            f"the first {text[wrong[0]]!r} in row {wrong[0] + 1}; expected {expected}"
        )
    return read.alias(column.name)


def _flags(column: pl.Series, path: Path) -> pl.Series:
    text = _text(column).str.strip_chars().str.to_lowercase()
    flags = text.replace_strict(FLAGS, default=None, return_dtype=pl.Boolean)
    return _read_as(column, flags, path, "true or false, or 1 or 0")


def _amounts(column: pl.Series, path: Path) -> pl.Series:
    plain = column.str.strip_chars() if column.dtype == pl.String else column
    amounts = plain.cast(pl.Float64, strict=False)
    amounts = amounts.set(~(amounts.is_finite() & (amounts >= 0)), None)
    return _read_as(column, amounts, path, "a number of 0 or more, such as 129.90")


def _instants(column: pl.Series, path: Path) -> pl.Series:
    """Instants in UTC; where no zone is told, as in the places that Redcat is made for, it is Shanghai's."""
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        read = column.dt.convert_time_zone("UTC")
    elif column.dtype in (pl.Datetime, pl.Date):
        read = _of_shanghai(column.cast(pl.Datetime("us")))
    else:
        text = _text(column).str.strip_chars()
        for pattern, instead in SPELLINGS:
            text = text.str.replace_all(pattern, instead)
        zoned = text.str.contains(r"T.*[-+]\d{2}:?\d{2}$").fill_null(value=False)
        plain = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
        told = text.set(~zoned, None).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_unit="us", strict=False)
        read = told.dt.convert_time_zone("UTC").zip_with(zoned, _of_shanghai(plain))
    return _read_as(column, read.cast(pl.Datetime("us", "UTC")), path, "a date and time such as 2026-09-01 08:30:00")


def _of_shanghai(local: pl.Series) -> pl.Series:
    zoned = local.dt.replace_time_zone(BUSINESS_TIME_ZONE, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC")


def _attributed(
    paths: pl.DataFrame, journeys: pl.DataFrame, notes: pl.Series, models: list[str], say: Say, progress: Say
) -> pl.DataFrame:
    """One row per model and note, in the order of `models`."""
    rules = [name for name in models if MODELS[name].kind == "rule"]
    parts = {}
    for step in [rules, *([name] for name in models if name not in rules)]:
        progress(", ".join(step))
        try:
            found = attribute(paths, journeys, models=step)
        except ValueError as declined:
            say(f"{', '.join(step)} declines, its figures stay empty: {declined}")
            nothing = dict.fromkeys(RESULT[2:], pl.lit(None, pl.Float64))
            parts[step[0]] = notes.to_frame().select(pl.lit(step[0]).alias("model"), "note_id", **nothing)
            continue
        for name in step:
            parts[name] = _of_every_note(found.filter(pl.col("model") == name), name, notes)
    return pl.concat([parts[name] for name in models])


def _of_every_note(found: pl.DataFrame, model: str, notes: pl.Series) -> pl.DataFrame:
    """A note that is in no journey earned nothing, and nothing would be lost without it."""
    effect = pl.col("removal_effect")
    has_effect = effect.is_not_null().any()
    return (
        notes.to_frame()
        .join(found, on="note_id", how="left", maintain_order="left")
        .with_columns(
            pl.lit(model).alias("model"),
            pl.col("conversions", "revenue").fill_null(0.0),
            pl.when(has_effect).then(effect.fill_null(0.0)),
        )
        .select(RESULT)
    )


def _write(result: pl.DataFrame, out: Path) -> int:
    """Whole or not at all: a reader of `out` never sees a part."""
    part = out.with_name(f".{out.name}.part")
    try:
        if _suffix(out) == ".csv":
            result.write_csv(part)
        else:
            result.write_parquet(part)
        os.replace(part, out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"{out} cannot be written: {error.strerror or error}") from error
    return result.height
