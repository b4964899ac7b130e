"""Reading what XLA writes down about a compiled module: its buffer assignment, its live ranges, its instructions.

The four texts are those that ``--xla_dump_to`` with ``--xla_dump_hlo_as_text`` leaves behind (seen with the compilers of
jaxlib 0.10): ``*-buffer-assignment.txt`` has every allocation with the values placed in it, ``*-live-range.txt`` the order of
the instructions and when each value begins and ends, ``*-buffer-assignment-values.txt`` each value's users and the instruction
that defines it, with the name of the operation in the user's program, ``*-memory-usage-report.txt`` the bytes of all allocations
together. All sizes are bytes.

A value that is a tuple is a table of some pointers. The compiler's own peak leaves these tables out, though it sets memory
aside for them; so do :func:`peak_step` and :func:`live_at`, and the tables are part of what ``Module.reserved`` has more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


class UnreadableDumpError(ValueError):
    """The compiler's text is not of the form this module knows: another version of XLA, or a truncated file."""


@dataclass(frozen=True, slots=True)
class Dump:
    """The texts, as the compiler wrote them. ``usage`` is '' from a compiler that writes none."""

    buffer_assignment: str
    live_range: str
    values: str
    usage: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One piece of device memory. ``parameter`` is the number of the entry parameter that lives in it, None for others."""

    id: int
    size: int
    parameter: int | None
    kind: str
    """``parameter``, ``constant``, ``thread-local`` (registers of a kernel, no device memory), ``temp`` or ``output``."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value in an allocation, alive from schedule step ``start`` to ``end``, both included."""

    id: int
    instruction: str
    index: str
    shape: str
    size: int
    offset: int
    allocation: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction of the module. ``op_name`` is the path of scopes and operations in the traced program, often empty."""

    name: str
    opcode: str
    op_name: str
    operands: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Module:
    """The plan of one module: allocations, the values in them, the instructions in the order in which they run."""

    allocations: tuple[Allocation, ...]
    values: tuple[Value, ...]
    schedule: tuple[str, ...]
    instructions: dict[str, Instruction]
    users: dict[int, tuple[str, ...]]
    """Which instructions read a value, by the value's id."""

    @cached_property
    def temporary(self) -> frozenset[int]:
        """The allocations that are reused over time; all others are held for the whole step."""
        return frozenset(a.id for a in self.allocations if a.kind == "temp")

    @property
    def held(self) -> int:
        """Bytes of everything held from the first instruction to the last: parameters, outputs, constants."""
        return sum(a.size for a in self.allocations if a.kind in ("parameter", "output", "constant"))

    @property
    def reserved(self) -> int:
        """Bytes the runtime asks the device for, gaps between the values included."""
        return self.held + sum(a.size for a in self.allocations if a.kind == "temp")


_ALLOCATION = re.compile(r"allocation (\d+): size (\d+)(?:, (.*?))?:?$")
_TOTAL = re.compile(r"^Total bytes: (\d+)", re.MULTILINE)
_PLACED = re.compile(r" value: <(\d+) (\S+?)(?: \(phi\))? @\d+> \(size=(\d+),offset=(\d+)\): (.*)$")
_RANGE = re.compile(r"\s+(.+?)(\{[\d,]*\}):(\d+)-(\d+)$")
_ORDERED = re.compile(r"\s+\d+:(\S+)$")
_NAME = re.compile(r"(.*?)(\{[\d,]*\})?$")
_VALUE = re.compile(r"<(\d+) (\S+?)(?: \(phi\))? @\d+>$")
_USE = re.compile(r"  (\S+), operand ")
_FROM = re.compile(r" from instruction: ?(?:ROOT )?%?(\S+) = (.*)$")
_OP_NAME = re.compile(r'op_name="((?:[^"\\]|\\.)*)"')
_OPCODE = re.compile(r"\s([a-z][a-z0-9-]*)\(")
_OPERAND = re.compile(r"%([^\s,()]+)")


def parse(dump: Dump) -> Module:
    """The plan in the texts. Raises :class:`UnreadableDumpError` where they are not what this module knows."""
    schedule, ranges = _parse_live_range(dump.live_range)
    allocations: list[Allocation] = []
    values: list[Value] = []
    for line in dump.buffer_assignment.splitlines():
        if match := _ALLOCATION.match(line):
            allocations.append(_allocation(int(match[1]), int(match[2]), match[3] or ""))
        elif (match := _PLACED.match(line)) and not match[5].startswith("("):
            instruction, index = _split(match[2])
            span = ranges.get((instruction, index))
            if not allocations:
                raise UnreadableDumpError(f"a value stands before the first allocation: {line.strip()[:80]}")
            if allocations[-1].kind == "temp" and span is None:
                raise UnreadableDumpError(f"no live range for {instruction}{index}")
            start, end = span or (0, len(schedule))
            values.append(
                Value(int(match[1]), instruction, index, match[5], int(match[3]), int(match[4]), allocations[-1].id, start, end)
            )
    if not allocations or not schedule:
        raise UnreadableDumpError("the compiler's dump holds no allocation or no schedule")
    if dump.usage and (total := sum(a.size for a in allocations)) != (said := sum(map(int, _TOTAL.findall(dump.usage)))):
        raise UnreadableDumpError(f"the allocations sum to {total} bytes, the compiler says {said}")
    instructions, users = _parse_values(dump.values)
    return Module(tuple(allocations), tuple(values), tuple(schedule), instructions, users)


def _allocation(number: int, size: int, flags: str) -> Allocation:
    parameter = re.search(r"\bparameter (\d+)", flags)
    if "thread-local" in flags:
        kind = "thread-local"
    elif parameter:
        kind = "parameter"
    elif "constant" in flags:
        kind = "constant"
    elif "preallocated-temp" in flags:
        kind = "temp"
    else:
        kind = "output"
    return Allocation(number, size, int(parameter[1]) if parameter else None, kind)


def _split(name: str) -> tuple[str, str]:
    match = _NAME.match(name)
    return (match[1], match[2] or "{}") if match else (name, "{}")


def _parse_live_range(text: str) -> tuple[list[str], dict[tuple[str, str], tuple[int, int]]]:
    schedule: list[str] = []
    ranges: dict[tuple[str, str], tuple[int, int]] = {}
    section = ""
    for line in text.splitlines():
        heading = line.strip()
        if heading.startswith(("InstructionSequence", "BufferLiveRange", "Live ranges at")):
            section = heading
        elif section.startswith("InstructionSequence") and (match := _ORDERED.match(line)):
            schedule.append(match[1])
        elif section.startswith("BufferLiveRange") and (match := _RANGE.match(line)):
            ranges[(match[1], match[2])] = (int(match[3]), int(match[4]))
    return schedule, ranges


def _parse_values(text: str) -> tuple[dict[str, Instruction], dict[int, tuple[str, ...]]]:
    instructions: dict[str, Instruction] = {}
    users: dict[int, tuple[str, ...]] = {}
    current = -1
    using: list[str] = []
    for line in text.splitlines():
        if match := _VALUE.match(line):
            current, using = int(match[1]), []
        elif match := _USE.match(line):
            using.append(match[1])
        elif match := _FROM.match(line):
            users[current] = tuple(using)
            if match[1] not in instructions:
                instructions[match[1]] = _instruction(match[1], match[2])
    return instructions, users


def _instruction(name: str, text: str) -> Instruction:
    op_name = _OP_NAME.search(text)
    opcode = _OPCODE.search(" " + text)
    head = text.split("), ", 1)[0][opcode.end() - 1 if opcode else 0 :]
    return Instruction(name, opcode[1] if opcode else "", op_name[1] if op_name else "", tuple(_OPERAND.findall(head)), text)


def live_at(module: Module, step: int) -> tuple[tuple[Value, int], ...]:
    """The values alive in the temporary allocations at a step, each with the bytes that only it accounts for.

    Values may share memory (an operand overwritten in place, the state of a loop): every byte is counted once, for the value
    that begins first in memory, so the bytes add up to what is really occupied.
    """
    alive = [v for v in module.values if v.allocation in module.temporary and v.start <= step <= v.end]
    alive.sort(key=lambda v: (v.allocation, v.offset, -v.size, v.id))
    shares: list[tuple[Value, int]] = []
    allocation, covered = -1, 0
    for value in alive:
        if value.allocation != allocation:
            allocation, covered = value.allocation, 0
        fresh = value.offset + value.size - max(value.offset, covered)
        if fresh > 0:
            shares.append((value, fresh))
            covered = value.offset + value.size
    return tuple(shares)


def occupancy(module: Module) -> list[int]:
    """Bytes of the live values at every step of the schedule, those held throughout included; shared memory counts twice."""
    steps = len(module.schedule) + 1
    change = [0] * (steps + 1)
    for value in module.values:
        if value.allocation in module.temporary:
            change[min(value.start, steps - 1)] += value.size
            change[min(value.end + 1, steps)] -= value.size
    levels, level = [], module.held
    for delta in change[:steps]:
        level += delta
        levels.append(level)
    return levels


def peak_step(module: Module) -> tuple[int, int]:
    """The step at which most memory is occupied, and the bytes occupied there, each byte counted once."""
    levels = occupancy(module)
    best, at = -1, 0
    for step in sorted(range(len(levels)), key=lambda s: (-levels[s], s)):
        if levels[step] <= best:
            break
        occupied = module.held + sum(share for _, share in live_at(module, step))
        if occupied > best:
            best, at = occupied, step
    return at, best
