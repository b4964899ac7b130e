"""What to estimate, how, and within which budget: the questions that the footprint wing answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from kerasmem_lint.errors import KerasmemError
from kerasmem_lint.knowledge.gpus import Gpu

Engine = Literal["auto", "xla", "torch", "graph", "bound"]
ENGINES: tuple[Engine, ...] = ("auto", "xla", "torch", "graph", "bound")
BACKENDS = ("jax", "tensorflow", "torch")


class FootprintError(KerasmemError):
    """No footprint could be made; the text says why on one line. ``detail`` holds the last lines of the program's output.

    ``file``, ``line`` and ``cell`` (of a notebook, else None) are the line of the program that it happened at, '' and 0 where
    that is not known.
    """

    def __init__(
        self,
        message: str,
        kind: str = "",
        detail: tuple[str, ...] = (),
        place: tuple[str, int, int | None] = ("", 0, None),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.detail = detail
        self.file, self.line, self.cell = place


@dataclass(frozen=True, slots=True)
class TrainingProgram:
    """A program that trains: a script or notebook with its arguments, or ``module:function`` that returns a compiled model.

    ``batch_size`` replaces the program's own, ``backend`` chooses Keras' backend; None leaves both to the program.
    """

    script: str | None = None
    arguments: tuple[str, ...] = ()
    entry: str | None = None
    batch_size: int | None = None
    backend: str | None = None
    directory: str = "."

    def to_json(self) -> dict[str, Any]:
        """The program as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> TrainingProgram:
        """The inverse of :meth:`to_json`."""
        return cls(**{**data, "arguments": tuple(data["arguments"])})

    @property
    def label(self) -> str:
        """What to call the program in a message."""
        return self.entry or self.script or ""


def _silent(stage: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How to run: engine, limits, and whether an earlier answer will do.

    ``timeout`` in seconds; ``memory_limit`` in bytes of resident memory of the child and its own children, 0 for three
    quarters of the machine's. ``full_compile`` lets XLA write its kernels as well: nothing that an answer needs but the compiler's
    own figure of the peak. ``progress`` is called with the name of each stage.
    """

    engine: Engine = "auto"
    timeout: float = 600.0
    memory_limit: int = 0
    cached: bool = True
    variant: tuple[tuple[str, str], ...] = ()
    full_compile: bool = False
    progress: Callable[[str], None] = field(default=_silent, compare=False)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a GPU a program may use: ``memory_fraction`` as the backend's setting has it, ``reserve`` bytes set aside."""

    memory_fraction: float | None = None
    reserve: int = 0


CONTEXT = 450 << 20
"""Bytes that the CUDA context, cuBLAS and cuDNN take outside the backend's pool: 300 to 600 MiB have been seen."""

JAX_FRACTION = 0.75
"""What JAX preallocates unless XLA_PYTHON_CLIENT_MEM_FRACTION says otherwise (JAX manual, "GPU memory allocation")."""

_TENSORFLOW_KEEPS_BACK = {6: 500 << 20, 7: 1050 << 20}
_TENSORFLOW_KEEPS_BACK_SINCE_8 = 1536 << 20
"""What TensorFlow leaves to the system, by compute capability (MinSystemMemory in its gpu_device.cc)."""


def limit_of(backend: str, gpu: Gpu, budget: Budget) -> tuple[int, str]:
    """Bytes that a training step may use on a GPU, and the sentence that says why it is not the whole card."""
    if backend == "jax":
        fraction = JAX_FRACTION if budget.memory_fraction is None else budget.memory_fraction
        limit = min(int(gpu.memory * fraction), gpu.memory - CONTEXT)
        why = f"JAX uses {fraction:.0%} of the GPU's memory (XLA_PYTHON_CLIENT_MEM_FRACTION)"
    else:
        fraction = 1.0 if budget.memory_fraction is None else budget.memory_fraction
        kept = CONTEXT
        why = f"about {CONTEXT >> 20} MiB go to the CUDA context and libraries"
        if backend == "tensorflow":
            major = int(gpu.compute_capability.split(".")[0])
            kept += _TENSORFLOW_KEEPS_BACK.get(major, _TENSORFLOW_KEEPS_BACK_SINCE_8)
            why = f"TensorFlow leaves {(kept - CONTEXT) >> 20} MiB to the system, and {why}"
        limit = min(int(gpu.memory * fraction), gpu.memory - kept)
    if budget.reserve:
        why += f"; {budget.reserve >> 20} MiB are reserved by the settings"
    return max(0, limit - budget.reserve), why
