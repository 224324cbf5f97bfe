"""Every claim of the study, by its name."""

from mmrec.study.claims import baselines, cold_start, exercises, new_films, person, protocols
from mmrec.study.claims.claim import Claim

CLAIMS: dict[str, Claim] = {
    claim.__name__: claim
    for module in (protocols, exercises, baselines, cold_start, new_films, person)
    for claim in module.DECLARED
}
