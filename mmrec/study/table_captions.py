"""Captions for tables of a chapter whose code gives them none, or none with their sources.

A cell names them in its metadata, ``"caption": "What to see, and what it was computed from."``, as
the cells of figures do. Metadata are not code, so a caption can be written without running the
chapter again.
"""

import re
from html import escape
from typing import Any

KEY = "caption"
"""Key in the metadata of a cell."""

_OPENING = re.compile(r"<table\b[^>]*>")
_END_OF_CAPTION = "</caption>"


def with_captions(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook in whose outputs tables have the caption that their cell names.

    If the code has given a table a caption, the one of the cell is appended.
    """
    return {**notebook, "cells": [_captioned(cell) for cell in notebook["cells"]]}


def _captioned(cell: dict[str, Any]) -> dict[str, Any]:
    caption = cell["metadata"].get(KEY)
    if caption is None or "outputs" not in cell:
        return cell
    outputs = [
        {**output, "data": {**output["data"], "text/html": _in(html, caption)}}
        if (html := "".join(output.get("data", {}).get("text/html", "")))
        else output
        for output in cell["outputs"]
    ]
    return {**cell, "outputs": outputs}


def _in(html: str, caption: str) -> str:
    text = escape(caption, quote=False)
    if _END_OF_CAPTION in html:
        return html.replace(_END_OF_CAPTION, f" {text}{_END_OF_CAPTION}")
    opened = f'<caption style="text-align: left">{text}</caption>'
    return _OPENING.sub(lambda table: f"{table.group()}\n  {opened}", html)
