"""Text of any origin, made fit for one line of a terminal."""


def plain(text: str) -> str:
    r"""A text in one line, with a mark in the place of what is no letter to a terminal.

    >>> plain("a title\nwith \x1b[31mcolour")
    'a title with ·[31mcolour'
    """
    words = " ".join(text.split())
    return "".join(mark if mark.isprintable() else "·" for mark in words)
