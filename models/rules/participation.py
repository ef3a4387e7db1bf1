"""Participation."""

from __future__ import annotations

import polars as pl


def participation() -> pl.Expr:
    """The whole conversion to every note that took part: `w = 1 / touches of the note in the journey`.

    A note's touches sum to 1 in every journey that holds it, whatever the others get: this rule is not additive, and
    `models.credits.credits` does not divide it by anything. Conservation: none; credits of a conversion sum to its
    distinct notes, so it stands for journeys and notes only and never in a total or a reconciliation. Source:
    industry convention (participation or full-credit model of Adobe Analytics). Limits: figures of two notes must
    not be added, as they share conversions.

    >>> journey = {"note_id": ["n1", "n2", "n1"], "repeats": [2, 1, 2]}
    >>> pl.DataFrame(journey).select(participation()).to_series().to_list()
    [0.5, 1.0, 0.5]
    """
    return 1.0 / pl.col("repeats")
