"""Draws the book's six figures as SVG files beside this script: python book/figures/draw.py.

Every figure stands on its own light card, so that it reads the same in a light and a dark theme.
"""

import math
import re
from html import escape
from pathlib import Path

INK, GREY, CARD, EDGE = "#1f2933", "#5c6773", "#fcfcfd", "#d5dae0"
FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
# Colour-blind-safe: a strong colour for lines, and a tint of it for areas.
COLOURS = {
    "video": ("#b35806", "#fde0c2"),
    "audio": ("#027a59", "#cdebe1"),
    "text": ("#0173b2", "#d3e7f5"),
    "meta": ("#8a3f86", "#efdcee"),
    "user": ("#7a5230", "#efe3d6"),
    "model": ("#3d4a57", "#e4e8ec"),
}


def _shifted(words: str, size: float) -> str:
    """Turns the marks ``_{low}`` and ``^{high}`` into lowered and raised small print."""
    for mark, shift in (("_", 0.25 * size), ("^", -0.4 * size)):
        low = f'<tspan dy="{shift:g}" font-size="{0.72 * size:g}">'
        back = f'</tspan><tspan dy="{-shift:g}">\u200b</tspan>'
        words = re.sub(re.escape(mark) + r"\{(.*?)\}", rf"{low}\1{back}", words)
    return words


class Drawing:
    """A card to put boxes, arrows and words on; coordinates in pixels from the top left."""

    def __init__(self, width: int, height: int, title: str):
        self.size = width, height
        self.title = title
        self.parts = []

    def add(self, element: str) -> None:
        self.parts.append(element)

    def text(self, x, y, words, *, size=14, colour=INK, anchor="middle", style=""):
        """Words, with ``_{low}`` and ``^{high}`` parts."""
        self.add(
            f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" '
            f'text-anchor="{anchor}" {style}>{_shifted(escape(words), size)}</text>'
        )

    def label(self, x, y, words):
        """Words on a line, which a halo keeps clear of it."""
        halo = f'paint-order="stroke" stroke="{CARD}" stroke-width="5"'
        self.text(x, y, words, size=12.5, colour=GREY, style=halo)

    def lines(self, x, y, rows, *, step=18, **look):
        for i, row in enumerate(rows):
            self.text(x, y + i * step, row, **look)

    def box(self, x, y, width, height, kind, rows=(), *, size=14, radius=8, dash=""):
        line, fill = COLOURS[kind]
        self.add(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}" '
            f'fill="{fill}" stroke="{line}" stroke-width="1.5" stroke-dasharray="{dash}"/>'
        )
        step = size + 4
        top = y + height / 2 - (len(rows) - 1) * step / 2 + size * 0.35
        self.lines(x + width / 2, top, rows, step=step, size=size)

    def arrow(self, *points, colour=GREY, dash="", head=True):
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        end = 'marker-end="url(#head)"' if head else ""
        self.add(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6" '
            f'stroke-dasharray="{dash}" {end}/>'
        )

    def layers(self, x, y, widths, kind, *, step=27, height=19):
        """Dense layers as bars around x, each as wide as the root of its number of units."""
        line, fill = COLOURS[kind]
        for i, units in enumerate(widths):
            width = max(30, 3.1 * math.sqrt(units))
            top = y + i * step
            self.add(
                f'<rect x="{x - width / 2:g}" y="{top:g}" width="{width:g}" height="{height}" '
                f'rx="3" fill="{fill}" stroke="{line}" stroke-width="1.2"/>'
            )
            self.text(x, top + height - 5, f"{units:,}".replace(",", "\u202f"), size=12.5)
            if i:
                self.arrow((x, top - step + height), (x, top), head=False)
        return y + (len(widths) - 1) * step + height

    def save(self, path: Path) -> None:
        width, height = self.size
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" font-family="{FONT}">\n'
            f"<title>{escape(self.title)}</title>\n"
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{GREY}"/>'
            "</marker></defs>\n"
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10" '
            f'fill="{CARD}" stroke="{EDGE}"/>\n'
        )
        path.write_text(head + "\n".join(self.parts) + "\n</svg>\n", encoding="utf-8")


def problem() -> Drawing:
    """What is asked: a rating, from the content of a movie and a user's liked movies."""
    d = Drawing(860, 362, "Problem statement")
    rows = [
        ("video", "trailer, frames", "I_{video} ∈ ℝ^{2048}"),
        ("audio", "trailer, sound", "I_{audio} ∈ ℝ^{128}"),
        ("text", "plot summary", "I_{text} ∈ ℝ^{384}"),
        ("meta", "facts and triples", "I_{meta} ∈ ℝ^{1220}"),
    ]
    d.text(100, 32, "movie m", size=15, style='font-weight="bold"')
    for i, (kind, what, size) in enumerate(rows):
        y = 46 + i * 50
        d.box(30, y, 140, 38, kind, [what])
        d.box(215, y, 140, 38, kind, [size])
        d.arrow((170, y + 19), (213, y + 19))
        d.arrow((355, y + 19), (400, y + 19), (400, 140), head=False)
    d.text(100, 274, "user n", size=15, style='font-weight="bold"')
    d.box(30, 288, 140, 38, "user", ["movies rated ≥ 4"])
    d.box(215, 288, 140, 38, "user", ["U_{n} ∈ ℝ^{1220}"])
    d.arrow((170, 307), (213, 307))
    d.text(192, 343, "mean of their meta vectors", size=11.5, colour=GREY)
    d.arrow((400, 140), (498, 140), (498, 178))
    d.arrow((355, 307), (498, 307), (498, 244))
    d.box(420, 180, 156, 62, "model", ["F", "learnt regression"])
    d.arrow((576, 211), (638, 211))
    d.box(640, 176, 190, 70, "model", ["predicted rating R_{nm}", "1 … 5"], size=15)
    d.lines(
        735,
        285,
        [
            "No rating of the movie is used",
            "to describe it, so F can be asked",
            "about a movie nobody has rated.",
        ],
        size=12.5,
        colour=GREY,
        step=17,
    )
    return d


SCENES = [  # pictures of 100 × 64: an island, a fence, a footprint, eyes in the dark, a jeep
    ("#bcd7e8", '<path d="M0,64 V48 Q30,14 52,42 T100,40 V64 z" fill="#3f7d5a"/>'),
    (
        "#f2d7a8",
        '<path d="M8,20 V60 M20,20 V60 M32,20 V60 M44,20 V60 M56,20 V60 M68,20 V60 M80,20 V60 '
        'M92,20 V60 M0,26 H100 M0,35 H100 M0,44 H100 M0,53 H100" stroke="#5b4a3a" '
        'stroke-width="2"/>',
    ),
    (
        "#c9b79c",
        '<path d="M50,56 q-16,-14 -10,-26 l-12,-12 l16,6 l6,-14 l6,14 l16,-6 l-12,12 q6,12 '
        '-10,26 z" fill="#6b5237"/>',
    ),
    (
        "#22303c",
        '<circle cx="36" cy="30" r="7" fill="#f0c419"/><circle cx="64" cy="30" r="7" '
        'fill="#f0c419"/><path d="M36,24 v12 M64,24 v12" stroke="#22303c" stroke-width="3"/>',
    ),
    (
        "#cfe3c4",
        '<path d="M20,46 v-12 h14 l8,-12 h24 l6,12 h10 v12 z" fill="#a33b2e"/>'
        '<circle cx="35" cy="48" r="7" fill="#222"/><circle cx="69" cy="48" r="7" fill="#222"/>',
    ),
]


def data_sample() -> Drawing:
    """One enriched movie: what stands in each of its fields."""
    d = Drawing(860, 408, "One enriched movie")
    d.text(30, 36, "Jurassic Park (1993)", size=18, anchor="start", style='font-weight="bold"')
    d.text(830, 36, "MovieLens-100K, movie 82", size=13, anchor="end", colour=GREY)
    d.text(
        30, 68, "video: frames of the trailer", size=13, anchor="start", colour=COLOURS["video"][0]
    )
    d.add('<rect x="30" y="78" width="556" height="92" rx="4" fill="#2b2f33"/>')
    for i in range(37):
        for y in (82, 161):
            d.add(f'<rect x="{36 + i * 15}" y="{y}" width="8" height="5" rx="1" fill="{CARD}"/>')
    for i, (sky, shapes) in enumerate(SCENES):
        d.add(f'<g transform="translate({36 + i * 111},92)"><rect width="100" height="64" ')
        d.add(f'fill="{sky}"/>{shapes}</g>')
    d.text(30, 202, "audio: its sound", size=13, anchor="start", colour=COLOURS["audio"][0])
    d.add('<rect x="30" y="212" width="556" height="64" rx="4" fill="#f0f6f4" stroke="#cdebe1"/>')
    wave = []
    for i in range(180):
        swell = 0.25 + 0.75 * abs(math.sin(i / 23)) * (0.6 + 0.4 * math.sin(i / 7.3))
        reach = 27 * swell * abs(math.sin(i * 1.7) * 0.7 + math.sin(i * 0.61) * 0.3)
        wave.append(f"M{36 + i * 3.04:.1f},{244 - reach:.1f} V{244 + reach:.1f}")
    d.add(f'<path d="{" ".join(wave)}" stroke="{COLOURS["audio"][0]}" stroke-width="1.5"/>')
    d.text(30, 308, "text: a summary", size=13, anchor="start", colour=COLOURS["text"][0])
    d.add('<rect x="30" y="318" width="556" height="70" rx="4" fill="#eef5fa" stroke="#d3e7f5"/>')
    d.lines(
        42,
        339,
        [
            "A wealthy showman breeds dinosaurs on a remote island.",
            "Two fossil hunters inspect his unopened park.",
            "A bribed programmer disables the electric fences.",
        ],
        anchor="start",
        size=13.5,
    )
    d.text(612, 68, "meta: facts", size=13, anchor="start", colour=COLOURS["meta"][0])
    d.add('<rect x="612" y="78" width="218" height="310" rx="4" fill="#f8f1f7" stroke="#efdcee"/>')
    facts = [
        ("genres", ["Action, Adventure,", "Sci-Fi"]),
        ("director", ["Steven Spielberg"]),
        ("cast", ["Sam Neill", "Laura Dern", "Jeff Goldblum", "Richard Attenborough"]),
        ("IMDb rating", ["0–10, a mean of its users"]),
        ("votes, runtime", ["numbers"]),
    ]
    y = 100
    for name, values in facts:
        d.text(624, y, name, size=12, anchor="start", colour=GREY)
        d.lines(624, y + 17, values, anchor="start", size=13.5, step=17)
        y += 17 * len(values) + 30
    return d


def graph_table() -> Drawing:
    """The tabular facts of a movie as a graph."""
    d = Drawing(760, 300, "Knowledge graph of tabular facts")
    d.box(290, 122, 180, 56, "meta", ["Jurassic Park"], size=16, radius=28)
    nodes = [(30, 30, "Action"), (30, 128, "Adventure"), (30, 226, "Sci-Fi")]
    for x, y, name in nodes:
        d.box(x, y, 130, 44, "text", [name], radius=22)
        end = (162, y + 22)
        start = {30: (308, 128), 128: (288, 150), 226: (308, 172)}[y]
        d.arrow(start, end)
        d.label((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 4, "genre")
    others = [
        (24, "director", "Steven Spielberg"),
        (92, "cast", "Sam Neill"),
        (160, "cast", "Laura Dern"),
        (228, "cast", "Jeff Goldblum"),
    ]
    for (y, name, value), start in zip(
        others, [(452, 128), (470, 142), (470, 158), (452, 172)], strict=True
    ):
        dash = "5 4" if name == "cast" else ""
        d.box(
            580,
            y,
            156,
            44,
            "user" if name == "director" else "model",
            [value],
            radius=22,
            dash=dash,
        )
        d.arrow(start, (578, y + 22), dash=dash)
        d.label((start[0] + 578) / 2, (start[1] + y + 22) / 2 + 4, name)
    d.text(380, 212, "dashed: in the graph, but not", size=12, colour=GREY)
    d.text(380, 228, "in the paper's 1,220 numbers", size=12, colour=GREY)
    return d


def graph_sentence() -> Drawing:
    """One sentence as a triple, and what becomes of it."""
    d = Drawing(760, 270, "Knowledge graph of a sentence")
    d.text(
        380, 36, "“John Hammond invited four individuals.”", size=16, style='font-style="italic"'
    )
    d.box(40, 66, 170, 50, "text", ["John Hammond"], size=15, radius=25)
    d.box(550, 66, 170, 50, "audio", ["four individuals"], size=15, radius=25)
    d.arrow((210, 91), (548, 91))
    d.text(380, 83, "invited", size=15, colour=COLOURS["video"][0])
    for x, role, part, symbol in [
        (125, "head, the subject", "text", "h ∈ ℝ^{300}"),
        (380, "relation, the verb", "video", "r ∈ ℝ^{300}"),
        (635, "tail, the object", "audio", "t ∈ ℝ^{300}"),
    ]:
        d.text(x, 135, role, size=12.5, colour=GREY)
        d.arrow((x, 143), (x, 164))
        d.box(x - 55, 166, 110, 32, part, [symbol])
    d.text(
        380,
        238,
        "embedding of the triple:  h + r − t  ∈ ℝ^{300}",
        size=16,
        style='font-weight="bold"',
    )
    d.text(252, 187, "+", size=20)
    d.text(508, 187, "−", size=20)
    return d


def architecture() -> Drawing:
    """The network, with the width of every layer."""
    d = Drawing(940, 680, "Architecture of the network")
    d.text(320, 30, "movie m", size=16, style='font-weight="bold"')
    d.text(800, 30, "user n", size=16, style='font-weight="bold"')
    columns = [
        (90, "video", ["trailer frames", "ResNet-50, mean"], (2048, 1600, 500, 200)),
        (245, "audio", ["trailer sound", "VGGish, mean"], (128, 256, 200)),
        (395, "text", ["summary", "Sentence-BERT, mean"], (384, 100, 200)),
        (550, "meta", ["facts and triples", "knowledge graph"], (1220, 100, 200)),
        (800, "user", ["meta vectors of the", "liked movies, mean"], (1220, 1024, 800)),
    ]
    for x, kind, names, widths in columns:
        d.box(x - 70, 44, 140, 46, kind, names, size=12.5)
        d.arrow((x, 90), (x, 106))
        end = d.layers(x, 108, widths, kind)
        target = 258 if kind != "user" else 306
        d.arrow((x, end), (x, target))
    d.text(705, 150, "Enc_{user}", size=12.5, colour=GREY)
    d.box(
        30,
        260,
        580,
        26,
        "model",
        ["concatenation of the encodings:  i_{m} ∈ ℝ^{800}  (200 for each modality used)"],
        size=12.5,
        radius=4,
    )
    d.arrow((320, 286), (320, 306))
    left_end = d.layers(320, 308, (800, 512, 256, 100), "model")
    d.layers(800, 308, (800, 512, 256, 100), "model")
    d.arrow((372, 354), (748, 354), dash="6 5", head=False)
    d.add(f'<rect x="478" y="338" width="164" height="32" fill="{CARD}"/>')
    d.text(560, 359, "siamese: shared weights", size=13)
    d.text(296, 403, "S_{I}", size=13.5, anchor="end")
    d.text(824, 403, "S_{U}", size=13.5, anchor="start")
    d.arrow((336, 399), (452, 399))
    d.arrow((784, 399), (668, 399))
    d.box(454, 384, 212, 30, "video", ["cosine embedding loss"], size=13, dash="5 4")
    d.arrow((320, left_end), (320, 448), (544, 448), (544, 482))
    d.arrow((800, left_end), (800, 448), (576, 448), (576, 482))
    d.text(560, 439, "concatenation", size=12.5, colour=GREY)
    end = d.layers(560, 484, (200, 164, 50, 1), "model")
    d.text(640, 530, "rating predictor", size=12.5, colour=GREY, anchor="start")
    d.arrow((560, end), (560, 614))
    d.box(480, 616, 160, 34, "model", ["predicted rating"], size=14)
    d.arrow((640, 633), (688, 633))
    d.box(690, 618, 190, 30, "video", ["mean squared error"], size=13, dash="5 4")
    d.lines(
        40,
        560,
        [
            "LeakyReLU (0.01) after every layer, except",
            "sigmoid: the first layer of Enc_{user} and",
            "the first two of Enc_{video}; and none after",
            "the predictor's last layer.",
            "Dashed: the two losses, added with equal weight.",
        ],
        anchor="start",
        size=12.5,
        colour=GREY,
    )
    return d


def floors() -> Drawing:
    """The rooms of the package, in the one direction in which they use each other."""
    rooms = [
        ("catalogue", "meta", ["which film is", "meant, and what", "is known of it"]),
        ("enrichment", "meta", ["the same for a", "list of films of", "your own"]),
        ("features", "text", ["text, picture,", "sound and facts", "as vectors"]),
        ("models", "audio", ["learn from", "ratings and", "vectors"]),
        ("evaluation", "audio", ["folds, protocols,", "measures,", "inference"]),
        ("experiments", "user", ["what is trained", "and tested, kept", "by content"]),
        ("reports", "video", ["tables, plots,", "sample page"]),
        ("recommending", "video", ["one model for", "anybody and", "any film"]),
        ("exporting", "user", ["files for other", "programs, and", "whose they are"]),
    ]
    width, step = 112, 128
    whole = step * len(rooms) - (step - width)
    middle = 20 + whole / 2
    d = Drawing(whole + 40, 352, "The rooms of the package and the files between them")
    d.box(20, 20, whole, 44, "model")
    d.text(
        middle,
        47,
        "study, open_data, commands: what is run, in which order, from where  ·  notebooks/, book/",
        size=13.5,
    )
    left = {name: 20 + i * step for i, (name, _, _) in enumerate(rooms)}
    for name, kind, what in rooms:
        x = left[name]
        d.box(x, 92, width, 104, kind)
        d.text(x + width / 2, 116, name, size=14, style='font-weight="bold"')
        d.lines(x + width / 2, 140, what, size=12, step=17)
        if x > 20:
            d.arrow((x - (step - width), 144), (x - 2, 144))
    kept = [
        ("catalogue", "catalogue/"),
        ("features", "features/"),
        ("experiments", "results/"),
        ("reports", "book/"),
        ("recommending", "model/"),
    ]
    for i, (name, files) in enumerate(kept):
        x = left[name]
        d.arrow((x + width / 2, 196), (x + width / 2, 226))
        d.box(x, 228, width, 32, "model", [files], size=12, radius=3, dash="4 3")
        if i:
            d.arrow((left[kept[i - 1][0]] + width, 244), (x - 2, 244), dash="4 3")
    d.box(20, 284, whole, 40, "model")
    d.text(
        middle,
        309,
        "ground: errors, workspace, progress, hardware, settings, provenance, command_line",
        size=13.5,
    )
    d.text(
        middle,
        343,
        "A room may use those to its left and the ground. Dashed: the files that a run leaves.",
        size=12,
        colour=GREY,
    )
    return d


FIGURES = [problem, data_sample, graph_table, graph_sentence, architecture, floors]

if __name__ == "__main__":
    for figure in FIGURES:
        figure().save(Path(__file__).with_name(f"{figure.__name__}.svg"))
