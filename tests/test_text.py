"""Text features: sentences, their mean, and the cache that encodes each sentence once."""

import numpy as np
import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.features import sentence_encoder, sentences, text
from mmrec.features.table import FeatureTable

SUMMARIES = {
    11: "A cop hunts a thief. The thief hides in a barn.",
    4: "A widow opens a bakery.",
    9: "The thief hides in a barn. A cop hunts a thief.",
    2: None,
    3: "  ",
}


def movies(summaries: dict = SUMMARIES) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "movie_id": list(summaries),
            "summary": list(summaries.values()),
            "summary_source": ["imdb" if text else None for text in summaries.values()],
        }
    )


class Letters:
    """An encoder whose vector counts the letters a, b, c; it notes what it was given."""

    def __init__(self):
        self.batches = []

    def tokenizer(self, sentences):
        return {"input_ids": [sentence.split() for sentence in sentences]}

    def encode(self, batch, **_):
        self.batches.append(batch)
        return np.array([[s.lower().count(c) for c in "abc"] for s in batch], np.float32)


@pytest.fixture
def encoder(tmp_path, monkeypatch) -> Letters:
    """The letter counter behind the folder ``tmp_path/"model"``."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_text("letters")
    made = Letters()
    monkeypatch.setattr(sentence_encoder, "load", lambda folder: made)
    monkeypatch.setattr(text.joblib, "cpu_count", lambda: 1)
    return made


def embedded(tmp_path, frame=None) -> FeatureTable:
    frame = movies() if frame is None else frame
    return text.embed(frame, encoder=str(tmp_path / "model"), cache=tmp_path / "cache")


def seen(encoder: Letters) -> list[str]:
    return sorted({sentence for batch in encoder.batches for sentence in batch})


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("One dies. Two live!  Who knows?", ["One dies.", "Two live!", "Who knows?"]),
        ("Dr. Grant meets Mr. Gennaro.", ["Dr. Grant meets Mr. Gennaro."]),
        ("It costs 3.50 dollars. She pays", ["It costs 3.50 dollars.", "She pays"]),
        ("  ", []),
    ],
)
def test_sentences(summary, expected):
    assert sentences.split([summary]) == [expected]


def test_a_vector_is_the_mean_over_the_sentences(tmp_path, encoder):
    table = embedded(tmp_path)
    vectors, present = table.matrix([11, 4, 2, 3])
    # "A cop hunts a thief." has 2 a and 1 c; "The thief hides in a barn." 2 a and 1 b.
    np.testing.assert_allclose(vectors[0], [2, 0.5, 0.5])
    np.testing.assert_allclose(vectors[1], [3, 1, 0])
    assert present[:, 0].tolist() == [True, True, False, False]


def test_order_of_movies_does_not_matter(tmp_path, encoder):
    assert embedded(tmp_path).digest == embedded(tmp_path, movies()[::-1]).digest


def test_an_identical_sentence_is_encoded_once(tmp_path, encoder):
    embedded(tmp_path)
    new = [sentence for batch in encoder.batches for sentence in dict.fromkeys(batch)]
    assert len(new) == len(set(new)) == 3


def test_a_rerun_encodes_only_new_sentences(tmp_path, encoder):
    first = embedded(tmp_path)
    encoder.batches.clear()
    assert embedded(tmp_path).digest == first.digest
    assert seen(encoder) == []
    embedded(tmp_path, movies({**SUMMARIES, 2: "A cop hunts a thief. A storm nears."}))
    assert seen(encoder) == ["A storm nears."]


def test_other_weights_have_a_cache_of_their_own(tmp_path, encoder):
    embedded(tmp_path)
    encoder.batches.clear()
    (tmp_path / "model" / "weights").write_text("others")
    embedded(tmp_path)
    assert len(seen(encoder)) == 3


def test_an_interrupted_run_keeps_what_it_encoded(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(text, "_PART_SENTENCES", 1)
    encode = encoder.encode

    def breaks_at_the_last(batch, **options):
        if "barn" in batch[0]:
            raise KeyboardInterrupt
        return encode(batch, **options)

    monkeypatch.setattr(encoder, "encode", breaks_at_the_last)
    with pytest.raises(KeyboardInterrupt):
        embedded(tmp_path)
    encoder.batches.clear()
    monkeypatch.setattr(encoder, "encode", encode)
    embedded(tmp_path)
    assert seen(encoder) == ["The thief hides in a barn."]


def test_a_batch_holds_sentences_of_one_length(tmp_path, encoder):
    embedded(tmp_path, movies({i: "word " * (1 + i % 4) + f"number {i}." for i in range(40)}))
    assert all(len({len(s.split()) for s in batch}) == 1 for batch in encoder.batches)


def test_provenance_says_whose_summaries_they_are(tmp_path, encoder):
    frame = movies()
    frame.loc[frame["movie_id"] == 4, "summary_source"] = "open"
    provenance = embedded(tmp_path, frame).provenance
    assert provenance["source"] == "IMDb storylines of 2 movies, open synopses of 1 movies"
    assert provenance["stand_in"] == "open synopses for IMDb storylines (1 of 3)"
    assert embedded(tmp_path).provenance["stand_in"] is None


def test_no_summary_at_all_is_told(tmp_path, encoder):
    with pytest.raises(StudyError, match="none of the 2 movies has a summary"):
        embedded(tmp_path, movies({1: None, 2: ""}))


def test_an_encoder_that_is_nowhere_is_told_in_one_line(tmp_path, monkeypatch):
    import huggingface_hub

    def offline(name, **_):
        raise OSError(f"cannot reach the hub for {name}\nmore about it")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(StudyError, match="sentence-transformers/no-such-model") as caught:
        text.embed(movies(), encoder="no-such-model", cache=tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_told(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    with pytest.raises(StudyError, match="not a sentence-transformers model") as caught:
        embedded(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_default_encoder_gives_384_numbers_whatever_is_in_the_batch(tmp_path):
    many = text.embed(movies(), cache=tmp_path / "many")
    alone = text.embed(movies({4: SUMMARIES[4]}), cache=tmp_path / "alone")
    assert many.width == 384
    np.testing.assert_array_equal(many.matrix([4])[0], alone.vectors)
    np.testing.assert_allclose(np.linalg.norm(alone.vectors, axis=1), 1, atol=1e-5)
    same_story, other_story = many.matrix([9, 4])[0] @ many.matrix([11])[0][0]
    assert same_story > other_story


def test_a_pinned_encoder_of_another_content_is_refused(tmp_path, monkeypatch):
    import huggingface_hub

    (tmp_path / "model.safetensors").write_text("other weights")
    asked = []
    monkeypatch.setattr(text.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda name, **o: asked.append(o) or str(tmp_path)
    )
    with pytest.raises(StudyError, match=r"model\.safetensors: .* another content"):
        text.embed(movies(), cache=tmp_path)
    assert asked[0]["revision"] == text.PINNED["all-MiniLM-L6-v2"].revision


@pytest.mark.parametrize("damage", [lambda c: c[:100], lambda c: b"", lambda c: b"x" * len(c)])
def test_a_damaged_cache_is_made_again(tmp_path, encoder, caplog, damage):
    first = embedded(tmp_path)
    (stored,) = (tmp_path / "cache" / "text").glob("*.npz")
    stored.write_bytes(damage(stored.read_bytes()))
    encoder.batches.clear()
    assert embedded(tmp_path).digest == first.digest
    assert len(seen(encoder)) == 3
    assert f"{stored.name} is damaged and is made again" in caplog.text


def test_other_code_has_a_cache_of_its_own(tmp_path, encoder, monkeypatch):
    embedded(tmp_path)
    encoder.batches.clear()
    monkeypatch.setattr(text, "code_digest", lambda *names: "0123")
    embedded(tmp_path)
    assert len(seen(encoder)) == 3
