"""The benchmark of growth makes ratings of the shape it says, and measures a posterior of them."""

import numpy as np

from benchmarks import growth


def test_ratings_grow_by_users_and_nobody_rates_a_movie_twice():
    few, _ = growth.made(1_000, 60)
    many, prior = growth.made(10_000, 60)
    assert 300 < len(few.value) <= 1_000, "nobody rates more than there is"
    assert len(many.raters) == 10_000 // growth.PER_USER > len(few.raters)
    pairs = np.stack([many.user, many.movie], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert many.movie.max() < 60
    assert prior.shared.shape == prior.taste.shape == (60, 60)
    assert len(prior.effects) == many.n_effects
    counts = np.bincount(growth.made(30_000)[0].movie, minlength=growth.N_MOVIES)
    assert np.sort(counts)[-168:].sum() > 1.3 * counts.sum() / 10, "some movies are popular"


def test_a_size_is_measured_and_told(capsys, monkeypatch):
    cost = growth.measured(1_000, 60)
    assert cost.seconds > 0
    assert cost.gigabytes > 0.01
    told = growth.line(growth.Cost(1_886, 200_000, 12.0, 1.25))
    assert told.split() == ["200,000", "1,886", "12.0", "6.0", "1.2"]
    assert len(told) == len(growth.HEADER)
    monkeypatch.setattr("sys.argv", ["growth", "--largest", "10"])
    growth.main()
    assert "1,682 movies" in capsys.readouterr().out
