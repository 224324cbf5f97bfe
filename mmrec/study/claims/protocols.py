"""Claims about the steps from the published protocol to ours, and about seeds: chapter 10."""

from itertools import pairwise

from mmrec.reports.results import Results
from mmrec.study.claims.ablation import PUBLISHED
from mmrec.study.claims.claim import Check, check

LADDER = (
    ("as published", PUBLISHED),
    ("user vectors from training ratings", "training_profiles"),
    ("target left out of its user vector", "hidden_target"),
    ("selected on validation", "clean"),
    ("small batches", "clean"),
    ("tuned", "clean"),
)
"""Steps from the published protocol and training to ours, each with its protocol."""

TUNING = ("selected on validation", "small batches", "tuned")
"""The last steps, all under the clean protocol."""

THREE_SEEDS = (
    *("table1", "variants", "table2", "masking_curve", "rating_vectors"),
    *("protocol", "baselines", "five_folds", "lists"),
)
"""Tables of which every row has three seeds."""


def leak_made_it_worse(r: Results) -> Check:
    """The leak made the results worse, by more than all other steps to the clean protocol."""
    ladders = {
        modalities: [_step(r, row, modalities, protocol) for row, protocol in LADDER]
        for modalities in ("meta", "all")
    }
    gains, others = [], []
    for steps in ladders.values():
        leak, *rest = [later - earlier for earlier, later in pairwise(steps)]
        gains.append(-leak)
        others.append(sum(map(abs, rest)))
    leaky, honest = ladders["meta"][:2]
    return check(
        all(gain > other for gain, other in zip(gains, others, strict=True)),
        leaky=leaky,
        honest_vectors=honest,
        gain=gains[0],
        other_steps=others[0],
        tuned=ladders["meta"][-1],
        all_published=r.cell("table1", "all", protocol=PUBLISHED),
        all_clean=r.cell("table1", "all"),
    )


def own_target_matters_little(r: Results) -> Check:
    """Leaving the target out of its user vector changes the error by less than a hundredth."""
    moved = {
        row: _step(r, "target left out of its user vector", row, "hidden_target")
        - _step(r, "user vectors from training ratings", row, "training_profiles")
        for row in ("meta", "all")
    }
    return check(max(map(abs, moved.values())) < 0.01, meta=moved["meta"], all_four=moved["all"])


def selection_flatters(r: Results) -> Check:
    """Selecting on the test part and training on the validation tenth lower the error."""
    gains = {
        row: _step(r, "selected on validation", row, "clean")
        - _step(r, "target left out of its user vector", row, "hidden_target")
        for row in ("meta", "all")
    }
    return check(min(gains.values()) > 0.005, meta=gains["meta"], all_four=gains["all"])


def tuning_makes_up(r: Results) -> Check:
    """Tuning gains two to three hundredths; small batches change no more than seeds differ."""
    gains, worse, spreads = {}, {}, []
    for modalities, name in (("meta", "meta"), ("all", "all_four")):
        selected, small, tuned = (_step(r, row, modalities, "clean") for row in TUNING)
        gains[f"{name}_gain"], worse[f"{name}_small"] = small - tuned, small - selected
        spreads += [
            r.cell("protocol", row, "rmse_sd", modalities=modalities, protocol="clean")
            for row in TUNING[:2]
        ]
    return check(
        0.02 < min(gains.values()) <= max(gains.values()) < 0.035
        and 0 < min(worse.values()) <= max(worse.values()) < 1.5 * max(spreads),
        **gains,
        **worse,
        untuned_sd=max(spreads),
    )


def the_network_recognises(r: Results) -> Check:
    """With another film's content in each film's place, the network keeps most of its lead."""
    real, permuted, mean = (
        r.cell("table1", "all"),
        r.cell("table1", "all", features="permuted"),
        r.cell("table1", "user mean"),
    )
    lead, lost = mean - real, permuted - real
    return check(
        0 < lost < 0.1 * lead, real=real, permuted=permuted, user_mean=mean, lead=lead, lost=lost
    )


def seeds_are_as_said(r: Results) -> Check:
    """The results of chapters 7 to 10, controls included, are means over three seeds."""
    wrong = [name for name in THREE_SEEDS if {*r.table(name)["n_seeds"]} != {3}]
    return check(not wrong, tables_with_others=", ".join(wrong) or "none")


def _step(r: Results, row: str, modalities: str, protocol: str) -> float:
    return r.cell("protocol", row, modalities=modalities, protocol=protocol)


DECLARED = (
    leak_made_it_worse,
    own_target_matters_little,
    selection_flatters,
    tuning_makes_up,
    the_network_recognises,
    seeds_are_as_said,
)
