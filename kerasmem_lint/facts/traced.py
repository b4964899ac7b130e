"""Functions that are traced or compiled for each new kind of argument: ``tf.function`` and ``jax.jit``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from kerasmem_lint.facts.value import Value
from kerasmem_lint.facts.values import Values

TRACERS = ("tensorflow.function", "jax.jit")


@dataclass(frozen=True, slots=True)
class Trace:
    """A traced function of this file.

    ``kind`` is the tracer; ``node`` the decorator or the call that wraps the function; ``options`` the call that carries the tracer's
    arguments, if there is one; ``function`` the traced function where it stands in this file.
    """

    kind: str
    node: cst.CSTNode
    options: cst.Call | None
    function: cst.CSTNode | None


class Traced:
    """Questions about traced functions."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._syntax = values.syntax

    @cached_property
    def _decorated(self) -> dict[cst.CSTNode, Trace]:
        found: dict[cst.CSTNode, Trace] = {}
        for function in self._syntax.functions:
            for item in function.decorators:
                trace = self._decorator(item.decorator, function)
                if trace is not None:
                    found[function] = trace
        return found

    def _decorator(self, node: cst.BaseExpression, function: cst.FunctionDef) -> Trace | None:
        names = self._values.names
        if not isinstance(node, cst.Call):
            kind = names.dotted(node)
            return Trace(kind, node, None, function) if kind in TRACERS else None
        kind = names.dotted(node.func)
        if kind == "functools.partial" and node.args:
            kind = names.dotted(node.args[0].value)
        return Trace(kind, node, node, function) if kind in TRACERS else None

    @cached_property
    def _wraps(self) -> bool:
        return any(self._values.names.dotted(call.func) in TRACERS for call in self._syntax.calls)

    def of_call(self, call: cst.Call) -> Trace | None:
        """The traced function that a call runs."""
        if not self._decorated and not self._wraps:
            return None
        for value in self._values.of(call.func):
            trace = self._of_value(value)
            if trace is not None:
                return trace
        return None

    def _of_value(self, value: Value) -> Trace | None:
        if value.kind == "function" and value.node is not None:
            return self._decorated.get(value.node)
        if value.kind == "foreign" and value.name in TRACERS and isinstance(value.node, cst.Call):
            wrapped = value.node.args[0].value if value.node.args else None
            functions = [v.node for v in self._values.of(wrapped) if v.kind == "function"] if wrapped is not None else []
            return Trace(value.name, value.node, value.node, functions[0] if functions else None)
        return None

    def around(self, node: cst.CSTNode) -> bool:
        """Does ``node`` stand in a traced function, so that it runs once a trace and not once a call?"""
        return any(ancestor in self._decorated for ancestor in self._syntax.ancestors(node))

    def parameter_at(self, trace: Trace, call: cst.Call, argument: cst.CSTNode) -> cst.Param | None:
        """The parameter of the traced function that takes an argument of a call."""
        function = trace.function
        if not isinstance(function, (cst.FunctionDef, cst.Lambda)):
            return None
        params = [*function.params.posonly_params, *function.params.params]
        if isinstance(function, cst.FunctionDef) and self._values.classes.of(function) is not None:
            params = params[1:]
        index = 0
        for item in call.args:
            if item.keyword is not None:
                if item.value is argument:
                    return next(
                        (p for p in (*params, *function.params.kwonly_params) if p.name.value == item.keyword.value), None
                    )
                continue
            if item.star:
                return None
            if item.value is argument:
                return params[index] if index < len(params) else None
            index += 1
        return None

    def rebound_positions(self, call: cst.Call) -> tuple[int, ...]:
        """The positions of the arguments whose variables the assignment around ``call`` binds to its results."""
        assign = self._syntax.parent(call)
        if not isinstance(assign, cst.Assign) or len(assign.targets) != 1:
            return ()
        names = _names_in(assign.targets[0].target)
        plain = [item.value for item in call.args if item.keyword is None and not item.star]
        return tuple(index for index, node in enumerate(plain) if isinstance(node, cst.Name) and node.value in names)

    def is_used_as_tensor(self, param: cst.Param, function: cst.CSTNode) -> bool:
        """Is a parameter only used where a tensor does as well: in arithmetic and as an argument, not in tests, shapes or ranges?"""
        scope = self._syntax.scopes.get(function)
        if scope is None:
            return False
        reads = self._values.flow.reads(param.name.value, scope)
        return bool(reads) and all(self._tensor_like(read) for read in reads)

    def _tensor_like(self, read: cst.Name) -> bool:
        for ancestor in self._syntax.ancestors(read):
            if isinstance(ancestor, (cst.BinaryOperation, cst.UnaryOperation, cst.Arg)):
                continue
            if isinstance(ancestor, cst.Call):
                dotted = self._values.names.dotted(ancestor.func)
                return dotted.startswith(("tensorflow.", "keras.")) and not dotted.endswith(
                    ("range", "zeros", "ones", "reshape")
                )
            return isinstance(ancestor, (cst.Assign, cst.AugAssign, cst.Return, cst.Lambda))
        return False


def _names_in(target: cst.CSTNode) -> set[str]:
    if isinstance(target, cst.Name):
        return {target.value}
    if isinstance(target, (cst.Tuple, cst.List)):
        return set().union(*(_names_in(element.value) for element in target.elements))
    return set()
