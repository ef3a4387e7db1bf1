"""The drills, with few repetitions; `make drills` runs them with many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.drills import fuzz, soak

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
# Files of seed 7 that once ended the program, went on for ever or were refused without a plain message.
ONCE_FAILED = (85, 251, 347, 619, 962, 1068, 1600)


def test_files_that_are_not_quite_right_are_taken_or_refused() -> None:
    outcomes, gigabytes = fuzz.fuzz([*range(150), *ONCE_FAILED], seed=7, processes=1)
    assert [f"{o.number} {o.form}: {o.kind}: {o.told}" for o in outcomes if o.failed] == []
    kinds = {(o.form, o.kind) for o in outcomes}
    for form in ("CSV", "Excel", "JSON", "Parquet", "YAML"):  # none is all of one kind, else the drill would be blunt
        assert {kind for found, kind in kinds if found == form} & {"taken", "partly"}, form
        assert (form, "refused") in kinds
    assert gigabytes < fuzz.GIGABYTES


def test_days_in_a_row_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDCAT_HOME", "REDCAT_SECRET", "REDCAT_SETTLE_SECONDS"):
        monkeypatch.setenv(name, "")  # which the drill sets, and the test takes back
    months = soak.soak(tmp_path, 8, whole_every=100, every=4)
    assert [month.wrong for month in months] == [[], []]
    assert months[1].rows > months[0].rows
    assert months[1].memory < 1.3 * months[0].memory + 50
