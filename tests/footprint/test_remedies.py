"""The search for the largest batch, on programs whose memory is known by formula."""

from __future__ import annotations

import pytest

from kerasmem_lint.footprint.account import Footprint, Moment, verdict
from kerasmem_lint.footprint.program import FootprintError, Setup, TrainingProgram
from kerasmem_lint.footprint.remedies import LARGEST_WORTH_TRYING, MOST_COMPILES, largest_batch, remedies


class Formula:
    """A program that needs ``peak(batch)`` bytes; it notes which batches were asked for."""

    def __init__(self, peak, limit):
        self.peak = peak
        self.limit = limit
        self.asked = []

    def __call__(self, program, setup):
        batch = program.batch_size or 32
        self.asked.append(batch)
        need = self.peak(batch, dict(setup.variant))
        high = int(need * 1.05)
        return Footprint(
            "xla", "jax", "T4", "Tesla T4", batch, need, int(need * 0.95), high, self.limit, verdict(need, high, self.limit),
            Moment("forward", "", ""), (), (), (), (), (),
        )  # fmt: skip


def line(fixed, each):
    return lambda batch, variant: fixed + each * batch


STEPS = {
    "a line": line(10**9, 10**8),
    "steps of kernels that pad": lambda batch, variant: 10**9 + 10**8 * (batch + -batch % 8),
    "a bend": lambda batch, variant: 10**9 + (10**8 * batch if batch < 64 else 2 * 10**8 * batch),
    "tiny samples": line(10**6, 4000),
}


@pytest.mark.parametrize("peak", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("limit", [3 * 10**9, 11 * 10**9, 60 * 10**9])
def test_the_largest_batch_was_estimated_and_fits_and_is_nearly_the_largest(peak, limit):
    program = Formula(peak, limit)
    start = TrainingProgram(script="train.py")
    found = largest_batch(start, Setup(), program(start, Setup()), program)
    assert found.batch in program.asked
    assert peak(found.batch, {}) == found.peak
    assert int(found.peak * 1.05) <= limit
    assert len(program.asked) == found.compiles <= MOST_COMPILES
    beyond = found.batch + found.batch // 10 + 8
    assert int(peak(beyond, {}) * 1.05) > limit or found.batch == LARGEST_WORTH_TRYING - 1


def test_where_a_single_sample_does_not_fit_there_is_no_batch():
    program = Formula(line(10**10, 10**8), limit=10**9)
    start = TrainingProgram(script="train.py")
    found = largest_batch(start, Setup(), program(start, Setup()), program)
    assert found.batch is None
    assert 1 in program.asked


@pytest.mark.parametrize("batch", [4096, 1 << 19])
def test_that_no_batch_fits_is_said_only_after_a_single_sample_was_tried(batch):
    program = Formula(lambda batch, variant: 10**10 + 10**8 * batch if batch > 1 else 10**8, limit=10**9)
    start = TrainingProgram(script="train.py", batch_size=batch)
    assert 1 == largest_batch(start, Setup(), program(start, Setup()), program).batch


class UpTo(Formula):
    """A formula whose larger batches the compiler refuses."""

    def __init__(self, most, limit):
        super().__init__(line(10**9, 10**8), limit)
        self.most = most

    def __call__(self, program, setup):
        if (program.batch_size or 32) > self.most:
            raise FootprintError("too large to compile")
        return super().__call__(program, setup)


def test_a_batch_that_cannot_be_estimated_ends_the_search_and_not_the_answer():
    program = UpTo(100, limit=50 * 10**9)
    start = TrainingProgram(script="train.py")
    found = largest_batch(start, Setup(), program(start, Setup()), program)
    assert 98 <= found.batch <= 100
    assert found.compiles <= MOST_COMPILES


def test_where_nothing_is_known_to_fit_the_reason_is_given():
    def estimate(program, setup):
        if program.batch_size:
            raise FootprintError("the model is built for a batch of 32, not 16")
        return Formula(line(10**10, 10**8), 10**9)(program, setup)

    start = TrainingProgram(script="train.py")
    with pytest.raises(FootprintError, match="built for a batch of 32"):
        largest_batch(start, Setup(), estimate(start, Setup()), estimate)


def test_only_changes_that_save_are_offered_the_best_first():
    def peak(batch, variant):
        slots = {"sgd": 0, "adafactor": 3 * 10**9}.get(variant.get("optimizer"), 2 * 10**9)
        halved = 2 if variant.get("dtype_policy") else 1
        return 10**9 + slots + 10**8 * batch // halved

    program = Formula(peak, limit=10**9)
    start = TrainingProgram(script="train.py")
    first = program(start, Setup())
    offered = remedies(start, Setup(), first, program)
    assert [4.2e9, 4.6e9, 4.6e9] == [remedy.footprint.peak for remedy in offered]
    assert ["SGD", "batch", "mixed"] == [remedy.title.split()[0] for remedy in offered]


def test_a_change_that_cannot_be_estimated_is_left_out():
    def estimate(program, setup):
        if setup.variant:
            raise FootprintError("does not compile")
        return Formula(line(10**9, 10**8), 10**9)(program, setup)

    start = TrainingProgram(script="train.py")
    offered = remedies(start, Setup(), estimate(start, Setup()), estimate)
    assert ["batch 16"] == [remedy.title.split(" (")[0] for remedy in offered]
