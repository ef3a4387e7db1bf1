"""Where pages lie."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from pipelines.home import Home

LONGEST_FOLDER = 60


def page_file(home: Home, brand: str, as_of: date, /) -> Path:
    """The page of a brand as of a date."""
    return home.reports / _folder(brand) / f"{as_of}.html"


def newest_page(home: Home, /) -> Path | None:
    """The page that was written last."""
    return max(home.reports.glob("*/*.html"), key=lambda path: path.stat().st_mtime, default=None)


def _folder(brand: str) -> str:
    """A brand as the name of a folder on any system."""
    plain = "".join(c if c.isalnum() or c in " -_&" else "_" for c in unicodedata.normalize("NFC", brand))
    return plain.strip()[:LONGEST_FOLDER] or "_"
