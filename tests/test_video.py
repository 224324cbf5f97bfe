"""Video vectors: encoders by name, caching by content, failures told, sources named."""

import errno
import hashlib
import os
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.metrics.pairwise import cosine_similarity
from torch import nn

from mmrec.catalogue.tables import Catalogue
from mmrec.errors import LocalError, StudyError, local_failures
from mmrec.features import cache as file_cache
from mmrec.features import registry
from mmrec.features.media import (
    decoding,
    demo_trailers,
    pictures,
    posters,
    trailers,
    video,
    weights,
)
from mmrec.workspace import Workspace

MOVIES = pd.DataFrame(
    {
        "movie_id": [1, 2, 3],
        "title": ["One", "Two", "Three"],
        "year": [1995, 1996, 1997],
        "genres": [["Drama"], ["Action"], ["Horror"]],
        "poster": [None] * 3,
    }
)
RATINGS = pd.DataFrame({"movie_id": [3, 3, 3, 2, 2, 2, 1], "rating": 4})


def catalogue_of(movies, ratings):
    empty = pd.DataFrame()
    return Catalogue(movies, ratings, users=empty, rejected=empty, sources={})


CATALOGUE = catalogue_of(MOVIES, RATINGS)
BUILD = {"margin": 0.1, "demo_movies": 2, "demo_seconds": 1.0}


def out_of_reach():
    raise StudyError("the weights are not available (no network)", where="there", remedy="Connect.")


def fetch_nothing(resource, cache):
    raise StudyError("no place serves it", where="posters", remedy="Set MMREC_MIRROR.")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """An encoder of five numbers under the name "tiny", run in this process; counts its loads."""
    path = tmp_path / "tiny.pth"
    path.touch()

    def trunk(_):
        torch.manual_seed(0)
        return nn.Conv2d(3, 5, 8, stride=32)

    encoder = pictures.Encoder(
        "tiny",
        "Tiny",
        lambda: path,
        width=5,
        trunk=trunk,
        normalisation={"mean": [0] * 3, "std": [1] * 3},
    )
    monkeypatch.setitem(video.ENCODERS, "tiny", encoder)
    monkeypatch.setattr(
        file_cache.joblib, "Parallel", partial(in_process, file_cache.joblib.Parallel)
    )
    pictures._loaded.cache_clear()
    yield "tiny"
    pictures._loaded.cache_clear()


def in_process(parallel, n_jobs, **options):
    return parallel(n_jobs=1, **options)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return demo_trailers.render(MOVIES, folder, seconds=2.5, n_jobs=1)


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "run", tmp_path / "cache")


def test_a_trailer_is_the_mean_of_its_candidate_frames(tiny, clips, tmp_path):
    table, left_out = video.embed_trailers(clips, encoder=tiny, margin=0.1, cache=tmp_path)
    frames = [frame for _, frame in decoding.candidate_frames(clips[2], margin=0.1)]
    expected = pictures.encode(frames, video.ENCODERS[tiny]).mean(axis=0)
    assert table.modality == "video"
    assert table.vectors.dtype == np.float32
    np.testing.assert_allclose(table.matrix([2])[0][0], expected, rtol=1e-5)
    assert len(frames) == 3
    assert left_out.empty
    assert not np.allclose(*table.matrix([1, 3])[0])


def test_a_damaged_trailer_costs_its_own_movie_only(tiny, clips, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clips[2].read_bytes()[:5000])
    files = {**clips, 2: broken, 9: tmp_path / "gone.mp4"}
    table, left_out = video.embed_trailers(files, encoder=tiny, margin=0.1, cache=tmp_path)
    assert table.movie_ids.tolist() == [1, 3]
    assert left_out["movie_id"].tolist() == [2, 9]
    assert left_out["file"].tolist() == ["broken.mp4", "gone.mp4"]
    assert left_out["reason"].str.contains("read").all()


def test_nothing_readable(tiny, tmp_path):
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(StudyError, match=r"a\.mp4: none of the 1 trailers"):
        video.embed_trailers({1: tmp_path / "a.mp4"}, encoder=tiny, margin=0.1, cache=tmp_path)


def test_the_second_run_computes_nothing(tiny, clips, tmp_path, monkeypatch):
    embed = partial(video.embed_trailers, clips, encoder=tiny, cache=tmp_path)
    first, _ = embed(margin=0.1)
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "candidate_frames", out_of_reach)
        again, _ = embed(margin=0.1)
    assert again.digest == first.digest
    calls = []
    decode = decoding.candidate_frames
    monkeypatch.setattr(
        decoding, "candidate_frames", lambda *a, **k: calls.append(a) or decode(*a, **k)
    )
    embed(margin=0.3)
    assert len(calls) == 3  # another recipe is another vector


def test_a_killed_run_resumes(tiny, clips, tmp_path, monkeypatch):
    decode, calls = decoding.candidate_frames, []

    def killed(path, **options):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return decode(path, **options)

    monkeypatch.setattr(decoding, "candidate_frames", killed)
    with pytest.raises(KeyboardInterrupt):
        video.embed_trailers(clips, encoder=tiny, margin=0.1, cache=tmp_path)
    table, _ = video.embed_trailers(clips, encoder=tiny, margin=0.1, cache=tmp_path)
    assert len(table.movie_ids) == 3
    assert len(calls) == 4


def test_the_cache_goes_by_content_not_by_name(tiny, clips, tmp_path):
    path = tmp_path / "1.mp4"
    path.write_bytes(clips[1].read_bytes())
    embed = partial(video.embed_trailers, {1: path}, encoder=tiny, margin=0.1, cache=tmp_path)
    before, _ = embed()
    path.write_bytes(clips[3].read_bytes())
    assert embed()[0].digest != before.digest


def test_a_poster_is_one_frame(tiny, tmp_path):
    path = tmp_path / "poster.jpg"
    Image.linear_gradient("L").save(path)
    table, _ = video.embed_posters({4: path, 5: path}, encoder=tiny, cache=tmp_path)
    expected = pictures.encode([decoding.still(path)], video.ENCODERS[tiny])
    np.testing.assert_array_equal(table.matrix([4, 5])[0], np.repeat(expected, 2, 0))
    assert table.stand_in == "posters for trailers; Tiny for ResNet-50"


def test_any_number_of_pictures(tiny):
    shown = list(np.random.default_rng(0).integers(0, 256, (11, 300, 20, 3), dtype=np.uint8))
    together = pictures.encode(shown, video.ENCODERS[tiny])
    assert together.shape == (11, 5)
    one_by_one = np.concatenate([pictures.encode([p], video.ENCODERS[tiny]) for p in shown])
    np.testing.assert_allclose(together, one_by_one, atol=2e-2)
    assert pictures.encode([], video.ENCODERS[tiny]).shape == (0, 5)


def test_efficientnet_in_bfloat16_is_close_to_float32(clips):
    shown = [f for path in clips.values() for _, f in decoding.candidate_frames(path, margin=0.1)]
    exact, fast = (
        pictures.encode(shown, video.ENCODERS["efficientnet-lite0"], dtype)
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert exact.shape == (9, 1280)
    assert fast.dtype == np.float32
    trailers = np.concatenate([exact, fast]).reshape(6, 3, 1280).mean(axis=1)
    cosine = cosine_similarity(trailers)
    assert np.diag(cosine, 3).min() > 0.985
    assert cosine[:3, :3][~np.eye(3, dtype=bool)].max() < 0.95  # the bound above is a tight one


def test_resnet50_gives_its_pool_layer(tmp_path):
    torch.manual_seed(0)
    network = pictures.torchvision.models.resnet50().eval()
    path = tmp_path / "resnet50.pth"
    torch.save(network.state_dict(), path)
    batch = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        pooled = network.avgpool(pictures.resnet50(path).eval()(batch)).flatten(1)
        network.fc = nn.Identity()
        torch.testing.assert_close(pooled, network(batch))
    assert pooled.shape == (1, 2048)


def test_the_first_encoder_to_be_had_is_chosen_and_said(monkeypatch, caplog):
    resnet = replace(video.ENCODERS["resnet50"], weights=out_of_reach)
    choose = partial(registry.choose, video.ENCODERS)
    monkeypatch.setitem(video.ENCODERS, "resnet50", resnet)
    assert choose(["efficientnet-lite0", "resnet50"]).name == "efficientnet-lite0"
    assert not caplog.records
    assert choose(["resnet50", "efficientnet-lite0"]).name == "efficientnet-lite0"
    assert len(caplog.records) == 1
    assert "no network" in caplog.text
    with pytest.raises(StudyError, match="no network"):
        choose(["resnet50"])
    with pytest.raises(StudyError, match=r"resnet5.*Known: resnet50, efficientnet-lite0"):
        choose(["efficientnet-lite0", "resnet5"])


DOWNLOAD = weights.Download("http://127.0.0.1:9/net.pth", hashlib.sha256(b"test").hexdigest())


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_weights_out_of_reach_are_told_at_once(hub):
    # nothing listens on the discard port
    with pytest.raises(StudyError, match=r"net\.pth.*not available.*put the file at"):
        DOWNLOAD.path()


def test_weights_of_another_content_are_refused_and_left_alone(hub):
    DOWNLOAD.kept.parent.mkdir(parents=True)
    DOWNLOAD.kept.write_bytes(b"test")
    assert DOWNLOAD.path() == DOWNLOAD.kept
    DOWNLOAD.kept.write_bytes(b"tes")
    with pytest.raises(StudyError, match="wrong content"):
        DOWNLOAD.path()
    assert DOWNLOAD.kept.read_bytes() == b"tes"


def test_weights_are_pinned_by_the_whole_digest(hub):
    assert all(len(one.sha256) == 64 for one in (video._RESNET50, video._EFFICIENTNET_LITE0))
    assert weights.verified(video._EFFICIENTNET_LITE0.file, video._EFFICIENTNET_LITE0.sha256)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_home_that_may_not_be_written_leaves_the_packaged_encoder(
    hub, monkeypatch, caplog, number
):
    def refuse(url, folder, known_hash):
        with local_failures(folder):
            raise OSError(number, os.strerror(number), str(folder))

    monkeypatch.setattr(weights.locations, "download", refuse)
    chosen = registry.choose(video.ENCODERS, ["resnet50", "efficientnet-lite0"])
    assert chosen.name == "efficientnet-lite0"
    assert "may not be written" in caplog.text


def test_a_full_disk_is_no_missing_encoder(hub, monkeypatch):
    def refuse(url, folder, known_hash):
        with local_failures(folder):
            raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr(weights.locations, "download", refuse)
    with pytest.raises(LocalError, match="disk is full"):
        registry.choose(video.ENCODERS, ["resnet50", "efficientnet-lite0"])


def test_most_rated_movies_ties_go_to_the_smaller_id():
    assert CATALOGUE.most_rated(2) == [2, 3]
    assert CATALOGUE.most_rated() == [2, 3, 1]


def test_build_from_demo_trailers(tiny, workspace, monkeypatch, caplog):
    monkeypatch.delenv(trailers.VARIABLE, raising=False)
    monkeypatch.setattr(posters.sources, "fetch", fetch_nothing)
    sources = ["trailers", "posters", "demo"]
    table, left_out = video.build(CATALOGUE, workspace, sources=sources, encoders=[tiny], **BUILD)
    assert table.movie_ids.tolist() == [2, 3]
    assert left_out.empty
    assert table.stand_in == "demo trailers for trailers; Tiny for ResNet-50"
    assert table.provenance["source"] == "demo trailers of 2 movies"
    assert "no place serves it" in caplog.text
    assert "MMREC_TRAILERS is not set" in caplog.text


def test_build_from_posters(tiny, workspace, tmp_path, monkeypatch):
    Image.new("RGB", (20, 30), "teal").save(tmp_path / "tt1.jpg")
    served = SimpleNamespace(place="there", path=tmp_path)
    monkeypatch.setattr(posters.sources, "fetch", lambda resource, cache: served)
    catalogue = catalogue_of(MOVIES.assign(poster=["tt1.jpg", None, "tt3.jpg"]), RATINGS)
    table, left_out = video.build(
        catalogue, workspace, sources=["posters", "demo"], encoders=[tiny], **BUILD
    )
    assert table.movie_ids.tolist() == [1]
    assert left_out["movie_id"].tolist() == [3]
    with pytest.raises(StudyError, match="no poster"):
        video.build(catalogue, workspace, sources=["posters"], encoders=[tiny], n_movies=1, **BUILD)


def test_build_from_the_readers_own_trailers(tiny, clips, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv(trailers.VARIABLE, str(tmp_path))
    (tmp_path / "2.mp4").write_bytes(clips[2].read_bytes())
    (tmp_path / "77.mp4").write_bytes(clips[1].read_bytes())
    table, _ = video.build(
        CATALOGUE, workspace, sources=["trailers", "demo"], encoders=[tiny], **BUILD
    )
    assert table.movie_ids.tolist() == [2]
    assert table.stand_in == "Tiny for ResNet-50"


def test_only_trailers_through_resnet_stand_in_for_nothing(tiny, clips, tmp_path, monkeypatch):
    resnet = replace(video.ENCODERS[tiny], name="resnet50", title=video.THE_PAPERS)
    monkeypatch.setitem(video.ENCODERS, "resnet50", resnet)
    embed = partial(video.embed_trailers, clips, margin=0.1, cache=tmp_path)
    assert embed(encoder="resnet50")[0].stand_in is None
    assert embed(encoder=tiny)[0].stand_in == "Tiny for ResNet-50"


def test_unknown_source(workspace):
    with pytest.raises(StudyError, match=r"video source.*'poster'"):
        video.build(
            CATALOGUE, workspace, sources=["poster"], encoders=["efficientnet-lite0"], **BUILD
        )
