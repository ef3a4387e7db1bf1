"""Imports flow one way: pipelines → models, data_contracts; these two know neither pipelines nor each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Packages of ours, and libraries that are somebody else's business, which a package must not import.
FORBIDDEN = {
    "models": {"pipelines", "data_contracts", "duckdb", "dagster", "great_expectations"},
    "data_contracts": {"pipelines", "models", "duckdb", "dagster"},
    "pipelines": {"tests", "benchmarks"},
}


def imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, at any depth of its code."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_only_what_lies_before_it(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    broken = {str(m.relative_to(ROOT)): sorted(wrong) for m in modules if (wrong := imported(m) & FORBIDDEN[package])}
    assert broken == {}


def test_the_rule_would_catch_a_wrong_import(tmp_path: Path) -> None:
    module = tmp_path / "wrong.py"
    module.write_text("def f():\n    from pipelines.home import Home\n    import duckdb.typing\n")
    assert imported(module) == {"pipelines", "duckdb"}


def test_no_relative_imports_hide_from_the_rule() -> None:
    relative = [
        str(path.relative_to(ROOT))
        for package in FORBIDDEN
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert relative == []
