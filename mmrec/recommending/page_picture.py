"""The picture that stands for the page "Try it" where no script runs: its example, drawn as SVG."""

from html import escape
from itertools import count

import numpy as np

from mmrec.models.list_gain import LISTED
from mmrec.recommending.lists import Wish
from mmrec.recommending.page import SmallModel
from mmrec.recommending.people import interval

_WIDTH, _ROW, _TOP = 760, 34, 74
_INK, _GREY, _CARD, _EDGE = "#1f2933", "#5c6773", "#fcfcfd", "#d5dae0"
_STAR, _BAR, _POINT = "#b35806", "#9cc3e4", "#0b5c9e"
_LONGEST = 34
_FROM, _TO = 600, 730
"""Where one star and five stars are, from the left."""


def drawn(model: SmallModel) -> str:
    """The example's ratings, and the films that the model recommends for them.

    Returns:
        An SVG file; it stands on a light card of its own.
    """
    rated = dict(model.about["example"])
    person = model.person(rated)
    parts = [_text(24, 44, "Films seen", size=17), _text(300, 44, "Films that might be liked", 17)]
    for y, (place, stars) in zip(count(_TOP, _ROW), rated.items(), strict=False):
        parts += [
            _text(24, y, _name(model, place)),
            _text(24, y + 15, "★" * stars + "☆" * (5 - stars), colour=_STAR),
        ]
    for y, place in zip(count(_TOP, _ROW), recommended(model), strict=False):
        prediction = float(person.predictions[place])
        low, high = interval(prediction, float(person.sds[place]), model.about["reach"][1])
        left, middle, right = (
            _FROM + (_TO - _FROM) * (np.clip(value, 1, 5) - 1) / 4
            for value in (low, prediction, high)
        )
        parts += [
            _text(300, y, _name(model, place)),
            _text(565, y, f"{np.clip(prediction, 1, 5):.1f}"),
            f'<rect x="{left:.0f}" y="{y - 8}" width="{right - left:.0f}" height="6" rx="3" '
            f'fill="{_BAR}"/>',
            f'<circle cx="{middle:.0f}" cy="{y - 5}" r="6" fill="{_POINT}"/>',
        ]
    height = _TOP + _ROW * LISTED + 16
    said = "The expected rating, from 1 star to 5, and the interval that holds it in 8 of 10 cases"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            'font-family="Helvetica, Arial, sans-serif">',
            f'<rect x="1" y="1" width="{_WIDTH - 2}" height="{height - 2}" rx="10" '
            f'fill="{_CARD}" stroke="{_EDGE}"/>',
            *parts,
            _text(300, height - 18, said, size=11, colour=_GREY),
            "</svg>\n",
        ]
    )


def recommended(model: SmallModel) -> list[int]:
    """Places of the films that the page lists for its example, best first."""
    person = model.person(dict(model.about["example"]))
    return model.listed(person, Wish(diversity=model.about["diversity"]))


def _name(model: SmallModel, place: int) -> str:
    film = model.films[place]
    title = film["title"]
    return f"{title if len(title) <= _LONGEST else title[:_LONGEST] + '…'} ({film['year']})"


def _text(x: int, y: int, words: str, size: int = 13, colour: str = _INK) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}">{escape(words)}</text>'
