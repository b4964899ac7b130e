"""What would make a program fit: the largest batch, a smaller optimizer, half precision. Every figure is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kerasmem_lint.footprint.account import Footprint
from kerasmem_lint.footprint.program import FootprintError, Setup, TrainingProgram

Estimate = Callable[[TrainingProgram, Setup], Footprint]
"""A program and a setup to the footprint on the GPU and in the budget at hand."""

MOST_COMPILES = 10
LARGEST_WORTH_TRYING = 1 << 20


@dataclass(frozen=True, slots=True)
class LargestBatch:
    """The largest batch found to fit and the peak of its plan. ``batch`` is None where a single sample does not fit."""

    batch: int | None
    peak: int
    compiles: int


def largest_batch(program: TrainingProgram, setup: Setup, first: Footprint, estimate: Estimate) -> LargestBatch:
    """The largest batch whose high end is within the limit; each number was really estimated.

    Memory is close to a line in the batch: two points aim, the next ones verify and close in from both sides. A batch that
    cannot be estimated (the compiler may refuse huge ones) is an end of the search like one that does not fit; raises its
    FootprintError where nothing else is known to fit.
    """
    tried: dict[int, Footprint] = {first.batch: first}
    refused: dict[int, FootprintError] = {}

    def ask(batch: int) -> None:
        setup.progress(f"trying a batch of {batch}")
        try:
            tried[batch] = estimate(replace(program, batch_size=batch), setup)
        except FootprintError as error:
            refused[batch] = error

    ask(max(1, first.batch // 2) if first.batch > 1 else 2)
    while True:
        fitting = max((batch for batch, found in tried.items() if found.high <= found.limit), default=0)
        if refused and not fitting:
            raise refused.popitem()[1]
        failing = min([*refused, *(batch for batch, found in tried.items() if found.high > found.limit), LARGEST_WORTH_TRYING])
        compiles = len(tried) + len(refused)
        if failing - fitting <= max(1, fitting // 64) or compiles >= MOST_COMPILES:
            break
        ask(1 if not fitting and compiles == MOST_COMPILES - 1 else _aim(tried, fitting, failing))
    if not fitting:
        return LargestBatch(None, tried[min(tried)].peak, compiles)
    return LargestBatch(fitting, tried[fitting].peak, compiles)


def _aim(tried: dict[int, Footprint], fitting: int, failing: int) -> int:
    """Where the line through the two points nearest to the limit crosses it, strictly between what fits and what does not."""
    (b1, f1), (b2, f2) = sorted(sorted(tried.items(), key=lambda item: abs(item[1].high - item[1].limit))[:2])
    slope = (f2.high - f1.high) / (b2 - b1)
    aim = int(b1 + (f1.limit - f1.high) / slope) if slope > 0 else 2 * max(tried)
    if not fitting and aim < 1:
        return 1
    if failing < LARGEST_WORTH_TRYING and not fitting < aim < failing:
        aim = (fitting + failing) // 2
    return min(max(aim, fitting + 1), failing - 1, max(16 * max(tried), 1))


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change of the program, and the footprint it was estimated with."""

    title: str
    footprint: Footprint


VARIANTS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("mixed precision (mixed_bfloat16)", (("dtype_policy", "mixed_bfloat16"),)),
    ("SGD without momentum", (("optimizer", "sgd"),)),
    ("Adafactor", (("optimizer", "adafactor"),)),
)


def remedies(program: TrainingProgram, setup: Setup, first: Footprint, estimate: Estimate) -> tuple[Remedy, ...]:
    """What each change would make of the step, largest saving first; a change that fails or saves nothing is left out."""
    found: list[Remedy] = []
    if first.batch > 1:
        half = first.batch // 2
        title = f"batch {half} (with gradient_accumulation_steps=2 the same step size, plus one gradient per weight)"
        _try(found, title, replace(program, batch_size=half), setup, estimate)
    for title, variant in VARIANTS:
        _try(found, title, program, replace(setup, variant=variant), estimate)
    return tuple(sorted((r for r in found if r.footprint.peak < first.peak), key=lambda remedy: remedy.footprint.peak))


def _try(found: list[Remedy], title: str, program: TrainingProgram, setup: Setup, estimate: Estimate) -> None:
    setup.progress(f"trying {title}")
    try:
        found.append(Remedy(title, estimate(program, setup)))
    except FootprintError:
        return
