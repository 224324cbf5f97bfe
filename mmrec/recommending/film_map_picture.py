"""The picture that stands for the map of the films where no script runs: one space, as SVG."""

from collections.abc import Iterator
from html import escape

from mmrec.recommending.film_map import GROUPS, FilmMap, Space, looks

_WIDTH, _MARGIN = 620, 26
_INK, _CARD, _EDGE = "#1f2933", "#fcfcfd", "#d5dae0"
_SIZE, _LETTER = 3.4, 17
_NAMES = 14
_WIDE = 0.56
"""Width of a letter on average, as a share of its size."""
_COLUMNS, _LINE, _LEGEND = 3, 24, 630
"""Of the names of the groups; the last is where they begin, from the top."""


def drawn(made: FilmMap) -> str:
    """The films in the first space, with the example, its nearest films and some names.

    Returns:
        An SVG file; it stands on a light card of its own.
    """
    space = next(iter(made.spaces.values()))
    styles = dict(zip(GROUPS, looks(), strict=True))
    marks = [
        f'<path id="m{n}" d="{look["mark"]}" stroke="{_INK}" stroke-width=".2"/>'
        for n, look in enumerate(styles.values())
    ]
    numbers = {name: n for n, name in enumerate(styles)}
    rows = {int(film): row for row, film in enumerate(space.films)}
    parts = []
    for name, look in styles.items():
        dots = "".join(
            _mark(numbers[name], *_place(space, row))
            for film, row in rows.items()
            if made.groups[film] == name
        )
        parts.append(f'<g fill="{look["colour"]}">{dots}</g>')
    if made.example in rows:
        parts += _lines(space, rows, made.example)
    parts += _names(made, space, rows)
    for number, (name, look) in enumerate(styles.items()):
        x = _MARGIN + number % _COLUMNS * (_WIDTH - 2 * _MARGIN) // _COLUMNS
        y = _LEGEND + _LINE * (number // _COLUMNS)
        parts.append(f'<g fill="{look["colour"]}">{_mark(number, x, y - 5, 1.4)}</g>')
        parts.append(f'<text x="{x + 12}" y="{y}">{escape(name)}</text>')
    height = _LEGEND + _LINE * -(-len(styles) // _COLUMNS)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'font-family="Helvetica, Arial, sans-serif" font-size="{_LETTER}" fill="{_INK}">',
            f"<defs>{''.join(marks)}</defs>",
            f'<rect x="1" y="1" width="{_WIDTH - 2}" height="{height - 2}" rx="10" '
            f'fill="{_CARD}" stroke="{_EDGE}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _place(space: Space, row: int) -> tuple[float, float]:
    """Where a film is, in pixels from the left and from the top."""
    x, y = space.points[row]
    half = _WIDTH / 2 - _MARGIN
    return round(_WIDTH / 2 + half * x, 1), round(_WIDTH / 2 - half * y, 1)


def _mark(number: int, x: float, y: float, larger: float = 1) -> str:
    size = _SIZE * larger
    return f'<use href="#m{number}" transform="translate({x:g} {y:g})scale({size:g})"/>'


def _lines(space: Space, rows: dict[int, int], film: int) -> Iterator[str]:
    """Lines from a film to its nearest ones."""
    x, y = _place(space, rows[film])
    for other in space.nearest[rows[film]].tolist():
        to_x, to_y = _place(space, rows[other])
        yield f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" stroke="{_INK}" stroke-width="1.5"/>'
    yield f'<circle cx="{x:g}" cy="{y:g}" r="9" fill="none" stroke="{_INK}" stroke-width="2.5"/>'


def _names(made: FilmMap, space: Space, rows: dict[int, int]) -> Iterator[str]:
    """Names of the example and of the most-rated films, as many as stand apart."""
    taken: list[tuple[float, float, float]] = []
    for film in [made.example, *rows]:
        title = made.films[film]["title"]
        long = len(title) * _LETTER * _WIDE
        if film not in rows or len(taken) > _NAMES:
            continue
        x, y = _place(space, rows[film])
        left = x + 12 if x + 12 + long < _WIDTH - 4 else x - 12 - long
        if left < 4 or any(
            left < right + 8 and start < left + long + 8 and abs(y - other) < 2.5 * _LETTER
            for start, right, other in taken
        ):
            continue
        taken.append((left, left + long, y))
        weight = ' font-weight="bold"' if film == made.example else ""
        yield (
            f'<text x="{left:.0f}" y="{y + 5:.0f}"{weight} stroke="{_CARD}" stroke-width="4" '
            f'stroke-linejoin="round" paint-order="stroke">{escape(title)}</text>'
        )
