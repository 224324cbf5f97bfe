"""Pages of the book that are generated: how to cite it, run it elsewhere, download it."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from mmrec.errors import StudyError

Entry = Mapping[str, Any]


def citation(source: Path) -> str:
    """The page "How to cite", from ``CITATION.cff``.

    Raises:
        StudyError: If the file is not YAML or lacks a field that a citation needs.
    """
    try:
        entry = yaml.safe_load(source.read_text(encoding="utf-8"))
        return _citation(entry)
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise StudyError(
            f"not a complete citation: {error}",
            where=source.name,
            remedy="Restore it from version control, or add what is missing.",
        ) from None


def in_a_browser(address: str) -> str:
    """The page "Run it in a browser".

    Args:
        address: Of the repository, on which the buttons of the chapters depend as well; may be
            empty.
    """
    place = address or "ADDRESS"
    buttons = (
        "The rocket at the top of each chapter leads to both."
        if address
        else "`ADDRESS` stands for the address of this project's repository, which the copy that "
        "this book was built from does not name. With an address there, a rocket at the top of "
        "each chapter leads to both."
    )
    return f"""\
# Run it in a browser

Binder and Colab lend a machine with Jupyter, so that a chapter can be run without installing
anything. {buttons}

:::{{admonition}} Not tried
:class: warning
No chapter has been run on either of them yet. The project's tests only check that the files which
they read name what it needs, and run all chapters on the profile `smoke` on other machines.
:::

A chapter reads what earlier chapters wrote, so the first step is a small run of them all. The
profile `smoke` takes a slice of the ratings and rendered trailers, and about five minutes on two
cores. Then open any chapter, set `profile` in its second code cell to `"smoke"`, and run it from
the top.

## Binder

Binder finds `environment.yml` and installs it, which takes long the first time. In a terminal of
the page that opens (*File*, *New*, *Terminal*):

```bash
make study VENV= PROFILE=smoke
```

Binder promises one to two gigabytes of memory, which may be too few for the chapters on pictures
and sound.

## Colab

Colab opens a chapter without the rest of the project. In a new first cell:

```
!git clone --depth 1 {place} study && pip install -q -c study/constraints.txt -e ./study
%cd study
```

Restart the session if Colab asks for it, type the second line again, and then:

```
!make study VENV= PROFILE=smoke
```
"""


def downloads(results: Path, notebooks: Iterable[str]) -> str:
    """The page of what can be downloaded.

    Args:
        results: Folder of the CSV tables, which the page links as ``results/``.
        notebooks: The executed notebooks, without ``.ipynb``.
    """
    lines = [
        "# Downloads",
        "",
        "The results of this book as tables, and the notebooks with the outputs that it shows.",
        "",
        "## Notebooks",
        "",
        "| notebook | file |",
        "|---|---|",
        *(
            f"| {{doc}}`notebooks/{name}` | {_link(f'notebooks/{name}.ipynb')} |"
            for name in notebooks
        ),
        "",
        "## Tables of results",
        "",
        "One file for each table, comma-separated, in UTF-8.",
        "",
        "| file | rows | columns |",
        "|---|---:|---|",
    ]
    for path in sorted(results.glob("*.csv")):
        rows, columns = _shape(path)
        names = ", ".join(f"`{column}`" for column in columns)
        lines.append(f"| {_link(f'results/{path.name}')} | {rows:,} | {names} |")
    return "\n".join(lines) + "\n"


def _link(file: str) -> str:
    return f"{{download}}`{Path(file).name} <{file}>`"


def _shape(path: Path) -> tuple[int, list[str]]:
    """The number of rows below the header of a table, and the names of its columns."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        columns = next(reader, [])
        return sum(1 for _ in reader), columns


def _citation(entry: Entry) -> str:
    year = str(entry["date-released"])[:4]
    lines = [
        "# How to cite",
        "",
        entry["message"],
        "",
        "## The study",
        "",
        f"{_names(entry['authors'])} ({year}). *{entry['title']}*. Version {entry['version']}.",
        "",
        *_bibtex("software", f"mmrec{year}", {**entry, "year": year}),
        "## What it rests on",
        "",
    ]
    for one in entry["references"]:
        place = one.get("collection-title") or one["journal"]
        lines += [
            f"{_names(one['authors'])} ({one['year']}). *{one['title']}*. {place}.",
            f"[doi:{one['doi']}](https://doi.org/{one['doi']}). {one['notes']}",
            "",
        ]
        kind = "inproceedings" if "collection-title" in one else "article"
        first = one["authors"][0]["family-names"].lower()
        lines += _bibtex(kind, f"{first}{one['year']}", one)
    return "\n".join(lines)


def _names(authors: list[Entry]) -> str:
    return ", ".join(
        author.get("name") or f"{author['given-names']} {author['family-names']}"
        for author in authors
    )


def _bibtex(kind: str, key: str, entry: Entry) -> list[str]:
    """A BibTeX entry as a block of text, with a blank line after it."""
    authors = " and ".join(
        f"{{{author['name']}}}"  # a name that BibTeX shall not take apart
        if "name" in author
        else f"{author['family-names']}, {author['given-names']}"
        for author in entry["authors"]
    )
    fields = {
        "author": authors,
        "title": f"{{{entry['title']}}}",
        "booktitle": entry.get("collection-title"),
        "journal": entry.get("journal"),
        "year": entry["year"],
        "version": entry.get("version"),
        "doi": entry.get("doi"),
        "url": entry.get("repository-code"),
    }
    told = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return ["```bibtex", f"@{kind}{{{key},", *told, "}", "```", ""]
