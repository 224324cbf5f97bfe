"""Draws the picture that a link to the book shows elsewhere: python book/figures/card.py."""

from pathlib import Path

import yaml
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

BOOK = Path(__file__).resolve().parents[1]
CARD = BOOK / "_static" / "card.png"
SIZE = 1200, 630
INK, GREY, PAPER = "#1f2933", "#5c6773", "#fcfcfd"
PARTS = (("pictures", "#b35806"), ("sound", "#027a59"), ("text", "#0173b2"), ("facts", "#8a3f86"))


def _font(size: int, weight: str = "normal") -> ImageFont.FreeTypeFont:
    properties = font_manager.FontProperties(family="DejaVu Sans", weight=weight)
    return ImageFont.truetype(font_manager.findfont(properties), size)


def drawn() -> Image.Image:
    """The card: the book's title, and the four kinds of data that a prediction is made from."""
    title = yaml.safe_load((BOOK / "_config.yml").read_text(encoding="utf-8"))["title"]
    card = Image.new("RGB", SIZE, PAPER)
    pen = ImageDraw.Draw(card)
    first, _, last = title.partition(", ")
    words = first.split()
    lines = [words[0], " ".join(words[1:]) + ",", last]
    for line, y in zip(lines, (90, 170, 250), strict=True):
        pen.text((80, y), line, INK, _font(58, "bold"))
    pen.text((80, 345), "A study of MovieLens-100K, with code and open data", GREY, _font(30))
    for number, (name, colour) in enumerate(PARTS):
        left = 80 + 265 * number
        pen.rounded_rectangle((left, 460, left + 235, 540), 18, colour)
        pen.text((left + 117, 500), name, PAPER, _font(32), anchor="mm")
    return card


if __name__ == "__main__":
    drawn().save(CARD, optimize=True)
