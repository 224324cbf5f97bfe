"""What counts as content: three levels of what may be known of a film, as names of feature tables.

Every model that reads content is given every level, so that models are compared on equal inputs.
"""

KNOWN_BEFORE_RELEASE = ("facts-unrated", "text", "video", "audio")
"""What is known before a film is released: genres, directors, cast, years, synopsis, trailer or
poster, and sound. Nothing in it is praise, and nothing comes from an audience."""

WITH_ENCYCLOPEDIA = (*KNOWN_BEFORE_RELEASE, "meta-freebase")
"""The same, and what an encyclopedia knows years later: random walks on Freebase, from which the
relations to awards are left out, since awards are praise. How much an encyclopedia knows of a film
depends on how well known it has become."""

WITH_CROWD = (*WITH_ENCYCLOPEDIA, "imdb")
"""The same, and what an audience says of the film: its mean IMDb rating and the number of votes. No
new film has them; what a model gains by them is not what content is worth."""

LEVELS = {
    "known before release": KNOWN_BEFORE_RELEASE,
    "with an encyclopedia": WITH_ENCYCLOPEDIA,
    "with IMDb's crowd": WITH_CROWD,
}
"""The levels by the names that tables show, from the strictest on; each contains the one before."""

BLOCKS = ("genres", "directors", "cast", "years", "text", "video", "audio", "meta-freebase")
"""What :data:`WITH_ENCYCLOPEDIA` is made of, block by block: the facts are four of them."""
