"""Every claim of the study, by its name; of one run's tables each is computed once."""

from functools import cache

from mmrec.study.claims import baselines, cold_start, exercises, new_films, person, protocols
from mmrec.study.claims.claim import Claim

CLAIMS: dict[str, Claim] = {
    claim.__name__: cache(claim)
    for module in (protocols, exercises, baselines, cold_start, new_films, person)
    for claim in module.DECLARED
}
