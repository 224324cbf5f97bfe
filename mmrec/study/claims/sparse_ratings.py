"""Claims about hidden ratings and about rating vectors: chapters 8 and 9."""

from mmrec.reports.results import Results
from mmrec.study.claims.ablation import PUBLISHED
from mmrec.study.claims.claim import Check, check

MASKED = ("meta+text", "meta+audio", "meta+video", "all")
"""Rows of Table II."""


def table2_comes_out_lower(r: Results) -> Check:
    """In all eight cells of Table II mean and best of three runs are below the paper's figure."""
    cells = [(row, {"masking": m, "protocol": PUBLISHED}) for row in MASKED for m in (0.5, 0.8)]
    paper = [r.cell("table2", row, "paper_rmse", **where) for row, where in cells]
    best, mean = (
        [
            p - r.cell("table2", row, name, **where)
            for p, (row, where) in zip(paper, cells, strict=True)
        ]
        for name in ("rmse_best", "rmse_mean")
    )
    return check(
        min(mean) > 0.005 and max(best) < 0.03,
        mean_least=min(mean),
        mean_most=max(mean),
        best_least=min(best),
        best_most=max(best),
        deviation=max(r.cell("table2", row, "rmse_sd", **where) for row, where in cells),
    )


def masking_costs_little(r: Results) -> Check:
    """Hiding half of the ratings costs less than 0.008, hiding 80 % less than 0.015."""
    half, most = ([_increase(r, row, m) for row in MASKED] for m in (0.5, 0.8))
    return check(
        0 < min(half) <= max(half) < 0.008 and 0 < min(most) <= max(most) < 0.015,
        half_least=min(half),
        half_most=max(half),
        least=min(most),
        most=max(most),
    )


def masking_is_significant(r: Results) -> Check:
    """Hiding ratings costs significantly in most clean rows, and in none as published."""
    worse = {
        (protocol, masking): sum(
            verdict == "worse"
            for verdict in r.verdicts(
                "table2_compared", protocol=protocol, masking=masking
            ).values()
        )
        for protocol in ("clean", PUBLISHED)
        for masking in (0.5, 0.8)
    }
    return check(
        worse["clean", 0.8] == len(MASKED)
        and worse["clean", 0.5] == len(MASKED) - 1
        and worse[PUBLISHED, 0.5] == worse[PUBLISHED, 0.8] == 0
    )


def masking_in_the_paper(r: Results) -> Check:
    """The cost of hiding ratings in the paper's own tables."""
    half, most = (
        [
            r.cell("table2", row, "paper_rmse", masking=m) - r.cell("table1", row, "paper_rmse")
            for row in MASKED
        ]
        for m in (0.5, 0.8)
    )
    return check(
        min(half) > 0 and min(most) > 0,
        half_least=min(half),
        half_most=max(half),
        least=min(most),
        most=max(most),
    )


def masking_as_published(r: Results) -> Check:
    """Under its own protocol, hiding 80 % costs less than in the paper."""
    costs = [_increase(r, row, 0.8, PUBLISHED) for row in MASKED]
    paper = [
        r.cell("table2", row, "paper_rmse", masking=0.8) - r.cell("table1", row, "paper_rmse")
        for row in MASKED
    ]
    return check(0 < min(costs) <= max(costs) < min(paper), least=min(costs), most=max(costs))


def the_end_of_the_curve(r: Results) -> Check:
    """With 90 % hidden the network is still ahead of two biases, and with 95 % behind them."""
    biases = r.cell("table2", "user+movie bias")
    whole, most, ninety, end = (
        r.cell("masking_curve", "all", masking=m) for m in (0.0, 0.8, 0.9, 0.95)
    )
    return check(
        ninety < biases < end and ninety - whole > (biases - whole) / 2,
        cost=most - whole,
        ahead=biases - ninety,
        behind=end - biases,
    )


def gain_under_the_mask(r: Results) -> Check:
    """The content gain at 80 % is larger in two rows, smaller in one, the same in the fourth."""
    changes = [
        r.cell("table2", row, "content_gain", masking=0.8)
        - r.cell("table2", row, "content_gain", masking=0)
        for row in MASKED
    ]
    larger, smaller = sum(c > 0.0015 for c in changes), sum(c < -0.0015 for c in changes)
    return check((larger, smaller) == (2, 1), larger=larger, smaller=smaller)


def rating_vectors_reach(r: Results) -> Check:
    """Rating vectors do better than meta and all four, and better still when refitted."""
    clean = r.cell("rating_vectors", "rating vectors", masking=0)
    refitted = r.cell("rating_vectors", "rating vectors, refitted")
    return check(
        refitted < clean < min(r.cell("table1", row) for row in ("meta", "all")),
        clean=clean,
        refitted=refitted,
        paper=r.cell("rating_vectors", "rating vectors", "paper_rmse", masking=0),
        as_published=r.cell("rating_vectors", "rating vectors", masking=0, protocol=PUBLISHED),
    )


def a_hidden_target_is_missed(r: Results) -> Check:
    """With the target hidden and all else as published, rating vectors are far worse."""
    clean, published, hidden = (
        r.cell("rating_vectors", "rating vectors", masking=0, protocol=protocol)
        for protocol in ("clean", PUBLISHED, "hidden_target")
    )
    return check(
        0 < published - clean < 0.01 and hidden - published > 0.02,
        worse=hidden - published,
        published_behind_clean=published - clean,
    )


def masked_rating_vectors(r: Results) -> Check:
    """Hiding four fifths of the ratings costs rating vectors little more than user vectors."""
    whole, masked = (r.cell("rating_vectors", "rating vectors", masking=m) for m in (0, 0.8))
    return check(0 < masked - whole < 0.02, cost=masked - whole)


def refitted_baselines(r: Results) -> Check:
    """Refitted as well, the FM on ids and users is ahead, and neighbours are not."""
    ours = r.cell("rating_vectors", "rating vectors, refitted")
    fm, neighbours = (
        r.cell("rating_vectors", f"{row}, refitted") for row in ("FM: ids and users", "item kNN")
    )
    return check(fm < ours < neighbours, fm=fm, neighbours=neighbours)


def _increase(r: Results, row: str, masking: float, protocol: str = "clean") -> float:
    whole = r.cell("table2", row, masking=0, protocol=protocol)
    return r.cell("table2", row, masking=masking, protocol=protocol) - whole


DECLARED = (
    table2_comes_out_lower,
    masking_costs_little,
    masking_is_significant,
    masking_in_the_paper,
    masking_as_published,
    the_end_of_the_curve,
    gain_under_the_mask,
    rating_vectors_reach,
    a_hidden_target_is_missed,
    masked_rating_vectors,
    refitted_baselines,
)
