"""Every claim of the study, by its name; of one run's tables each is computed once."""

from functools import cache

from mmrec.study.claims import (
    ablation,
    baselines,
    cold_start,
    exercises,
    new_film_details,
    new_films,
    person,
    protocols,
    sparse_ratings,
)
from mmrec.study.claims.claim import Claim

CLAIMS: dict[str, Claim] = {
    claim.__name__: cache(claim)
    for module in (
        *(ablation, sparse_ratings, protocols, exercises, baselines),
        *(cold_start, new_films, new_film_details, person),
    )
    for claim in module.DECLARED
}
