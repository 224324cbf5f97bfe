"""Metadata of the open data in the Croissant format, for programs that look for data sets.

``python -m mmrec.open_data.croissant`` writes ``croissant.json`` anew from the files beside it.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from mmrec.open_data import DATE, PATH, VERSION

TARGET = PATH.with_name("croissant.json")
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
MAKER = "The mmrec contributors"
TITLE = "Open synopses and facts for MovieLens-100K"

_ANNOTATIONS = {
    "kind": ("Text", "what the sentence is an example of"),
    "sentence": ("Text", "the sentence"),
    "gold": ("Text", "its subject | verb | object triples, joined by `;`"),
    "also_right": ("Text", "triples that may be found as well"),
}
FILES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "movies.csv": (
        "a synopsis and facts for the most-rated movies, one row per movie",
        {
            "movie_id": ("Integer", "id in MovieLens-100K"),
            "title": ("Text", "in natural order, without the year"),
            "year": ("Integer", "as MovieLens gives it"),
            "synopsis": ("Text", "the plot in three sentences"),
            "directors": ("Texts", "names"),
            "cast": ("Texts", "up to five principal actors"),
            "country": ("Text", "the main producing country"),
            "language": ("Text", "the language mainly spoken"),
            "adapted": ("Boolean", "whether the film was made from an earlier work"),
            "period": ("Text", "when the plot is set, one of 19 values"),
            "place": ("Text", "where the plot is set"),
            "themes": ("Texts", "one to five of 89 keywords"),
        },
    ),
    "annotated_sentences.csv": ("sentences with the triples that they say", _ANNOTATIONS),
    "annotated_synopses.csv": ("sentences of synopses with their triples", _ANNOTATIONS),
}
"""File → what it is, and column → type and meaning. ``Texts`` are joined by ``|`` in the file."""

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def metadata() -> dict[str, Any]:
    """The metadata of the files as they are now."""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "mmrec-open-data",
        "alternateName": TITLE,
        "description": (
            "Short synopses and facts for the most-rated movies of MovieLens-100K, written for the "
            "project mmrec, and annotated sentences. No text, rating or user of another source is "
            "in it; the movie ids are those of MovieLens-100K, which has terms of its own."
        ),
        "license": LICENCE,
        "creator": {"@type": "sc:Organization", "name": MAKER},
        "citeAs": f"{TITLE}, version {VERSION}, by {MAKER[0].lower()}{MAKER[1:]}, CC-BY-4.0",
        "datePublished": DATE,
        "version": f"{VERSION}.0",
        "inLanguage": "en",
        "keywords": ["movies", "recommendation", "MovieLens", "synopses"],
        "distribution": [_file(name, what) for name, (what, _) in FILES.items()],
        "recordSet": [_records(name, what, columns) for name, (what, columns) in FILES.items()],
    }


def text() -> str:
    """The metadata as the file has it."""
    return json.dumps(metadata(), indent=2, ensure_ascii=False) + "\n"


def _file(name: str, what: str) -> dict[str, Any]:
    content = PATH.with_name(name).read_bytes()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "description": what,
        "contentUrl": name,
        "contentSize": f"{len(content)} B",
        "encodingFormat": "text/csv",
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _records(name: str, what: str, columns: dict[str, tuple[str, str]]) -> dict[str, Any]:
    stem = Path(name).stem
    made: dict[str, Any] = {"@type": "cr:RecordSet", "@id": stem, "name": stem, "description": what}
    if "movie_id" in columns:
        made["key"] = {"@id": f"{stem}/movie_id"}
    made["field"] = []
    for column, (kind, meaning) in columns.items():
        source: dict[str, Any] = {"fileObject": {"@id": name}, "extract": {"column": column}}
        described: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{stem}/{column}",
            "name": f"{stem}/{column}",
            "description": meaning,
            "dataType": f"sc:{kind.removesuffix('s')}",
        }
        if kind == "Texts":
            described["repeated"] = True
            source["transform"] = {"separator": "|"}
        made["field"].append({**described, "source": source})
    return made


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
