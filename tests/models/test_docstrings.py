"""The examples in docstrings are executed, and every model says what it promises."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import models
from models.register import MODELS

MODULES = [module.name for module in pkgutil.walk_packages(models.__path__, "models.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    module = importlib.import_module(name)
    found = doctest.testmod(module)
    assert found.failed == 0


def test_there_are_examples_to_execute() -> None:
    finder = doctest.DocTestFinder()
    examples = [len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name))]
    assert sum(examples) > 60


@pytest.mark.parametrize("name", MODELS)
def test_every_model_states_source_conservation_and_limits(name: str) -> None:
    text = inspect.getdoc(MODELS[name].function) or ""
    for promised in ("Source:", "Conservation:", "Limits"):
        assert promised in text, f"{name} lacks {promised}"


@pytest.mark.parametrize("name", [name for name in models.__all__ if callable(getattr(models, name))])
def test_what_is_exported_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(models, name)), f"models.{name} has no docstring"
