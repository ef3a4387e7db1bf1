"""Attribution: from touches and conversions to what each note returned. Pure polars, knows no files.

| module | gives |
|---|---|
| `models.journeys` | the touches of each conversion inside its windows |
| `models.rules` | one rule per module: the weight of a touch in its journey |
| `models.register` | the table of models, with their names in Chinese and English |
| `models.credits` | the share of each conversion that each note gets, by every rule |
| `models.money` | shares to fen, to the last fen |
| `models.roi` | what notes, creators, campaigns, categories, channels and lanes returned |
"""
