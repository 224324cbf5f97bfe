"""Claims about new films and users among the paper's and the older models: chapter 11."""

from mmrec.reports.results import Results
from mmrec.study.claims.baselines import best_list, ndcg
from mmrec.study.claims.claim import Check, check

UNRATED = "FM: hybrid, without IMDb's rating"
RIDGE, RIDGED = "kernel ridge", "ContentKernelRidge"
RELEASED, ENCYCLOPEDIA, CROWD = (
    "known before release",
    "with an encyclopedia",
    "with IMDb's crowd",
)
NETWORKS = ("meta", "all", "meta, inputs hidden")
NETWORK = "Siamese"
WITHOUT_CROWD = ("genres", "facts-unrated", "triples", "meta-unrated", RELEASED, ENCYCLOPEDIA)
"""Descriptions without the rating and the votes of IMDb's users."""

SUPPORTS = (0, 1, 2, 5, 10, 20, 50)


def network_knows_no_new_film(r: Results) -> Check:
    """On films that nobody has rated, the network is no better than the user's mean."""
    mean, meta, every = (_cold(r, row) for row in ("user mean", "meta", "all"))
    return check(min(meta, every) > mean, user_mean=mean, meta=meta, all_four=every)


def the_fm_lives_on_the_crowd(r: Results) -> Check:
    """Without IMDb's rating the FM with content is level with the user's mean."""
    hybrid, unrated, mean = (_cold(r, row) for row in ("FM: hybrid", UNRATED, "user mean"))
    return check(
        hybrid < unrated - 0.05 and abs(unrated - mean) < 0.003,
        hybrid=hybrid,
        without_rating=unrated,
        user_mean=mean,
    )


def only_ridge_makes_more(r: Results) -> Check:
    """A straight line is as good as the FM; only kernel ridge makes more of its content."""
    line, hybrid, ridge = (_cold(r, row) for row in ("straight line", "FM: hybrid", RIDGE))
    return check(
        abs(line - hybrid) < 0.003 and ridge == _lowest(r, "item") < line - 0.02,
        straight_line=line,
        hybrid=hybrid,
        kernel_ridge=ridge,
    )


def new_users_have_the_movie_mean(r: Results) -> Check:
    """For new users nothing is much better than the mean of the movie."""
    mean, ridge, ids = (_cold(r, row, "user") for row in ("movie mean", RIDGE, "FM: ids"))
    return check(
        _lowest(r, "user") > mean - 0.01 and ids > mean + 0.1,
        movie_mean=mean,
        kernel_ridge=ridge,
        ids=ids,
    )


def both_new(r: Results) -> Check:
    """Where film and user are new, kernel ridge is the best of the chapter."""
    ridge, line, hybrid, mean = (
        _cold(r, row, "both") for row in (RIDGE, "straight line", "FM: hybrid", "movie mean")
    )
    return check(
        ridge == _lowest(r, "both"),
        kernel_ridge=ridge,
        straight_line=line,
        hybrid=hybrid,
        movie_mean=mean,
    )


def twenty_numbers_serve_better(r: Results) -> Check:
    """On new films genres serve the network better than meta, and IMDb's rating helps further."""
    genres, meta, twenty = (_input(r, row, NETWORK) for row in ("genres", "meta", "genres-rating"))
    return check(twenty < genres < meta, genres=genres, meta=meta, genres_and_rating=twenty)


def inputs_of_the_network(r: Results) -> Check:
    """The network does best on the widest input, and on wider inputs even without the crowd."""
    twenty, genres, mean = (
        _input(r, "genres-rating", NETWORK),
        _input(r, "genres", NETWORK),
        _input(r, "nothing", "Mean"),
    )
    released, encyclopedia, crowd = (
        _input(r, level, NETWORK) for level in (RELEASED, ENCYCLOPEDIA, CROWD)
    )
    best = float(r.rows("cold_inputs", model=NETWORK)["rmse_mean"].min())
    return check(
        best == crowd < twenty < encyclopedia < released < min(genres, mean),
        crowd=crowd,
        genres_and_rating=twenty,
        encyclopedia=encyclopedia,
        released=released,
        genres=genres,
        user_mean=mean,
    )


def triples_tell_the_network_nothing(r: Results) -> Check:
    """On triples alone, the network is about as bad as with the content of other films."""
    triples, mean = _input(r, "triples", NETWORK), _input(r, "nothing", "Mean")
    control = _input(r, RELEASED, NETWORK, features="permuted")
    return check(
        abs(triples - control) < 0.02 < triples - mean,
        triples=triples,
        control=control,
        user_mean=mean,
    )


def content_in_the_network(r: Results) -> Check:
    """The network's gain over its control leaves it only slightly ahead of the user's mean."""
    control, released = (
        _input(r, RELEASED, NETWORK, features=features) for features in ("permuted", "real")
    )
    mean, ridge = _input(r, "nothing", "Mean"), _input(r, RELEASED, RIDGED)
    gain, lead = control - released, mean - released
    return check(
        gain > 0.05 and 0 < lead < 0.01 < mean - ridge,
        gain=gain,
        control=control,
        released=released,
        lead=lead,
        ridge_lead=mean - ridge,
    )


def ahead_of_the_line(r: Results) -> Check:
    """Several models are ahead of the straight line, but only with the crowd in their input."""
    ahead = {
        "fm_on_twenty": _input(r, "genres-rating", "FactorisationMachine"),
        "fm_on_meta": _input(r, "meta", "FactorisationMachine"),
        "network_on_twenty": _input(r, "genres-rating", NETWORK),
        "network_on_crowd": _input(r, CROWD, NETWORK),
        "ridge_on_crowd": _input(r, CROWD, "ContentRidge"),
    }
    line, rows = _input(r, "imdb", "StraightLine"), r.rows("cold_inputs")
    others = float(rows[rows["row"].isin(WITHOUT_CROWD)]["rmse_mean"].min())
    return check(
        max(ahead.values()) < line <= others, line=line, **ahead, best_without_crowd=others
    )


def content_counts_where_films_are_new(r: Results) -> Check:
    """Meta's content gain is several times as large on new films as on u1, and does not suffice."""
    new, known = (
        r.cell("cold_start", "meta", "content_gain", fold="item"),
        r.cell("table1", "meta", "content_gain"),
    )
    meta, mean = _cold(r, "meta"), _cold(r, "user mean")
    return check(new > 5 * known > 0 and meta > mean, new=new, known=known, meta=meta, mean=mean)


def one_seed_on_new_films(r: Results) -> Check:
    """Tables and lists of chapter 11 rest on five folds and one seed, its curves on one fold."""
    tables = {name: r.table(name) for name in ("cold_start", "cold_inputs", "cold_lists")}
    curves = r.table("learning_curves")
    folds = {int(number) for rows in tables.values() for number in rows["n_folds"]}
    seeds = {int(number) for rows in (*tables.values(), curves) for number in rows["n_seeds"]}
    return check((folds, seeds, {*curves["n_folds"]}) == ({5}, {1}, {1}))


def the_fm_on_inputs(r: Results) -> Check:
    """The FM is better on twenty numbers than on everything, which includes them."""
    twenty, everything = (
        _input(r, row, "FactorisationMachine") for row in ("genres-rating", CROWD)
    )
    return check(twenty < everything, genres_and_rating=twenty, everything=everything)


def ridge_uses_every_level(r: Results) -> Check:
    """Kernel ridge is ahead of the user's mean before release, and gains with each level."""
    mean = _input(r, "nothing", "Mean")
    released, encyclopedia, crowd = (
        _input(r, level, RIDGED) for level in (RELEASED, ENCYCLOPEDIA, CROWD)
    )
    return check(
        mean > released > encyclopedia > crowd,
        user_mean=mean,
        released=released,
        encyclopedia=encyclopedia,
        crowd=crowd,
        network=_input(r, RELEASED, NETWORK),
        fm=_input(r, RELEASED, "FactorisationMachine"),
        straight_line=_input(r, "imdb", "StraightLine"),
    )


def control_of_ridge(r: Results) -> Check:
    """With the content of other films, kernel ridge is worse than the user's mean."""
    control, mean = (
        _input(r, RELEASED, RIDGED, features="permuted"),
        _input(r, "nothing", "Mean"),
    )
    return check(control > mean, control=control, user_mean=mean)


def biases_overtake(r: Results) -> Check:
    """Two biases overtake the network at a film's first rating, on users they lead throughout."""
    network, biases = "meta, inputs hidden", "user+movie bias"
    users = [_curve(r, "user", network, n) - _curve(r, "user", biases, n) for n in SUPPORTS]
    before = _curve(r, "item", biases, 0) - _curve(r, "item", network, 0)
    after = _curve(r, "item", network, 1) - _curve(r, "item", biases, 1)
    return check(
        before > 0 and after > 0 and min(users) > 0,
        network_ahead_at_none=before,
        biases_ahead_at_one=after,
        least_lead_on_users=min(users),
    )


def content_on_the_curve(r: Results) -> Check:
    """Content helps the FM on new films before the first rating and after up to twenty."""
    gains = {
        f"after_{n}": _curve(r, "item", "FM: ids and users", n) - _curve(r, "item", "FM: hybrid", n)
        for n in (0, 1, 2, 20)
    }
    return check(min(gains.values()) > 0, **gains)


def ids_are_no_start(r: Results) -> Check:
    """A user known by an id alone is far from *hybrid* before the first rating."""
    ids, hybrid = (_curve(r, "user", row, 0) for row in ("FM: ids", "FM: hybrid"))
    return check(ids > hybrid + 0.1, ids=ids, hybrid=hybrid)


def ridge_starts_lowest(r: Results) -> Check:
    """Kernel ridge starts lowest on new films, and is overtaken by fifty ratings."""
    start, end = _curve(r, "item", RIDGE, 0), _curve(r, "item", RIDGE, 50)
    hybrid = _curve(r, "item", "FM: hybrid", 50)
    rows = r.rows("learning_curves", fold="item", support_size=0)
    return check(
        start == float(rows["rmse_mean"].min()) and end > hybrid,
        at_none=start,
        at_fifty=end,
        hybrid_at_fifty=hybrid,
    )


def votes_beat_ratings(r: Results) -> Check:
    """On new films a sort by IMDb's votes makes better lists than any model of ratings."""
    votes = ndcg(r, "cold_lists", "IMDb votes")
    networks = [ndcg(r, "cold_lists", row) for row in NETWORKS]
    return check(
        best_list(r, "cold_lists") < votes,
        votes=votes,
        hybrid=ndcg(r, "cold_lists", "FM: hybrid"),
        network_least=min(networks),
        network_most=max(networks),
    )


def likes_from_content(r: Results) -> Check:
    """Likes learnt from content make better lists than a sort by votes, at every level."""
    votes = ndcg(r, "cold_lists", "IMDb votes")
    released, crowd = (
        ndcg(r, "cold_lists", f"likes from content, {level}") for level in (RELEASED, CROWD)
    )
    return check(votes < released < crowd, votes=votes, released=released, crowd=crowd)


def _cold(r: Results, row: str, fold: str = "item") -> float:
    return r.cell("cold_start", row, fold=fold)


def _input(r: Results, row: str, model: str, **where: object) -> float:
    return r.cell("cold_inputs", row, model=model, **where)


def _curve(r: Results, fold: str, row: str, support: int) -> float:
    return r.cell("learning_curves", row, fold=fold, support_size=support)


def _lowest(r: Results, fold: str) -> float:
    """RMSE of the best model where films, users or both are new."""
    return float(r.rows("cold_start", fold=fold, protocol="clean")["rmse_mean"].min())


DECLARED = (
    network_knows_no_new_film,
    the_fm_lives_on_the_crowd,
    only_ridge_makes_more,
    new_users_have_the_movie_mean,
    both_new,
    content_counts_where_films_are_new,
    inputs_of_the_network,
    twenty_numbers_serve_better,
    triples_tell_the_network_nothing,
    content_in_the_network,
    ahead_of_the_line,
    one_seed_on_new_films,
    the_fm_on_inputs,
    ridge_uses_every_level,
    control_of_ridge,
    biases_overtake,
    content_on_the_curve,
    ids_are_no_start,
    ridge_starts_lowest,
    votes_beat_ratings,
    likes_from_content,
)
