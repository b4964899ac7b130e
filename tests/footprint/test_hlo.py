"""Reading the compiler's notes, on plans stored in data/."""

from __future__ import annotations

from dataclasses import replace

import pytest
from plans import NAMES, stored

from kerasmem_lint.footprint import hlo


@pytest.mark.parametrize("name", NAMES)
def test_the_values_alive_at_the_peak_sum_to_the_compilers_own_figure(name):
    dump, result = stored(name)
    _, occupied = hlo.peak_step(hlo.parse(dump))
    assert result["plan"]["peak"] == occupied


@pytest.mark.parametrize("name", NAMES)
def test_what_is_reserved_is_arguments_outputs_and_temporaries(name):
    dump, result = stored(name)
    plan = result["plan"]
    module = hlo.parse(dump)
    constants = sum(a.size for a in module.allocations if a.kind == "constant")
    assert 0 <= module.reserved - constants - (plan["arguments"] + plan["outputs"] - plan["aliased"] + plan["temporary"]) <= 64


@pytest.mark.parametrize("name", NAMES)
def test_a_total_of_the_compiler_that_is_another_is_not_read(name):
    dump, _ = stored(name)
    total = sum(allocation.size for allocation in hlo.parse(dump).allocations)
    report = "Memory Space: default (color=0)\nTotal bytes: {} (1.0MiB)\n"
    assert hlo.parse(dump) == hlo.parse(replace(dump, usage=report.format(total)))
    with pytest.raises(hlo.UnreadableDumpError, match=f"sum to {total} bytes, the compiler says {total + 1}"):
        hlo.parse(replace(dump, usage=report.format(total + 1)))


@pytest.mark.parametrize("name", NAMES)
def test_no_step_of_the_schedule_holds_more_than_the_peak(name):
    module = hlo.parse(stored(name)[0])
    _, peak = hlo.peak_step(module)
    occupied = [module.held + sum(share for _, share in hlo.live_at(module, step)) for step in range(len(module.schedule) + 1)]
    assert max(occupied) == peak


@pytest.mark.parametrize("name", NAMES)
def test_every_argument_has_a_name_and_every_name_an_argument(name):
    dump, result = stored(name)
    numbers = sorted(a.parameter for a in hlo.parse(dump).allocations if a.parameter is not None)
    assert list(range(len(result["parameters"]))) == numbers


BUFFERS = """BufferAssignment:
allocation 0: size 40, parameter 0, shape |f32[10]| at ShapeIndex {}, maybe-live-out:
 value: <1 weight @0> (size=40,offset=0): f32[10]{0}
allocation 1: size 4, thread-local:
 value: <2 add @0> (size=4,offset=0): f32[]
allocation 2: size 8, constant:
 value: <3 one @0> (size=8,offset=0): f32[2]{0}
allocation 3: size 512, preallocated-temp:
 value: <4 first @0> (size=100,offset=0): f32[25]{0}
 value: <5 second{} @0> (size=16,offset=256): (f32[25]{0}, f32[25]{0})
 value: <6 second{0} @0> (size=100,offset=0): f32[25]{0}
 value: <7 second{1} @0> (size=60,offset=128): f32[15]{0}
 value: <8 loop{0} (phi) @0> (size=60,offset=128): f32[15]{0}
"""
RANGES = """HloLiveRange (max 4):
  InstructionSequence:
    0:weight
    1:first
    2:second
    3:loop
  BufferLiveRange:
    weight{}:0-4
    first{}:1-2
    second{}:2-3
    second{0}:2-3
    second{1}:2-3
    loop{0}:3-4
  Live ranges at 2 (peak):
    second{0}: 100 bytes (cumulative: 100 bytes)
"""
VALUES = """Total bytes used: 564 (564B)

Used values:
<4 first @0>
 positions:
  first
 uses:
  second, operand 0
 from instruction: %first = f32[25]{0} fusion(%weight), kind=kLoop, metadata={op_name="jit(train_step)/jvp(dense)/mul"}
<8 loop{0} (phi) @0>
 positions:
  loop {0}
 uses:
  (none)
 from instruction: %loop = (f32[15]{0}) while(%second), body=%b
"""
SMALL = hlo.Dump(BUFFERS, RANGES, VALUES)


def test_values_that_share_memory_are_counted_once():
    module = hlo.parse(SMALL)
    assert (2, 40 + 8 + 100 + 60) == hlo.peak_step(module)


def test_tables_of_pointers_and_registers_are_no_part_of_the_peak():
    module = hlo.parse(SMALL)
    assert {"weight", "add", "one", "first", "second", "loop"} == {value.instruction for value in module.values}
    assert "{}" not in {value.index for value in module.values if value.instruction == "second"}
    assert 40 + 8 == module.held
    assert 40 + 8 + 512 == module.reserved


def test_instructions_keep_their_name_operands_and_readers():
    module = hlo.parse(SMALL)
    first = module.instructions["first"]
    assert ("fusion", "jit(train_step)/jvp(dense)/mul", ("weight",)) == (first.opcode, first.op_name, first.operands)
    assert ("second",) == module.users[4]


def test_a_value_without_a_live_range_is_an_error_not_a_guess():
    with pytest.raises(hlo.UnreadableDumpError, match=r"no live range for second\{1\}"):
        hlo.parse(replace(SMALL, live_range=RANGES.replace("    second{1}:2-3\n", "")))


@pytest.mark.parametrize("damage", ["", "nothing of the kind\n", BUFFERS[:25]])
def test_text_of_another_form_is_refused(damage):
    with pytest.raises(hlo.UnreadableDumpError):
        hlo.parse(replace(SMALL, buffer_assignment=damage))
