"""Modules look downwards only, and in no circle."""

from pathlib import Path

import pytest

from mmrec.provenance import closure, imports, modules

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "mmrec"
MOST_LINES = 400
# From the ground up: a module may import from its own floor and from those before it.
FLOORS = [
    {"errors", "workspace", "progress", "hardware", "provenance", "settings"},
    {"terminal"},
    {"command_line"},
    {"catalogue"},
    {"enrichment"},
    {"features"},
    {"models"},
    {"evaluation"},
    {"experiments"},
    {"reports"},
    {"recommending"},
    {"exporting"},
    {"doctor", "open_data", "study"},
    {"commands"},
    {"cli", "commands_page"},
]


def graph() -> dict[Path, set[Path]]:
    """Module → the modules of the package that it imports, packages' own ``__init__`` left out."""
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    return {file: imported(file) & set(files) for file in files}


def imported(file: Path) -> set[Path]:
    return modules(imports(file.read_text(encoding="utf-8")))


def floor(module: Path) -> int:
    name = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    found = [level for level, names in enumerate(FLOORS) if name in names]
    assert found, f"{module.relative_to(PROJECT)} stands on no floor: add it to FLOORS"
    return found[0]


def cycles(edges: dict) -> list[list]:
    """Every module that can reach itself, with the way there."""
    found = []
    for start in edges:
        ways, seen = [[start]], set()
        while ways:
            way = ways.pop()
            for target in edges.get(way[-1], ()):
                if target == start:
                    found.append(way)
                elif target not in seen:
                    seen.add(target)
                    ways.append([*way, target])
    return found


def test_no_module_reaches_itself():
    assert cycles(graph()) == []


def test_a_cycle_would_be_found():
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert not cycles({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_modules_import_only_downwards():
    upwards = [
        f"{module.relative_to(PROJECT)} imports {target.relative_to(PROJECT)}"
        for module, targets in graph().items()
        for target in targets
        if floor(target) > floor(module)
    ]
    assert upwards == []


def test_package_files_import_nothing():
    """An ``__init__`` that imports would make every import a heavy one."""
    for module in PACKAGE.rglob("__init__.py"):
        assert not imported(module), module


def test_no_relative_imports():
    """What code depends on is told by its absolute imports alone."""
    for module in PACKAGE.rglob("*.py"):
        assert "\nfrom ." not in module.read_text(encoding="utf-8"), module


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from mmrec.features import table", {"mmrec/features/table.py"}),
        ("import mmrec.errors as e", {"mmrec/errors.py"}),
        ("def f():\n    from mmrec.workspace import Workspace", {"mmrec/workspace.py"}),
        ("%matplotlib inline\nimport numpy", set()),
    ],
)
def test_imports_of_a_cell_are_found(code, expected):
    found = {str(path.relative_to(PROJECT)) for path in modules(imports(code))}
    assert {path for path in found if not path.endswith("__init__.py")} == expected


def test_code_depends_on_what_its_modules_import():
    assert {PACKAGE / "errors.py", PACKAGE / "workspace.py"} <= closure(["mmrec.features.table"])


def test_every_room_on_the_floors_exists():
    """A name that is left here after its module is gone would hide the next mistake."""
    rooms = set().union(*FLOORS)
    assert {
        name for name in rooms if (PACKAGE / name).exists() or (PACKAGE / f"{name}.py").exists()
    } == rooms


def test_no_module_is_longer_than_a_sitting():
    lengths = {
        str(file.relative_to(PROJECT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in [*PACKAGE.rglob("*.py"), *(PROJECT / "benchmarks").rglob("*.py")]
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}
