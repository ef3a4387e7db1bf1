"""What an installation may set, read from the environment; the folders stand in `pipelines.home`."""

from __future__ import annotations

import os

from models.journeys import SCOPES


def attribution_scope() -> str:
    """`REDCAT_SCOPE`: within which scope a note competes for an order; raises ValueError for an unknown one."""
    scope = os.environ.get("REDCAT_SCOPE", "brand")
    if scope not in SCOPES:
        raise ValueError(f"REDCAT_SCOPE is {scope!r}; set it to one of {', '.join(SCOPES)}")
    return scope


def own_brand() -> str:
    """`REDCAT_BRAND`: the brand of exports that do not name one; it should be spelled as the notes spell it."""
    return os.environ.get("REDCAT_BRAND", "本品牌")
