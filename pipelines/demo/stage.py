"""Setting the demo up in a home folder, never over somebody's own files."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from pipelines.demo import DemoSummary, generate

if TYPE_CHECKING:
    from pipelines.home import Home

MARK = ".demo.json"


class StageError(ValueError):
    """The home folder holds something else; the message says what to do."""


def set_up(home: Home, /, *, size: str, seed: int, fresh: bool) -> DemoSummary:
    """Generate the demo's landing files and its truth; the same world again changes nothing.

    Raises StageError when the home holds files of its own, or another world and `fresh` is not set.
    """
    mark, wanted = home.root / MARK, {"size": size, "seed": seed}
    found = json.loads(mark.read_text()) if mark.exists() else None
    if found is None and (home.warehouse.exists() or any(home.landing.glob("*/*"))):
        raise StageError(f"{home.root} holds data that is not the demo's; set REDCAT_HOME to another folder")
    if found not in (None, wanted) and not fresh:
        raise StageError(f"{home.root} holds the demo of {found}; add --fresh to replace it, or set REDCAT_HOME")
    if fresh and found is not None:
        for folder in (
            home.landing,
            home.truth,
            home.warehouse.parent,
            home.published.parent,
            home.reports,
            home.dagster,
        ):
            shutil.rmtree(folder, ignore_errors=True)
    home.create()
    mark.write_text(json.dumps(wanted))
    return generate(home.landing, home.truth, size=size, seed=seed)
