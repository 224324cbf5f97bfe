"""``mmrec recommend``: what is typed, what is answered, and reasons that are right."""

import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from mmrec import cli
from mmrec.command_line import Exit
from mmrec.errors import StudyError
from mmrec.recommending import answers, given, new_films, reasons, storing, told
from mmrec.recommending.asking import Asked
from mmrec.recommending.storing import Film
from mmrec.recommending.titles import Titles
from tests import served_models, tiny

FILMS = (
    Film(1, 1, "The Usual Suspects", 1995, ("Crime",), ("Bryan Singer",), ("Kevin Spacey",)),
    Film(2, 2, "Fargo", 1996, ("Crime", "Drama"), ("Joel Coen",), ("Frances McDormand",)),
    Film(3, 3, "Hamlet", 1990, ("Drama",)),
    Film(4, 4, "Hamlet", 1996, ("Drama",)),
    Film(5, 5, "Les Misérables", 1995, ("Drama",)),
    Film(6, 6, "=cmd|'/c calc'!A1 <script>alert(1)</script>", 1994, ("Comedy",)),
    Film(7, 7, "Star Wars", 1977, ("Action", "War")),
    Film(8, 8, "The Empire Strikes Back", 1980, ("Action", "War")),
)


@pytest.fixture(scope="module")
def model():
    made = served_models.model()
    films = [*FILMS, *made.films[len(FILMS) :]]
    films[1] = replace(films[1], genres=("Crime", "Drama"))
    ids = (replace(film, movie_id=one.movie_id, film_id=one.film_id) for film, one in
           zip(films, made.films, strict=True))  # fmt: skip
    return replace(made, films=tuple(ids))


@pytest.fixture(scope="module")
def titles(model):
    return Titles(model.films, model.served.counts.tolist())


@pytest.fixture
def run(model, tmp_path, monkeypatch, capsys):
    """Runs the command on the model; gives exit code, standard output and standard error."""
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path))
    storing.save(model, tmp_path / "toy" / "model")

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["mmrec", "recommend", "toy", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        code = ended.value.code
        # What Python does with a text: it prints it, and the code is 1.
        return (code, printed.out, printed.err) if isinstance(code, int) else (1, "", code)

    return call


def data(run, *arguments):
    code, out, _ = run(*arguments, "--json")
    assert code == Exit.DONE
    return json.loads(out)


# --- reasons ------------------------------------------------------------------------------------


def test_a_prediction_moves_by_what_its_reasons_said(run):
    """Each film taken from the list in turn: the prediction without it is as foretold."""
    liked, disliked = ["Fargo", "Star Wars"], ["The Usual Suspects"]

    def asked(likes, dislikes):
        options = [word for title in likes for word in ("--like", title)]
        options += [word for title in dislikes for word in ("--dislike", title)]
        (film,) = data(run, *options, "--why", "The Empire Strikes Back")["films"]
        return film

    whole = asked(liked, disliked)
    foretold = {one["title"]: one["difference"] for one in whole["reasons"]["films"]}
    assert set(foretold) == {*liked, *disliked}
    for title, difference in foretold.items():
        left = asked([one for one in liked if one != title], [x for x in disliked if x != title])
        assert whole["prediction"] - left["prediction"] == pytest.approx(difference, abs=1e-9)
        assert abs(difference) > 1e-4


@pytest.mark.parametrize("who", [["--user", 7], ["--like", "Fargo", "--dislike", "Star Wars"]])
def test_contributions_add_up_by_film_and_by_block(run, who):
    (film,) = data(run, *who, "--why", "Les Miserables")["films"]
    told = film["reasons"]
    by_film = sum(one["contribution"] for one in told["films"])
    assert told["expected"] + by_film == pytest.approx(film["prediction"], abs=1e-9)
    by_block = sum(told["blocks"].values())
    assert told["expected"] + by_block == pytest.approx(film["prediction"], abs=1e-9)
    for name, total in told["blocks"].items():
        parts = sum(one["blocks"][name] for one in told["films"])
        assert parts == pytest.approx(total, abs=1e-9)
    for one in told["films"]:
        assert sum(one["blocks"].values()) == pytest.approx(one["contribution"], abs=1e-9)


def test_blocks_account_for_what_a_new_film_is_predicted(model):
    """Of a film without ratings nothing is due to ratings alone: its content is all there is."""
    place = len(model.films) - 1
    assert model.served.counts[place] == 0
    person = answers.visitor(model, {1: 5.0, 6: 1.0})
    (why,) = reasons.reasons(person, model.served, np.array([place]))
    assert why.blocks[reasons.BEYOND] == pytest.approx(0, abs=1e-6)
    assert max(map(abs, why.blocks.values())) > 1e-3


def test_what_a_guess_adds_is_said_to_be_one(model):
    """The synopsis of a new film of known genres is guessed; a single number is not."""
    added = new_films.added(model, served_models.new_film(), {})
    made, (place,) = added.model, added.places
    person = answers.visitor(made, {1: 5.0, 6: 1.0})
    (one,) = answers.explained(made, person, [place])
    why = one.reasons
    assert why.expected + sum(why.blocks.values()) == pytest.approx(why.prediction, abs=1e-9)
    assert abs(why.blocks["text: text"]) > 1e-3
    assert why.blocks["facts: rating"] == 0
    assert told.guessed(made, place) == ["text: text"]
    lines = told.why(made, person, one)
    assert [line.split()[0] for line in lines if line.endswith("guessed from the rest")] == [
        "synopsis"
    ]
    assert not any("IMDb rating" in line for line in lines)
    (there,) = answers.explained(made, person, [3])
    assert not any("guessed" in line for line in told.why(made, person, there))


def test_shared_facts_are_those_that_both_films_have():
    one = Film(1, 1, "A", 1991, ("War", "Drama"), ("X",), ("P", "Q"))
    other = Film(2, 2, "B", 1999, ("Drama",), ("X",), ("Q", "R"))
    expected = {"directors": ["X"], "cast": ["Q"], "genres": ["Drama"], "years": ["1990s"]}
    assert reasons.shared_facts(one, other) == expected
    assert "years" not in reasons.shared_facts(one, replace(other, year=2001))


# --- what is shown ------------------------------------------------------------------------------


def test_a_list_for_people_and_for_programs_is_the_same(run):
    arguments = ["--like", "Fargo", "--top", 5]
    code, out, err = run(*arguments)
    assert (code, err) == (Exit.DONE, "")
    films = data(run, *arguments)["films"]
    assert [film["rank"] for film in films] == [1, 2, 3, 4, 5]
    lines = out.splitlines()
    for film in films:
        (line,) = [line for line in lines if line.startswith(f"{film['rank']:>3} ")]
        assert film["title"] in line
        assert f"{film['prediction']:.1f}" in line
        low, high = film["intervals"]["80"]
        assert f"{low:.1f} – {high:.1f}" in line
        assert film["intervals"]["50"][0] >= low
        assert film["title"] != "Fargo"


def test_a_users_own_films_are_not_recommended(run, model):
    rated = answers.user(model, 7).rated
    found = data(run, "--user", 7, "--top", 40)
    ids = {film["movie_id"] for film in found["films"]}
    assert found["for"] == {"kind": "user", "user": 7}
    assert ids
    assert not ids & {model.films[place].movie_id for place in rated}


def test_stars_that_a_like_counts_as(run):
    def given_as(*more):
        found = data(run, "--like", "Fargo", "--dislike", "Star Wars", *more)
        return [film["rating"] for film in found["for"]["ratings"]]

    assert given_as() == [5.0, 1.0]
    assert given_as("--like-counts", "4.5", "--dislike-counts", 2) == [4.5, 2.0]


def test_an_answer_takes_less_than_a_twentieth_of_a_second(model):
    """On a tenth of the films; the book says what it takes on all of them."""
    answers.recommended(model, answers.visitor(model, {1: 5.0}), given_wish())
    start = time.process_time()
    answers.recommended(model, answers.visitor(model, {1: 5.0, 2: 1.0}), given_wish())
    assert time.process_time() - start < 0.05


def given_wish():
    from mmrec.recommending.lists import Wish

    return Wish(top=10, popularity=0.3)


# --- titles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "The Usual Suspects",
        "usual suspects",
        "Usual Suspects, The (1995)",
        "THE USUAL SUSPECTS (1995)",
        "The  Usual Suspects!",
    ],
)
def test_titles_as_people_write_them(titles, said):
    assert titles.find(said, where="x") == 0


def test_accents_do_not_count_and_years_tell_namesakes_apart(titles):
    assert titles.find("les miserables", where="x") == 4
    assert titles.find("Hamlet (1990)", where="x") == 2
    assert titles.find("Hamlet", year=1996, where="x") == 3


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("Hamlet", r'2 films are called "Hamlet". Write one of: .*"Hamlet \(19'),
        ("Farrgo", r'no film is called "Farrgo". Closest: "Fargo \(1996\)"'),
        ("Suspects", r'Closest: "The Usual Suspects \(1995\)"'),
        ("Fargo (1950)", r'no film is called .*Closest: "Fargo \(1996\)"'),
        ("", "no film is called"),
        ("\x1b[2J\nFargo\x00", r"no film is called \"·\[2J Fargo·\""),
        ("x" * 100_000, "no film is called"),
    ],
)
def test_unknown_and_ambiguous_titles_are_offered_the_closest(titles, said, message):
    with pytest.raises(StudyError, match=message) as error:
        titles.find(said, where="--like")
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 500


@examples(st.text(max_size=40))
def test_any_text_is_a_title_or_is_told(said):
    titles = Titles(FILMS, [1] * len(FILMS))
    try:
        assert titles.find(said, where="--like") in range(len(FILMS))
    except StudyError as error:
        assert "\n" not in str(error)  # noqa: PT017


# --- files --------------------------------------------------------------------------------------


def write(tmp_path, text, name="ratings.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_ratings_is_read_and_what_is_unknown_is_left_out(run, tmp_path):
    path = write(tmp_path, "Name,Year,Rating\nFargo,1996,4.5\nHamlet,1990,2\nDune,2021,5\n")
    found = data(run, "--ratings", path)
    assert [(one["title"], one["rating"]) for one in found["for"]["ratings"]] == [
        ("Fargo", 4.5),
        ("Hamlet", 2.0),
    ]
    assert found["notices"] == ['1 film left out: no film is called "Dune" (2021)']
    assert "Dune" in run("--ratings", path)[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title,rating\nFargo,11\n", 'row 2: rating "11" is outside 1-5'),
        ("title,rating\nFargo,nan\n", 'row 2: rating "nan" is outside 1-5'),
        ("title,rating\nFargo,good\n", 'row 2: rating "good" is outside 1-5'),
        ("title,rating\n,4\n", "row 2: the title is missing"),
        ("title,rating,year\nFargo,4,next\n", 'row 2: "next" is not a year'),
        ("title,score\nFargo,4\n", "no column 'rating'"),
        ("title,rating\nDune,4\n", "of its 1 film none can be told by its title"),
        ("title,rating\n", "no ratings in it"),
        ("", "the file is empty"),
        ('title,rating\n"Fargo,4\n', "not a CSV"),
    ],
)
def test_a_broken_file_is_one_clear_line(run, tmp_path, text, message):
    code, _, err = run("--ratings", write(tmp_path, text))
    assert code == Exit.PROBLEM
    assert message in err
    assert "\n" not in err


def test_a_hundred_thousand_rows_are_read(run, tmp_path):
    rows = [f"{FILMS[number % 2].title},{1 + number % 5}" for number in range(100_000)]
    path = write(tmp_path, "\n".join(["title,rating", *rows]))
    found = data(run, "--ratings", path, "--top", 3)
    assert len(found["for"]["ratings"]) == 2
    assert found["notices"] == ["99,998 ratings are of a film rated before; the last one counts"]
    unknown = write(tmp_path, "\n".join(["title,rating", "Fargo,4", *["Dune,5"] * 100_000]))
    assert data(run, "--ratings", unknown)["notices"][0].startswith("100,000 films left out")
    bad = write(tmp_path, "\n".join(["title,rating", *rows, "Fargo,11"]))
    assert "row 100002" in run("--ratings", bad)[2]


def test_titles_with_formulas_and_markup_are_titles(run):
    code, out, _ = run("--like", FILMS[5].title, "--top", 3)
    assert code == Exit.DONE
    assert "stars" in out


# --- usage --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say for whom"),
        (["--user", 1, "--like", "Fargo"], "not both"),
        (["--title", "New", "--why", "Fargo"], "--why"),
        (["--like", "Fargo", "--top", 0], "--top is 1 or more"),
        (["--like", "Fargo", "--popularity", "nan"], "--popularity is a number of stars"),
        (["--like", "Fargo", "--diversity", "inf"], "--diversity is a number of stars"),
        (["--like", "Fargo", "--diversity", -1], "--diversity is 0 or more"),
        (["--like", "Fargo", "--poster", "a.jpg"], "--poster is of a new film"),
        (["--like", "Fargo", "--trailer", "a.mp4"], "--trailer is of a new film"),
        (["--like", "Fargo", "--why", "Hamlet", "--years", "1990-"], "--years is for lists"),
        (["--title", "New", "--genres", "War"], "--genres is for lists"),
        (["--film", "film.json", "--popularity", 0], "--popularity is for lists"),
    ],
)
def test_wrong_usage_is_code_2(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (Exit.USAGE, "")
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", 4711], "no user 4711"),
        (["--user", "anna"], 'no user "anna"'),
        (["--like", "Fargo", "--dislike", "Fargo"], "both liked and disliked"),
        (["--like", "Fargo", "--genres", "Opera"], "no film is of the genre 'Opera'"),
        (["--like", "Fargo", "--years", "1999-1990"], "are no years"),
        (["--like", "Fargo", "--like-counts", "11"], "outside 1-5"),
        (["--title", "New", "--genre", "Opera"], "no genre that the model knows"),
        (["--title", "New", "--year", "soon"], "is not a year"),
        (["--title", " "], "the title is missing"),
        (["--film", "nowhere.json"], "nowhere.json: no such file"),
        (["--title", "New", "--synopsis", "gone.txt"], 'synopsis "gone.txt": there is no such'),
    ],
)
def test_what_can_be_mended_is_code_1_and_one_line(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (Exit.PROBLEM, "")
    assert message in err
    assert "\n" not in err


def asked_of(folder, monkeypatch, *arguments):
    command = ["mmrec", "recommend", str(folder), "--like", "Fargo", *arguments]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return str(ended.value.code)


def test_a_folder_without_a_model_is_told_both_ways_to_one(model, tmp_path, monkeypatch):
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    folder = tiny.workspace(tmp_path).root
    said = asked_of(folder, monkeypatch)
    assert said.startswith(f"{folder}: has no model of its own")
    assert f"mmrec train {folder}" in said
    assert "make study PROFILE=quick" in said
    assert "--reference" in said
    assert "\n" not in said
    (tmp_path / "build" / "other").mkdir(parents=True)  # a profile that was run, but not trained
    assert "none of other either" in asked_of(folder, monkeypatch, "--reference", "other")
    storing.save(model, tmp_path / "build" / "other" / "model")
    description = tmp_path / "build" / "other" / "model" / storing.DESCRIPTION
    description.write_text(description.read_text("utf-8").replace('"format": ', '"format": 9'))
    said = asked_of(folder, monkeypatch, "--reference", "other")
    assert "of another version" in said


def test_a_folder_that_nothing_was_made_of_is_told_what_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path))
    (tmp_path / "empty").mkdir()
    said = asked_of("empty", monkeypatch)
    assert "holds neither a model nor films" in said
    assert "mmrec enrich empty --out" in said
    (tmp_path / "quick").mkdir()
    assert "there is no model yet. Train it: mmrec train" in asked_of("quick", monkeypatch)


def test_what_a_folders_films_lack_is_told_in_words(model, tmp_path, monkeypatch, capsys):
    """Tables are named as readers call them: no ``text`` and no ``meta-freebase``."""
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path))
    about = {**model.about["features"], "meta-freebase": {"encoder": "walks", "weights": "w"}}
    storing.save(replace(model, about={**model.about, "features": about}), tmp_path / "toy/model")
    folder = tiny.workspace(tmp_path / "own").root
    movies = folder / "catalogue" / "movies.parquet"
    known = pd.read_parquet(movies)
    known.assign(title="Own", imdb_rating=pd.array([None] * len(known), "Float64")).to_parquet(
        movies
    )
    command = ["mmrec", "recommend", str(folder), "--reference", "toy", "--like", "Fargo"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == Exit.DONE
    said = capsys.readouterr().err.splitlines()
    assert "encyclopedia: known of none of these films" in said
    assert any(line.startswith("synopsis: the model's vectors are of toy") for line in said)
    assert not any(line.startswith(("text", "meta")) for line in said)


@pytest.mark.parametrize(
    ("said", "expected"),
    [("1990-1995", (1990, 1995)), ("1990-", (1990, None)), ("1994", (1994, 1994))],
)
def test_spans_of_years(said, expected):
    assert given.years(said) == expected


def test_users_of_ones_own_are_called_by_their_own_ids(model, tmp_path):
    asked = Asked(model, tmp_path, people={1: "anna", 7: "user 7"})
    assert asked.user("anna").number == 1
    found = asked.user("user 7")
    assert found.data == {"kind": "user", "user": "user 7"}
    theirs = Asked(model, tmp_path).user("7").person
    np.testing.assert_array_equal(found.person.rated, theirs.rated)
    with pytest.raises(StudyError, match='--user: there is no user "7"'):
        asked.user("7")  # an id of the reader's is meant, not the number behind one
    film = asked.about_film(served_models.new_film(), None, top=30)
    users = [one["user"] for one in film.data["film"]["users"]]
    assert {"anna", "user 7", 2} <= set(users)
    assert any(line.strip().startswith("anna ") for line in film.lines)


# --- new films ----------------------------------------------------------------------------------


def test_a_new_film_is_rated_for_everybody_and_for_one_person(run):
    film = ["--title", "A <b>New</b> Film", "--year", 1998, "--genre", "Drama", "--genre", "War"]
    found = data(run, *film, "--top", 3)["film"]
    assert (found["title"], found["movie_id"]) == ("A <b>New</b> Film", None)
    assert found["blocks"] == {"text: text": False, "facts: genres": True, "facts: rating": False}
    assert (found["unfamiliar"], found["guessed"]) == ([], ["text: text"])
    assert len(found["users"]) == 3
    assert 0.35 <= found["mean"]["sd"] < found["one"]["sd"]  # no surer than films held out allow
    one = data(run, *film, "--like", "Star Wars")["film"]
    by_film = sum(part["contribution"] for part in one["reasons"]["films"])
    assert one["reasons"]["expected"] + by_film == pytest.approx(one["prediction"], abs=1e-9)
    assert one["reasons"]["films"][0]["shared"] == {"genres": ["War"]}
    assert one["guessed"] == ["text: text"]
    code, out, _ = run(*film, "--like", "Star Wars")
    assert code == Exit.DONE
    assert "expected rating" in out


def test_what_is_known_of_a_new_film_makes_it_surer(run):
    unknown = data(run, "--title", "New")["film"]
    known = data(run, "--title", "New", "--genre", "Drama")["film"]
    assert known["one"]["sd"] != unknown["one"]["sd"]
    assert unknown["blocks"]["facts: genres"] is False
    assert unknown["guessed"] == []  # there is nothing to guess from


def test_a_film_from_a_file_is_the_film_from_options(run, tmp_path):
    options = data(run, "--title", "New", "--year", 1998, "--genre", "Drama")["film"]
    as_json = write(tmp_path, '{"title": "New", "year": 1998, "genres": ["Drama"]}', "film.json")
    as_csv = write(tmp_path, "title,year,genres\nNew,1998,Drama\n", "film.csv")
    assert data(run, "--film", as_json)["film"] == options
    assert data(run, "--film", as_csv)["film"] == options


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("film.json", "[1]", "holds no film"),
        ("film.json", "{", "not JSON"),
        ("film.json", '{"title": "New", "colour": "red"}', '"colour" is nothing'),
        ("film.json", '{"title": "New", "imdb_rating": 11}', 'imdb_rating "11" is not 1 to 10'),
        ("film.json", '{"title": 1984}', "film.json: title is not a text"),
        ("film.json", '{"title": "New", "synopsis": ["a", "b"]}', "synopsis is not a text"),
        ("film.json", '{"title": "New", "synopsis": "gone.txt"}', "there is no such file in /"),
        ("film.json", '{"title": "New", "poster": 5}', "poster is not a text"),
        ("film.json", '{"title": "New", "cast": {"a": 1}}', "cast is not a text or a list of"),
        ("film.json", '{"title": "New", "genres": [1]}', "genres is not a text or a list of"),
        ("film.json", '{"title": "New", "year": true}', "year is not a number"),
        ("film.json", '{"title": "New", "year": 0}', '"0" is not a year'),
        ("film.json", '{"title": "New", "title": "Old"}', "title is given twice"),
        ("film.json", '{"title": "New", "genre": "War", "genres": "War"}', "genres is given twice"),
        ("film.csv", "title,genre,genres\nNew,War,War\n", "genres is given twice"),
        ("film.csv", "title\nOne\nTwo\n", "2 films in it"),
        ("film.csv", "name\nOne\n", "no column 'title'"),
    ],
)
def test_a_broken_film_is_one_clear_line(run, tmp_path, name, text, message):
    code, _, err = run("--film", write(tmp_path, text, name))
    assert code == Exit.PROBLEM
    assert message in err
    assert "\n" not in err


def test_a_synopsis_is_a_text_of_any_length_or_a_file_beside_the_film(tmp_path):
    """A text in one line may be longer than the name of a file can be."""
    (tmp_path / "story.txt").write_text("Told in a file.\n", encoding="utf-8")
    for said, expected in (("x" * 300, "x" * 300), ("story.txt", "Told in a file.")):
        for name, text in (
            ("film.json", json.dumps({"title": "New", "synopsis": said})),
            ("film.csv", f"title,synopsis\nNew,{said}\n"),
        ):
            assert given.read_film(write(tmp_path, text, name))["synopsis"] == expected
    assert given.synopsis("x" * 5000) == "x" * 5000
    assert given.synopsis("story.txt", folder=tmp_path) == "Told in a file."
    with pytest.raises(StudyError, match="there is no such file"):
        given.check_media(tmp_path / ("x" * 300))
