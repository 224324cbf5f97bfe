"""The page on recommendations: its commands parse, its fields are there, its answers add up."""

import re
import shlex

import numpy as np
import pytest

from mmrec import cli
from mmrec.recommending import answers, told
from mmrec.recommending.asking import Asked
from mmrec.recommending.lists import DIVERSITY
from mmrec.workspace import PROJECT
from tests import served_models

PAGE = (PROJECT / "book" / "recommend.md").read_text(encoding="utf-8")
LIST, WHY = (
    (PROJECT / "book" / "answers" / f"recommend_{name}.txt").read_text(encoding="utf-8")
    for name in ("list", "why")
)


def commands(text: str) -> list[list[str]]:
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line) for line in lines]
    return [line[1:] for line in words if line[0].endswith("mmrec")]


@pytest.mark.parametrize("name", ["book/recommend.md", "README.md"])
def test_its_commands_are_commands(name):
    found = commands((PROJECT / name).read_text(encoding="utf-8"))
    asked = [arguments for arguments in found if arguments[0] == "recommend"]
    assert len(asked) >= 2
    for arguments in asked:
        assert cli.parser().parse_args(arguments).run.__name__ == "recommend"


def test_it_names_the_fields_of_the_data(tmp_path):
    asked = Asked(served_models.model(), tmp_path)
    somebody = asked.visitor(likes=["Film 2"], dislikes=["Film 5"])
    one = asked.for_person(somebody, asked.wish(top=2)).data
    whole = asked.why(somebody, "Film 8").data
    new = served_models.new_film()
    everybody = asked.about_film(new, None, top=2).data
    person = asked.about_film(new, somebody, top=2).data

    def fields(value) -> set[str]:
        if isinstance(value, dict):
            inner = (fields(part) for key, part in value.items() if key not in ("blocks", "shared"))
            return {key for key in value if not key.isdigit()}.union(*inner)
        return set().union(*map(fields, value)) if isinstance(value, list) else set()

    named = {name for data in (one, whole, everybody, person) for name in fields(data)}
    named -= {"text", "facts"}  # tables of the model
    said = set(re.findall(r"`([a-z_]+)`", PAGE)) | {"rating", "film"}
    assert named <= said, named - said
    assert one["schema"] == told.SCHEMA
    assert f'"schema": {told.SCHEMA}' in PAGE


def test_its_defaults_are_those_of_the_code():
    options = cli.parser().parse_args(["recommend", "--like", "x"])
    assert (options.like_counts, options.dislike_counts) == ("5", "1")
    assert "A like counts as five stars, a dislike as one" in PAGE
    assert f"The default is\n  {DIVERSITY:g}." in PAGE


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"[-+]?\d+\.\d\d", text)]


def test_the_answer_it_shows_adds_up():
    """To half a digit for each number that was rounded."""
    title, *_ = WHY.splitlines()
    (prediction,) = numbers(title.split(": ")[1])
    made, blocks, without = re.split(r"\n(?:By block|Without it)[^\n]*\n", WHY)
    rows = [line for line in made.splitlines()[1:] if line.strip()]
    parts = [numbers(line)[0] for line in rows]
    assert len(parts) == 4
    assert sum(parts) == pytest.approx(prediction, abs=0.005 * (len(parts) + 1))
    by_block = numbers(blocks)
    assert parts[0] + sum(by_block) == pytest.approx(prediction, abs=0.005 * (len(by_block) + 2))
    for line in without.strip().splitlines():
        (left,) = numbers(line)
        assert left == pytest.approx(prediction, abs=0.5)


def test_the_list_it_shows_is_one():
    found = re.findall(r"^ *(\d+) +(\d\.\d) +(\d\.\d) – (\d\.\d)  (.*)$", LIST, re.MULTILINE)
    assert [int(rank) for rank, *_ in found] == list(range(1, 11))
    for _, rating, low, high, _ in found:
        assert float(low) < float(rating) < float(high)
    assert not {"Fargo", "Pulp Fiction", "Toy Story"} & {name for *_, name in found}


def test_a_new_films_lines_say_what_is_known(tmp_path):
    asked = Asked(served_models.model(), tmp_path)
    lines = asked.about_film(served_models.new_film(), None, top=3).lines
    known = "known of it: genres; guessed from the rest: synopsis; not known: IMDb rating"
    assert any(known in line for line in lines)
    assert len(lines) == 5 + 3


def test_a_list_that_nothing_fits_says_so(tmp_path):
    asked = Asked(served_models.model(), tmp_path, among=np.zeros(0, np.intp))
    somebody = asked.visitor(likes=["Film 2"])
    assert asked.for_person(somebody, asked.wish(top=3)).lines == ["No film fits."]
    assert answers.recommended(asked.model, somebody.person, asked.wish(top=3)) != []
