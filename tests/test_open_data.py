"""The open data keeps its rules; with a mirror: it is original, and about the right films."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from mmrec import open_data
from mmrec.catalogue.providers import open_data as reader
from mmrec.errors import StudyError
from mmrec.open_data import check, freebase, schema
from mmrec.study.claims import prose
from mmrec.workspace import PROJECT, Workspace

GOOD = {
    "movie_id": "7",
    "title": "The Lamp",
    "year": "1994",
    "synopsis": (
        "A lonely keeper named Ada tends the lamp of a tower on a northern island. "
        "A storm throws a silent sailor onto her rocks. "
        "Ada hides the stranger from the village and repairs his broken boat."
    ),
    "directors": "Jane Doe",
    "cast": "Mary Major|John Stiles",
    "country": "Ireland",
    "language": "English",
    "adapted": "false",
    "period": "1950s",
    "place": "northern island",
    "themes": "loneliness|rescue",
}


@pytest.fixture(scope="module")
def ours() -> pd.DataFrame:
    return schema.load()


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Puts one entry, changed as asked, in the place of the data."""

    def write(**changed) -> None:
        path = tmp_path / "movies.csv"
        pd.DataFrame([GOOD | changed]).to_csv(path, index=False)
        monkeypatch.setattr(schema, "PATH", path)

    return write


def test_a_good_entry_loads(write):
    write()
    (entry,) = schema.load().reset_index().to_dict("records")
    assert entry == {
        **{name: GOOD[name] for name in ("title", "country", "language", "period", "place")},
        "movie_id": 7,
        "year": 1994,
        "summary": GOOD["synopsis"],
        "directors": ["Jane Doe"],
        "cast": ["Mary Major", "John Stiles"],
        "adapted": False,
        "themes": ["loneliness", "rescue"],
    }


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"title": ""}, "title ''"),
        ({"country": "Ireland "}, "country 'Ireland '"),
        ({"place": "Cork, Ireland"}, "place 'Cork, Ireland'"),
        ({"year": "94"}, "year 94"),
        ({"year": "soon"}, "year nan"),
        ({"adapted": "no"}, "adapted 'no'"),
        ({"period": "1890s"}, "period '1890s'"),
        ({"themes": "rescue|lamps"}, "theme 'lamps'"),
        ({"themes": ""}, "0 themes"),
        ({"themes": "rescue|rescue"}, "2 themes"),
        ({"directors": ""}, "0 directors"),
        ({"cast": "A B|C D|E F|G H|I J|K L"}, "6 cast"),
        ({"synopsis": ""}, "0 sentences"),
        ({"synopsis": GOOD["synopsis"] + " He leaves the island at dawn."}, "4 sentences"),
        ({"synopsis": GOOD["synopsis"][:-1]}, "2 sentences"),
        ({"synopsis": GOOD["synopsis"].replace(" A storm", "  A storm")}, "3 sentences"),
        ({"synopsis": "A keeper tends a lamp. A storm brings a man. Ada hides him well."}, "words"),
        ({"synopsis": GOOD["synopsis"].replace("broken ", "broken " * 30)}, "words"),
        ({"synopsis": GOOD["synopsis"].replace("A storm throws", "Ada. A storm throws")}, "4 sent"),
        ({"synopsis": GOOD["synopsis"].replace("village and", "village; she")}, "mark ';'"),
        ({"synopsis": GOOD["synopsis"].replace("A storm", "The storm of 1951")}, "year 1951"),
        ({"synopsis": GOOD["synopsis"].replace("silent", "famous")}, "word 'famous'"),
        ({"synopsis": GOOD["synopsis"].replace("A storm", "The story")}, "word 'story'"),
        ({"synopsis": GOOD["synopsis"].replace("Ada hides", "Mary Major hides")}, "'Mary Major'"),
        ({"synopsis": GOOD["synopsis"].replace("Ada hides", "Jané Doe hides")}, "'Jane Doe'"),
    ],
)
def test_a_bad_entry_is_named(write, changed, told):
    write(**changed)
    with pytest.raises(StudyError) as error:
        schema.load()
    assert told in error.value.what
    assert error.value.where == "movies.csv, movie 7"
    assert error.value.remedy.endswith(".")


def test_a_very_short_sentence_is_named(write):
    write(synopsis=GOOD["synopsis"].replace("A storm throws a silent sailor onto her rocks", "Hm"))
    with pytest.raises(StudyError, match="a very short sentence"):
        schema.load()


def test_a_character_may_share_a_first_name(write):
    write(cast="Ada|Mary Major")
    schema.load()


def test_every_entry_keeps_the_rules(ours):
    assert list(schema.problems(reader.read(open_data.PATH))) == []
    assert len(ours) >= 1_000
    assert ours.index.is_unique
    assert ours.index.min() >= 1
    assert ours.index.max() <= 1_682


def test_the_file_is_as_documented():
    raw = open_data.PATH.read_bytes()
    assert b"\r" not in raw
    header, first, *_ = raw.decode("utf-8").split("\n")
    assert header == ",".join(reader.COLUMNS)
    assert first.startswith("1,Toy Story,1995,")
    ids = pd.read_csv(open_data.PATH)["movie_id"].tolist()
    assert ids == sorted(ids)


def test_the_ids_of_one_film_have_one_text(ours):
    """Two ids with the same title, year and director are one film."""
    keys = [ours["title"], ours["year"], ours["directors"].str.join("|")]
    told = ours.groupby(keys)["summary"].nunique()
    assert told.index[told > 1].tolist() == []


def test_vocabularies_are_used(ours):
    assert set(ours["period"]) == set(open_data.PERIODS)
    assert {theme for themes in ours["themes"] for theme in themes} == set(open_data.THEMES)


def test_the_licence_lies_beside_the_data():
    licence = (open_data.PATH.parent / "LICENSE").read_text(encoding="utf-8")
    assert "creativecommons.org/licenses/by/4.0" in licence


def test_synopses_give_three_triples(ours):
    """Every eighth, for time; ``python -m mmrec.open_data.check`` reads them all."""
    assert (check.triple_counts(ours.iloc[::8]) >= 3).mean() >= 0.9


class Told:
    """Stands in for a mirror: one text on the movie of `GOOD`, and who made it."""

    def __init__(self, told: str, directors=(), cast=()):
        fields = {"summary": [told], "directors": [[*directors]], "cast": [[*cast]]}
        self.scrapes = (pd.DataFrame(fields, index=[7]), pd.DataFrame(fields).iloc[:0])


@pytest.mark.parametrize(
    ("told", "runs"),
    [
        ("There the lamp of a tower on a hill", ["lamp of a tower on a", "the lamp of a tower on"]),
        ("The lamp of a tower", []),
        (
            "Of a TOWER, on a (northern) íslánd",
            ["a tower on a northern island", "of a tower on a northern"],
        ),
    ],
)
def test_shared_runs_are_found(write, told, runs):
    write()
    assert list(check.shared_runs(schema.load(), Told(told))) == [(7, run) for run in runs]


def test_people_of_other_sources_are_found_in_a_synopsis(write):
    write(synopsis=GOOD["synopsis"].replace("named Ada", "named Ada Byron"))
    mirror = Told("", directors=["Ada Byron"], cast=["Ada", "Somebody Else"])
    assert list(check.named_people(schema.load(), mirror)) == [(7, "Ada Byron")]


@pytest.mark.parametrize(
    ("movie_id", "title", "adapted"),
    [
        (531, "Shine", False),  # lives of people, without a book behind the film
        (468, "Rudy", False),
        (558, "Heavenly Creatures", False),
        (1278, "Selena", False),
        (192, "Raging Bull", True),  # lives of people, from a book
        (509, "My Left Foot", True),
        (343, "Alien: Resurrection", False),  # sequels to films that were written as films
        (172, "The Empire Strikes Back", False),
        (252, "The Lost World: Jurassic Park", True),  # sequels with a book or a series behind them
        (222, "Star Trek: First Contact", True),
        (486, "Sabrina", True),  # a play, and later the film again
        (274, "Sabrina", True),
    ],
)
def test_true_stories_and_sequels_alone_are_no_adaptations(ours, movie_id, title, adapted):
    assert (ours.at[movie_id, "title"], ours.at[movie_id, "adapted"]) == (title, adapted)


def test_licence_and_card_name_the_data_their_version_and_their_makers():
    licence = " ".join((open_data.PATH.parent / "LICENSE").read_text(encoding="utf-8").split())
    card = (PROJECT / "book" / "open_data.md").read_text(encoding="utf-8")
    code = (PROJECT / "LICENSE").read_text(encoding="utf-8")
    makers = re.search(r"Copyright \(c\) \d+ The (.+)", code)[1]
    for text in (licence, card):
        assert f"version {open_data.VERSION} of {open_data.DATE}" in text
        assert makers in text
        assert "CC-BY-4.0" in text
    url = yaml.safe_load((PROJECT / "book" / "_config.yml").read_text(encoding="utf-8"))
    assert url["repository"]["url"] in licence


def linked(words: list[str]) -> tuple[pd.DataFrame, pd.Series]:
    """Entries 1, 2, … in these languages, of the Freebase ids m.1, m.2, …"""
    ids = range(1, len(words) + 1)
    return pd.DataFrame({"language": words}, index=ids), pd.Series({i: f"m.{i}" for i in ids})


def test_a_language_that_freebase_does_not_know_for_a_film_is_found():
    english, french = "m.02h40lc", "m.064_8sq"
    ours, ids = linked(["English", "English", "French", "Latin", "English"])
    facts = pd.DataFrame(
        [
            ["m.1", "language", english],
            ["m.2", "language", french],
            ["m.3", "language", english],
            ["m.3", "language", french],
            ["m.4", "language", english],
            ["m.5", "country", english],
        ],
        columns=["head", "relation", "tail"],
    )
    agreed = freebase.compared(ours, facts, ids, "language")
    assert agreed.to_dict() == {1: True, 2: False, 3: True}


def test_languages_and_countries_agree_with_freebase(ours):
    try:
        facts, ids = freebase.load(ours, Workspace.open("test").cache)
    except StudyError as absent:
        pytest.skip(str(absent))
    agreed = {field: freebase.compared(ours, facts, ids, field) for field in freebase.IDS}
    assert all(len(of_field) > 1_000 for of_field in agreed.values())
    assert agreed["language"].all()
    assert (~agreed["country"]).sum() <= 1


@pytest.fixture(scope="module")
def mirror() -> check.Mirror:
    folder = os.environ.get("MMREC_MIRROR")
    if not folder:
        pytest.skip("needs the mirror (MMREC_MIRROR)")
    return check.Mirror(Path(folder))


def test_ninety_five_percent_of_the_ratings_are_covered(ours, mirror):
    assert check.share_of_ratings(ours, mirror) >= 0.95
    most_rated = mirror.movielens.ratings["movie_id"].value_counts().index[:1_000]
    assert sorted(set(most_rated) - set(ours.index)) == []


def test_titles_and_years_are_those_of_movielens(ours, mirror):
    theirs = mirror.movielens.movies.set_index("movie_id").loc[ours.index]
    assert ours.index[ours["year"] != theirs["year"]].tolist() == []
    named = (ours["title"] == theirs["title"]) | (ours["title"] == theirs["alternate_title"])
    shortened = ours.index[~named]
    assert shortened.tolist() == [580, 1059]
    for movie in shortened:
        assert theirs.loc[movie, "title"].startswith(ours.loc[movie, "title"])


def test_nothing_is_copied(ours, mirror):
    assert list(check.shared_runs(ours, mirror)) == []
    assert list(check.named_people(ours, mirror)) == []


@pytest.mark.slow
def test_the_card_quotes_what_is_measured(ours, mirror):
    rank = check.ranks(ours, mirror, Workspace.open("check").cache)
    coverage = check.share_of_ratings(ours, mirror)
    shares = [
        *(coverage, coverage),
        *((rank == 1).mean(), (rank <= 10).mean()),
        *(check.people_compared(ours, mirror, field).mean() for field in ("directors", "cast")),
        (check.triple_counts(ours) >= 3).mean(),
    ]
    card = prose.text_of(PROJECT / "book" / "open_data.md")
    assert prose.measured(card) == [f"{100 * share:.1f} %" for share in shares]


def test_directors_and_cast_are_those_of_the_film(ours, mirror):
    directors = check.people_compared(ours, mirror, "directors")
    cast = check.people_compared(ours, mirror, "cast")
    assert len(directors) > 900
    assert directors.mean() >= 0.99
    assert cast.mean() >= 0.99
