"""Reading YAML files, by libyaml where PyYAML has it: contracts and mappings are read ten times as fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path, /) -> Any:
    """The plain values of a file in UTF-8; raises yaml.YAMLError, UnicodeDecodeError or OSError."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)  # noqa: S506 - both loaders are safe ones
