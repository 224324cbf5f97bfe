"""Docstrings in Google's form as reStructuredText, with links to what they name."""

import re
from collections.abc import Callable
from typing import Any

from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

Find = Callable[[str], str | None]

ROLES = ("class", "func", "meth", "data", "attr", "mod", "exc")
_ROLE = re.compile(rf":({'|'.join(ROLES)}):`(~?)([^`]+)`")
_NAMED = re.compile(r"(``.+?``|:[\w:]+:`[^`]+`)|`([^`\n]+)`", re.DOTALL)
_JOINED = re.compile(r"(:py:obj:`[^`]+`)(?=\w)")  # an s of the plural, say
_RAISED = re.compile(r"^:raises ([\w.]+):", re.MULTILINE)
_FORM: Any = Config(napoleon_use_ivar=True)  # stands in for the configuration of a book


def as_rst(doc: str, find: Find, error: Find) -> str:
    """A docstring as the book shows it.

    Args:
        doc: In Google's form, without indentation.
        find: From a name in it to the dotted name under which it is described, if it is.
        error: The same for the names of errors that it says are raised.
    """

    def raised(found: re.Match[str]) -> str:
        name = found.group(1)
        target = error(name)
        return f":raises {f'~{target}' if target else name}:"

    formed = str(GoogleDocstring(linked(doc, find), _FORM, what="function"))
    return _RAISED.sub(raised, formed).strip()


def linked(text: str, find: Find) -> str:
    """Text whose names are links, where they are described, and code where they are not."""

    def role(found: re.Match[str]) -> str:
        kind, short, name = found.groups()
        shown = name.rpartition(".")[2] if short else name
        brackets = "()" if kind in ("func", "meth") else ""
        return link(name, f"{shown}{brackets}", find)

    def named(found: re.Match[str]) -> str:
        as_it_is, name = found.groups()
        return as_it_is or link(name, name, find)

    return _JOINED.sub(r"\1\\ ", _NAMED.sub(named, _ROLE.sub(role, text)))


def link(name: str, shown: str, find: Find) -> str:
    """A link, or plain code if there is no target."""
    target = find(name)
    return f":py:obj:`{shown} <{target}>`" if target else f"``{shown}``"
