"""Settings: how large a run is, read from a profile and checked before anything is computed.

A profile is a file in ``profiles/``. ``paper.yaml`` is the reference and explains every setting;
any other profile holds only the settings in which it differs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from mmrec.errors import StudyError
from mmrec.workspace import PROJECT

FOLDER = PROJECT / "profiles"
REFERENCE = "paper"

COMMITTED = "reference"
"""Used instead of a profile: the committed notebooks as they are, for ``make book``."""

T = TypeVar("T")


def _distinct(values: list[T]) -> list[T]:
    """The list, refused where a value is given twice: its runs would be counted twice."""
    for number, value in enumerate(values):
        if value in values[:number]:
            raise PydanticCustomError("twice", "{value} is given twice", {"value": repr(value)})
    return values


def _some_processes(number: int) -> int:
    if number == 0:
        raise PydanticCustomError("no_process", "Input should be 1 or more, or -1: one per core")
    return number


Distinct = Annotated[list[T], AfterValidator(_distinct)]
Some = Annotated[list[T], Field(min_length=1), AfterValidator(_distinct)]

Count = Annotated[int, Field(ge=1)]
FoldCount = Annotated[int, Field(ge=0, le=5)]
SupportSize = Annotated[int, Field(ge=0, le=50)]
Share = Annotated[float, Field(ge=0, lt=1)]
HiddenShare = Annotated[float, Field(gt=0, lt=1)]  # the runs with nothing hidden are always made
Fold = Literal["u1", "u2", "u3", "u4", "u5"]
Kind = Literal["item", "user", "both"]
Seeds = Some[NonNegativeInt]
ColdFolds = Annotated[dict[Kind, FoldCount], Field(min_length=3, max_length=3)]
ColdSeeds = Annotated[dict[Kind, Seeds], Field(min_length=3, max_length=3)]

# Names that belong to mmrec.experiments, which settings know nothing of; a test holds them equal.
Row = Literal["text", "meta", "audio", "video", "meta+text", "meta+audio", "meta+video", "all"]
ColdInput = Literal[
    "genres",
    "genres-rating",
    "facts-unrated",
    "facts",
    "triples",
    "meta-unrated",
    "meta",
    "known before release",
    "with an encyclopedia",
    "with IMDb's crowd",
]
Track = Literal[
    "new_films_released",
    "new_films_encyclopedia",
    "new_films_crowd",
    "new_films_text",
    "new_films_video",
    "new_films_audio",
    "new_films_lists_released",
    "new_films_lists_crowd",
    "new_users",
    "both_new",
    "u1_single",
    "u1_average",
    "u1_lists",
    "u1_content",
    "u1_rating_vectors",
]


class Settings(BaseModel):
    """The settings of one run; ``profiles/paper.yaml`` says what each of them means."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    # what a run covers
    n_users: Annotated[int, Field(ge=1, le=943)]
    n_movies: Annotated[int, Field(ge=1, le=1682)]

    # features
    text_sources: Some[Literal["imdb", "open"]]
    text_encoder: str
    video_sources: Some[Literal["trailers", "posters", "demo"]]
    video_encoders: Some[Literal["resnet50", "efficientnet-lite0"]]
    audio_sources: Some[Literal["trailers", "published", "demo"]]
    audio_encoders: Some[Literal["vggish", "log-mel"]]
    margin: Annotated[float, Field(ge=0, lt=0.5)]
    demo_movies: NonNegativeInt
    demo_seconds: Annotated[float, Field(gt=0, le=60)]
    word_vectors: Some[Literal["en_core_web_md", "word2vec-google-news-300", "corpus"]]
    freebase_walks: NonNegativeInt

    # experiments
    fold: Fold
    seeds: Seeds
    control_seeds: Distinct[NonNegativeInt]
    masking_seeds: Seeds
    masked_control_seeds: Distinct[NonNegativeInt]
    tuning_seeds: Seeds
    ladder_seeds: Seeds
    fold_seeds: Seeds
    list_seeds: Seeds
    cold_seeds: ColdSeeds
    input_seeds: Seeds
    cold_inputs: Some[ColdInput]
    cold_control_seeds: Distinct[NonNegativeInt]
    curve_seeds: Seeds
    epochs: Count
    patience: Count
    batch_size: Count
    cosine_weight: Annotated[float, Field(ge=0)]
    ema_decay: Share
    published_epochs: Count
    published_batch_size: Count
    masking_levels: Some[HiddenShare]
    curve_levels: Distinct[HiddenShare]
    vector_epochs: Count
    batch_sizes: Some[Count]
    ladder_rows: Some[Row]
    folds: Some[Fold]
    cold_folds: ColdFolds
    cold_epochs: Count
    cold_input_dropout: Share
    curve_folds: Annotated[int, Field(ge=1, le=5)]
    support_sizes: Some[SupportSize]
    beyond_tracks: Some[Track]
    beyond_seeds: Seeds
    beyond_known_seeds: Seeds
    beyond_control_seeds: Distinct[NonNegativeInt]
    beyond_curve_folds: FoldCount
    block_folds: FoldCount
    check_folds: FoldCount
    check_seeds: Seeds
    n_jobs: Annotated[int, AfterValidator(_some_processes)]

    @classmethod
    def load(
        cls, profile: str, values: dict[str, Any] | None = None, *, folder: Path = FOLDER
    ) -> "Settings":
        """Reads a profile.

        Args:
            profile: Name of a file in ``profiles/``, without ``.yaml``.
            values: The settings that a notebook was given, if any. They must be those of the
                profile: ``build/<profile>`` never holds the results of other settings.
            folder: Where the profiles lie.

        Raises:
            StudyError: If there is no such profile, its name is :data:`COMMITTED`, it cannot be
                read, a setting is unknown, given twice, of the wrong type or out of range, or
                ``values`` are not the profile's.
        """
        if profile not in names(folder):
            choices = ", ".join(names(folder))
            raise StudyError(
                f"no profile {profile!r}", where=folder, remedy=f"The profiles are: {choices}."
            )
        path = folder / f"{profile}.yaml"
        if profile == COMMITTED:
            raise StudyError(
                f"{COMMITTED!r} means the committed notebooks, which have no profile of that name",
                where=path,
                remedy="Give the file, and `profile` in it, another name.",
            )
        changes = _read(path)
        if unlike := [name for name, value in (values or {}).items() if changes.get(name) != value]:
            raise StudyError(
                f"the notebook was given {unlike[0]}: {(values or {})[unlike[0]]!r}, which is not "
                f"what profile {profile!r} says",
                where=path,
                remedy="Copy the profile under a new name, change it there and run that.",
            )
        reference = folder / f"{REFERENCE}.yaml"
        return _validated(cls, reference, path, {**_read(reference), **changes})


def names(folder: Path = FOLDER) -> list[str]:
    """Names of the profiles there are."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _validated(
    model: type[Settings], reference: Path, path: Path, values: dict[str, Any]
) -> Settings:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        name, *inner = map(str, problem["loc"])
        where = path if name in _lines(path) else reference
        known = ", ".join(model.model_fields)
        what, remedy = {
            "extra_forbidden": ("unknown setting", f"The settings are: {known}."),
            "missing": ("the setting is missing", "Every setting must be in this file."),
        }.get(
            problem["type"],
            (f"{problem['input']!r} is not valid ({problem['msg']})", "Correct the value."),
        )
        raise StudyError(
            f"{'.'.join([name, *inner])}: {what}",
            where=f"{where}, line {_lines(where).get(name, 1)}",
            remedy=remedy,
        ) from None


def _read(path: Path) -> dict[str, Any]:
    """The settings that a profile's file holds, each known to be given once."""
    mapping = _mapping(path)
    for name, value in _entries(path, mapping):
        if name.value not in ("profile", "values"):
            raise StudyError(
                f"unknown key {name.value!r}",
                where=_place(path, name),
                remedy="A profile has two keys, `profile` and, indented under it, `values`.",
            )
        if name.value == "profile" and value.value != path.stem:
            raise StudyError(
                f"profile is {value.value!r}",
                where=_place(path, name),
                remedy=f"Write `profile: {path.stem}`.",
            )
    given = {name.value: value for name, value in _entries(path, mapping)}
    if missing := {"profile", "values"} - given.keys():
        raise StudyError(
            f"the key {min(missing)!r} is missing",
            where=path,
            remedy=f"Begin with `profile: {path.stem}` and `values:`, as the other profiles do.",
        )
    settings = given["values"]
    if not isinstance(settings, yaml.MappingNode):
        raise StudyError(
            "`values` holds no settings",
            where=_place(path, settings),
            remedy="Write one `name: value` on each line, indented by two spaces.",
        )
    values = {}
    for name, value in _entries(path, settings):
        try:
            values[str(name.value)] = yaml.safe_load(yaml.serialize(value))
        except yaml.YAMLError as error:
            raise _unreadable(path, error) from error
    return values


def _mapping(path: Path) -> yaml.MappingNode:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unreadable(path, error) from error
    if not isinstance(node, yaml.MappingNode):
        raise StudyError(
            "holds no settings", where=path, remedy="Write one `name: value` on each line."
        )
    return node


def _entries(path: Path, mapping: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Keys and values of a mapping, refusing a key that is given twice."""
    seen: set[str] = set()
    for name, value in mapping.value:
        if not isinstance(name, yaml.ScalarNode):
            raise StudyError(
                "a key that is no name",
                where=_place(path, name),
                remedy="Write one `name: value` on each line.",
            )
        if name.value in seen:
            raise StudyError(
                f"{name.value} is given twice",
                where=_place(path, name),
                remedy="Delete one of the two lines.",
            )
        seen.add(name.value)
        yield name, value


def _lines(path: Path) -> dict[str, int]:
    """Line of each setting in a profile's file."""
    found = {name.value: value for name, value in _mapping(path).value}
    return {name.value: name.start_mark.line + 1 for name, _ in found["values"].value}


def _place(path: Path, node: yaml.Node) -> str:
    return f"{path}, line {node.start_mark.line + 1}"


def _unreadable(path: Path, error: Exception) -> StudyError:
    reason = " ".join(str(error).split())
    return StudyError(
        f"cannot be read ({reason})", where=path, remedy="Correct it, or copy another profile."
    )
