"""Settings of the property tests: machines in CI are slow at times, which is no failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("models", deadline=None, print_blob=True)
settings.load_profile("models")
