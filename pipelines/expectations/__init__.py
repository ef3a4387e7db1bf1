"""Great Expectations on an open DuckDB connection, inside its transaction.

Importing this package is cheap: Great Expectations is imported when the first suite is validated.
"""

from __future__ import annotations

from pipelines.expectations.validate import ExpectationOutcome, validate

__all__ = ["ExpectationOutcome", "validate"]
