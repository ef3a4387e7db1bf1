"""Formats of the workbook, each made once, and how wide texts are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from pipelines.charts import ACCENT
from pipelines.reports.figures import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xlsxwriter import Workbook
    from xlsxwriter.format import Format

    from pipelines.reports.wording import Text

FONT = "Microsoft YaHei"
INK, SOFT, LINE, PAPER = "#212529", "#6c757d", "#dee2e6", "#f8f9fa"
# From the palette of Okabe and Ito, which people who see few colours tell apart too.
APART = (ACCENT, "#0072b2", "#e69f00", "#009e73")
NARROWEST, WIDEST = 11, 44

#: What each use of a cell looks like, beside the form of its kind.
STYLES: dict[str, dict[str, Any]] = {
    "cell": {"valign": "vcenter"},
    # Figures that still move differ in slant and shade; the sign before their maturity says it too.
    "maturing": {"valign": "vcenter", "italic": True, "font_color": SOFT},
    "header": {
        "bold": True, "font_color": "#ffffff", "bg_color": ACCENT, "text_wrap": True, "valign": "vcenter", "border": 1,
        "border_color": LINE, "indent": 1,
    },
    "number_header": {
        "bold": True, "font_color": "#ffffff", "bg_color": ACCENT, "text_wrap": True, "valign": "vcenter", "border": 1,
        "border_color": LINE, "align": "right",
    },
    "title": {"bold": True, "font_size": 16},
    "brand": {"bold": True, "font_size": 22, "font_color": ACCENT},
    "big": {"bold": True, "font_size": 18, "align": "left"},
    "section": {"bold": True, "font_size": 12, "bottom": 1, "bottom_color": ACCENT},
    "soft": {"font_color": SOFT},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "link": {"font_color": "#0b5394", "underline": 1},
}  # fmt: skip


class Look:
    """The formats of one workbook."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, str], Format] = {}

    def __call__(self, style: str, kind: str = "") -> Format:
        """The format of a use of a cell for a kind of figure."""
        if (style, kind) not in self._made:
            form: dict[str, Any] = {"num_format": KINDS[kind].excel} if kind else {}
            form |= {} if not kind or KINDS[kind].is_number else {"align": "left", "indent": 1}
            shared = {"font_name": FONT, "font_size": 10, "font_color": INK}
            self._made[style, kind] = self._book.add_format(shared | STYLES[style] | form)
        return self._made[style, kind]


def width_of(heading: Text, values: Iterable[str]) -> int:
    """How wide a column is, in characters of Latin width: its values and headings, of which the English one wraps."""
    texts = [heading.zh, *heading.en.split(), *values]
    return min(max(max(map(cell_len, texts)) + 2, NARROWEST), WIDEST)
