"""Claims about the model that is made for new films: chapter 12."""

from mmrec.study.claims.baselines import ndcg
from mmrec.study.claims.claim import Check, check
from mmrec.study.claims.results import Results

PROCESS = "pair process"
LISTS = "content and EASE"
RELEASED, ENCYCLOPEDIA, CROWD = (
    "new_films_released",
    "new_films_encyclopedia",
    "new_films_crowd",
)
AIMS = {RELEASED: 0.970, ENCYCLOPEDIA: 0.960, CROWD: 0.915}
"""RMSE that had been aimed at before the model was built."""


def content_keeps_its_promise(r: Results) -> Check:
    """The process is ahead of the user's mean on new films, and gains with each level."""
    mean = _rmse(r, CROWD, "user mean")
    released, encyclopedia, crowd = (_rmse(r, track) for track in (RELEASED, ENCYCLOPEDIA, CROWD))
    return check(
        crowd < encyclopedia < released < mean - 0.04,
        released=released,
        encyclopedia=encyclopedia,
        crowd=crowd,
        user_mean=mean,
        lead=mean - released,
        folds=int(r.cell("beyond", PROCESS, "n_folds", track=RELEASED)),
        seeds=int(r.cell("beyond", PROCESS, "n_seeds", track=RELEASED)),
    )


def control_of_the_process(r: Results) -> Check:
    """With content of other films, the process is worse than the user's mean."""
    released, crowd = (_rmse(r, track, features="permuted") for track in (RELEASED, CROWD))
    mean = _rmse(r, RELEASED, "user mean")
    return check(min(released, crowd) > mean, released=released, crowd=crowd, user_mean=mean)


def gains_of_the_process(r: Results) -> Check:
    """The content gains of the process are larger than its lead over the user's mean."""
    mean = _rmse(r, RELEASED, "user mean")
    gains, leads = [], []
    for track in (RELEASED, CROWD):
        gains.append(r.cell("beyond", PROCESS, "content_gain", track=track))
        leads.append(mean - _rmse(r, track))
    larger = all(gain > lead for gain, lead in zip(gains, leads, strict=True))
    return check(larger, released=gains[0], crowd=gains[1])


def known_films(r: Results) -> Check:
    """On u1 the process is ahead of the refitted FM hybrid, but not told from chance."""
    process, hybrid = _rmse(r, "u1_single"), _rmse(r, "u1_single", "FM: hybrid")
    high = r.cell("beyond", PROCESS, "rmse_high", track="u1_single")
    low = r.cell("beyond", "FM: hybrid", "rmse_low", track="u1_single")
    return check(process < hybrid and high > low, process=process, hybrid=hybrid)


def others_keep_it_too(r: Results) -> Check:
    """Kernel ridge and the twin towers use the same content nearly as well."""
    process, ridge, towers, mean = (
        _rmse(r, CROWD, row) for row in (PROCESS, "kernel ridge", "twin towers", "user mean")
    )
    return check(
        process < ridge < towers < mean - 0.05,
        ridge_released=_rmse(r, RELEASED, "kernel ridge"),
        ridge_crowd=ridge,
        towers_crowd=towers,
    )


def new_users(r: Results) -> Check:
    """For new users the process is close to the mean of the film, and the FM behind it."""
    process, mean, fm = (
        _rmse(r, "new_users", row) for row in (PROCESS, "movie mean", "FM: ids and users")
    )
    return check(abs(process - mean) < 0.01 and mean < fm, process=process, movie_mean=mean, fm=fm)


def lists_from_content(r: Results) -> Check:
    """On new films *content and EASE* makes better lists than the sort by votes."""
    released, crowd = (
        ndcg(r, "beyond", LISTS, track=f"new_films_lists_{level}")
        for level in ("released", "crowd")
    )
    votes = ndcg(r, "beyond", "IMDb votes", track="new_films_lists_crowd")
    return check(votes < released < crowd, released=released, crowd=crowd, votes=votes)


def the_process_makes_poor_lists(r: Results) -> Check:
    """The process, a model of ratings, makes worse lists than the sort by votes."""
    process, votes = (
        ndcg(r, "beyond", row, track="new_films_lists_crowd") for row in (PROCESS, "IMDb votes")
    )
    return check(process < votes, process=process, votes=votes)


def aims_were_missed(r: Results) -> Check:
    """The aims set before the model was built were missed."""
    reached = {track: _rmse(r, track) for track in AIMS}
    lists = ndcg(r, "beyond", LISTS, track="new_films_lists_released")
    both = _rmse(r, "both_new")
    return check(
        all(reached[track] > aim for track, aim in AIMS.items()) and lists < 0.33 and both > 1.03,
        released=reached[RELEASED],
        encyclopedia=reached[ENCYCLOPEDIA],
        crowd=reached[CROWD],
        lists=lists,
        both_new=both,
    )


def _rmse(r: Results, track: str, row: str = PROCESS, **where: object) -> float:
    return r.cell("beyond", row, track=track, **where)


DECLARED = (
    content_keeps_its_promise,
    control_of_the_process,
    gains_of_the_process,
    known_films,
    others_keep_it_too,
    new_users,
    lists_from_content,
    the_process_makes_poor_lists,
    aims_were_missed,
)
