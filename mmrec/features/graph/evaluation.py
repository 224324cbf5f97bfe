"""Compares triples read from sentences with sentences annotated by hand.

Two sets are annotated. ``CONSTRUCTIONS``: a hundred plot-like sentences, each written for one
construction. ``SYNOPSES``: forty sentences out of the open synopses, drawn at random. Of both, the
triples were written down before any parse was looked at. But the rules of
`mmrec.features.graph.triples` have been revised once since, after a look at what they missed in the
first set; only the second, whose sentences have not been looked at with their triples, tells what
to expect of sentences to come. **Gold** holds the facts a sentence states: a verb whose
subject stands in the sentence (its own, shared, or the noun that it describes), with its object
or predicate or, where it has neither, with what a preposition adds. ``also_right`` holds triples
that are true to the sentence but not asked for.

**A triple matches** a gold one when all of this holds; letter case does not count:

* *head and tail*: the phrase's head word is the gold one. The head word of a phrase is its last
  word before an "of"; joined nouns have one each, and all of them must be the gold ones.
  Pronouns stand for themselves.
* *verb*: every gold word (the verb, with the particle or preposition that it cannot do without,
  and every verb that it governs) stands in the relation, in order. Triples copy their words from
  the sentence, so the form in the sentence is compared, which is to compare lemmas.
* *polarity*: the relation is negated if and only if the gold one is.

**Precision** is the share of the triples read that match a fact or an also-right triple;
**recall** is the share of the facts that some triple matches.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

import mmrec
from mmrec.errors import StudyError
from mmrec.features.graph.triples import Triple

CONSTRUCTIONS = Path(mmrec.__file__).parent / "open_data" / "annotated_sentences.csv"
SYNOPSES = CONSTRUCTIONS.with_name("annotated_synopses.csv")
ALL = "all sentences"

_COLUMNS = ["kind", "sentence", "gold", "also_right"]
_NEGATIONS = {"not", "n't", "n’t", "never", "no"}


def load(path: Path = CONSTRUCTIONS) -> pd.DataFrame:
    """The annotated sentences.

    An annotated triple is written ``head | verb | tail``, several with semicolons between them;
    ``/`` parts alternatives, ``+`` joins the head words of joined nouns, and a verb that is
    negated begins with ``not``.

    Returns:
        ``kind`` (the construction), ``sentence``, and ``gold`` and ``also_right``, lists of
        triples as written, possibly empty.

    Raises:
        StudyError: If the file cannot be read, has other columns, or a triple without three parts.
    """
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype=str)
    except (OSError, ValueError) as error:
        raise StudyError(
            f"cannot be read ({error})", where=path, remedy="Install the project again."
        ) from error
    if list(table.columns) != _COLUMNS:
        raise StudyError(
            f"has the columns {', '.join(table.columns)}",
            where=path,
            remedy=f"The columns are {', '.join(_COLUMNS)}.",
        )
    annotated = table.assign(**{name: table[name].map(_parse) for name in ("gold", "also_right")})
    for line, row in enumerate(annotated.to_dict("records"), start=2):
        written = [*row["gold"], *row["also_right"]]
        wrong = [one for one in written if len(one) != 3 or not all(one)]
        if wrong:
            raise StudyError(
                f"{' | '.join(wrong[0])!r} is no triple",
                where=f"{path}, line {line}",
                remedy="Write it as head | verb | tail.",
            )
    return annotated


def matches(triple: Triple, gold: Triple) -> bool:
    """Whether a triple read from a sentence is the gold one, by the module's rule."""
    head, relation, tail = triple
    head_gold, verb_gold, tail_gold = gold
    return (
        heads(head) in _alternatives(head_gold)
        and heads(tail) in _alternatives(tail_gold)
        and any(_same_verb(relation, verb) for verb in verb_gold.split("/"))
    )


def heads(phrase: str) -> set[str]:
    """The head words of a triple's phrase: "king of Spain and old queen" → king, queen."""
    joined = phrase.lower().split(" and ")
    return {noun.split(" of ")[0].split()[-1] for noun in joined if noun.strip()}


def compare(annotated: pd.DataFrame, read: Callable[[str], Sequence[Triple]]) -> pd.DataFrame:
    """Applies a reader of triples to each annotated sentence.

    Args:
        annotated: Rows of :func:`load`.
        read: Gives the triples of a sentence.

    Returns:
        ``kind, sentence``; ``right`` and ``wrong``, the triples read that match and those that
        do not; ``missed``, the facts that none matches; ``n_facts``.
    """
    rows = []
    for row in annotated.to_dict("records"):
        found = list(read(row["sentence"]))
        accepted = [*row["gold"], *row["also_right"]]
        right = [triple for triple in found if any(matches(triple, one) for one in accepted)]
        missed = [one for one in row["gold"] if not any(matches(t, one) for t in found)]
        rows.append(
            {
                "kind": row["kind"],
                "sentence": row["sentence"],
                "right": right,
                "wrong": [triple for triple in found if triple not in right],
                "missed": missed,
                "n_facts": len(row["gold"]),
            }
        )
    return pd.DataFrame(rows)


def score(compared: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall by construction.

    Args:
        compared: What :func:`compare` gives.

    Returns:
        One row per kind, in the order of the sentences, and one for ``ALL``: ``sentences``,
        ``triples`` read, ``right`` among them, ``precision``, ``facts``, ``found`` among them and
        ``recall``. Where nothing was read there is no precision (NaN).
    """
    counts = pd.DataFrame(
        {
            "sentences": 1,
            "triples": compared["right"].map(len) + compared["wrong"].map(len),
            "right": compared["right"].map(len),
            "facts": compared["n_facts"],
            "found": compared["n_facts"] - compared["missed"].map(len),
        }
    )
    by_kind = counts.groupby(compared["kind"], sort=False).sum()
    by_kind.loc[ALL] = by_kind.sum()
    by_kind.insert(3, "precision", by_kind["right"] / by_kind["triples"])
    return by_kind.assign(recall=by_kind["found"] / by_kind["facts"])


def _parse(written: str) -> list[tuple[str, ...]]:
    return [
        tuple(part.strip() for part in one.split("|")) for one in written.split(";") if one.strip()
    ]


def _alternatives(gold: str) -> list[set[str]]:
    return [set(one.split("+")) for one in gold.lower().split("/")]


def _same_verb(relation: str, gold: str) -> bool:
    words, wanted = relation.lower().split(), gold.lower().split()
    negated = wanted[0] == "not"
    rest = iter(words)
    in_order = all(word in rest for word in wanted[negated:])
    return in_order and negated == any(word in _NEGATIONS for word in words)
