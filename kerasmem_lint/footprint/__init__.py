"""How much memory one training step of a Keras program needs on a GPU that is not here.

:func:`estimate` is the door. It runs the program in a child process, up to its first training step, has that step planned
by the compiler (or followed by another engine), and accounts for every byte. This process imports no framework.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from kerasmem_lint.footprint import account, cache, hlo
from kerasmem_lint.footprint.account import Account, Footprint
from kerasmem_lint.footprint.launch import how_it_ended, run_child
from kerasmem_lint.footprint.names import Names, Parameter
from kerasmem_lint.footprint.program import Budget, FootprintError, Setup, TrainingProgram, limit_of
from kerasmem_lint.footprint.traced import account_for_bound, account_for_trace
from kerasmem_lint.knowledge.gpus import Gpu, target_text

__all__ = ["Budget", "Footprint", "FootprintError", "Setup", "TrainingProgram", "estimate", "estimate_all", "judged"]

MOST_SAMPLES = (1 << 31) - 1
"""The largest batch that can be asked for: the frameworks count in 32 bits."""


def estimate(program: TrainingProgram, setup: Setup, gpu: Gpu, budget: Budget | None = None) -> Footprint:
    """The footprint of the program's first training step on ``gpu``.

    Raises :class:`FootprintError`, one line, where there is none: the program failed, does not train, an engine is missing,
    the step does not compile for this GPU, or a limit of ``setup`` was reached.
    """
    return _estimate(program, setup, gpu, budget or Budget(), every=False)[0]


def estimate_all(program: TrainingProgram, setup: Setup, gpu: Gpu, budget: Budget | None = None) -> tuple[Footprint, ...]:
    """The footprints of every training step that the program begins, in order. Raises as :func:`estimate` does."""
    return _estimate(program, setup, gpu, budget or Budget(), every=True)


def _estimate(program: TrainingProgram, setup: Setup, gpu: Gpu, budget: Budget, every: bool) -> tuple[Footprint, ...]:
    _check(program)
    request = {
        "script": program.script,
        "arguments": list(program.arguments),
        "entry": program.entry,
        "batch_size": program.batch_size,
        "backend": program.backend,
        "engine": setup.engine,
        "variant": dict(setup.variant),
        "gpu": gpu.key,
        "target": target_text(gpu),
        "all": every,
        "full_compile": setup.full_compile,
    }
    key = cache.key(program, request)
    if setup.cached and (found := _known(key)):
        return tuple(judged(footprint, gpu, budget) for footprint in found)
    with run_child(program, setup, request) as directory:
        steps = sorted(directory.glob("step-*/result.json"), key=lambda path: int(path.parent.name.partition("-")[2]))
        found = tuple(_read(path, gpu) for path in steps)
        if (ending := how_it_ended(directory)) and every:
            note = f"after this step the program ended: {ending}; later steps are not reported"
            found = (*found[:-1], replace(found[-1], assumptions=(*found[-1].assumptions, note)))
    cache.store(key, [footprint.to_json() for footprint in found])
    return tuple(judged(footprint, gpu, budget) for footprint in found)


def _known(key: str) -> tuple[Footprint, ...]:
    """The answer that is kept under a key; empty where there is none, or another version's."""
    try:
        return tuple(Footprint.from_json(row) for row in cache.load(key) or ())
    except (TypeError, KeyError, ValueError, AttributeError):
        return ()


def _check(program: TrainingProgram) -> None:
    if program.batch_size is not None and not 1 <= program.batch_size <= MOST_SAMPLES:
        raise FootprintError(f"a batch of {program.batch_size} is impossible; give a whole number from 1 to {MOST_SAMPLES}")
    if not Path(program.directory or ".").is_dir():
        raise FootprintError(f"{program.directory}: no such directory")
    if program.script is not None and (Path(program.directory) / program.script).is_dir():
        raise FootprintError(f"{program.script}: a folder; name the script or notebook in it")
    if program.script is not None and not (Path(program.directory) / program.script).is_file():
        raise FootprintError(f"{program.script}: no such file")
    if program.script is None and (program.entry is None or ":" not in program.entry):
        raise FootprintError(f"{program.entry or 'nothing'} is no entry; write it as module:function")


def _read(path: Path, gpu: Gpu) -> Footprint:
    """The footprint in one result of the child; limit and verdict are still open."""
    result: dict[str, Any] = json.loads(path.read_text())
    names = Names(
        layers=result["layers"],
        places={layer: (where["file"], where["line"], where["cell"]) for layer, where in result["places"].items()},
        optimizer=result["optimizer"],
        more_optimizers=tuple(result["more_optimizers"]),
    )
    parts = _account(result, path.parent, names, gpu)
    call = result["call"] or {"file": "", "line": 0, "cell": None}
    assumptions = (*result["notes"], *parts.notes, *((gpu.note,) if gpu.note else ()))
    return Footprint(
        engine=result["engine"],
        backend=result["backend"],
        gpu=gpu.key,
        gpu_name=gpu.name,
        batch=result["batch"],
        peak=parts.peak,
        low=parts.low,
        high=parts.high,
        limit=0,
        fits="unsure",
        moment=parts.moment,
        by_category=parts.by_category,
        by_layer=parts.by_layer,
        timeline=parts.timeline,
        assumptions=assumptions,
        versions=tuple(sorted(result["versions"].items())),
        compiler_peak=parts.compiler_peak,
        file=call["file"],
        line=call["line"],
        cell=call["cell"],
        memory_fraction=result["memory_fraction"],
        elsewhere=result["elsewhere"],
    )


def _account(result: dict[str, Any], place: Path, names: Names, gpu: Gpu) -> Account:
    if "trace" in result:
        return account_for_trace(result["trace"], names, gpu.compute_capability)
    if "bound" in result:
        return account_for_bound(result["bound"])
    notes = place / "plan"
    usage = notes / "usage.txt"
    try:
        buffers, ranges, values = ((notes / name).read_text() for name in ("buffers.txt", "ranges.txt", "values.txt"))
    except FileNotFoundError as error:
        raise FootprintError(
            f"this version of jaxlib leaves no plan that can be read: {Path(error.filename).name} is missing", "plan"
        ) from error
    dump = hlo.Dump(buffers, ranges, values, usage.read_text() if usage.exists() else "")
    parameters = [Parameter(*row) for row in result["parameters"]]
    try:
        found = account.account_for_plan(dump, parameters, names, result["plan"] and result["plan"]["peak"])
    except hlo.UnreadableDumpError as error:
        raise FootprintError(f"the compiler's plan cannot be read with these versions of jaxlib: {error}", "plan") from error
    return account.without_the_compiler(found) if result["eager"] else found


def judged(footprint: Footprint, gpu: Gpu, budget: Budget) -> Footprint:
    """The same footprint held against the budget of its backend on ``gpu``: limit and verdict filled in."""
    if budget.memory_fraction is None:
        budget = replace(budget, memory_fraction=footprint.memory_fraction)
    limit, why = limit_of(footprint.backend, gpu, budget)
    if footprint.elsewhere >= 1 << 20:
        limit = max(0, limit - footprint.elsewhere)
        why += f"; {footprint.elsewhere >> 20} MiB hold variables of other models that the program keeps"
    fits = account.verdict(footprint.low, footprint.high, limit)
    return replace(footprint, limit=limit, fits=fits, assumptions=(*footprint.assumptions, f"limit: {why}"))
