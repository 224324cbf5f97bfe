"""What a claim is, and how it is checked against the tables of a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mmrec.errors import StudyError
from mmrec.reports.results import Absent, Results

Figure = float | int | str
"""A number, or its printed form (see `percent`)."""


@dataclass(frozen=True)
class Check:
    """The result of a claim.

    Attributes:
        holds: Whether the tables say what the sentence says.
        figures: The numbers behind it, by name; the sentence may quote any of them.
    """

    holds: bool
    figures: Mapping[str, Figure] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """The figures in print: ``control 1.063, user mean 1.041``."""
        return ", ".join(
            f"{name.replace('_', ' ')} {written(value)}" for name, value in self.figures.items()
        )


def check(holds: bool = True, /, **figures: Figure) -> Check:
    """A check with its figures by name; without a condition it holds."""
    return Check(bool(holds), figures)


Claim = Callable[[Results], Check]
"""A sentence about the results: the function's name is its name, the docstring its content."""

DECIMALS = 3
"""Digits after the point of an error or a score in prose."""


def written(value: Figure) -> str:
    """A figure as it is printed in prose: three decimals, counts with a comma, a true minus."""
    if isinstance(value, str):
        return value
    text = f"{value:,}" if isinstance(value, int) else f"{value:z.{DECIMALS}f}"
    return text.replace("-", "−")


def percent(value: float) -> str:
    """A share in per cent, as it is printed in prose."""
    return f"{value:.1f} %"


def value_of(expression: str, results: Results, claims: Mapping[str, Claim]) -> Figure:
    """A figure by its name.

    Args:
        expression: Either ``claim.figure``, a figure of a claim, or a cell of a table,
            ``table / row / column / other column=value``.
        results: The tables of the run.
        claims: Every claim by its name.

    Raises:
        Absent: If the run has no such result.
        StudyError: If there is no such claim or figure, or the expression is neither.
    """
    if "/" in expression:
        table, row, *rest = (part.strip() for part in expression.split("/"))
        columns = [part for part in rest if "=" not in part] or ["rmse_mean"]
        pairs = (part.split("=", 1) for part in rest if "=" in part)
        where = {name.strip(): _scalar(value.strip()) for name, value in pairs}
        if len(columns) == 1:
            value = results.cell(table, row, columns[0], **where)
            return int(value) if columns[0].startswith("n_") else value
    elif "." in expression:
        name, _, figure = expression.partition(".")
        figures = named(name, claims)(results).figures
        if figure in figures:
            return figures[figure]
        raise StudyError(
            f"the claim {name} has no figure {figure!r}",
            where=expression,
            remedy=f"It has {', '.join(figures)}.",
        )
    raise StudyError(
        "not the name of a figure",
        where=expression,
        remedy="Write claim.figure, or table / row / column / other column=value.",
    )


def named(name: str, claims: Mapping[str, Claim]) -> Claim:
    """A claim by its name.

    Raises:
        StudyError: If there is none.
    """
    if name not in claims:
        raise StudyError(
            f"there is no claim {name!r}",
            where="mmrec/study/claims",
            remedy="Declare it in one of the modules that declared.py lists.",
        )
    return claims[name]


def evaluate(claim: Claim, results: Results) -> Check | Absent:
    """The result of a claim, or what the run lacks for it."""
    try:
        return claim(results)
    except Absent as lacking:
        return lacking


def _scalar(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
