"""From a footprint to diagnostics: the only corridor between the two wings.

KM901 ``over-budget``: the training step does not fit the configured GPU. KM902 ``footprint-unsure``: it may not.
KM903 ``footprint-failed``: no footprint could be made, with the reason. All stand at the call of ``fit``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kerasmem_lint.diagnostics import Diagnostic, Fix, Label, Location, Severity, Span
from kerasmem_lint.errors import ConfigError, KerasmemError, SourceError
from kerasmem_lint.footprint import MOST_SAMPLES, Budget, Footprint, FootprintError, Setup, TrainingProgram, estimate
from kerasmem_lint.footprint.program import BACKENDS, ENGINES, Engine
from kerasmem_lint.footprint.remedies import LargestBatch, largest_batch
from kerasmem_lint.footprint.text import largest_line, plain, size
from kerasmem_lint.knowledge import gpus
from kerasmem_lint.source import SourceFile, read

MOST_CAUSES = 3


@dataclass(frozen=True, slots=True)
class FootprintSettings:
    """The table ``[tool.kerasmem-lint.footprint]``. ``timeout`` in seconds, ``reserve`` in bytes."""

    gpu: str
    script: str | None = None
    arguments: tuple[str, ...] = ()
    entry: str | None = None
    batch: int | None = None
    backend: str | None = None
    engine: Engine = "auto"
    timeout: float = 600.0
    memory_fraction: float | None = None
    reserve: int = 0
    max_batch: bool = True


_KINDS: dict[str, tuple[type, ...]] = {
    "gpu": (str,),
    "script": (str,),
    "arguments": (list, tuple),
    "entry": (str,),
    "batch": (int,),
    "backend": (str,),
    "engine": (str,),
    "timeout": (int, float),
    "memory-fraction": (int, float),
    "reserve": (str,),
    "max-batch": (bool,),
}


def settings_from(table: Mapping[str, Any]) -> FootprintSettings:
    """The settings in a configuration table. Raises ConfigError: an unknown key, a wrong type, no program or no GPU named."""
    where = "[tool.kerasmem-lint.footprint]"
    for key, value in table.items():
        if key not in _KINDS:
            near = difflib.get_close_matches(key, _KINDS, n=1)
            raise ConfigError(f"{where}: unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        if not isinstance(value, _KINDS[key]) or (isinstance(value, bool) and bool not in _KINDS[key]):
            wanted = " or ".join(kind.__name__ for kind in _KINDS[key])
            raise ConfigError(f"{where}: {key} is a {type(value).__name__}; it takes a {wanted}")
    if "gpu" not in table:
        raise ConfigError(f'{where}: name the GPU to plan for, such as gpu = "T4"')
    if ("script" in table) == ("entry" in table):
        raise ConfigError(f"{where}: name either script or entry")
    if table.get("engine", "auto") not in ENGINES:
        raise ConfigError(f"{where}: engine is one of {', '.join(ENGINES)}")
    if table.get("backend", "jax") not in BACKENDS:
        raise ConfigError(f"{where}: backend is one of {', '.join(BACKENDS)}")
    if not 1 <= table.get("batch", 1) <= MOST_SAMPLES:
        raise ConfigError(f"{where}: a batch of {table['batch']} is impossible; give a whole number from 1 to {MOST_SAMPLES}")
    if not table.get("timeout", 1) > 0:
        raise ConfigError(f"{where}: timeout = {table['timeout']:g} leaves no time; give seconds above 0")
    if not 0 < table.get("memory-fraction", 1) <= 1:
        raise ConfigError(
            f"{where}: memory-fraction = {table['memory-fraction']:g} is no share; give a number above 0, at most 1"
        )
    try:
        gpus.find(table["gpu"])
        reserve = gpus.parse_size(table.get("reserve", "0MiB"))
    except KerasmemError as error:
        raise ConfigError(f"{where}: {error}") from error
    fields = {key.replace("-", "_"): value for key, value in table.items()}
    return FootprintSettings(**{**fields, "reserve": reserve, "arguments": tuple(map(str, table.get("arguments", ())))})


def check_footprint(settings: FootprintSettings, directory: Path, setup: Setup | None = None) -> tuple[Diagnostic, ...]:
    """Run the configured program up to its first ``fit`` and say whether it fits: no diagnostic where it does.

    ``directory`` is where the configuration stands; paths in the diagnostics are relative to it. This runs the user's code.
    """
    gpu = gpus.find(settings.gpu)
    budget = Budget(settings.memory_fraction, settings.reserve)
    program = TrainingProgram(
        settings.script, settings.arguments, settings.entry, settings.batch, settings.backend, str(directory)
    )
    setup = setup or Setup(settings.engine, settings.timeout)
    ask = partial(estimate, gpu=gpu, budget=budget)
    try:
        found = ask(program, setup)
    except FootprintError as error:
        return (failed(error, settings.script or "pyproject.toml", directory),)
    largest = None
    if settings.max_batch and found.fits == "no":
        with suppress(FootprintError):  # that the step does not fit is known, whatever becomes of the search
            largest = largest_batch(program, setup, found, ask)
    diagnostic = judge(found, directory, largest)
    return () if diagnostic is None else (diagnostic,)


def judge(footprint: Footprint, directory: Path, largest: LargestBatch | None = None) -> Diagnostic | None:
    """KM901 or KM902 at the call of ``fit``; None where the step fits."""
    if footprint.fits == "yes":
        return None
    path = _relative(footprint.file or "pyproject.toml", directory)
    need = f"{size(footprint.peak)} ({size(footprint.low)} to {size(footprint.high)})"
    if footprint.fits == "no":
        causes = sorted(footprint.by_category, key=lambda part: -part[1])[:MOST_CAUSES]
        named = ", ".join(f"{category.replace('_', '-')} {size(count)}" for category, count in causes)
        message = (
            f"a training step of batch {footprint.batch} needs {need} of {footprint.gpu}'s {size(footprint.limit)}: {named}"
        )
        title = "use a smaller batch, a smaller model or a larger GPU" if largest is None else largest_line(largest)
        fix = Fix(title, "display")
        return _diagnostic("KM901", "over-budget", "error", plain(message), path, directory, footprint, fix)
    message = (
        f"a training step of batch {footprint.batch} needs {need}, {footprint.gpu} has {size(footprint.limit)}: it may not fit"
    )
    return _diagnostic("KM902", "footprint-unsure", "info", plain(message), path, directory, footprint, None)


def failed(error: FootprintError, path: str, directory: Path) -> Diagnostic:
    """KM903, with the reason, where the program went wrong; at the top of its file where that is not known."""
    path = _relative(error.file or path, directory)
    where = _place(_source(directory / path), error.line or 1, error.cell)
    message = f"no footprint could be made: {plain(str(error))}"
    return Diagnostic(
        path=path,
        location=where[1],
        code="KM903",
        name="footprint-failed",
        message=message,
        severity="warning",
        confidence="high",
        span=where[0],
        source=where[2],
    )


def _diagnostic(
    code: str, name: str, severity: Severity, message: str, path: str, directory: Path, footprint: Footprint, fix: Fix | None
) -> Diagnostic:
    file = _source(directory / path)
    span, location, source = _place(file, footprint.line or 1, footprint.cell)
    labels: list[Label] = []
    for layer in footprint.by_layer:
        if layer.path and layer.file and layer.line and _relative(layer.file, directory) == path and len(labels) < MOST_CAUSES:
            place = _place(file, layer.line, layer.cell)
            labels.append(Label(f"{plain(layer.path)} holds {size(layer.bytes)} at the peak", *place))
    return Diagnostic(
        path=path,
        location=location,
        code=code,
        name=name,
        message=message,
        severity=severity,
        confidence="high" if code == "KM901" else "medium",
        span=span,
        source=source,
        labels=tuple(labels),
        fix=fix,
    )


def _relative(path: str, directory: Path) -> str:
    full = directory / path
    return (
        full.resolve().relative_to(directory.resolve()).as_posix()
        if full.resolve().is_relative_to(directory.resolve())
        else path
    )


def _source(path: Path) -> SourceFile | None:
    """The file that a diagnostic stands in, None where it cannot be read."""
    try:
        return read(path)
    except SourceError:
        return None


def _place(file: SourceFile | None, line: int, cell: int | None = None) -> tuple[Span, Location, tuple[str, ...]]:
    """The code on a line, of a cell in a notebook, without the white space around it; else an empty place at the start."""
    nowhere = Span(0, 0), Location(1, 1, 1, 1, 1, 1), ()
    if file is None:
        return nowhere
    if file.notebook is not None:
        held = file.notebook.cell_numbered(cell) if cell else next(iter(file.notebook.cells), None)
        if held is None:
            return nowhere
        line += file.lines.position(held.start)[0] - 1
    if not 1 <= line <= len(file.lines.starts):
        return nowhere
    start, end = file.lines.starts[line - 1], file.lines.line_end(line)
    text = file.text[start:end]
    start += len(text) - len(text.lstrip())
    span = Span(start, max(start, end - len(text) + len(text.rstrip())))
    location = file.location(span)
    return span, location, file.source_lines(location)
