"""Profiles and notebooks agree on the parameters there are."""

import pytest

import dodo
from mmrec import profiles
from mmrec.errors import StudyError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "paper.yaml").write_text("profile: paper\nepochs: 200\n")
    return tmp_path


def test_every_profile_is_valid():
    assert {"smoke", "quick", "paper", "extended"} <= set(profiles.names())
    for name in profiles.names():
        assert profiles.load(name)["profile"] == name


def test_unknown_profile_lists_those_there_are(folder):
    with pytest.raises(StudyError, match=r"no profile 'papr'.*There are: paper"):
        profiles.load("papr", folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: mine\nepoch: 3\n", r"unknown parameter 'epoch'.*profile, epochs"),
        ("profile: mine\n", r"parameter 'epochs' is missing"),
        ("profile: other\nepochs: 3\n", r"profile is 'other'"),
        ("profile: [mine\n", r"cannot be read"),
        ("3\n", r"holds no parameters"),
    ],
)
def test_a_wrong_profile_is_one_clear_line(folder, text, message):
    (folder / "mine.yaml").write_text(text)
    with pytest.raises(StudyError, match=message) as error:
        profiles.load("mine", folder)
    assert "mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_notebooks_declare_the_profiles_keys_with_the_reference_as_default(notebooks):
    if {notebook.stem for notebook in notebooks} != set(dodo.STAGES):
        pytest.skip("not all notebooks are there")
    reference = profiles.load(profiles.REFERENCE)
    declared = {}
    for notebook in notebooks:
        for name, default in dodo.parameters(notebook).items():
            assert name in reference, f"{notebook.name} declares {name}, which no profile has"
            assert default == reference[name], f"{notebook.name}: {name} is not as in paper.yaml"
            declared[name] = default
    assert set(reference) == set(declared)
