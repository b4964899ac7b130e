"""``tf.data`` pipelines: the steps before a step, through names, branches, chains and functions of the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from kerasmem_lint.facts.arguments import argument
from kerasmem_lint.facts.calls import Calls
from kerasmem_lint.facts.syntax import Binding
from kerasmem_lint.facts.training import Training
from kerasmem_lint.facts.values import Values
from kerasmem_lint.knowledge import calls as known

_MAX_STEPS = 60
_MAX_LEVELS = 6

Sites = tuple[cst.Call, ...]
"""The calls of local functions that the walk has entered and not left, innermost last."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a pipeline: ``batch``, ``map``, … or the canonical name of what made the dataset. ``call`` is its call."""

    name: str
    call: cst.Call


class Datasets:
    """Questions about pipelines."""

    def __init__(self, values: Values, calls: Calls, training: Training) -> None:
        self._values = values
        self._calls = calls
        self._training = training
        self._syntax = values.syntax

    @cached_property
    def reads_named_files(self) -> bool:
        """Does the file read what its tables name, by ``flow_from_dataframe``, so that the tables hold no data themselves?"""
        return any(
            isinstance(call.func, cst.Attribute) and call.func.attr.value == "flow_from_dataframe"
            for call in self._syntax.calls
        )

    def before(self, call: cst.Call) -> Iterator[Step]:
        """The steps that a pipeline has gone through before the method ``call``, latest first.

        Where several pipelines may arrive here, only one that all the file's evidence agrees on is told: the walk ends at a fork.
        """
        if isinstance(call.func, cst.Attribute):
            yield from self._steps(call.func.value, call)

    def after(self, call: cst.Call, *names: str) -> cst.Call | None:
        """A later step of the same pipeline, of one of these names: the ``batch`` that follows a ``shuffle``."""
        for other in self._syntax.calls:
            if isinstance(other.func, cst.Attribute) and other.func.attr.value in names and other is not call:
                if any(step.call is call for step in self.before(other)):
                    return other
        return None

    def of(self, dataset: cst.BaseExpression) -> Iterator[Step]:
        """The steps that made the dataset an expression holds, latest first; as :meth:`before`."""
        yield from self._steps(dataset, None)

    def _steps(self, expression: cst.BaseExpression, start: cst.Call | None) -> Iterator[Step]:
        seen: set[cst.CSTNode] = {start} if start is not None else set()
        sites: Sites = ()
        for _ in range(_MAX_STEPS):
            made = [(call, inner) for call, inner in self._makers(expression, sites, 0) if call not in seen]
            names = {self._step_name(call) for call, _ in made}
            if len(names) != 1 or "" in names:
                return
            call, sites = made[0]
            seen.add(call)
            name = names.pop()
            yield Step(name.removeprefix("Dataset."), call)
            if not name.startswith("Dataset.") or not isinstance(call.func, cst.Attribute):
                return
            expression = call.func.value

    def _step_name(self, call: cst.Call) -> str:
        return next((value.name for value in self._values.of(call) if value.kind == "dataset"), "")

    def _makers(self, node: cst.CSTNode | None, sites: Sites, level: int) -> list[tuple[cst.Call, Sites]]:
        """The calls that give an expression its dataset, each with the calls of local functions the walk is in there."""
        if node is None or level > _MAX_LEVELS:
            return []
        if isinstance(node, cst.Call):
            functions = [v.node for v in self._values.of(node.func) if v.kind == "function" and v.node is not None]
            if functions and len(sites) < _MAX_LEVELS:
                return [m for f in functions for m in self._returned(f, (), (*sites, node), level + 1)]
            return [(node, sites)] if self._step_name(node) else []
        if isinstance(node, cst.IfExp):
            return self._makers(node.body, sites, level + 1) + self._makers(node.orelse, sites, level + 1)
        if isinstance(node, cst.Name) and node in self._syntax.noted:
            return [m for binding in self._values.flow.reaching(node) for m in self._bound(binding, sites, level + 1)]
        return [(v.node, ()) for v in self._values.of(node) if v.kind == "dataset" and isinstance(v.node, cst.Call)]

    def _bound(self, binding: Binding, sites: Sites, level: int) -> list[tuple[cst.Call, Sites]]:
        if binding.kind == "parameter":
            function = binding.place.scope.node
            entered = bool(sites) and any(v.node is function for v in self._values.of(sites[-1].func))
            calls = [sites[-1]] if entered else self._values.functions.call_sites(function)
            outer = sites[:-1] if entered else ()
            given = [self._values.functions.argument_for(call, function, binding.name) for call in calls]
            return [maker for item in given for maker in self._makers(item, outer, level)]
        if binding.kind == "assign" and isinstance(binding.value, cst.BaseExpression):
            return self._part(binding.value, binding.path, sites, level)
        return [(v.node, ()) for v in self._values.bound(binding) if v.kind == "dataset" and isinstance(v.node, cst.Call)]

    def _part(self, value: cst.BaseExpression, path: tuple[int, ...], sites: Sites, level: int) -> list[tuple[cst.Call, Sites]]:
        """What an unpacked part of an expression holds: an item of a tuple, also of one that a local function returns."""
        if not path:
            return self._makers(value, sites, level)
        if isinstance(value, (cst.Tuple, cst.List)):
            if path[0] < len(value.elements) and not isinstance(value.elements[path[0]], cst.StarredElement):
                return self._part(value.elements[path[0]].value, path[1:], sites, level)
            return []
        if isinstance(value, cst.Call):
            functions = [v.node for v in self._values.of(value.func) if v.kind == "function" and v.node is not None]
            if functions and len(sites) < _MAX_LEVELS:
                return [m for f in functions for m in self._returned(f, path, (*sites, value), level + 1)]
            return [(value, sites)] if self._step_name(value) else []
        return []

    def _returned(self, function: cst.CSTNode, path: tuple[int, ...], sites: Sites, level: int) -> list[tuple[cst.Call, Sites]]:
        if isinstance(function, cst.Lambda):
            return self._part(function.body, path, sites, level)
        scope = self._syntax.scopes.get(function)
        statements = self._syntax.returns.get(scope, ()) if scope is not None else ()
        return [m for s in statements if s.value is not None for m in self._part(s.value, path, sites, level)]

    # What a step does

    def work(self, step: Step) -> list[cst.Call]:
        """The calls that run for each element of a ``map`` step: those in the function it is given, and in the functions those call."""
        given = argument(step.call, 0, "map_func")
        found: list[cst.Call] = []
        seen: set[cst.CSTNode] = set()
        todo = (
            [v.node for v in self._values.of(given) if v.kind == "function" and v.node is not None] if given is not None else []
        )
        while todo and len(found) < 500:
            function = todo.pop()
            if function in seen:
                continue
            seen.add(function)
            for call in self._training.calls_within(function):
                found.append(call)
                todo += self._values.functions.targets(call)
        return found

    def decodes(self, step: Step) -> cst.Call | None:
        """The call of a ``map`` step that turns a file or its bytes into an image, a recording or an array."""
        return next((call for call in self.work(step) if self._calls.named(call, *known.DECODERS)), None)

    def keeps_inputs(self, step: Step) -> bool:
        """Does the function of a ``map`` step, one of this file, give back something made of the whole of its first argument?"""
        given = argument(step.call, 0, "map_func")
        functions = [v.node for v in self._values.of(given) if v.kind == "function"] if given is not None else []
        for function in functions:
            params = getattr(function, "params", None)
            first = params.params[0].name.value if isinstance(params, cst.Parameters) and params.params else ""
            scope = self._syntax.scopes.get(function) if function is not None else None
            if not first or scope is None:
                return False
            returned = (
                [function.body] if isinstance(function, cst.Lambda) else [s.value for s in self._syntax.returns.get(scope, ())]
            )
            for read in scope.reads.get(first, ()):
                inside = any(ancestor is node for ancestor in (read, *self._syntax.ancestors(read)) for node in returned)
                if inside and not isinstance(self._syntax.parent(read), cst.Subscript):
                    return True
        return False

    def randomises(self, step: Step) -> cst.Call | None:
        """The call of a ``map`` step that gives another result each time: a random crop, flip or number."""
        given = argument(step.call, 0, "map_func")
        if given is not None and self._values.may_be(given, "layer", "model"):
            return step.call if self._is_random_layer(given) else None
        for call in self.work(step):
            if any(name.startswith(known.RANDOM_FUNCTIONS) for name in self._calls.names(call)):
                return call
            if self._calls.named(call, "Layer.__call__", "Model.__call__") and self._is_random_layer(call.func):
                return call
        return None

    def _is_random_layer(self, node: cst.BaseExpression) -> bool:
        for value in self._values.of(node):
            if value.name.startswith("keras.layers.Random"):
                return True
            if value.name == "keras.Sequential" and isinstance(value.node, cst.Call):
                layers = argument(value.node, 0, "layers")
                if any(
                    inner.name.startswith("keras.layers.Random")
                    for held in (self._values.of(layers) if layers is not None else ())
                    for inner in self._values.element_values(held)
                ):
                    return True
        return False
