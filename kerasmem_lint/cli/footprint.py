"""``kerasmem-lint footprint``: what one training step needs on a GPU that is not here."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from kerasmem_lint.cli.output import write
from kerasmem_lint.errors import UsageError
from kerasmem_lint.footprint import Budget, Footprint, Setup, TrainingProgram, estimate, estimate_all
from kerasmem_lint.footprint.program import BACKENDS, ENGINES, FootprintError
from kerasmem_lint.footprint.remedies import LargestBatch, Remedy, largest_batch, remedies
from kerasmem_lint.footprint.text import failure_line, plain, render
from kerasmem_lint.knowledge import gpus

SCHEMA_VERSION = 1
"""Of the JSON output; raised when a field changes its meaning or goes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the verb its arguments."""
    parser.description = (
        "Runs a training program up to its first fit(), plans the training step with the compiler for the GPU named, and says "
        "whether it fits and what takes the memory. The program is really run up to that point."
    )
    parser.add_argument("script", nargs="?", help="training script or notebook; its own arguments go after --")
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="arguments of the script, after --")
    parser.add_argument("--entry", metavar="MODULE:FUNCTION", help="returns a compiled model, or (model, batch shapes)")
    parser.add_argument("--gpu", help="as in `kerasmem-lint gpus`, or a size such as 24GiB; default: this machine's")
    parser.add_argument("--batch-size", type=int, metavar="N", help="plan for this batch instead of the program's own")
    parser.add_argument("--backend", choices=BACKENDS, help="default: what the program chooses")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="how to estimate; default: the best for the backend")
    parser.add_argument("--max-batch", action="store_true", help="also find the largest batch that fits (several estimates)")
    parser.add_argument("--remedies", action="store_true", help="also compute what would help (several estimates)")
    parser.add_argument("--all", action="store_true", help="report every fit() of the program, not only the first")
    parser.add_argument("--full-compile", action="store_true", help="let XLA finish, and say its own peak; slower")
    parser.add_argument("--memory-fraction", type=float, metavar="F", help="share of the GPU that the backend may use")
    parser.add_argument("--reserve", metavar="SIZE", default="0MiB", help="memory to leave to others, such as 1GiB")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS", help="for each run; default 600")
    parser.add_argument("--memory-limit", metavar="SIZE", help="what the program may use here; default 3/4 of the machine")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--no-cache", action="store_true", help="estimate anew")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Carry the verb out; 0 where the step fits or may fit, 1 where it does not. Raises KerasmemError."""
    if (args.script is None) == (args.entry is None):
        raise UsageError("name either a script or --entry MODULE:FUNCTION")
    if args.memory_fraction is not None and not 0 < args.memory_fraction <= 1:
        raise UsageError(f"--memory-fraction {args.memory_fraction:g} is no share; give a number above 0, at most 1")
    if not args.timeout > 0:
        raise UsageError(f"--timeout {args.timeout:g} leaves no time; give seconds above 0")
    gpu = gpus.find(args.gpu) if args.gpu else gpus.local()
    budget = Budget(args.memory_fraction, gpus.parse_size(args.reserve))
    program = TrainingProgram(args.script, tuple(args.arguments), args.entry, args.batch_size, args.backend)
    limit = gpus.parse_size(args.memory_limit) if args.memory_limit else 0
    setup = Setup(args.engine, args.timeout, limit, not args.no_cache, full_compile=args.full_compile, progress=_progress())
    try:
        found = (estimate_all if args.all else _estimate_first)(program, setup, gpu, budget)
        again = partial(estimate, gpu=gpu, budget=budget)
        largest = largest_batch(program, setup, found[0], again) if args.max_batch else None
        helpful = remedies(program, setup, found[0], again) if args.remedies else ()
    except FootprintError as error:
        for line in error.detail:
            sys.stderr.write(f"  | {plain(line)}\n")
        place = error.file, error.line, error.cell
        raise FootprintError(failure_line(error), error.kind, error.detail, place) from error
    if args.format == "json":
        write(json.dumps(_json(found, largest, helpful), indent=2) + "\n", None)
    else:
        parts = [render(found[0], largest, helpful), *(render(footprint) for footprint in found[1:])]
        write("\n".join(parts), None)
    return 1 if any(footprint.fits == "no" for footprint in found) else 0


def _estimate_first(program: TrainingProgram, setup: Setup, gpu: gpus.Gpu, budget: Budget) -> tuple[Footprint, ...]:
    return (estimate(program, setup, gpu, budget),)


def _json(found: tuple[Footprint, ...], largest: LargestBatch | None, helpful: tuple[Remedy, ...]) -> dict[str, Any]:
    """The answer as ``docs/footprint.md`` describes it."""
    return {
        "version": SCHEMA_VERSION,
        "footprints": [footprint.to_json() for footprint in found],
        "largest_batch": None if largest is None else {"batch": largest.batch, "peak": largest.peak, "tried": largest.compiles},
        "remedies": [{"title": remedy.title, "footprint": remedy.footprint.to_json()} for remedy in helpful],
    }


def _progress() -> Callable[[str], None]:
    """Report stages with their seconds to a terminal, to nobody else."""
    started = time.monotonic()

    def say(stage: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"[{time.monotonic() - started:5.1f} s] {plain(stage)}\n")

    return say
