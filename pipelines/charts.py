"""Small SVG charts in Markdown, short enough for Dagster to show where a table's other metadata stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from rich.cells import cell_len, set_cell_size

from pipelines.reports.figures import short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INLINE_LIMIT = 1000  # Dagster shows longer Markdown only behind a link
ACCENT = "#c2255c"
INK = "#767676"  # legible on white and on black
WIDTH, TITLE = 352, 20  # as wide as the place for metadata on a small screen
LABEL, LONGEST_BAR, BAR, ROW = 106, 190, 12, 20  # pixels, across and down
LABEL_CELLS = 16
LONGEST_TIME, WIDEST_DAY, TALLEST = 60, 24, 60
# What would end the address of an image in Markdown, or mean something else in an address; the rest stays as it is.
IN_ADDRESS = {ord(sign): f"%{ord(sign):02X}" for sign in '%#& ()\\"`'}


@dataclass(frozen=True)
class Chart:
    """A chart of a query's rows, label and value: columns by day where the label is a date, else bars in order."""

    title: str
    query: str
    kind: str


def draw(title: str, points: Sequence[tuple[object, float | None]], /, *, kind: str) -> str:
    """A chart as a Markdown image of less than 1,000 characters; empty where no value is known.

    Days without a value stay empty and are counted; of more than 60 days the last 60 are shown.
    """
    known = [(label, float(value)) for label, value in points if label is not None and value is not None]
    if not known:
        return ""
    if all(isinstance(label, date) for label, _ in known):
        days = {day: value for day, value in known if isinstance(day, date)}
        return _longest_that_fits(lambda shown: _columns(title, days, shown, kind), LONGEST_TIME, step=5)
    bars = [(str(label), value) for label, value in known]
    return _longest_that_fits(lambda shown: _bars(title, bars[:shown], kind), min(len(bars), 8))


def _longest_that_fits(image: Callable[[int], str], most: int, *, step: int = 1) -> str:
    return next((text for shown in range(most, 0, -step) if len(text := image(shown)) < INLINE_LIMIT), "")


def _bars(title: str, bars: Sequence[tuple[str, float]], kind: str) -> str:
    top = max(value for _, value in bars)
    outline, texts = "", ""
    for row, (label, value) in enumerate(bars):
        y, length = TITLE + 4 + ROW * row, round(LONGEST_BAR * value / top) if value > 0 else 0
        outline += f"M{LABEL},{y}h{length}v{BAR}h-{length}z" if length else ""
        texts += f"<text y='{y + 11}'>{_cut(label)}</text>"
        texts += f"<text x='{LABEL + length + 6}' y='{y + 11}'>{short(value, kind)}</text>"
    return _image(title, f"<path fill='{ACCENT}' d='{outline}'/>{texts}", height=TITLE + ROW * len(bars) + 4)


def _columns(title: str, days: dict[date, float], shown: int, kind: str) -> str:
    last = max(days)
    first = max(min(days), last - timedelta(shown - 1))
    wide, top = [], max((value for day, value in days.items() if day >= first), default=0)
    spread = (last - first).days + 1
    width = min(WIDEST_DAY, WIDTH // spread)
    base = TITLE + TALLEST
    for step in range(spread):
        value = days.get(first + timedelta(step))
        height = round(TALLEST * value / top) if value is not None and value > 0 and top > 0 else 0
        wide.append(f"V{base - height}h{width}")
    outline = f"M0,{base}{''.join(wide)}V{base}"
    ends = f"<text y='{base + 15}'>{first:%m-%d}</text>"
    if spread > 1:
        ends += f"<text x='{spread * width}' y='{base + 15}' text-anchor='end'>{last:%m-%d}</text>"
    missing = spread - sum(day >= first for day in days)
    told = f"{title} · 最高 {short(top, kind)}" + (f" · 缺 {missing} 天" if missing else "")
    return _image(told, f"<path fill='{ACCENT}' d='{outline}'/>{ends}", height=base + 20)


def _image(title: str, drawn: str, *, height: int) -> str:
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' font-size='12' fill='{INK}' "
        f"font-family='sans-serif'><text y='12'>{escape(title)}</text>{drawn}</svg>"
    )
    return f"![chart](data:image/svg+xml,{svg.translate(IN_ADDRESS)})"


def _cut(label: str) -> str:
    """What fits beside the bars, without what does not print or turns the direction of writing."""
    plain = "".join(sign for sign in label if sign.isprintable())
    if cell_len(plain) > LABEL_CELLS:
        plain = f"{set_cell_size(plain, LABEL_CELLS - 1).rstrip()}…"
    return escape(plain)
