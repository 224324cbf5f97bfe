"""What the pages must not say again, and what they say of a file that has no table.

Sentences about the results of a run are held to its tables by `mmrec.study.claims`.
"""

import json
import os
import re
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue import movielens
from mmrec.features import published
from mmrec.study.claims.prose import measured, text_of
from mmrec.workspace import PROJECT

FALSE = [
    r"best model (tried|of this chapter)",
    r"nothing does much better than the user's mean",
    r"worth most before the first rating, and less with every",
    r"[Ee]very row is the mean of several seeds",
    r"network does best on short",
    r"Models of the paper's kind do not use it",
    r"gains another one to three hundredths",
]
"""What was once said and is not so, whatever a run gives."""


@cache
def prose(path: Path) -> str:
    """The text of a file, of a notebook its text cells, with single spaces."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(content)["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        content = "\n\n".join(texts)
    return " ".join(content.split())


def test_what_was_false_is_not_said_again():
    pages = [
        PROJECT / "README.md",
        *(PROJECT / "book").glob("*.md"),
        *(PROJECT / "notebooks").glob("*"),
    ]
    said = [
        f"{page.name}: {hit.group()}"
        for page in pages
        if page.suffix in (".md", ".ipynb")
        for pattern in FALSE
        if (hit := re.search(pattern, prose(page)))
    ]
    assert said == []


@pytest.fixture(scope="module")
def mirror() -> Path:
    folder = os.environ.get("MMREC_MIRROR")
    if not folder:
        pytest.skip("needs the mirror (MMREC_MIRROR)")
    return Path(folder)


def test_the_published_audio_file_is_uninformative(mirror):
    """Chapter 4: almost all variance in three components, and no twin finds its twin."""
    vectors, _ = published.read(mirror / "enhanced-ml-100k" / "audio_embeddings.csv")
    scaled = vectors.vectors - vectors.vectors.mean(axis=0, dtype=float)
    scaled /= scaled.std(axis=0)
    variance = np.linalg.svd(scaled, compute_uv=False) ** 2
    page = PROJECT / "notebooks" / "04_audio_embedding.ipynb"
    assert "of the variance of the 128 numbers lies in three components" in prose(page)
    assert measured(text_of(page)) == [f"{100 * variance[:3].sum() / variance.sum():.0f} %"]

    movies = movielens.read(mirror / "ml-100k").movies
    films = pd.Series(movielens.film_ids(movies).to_numpy(), movies["movie_id"])
    films = films[vectors.movie_ids].to_numpy()
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -1)
    twins = np.flatnonzero(pd.Series(films).duplicated(keep=False))
    assert len(twins) == 20
    assert not (films[cosine[twins].argmax(axis=1)] == films[twins]).any()


def test_a_pair_has_a_vector_of_fewer_films_in_the_test_than_in_training(mirror):
    """The page on leakage: how many films the user of the median pair likes in either part."""
    medians = []
    for part in ("u1.base", "u1.test"):
        columns = ["user_id", "movie_id", "rating", "time"]
        pairs = pd.read_csv(mirror / "ml-100k" / part, sep="\t", names=columns)
        likes = pairs[pairs["rating"] >= 4].value_counts("user_id")
        medians.append(f"{likes.reindex(pairs['user_id'], fill_value=0).median():.0f}")
    assert measured(text_of(PROJECT / "book" / "protocols_and_leakage.md")) == medians
