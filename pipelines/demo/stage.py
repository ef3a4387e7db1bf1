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

    Raises StageError when the landing folder is somebody's own, when the home holds data that is not the demo's, or
    when it holds another world and `fresh` is not set. What `fresh` deletes lies below the home and is the demo's.
    """
    if home.landing != home.root / "landing":
        raise StageError("the demo makes landing files of its own; unset REDCAT_LANDING")
    mark, wanted = home.root / MARK, {"size": size, "seed": seed}
    found = json.loads(mark.read_text()) if mark.exists() else None
    if found is None and (home.warehouse.exists() or any(home.landing.glob("*/*"))):
        raise StageError(f"{home.root} holds data that is not the demo's; set REDCAT_HOME to another folder")
    if found is not None and found["world"] != wanted and not fresh:
        raise StageError(
            f"{home.root} holds the demo of {found['world']}; add --fresh to replace it, or set REDCAT_HOME"
        )
    if found is not None and fresh:
        _clear(home, found["files"])
    home.create()
    before = set(home.landing.rglob("*"))
    summary = generate(home.landing, home.truth, size=size, seed=seed)
    written = [str(path.relative_to(home.landing)) for path in sorted(set(home.landing.rglob("*")) - before)]
    fresh_mark = mark.with_name(f"{MARK}.new")
    fresh_mark.write_text(json.dumps({"world": wanted, "files": written or (found or {}).get("files", [])}))
    fresh_mark.replace(mark)
    return summary


def is_demo(home: Home, /) -> bool:
    """Whether the home holds the demo."""
    return (home.root / MARK).exists()


def _clear(home: Home, files: list[str]) -> None:
    """Delete what the demo made: its landing files, and all that was made of them."""
    for name in files:
        path = home.landing / name
        if path.is_file():
            path.unlink()
    for folder in (home.truth, home.warehouse.parent, home.published.parent, home.reports, home.dagster):
        shutil.rmtree(folder, ignore_errors=True)
