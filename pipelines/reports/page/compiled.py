"""What every page has and no figure changes: the compiled charts and the library that draws them, made once."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MADE_OF = ("charts.py", "compiled.py")


@dataclass(frozen=True)
class Compiled:
    """The Vega specification of every chart in Chinese and English, and Vega itself as a script."""

    charts: dict[str, list[dict[str, Any]]]
    library: str


@cache
def compiled(folder: Path | None = None, /) -> Compiled:
    """The charts and their library: as they lie in the folder, or made and laid there for the next run.

    They are named after what they are made of, so that another version of the program or of a library finds none.
    """
    if folder is None:
        return _made()
    file = folder / f"charts-{_key()}.json"
    try:
        return Compiled(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # not there, or cut short: make it anew
        made = _made()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("charts-*.json"):
        old.unlink(missing_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}.new")
    fresh.write_text(json.dumps(vars(made), ensure_ascii=False), encoding="utf-8")
    fresh.replace(file)
    return made


def _made() -> Compiled:
    import vl_convert

    from pipelines.reports.page.charts import specifications

    # With its compiler and its interpreter of expressions, which needs no eval.
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return Compiled(specifications(), str(re.sub("</(?=script)", r"<\\/", bundle, flags=re.IGNORECASE)))


def _key() -> str:
    here = files("pipelines.reports.page")
    parts = [(here / name).read_text(encoding="utf-8") for name in MADE_OF]
    parts += [version(library) for library in ("altair", "vl-convert-python")]
    return sha256("\0".join(parts).encode()).hexdigest()[:16]
