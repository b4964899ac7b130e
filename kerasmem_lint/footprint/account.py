"""From a compiler's plan, or an engine's trace, to a footprint whose parts add up to its peak."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from kerasmem_lint.footprint import hlo
from kerasmem_lint.footprint.events import CATEGORIES
from kerasmem_lint.footprint.names import Names, Parameter, components, split_scopes

Fits = Literal["yes", "no", "unsure"]

TIMELINE_POINTS = 200


@dataclass(frozen=True, slots=True)
class Moment:
    """When the peak is: the operation, the layer it belongs to ('' where none), the phase of the step."""

    phase: str
    layer: str
    op: str


@dataclass(frozen=True, slots=True)
class LayerShare:
    """What one layer has in memory at the peak, bytes in all and by category; the line that built it where it is known."""

    path: str
    kind: str
    file: str
    line: int
    bytes: int
    by_category: tuple[tuple[str, int], ...]
    cell: int | None = None
    """The cell of a notebook that ``line`` counts in, over all cells from 1; None outside notebooks."""


@dataclass(frozen=True, slots=True)
class Point:
    """Bytes in use at a step of the schedule; the largest of the steps that the point stands for."""

    step: int
    bytes: int
    phase: str


@dataclass(frozen=True, slots=True)
class Account:
    """The parts of a peak. ``by_category`` and ``by_layer`` both sum to ``peak``; ``compiler_peak`` is the compiler's own
    figure where it was let finish: the peak without the gaps between values (the ``fragmentation`` line)."""

    peak: int
    low: int
    high: int
    moment: Moment
    by_category: tuple[tuple[str, int], ...]
    by_layer: tuple[LayerShare, ...]
    timeline: tuple[Point, ...]
    notes: tuple[str, ...]
    compiler_peak: int | None = None


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one training step needs on one GPU. Bytes throughout."""

    engine: str
    backend: str
    gpu: str
    gpu_name: str
    batch: int
    peak: int
    low: int
    high: int
    limit: int
    fits: Fits
    moment: Moment
    by_category: tuple[tuple[str, int], ...]
    by_layer: tuple[LayerShare, ...]
    timeline: tuple[Point, ...]
    assumptions: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    compiler_peak: int | None = None
    file: str = ""
    line: int = 0
    """The line that calls ``fit``, where it is known."""
    cell: int | None = None
    """The cell of a notebook that ``line`` counts in, over all cells from 1; None outside notebooks."""
    memory_fraction: float | None = None
    """The share of the GPU that the program itself asks its backend to use, None where it does not say."""
    elsewhere: int = 0
    """What the program keeps on the GPU beside this step: variables of its other models. Not in ``peak``, taken off ``limit``."""

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists; categories and versions as objects."""
        data = asdict(self)
        data["by_category"] = dict(self.by_category)
        data["versions"] = dict(self.versions)
        for layer in data["by_layer"]:
            layer["by_category"] = dict(layer["by_category"])
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Footprint:
        """The inverse of :meth:`to_json`."""
        known = dict(data)
        known["moment"] = Moment(**known["moment"])
        known["by_category"] = tuple(known["by_category"].items())
        known["by_layer"] = tuple(
            LayerShare(**{**layer, "by_category": tuple(layer["by_category"].items())}) for layer in known["by_layer"]
        )
        known["timeline"] = tuple(Point(**point) for point in known["timeline"])
        known["assumptions"] = tuple(known["assumptions"])
        known["versions"] = tuple(known["versions"].items())
        return cls(**known)


def verdict(low: int, high: int, limit: int) -> Fits:
    """``no`` only where even the low end is above the limit, ``yes`` only where the high end is within it."""
    if low > limit:
        return "no"
    return "yes" if high <= limit else "unsure"


# What the xla engine leaves open, as shares of the peak.
XLA_BAND = 0.03
"""Autotuning chooses other kernels and fusions than the compiler does without a device; a few per cent between targets."""


def account_for_plan(
    dump: hlo.Dump, parameters: Iterable[Parameter], names: Names, compiler_peak: int | None = None
) -> Account:
    """The account of a compiled step, from the compiler's own notes.

    ``parameters`` stand in the order in which the compiler numbers the arguments. Raises :class:`hlo.UnreadableDumpError` where
    the notes do not add up to ``compiler_peak``, which is None where the compiler was not let finish.
    """
    module = hlo.parse(dump)
    step, occupied = hlo.peak_step(module)
    if compiler_peak not in (None, occupied):
        raise hlo.UnreadableDumpError(
            f"the values alive at the peak sum to {occupied} bytes, the compiler says {compiler_peak}"
        )
    phases = phases_of(module, names)
    shares: Counter[tuple[str, str]] = Counter()
    for held in alive_at(module, step, tuple(parameters), names, phases):
        shares[held.category, held.layer] += held.bytes
    shares["fragmentation", ""] += module.reserved - occupied
    at = module.schedule[min(step, len(module.schedule) - 1)]
    peak = module.reserved
    workspace = largest_convolution(module)
    notes = [f"band: {XLA_BAND:.0%} for kernels that are chosen only on the device"]
    if workspace:
        notes.append(f"up to {workspace >> 20} MiB of cuDNN workspace, chosen on the device, are in the high end")
    return Account(
        peak=peak,
        low=int(peak * (1 - XLA_BAND)),
        high=int(peak * (1 + XLA_BAND)) + workspace,
        moment=Moment(phases.get(at, "forward"), _layer(module, at, names), _operation(module, at)),
        by_category=by_category(shares),
        by_layer=by_layer(shares, names),
        timeline=_timeline(module, phases, peak),
        notes=tuple(notes),
        compiler_peak=compiler_peak,
    )


@dataclass(frozen=True, slots=True)
class Held:
    """A buffer of a plan that is alive at some moment: ``bytes``, what for, of which layer, and its shape as XLA writes it.

    The shape is '' for arguments, results and constants.
    """

    category: str
    layer: str
    shape: str
    bytes: int


def alive_at(
    module: hlo.Module, step: int, parameters: Sequence[Parameter], names: Names, phases: Mapping[str, str]
) -> Iterator[Held]:
    """What a plan holds at a step of its schedule, gaps between buffers apart; arguments are held all the time.

    ``phases`` are those of :func:`phases_of`.
    """
    trainable: Counter[int] = Counter()
    for allocation in module.allocations:
        number = allocation.parameter
        if allocation.kind == "parameter" and number is not None and number < len(parameters):
            argument = parameters[number]
            layer = "" if argument.category == "batch" else names.layer_of_variable(argument.name)
            trainable[allocation.size] += argument.category == "weights"
            yield Held(argument.category, layer, "", allocation.size)
        elif allocation.kind in ("parameter", "output", "constant"):
            yield Held("temporaries", "", "", allocation.size)
    kept = _kept(module, phases)
    for value, size in hlo.live_at(module, step):
        category = _category(module, value, phases, kept, trainable)
        yield Held(category, _layer_of_value(module, value, names), value.shape, size)


UNCOMPILED = 3
"""How much more a step may need when it is run without the compiler that planned it: operation by operation, the same programs
held up to 2.8 times as much."""


def without_the_compiler(account: Account) -> Account:
    """The account of a step that is planned whole and run operation by operation: ``run_eagerly``, ``jit_compile=False``."""
    note = (
        f"the program runs without the compiler; it may need up to {UNCOMPILED} times what the plan says, the high end says so"
    )
    return replace(account, high=max(account.high, UNCOMPILED * account.peak), notes=(*account.notes, note))


def by_category(shares: Counter[tuple[str, str]]) -> tuple[tuple[str, int], ...]:
    """Bytes by category, in the order in which they are shown; zeros are kept."""
    sums: Counter[str] = Counter()
    for (category, _), size in shares.items():
        sums[category] += size
    return tuple((category, sums[category]) for category in CATEGORIES)


def by_layer(shares: Counter[tuple[str, str]], names: Names) -> tuple[LayerShare, ...]:
    """Bytes by layer and category, the largest layer first; the layer without a path holds what belongs to none."""
    layers: dict[str, Counter[str]] = {}
    for (category, layer), size in shares.items():
        layers.setdefault(layer, Counter())[category] += size
    rows = []
    for path, parts in layers.items():
        file, line, cell = names.places.get(path, ("", 0, None))
        ordered = tuple((category, parts[category]) for category in CATEGORIES if parts[category])
        rows.append(LayerShare(path, names.layers.get(path, ""), file, line, sum(parts.values()), ordered, cell))
    return tuple(sorted(rows, key=lambda row: (-row.bytes, row.path)))


def phases_of(module: hlo.Module, names: Names) -> dict[str, str]:
    """The phase of each scheduled instruction: forward, backward or update.

    One without a name of its own is in the phase of what it reads. What an instruction of the forward pass reads is forward,
    whatever its name says: a fusion has the name of one operation in it, which may be of the gradient.
    """
    named = {
        name: _named_phase(module.instructions[name].op_name, names) for name in module.schedule if name in module.instructions
    }
    for value in module.values:
        readers = module.users.get(value.id, ())
        if named.get(value.instruction) and any(named.get(user) == "forward" and _is_work(module, user) for user in readers):
            named[value.instruction] = "forward"
    phases: dict[str, str] = {}
    before = "forward"
    for name in module.schedule:
        instruction = module.instructions.get(name)
        phase = named.get(name, "")
        if not phase and instruction:
            read = [phases[operand] for operand in instruction.operands if operand in phases and _is_work(module, operand)]
            phase = max(read, key=_PHASE_ORDER.index, default="")
        phases[name] = phase or before
        if _is_work(module, name) and (phase != "update" or before != "forward"):
            before = phases[name]
    return phases


_PHASE_ORDER = ("forward", "backward", "update")


def _is_work(module: hlo.Module, name: str) -> bool:
    instruction = module.instructions.get(name)
    return instruction is not None and instruction.opcode not in ("parameter", "constant", "tuple", "copy")


def _named_phase(op_name: str, names: Names) -> str:
    if "transpose(" in op_name or "gradient_tape/" in op_name:
        return "backward"
    if "jvp(" in op_name:
        return "forward"
    if op_name == "XLA_Retvals" or any(map(names.is_optimizer, components(op_name))):
        return "update"
    return "forward" if names.layer_of(op_name) else ""


def _kept(module: hlo.Module, phases: Mapping[str, str]) -> frozenset[int]:
    """The values of the forward pass that later phases read, also as what a loop makes of them in their place.

    TensorFlow's recurrent layers keep what the backward pass needs in lists: buffers of zeros that the forward loop fills.
    """
    places: dict[tuple[int, int, int], list[hlo.Value]] = {}
    for value in module.values:
        if phases.get(value.instruction, "forward") == "forward":
            places.setdefault((value.allocation, value.offset, value.size), []).append(value)
    kept: set[int] = set()
    for values in places.values():
        values.sort(key=lambda value: (value.start, value.end))
        for number in range(len(values) - 1, -1, -1):
            value = values[number]
            after = values[number + 1] if number + 1 < len(values) else None
            filled = after and after.start == value.end and after.id in kept and _is_loop(module, value, after)
            if filled or {phases.get(user) for user in module.users.get(value.id, ())} & {"backward", "update"}:
                kept.add(value.id)
    return frozenset(kept)


def _is_loop(module: hlo.Module, value: hlo.Value, after: hlo.Value) -> bool:
    """Whether a value goes into a loop, through its body, or out of it as the next one in its place."""
    opcodes = [one.opcode if (one := module.instructions.get(name)) else "" for name in (value.instruction, after.instruction)]
    return opcodes[0] == "parameter" or opcodes[1] in ("parameter", "while")


def _category(
    module: hlo.Module, value: hlo.Value, phases: Mapping[str, str], kept: frozenset[int], trainable: Counter[int]
) -> str:
    instruction = module.instructions.get(value.instruction)
    text = instruction.text if instruction else ""
    if value.shape.startswith(("u8[", "s8[")) and 'custom_call_target="__cu' in text:
        return "workspace"
    phase = phases.get(value.instruction, "forward")
    if phase == "forward":
        return "activations" if value.id in kept else "temporaries"
    used_in = {phases[user] for user in module.users.get(value.id, ()) if user in phases}
    if phase == "backward" and trainable[value.size] and (not used_in or "update" in used_in):
        return "gradients"
    return "temporaries"


def _layer(module: hlo.Module, name: str, names: Names, depth: int = 4) -> str:
    """The layer of an instruction; one without a name of its own belongs where its first operand with a name does."""
    instruction = module.instructions.get(name)
    if instruction is None:
        return ""
    layer = names.layer_of(instruction.op_name)
    if layer or instruction.op_name.startswith(("jit(", "jvp(")) or depth == 0:
        return layer
    return next((found for operand in instruction.operands if (found := _layer(module, operand, names, depth - 1))), "")


def _layer_of_value(module: hlo.Module, value: hlo.Value, names: Names) -> str:
    """The layer that makes a value; where that is unknown, the first one that reads it."""
    if layer := _layer(module, value.instruction, names):
        return layer
    readers = (_layer(module, user, names, depth=0) for user in module.users.get(value.id, ()))
    return next(filter(None, readers), "")


def _operation(module: hlo.Module, name: str) -> str:
    instruction = module.instructions.get(name)
    if instruction is None or not instruction.op_name:
        return name
    return split_scopes(instruction.op_name)[-1]


def _timeline(module: hlo.Module, phases: Mapping[str, str], peak: int) -> tuple[Point, ...]:
    levels = hlo.occupancy(module)
    width = max(1, -(-len(levels) // TIMELINE_POINTS))
    points = []
    for start in range(0, len(levels), width):
        step = max(range(start, min(start + width, len(levels))), key=levels.__getitem__)
        name = module.schedule[min(step, len(module.schedule) - 1)]
        points.append(Point(step, min(levels[step], peak), phases.get(name, "forward")))
    return tuple(points)


_SHAPE = re.compile(r"\b(pred|[sufb]f?\d+(?:e\d\w*)?)\[([\d,]*)\]")
_WIDTHS = {"pred": 8, "bf16": 16}


def largest_convolution(module: hlo.Module) -> int:
    """Bytes of results and operands of the largest cuDNN convolution that was planned without a workspace.

    An algorithm that transforms its operands (Winograd, FFT) needs about as much again as they are large; which one is taken
    is decided by timing them on the device.
    """
    largest = 0
    for instruction in module.instructions.values():
        if 'custom_call_target="__cudnn$conv' not in instruction.text:
            continue
        size = _bytes_of_shapes(instruction.text.split(" custom-call(")[0])
        for operand in instruction.operands:
            if operand in module.instructions:
                size += _bytes_of_shapes(module.instructions[operand].text.split(f" {module.instructions[operand].opcode}(")[0])
        largest = max(largest, size)
    return largest


def _bytes_of_shapes(text: str) -> int:
    total = 0
    for kind, dims in _SHAPE.findall(text):
        digits = re.search(r"\d+", kind)
        bits = _WIDTHS.get(kind) or int(digits[0] if digits else 32)
        size = bits // 8
        for dim in filter(None, dims.split(",")):
            size *= int(dim)
        total += size
    return total
