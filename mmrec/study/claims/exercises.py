"""Claims in the answers to the exercises of chapters 7 to 9."""

from itertools import pairwise

from mmrec.reports.results import Absent, Results
from mmrec.study.claims.ablation import OTHERS, PUBLISHED, WITH_META
from mmrec.study.claims.claim import Check, check
from mmrec.study.claims.sparse_ratings import MASKED

MASKS = (0.0, 0.2, 0.5, 0.65, 0.8, 0.9, 0.95)
"""Points of the masking curve."""

REFITTED = (
    *("user mean", "movie mean", "user+movie bias", "item kNN", "matrix factorisation"),
    *("FM: ids", "FM: ids and users", "FM: content", "FM: hybrid", "rating vectors"),
)
"""Models that chapter 9 shows with and without a refit, except for the global mean."""


def seeds_vary_less_than_users(r: Results) -> Check:
    """In Table I the deviation over seeds is far below half of the interval over users."""
    rows = [str(row) for row in r.rows("table1")["row"]]
    deviation = max(r.cell("table1", row, "rmse_sd") for row in rows)
    half = min(
        (r.cell("table1", row, "rmse_high") - r.cell("table1", row, "rmse_low")) / 2 for row in rows
    )
    return check(0 < deviation < 0.2 * half, largest_deviation=deviation, smallest_half=half)


def the_best_of_three(r: Results) -> Check:
    """As published, the best seed is below the mean of the seeds, by less than a hundredth."""
    gains = [
        r.cell("table1", row, protocol=PUBLISHED)
        - r.cell("table1", row, "rmse_best", protocol=PUBLISHED)
        for row in (*OTHERS, *WITH_META)
    ]
    return check(0 < min(gains) <= max(gains) < 0.01, least=min(gains), most=max(gains))


def pairs_without_a_modality(r: Results) -> Check:
    """Pairs that lack a modality are predicted worse in the rows without meta, else better."""
    found = {row: _remaining(r, row) for row in (*OTHERS, *WITH_META)}
    covered = {row: r.cell("table1", row, "rmse_covered_mean") for row in found}
    return check(
        all((found[row] > covered[row]) == (row in OTHERS) for row in found),
        **{row: found[row] for row in OTHERS},
    )


def the_curve_bends(r: Results) -> Check:
    """Beyond 80 %, each further tenth that is hidden costs more."""
    errors = [(masking, r.cell("masking_curve", "all", masking=masking)) for masking in MASKS]
    *before, ninety, end = [
        0.1 * (later - earlier) / (more - less)
        for (less, earlier), (more, later) in pairwise(errors)
    ]
    return check(max(before) < ninety < end, before=max(before), ninety=ninety, end=end)


def nearly_one_order(r: Results) -> Check:
    """At each mask meta with text is third and meta with audio last; the first two change once."""
    errors = [
        {row: r.cell("table2", row, masking=masking) for row in MASKED}
        for masking in (0.0, 0.5, 0.8)
    ]
    orders = [sorted(found, key=lambda row: found[row]) for found in errors]
    apart = [max(found.values()) - min(found.values()) for found in errors]
    return check(
        [order[0] for order in orders] == ["all", "all", "meta+video"]
        and all(order[2:] == ["meta+text", "meta+audio"] for order in orders),
        widest=max(apart),
        deviation=max(r.cell("table2", row, "rmse_sd", masking=0.8) for row in MASKED),
    )


def recall_falls_more(r: Results) -> Check:
    """From whole user vectors to the end of the curve recall falls by more than precision."""
    falls = {
        name: r.cell("masking_curve", "all", f"{name}_mean", masking=0.0)
        - r.cell("masking_curve", "all", f"{name}_mean", masking=MASKS[-1])
        for name in ("precision", "recall")
    }
    told = {name: f"{fall:.1f}" for name, fall in falls.items()}
    return check(0 < falls["precision"] < falls["recall"], **told)


def a_refit_gains(r: Results) -> Check:
    """The refit improves every model but the global mean, and does not change the order."""
    once = {row: r.cell("rating_vectors", row, masking=0.0) for row in REFITTED}
    again = {row: r.cell("rating_vectors", f"{row}, refitted") for row in REFITTED}
    gains = [once[row] - again[row] for row in REFITTED]
    same = sorted(REFITTED, key=once.__getitem__) == sorted(REFITTED, key=again.__getitem__)
    return check(min(gains) > 0 and same, least=min(gains), most=max(gains))


def published_results_in_the_interval(r: Results) -> Check:
    """The interval of the refitted rating vectors contains three of four published results."""
    low, high = (
        r.cell("rating_vectors", "rating vectors, refitted", f"rmse_{limit}")
        for limit in ("low", "high")
    )
    return check(low < 0.918 and 0.929 < high < 0.9455, low=low, high=high)


def a_rise_and_its_seeds(r: Results) -> Check:
    """Masks cost more than the spread of the seeds under the clean protocol only."""
    clean, half, published = (
        r.cell("rating_vectors", "rating vectors", masking=masking, protocol=protocol)
        - r.cell("rating_vectors", "rating vectors", masking=0.0, protocol=protocol)
        for masking, protocol in ((0.8, "clean"), (0.5, PUBLISHED), (0.8, PUBLISHED))
    )
    deviation, of_published = (
        r.cell("rating_vectors", "rating vectors", "rmse_sd", masking=0.8, protocol=protocol)
        for protocol in ("clean", PUBLISHED)
    )
    return check(
        clean > 2 * deviation and published < of_published and half < 0,
        clean=clean,
        clean_deviation=deviation,
        published=published,
        published_deviation=of_published,
    )


def _remaining(r: Results, row: str) -> float:
    """RMSE of the pairs of Table I that lack a modality of a row."""
    share, every, covered = (
        r.cell("table1", row, column) for column in ("coverage", "rmse_mean", "rmse_covered_mean")
    )
    if share == 1:
        raise Absent(f"table1 has no pairs that lack a modality of {row}")
    squared = (every**2 - share * covered**2) / (1 - share)
    return float(max(squared, 0) ** 0.5)


DECLARED = (
    seeds_vary_less_than_users,
    the_best_of_three,
    pairs_without_a_modality,
    the_curve_bends,
    nearly_one_order,
    recall_falls_more,
    a_refit_gains,
    published_results_in_the_interval,
    a_rise_and_its_seeds,
)
