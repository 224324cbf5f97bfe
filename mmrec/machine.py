"""What a run ran on: versions of the declared packages, and the machine."""

import os
import platform
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from mmrec.workspace import PROJECT

# What makes the study faster where the processor has it.
CAPABILITIES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon", "asimd", "bf16")


def versions() -> dict[str, str | None]:
    """Installed version of each package that the project declares; None where it is missing."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.match(r"[A-Za-z0-9._-]+", line).group() for line in project["dependencies"]]
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def machine() -> dict[str, object]:
    """Python, operating system, processor, its cores and the instructions that matter here."""
    return {
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _cpu_field("model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "capabilities": [
            name for name in CAPABILITIES if name in (_cpu_field("flags", "Features") or "").split()
        ],
    }


def _cpu_field(*names: str) -> str | None:
    """A field of Linux's description of the processor."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return None
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in names:
            return value.strip()
    return None
