"""Rule-based models: each module holds one function that returns the weight of every touch of a journey.

A rule is an expression over a frame of `models.journeys.journeys`, at least `conversion_id`, `kind`, `age`,
`position` and `touches`. Weights are non-negative and need not sum to anything: `models.credits.credits`
divides by their sum, so a rule only says how touches of one journey compare. At least one weight of a journey
is above 0.
"""
