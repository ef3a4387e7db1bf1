"""The mappings by which this installation reads files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data_contracts import mapping_files
from pipelines.home import Home

if TYPE_CHECKING:
    from data_contracts.mapping import Mapping


def mappings() -> tuple[Mapping, ...]:
    """Those that are delivered, with what the files in `exports/` under `REDCAT_HOME` add to them and change.

    Raises MappingError for a broken file.
    """
    return mapping_files.mappings(Home.from_environment().exports)
