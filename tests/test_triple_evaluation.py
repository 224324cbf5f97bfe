"""The rule that compares triples with annotated ones, and how the reader of triples scores."""

import numpy as np
import pytest

from mmrec.errors import StudyError
from mmrec.features.graph import evaluation, triples


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("dangerous serial killer", {"killer"}),
        ("Killer of his partner", {"killer"}),
        ("king and old queen of Spain", {"king", "queen"}),
        ("it", {"it"}),
    ],
)
def test_head_words(phrase, expected):
    assert evaluation.heads(phrase) == expected


@pytest.mark.parametrize(
    ("triple", "gold", "expected"),
    [
        # modifiers and letter case do not count, head words do
        (("old cop", "hunts", "serial killer"), ("Cop", "hunts", "killer"), True),
        (("old cop", "hunts", "killer of girls"), ("cop", "hunts", "girls"), False),
        # head and tail have their places
        (("killer", "hunts", "cop"), ("cop", "hunts", "killer"), False),
        # the annotated words of the verb must all be there, in order; others may be
        (("cop", "hunts down", "killer"), ("cop", "hunts", "killer"), True),
        (("cop", "hunts", "killer"), ("cop", "hunts down", "killer"), False),
        (("cop", "tries to hunt", "killer"), ("cop", "tries hunt", "killer"), True),
        (("cop", "hunt tries", "killer"), ("cop", "tries hunt", "killer"), False),
        (("cop", "hunted", "killer"), ("cop", "hunts", "killer"), False),
        # polarity
        (("cop", "not hunt", "killer"), ("cop", "hunt", "killer"), False),
        (("cop", "hunt", "killer"), ("cop", "not hunt", "killer"), False),
        (("cop", "never hunts", "killer"), ("cop", "not hunts", "killer"), True),
        (("cop", "does n't hunt", "killer"), ("cop", "not hunt", "killer"), True),
        # joined nouns: all of them and no others; alternatives: any of them
        (("cop and nun", "hunt", "killer"), ("cop+nun", "hunt", "killer"), True),
        (("cop", "hunt", "killer"), ("cop+nun", "hunt", "killer"), False),
        (("cop and nun", "hunt", "killer"), ("cop", "hunt", "killer"), False),
        (("cop", "hunts", "killer"), ("cop/nun", "chases/hunts", "killer"), True),
        (("monk", "hunts", "killer"), ("cop/nun", "chases/hunts", "killer"), False),
    ],
)
def test_matches(triple, gold, expected):
    assert evaluation.matches(triple, gold) is expected


TOY = """kind,sentence,gold,also_right
one,First.,a | sees | b; a | hears | c,a | sees | c
one,Second.,a | not sees | b,
two,Third.,,
two,Fourth.,d | is | e,
"""
READ = {
    "First.": [("a", "sees", "b"), ("a", "sees", "c"), ("c", "hears", "a")],
    "Second.": [("a", "sees", "b")],
    "Third.": [("x", "sees", "y")],
    "Fourth.": [],
}


@pytest.fixture
def written(tmp_path):
    def write(content: str):
        path = tmp_path / "annotated.csv"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_precision_and_recall(written):
    compared = evaluation.compare(evaluation.load(written(TOY)), READ.get).set_index("sentence")
    assert compared.loc["First.", "wrong"] == [("c", "hears", "a")]
    assert compared.loc["First.", "missed"] == [("a", "hears", "c")]
    found = evaluation.score(compared.reset_index())
    assert found.index.tolist() == ["one", "two", evaluation.ALL]
    assert found["triples"].tolist() == [4, 1, 5]
    assert found["right"].tolist() == [2, 0, 2]
    assert found["facts"].tolist() == [3, 1, 4]
    assert found["found"].tolist() == [1, 0, 1]
    np.testing.assert_allclose(found["precision"], [0.5, 0, 0.4])
    np.testing.assert_allclose(found["recall"], [1 / 3, 0, 0.25])


def test_where_nothing_is_read_there_is_no_precision(written):
    found = evaluation.score(evaluation.compare(evaluation.load(written(TOY)), lambda _: []))
    assert found["precision"].isna().all()
    assert (found["recall"] == 0).all()


def test_a_triple_without_three_parts_is_told(written):
    with pytest.raises(StudyError, match=r"line 5: 'd \| is' is no triple"):
        evaluation.load(written(TOY.replace("d | is | e", "d | is")))


def test_other_columns_are_told(written, tmp_path):
    with pytest.raises(StudyError, match="has the columns kind, sentence"):
        evaluation.load(written("kind,sentence\none,First.\n"))
    with pytest.raises(StudyError, match="cannot be read"):
        evaluation.load(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("path", "number", "fewest"),
    [(evaluation.CONSTRUCTIONS, 100, 6), (evaluation.SYNOPSES, 40, 40)],
)
def test_the_sentences_and_their_words(path, number, fewest):
    """What is annotated must be sayable: every such word stands in its sentence."""
    sentences = evaluation.load(path)
    assert len(sentences) == sentences["sentence"].nunique() == number
    assert sentences["kind"].value_counts().min() >= fewest
    for row in sentences.itertuples():
        for one in [*row.gold, *row.also_right]:
            said = " ".join(one).replace("/", " ").replace("+", " ").split()
            stray = [word for word in said if word != "not" and word not in row.sentence]
            assert not stray, (row.sentence, stray)


@pytest.fixture(scope="module")
def read():
    parser = triples.load_parser()
    return lambda sentence: triples.read(parser(sentence))


@pytest.mark.parametrize(
    ("path", "facts", "precision", "recall"),
    [
        (evaluation.CONSTRUCTIONS, 138, 131 / 134, 129 / 138),
        (evaluation.SYNOPSES, 60, 49 / 53, 49 / 60),
    ],
)
def test_the_reader_keeps_its_precision_and_recall(read, path, facts, precision, recall):
    """As measured when the rules were last revised, with the pinned parser."""
    found = evaluation.score(evaluation.compare(evaluation.load(path), read)).loc[evaluation.ALL]
    assert found["facts"] == facts
    assert found["precision"] >= precision
    assert found["recall"] >= recall


def test_a_reader_that_is_deaf_to_negation_is_found_out(read):
    def deaf(sentence: str) -> list[triples.Triple]:
        return [(h, r.replace("not ", ""), t) for h, r, t in read(sentence)]

    negated = evaluation.load().query("kind == 'negation'")
    told, untold = (
        evaluation.score(evaluation.compare(negated, reader)).loc[evaluation.ALL, "precision"]
        for reader in (read, deaf)
    )
    assert untold < told - 0.2
