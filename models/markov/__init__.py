"""Markov attribution: what would be lost if a note were taken out of the chain of touches.

| module | gives |
|---|---|
| `chain` | states, transitions and outcomes, counted from paths or given as a table |
| `exact` | removal effects of all notes from one factorisation |
| `bounded`, `stepwise` | the same for larger chains, with error bounds: at order 1, and above |
| `refits` | three strategies that change the journeys instead of the chain |
| `attribution` | the model: effects and credits |
| `shares` | conversions credited one by one, by effects that are known |
| `transitions` | the chain of order 1 as a table, counted bucket by bucket |
"""

from __future__ import annotations

from models.markov.attribution import EXACT_STATES, REMOVALS, markov, markov_effects, markov_transition_effects
from models.markov.chain import SingularChainError
from models.markov.shares import markov_shares, markov_weight
from models.markov.transitions import TransitionSum, markov_transitions

__all__ = [
    "EXACT_STATES",
    "REMOVALS",
    "SingularChainError",
    "TransitionSum",
    "markov",
    "markov_effects",
    "markov_shares",
    "markov_transition_effects",
    "markov_transitions",
    "markov_weight",
]
