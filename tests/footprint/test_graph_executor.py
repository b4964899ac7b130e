"""The order in which TensorFlow's executor runs what is ready."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from kerasmem_lint.footprint.child.graph_executor import Ready


@dataclass(frozen=True)
class Op:
    name: str
    type: str = "MatMul"


def order(device: Literal["gpu", "cpu"], roots: str, after: dict[str, list[Op]]) -> str:
    """The names of what runs; each operation makes the ones ready that are given by its name."""
    ready = Ready(device, [Op(name) for name in roots])
    ran: deque[str] = deque()
    while ready:
        ran.append(ready.take().name)
        ready.made_ready(after.get(ran[-1], []))
    return "".join(ran)


def test_on_a_gpu_operations_run_in_the_order_they_get_ready():
    assert "abcdef" == order("gpu", "ab", {"a": [Op("c"), Op("d")], "b": [Op("e")], "c": [Op("f")]})


def test_on_a_cpu_a_thread_follows_the_last_operation_it_made_ready_and_then_takes_what_it_handed_over_last():
    assert "adfcbe" == order("cpu", "a", {"a": [Op("b"), Op("c"), Op("d")], "b": [Op("e")], "d": [Op("f")]})


def test_on_a_cpu_what_costs_nothing_runs_first():
    assert "acdb" == order("cpu", "a", {"a": [Op("b"), Op("c", "Reshape")], "c": [Op("d", "Identity")]})


def test_on_a_cpu_the_roots_come_in_no_order_of_ours_but_always_in_the_same():
    roots = "abcdefghijklmnop"
    found = order("cpu", roots, {})
    assert (sorted(roots), found) == (sorted(found), order("cpu", roots, {}))
    assert roots != found
