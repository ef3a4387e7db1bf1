"""By what a brand judges its notes, and what it lets marketers see: `targets.yaml` in the home, or the defaults."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeGuard

import yaml

from data_contracts.yaml_files import read_yaml
from models.advice import Targets
from pipelines.settings import SettingError

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.home import Home

FILE = "targets.yaml"
LARGEST = 10**12  # of any setting, and of any yuan that are planned


@dataclass(frozen=True)
class ReportSettings:
    """What a report rests on beside the warehouse.

    `privacy_k`: the least number of buyers that a published cell stands for. `model`: the model that a report shows
    first. `dates`: for how many dates the page can show what figures were. `plan`: yuan that are to be spent, by month
    (`2026-10`), or by month and category, of which a month is the sum; with several brands below the name of each.
    """

    targets: Targets
    privacy_k: int = 10
    model: str = "linear"
    dates: int = 8
    plan: dict[str, Any] = field(default_factory=dict)

    def plan_of(self, brand: str, /) -> dict[str, float]:
        """What the brand planned to spend in each month."""
        months = self._months_of(brand)
        return {m: float(sum(of.values()) if isinstance(of, dict) else of) for m, of in months.items()}

    def category_plan_of(self, brand: str, /) -> list[tuple[str, str, float]]:
        """What it planned to spend in each month on each category, where it has said so."""
        months = {month: of for month, of in self._months_of(brand).items() if isinstance(of, dict)}
        return [(month, category, float(amount)) for month, of in months.items() for category, amount in of.items()]

    def _months_of(self, brand: str) -> dict[str, Any]:
        found: dict[str, Any] = self.plan.get(brand, self.plan if all(map(_is_month, self.plan)) else {})
        return found

    def as_numbers(self) -> dict[str, str]:
        """Every number by its name, as a sentence writes it."""
        numbers = asdict(self.targets) | {"privacy_k": self.privacy_k}
        return {name: f"{value:g}" for name, value in numbers.items()}


OWN = {f.name: f for f in fields(ReportSettings) if f.name != "targets"}


def report_settings(home: Home, /) -> ReportSettings:
    """The settings of `targets.yaml`; raises SettingError for what cannot be used."""
    path = home.root / FILE
    stated = _stated(path) if path.is_file() else {}
    try:
        targets = Targets(**{name: float(v) for name, v in stated.items() if name not in OWN})
    except ValueError as error:
        raise SettingError(f"{path}: {error}") from error
    return _checked(path, ReportSettings(targets, **{name: v for name, v in stated.items() if name in OWN}))


def _stated(path: Path) -> dict[str, Any]:
    try:
        stated = read_yaml(path) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(stated, dict):
        raise SettingError(f"{path} holds {type(stated).__name__}; write one setting a line, such as roas_target: 2.5")
    known = {f.name for f in fields(Targets)} | set(OWN)
    if unknown := sorted(set(map(str, stated)) - known):
        raise SettingError(f"{path} sets {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    for name, value in stated.items():
        if name == "plan":
            _check_plan(path, value)
            continue
        if not (isinstance(value, str) if name == "model" else _is_number(value)):
            raise SettingError(f"{path} sets {name} to {value!r}; give {'a model' if name == 'model' else 'a number'}")
    return stated


def _check_plan(path: Path, plan: object, *, of_a_brand: bool = False) -> None:
    """Months with amounts, in all or by category, or brands with such months."""
    if not isinstance(plan, dict):
        raise SettingError(f"{path} sets plan to {plan!r}; give a month a line below it, such as 2026-10: 120000")
    for key, of in plan.items():
        if isinstance(of, dict) and not of_a_brand and not _is_month(key):
            _check_plan(path, of, of_a_brand=True)
            continue
        amounts = of.values() if isinstance(of, dict) else [of]
        for amount in amounts:
            if not _is_month(key) or not _is_number(amount) or amount < 0:
                raise SettingError(
                    f"{path} plans {amount!r} for {key!r}; write a month and its yuan, such as 2026-10: 120000, or "
                    "2026-10: {lipstick: 70000, sunscreen: 50000}"
                )


def _is_number(value: object) -> TypeGuard[int | float]:
    """Whether the value can be reckoned with, which one without end (.inf) or that is none (.nan) cannot."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_month(key: object) -> bool:
    return bool(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", str(key)))


def _checked(path: Path, settings: ReportSettings) -> ReportSettings:
    from models.register import RULES

    if settings.model not in RULES:
        raise SettingError(f"{path} sets model to {settings.model!r}; choose one of {', '.join(RULES)}")
    for name in ("privacy_k", "dates"):
        value = getattr(settings, name)
        if not isinstance(value, int) or value < 1:
            raise SettingError(f"{path} sets {name} to {value!r}; set it to a whole number from 1 on")
    return settings
