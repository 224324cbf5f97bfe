"""``mmrec features``: computes the feature tables of a catalogue."""

import argparse
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from mmrec.command_line import Exit, add_command, names, tell
from mmrec.errors import StudyError

if TYPE_CHECKING:
    import pandas as pd

    from mmrec.command_line import Commands
    from mmrec.features.from_list import Embedded
    from mmrec.workspace import Workspace

WORD_VECTORS = ("en_core_web_md", "word2vec-google-news-300", "corpus")
"""What `mmrec.features.graph.word_vectors.choose` knows."""


def add(commands: "Commands") -> None:
    """Adds ``mmrec features``."""
    command = add_command(
        commands,
        "features",
        features,
        summary="the catalogue of mmrec enrich → features",
        description="Embeds the synopses, facts, trailers and posters of a catalogue that mmrec "
        "enrich wrote.\nEach vector is stored as soon as it is computed, so an interrupted command "
        "continues where\nit stopped.",
        examples=[
            "mmrec features build/festival",
            "mmrec features build/festival --video-encoder efficientnet-lite0",
        ],
    )
    command.add_argument(
        "folder", type=Path, help="the folder that mmrec enrich was given as --out"
    )
    command.add_argument("--text-encoder", help="a model of sentence-transformers, or its folder")
    for name in ("video-encoder", "audio-encoder", "word-vectors"):
        command.add_argument(
            f"--{name}", metavar="NAMES", help="in order of preference, separated by commas"
        )


def features(options: argparse.Namespace) -> int:
    """Embeds a catalogue.

    Returns:
        0 if there is a table of everything that there was anything to make it of, else 1.
    """
    from mmrec.catalogue import own, tables
    from mmrec.features import from_list
    from mmrec.features.media import audio, video
    from mmrec.study.supervision import guard_children
    from mmrec.workspace import Workspace

    workspace = Workspace(options.folder.resolve(), Workspace.open("enrich").cache)
    ours = own.load(workspace)
    if ours is None:
        raise StudyError(
            "no catalogue of your own",
            where=workspace.root,
            remedy="Name the folder that mmrec enrich was given as --out.",
        )
    movies = tables.load(workspace).movies
    usual = from_list.Choices()
    choices = from_list.Choices(
        text=options.text_encoder or usual.text,
        video=_chosen(options.video_encoder, "--video-encoder", video.ENCODERS, usual.video),
        audio=_chosen(options.audio_encoder, "--audio-encoder", audio.ENCODERS, usual.audio),
        word_vectors=_chosen(
            options.word_vectors, "--word-vectors", WORD_VECTORS, usual.word_vectors
        ),
    )
    guard_children(workspace.root)
    complete, left_out = True, []
    for one in from_list.embed(movies, ours, choices=choices, cache=workspace.cache):
        complete &= _keep(one, workspace, ours.films)
        left_out.append(one.left_out.assign(table=one.name))
    _list(left_out, workspace)
    return Exit.DONE if complete else Exit.PROBLEM


def _chosen(
    text: str | None, option: str, known: Collection[str], usual: tuple[str, ...]
) -> tuple[str, ...]:
    """The names that an option gives; an unknown one is told before anything is computed."""
    chosen = tuple(names(text, option) or usual)
    for name in chosen:
        if name not in known:
            raise StudyError(
                f"no such name {name!r}", where=option, remedy=f"Known: {', '.join(known)}."
            )
    return chosen


def _keep(one: "Embedded", workspace: "Workspace", films: "pd.DataFrame") -> bool:
    """Writes a table and reports it, or why there is none.

    If nothing is left to make it of, that of an earlier run is removed. If it could not be made,
    as when an encoder is not available, that stays.

    Returns:
        Whether there is a table, or nothing to make one of.
    """
    named = films.set_index("movie_id")
    tell(
        f"{row.file} ({named.at[row.movie_id, 'title']}): {row.reason}. "
        f"Not in {one.name}; get the file again."
        for row in one.left_out.itertuples()
    )
    path = workspace.features / f"{one.name}.parquet"
    if one.table is None:
        assert one.problem is not None
        stays = ""
        if one.problem.where == f"{one.name} features":  # the films' own, not an encoder's
            path.unlink(missing_ok=True)
        elif path.exists():
            stays = f" The table of an earlier run stays: {path}"
        if one.expected:
            print(f"  {one.name:<15}none: {one.problem}{stays}", file=sys.stderr)
        else:
            print(f"  {one.name:<15}none: {one.problem.what}")
        return not one.expected
    one.table.save(path)
    said = one.table.provenance
    print(f"  {one.name:<15}{len(one.table.movie_ids)} × {one.table.width}, {said['encoder']}")
    return True


def _list(left_out: "list[pd.DataFrame]", workspace: "Workspace") -> None:
    import pandas as pd

    from mmrec.workspace import write_csv

    columns = ["movie_id", "table", "file", "reason"]
    write_csv(pd.concat(left_out)[columns], workspace.root / "left_out.csv")
