"""Video vectors: encoders by name, caching by content, failures told, sources named."""

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

from mmrec.errors import StudyError
from mmrec.features import cache as extraction
from mmrec.features import registry
from mmrec.features.media import decoding as media
from mmrec.features.media import demo_trailers, video, weights
from mmrec.workspace import Workspace

MOVIES = pd.DataFrame(
    {"movie_id": [1, 2, 3], "genres": [["Drama"], ["Action"], ["Horror"]], "poster": [None] * 3}
)
RATINGS = pd.DataFrame({"movie_id": [3, 3, 3, 2, 2, 2, 1], "rating": 4})
CATALOGUE = SimpleNamespace(movies=MOVIES, ratings=RATINGS)
BUILD = {"margin": 0.1, "demo_movies": 2, "demo_seconds": 1.0}


def out_of_reach():
    raise StudyError("the weights cannot be had (no network)", where="there", remedy="Connect.")


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

    encoder = video.Encoder(
        "tiny",
        "Tiny",
        lambda: path,
        width=5,
        trunk=trunk,
        normalisation={"mean": [0] * 3, "std": [1] * 3},
    )
    monkeypatch.setitem(video.ENCODERS, "tiny", encoder)
    monkeypatch.setattr(
        extraction.joblib, "Parallel", partial(in_process, extraction.joblib.Parallel)
    )
    video._loaded.cache_clear()
    yield "tiny"
    video._loaded.cache_clear()


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
    frames = [frame for _, frame in media.candidate_frames(clips[2], margin=0.1)]
    expected = video.encode(frames, video.ENCODERS[tiny]).mean(axis=0)
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
        patch.setattr(video.media, "candidate_frames", out_of_reach)
        again, _ = embed(margin=0.1)
    assert again.digest == first.digest
    calls = []
    decode = media.candidate_frames
    monkeypatch.setattr(
        video.media, "candidate_frames", lambda *a, **k: calls.append(a) or decode(*a, **k)
    )
    embed(margin=0.3)
    assert len(calls) == 3  # another recipe is another vector


def test_a_killed_run_resumes(tiny, clips, tmp_path, monkeypatch):
    decode, calls = media.candidate_frames, []

    def killed(path, **options):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return decode(path, **options)

    monkeypatch.setattr(video.media, "candidate_frames", killed)
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
    expected = video.encode([media.still(path)], video.ENCODERS[tiny])
    np.testing.assert_array_equal(table.matrix([4, 5])[0], np.repeat(expected, 2, 0))
    assert table.stand_in == "posters for trailers; Tiny for ResNet-50"


def test_any_number_of_pictures(tiny):
    pictures = list(np.random.default_rng(0).integers(0, 256, (11, 300, 20, 3), dtype=np.uint8))
    together = video.encode(pictures, video.ENCODERS[tiny])
    assert together.shape == (11, 5)
    one_by_one = np.concatenate([video.encode([p], video.ENCODERS[tiny]) for p in pictures])
    np.testing.assert_allclose(together, one_by_one, atol=2e-2)
    assert video.encode([], video.ENCODERS[tiny]).shape == (0, 5)


def test_efficientnet_in_bfloat16_is_close_to_float32(clips):
    pictures = [f for path in clips.values() for _, f in media.candidate_frames(path, margin=0.1)]
    exact, fast = (
        video.encode(pictures, video.ENCODERS["efficientnet-lite0"], dtype)
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
    network = video.torchvision.models.resnet50().eval()
    path = tmp_path / "resnet50.pth"
    torch.save(network.state_dict(), path)
    pictures = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        pooled = network.avgpool(video._resnet50(path).eval()(pictures)).flatten(1)
        network.fc = nn.Identity()
        torch.testing.assert_close(pooled, network(pictures))
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


def test_weights_out_of_reach_are_told_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    url = "http://127.0.0.1:9/net-0123abcd.pth"  # nothing listens on the discard port
    with pytest.raises(StudyError, match=r"net-0123abcd\.pth.*cannot be had"):
        weights.from_hub(url)


def test_weights_of_another_content_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    path = tmp_path / "checkpoints" / "net-9f86d081.pth"
    path.parent.mkdir()
    path.write_bytes(b"test")  # SHA-256 begins with 9f86d081
    assert weights.from_hub(f"http://127.0.0.1:9/{path.name}") == path
    path.write_bytes(b"tes")
    with pytest.raises(StudyError, match="wrong content"):
        weights.from_hub(f"http://127.0.0.1:9/{path.name}")


def test_most_rated_movies_ties_go_to_the_smaller_id():
    assert extraction.most_rated(CATALOGUE, 2) == [2, 3]
    assert extraction.most_rated(CATALOGUE, None) == [2, 3, 1]


def test_build_from_demo_trailers(tiny, workspace, monkeypatch, caplog):
    monkeypatch.delenv(extraction.TRAILERS_VARIABLE, raising=False)
    monkeypatch.setattr(video.data_sources, "fetch", fetch_nothing)
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
    served = SimpleNamespace(path=tmp_path)
    monkeypatch.setattr(video.data_sources, "fetch", lambda resource, cache: served)
    catalogue = SimpleNamespace(
        movies=MOVIES.assign(poster=["tt1.jpg", None, "tt3.jpg"]), ratings=RATINGS
    )
    table, left_out = video.build(
        catalogue, workspace, sources=["posters", "demo"], encoders=[tiny], **BUILD
    )
    assert table.movie_ids.tolist() == [1]
    assert left_out["movie_id"].tolist() == [3]
    with pytest.raises(StudyError, match="no poster"):
        video.build(catalogue, workspace, sources=["posters"], encoders=[tiny], n_movies=1, **BUILD)


def test_build_from_the_readers_own_trailers(tiny, clips, workspace, tmp_path, monkeypatch):
    monkeypatch.setenv(extraction.TRAILERS_VARIABLE, str(tmp_path))
    (tmp_path / "2.mp4").write_bytes(clips[2].read_bytes())
    (tmp_path / "77.mp4").write_bytes(clips[1].read_bytes())
    table, _ = video.build(
        CATALOGUE, workspace, sources=["trailers", "demo"], encoders=[tiny], **BUILD
    )
    assert table.movie_ids.tolist() == [2]
    assert table.stand_in == "Tiny for ResNet-50"


def test_only_trailers_through_resnet_stand_in_for_nothing(tiny, clips, tmp_path, monkeypatch):
    resnet = replace(video.ENCODERS[tiny], name="resnet50")
    monkeypatch.setitem(video.ENCODERS, "resnet50", resnet)
    embed = partial(video.embed_trailers, clips, margin=0.1, cache=tmp_path)
    assert embed(encoder="resnet50")[0].stand_in is None
    assert embed(encoder=tiny)[0].stand_in == "Tiny for ResNet-50"


def test_unknown_source(workspace):
    with pytest.raises(StudyError, match=r"video source.*'poster'"):
        video.build(
            CATALOGUE, workspace, sources=["poster"], encoders=["efficientnet-lite0"], **BUILD
        )
