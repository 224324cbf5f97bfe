"""``mmrec doctor`` says what would be used here, and no secret."""

import importlib.metadata
from argparse import Namespace

import pytest
import torch

from mmrec import cli, doctor
from mmrec.catalogue import sources
from mmrec.catalogue.sources import Served
from mmrec.commands.doctor import diagnose
from mmrec.enrichment import web
from mmrec.enrichment.providers import youtube
from mmrec.features.media import trailers, weights


def serve(missing=()):
    def fetch(resource, cache):
        gone = resource.name in missing
        kind, place = ("missing", "nowhere") if gone else ("mirror", f"mirror ({resource.name})")
        return Served(resource.name, None, place, kind, None, resource.licence)

    return fetch


@pytest.fixture
def offline(tmp_path, monkeypatch):
    def refuse(url):
        raise weights.locations.Absent("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(weights.locations, "check_reachable", refuse)
    monkeypatch.setattr(sources, "fetch_if_there", serve())
    for name in (*doctor.FOLDERS, *doctor.KEYS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    return tmp_path


def report():
    sections, _ = doctor.report()
    return {heading: dict(rows) for heading, rows in sections.items()}


def test_versions_are_shown(offline):
    found = report()
    assert found["Packages"]["numpy"] == importlib.metadata.version("numpy")
    assert found["Machine"]["mmrec"] == doctor.mmrec.__version__


def test_encoders_that_stand_in_are_named(offline):
    found = report()["Encoders"]
    assert found["video"] == "by efficientnet-lite0, in place of resnet50"
    assert found["audio"] == "by log-mel, in place of vggish"
    assert found["resnet50"].startswith("not here, and not to be downloaded (no network)")
    assert found["efficientnet-lite0"].startswith("verified")
    assert found["all-MiniLM-L6-v2"].startswith("verified")


def test_weights_that_can_be_had_are_not_downloaded(offline, monkeypatch):
    monkeypatch.setattr(weights.locations, "check_reachable", lambda url: None)
    monkeypatch.setattr(weights.locations, "download", lambda *_: pytest.fail("downloaded"))
    found = report()["Encoders"]
    assert found["video"] == "by resnet50"
    assert "downloaded when first used" in found["vggish"]


def test_weights_with_another_content_are_told(offline):
    path = offline / "hub" / "checkpoints" / "resnet50-0676ba61.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other")
    found = report()["Encoders"]
    assert "wrong content" in found["resnet50"]
    assert found["video"] == "by efficientnet-lite0, in place of resnet50"


def test_keys_are_told_of_but_never_shown(offline, monkeypatch, capsys):
    assert set(doctor.KEYS) == {youtube.KEY, web.CONTACT}
    monkeypatch.setenv(youtube.KEY, "a-secret")
    assert diagnose(Namespace()) == 0
    said = capsys.readouterr().out
    assert "a-secret" not in said
    assert report()["Keys and helpers of mmrec enrich"][youtube.KEY] == "set"


def test_a_folder_that_is_not_there_is_told(offline, monkeypatch):
    assert trailers.VARIABLE in doctor.FOLDERS
    monkeypatch.setenv(trailers.VARIABLE, str(offline / "gone"))
    found = report()["Folders"]
    assert found[trailers.VARIABLE].endswith("gone: THERE IS NO SUCH FOLDER")
    assert found["MMREC_BUILD"] == str(offline / "build")
    assert found["MMREC_MIRROR"].startswith("not set")


def test_the_runtime_that_trailers_need_is_told(offline, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert report()["Keys and helpers of mmrec enrich"]["JavaScript"].startswith("no runtime")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: name == "deno")
    assert report()["Keys and helpers of mmrec enrich"]["JavaScript"] == "deno"


def test_without_ratings_the_study_cannot_run(offline, monkeypatch, capsys):
    monkeypatch.setattr(sources, "fetch_if_there", serve(missing=["ml-100k"]))
    assert diagnose(Namespace()) == 1
    assert sources.ML_100K.remedy in capsys.readouterr().out


def test_columns_are_aligned():
    said = doctor.shown({"One": [("a", "x"), ("a longer name", "y\nz")], "Two": [("b", "w")]})
    assert said.splitlines() == [
        "One",
        "  a              x",
        "  a longer name  y",
        "                 z",
        "",
        "Two",
        "  b              w",
    ]


def test_the_version_is_an_option(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["mmrec", "--version"])
    with pytest.raises(SystemExit, match="0"):
        cli.main()
    assert capsys.readouterr().out == f"mmrec {doctor.mmrec.__version__}\n"
