"""Triples, word vectors and the 1,220 numbers, on sentences and vectors made by hand."""

import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue import locations
from mmrec.catalogue.movielens import GENRES
from mmrec.errors import StudyError
from mmrec.features.graph import meta as graph
from mmrec.features.graph import triples, word_vectors
from mmrec.features.graph.word_vectors import WordVectors
from mmrec.features.table import FeatureTable

AXES = ["cop", "hunts", "thief", "widow", "opens", "bakery", "jane", "doe"]


def one_hot(word: str) -> np.ndarray | None:
    """Word n of ``AXES`` is 1 on axis n; others, and words in capitals, have no vector."""
    return np.eye(300, dtype=np.float32)[AXES.index(word)] if word in AXES else None


TOY = WordVectors("toy", "by hand", one_hot)


@pytest.fixture(scope="module")
def parser():
    return triples.load_parser()


@pytest.fixture
def toy(monkeypatch):
    """Every list of word vectors gives the toy ones."""
    monkeypatch.setattr(graph, "choose", lambda names, summaries, cache: TOY)


def movies(**changes) -> pd.DataFrame:
    values = {
        "movie_id": [5, 2, 9],
        "title": ["Five", "Two", "Nine"],
        "genres": [["Crime", "Drama"], ["Drama"], ["unknown"]],
        "summary": ["The cop hunts the thief. The widow opens a bakery.", None, "Dogs bark."],
        "summary_source": ["imdb", None, "open"],
        "directors": [["Jane Doe"], [], ["Xqzw Vrrt"]],
        "cast": [["Ann"], ["Ann", "Bob"], []],
        "imdb_rating": [8.0, np.nan, 6.5],
    }
    return pd.DataFrame({**values, **changes})


def embedded(cache, **changes) -> FeatureTable:
    return graph.embed(movies(**changes), word_vectors=["toy"], cache=cache)


def axis(*named: tuple[str, float]) -> np.ndarray:
    """The vector with the given numbers on the axes of the given words."""
    return sum(number * one_hot(word) for word, number in named)


# --- sentences to triples -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        # the paper's own example, Fig. 4
        (
            "John Hammond invited four individuals.",
            [("John Hammond", "invited", "four individuals")],
        ),
        # compounds, adjectives and numbers stay, articles go
        (
            "Three police officers hunt down a dangerous serial killer.",
            [("Three police officers", "hunt down", "dangerous serial killer")],
        ),
        # a passive with an agent is turned round, one without is not
        (
            "The lost boy was found by two old sailors.",
            [("two old sailors", "found", "lost boy")],
        ),
        ("A quiet man is accused of murder.", [("quiet man", "is accused of", "murder")]),
        # joined verbs share their subject, joined nouns stay together
        (
            "The boy steals a car and leaves the town.",
            [("boy", "steals", "car"), ("boy", "leaves", "town")],
        ),
        (
            "The king and the queen invite a singer and a dancer.",
            [("king and queen", "invite", "singer and dancer")],
        ),
        # what a noun does in a relative clause is its own clause
        (
            "A young woman who works in a diner meets a stranger.",
            [("young woman", "works in", "diner"), ("young woman", "meets", "stranger")],
        ),
        ("A cop hunting the killer of his partner.", [("cop", "hunting", "killer of his partner")]),
        # verbs that lead to verbs, states, prepositions, negation, two objects
        (
            "She tries to save her village from the flood.",
            [("She", "tries to save", "her village")],
        ),
        ("The detective is a former soldier.", [("detective", "is", "former soldier")]),
        ("He lives in a quiet town near the sea.", [("He", "lives in", "quiet town")]),
        (
            "The teacher does not trust the new student.",
            [("teacher", "not trust", "new student")],
        ),
        ("A widow gives her son a silver watch.", [("widow", "gives", "silver watch")]),
        # two clauses
        (
            "When the war begins, Captain Miller leads a group of soldiers into France.",
            [("Captain Miller", "leads", "group of soldiers")],
        ),
        # short ones too
        ("Boy meets girl.", [("Boy", "meets", "girl")]),
        # a negation goes into the relation, wherever it stands
        ("No one trusts the widow.", [("one", "not trusts", "widow")]),
        ("The sailor no longer fears the sea.", [("sailor", "no longer fears", "sea")]),
        ("The detective finds no trace of her.", [("detective", "not finds", "trace of her")]),
        (
            "Neither the king nor the queen trusts the spy.",
            [("king and queen", "not trusts", "spy")],
        ),
        (
            "He does not love her or miss her.",
            [("He", "not love", "her"), ("He", "not miss", "her")],
        ),
        # … and no further
        (
            "He does not love her but marries her sister.",
            [("He", "not love", "her"), ("He", "marries", "her sister")],
        ),
        # subjects shared with the main verb
        (
            "Betrayed by his partner, a thief plans his revenge.",
            [("his partner", "betrayed", "thief"), ("thief", "plans", "his revenge")],
        ),
        (
            "After killing his boss, a clerk leaves the city.",
            [("clerk", "killing", "his boss"), ("clerk", "leaves", "city")],
        ),
        # what the object does; not what the subject does it for
        (
            "The gang forces him to open the vault.",
            [("gang", "forces", "him"), ("him", "open", "vault")],
        ),
        ("A baron sinks a frigate to provoke war.", [("baron", "sinks", "frigate")]),
        (
            "She sees a man burying a chest.",
            [("She", "sees", "man"), ("man", "burying", "chest")],
        ),
        # a verb tagged as a noun; particles; what a bare noun adds to a verb; what there is
        ("A priest and a thief rob a casino.", [("priest and thief", "rob", "casino")]),
        ("Her aunt turns the visitors away.", [("Her aunt", "turns away", "visitors")]),
        ("A reporter tracks down the forger.", [("reporter", "tracks down", "forger")]),
        ("The story takes place in a small town.", [("story", "takes place in", "small town")]),
        ("There is a monster in the lake.", [("monster", "is in", "lake")]),
        # no triple of three words that may be one
        ("Ripley fights the egg laying queen.", [("Ripley", "fights", "egg")]),
        # without an object; without a verb
        ("The old house on the hill burns.", []),
        ("A story of love and loss in the old south.", []),
    ],
)
def test_triples_of_a_sentence(parser, sentence, expected):
    assert triples.read(parser(sentence)) == expected


def test_a_missing_parser_is_told(monkeypatch):
    monkeypatch.setattr(triples, "PARSER", "no_such_parser")
    with pytest.raises(StudyError, match=r"no_such_parser.*no-such-parser"):
        triples.load_parser()


def test_fewer_than_three_triples_are_repeated_in_turn(tmp_path):
    found = graph.extract_triples(movies(), cache=tmp_path)
    assert found["movie_id"].tolist() == [5, 5, 5]
    assert found["order"].tolist() == [0, 1, 2]
    assert found["head"].tolist() == ["cop", "widow", "cop"]
    assert found["repeated"].tolist() == [False, False, True]


def test_only_the_first_three_triples_count(tmp_path):
    four = " ".join(f"The cop hunts the {name}." for name in ("thief", "spy", "killer", "cat"))
    found = graph.extract_triples(movies(summary=[four, None, None]), cache=tmp_path)
    assert found["tail"].tolist() == ["thief", "spy", "killer"]
    assert not found["repeated"].any()


def test_no_summary_is_parsed_twice(tmp_path, monkeypatch):
    first = graph.extract_triples(movies(), cache=tmp_path)
    parsed = []
    monkeypatch.setattr(triples, "_parse", lambda new: parsed.extend(new) or [[("a", "b", "c")]])
    pd.testing.assert_frame_equal(graph.extract_triples(movies(), cache=tmp_path), first)
    assert parsed == []
    summaries = [movies()["summary"][0], "A new story.", "Dogs bark."]
    graph.extract_triples(movies(summary=summaries), cache=tmp_path)
    assert parsed == ["A new story."]


# --- 1,220 numbers --------------------------------------------------------------------------


def test_difference_is_head_plus_relation_minus_tail():
    h, r, t = np.array([1.0, 0, 2]), np.array([0, 3.0, 1]), np.array([1.0, 1, 1])
    np.testing.assert_array_equal(graph.difference(h, r, t), [0, 2, 2])


def test_parts_are_900_19_300_1():
    widths = {name: part.stop - part.start for name, part in graph.PARTS.items()}
    assert widths == {"triples": 900, "genres": 19, "director": 300, "rating": 1}
    assert sum(widths.values()) == 1220


def test_vector_of_a_movie(tmp_path, toy):
    table = embedded(tmp_path)
    vector = table.matrix([5])[0][0]
    parts = {name: vector[part] for name, part in table.parts.items()}
    chase = axis(("cop", 1), ("hunts", 1), ("thief", -1))
    bakery = axis(("widow", 1), ("opens", 1), ("bakery", -1))
    expected = np.concatenate([chase, bakery, chase])
    np.testing.assert_array_equal(parts["triples"], expected)
    named = [GENRES[i] for i in np.flatnonzero(parts["genres"])]
    assert named == ["Crime", "Drama"]
    # "Jane Doe" is looked up as written, then in lower case; the name's vector is the mean.
    np.testing.assert_array_equal(parts["director"], axis(("jane", 0.5), ("doe", 0.5)))
    np.testing.assert_allclose(parts["rating"], [0.8])


def test_missing_parts_are_zeros_and_flagged(tmp_path, toy):
    table = embedded(tmp_path)
    vectors, present = table.matrix([5, 2, 9])
    assert list(table.parts) == ["triples", "genres", "director", "rating"]
    assert present.tolist() == [
        [True, True, True, True],
        [False, True, False, False],
        [False, True, False, True],  # a summary without a triple, a name without a vector
    ]
    for columns, flags in zip(table.parts.values(), present.T, strict=True):
        np.testing.assert_array_equal(vectors[:, columns].any(axis=1), flags)


def test_an_unknown_phrase_counts_as_zeros(tmp_path, toy):
    table = embedded(tmp_path, summary=["The cop hunts the zzyzx.", None, "The zz xqs the vv."])
    np.testing.assert_array_equal(table.matrix([5])[0][0][:300], axis(("cop", 1), ("hunts", 1)))
    assert table.provenance["unknown_words"]["triples"] == pytest.approx(1 / 3, abs=0.01)
    assert table.provenance["unknown_words"]["director"] == 0.5


def test_rows_do_not_depend_on_the_order_of_the_movies(tmp_path, toy):
    backwards = graph.embed(movies()[::-1], word_vectors=["toy"], cache=tmp_path)
    assert embedded(tmp_path).digest == backwards.digest


def test_without_any_summary_the_facts_remain(tmp_path, toy):
    table = embedded(tmp_path, summary=[None] * 3)
    assert table.part_present.sum(axis=0).tolist() == [0, 3, 1, 2]
    assert table.provenance["source"] == "no summaries"


def test_round_trip_and_ablation_of_the_imdb_rating(tmp_path, toy):
    embedded(tmp_path).save(tmp_path / "meta.parquet")
    loaded = FeatureTable.load(tmp_path / "meta.parquet")
    assert loaded.digest == embedded(tmp_path).digest
    assert loaded.without("rating").width == 1219
    assert loaded.stand_in == "open synopses for IMDb storylines (1 of 2)"


@pytest.mark.parametrize("rating", [10.1, -1.0, np.inf])
def test_an_impossible_rating_is_told(tmp_path, toy, rating):
    with pytest.raises(StudyError, match=r"movie 2: crowd rating .* is outside 0–10"):
        embedded(tmp_path, imdb_rating=[8.0, rating, np.nan])


def test_an_unknown_genre_is_told(tmp_path, toy):
    with pytest.raises(StudyError, match="movie 2: unknown genre 'Opera'"):
        embedded(tmp_path, genres=[["Drama"], ["Opera"], ["Drama"]])


# --- word vectors ---------------------------------------------------------------------------


def test_mean_of_a_phrase():
    np.testing.assert_array_equal(TOY.mean("the Cop, hunts"), axis(("cop", 0.5), ("hunts", 0.5)))
    assert TOY.mean("nothing known") is None
    assert TOY.mean("") is None
    assert TOY.unknown_share(["the cop", "a thief hunts"]) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("J.R. O'Neil-Smith, 2 cats", ["J.R", "O'Neil-Smith", "2", "cats"]),
        ("Krzysztof Kieślowski", ["Krzysztof", "Kieślowski"]),
        ("— … !", []),
    ],
)
def test_words(phrase, expected):
    assert word_vectors.words(phrase) == expected


STORIES = ["A cop hunts a thief. The thief robs a bank.", "A cop guards a bank."] * 3


def test_corpus_vectors_are_the_same_every_time(tmp_path):
    first, second = (
        word_vectors.choose(["corpus"], STORIES, tmp_path / name) for name in ("one", "two")
    )
    assert first.name == "corpus"
    assert first.find("thief").shape == (300,)
    np.testing.assert_array_equal(first.find("thief"), second.find("thief"))
    assert first.find("zebra") is None
    assert "summaries" in first.stand_in


def test_corpus_vectors_are_trained_once(tmp_path, monkeypatch):
    first = word_vectors.choose(["corpus"], STORIES, tmp_path)
    monkeypatch.setattr(word_vectors, "_train", lambda *_: pytest.fail("trained again"))
    again = word_vectors.choose(["corpus"], STORIES, tmp_path)
    np.testing.assert_array_equal(first.find("thief"), again.find("thief"))


def test_the_first_available_is_taken_and_the_log_says_why(tmp_path, monkeypatch, caplog):
    def absent(*_):
        raise StudyError("not there", where="somewhere", remedy="none")

    monkeypatch.setattr(word_vectors, "_spacy_md", absent)
    chosen = word_vectors.choose(["en_core_web_md", "corpus"], STORIES, tmp_path)
    assert chosen.name == "corpus"
    assert "taking corpus (not available: en_core_web_md: not there)" in caplog.text


def test_google_news_out_of_reach_is_told(tmp_path, monkeypatch):
    def no_network(url):
        raise locations.Absent("no network")

    monkeypatch.setattr(locations, "check_reachable", no_network)
    with pytest.raises(StudyError, match=r"word2vec-google-news-300: .*no network"):
        word_vectors.choose(["word2vec-google-news-300"], STORIES, tmp_path)


def test_an_unknown_name_is_told_before_anything_is_fetched(tmp_path):
    with pytest.raises(StudyError, match="no such name 'fasttext'"):
        word_vectors.choose(["en_core_web_md", "fasttext"], STORIES, tmp_path)


def test_too_small_a_corpus_is_told(tmp_path):
    with pytest.raises(StudyError, match="too few words"):
        word_vectors.choose(["corpus"], ["One word each."], tmp_path)


# --- the graph ------------------------------------------------------------------------------


def test_knowledge_graph(tmp_path):
    frame = movies()
    made = graph.knowledge_graph(frame, graph.extract_triples(frame, cache=tmp_path))
    kinds = pd.Series([kind for _, kind in made.nodes(data="kind")]).value_counts().to_dict()
    assert kinds == {"movie": 3, "genre": 3, "director": 2, "cast": 2, "phrase": 4}
    assert made.nodes["movie", 5]["label"] == "Five"
    assert made.has_edge(("movie", 5), ("genre", "Crime"))
    assert made.in_degree(("cast", "Ann")) == 2
    (hunt,) = made.get_edge_data(("phrase", "cop"), ("phrase", "thief")).values()
    assert hunt == {"relation": "hunts", "movie_id": 5}


def test_knowledge_graph_of_some_movies_leaves_the_others_out(tmp_path):
    found = graph.extract_triples(movies(), cache=tmp_path)
    made = graph.knowledge_graph(movies().query("movie_id == 2"), found)
    assert {kind for _, kind in made.nodes(data="kind")} == {"movie", "genre", "cast"}


@pytest.mark.parametrize("damage", [lambda c: c[:-50], lambda c: b"", lambda c: b"no cache"])
def test_damaged_caches_are_made_again(tmp_path, caplog, damage):
    trained = word_vectors.choose(["corpus"], STORIES, tmp_path)
    found = graph.extract_triples(movies(), cache=tmp_path)
    for pattern in ("word_vectors/*", "graph/*"):
        (stored,) = tmp_path.glob(pattern)
        stored.write_bytes(damage(stored.read_bytes()))
    again = word_vectors.choose(["corpus"], STORIES, tmp_path)
    np.testing.assert_array_equal(again.mean("the cop"), trained.mean("the cop"))
    pd.testing.assert_frame_equal(graph.extract_triples(movies(), cache=tmp_path), found)
    assert caplog.text.count("is damaged and is made again") == 2


def test_triples_are_kept_by_code_and_parser(tmp_path, monkeypatch):
    graph.extract_triples(movies(), cache=tmp_path)
    for name, value in (("code_digest", lambda *_: "0"), ("_parse", lambda new: [[]] * len(new))):
        monkeypatch.setattr(triples, name, value)
    assert graph.extract_triples(movies(), cache=tmp_path).empty
    monkeypatch.setattr(triples.metadata, "version", lambda name: "99")
    graph.extract_triples(movies(), cache=tmp_path)
    assert len(list((tmp_path / "graph").glob("*.json"))) == 3
