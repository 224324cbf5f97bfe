"""Renders three trailers and two posters for the festival, which has none that could be shared.

They are made by :mod:`mmrec.features.media.demo_trailers`: their colours, cuts and sounds follow
from the genres alone, so that the commands have something to embed.
"""

import shutil
import tempfile
from pathlib import Path

import pandas as pd
from PIL import Image

from mmrec.features.media import decoding, demo_trailers

HERE = Path(__file__).resolve().parent
TRAILERS = {"ferry": "ferry.mp4", "signal": "Signal from Ninth Station (2025).mp4"}
TRAILERS |= {"drums": "drums-under-the-bridge-trailer.mp4"}
POSTERS = {"mask": "mask.png", "train": "The Slow Train West.png"}

films = pd.read_csv(HERE / "movies.csv").set_index("id")
wanted = films.loc[[*TRAILERS, *POSTERS]].reset_index()
wanted["genres"] = wanted["genres"].str.split("|")
wanted["movie_id"] = range(1, len(wanted) + 1)
with tempfile.TemporaryDirectory() as folder:
    clips = demo_trailers.render(wanted, Path(folder), seconds=3.0)
    by_id = dict(zip(wanted["id"], clips.values(), strict=True))
    for kind in ("trailers", "posters"):
        (HERE / kind).mkdir(exist_ok=True)
    for film, name in TRAILERS.items():
        shutil.copyfile(by_id[film], HERE / "trailers" / name)
    for film, name in POSTERS.items():
        _, frame = next(iter(decoding.candidate_frames(by_id[film], margin=0.1)))
        Image.fromarray(frame).save(HERE / "posters" / name)
print(f"{len(TRAILERS)} trailers and {len(POSTERS)} posters in {HERE.name}/")
