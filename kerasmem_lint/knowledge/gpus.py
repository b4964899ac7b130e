"""What is known about GPUs: how much memory the driver reports, and what XLA must be told to compile for one.

The rows are in ``gpus.toml``, each with its source. Sizes are bytes, rates are those of the data sheets.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from kerasmem_lint.errors import UsageError

DEFAULT_FOR_A_SIZE = "A100-40GB"
"""The GPU that stands in where only a size is given: what a step needs differs by a few per cent between targets."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. ``memory`` is what the driver reports as total, bytes. ``note`` says what was assumed when it was chosen."""

    key: str
    name: str
    memory: int
    compute_capability: str
    multiprocessors: int
    lanes: int
    shared_per_multiprocessor: int
    shared_per_block: int
    l2: int
    bandwidth: int
    """GB/s."""
    clock: float
    """GHz."""
    threads: int
    """Threads resident on a multiprocessor."""
    kind: str
    """Consumer, workstation or data centre."""
    source: str
    """The data sheet, and whether the memory is a reported or a derived figure."""
    note: str = ""


@cache
def _rows() -> dict[str, Any]:
    rows: dict[str, Any] = tomllib.loads(files("kerasmem_lint.knowledge").joinpath("gpus.toml").read_text(encoding="utf-8"))
    return rows


@cache
def table() -> dict[str, Gpu]:
    """Every known GPU by its key, in the order of the file."""
    return {key: _gpu(key, row) for key, row in _rows()["gpus"].items()}


def _gpu(key: str, row: dict[str, Any]) -> Gpu:
    generation = _rows()["compute"][row["compute_capability"]]
    return Gpu(
        key=key,
        name=row["name"],
        memory=row["memory_bytes"],
        compute_capability=row["compute_capability"],
        multiprocessors=row["multiprocessors"],
        lanes=generation["lanes"],
        shared_per_multiprocessor=generation["shared"],
        shared_per_block=generation["optin"],
        l2=row["l2_bytes"],
        bandwidth=row["memory_bandwidth_gb_s"],
        clock=row["clock_ghz"],
        threads=generation["threads"],
        kind=row["kind"],
        source=f"{row['sheet']}; memory {row['memory_from']}" + (f", {row['memory_url']}" if "memory_url" in row else ""),
    )


@cache
def aliases() -> dict[str, str]:
    """Short names for GPUs that come in several sizes, and the key that each stands for."""
    return dict(_rows()["aliases"])


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(GiB|GB|MiB|MB)", re.IGNORECASE)
_UNITS = {"gib": 1 << 30, "gb": 10**9, "mib": 1 << 20, "mb": 10**6}


def parse_size(text: str) -> int:
    """Bytes in ``1GiB``, ``500 MB`` and the like. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no size; write it as 1GiB or 500MiB")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def local() -> Gpu:
    """The first GPU of this machine, asked of its driver through nvidia-ml-py. Raises UsageError where there is none."""
    try:
        import pynvml
    except ImportError:
        raise UsageError("which GPU? name one with --gpu, or install nvidia-ml-py to have this machine's looked up") from None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        name = pynvml.nvmlDeviceGetName(handle)
        memory = int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
        pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        raise UsageError(f"which GPU? this machine's driver does not name one ({error}); name one with --gpu") from None
    return recognise(name if isinstance(name, str) else name.decode(), memory)


def recognise(name: str, memory: int) -> Gpu:
    """The row for a GPU as its driver names it, with the memory that the driver reports."""
    candidates = [gpu for gpu in table().values() if _plain(gpu.name) == _plain(name) or _plain(gpu.key) == _plain(name)]
    candidates = candidates or [gpu for gpu in table().values() if _plain(gpu.key) in _plain(name)]
    if candidates:
        nearest = min(candidates, key=lambda gpu: abs(gpu.memory - memory))
        return replace(nearest, memory=memory, note=f"this machine's {name}")
    stand_in = table()[DEFAULT_FOR_A_SIZE]
    note = f"compiled as for {stand_in.key}: {name} is not in the table"
    return replace(stand_in, key=name, name=name, memory=memory, note=note)


def find(name: str) -> Gpu:
    """The GPU of that name, alias or size (``24GiB``). Raises UsageError, naming the nearest ones."""
    known = {_plain(key): key for key in table()}
    if (key := known.get(_plain(name))) is not None:
        return table()[key]
    if (full := {_plain(alias): key for alias, key in aliases().items()}.get(_plain(name))) is not None:
        return replace(table()[full], note=f"{name} was read as {full}")
    if _SIZE.fullmatch(name.strip()):
        memory = parse_size(name)
        if memory < 1 << 30:
            raise UsageError(f"a GPU of {name} is too small to hold a training step; give at least 1GiB")
        stand_in = table()[DEFAULT_FOR_A_SIZE]
        note = f"compiled as for {stand_in.key}, because only a size was given"
        return replace(stand_in, key=name.strip(), name=f"a GPU of {name.strip()}", memory=memory, note=note)
    near = difflib.get_close_matches(_plain(name), [*known, *map(_plain, aliases())], n=3, cutoff=0.4)
    hint = f"nearest: {', '.join(known.get(item, item) for item in near)}" if near else "`kerasmem-lint gpus` lists them"
    raise UsageError(f"unknown GPU {name!r}; {hint}; or give a size such as 24GiB")


def _plain(name: str) -> str:
    text = name.lower().removeprefix("nvidia").removeprefix("-")
    return re.sub(r"[\s_-]", "", re.sub(r"geforce|tesla", "", text))


def target_text(gpu: Gpu) -> str:
    """The GPU as XLA's GpuTargetConfigProto in text form. Limits that all GPUs since Pascal share are constants here."""
    major, minor = gpu.compute_capability.split(".")
    return f"""gpu_device_info {{
  threads_per_block_limit: 1024
  threads_per_warp: 32
  shared_memory_per_block: 49152
  shared_memory_per_core: {gpu.shared_per_multiprocessor}
  shared_memory_per_block_optin: {gpu.shared_per_block}
  threads_per_core_limit: {gpu.threads}
  core_count: {gpu.multiprocessors}
  fpus_per_core: {gpu.lanes}
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  memory_bandwidth: {gpu.bandwidth * 10**9}
  l2_cache_size: {gpu.l2}
  clock_rate_ghz: {gpu.clock}
  device_memory_size: {gpu.memory}
  cuda_compute_capability {{ major: {major} minor: {minor} }}
  registers_per_core_limit: 65536
  registers_per_block_limit: 65536
}}
platform_name: "CUDA"
dnn_version_info {{ major: 9 minor: 8 patch: 0 }}
runtime_version {{ major: 12 minor: 8 patch: 0 }}
device_description_str: "{gpu.name}"
"""
