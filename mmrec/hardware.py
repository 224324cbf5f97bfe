"""What a run runs on: versions of the declared packages, and the computer."""

import os
import platform
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from mmrec.workspace import PROJECT

if TYPE_CHECKING:
    import torch

# What makes the study faster where the processor has it.
CAPABILITIES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon", "asimd", "bf16")


def versions() -> dict[str, str | None]:
    """Installed version of each package that the project declares; None where it is missing."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.split(r"[^A-Za-z0-9._-]", line)[0] for line in project["dependencies"]]
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def describe() -> dict[str, object]:
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


def device() -> "torch.device":
    """Where networks are trained: a GPU that CUDA knows, else the processor."""
    import torch  # seconds to import: not for those who only ask for versions

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fast_dtype(where: "torch.device | None" = None) -> "torch.dtype":
    """bfloat16 where the device (by default the processor) multiplies matrices in it, else float32.

    ResNet-50 is then 3 times as fast, EfficientNet-lite0 1.5 times; a frame's vector turns by a
    cosine of about 0.998 (0.98 for a nearly black one), while two movies are at 0.4 to 0.9.
    """
    import torch

    if where is not None and where.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32
