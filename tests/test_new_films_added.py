"""Films that are not in the model: compared where they can be, and told where they cannot."""

from dataclasses import replace

import numpy as np
import pytest

from mmrec.catalogue.tables import movies_table
from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable
from mmrec.recommending import embedding, new_films, told
from mmrec.recommending.asking import Asked
from tests import served_models

TOY = {"encoder": "toy", "weights": "none"}


def movies(*titles):
    rows = [
        {"movie_id": 70 + number, "title": title, "year": 1999, "genres": ["Drama", "Opera"]}
        for number, title in enumerate(titles)
    ]
    table = movies_table(rows)
    for name in ("directors", "cast"):
        table[name] = [[] for _ in rows]
    return table


def text(ids, provenance, width=4):
    return FeatureTable("text", np.array(ids), np.ones((len(ids), width), np.float32), provenance)


def test_films_come_last_with_ids_of_their_own():
    model = served_models.model()
    added = new_films.added(model, movies("One", "Two"), {"text": text([70], TOY)})
    assert added.places == [40, 41]
    assert [film.title for film in added.model.films[-2:]] == ["One", "Two"]
    assert [film.movie_id for film in added.model.films[-2:]] == [-1, -2]
    assert added.known == {"text: text": 1, "facts: genres": 2, "facts: rating": 0}
    assert added.unknown == {}
    present = added.model.served.blocks["text: text"].present
    assert present[-2:].tolist() == [True, False]


def test_vectors_of_another_encoder_are_told_and_left_out():
    model = served_models.model()
    other = text([70], {"encoder": "another", "weights": "none"})
    added = new_films.added(model, movies("One"), {"text": other})
    assert added.known["text: text"] == 0
    assert added.unknown == {
        "text": "the model's vectors are of toy (none), and these of another (none)"
    }
    nothing = new_films.added(model, movies("One"), {})
    assert nothing.unknown == {"text": new_films.NOTHING}
    np.testing.assert_array_equal(nothing.model.served.shared, added.model.served.shared)


def test_vectors_of_another_width_are_told():
    with pytest.raises(StudyError, match="has 5 columns where the model has 4"):
        new_films.added(served_models.model(), movies("One"), {"text": text([70], TOY, width=5)})


@pytest.fixture
def with_media():
    made = served_models.model()
    media = {"video": {"encoder": "efficientnet-lite0"}, "audio": {"encoder": "log-mel"}}
    return replace(made, about={**made.about, "features": media})


@pytest.mark.parametrize(
    ("kind", "name", "content", "message"),
    [
        ("posters", "poster.jpg", b"", r"poster\.jpg: .*leave it out"),
        ("trailers", "trailer.mp4", b"", r"trailer\.mp4: .*leave it out"),
        ("trailers", "trailer.mp4", b"this is a text\n" * 99, r"trailer\.mp4: .*leave it out"),
        ("posters", "poster.jpg", b"this is a text\n" * 99, r"poster\.jpg: .*leave it out"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_clear_line(
    with_media, tmp_path, kind, name, content, message
):
    path = tmp_path / name
    path.write_bytes(content)
    files = {"trailers": {}, "posters": {}, kind: {70: path}}
    with pytest.raises(StudyError, match=message) as error:
        embedding.embed(with_media, movies("One"), **files, cache=tmp_path / "cache")
    assert "\n" not in str(error.value)


def test_facts_that_the_model_has_not_met_are_not_said_to_be_known():
    """A director of no other film tells nothing, and is neither known nor missing."""
    model = served_models.model()
    named = replace(model, facts={"facts: genres": ("Western", "Sci-Fi", "Noir", "War", "Opera")})
    film = movies("One").assign(genres=[["Musical"]])
    added = new_films.added(named, film, {"text": text([70], TOY)})
    assert added.known == {"text: text": 1, "facts: genres": 0, "facts: rating": 0}
    assert added.unfamiliar == ["facts: genres"]
    assert told.known_of(added) == (
        "known of it: synopsis; genres: not among those the model knows; not known: IMDb rating"
    )
    assert told.known_data(added)["unfamiliar"] == ["facts: genres"]
    known = new_films.added(named, film.assign(genres=[["Opera", "Musical"]]), {})
    assert known.known["facts: genres"] == 1
    assert known.unfamiliar == []


def test_what_the_model_cannot_compare_is_not_embedded(tmp_path):
    made = served_models.model()
    published = {"audio": {"encoder": "vggish-published"}}
    closed = replace(made, about={**made.about, "features": published})
    files = {"trailers": {70: tmp_path / "none.mp4"}, "posters": {}}
    assert embedding.embed(closed, movies("One"), **files, cache=tmp_path) == {}


def test_what_is_made_of_no_file_that_was_given_is_told(tmp_path, monkeypatch):
    made = served_models.model()
    published = {"encoder": "vggish-published", "source": "published vectors"}
    features = {**made.about["features"], "audio": published}
    asked = Asked(replace(made, about={**made.about, "features": features}), tmp_path)
    monkeypatch.setattr(embedding, "embed", lambda *_, **__: {"video": text([1], TOY)})
    trailer, poster = tmp_path / "trailer.mp4", tmp_path / "poster.jpg"
    for path in (trailer, poster):
        path.write_bytes(b"x")
    film = served_models.new_film()
    both = asked.about_film(film, None, top=2, trailer=trailer, poster=poster).notices
    assert [notice.split(":")[0] for notice in both] == ["--poster", "sound"]
    assert "published vectors" in both[1]
    assert not asked.about_film(film, None, top=2, poster=poster).notices


def test_a_file_that_cannot_be_read_is_told_before_anything_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(embedding, "embed", lambda *_, **__: pytest.fail("embedded"))
    asked = Asked(served_models.model(), tmp_path)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(StudyError, match=r"none\.jpg: there is no such file"):
        asked.about_film(served_models.new_film(), None, top=2, poster=tmp_path / "none.jpg")
    with pytest.raises(StudyError, match=r"empty\.mp4: is empty \(0 bytes\)\. Get the file again"):
        asked.about_film(served_models.new_film(), None, top=2, trailer=empty)
    asked.about_film(served_models.new_film(), None, top=2)  # of facts alone nothing is embedded
