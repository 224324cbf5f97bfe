"""What providers that ask web services have in common."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mmrec.catalogue.provider import Candidate, Miss, Movie
from mmrec.enrichment.web import Unanswered

Answer = Candidate | Miss


@dataclass(frozen=True)
class Options:
    """What a provider may need to know besides the movies.

    Attributes:
        storylines: Whether to read IMDb's title pages: see `mmrec.enrichment.providers.imdb`.
    """

    storylines: bool = False


def one_by_one(
    name: str, movies: Sequence[Movie], look_up: Callable[[Movie], Iterable[Answer]]
) -> Iterator[Answer]:
    """Looks movies up one after the other, so that what fails for one costs that one alone.

    Args:
        name: The provider's.
        movies: What is asked for.
        look_up: Gives the answers for a movie. What it raises because a service does not answer,
            or answers in another form than it should, becomes a `Miss`.
    """
    for movie in movies:
        try:
            yield from look_up(movie)
        except Unanswered as error:
            yield Miss(movie.movie_id, name, str(error))
        except (
            LookupError,
            TypeError,
            AttributeError,
            ValueError,
            ArithmeticError,
            RecursionError,
        ) as error:
            said = " ".join(repr(error).split())[:200]
            yield Miss(movie.movie_id, name, f"an answer of another form ({said})")
