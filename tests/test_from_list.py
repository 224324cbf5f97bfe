"""Features of films of one's own: what could not be embedded is told, and nothing is no success."""

import argparse
from typing import get_args

import media_files
import pandas as pd
import pytest
from PIL import Image

from mmrec.catalogue import own as own_files
from mmrec.catalogue import tables
from mmrec.catalogue.own import Own
from mmrec.commands import features as command
from mmrec.errors import LocalError, StudyError
from mmrec.features import cache as file_cache
from mmrec.features import from_list
from mmrec.features.graph.word_vectors import WordVectors
from mmrec.features.media import demo_trailers
from mmrec.settings import Settings
from mmrec.workspace import Workspace


def movies(**changes) -> pd.DataFrame:
    rows = [
        {"movie_id": number, "title": f"Film {number}", "year": 2000, "genres": ["unknown"]}
        for number in (1, 2, 3)
    ]
    table = tables.movies_table([{**row, "directors": [], "cast": []} for row in rows])
    for name, values in changes.items():
        table[name] = pd.Series(values, dtype=tables.MOVIE_COLUMNS[name])
    return table


def ours(**files) -> Own:
    rows = [(movie_id, kind, str(path)) for kind, of in files.items() for movie_id, path in of]
    frame = movies()
    return Own(
        frame[["movie_id", "title", "year"]].assign(id=["a", "b", "c"]),
        pd.DataFrame({"user_id": [], "id": []}),
        pd.DataFrame(rows, columns=["movie_id", "kind", "path"]),
    )


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Encoders that need no weights of a hundred megabytes, in this process."""
    toy = WordVectors("toy", "none", lambda word: None)
    monkeypatch.setattr(from_list.meta, "choose", lambda *_: toy)
    parallel = file_cache.joblib.Parallel
    monkeypatch.setattr(
        file_cache.joblib, "Parallel", lambda n_jobs, **options: parallel(n_jobs=1, **options)
    )


@pytest.fixture
def trailers(tmp_path):
    """A good one, one without sound, one that is cut short."""
    one = pd.DataFrame({"movie_id": [1], "genres": [["Drama"]]})
    good = demo_trailers.render(one, tmp_path, seconds=2.5, n_jobs=1)[1]
    mute = media_files.write(tmp_path / "2.mp4", media_files.greys([0, 1, 2]))
    damaged = tmp_path / "3.mp4"
    damaged.write_bytes(good.read_bytes()[:5_000])
    return {1: good, 2: mute, 3: damaged}


CHOICES = from_list.Choices(video=("efficientnet-lite0",), audio=("log-mel",))


def embedded(frame, known, tmp_path):
    made = from_list.embed(frame, known, choices=CHOICES, cache=tmp_path / "cache")
    return {one.name: one for one in made}


def test_what_could_not_be_embedded_is_told_file_by_file(trailers, tmp_path):
    found = embedded(movies(), ours(trailer=trailers.items()), tmp_path)
    assert found["video"].table.movie_ids.tolist() == [1, 2]
    assert found["video"].left_out["movie_id"].tolist() == [3]
    assert found["audio"].table.movie_ids.tolist() == [1]
    reasons = found["audio"].left_out.set_index("movie_id")["reason"]
    assert reasons.index.tolist() == [2, 3]
    assert reasons[2] == "there is no audio in it"


def test_a_poster_stands_in_where_no_trailer_serves(trailers, tmp_path):
    poster = tmp_path / "3.png"
    Image.new("RGB", (20, 30), (200, 10, 10)).save(poster)
    known = ours(trailer=trailers.items(), poster=[(1, poster), (3, poster)])
    found = embedded(movies(), known, tmp_path)["video"]
    assert found.table.movie_ids.tolist() == [1, 2, 3]
    assert found.table.provenance["source"] == "trailers of 2 movies, posters of 1 movies"
    assert found.left_out[["movie_id", "file"]].to_numpy().tolist() == [[3, "3.mp4"]]


def test_files_of_which_none_serves_are_all_named(trailers, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    known = ours(trailer=[(3, trailers[3])], poster=[(2, tmp_path / "text.jpg")])
    found = embedded(movies(), known, tmp_path)
    assert found["video"].table is None
    assert found["video"].left_out["file"].tolist() == ["3.mp4", "text.jpg"]
    assert found["video"].left_out["reason"].str.len().min() > 10
    assert "none of the 2 files could be used" in found["video"].problem.what
    assert found["audio"].left_out["file"].tolist() == ["3.mp4"]


def test_nothing_known_is_no_meta_table(tmp_path):
    found = embedded(movies(), ours(), tmp_path)
    assert found["meta"].table is None
    assert "nothing is known of the 3 movies" in found["meta"].problem.what
    assert [name for name, one in found.items() if not one.expected] == [
        "text",
        "imdb",
        "video",
        "audio",
    ]
    assert found["text"].problem.what == "no film has a synopsis"


@pytest.mark.parametrize(
    "known", [{"genres": [["unknown"], ["Drama"], ["unknown"]]}, {"imdb_rating": [None, 7.5, None]}]
)
def test_one_known_fact_is_a_meta_table(tmp_path, known):
    found = embedded(movies(**known), ours(), tmp_path)
    assert len(found["meta"].table.movie_ids)
    assert (found["imdb"].table is None) == ("genres" in known)
    assert "rating" not in found["facts-unrated"].table.parts


def run(workspace, monkeypatch, *arguments):
    monkeypatch.setenv("MMREC_BUILD", str(workspace.root.parent))
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    options = ["features", str(workspace.root), *arguments]
    options += ["--video-encoder", "efficientnet-lite0", "--audio-encoder", "log-mel"]
    return command.features(parser.parse_args(options))


def saved(tmp_path, frame, known) -> Workspace:
    workspace = Workspace(tmp_path / "out", tmp_path / "cache")
    nothing = pd.DataFrame({"movie_id": [1]}).iloc[:0]
    own_files.save(known, workspace)
    tables.save(tables.Catalogue(frame, nothing, nothing, nothing, {}), workspace)
    return workspace


def test_the_command_lists_what_was_left_out(trailers, tmp_path, capsys, monkeypatch):
    frame = movies(genres=[["Drama"], ["Drama"], ["unknown"]])
    workspace = saved(tmp_path, frame, ours(trailer=trailers.items()))
    assert run(workspace, monkeypatch) == 0
    listed = pd.read_csv(workspace.root / "left_out.csv")
    assert listed[["movie_id", "table"]].to_numpy().tolist() == [
        [3, "video"],
        [2, "audio"],
        [3, "audio"],
    ]
    said = capsys.readouterr()
    line = "2.mp4 (Film 2): there is no audio in it. Not in audio; get the file again.\n"
    assert line in said.err
    assert "1 × 128, log-mel" in said.out
    assert "no film has a synopsis" in said.out


def test_a_table_of_files_that_are_gone_does_not_stay(trailers, tmp_path, monkeypatch):
    frame = movies(genres=[["Drama"], ["Drama"], ["unknown"]])
    run(saved(tmp_path, frame, ours(trailer=trailers.items())), monkeypatch)
    workspace = saved(tmp_path, frame, ours(trailer=[(3, trailers[3])]))
    assert (workspace.features / "video.parquet").exists()
    assert run(workspace, monkeypatch) == 1  # there is a trailer, and no vector of it
    assert not (workspace.features / "video.parquet").exists()


def test_a_folder_without_an_own_catalogue_is_told(tmp_path, monkeypatch):
    with pytest.raises(StudyError, match=r"no catalogue of your own\. Name the folder that mmrec"):
        run(Workspace(tmp_path / "none", tmp_path), monkeypatch)


def test_a_full_disk_is_not_a_missing_modality(tmp_path, monkeypatch):
    def full(*_, **__):
        raise LocalError("the disk is full", where="here", remedy="Free some space.")

    monkeypatch.setattr(from_list.text, "embed", full)
    frame = movies(summary=["Told.", None, None])
    with pytest.raises(LocalError):
        embedded(frame, ours(), tmp_path)


def test_an_encoder_that_cannot_be_had_costs_no_table(trailers, tmp_path, monkeypatch, capsys):
    workspace = saved(tmp_path, movies(), ours(trailer=[(1, trailers[1])]))
    run(workspace, monkeypatch)
    path = workspace.features / "video.parquet"
    before = path.read_bytes()

    def gone(*_):
        raise StudyError("none is available", where="video encoder", remedy="Name another.")

    monkeypatch.setattr(from_list.video.registry, "choose", gone)
    assert run(workspace, monkeypatch) == 1
    assert path.read_bytes() == before
    assert f"The table of an earlier run stays: {path}" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--video-encoder", "--audio-encoder", "--word-vectors"])
def test_a_wrong_name_is_told_before_anything_is_computed(tmp_path, monkeypatch, option):
    monkeypatch.setattr(from_list, "embed", lambda *_, **__: pytest.fail("embedded"))
    workspace = saved(tmp_path, movies(), ours())
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    options = parser.parse_args(["features", str(workspace.root), option, "resnet5O"])
    with pytest.raises(StudyError, match=f"{option}: no such name 'resnet5O'. Known: "):
        command.features(options)


def test_word_vectors_are_those_that_a_profile_may_name():
    (names, *_) = get_args(Settings.model_fields["word_vectors"].annotation)
    assert get_args(names) == command.WORD_VECTORS
