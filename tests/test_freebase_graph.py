"""The encyclopedia's graph, on a toy of two worlds that share neither people nor subjects."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mmrec.errors import StudyError
from mmrec.features.graph import freebase_graph
from mmrec.features.table import FeatureTable

WORLDS = ("m.a", "m.b")
N_FILMS = 8


def toy() -> pd.DataFrame:
    """Two worlds of eight films; each has three of its world's six actors, and a studio."""
    rows = []
    for world in WORLDS:
        for film in range(N_FILMS):
            head = f"{world}film{film}"
            rows += [(head, "actor", f"{world}actor{(film + step) % 6}") for step in range(3)]
            rows += [(head, "production company", f"{world}studio")]
            rows += [(head, "award won", "m.prize"), (head, "actor", f"{head}extra")]
    return pd.DataFrame(rows, columns=["head", "relation", "tail"])


def movies(**changes) -> pd.DataFrame:
    """Movies 1 to 8 of the first world, 11 to 18 of the second, and two outside the graph."""
    entities = [f"{world}film{film}" for world in WORLDS for film in range(N_FILMS)]
    values = {
        "movie_id": [*range(1, 9), *range(11, 19), 98, 99],
        "title": [*entities, "Unlinked", "Unheard of"],
        "freebase_id": [*entities, None, "m.nowhere"],
        "directors": [["Ann"]] * N_FILMS + [["Bob", "Cy"]] * N_FILMS + [[], ["Ann"]],
    }
    return pd.DataFrame({**values, **changes})


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def embedded(cache, facts=None, **changes) -> FeatureTable:
    facts = toy() if facts is None else facts
    return freebase_graph.embed(movies(**changes), facts, walks_per_node=10, cache=cache)


def without_awards() -> pd.DataFrame:
    return toy()[lambda facts: ~facts["relation"].isin(freebase_graph.AWARDS)]


# --- reading --------------------------------------------------------------------------------

FILE = """head_id:token\trelation_id:token\ttail_id:token
m.film\tfilm.film.directed_by\tm.ann
m.ann\tfilm.director.film\tm.film
m.second\tfilm.film.prequel\tm.film
m.film\tfilm.film.sequel\tm.second
m.bob\tfilm.producer.film\tm.film
m.film\tfilm.film.award_won\tm.prize
"""


def written(folder, content=FILE):
    (folder / "ml-100k.kg").write_text(content, encoding="utf-8")
    return folder


def test_each_fact_is_read_once_and_seen_from_the_film(tmp_path):
    facts = freebase_graph.read(written(tmp_path))
    assert facts.to_numpy().tolist() == [
        ["m.film", "award won", "m.prize"],
        ["m.film", "director", "m.ann"],
        ["m.film", "producer", "m.bob"],
        ["m.film", "sequel", "m.second"],
    ]


def test_an_unknown_relation_is_told(tmp_path):
    with pytest.raises(StudyError, match=r"unknown relation 'film.film.gaffer'"):
        freebase_graph.read(written(tmp_path, FILE.replace("film.directed_by", "film.gaffer")))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(StudyError, match="cannot be read"):
        freebase_graph.read(tmp_path)


def test_the_graph_names_kinds_and_titles(tmp_path):
    facts = freebase_graph.read(written(tmp_path))
    known = pd.DataFrame({"freebase_id": ["m.film", None], "title": ["The Film", "Other"]})
    made = freebase_graph.graph(facts, known)
    assert dict(made.nodes(data="kind")) == {
        "m.film": "movie",
        "m.second": "movie",
        "m.ann": "person",
        "m.bob": "person",
        "m.prize": "award",
    }
    assert made.nodes["m.film"]["label"] == "The Film"
    assert made.nodes["m.second"]["label"] is None
    (edge,) = made.get_edge_data("m.film", "m.ann").values()
    assert edge == {"relation": "director"}


# --- walks ----------------------------------------------------------------------------------


def test_walks_go_along_edges_and_start_everywhere():
    ring = sparse.csr_array(np.roll(np.eye(6), 1, axis=1) + np.roll(np.eye(6), -1, axis=1))
    walked = freebase_graph.walks(ring, per_node=3, steps=9, seed=0)
    assert walked.shape == (18, 9)
    assert np.bincount(walked[:, 0]).tolist() == [3] * 6
    assert set(np.unique(np.diff(walked) % 6)) == {1, 5}


def test_walks_are_the_same_for_a_seed_and_others_for_another():
    full = sparse.csr_array(np.ones((6, 6)) - np.eye(6))
    first, again, other = (
        freebase_graph.walks(full, per_node=5, steps=9, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


# --- vectors --------------------------------------------------------------------------------


def test_movies_that_share_people_are_nearer_than_those_that_share_nothing(cache):
    vectors = embedded(cache, without_awards()).vectors
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    near = unit @ unit.T
    same = np.kron(np.eye(2), np.ones((N_FILMS, N_FILMS))).astype(bool)
    own = near[same & ~np.eye(2 * N_FILMS, dtype=bool)]
    assert own.min() > near[~same].max()


def test_the_same_facts_give_the_same_vectors(cache, tmp_path):
    assert embedded(cache).digest == embedded(tmp_path).digest
    shuffled = toy().sample(frac=1, random_state=0)
    assert embedded(cache).digest == embedded(tmp_path / "other", shuffled).digest


def test_another_number_of_walks_gives_other_vectors(cache):
    fewer = freebase_graph.embed(movies(), toy(), walks_per_node=3, cache=cache)
    assert fewer.provenance["recipe"].startswith("3 walk(s) of 20 steps")
    assert fewer.digest != embedded(cache).digest


def test_vectors_are_trained_once(cache, monkeypatch):
    first = embedded(cache)
    monkeypatch.setattr(freebase_graph, "_train", lambda *_: pytest.fail("trained again"))
    assert embedded(cache).digest == first.digest


def test_damaged_vectors_are_trained_again(tmp_path, caplog):
    first = embedded(tmp_path)
    (stored,) = (tmp_path / "freebase_graph").glob("*.npy")
    stored.write_bytes(stored.read_bytes()[:-100])
    assert embedded(tmp_path).digest == first.digest
    assert "is damaged and is made again" in caplog.text


def test_a_few_movies_have_the_vectors_they_have_among_all(cache):
    few = freebase_graph.embed(movies()[3:5], toy(), walks_per_node=10, cache=cache)
    np.testing.assert_array_equal(few.vectors, embedded(cache).matrix([4, 5])[0])


def test_movies_outside_the_graph_are_absent(cache):
    table = embedded(cache)
    assert table.movie_ids.tolist() == [*range(1, 9), *range(11, 19)]
    assert not table.matrix([98, 99])[1].any()


def test_a_movie_with_one_fact_stays_and_what_one_movie_has_goes():
    facts = pd.DataFrame(
        [("m.x", "m.p"), ("m.y", "m.p"), ("m.y", "m.q"), ("m.z", "m.r")], columns=["head", "tail"]
    )
    matrix, names = freebase_graph._adjacency(facts)
    assert names == ["m.p", "m.x", "m.y"]
    assert matrix.toarray().tolist() == [[0, 1, 1], [1, 0, 0], [1, 0, 0]]


def test_without_awards_they_are_in_no_walk(cache, monkeypatch, tmp_path):
    assert "m.prize" in freebase_graph._adjacency(toy())[1]
    assert "m.prize" not in freebase_graph._adjacency(without_awards())[1]
    plain = embedded(cache, without_awards())
    assert plain.provenance["relations"] == ["actor", "production company"]
    assert plain.digest != embedded(cache).digest


def test_table_and_provenance(cache, tmp_path):
    table = embedded(cache)
    assert table.modality == "meta-freebase"
    assert {name: (p.start, p.stop) for name, p in table.parts.items()} == {"walks": (0, 300)}
    assert {"encoder", "weights", "recipe", "source", "stand_in"} <= set(table.provenance)
    assert table.provenance["source"] == "Freebase, 96 facts; 16 of 18 movies linked"
    assert "award won" in table.provenance["relations"]
    table.save(tmp_path / "meta-freebase.parquet")
    assert FeatureTable.load(tmp_path / "meta-freebase.parquet").digest == table.digest


def directed() -> pd.DataFrame:
    """The toy, and who directed the films."""
    films = toy()[["head"]].drop_duplicates()
    made = films.assign(relation="director", tail=films["head"].str[:3] + "director")
    return pd.concat([toy(), made], ignore_index=True)


def test_pairs_of_movies_with_the_same_director():
    pairs = 2 * N_FILMS * (N_FILMS - 1) // 2
    assert freebase_graph.same_director(movies(), directed()) == (pairs, pairs)
    assert freebase_graph.same_director(movies(), toy()) == (0, 0)


def test_ids_of_other_films_are_told(cache):
    """As if the ids were another numbering's: every other movie is in the wrong world."""
    entities = movies()["freebase_id"].iloc[:-2].tolist()
    crossed = [*(entities[(7 * i) % 16] for i in range(16)), None, "m.nowhere"]
    assert freebase_graph.same_director(movies(freebase_id=crossed), directed())[1] > 0
    with pytest.raises(StudyError, match=r"to other films: of 56 pairs .* 2\d have"):
        embedded(cache, directed(), freebase_id=crossed)


def test_no_movie_in_the_graph_is_told(cache):
    with pytest.raises(StudyError, match="none of the 18 movies is in the graph"):
        embedded(cache, freebase_id=[None] * 18)
    with pytest.raises(StudyError, match="none of the 18 movies is in the graph"):
        embedded(cache, toy().head(0))
