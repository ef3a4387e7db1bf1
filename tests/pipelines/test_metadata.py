"""What Dagster shows of a table: text stays text, charts are images that fit, unknown is never 0."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import duckdb
import pytest
from markdown_it import MarkdownIt

from pipelines.charts import Chart, draw
from pipelines.marts.columns import COLUMNS
from pipelines.metadata import INLINE_LIMIT, markdown, table_metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://example.invalid/a.png)",
    "[x](javascript:alert(1)) `code` **bold** ~~s~~ | pipe",
    "=HYPERLINK(1) # heading & &lt;b&gt; \\ $x$",
    "右到左 \u202egnp.exe\u2066",
    "😀👨‍👩‍👧 emoji",
    "长" * 500,
    "line\nbreak\r\n| --- |",
]


def rendered(text: str) -> list[str]:
    """The text of every cell; fails where anything in it became markup."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    assert {t.type for t in tokens if "table" not in t.type} <= {
        f"{part}_{end}" for part in ("thead", "tbody", "tr", "th", "td") for end in ("open", "close")
    } | {"inline"}
    cells = [t for t in tokens if t.type == "inline"]
    assert {child.type for cell in cells for child in cell.children or []} <= {"text", "text_special"}
    return ["".join(child.content for child in cell.children or []) for cell in cells]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_title_stays_text_in_a_table(title: str) -> None:
    head, *_, shown, count = rendered(markdown(["标题", "n"], [(title, 1)]))
    assert (head, count) == ("标题", "1")
    plain = " ".join(title.replace("\u202e", "").replace("\u2066", "").split())
    assert plain.startswith(shown.removesuffix("…"))
    assert shown == plain or shown.endswith("…")


def drawn(image: str) -> ET.Element:
    """The SVG of a Markdown image."""
    parser = MarkdownIt()
    parser.validateLink = lambda _: True  # type: ignore[method-assign]
    (inline,) = [t for t in parser.parse(image) if t.type == "inline"]
    (found,) = inline.children or []
    assert found.type == "image"
    address = str(found.attrs["src"])
    assert address.startswith("data:image/svg+xml,")
    return ET.fromstring(unquote(address.removeprefix("data:image/svg+xml,")))


def texts(image: str) -> list[str]:
    """What is written in a chart."""
    return ["".join(element.itertext()) for element in drawn(image).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_title_stays_text_in_a_chart(title: str) -> None:
    name, label, value = texts(draw("a & b", [(title, 12345)], kind="yuan"))
    assert (name, value) == ("a & b", "1.2万")
    assert title.replace("\u200d", "").startswith(label.removesuffix("…")[:3])


def test_bars_stand_in_order_with_their_values() -> None:
    image = draw("ROI", [("益生菌", 2.0), ("口红", None), ("防晒", 0.5), ("跑鞋", -1.0)], kind="ratio")
    assert texts(image) == ["ROI", "益生菌", "2.00", "防晒", "0.50", "跑鞋", "-1.00"]
    assert len(image) < INLINE_LIMIT


def days(values: Sequence[float | None]) -> list[tuple[date, float | None]]:
    """A value a day, from 1 September on."""
    return [(date(2026, 9, 1) + timedelta(n), value) for n, value in enumerate(values)]


def test_days_without_a_value_are_counted_and_not_drawn_as_zero() -> None:
    image = draw("GMV", days([10.0, None, 30.0]), kind="yuan")
    assert texts(image) == ["GMV · 最高 30 · 缺 1 天", "09-01", "09-03"]


def test_a_long_time_shows_its_last_days() -> None:
    image = draw("GMV", days([1e8 + n for n in range(400)]), kind="yuan")
    *_, first, last = texts(image)
    assert last == f"{date(2026, 9, 1) + timedelta(399):%m-%d}"
    assert first == f"{date(2026, 9, 1) + timedelta(340):%m-%d}"
    assert len(image) < INLINE_LIMIT


@pytest.mark.parametrize("points", [[], [("a", None)], [(None, 1.0)]])
def test_nothing_known_is_no_chart(points: list[tuple[str | None, float | None]]) -> None:
    assert draw("x", points, kind="count") == ""


def test_a_table_tells_its_rows_chart_and_numbers() -> None:
    with duckdb.connect() as connection:
        connection.execute("""
            CREATE TABLE t AS SELECT 'k3y' AS user_key, 'n1' AS note_id, 12345.678::DECIMAL(18,2) AS spend""")
        told = table_metadata(
            connection,
            "t",
            descriptions=COLUMNS,
            chart=Chart("花费", "SELECT note_id, spend::DOUBLE FROM t", "yuan"),
            figures="SELECT sum(spend) AS spend, NULL::DOUBLE AS roas_gmv FROM t",
        )
    preview = told["preview"].md_str
    assert "k3y" not in preview, "personal columns are not previewed"
    assert rendered(preview) == ["笔记ID", "花费", "n1", "12,346"]
    assert "user_key" in [column.name for column in told["dagster/column_schema"].columns]
    assert told["花费 spend"] == 12345.68
    assert not any("roas_gmv" in name for name in told), "what is unknown is no number"
    assert texts(told["chart"].md_str) == ["花费", "n1", "1.2万"]
