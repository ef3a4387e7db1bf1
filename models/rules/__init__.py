"""Rule-based models: each module holds one function that returns the weight of every touch of a journey.

A rule is an expression over a frame of `models.journeys.journeys`, sorted as that gives it: whole journeys, the rows
of each together and in the order of `position`. It may read `conversion_id` and `note_id` (which are equal; the
conversions may be numbers), `kind`, `organic`, `age`, `position`, `touches` (how many the journey has) and `repeats`
(how many of them are of the same note). Weights are non-negative and need not sum to anything:
`models.credits.credits` divides by their sum, so a rule only says how touches of one journey compare. At least one
weight of a journey is above 0.
"""
