"""The choice of a model's settings by the validation ratings, with every try on record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Fitted = TypeVar("Fitted")


@dataclass(frozen=True)
class Choice(Generic[Fitted]):
    """What a search found.

    Attributes:
        fitted: The model fitted with the settings taken.
        settings: These settings.
        score: Their validation score.
        tuning: Each setting tried with its validation score, in the order tried.
    """

    fitted: Fitted
    settings: dict[str, Any]
    score: float
    tuning: list[dict[str, Any]]


def best_of(
    fit: Callable[[dict[str, Any]], Fitted],
    candidates: Iterable[dict[str, Any]],
    score: Callable[[Fitted], float],
    *,
    measure: str,
    largest: bool = False,
) -> Choice[Fitted]:
    """Tries all candidates and takes the best one, the first one among equals.

    Args:
        fit: From settings to a fitted model.
        candidates: The settings to try, in order; at least one.
        score: Validation score of a fitted model.
        measure: Name of the score: its key in the tuning record.
        largest: Whether the largest score is the best one; otherwise the smallest is.
    """
    tuning: list[dict[str, Any]] = []
    best: tuple[Fitted, dict[str, Any], float] | None = None
    for settings in candidates:
        fitted = fit(settings)
        found = score(fitted)
        tuning.append({**settings, measure: found})
        if best is None or (found > best[2] if largest else found < best[2]):
            best = fitted, settings, found
    if best is None:
        raise ValueError("no settings to choose from")
    return Choice(*best, tuning)


def search(
    fit: Callable[[dict[str, Any]], Fitted],
    options: Mapping[str, Sequence[Any]],
    score: Callable[[Fitted], float],
    *,
    measure: str,
    largest: bool = False,
    rounds: int = 1,
) -> Choice[Fitted]:
    """Coordinate search: chooses one setting after the other, the others held where they are.

    The search starts from the first value of every setting. A value replaces the one in place only
    if it scores strictly better, and no combination is fitted twice.

    Args:
        fit: From settings to a fitted model.
        options: The values of each setting, in the order of the search; without any, the model
            is fitted once.
        score: Validation score of a fitted model.
        measure: Name of the score, such as ``"validation_rmse"``: its key in the tuning record.
        largest: Whether the largest score is the best one; otherwise the smallest is.
        rounds: How often to go through all settings. The search ends early after a round
            without any change.

    Example:
        >>> found = search(
        ...     lambda s: (s["x"] - 2) ** 2 + s["y"],
        ...     {"x": (0, 1, 2, 3), "y": (1, 0)},
        ...     float,
        ...     measure="loss",
        ... )
        >>> found.settings, len(found.tuning)
        ({'x': 2, 'y': 0}, 5)
    """
    settings = {name: values[0] for name, values in options.items()}
    fitted = fit(settings)
    best = score(fitted)
    tuning = [{**settings, measure: best}]
    tried = {tuple(settings.values())}
    for _ in range(rounds):
        start = settings
        for name, values in options.items():
            for value in values:
                changed = {**settings, name: value}
                if tuple(changed.values()) in tried:
                    continue
                tried.add(tuple(changed.values()))
                other = fit(changed)
                found = score(other)
                tuning.append({**changed, measure: found})
                if (found > best) if largest else (found < best):
                    fitted, settings, best = other, changed, found
        if settings == start:
            break
    return Choice(fitted, settings, best, tuning)
