"""Compiling a lowered step for a GPU that is described in words, with the compiler that would serve it.

Facts about the route: JAX gives compile-only topologies (``jax.experimental.topologies``); the CUDA plugin needs libdevice
and ptxas, which the ``nvidia-cuda-nvcc`` wheel brings, and no driver. XLA writes its notes on memory when the plan of the
buffers is final, and only then the kernels, which take it longer than everything before and which nobody here runs: a compile
is left behind as soon as the last of the notes is there.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUIRED = {
    "jax": "jax",
    "jax_cuda12_plugin": "jax-cuda12-plugin",
    "jax_plugins.xla_cuda12": "jax-cuda12-pjrt",
    "nvidia.cuda_nvcc": "nvidia-cuda-nvcc-cu12",
}
"""What the engine imports, and the package that brings it."""


class CompileFailedError(Exception):
    """XLA could not compile the step for the GPU; the text is its own reason, on one line."""


LAST_NOTE = "after_optimizations-memory-usage-report.txt"
KERNEL = ".ll"
"""How the names end of the note that XLA writes after all the others on the plan, and of a kernel's (seen with jaxlib 0.10)."""

NOTES_ASKED_FOR = {
    "xla_dump_hlo_as_text": True,
    "xla_dump_hlo_module_re": ".*",
    "xla_dump_max_hlo_modules": -1,
    "xla_dump_disable_metadata": False,
}
"""What XLA is told of its notes, whatever the program's own ``XLA_FLAGS`` say of them."""

LOOK_EVERY = 0.02
"""Seconds between two looks for them."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the compiler says about the memory of a module that it has compiled to the end, bytes."""

    arguments: int
    outputs: int
    aliased: int
    temporary: int
    peak: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What to compile for: the GPU as a GpuTargetConfigProto in text form, where the compiler's notes go, and how far."""

    target: str
    notes: Path
    full_compile: bool
    """Let the compiler finish: it then says itself what the peak of its plan is."""

    say: Callable[[str], None]
    """Is told what is being done, one line a stage."""


def missing() -> list[str]:
    """The packages of the engine that are not installed here."""
    return [package for module, package in REQUIRED.items() if not _found(module)]


def _found(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def prepare_environment() -> None:
    """Settings that JAX reads when it is imported: host only, and no complaint about a missing driver."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["JAX_SKIP_CUDA_CONSTRAINTS_CHECK"] = "1"
    toolkit = _toolkit()
    if toolkit is not None:
        os.environ["PATH"] = f"{toolkit / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"


def _toolkit() -> Path | None:
    try:
        spec = importlib.util.find_spec("nvidia.cuda_nvcc")
    except ImportError:
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def mesh_for(target: str) -> Any:
    """A mesh of the one GPU that ``target`` describes, a GpuTargetConfigProto in text form."""
    import numpy
    from jax.experimental import topologies
    from jax.sharding import Mesh

    topology = topologies.get_topology_desc(platform="cuda", target_config=target, topology="1x1x1")
    return Mesh(numpy.array(topology.devices), ("gpu",))


def compile_step(lowered: Any, asked: Asked) -> Statistics | None:
    """Compile, and leave the compiler's notes where they were asked for; what it says of the module where it was let finish.

    Otherwise the compile may still be going on in a thread when this returns: fit for a process that ends soon. Raises
    :class:`CompileFailedError`. Some programs find no tile size for a Triton matrix product when no device is there to try them;
    these are compiled again with cuBLAS for all products.
    """
    try:
        return _compile(lowered, asked, {})
    except CompileFailedError as error:
        if "tile" not in str(error).lower():
            raise
    asked.say("compiling again, without Triton's matrix products")
    for file in asked.notes.iterdir():
        file.unlink()
    return _compile(lowered, asked, {"xla_gpu_enable_triton_gemm": False})


def _compile(lowered: Any, asked: Asked, options: dict[str, Any]) -> Statistics | None:
    options = {**NOTES_ASKED_FOR, "xla_dump_to": str(asked.notes), **options}
    toolkit = _toolkit()
    if toolkit is not None:
        options["xla_gpu_cuda_data_dir"] = str(toolkit)
    ended: list[Any] = []

    def compile_it() -> None:
        try:
            ended.append(lowered.compile(compiler_options=options))
        except Exception as error:  # XLA's own exception type is private, and the text is all that counts
            ended.append(CompileFailedError(" ".join(str(error).split())[:500]))

    thread = threading.Thread(target=compile_it, daemon=True)
    thread.start()
    while thread.is_alive() and not _planned(asked.notes):
        thread.join(LOOK_EVERY)
    if asked.full_compile and thread.is_alive():
        asked.say("planned; the compiler goes on to its kernels")
        thread.join()
    if not ended:
        return None
    if isinstance(ended[0], CompileFailedError):
        raise ended[0]
    said = ended[0].memory_analysis()
    return Statistics(
        said.argument_size_in_bytes,
        said.output_size_in_bytes,
        said.alias_size_in_bytes,
        said.temp_size_in_bytes,
        said.peak_memory_in_bytes,
    )


def _planned(notes: Path) -> bool:
    """Whether the compiler's plan of memory is final and written down: a first kernel shows that the last note is closed."""
    names = [file.name for file in notes.iterdir()]
    return all(any(name.endswith(ending) for name in names) for ending in (KERNEL, LAST_NOTE))
