"""What scraped fields have to go through before they mean anything."""

import re

SIGNATURE = re.compile(r"\s*—[^—]*$")
_PLACEHOLDERS = ("It looks like we don't have any",)
_NOTHING = {"", "nan", "none", "#name?"}
_SUFFIXES = {"": 1, "K": 1_000, "M": 1_000_000}


def known(value: object) -> str | None:
    """The trimmed string, or None for what spreadsheets and scrapers write for "unknown"."""
    text = str(value).strip()
    return None if text.lower() in _NOTHING or text in ("<NA>", "NaT") else text


def plot(value: object) -> str | None:
    """A summary without its closing "—author <e-mail>", or None if there is no plot in it."""
    text = known(value)
    if text is None or text.startswith(_PLACEHOLDERS):
        return None
    return SIGNATURE.sub("", text).strip() or None


def names(values: object) -> list[str]:
    """The known names of a list."""
    return [name for name in map(known, values or []) if name]


def votes(value: object) -> int | None:
    """``"930K"`` is 930,000."""
    found = re.fullmatch(r"([\d.]+)([KM]?)", known(value) or "")
    return round(float(found[1]) * _SUFFIXES[found[2]]) if found else None


def minutes(value: object) -> int | None:
    """``"3h 48min"`` is 228; a year or an age rating in its place is None."""
    found = re.fullmatch(r"(?:(\d+)h)? ?(?:(\d+)min)?", known(value) or "")
    total = 60 * int(found[1] or 0) + int(found[2] or 0) if found else 0
    return total or None


def imdb_id(url: object) -> str | None:
    """The ``tt…`` of an IMDb address."""
    found = re.search(r"tt\d{7,}", str(url))
    return found[0] if found else None
