"""From the trace of an eager engine, or from bare arithmetic, to an account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from kerasmem_lint.footprint import allocator, cuda_terms
from kerasmem_lint.footprint.account import TIMELINE_POINTS, Account, Moment, Point, by_category, by_layer
from kerasmem_lint.footprint.events import Buffer, Trace, trace_from_json
from kerasmem_lint.footprint.names import Names

BANDS = {"torch": (0.01, 0.02), "graph": (0.10, 0.22)}
"""How far below and above its figure an engine leaves room, as shares of the peak: more than the largest error seen against
the framework's CPU allocator, and for ``graph`` enough for every single step of those measured, of which no two are the same.
There it is wider above: what is not played, a second thread and the holes that come with time, mostly adds. What only a
GPU takes comes on top, as terms with a reason each."""


_POOL = 1 << 50
"""Bytes, more than any step takes: whether it fits is asked later."""


def account_for_trace(data: dict[str, Any], names: Names, compute_capability: str) -> Account:
    """The account of a step that an engine followed, on a GPU of this capability.

    What every GPU of the kind takes at least is part of the peak, as workspace; the rest of the terms widens the band. Raises
    ValueError for a trace that contradicts itself.
    """
    trace = trace_from_json(data)
    eager = trace.engine == "torch"
    # TensorFlow takes a GPU's memory as one pool, unless it is told to let it grow; then more of it lies idle in between.
    use = allocator.cuda_caching(trace) if eager else allocator.bfc_pool(trace, _POOL)
    occupied = use.reserved if eager else use.allocated
    most = occupied if eager else max(occupied, allocator.bfc(trace).allocated)
    buffers = {buffer.id: buffer for buffer in trace.buffers}
    shares: Counter[tuple[str, str]] = Counter()
    for number in _alive_after(trace, use.moment):
        buffer = buffers[number]
        shares[buffer.category, _layer(buffer, names)] += buffer.bytes
    requested = sum(shares.values())
    shares["fragmentation", ""] += occupied - requested
    below, above = BANDS[trace.engine]
    terms = cuda_terms.torch_terms(trace, compute_capability) if eager else ()
    shares["workspace", ""] += sum(max(0, term.low) for term in terms)
    peak = sum(shares.values())
    last = buffers[trace.events[use.moment].buffer]
    return Account(
        peak=peak,
        low=int(min(use.allocated, occupied) * (1 - below)) + sum(term.low for term in terms),
        high=int(most * (1 + above)) + sum(term.high for term in terms),
        moment=Moment(last.phase, _layer(last, names), last.op),
        by_category=by_category(shares),
        by_layer=by_layer(shares, names),
        timeline=_timeline(trace, buffers),
        notes=(
            *trace.notes,
            f"band: -{below:.0%} to +{above:.0%} for the {trace.engine} engine",
            *(f"{term.name}, {term.low / 1e6:+.1f} to {term.high / 1e6:+.1f} MB in the band: {term.why}" for term in terms),
        ),
    )


def _layer(buffer: Buffer, names: Names) -> str:
    if buffer.layer in names.layers:
        return buffer.layer
    return names.layer_of_variable(buffer.layer) or buffer.layer


def _alive_after(trace: Trace, moment: int) -> set[int]:
    alive: set[int] = set()
    for event in trace.events[: moment + 1]:
        if event.kind == "alloc":
            alive.add(event.buffer)
        else:
            alive.discard(event.buffer)
    return alive


def _timeline(trace: Trace, buffers: Mapping[int, Buffer]) -> tuple[Point, ...]:
    """Bytes asked for over the events of the step, rounding and fragmentation left out."""
    points: list[Point] = []
    level = 0
    phase = "state"
    width = max(1, -(-len(trace.events) // TIMELINE_POINTS))
    best = Point(0, 0, phase)
    for number, event in enumerate(trace.events):
        buffer = buffers[event.buffer]
        if event.kind == "alloc":
            level += buffer.bytes
            phase = buffer.phase
        else:
            level -= buffer.bytes
        if level >= best.bytes:
            best = Point(event.step, level, phase)
        if (number + 1) % width == 0 or number + 1 == len(trace.events):
            points.append(best)
            best = Point(event.step, 0, phase)
    return tuple(points)


def account_for_bound(sizes: Mapping[str, int]) -> Account:
    """The account where nothing was followed: state and batch are exact, activations the sum of all layers' outputs.

    Measured against compiled plans, that sum is off by half to double, which is the band.
    """
    exact = Counter({(category, ""): size for category, size in sizes.items() if category != "activations"})
    held = sum(exact.values())
    outputs = sizes["activations"]
    shares = exact + Counter({("activations", ""): outputs})
    return Account(
        peak=held + outputs,
        low=held,
        high=held + 2 * outputs,
        moment=Moment("backward", "", ""),
        by_category=by_category(shares),
        by_layer=by_layer(shares, Names({}, {}, "")),
        timeline=(),
        notes=("only a bound: weights, gradients, slots and batch are exact, activations anything up to double",),
    )
