"""`redcat attribute`: anybody's journeys, from files to a file."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from typer.testing import CliRunner

from models.register import MODELS
from models.totals import ATTRIBUTED
from pipelines.cli import app

if TYPE_CHECKING:
    from click.testing import Result

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "attribute.md"
START = datetime(2026, 9, 1, tzinfo=UTC)
TOUCHES = """journey_id,note_id,occurred_at,kind,organic
1,A > x,2026-09-01 10:00:00,click,false
1,B,2026-09-08 10:00:00,impression,true
1,late,2026-09-08 12:00:01,click,false
2,B,2026-09-02 21:30:00,impression,
3,C,2026-09-03 08:00:00,,
,D,2026-09-03 08:00:00,,
9,E,2026-09-03 08:00:00,,
"""
JOURNEYS = """journey_id,converted,revenue,converted_at
1,true,120.00,2026-09-08 12:00:00
2,1,60,2026-09-02 21:30:00
3,false,,
4,true,7.5,2026-09-08 12:00:00
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands run, with touches and journeys in it."""
    (tmp_path / "touches.csv").write_text(TOUCHES)
    (tmp_path / "journeys.csv").write_text(JOURNEYS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, out: str = "out.csv", status: int = 0) -> Result:
    done = CliRunner().invoke(app, ["attribute", *arguments, "--out", out])
    assert done.exit_code == status, done.output
    return done


def rows(path: Path) -> dict[tuple[str, str], tuple[float | None, ...]]:
    frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    assert frame.columns == ["model", "note_id", "conversions", "revenue", "removal_effect"]
    return {(model, note): tuple(values) for model, note, *values in frame.iter_rows()}


def test_every_model_and_every_note_has_its_row(folder: Path) -> None:
    done = run("touches.csv", "journeys.csv")
    found = rows(folder / "out.csv")
    assert list(found) == [(m, n) for m in ATTRIBUTED for n in ("A > x", "B", "C", "D", "E", "late")]
    assert done.stdout == f"{len(found)} rows in out.csv\n"
    assert found["first_touch", "A > x"] == (1, 120, None)
    assert found["last_touch", "B"] == (2, 180, None)
    assert found["last_click", "A > x"] == found["last_non_organic", "A > x"] == (1, 120, None)
    assert found["linear", "B"] == (1.5, 120, None)
    assert found["time_decay", "A > x"][0] == pytest.approx(1 / 3)
    assert found["position_based", "A > x"] == (0.5, 60, None)
    assert found["participation", "B"] == (2, 180, None)
    assert found["shapley", "B"] == found["shapley_ordered", "B"] == (1.5, 120, None)
    # From the start A, B and C are as likely; A always leads to B, and B to an order.
    assert found["markov", "B"] == (pytest.approx(4 / 3), pytest.approx(120), pytest.approx(1))
    assert found["markov", "A > x"] == (pytest.approx(2 / 3), pytest.approx(60), pytest.approx(0.5))
    for model in ATTRIBUTED[:-1]:
        for idle in ("C", "D", "E", "late"):
            assert found[model, idle] == (0, 0, 0 if model == "markov" else None)


def test_what_is_left_out_is_counted(folder: Path) -> None:
    said = run("touches.csv", "journeys.csv", "--models", "linear").stderr.splitlines()
    assert said == [
        "redcat: left out 3 of 7 touches: 1 without journey, note or instant, 1 of journeys that are not in JOURNEYS, "
        "1 after their conversion",
        "redcat: 1 of 3 conversions have no touch and stay unattributed",
    ]


def test_a_model_that_declines_leaves_its_rows_empty(folder: Path) -> None:
    done = run("touches.csv", "journeys.csv", "--models", "data_driven,linear")
    assert "redcat: data_driven declines, its figures stay empty: 3 journeys with touches" in done.stderr
    found = rows(folder / "out.csv")
    assert found["data_driven", "B"] == (None, None, None)
    assert found["linear", "B"] == (1.5, 120, None)


def test_data_driven_credits_what_made_people_buy(folder: Path) -> None:
    rng = random.Random(3)
    seen, outcomes = [], []
    for number in range(600):
        notes = rng.sample(["cause", "noise1", "noise2"], 2)
        at = START + timedelta(hours=number)
        seen += [(number, note, at + timedelta(minutes=place)) for place, note in enumerate(notes)]
        won = rng.random() < (0.6 if "cause" in notes else 0.05)
        outcomes.append((number, won, 10.0 * won, at + timedelta(hours=1) if won else None))
    pl.DataFrame(seen, schema=["journey_id", "note_id", "occurred_at"], orient="row").write_parquet(
        folder / "t.parquet"
    )
    names = ["journey_id", "converted", "revenue", "converted_at"]
    pl.DataFrame(outcomes, schema=names, orient="row", infer_schema_length=None).write_parquet(folder / "j.parquet")
    run("t.parquet", "j.parquet", "--models", "data_driven", out="out.parquet")
    found = rows(folder / "out.parquet")
    won = sum(row[1] for row in outcomes)
    assert sum(values[0] for values in found.values()) == pytest.approx(won)
    assert found["data_driven", "cause"][0] > 0.8 * won


def test_formats_and_spellings_of_input_do_not_matter(folder: Path) -> None:
    run("touches.csv", "journeys.csv", "--models", "linear,time_decay,markov,last_non_organic")
    touches = pl.read_csv(folder / "touches.csv", try_parse_dates=True)
    journeys = pl.read_csv(folder / "journeys.csv", try_parse_dates=True)
    touches.with_columns(pl.col("occurred_at").dt.replace_time_zone("Asia/Shanghai")).write_parquet(
        folder / "t.parquet"
    )
    journeys.with_columns(
        pl.col("converted").is_in(["true", "1"]).cast(pl.Int8),
        pl.col("revenue").cast(pl.Decimal(18, 2)),
        pl.col("converted_at").dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC"),
    ).write_parquet(folder / "j.parquet")
    (folder / "z.csv").write_text(
        TOUCHES.replace("2026-09-01 10:00:00", "2026-09-01T02:00Z").replace("2026-09-08 10:00:00", "2026/09/08 10:00")
    )
    (folder / "y.csv").write_text(
        JOURNEYS.replace("2026-09-08 12:00:00", "2026-09-08T12:00:00+08:00")
        .replace("2026-09-02 21:30:00", "2026-09-02T13:30:00.000+00")
        .replace("true", "TRUE")
    )
    for one, other in (("t.parquet", "j.parquet"), ("z.csv", "y.csv"), ("touches.csv", "j.parquet")):
        run(one, other, "--models", "linear,time_decay,markov,last_non_organic", out="same.parquet")
        same, expected = rows(folder / "same.parquet"), rows(folder / "out.csv")
        assert same.keys() == expected.keys()
        for key, values in expected.items():
            assert same[key] == pytest.approx(values), (one, key)


def test_another_column_can_be_credited(folder: Path) -> None:
    (folder / "touches.csv").write_text(TOUCHES.replace("note_id", "creator_id"))
    run("touches.csv", "journeys.csv", "--models", "linear", "--touch-column", "creator_id")
    assert rows(folder / "out.csv")["linear", "B"] == (1.5, 120, None)


def test_aggregated_paths(folder: Path) -> None:
    (folder / "paths.csv").write_text(
        "path,total_conversions,total_conversion_value,total_null\n"
        "C1 > C2 > C3,1,1000,0\nC1,0,0,1\nC2 > C3,0,0,1\nidle,0,0,0\n"
    )
    done = run("--paths", "paths.csv")
    assert done.stderr == (
        "redcat: left out time_decay and data_driven: aggregated paths do not tell when touches occurred\n"
    )
    found = rows(folder / "out.csv")
    assert {model for model, _ in found} == {name for name in ATTRIBUTED if not MODELS[name].timed}
    assert found["markov", "C1"] == tuple(pytest.approx(value) for value in (0.2, 200, 0.5))
    assert found["linear", "C3"][0] == pytest.approx(1 / 3)
    assert found["linear", "idle"] == (0, 0, None)


def test_paths_as_lists_may_hold_any_name(folder: Path) -> None:
    pl.DataFrame({"path": [["a > b", "c"]], "total_conversions": [2]}).write_parquet(folder / "paths.parquet")
    run("--paths", "paths.parquet", "--models", "linear")
    assert rows(folder / "out.csv") == {("linear", "a > b"): (1, 0, None), ("linear", "c"): (1, 0, None)}


MISTAKES = {
    "nothing given": ((), "give TOUCHES and JOURNEYS, or --paths"),
    "both given": (("touches.csv", "journeys.csv", "--paths", "touches.csv"), "give TOUCHES and JOURNEYS, or --paths"),
    "no file": (("nowhere.csv", "journeys.csv"), "the file nowhere.csv does not exist"),
    "no format": (("touches.xlsx", "journeys.csv"), "touches.xlsx ends neither in .csv nor in .parquet"),
    "unknown model": (
        ("touches.csv", "journeys.csv", "--models", "liner"),
        "there is no model 'liner', did you mean 'linear'?; the models are first_touch, ",
    ),
    "unlike any model": (("touches.csv", "journeys.csv", "--models", "x"), "there is no model 'x'; the models are "),
    "missing columns": (
        ("journeys.csv", "journeys.csv"),
        "journeys.csv lacks the columns note_id, occurred_at; it has journey_id, converted, revenue, converted_at",
    ),
    "mistyped column": (
        ("touches.csv", "journeys.csv", "--touch-column", "note"),
        "touches.csv lacks the column note, did you mean 'note_id'?; it has journey_id, ",
    ),
    "no times": (
        ("--paths", "paths.csv", "--models", "linear,time_decay,data_driven"),
        "time_decay and data_driven cannot run on --paths: aggregated paths do not tell when touches occurred",
    ),
    "no parquet": (("broken.parquet", "journeys.csv"), "broken.parquet is no readable parquet file ("),
    "not utf-8": (("gbk.csv", "journeys.csv"), "gbk.csv is no readable csv file ("),
    "empty file": (("empty.csv", "journeys.csv"), "empty.csv is no readable csv file ("),
    "bad instant": (
        ("soon.csv", "journeys.csv"),
        "the column occurred_at of soon.csv has 1 of 1 values that cannot be used, the first 'soon' in row 1; expected "
        "a date and time such as 2026-09-01 08:30:00",
    ),
    "bad outcome": (("touches.csv", "maybe.csv"), "the column converted of maybe.csv has 1 of 1 values that cannot be"),
    "bad revenue": (("touches.csv", "negative.csv"), "the first '-5' in row 1; expected a number of 0 or more"),
    "no outcome": (("touches.csv", "unknown.csv"), "unknown.csv: 1 of 1 journeys have no `converted`"),
    "journey twice": (("touches.csv", "twice.csv"), "twice.csv: 1 of 2 journeys have an id that is null or another's"),
    "bad count": (("--paths", "many.csv"), "the column total_conversions of many.csv has 1 of 1 values that cannot be"),
}
HEADER = "journey_id,converted,revenue,converted_at\n"
FILES = {
    "paths.csv": "path,total_conversions\nA > B,1\n",
    "broken.parquet": "PAR1 but not really",
    "gbk.csv": "journey_id,note_id,occurred_at\n1,笔记,2026-09-01\n",
    "empty.csv": "",
    "soon.csv": "journey_id,note_id,occurred_at\n1,A,soon\n",
    "maybe.csv": HEADER + "1,maybe,1,\n",
    "negative.csv": HEADER + "1,1,-5,\n",
    "unknown.csv": HEADER + "1,,5,\n",
    "twice.csv": HEADER + "1,1,5,\n1,1,5,\n",
    "many.csv": "path,total_conversions\nA,many\n",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_status_2(folder: Path, mistake: str) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="gbk" if name.startswith("gbk") else "utf-8")
    arguments, message = MISTAKES[mistake]
    done = run(*arguments, status=2)
    assert message in done.stderr
    assert done.stderr.startswith("redcat: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (folder / "out.csv").exists()


@pytest.mark.parametrize(
    ("out", "message"),
    [("out.xlsx", "out.xlsx ends neither in .csv nor in .parquet"), ("no/out.csv", "the folder no of --out does not")],
)
def test_a_place_that_cannot_be_written_is_told_before_any_work(folder: Path, out: str, message: str) -> None:
    assert message in run("touches.csv", "journeys.csv", out=out, status=2).stderr


def test_the_guides_example_gives_what_it_says(folder: Path) -> None:
    touches, journeys, result = re.findall(r"```csv\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "touches.csv").write_text(touches)
    (folder / "journeys.csv").write_text(journeys)
    (folder / "expected.csv").write_text(result)
    run("touches.csv", "journeys.csv", "--models", "linear,time_decay,markov")
    expected = rows(folder / "expected.csv")
    found = rows(folder / "out.csv")
    assert list(found) == list(expected)
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, abs=1e-6)


def test_the_guides_python_runs(folder: Path) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    touches, journeys, _ = re.findall(r"```csv\n(.*?)```", text, re.DOTALL)
    (folder / "touches.csv").write_text(touches)
    (folder / "journeys.csv").write_text(journeys)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["every_model"].height == 6
    assert names["second_order"]["conversions"].sum() == pytest.approx(2)
    assert names["rules"].group_by("model").agg(pl.col("conversions").sum().round(9))["conversions"].to_list() == [2, 2]


def test_the_guide_names_every_model() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert [name for name in ATTRIBUTED if f"`{name}`" not in text] == []
