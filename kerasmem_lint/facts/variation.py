"""What changes from round to round of a loop, and what surely does not."""

from __future__ import annotations

import libcst as cst

from kerasmem_lint.facts.calls import Calls, Iteration
from kerasmem_lint.facts.flow import exclusive, inside
from kerasmem_lint.facts.guard import Guard
from kerasmem_lint.facts.literals import Literals
from kerasmem_lint.facts.syntax import Binding, Loop
from kerasmem_lint.facts.values import Values

_MAX_STEPS = 12
_FRESH_NUMBERS = frozenset({"random.random", "random.uniform", "random.gauss", "time.time", "time.perf_counter"})
_ARRAY_MAKERS = frozenset(["array", "asarray", "constant", "convert_to_tensor", "expand_dims", "cast", "reshape"])
_PATH_HOMES = ("os.path.", "pathlib.", "os.getenv", "os.environ.get")
JOINS = tuple(
    f"{home}.{name}"
    for home, names in {
        "numpy": "concatenate append vstack hstack dstack column_stack row_stack",
        "tensorflow": "concat",
        "keras.ops": "concatenate append vstack hstack",
        "jax.numpy": "concatenate append vstack hstack",
        "torch": "cat vstack hstack",
        "pandas": "concat",
    }.items()
    for name in names.split()
)
"""Functions that copy several arrays or tables into a new one."""


class Variation:
    """Questions about the rounds of a loop: which numbers are new in each, what is the same, what gets longer."""

    def __init__(self, values: Values, literals: Literals, calls: Calls) -> None:
        self._values = values
        self._literals = literals
        self._calls = calls
        self._syntax = values.syntax
        self._guard = Guard(_MAX_STEPS)

    # New numbers

    def counter(self, node: cst.CSTNode | None) -> Loop | None:
        """The loop in each of whose rounds the expression is another Python number or string; None where that is not sure."""
        return self._guard.ask(self._counter, node, None)

    def _counter(self, node: cst.CSTNode) -> Loop | None:
        if isinstance(node, cst.Name):
            return self._counting_name(node) if node in self._syntax.noted else None
        if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, (cst.Minus, cst.Plus)):
            return self.counter(node.expression)
        if isinstance(node, cst.BinaryOperation) and not isinstance(node.operator, (cst.Modulo, cst.FloorDivide)):
            left, right = self.counter(node.left), self.counter(node.right)
            if (left and self._is_number(node.right)) or (left and right):
                return left
            return right if right and self._is_number(node.left) else None
        if isinstance(node, cst.FormattedString):
            parts = [part.expression for part in node.parts if isinstance(part, cst.FormattedStringExpression)]
            return next((loop for part in parts if (loop := self.counter(part)) is not None), None)
        return self._counting_call(node) if isinstance(node, cst.Call) else None

    def _is_number(self, node: cst.BaseExpression) -> bool:
        return self._values.one(node).kind == "number" or self._literals.number(node) is not None

    def _counting_call(self, node: cst.Call) -> Loop | None:
        name = self._values.names.builtin(node.func)
        if name in ("float", "int", "abs", "round", "str") and node.args:
            loop = self.counter(node.args[0].value)
            return loop or (self._bound_in_loop(node.args[0].value, node) if name == "float" else None)
        if isinstance(node.func, cst.Attribute) and node.func.attr.value == "item" and not node.args:
            return self._bound_in_loop(node.func.value, node)
        if self._values.names.dotted(node.func) in _FRESH_NUMBERS:
            return self._syntax.place(node).loop
        return None

    def _bound_in_loop(self, node: cst.CSTNode, place: cst.CSTNode) -> Loop | None:
        """The innermost loop around ``place`` that binds the variable ``node`` anew."""
        if not isinstance(node, cst.Name) or node not in self._syntax.noted:
            return None
        for loop in self._syntax.loops_around(place):
            if any(inside(binding.place.loop, loop) for binding in self._values.flow.reaching(node)):
                return loop
        return None

    def _counting_name(self, node: cst.Name) -> Loop | None:
        around = set(self._syntax.loops_around(node))
        bindings = self._values.flow.reaching(node)
        if not bindings or any(value.kind not in ("number", "string") for value in self._values.of(node)):
            return self._parameter(node, bindings)
        for binding in bindings:
            loop = binding.place.loop
            if loop is None or loop not in around:
                continue
            if binding.kind == "iteration" and loop.target is not None and self._is_from_count(binding):
                return loop
            if binding.kind == "augmented":
                return loop
            if binding.kind == "assign" and not binding.path:
                found = self.counter(binding.value) or (loop if self._adds_to_itself(binding) else None)
                if found is not None:
                    return found
        return self._parameter(node, bindings)

    def _is_from_count(self, binding: Binding) -> bool:
        """Does a loop's variable come from ``range``, ``enumerate`` or a literal list of numbers?"""
        return all(value.name in ("range", "literal") for value in self._values.bound(binding))

    def _adds_to_itself(self, binding: Binding) -> bool:
        value = binding.value
        return isinstance(value, cst.BinaryOperation) and any(
            isinstance(side, cst.Name) and side.value == binding.name for side in (value.left, value.right)
        )

    def _parameter(self, node: cst.Name, bindings: tuple[Binding, ...]) -> Loop | None:
        if len(bindings) != 1 or bindings[0].kind != "parameter":
            return None
        function = bindings[0].place.scope.node
        for site in self._values.functions.call_sites(function):
            loop = self.counter(self._values.functions.argument_for(site, function, node.value))
            if loop is not None:
                return loop
        return None

    # New lengths

    def grows(self, node: cst.CSTNode | None) -> Loop | None:
        """The loop in each of whose rounds the array has another length: ``x[:i]``, one joined to itself, a list appended to."""
        return self._guard.ask(self._grows, node, None)

    def _grows(self, node: cst.CSTNode) -> Loop | None:
        if isinstance(node, cst.Subscript):
            for element in node.slice:
                loop = self._growing_slice(element.slice) if isinstance(element.slice, cst.Slice) else None
                if loop is not None:
                    return loop
            return None
        if isinstance(node, cst.Call):
            dotted = self._values.names.dotted(node.func)
            if dotted.rpartition(".")[2] in _ARRAY_MAKERS and node.args:
                return self.grows(node.args[0].value)
            return None
        if isinstance(node, cst.List):
            return self.grows(node.elements[0].value) if len(node.elements) == 1 else None
        if not isinstance(node, cst.Name) or node not in self._syntax.noted:
            return None
        around = set(self._syntax.loops_around(node))
        if around and (loop := self._appended_in(node, around)) is not None:
            return loop
        for binding in self._values.flow.reaching(node):
            if binding.kind != "assign" or binding.path or binding.place.loop not in around:
                continue
            loop = self.grows(binding.value)
            if loop is None and isinstance(binding.value, cst.Call) and self.joined_to_itself(binding.value) is not None:
                loop = binding.place.loop
            if loop is not None:
                return loop
        return None

    def _appended_in(self, node: cst.Name, around: set[Loop]) -> Loop | None:
        """The loop around a list in which it is appended to, where the list is made outside and nothing else is done to it."""
        owner = self._values.names.owner(node.value, self._syntax.place(node).scope)
        bindings = self._values.flow.reaching(node)
        if owner is None or len(bindings) != 1 or not isinstance(bindings[0].value, cst.List):
            return None
        found: Loop | None = None
        for read in self._values.flow.reads(node.value, owner):
            parent = self._syntax.parent(read)
            if any(
                isinstance(above, cst.Del) for above in (parent, self._syntax.parent(parent) if parent is not None else None)
            ):
                return None
            if isinstance(parent, cst.Attribute):
                loop = self._syntax.place(read).loop
                if parent.attr.value != "append":
                    return None
                if loop in around and not inside(bindings[0].place.loop, loop) and not self._values.flow.is_conditional(read):
                    found = loop
        return found

    def _growing_slice(self, part: cst.Slice) -> Loop | None:
        lower, upper = part.lower, part.upper
        if part.step is not None:
            return None
        if upper is not None and (lower is None or self._literals.number(lower) is not None):
            return self.counter(upper)
        if lower is not None and (upper is None or self._literals.number(upper) is not None):
            return self.counter(lower)
        return None

    def joined_to_itself(self, call: cst.Call) -> cst.BaseExpression | None:
        """``a`` in ``a = np.concatenate([a, …])``: the variable that the assignment around ``call`` both reads and binds."""
        assign = self._syntax.parent(call)
        if (
            not isinstance(assign, cst.Assign)
            or len(assign.targets) != 1
            or not self._calls.named(call, *JOINS)
            or not call.args
        ):
            return None
        target = assign.targets[0].target
        if not isinstance(target, (cst.Name, cst.Attribute)):
            return None
        parts: list[cst.BaseExpression] = [item.value for item in call.args if item.keyword is None][:2]
        if self._values.names.dotted(call.func).rpartition(".")[2] != "append":
            # `a = np.concatenate(a)` joins the pieces of a list; only what stands in the list of parts is joined to something.
            parts = [element.value for part in parts if isinstance(part, (cst.List, cst.Tuple)) for element in part.elements]
        return target if any(part.deep_equals(target) for part in parts) else None

    def reset_in(self, target: cst.BaseExpression, call: cst.Call, loop: Loop) -> bool:
        """Is the variable given another value in the loop, on a path that runs in the same round as ``call``?"""
        mine = self._syntax.place(call).block
        if isinstance(target, cst.Attribute):
            stores = self._syntax.attribute_stores.get(target.attr.value, ())
            return any(
                store.node is not target and inside(store.place.loop, loop) and not exclusive(store.place.block, mine)
                for store in stores
            )
        if not isinstance(target, cst.Name) or target not in self._syntax.noted:
            return True
        owner = self._values.names.owner(target.value, self._syntax.place(target).scope)
        return owner is None or any(
            binding.node is not target and inside(binding.place.loop, loop) and not exclusive(binding.place.block, mine)
            for binding in owner.bindings[target.value]
        )

    def read_in(self, target: cst.BaseExpression, call: cst.Call, loop: Loop) -> bool:
        """Does the loop use the variable for more than to grow it: for anything but tests and its shape or length?"""
        if not isinstance(target, cst.Name):
            return False
        owner = self._values.names.owner(target.value, self._syntax.place(target).scope)
        for read in self._values.flow.reads(target.value, owner) if owner is not None else ():
            if not loop.first <= self._syntax.order(read) <= loop.last:
                continue
            parents = list(self._syntax.ancestors(read))
            if call in parents or self._is_look(read, parents):
                continue
            return True
        return False

    def _is_look(self, read: cst.Name, parents: list[cst.CSTNode]) -> bool:
        """A look at the array that needs no data: a test, ``len(a)``, ``a.shape``, ``print(a)``, or joining it in the other branch."""
        if any(isinstance(parent, cst.While) and self._in_test(parent, parents) for parent in parents):
            return False  # the loop runs until there is enough
        for parent in parents:
            if isinstance(parent, cst.Attribute):
                return parent.attr.value in ("shape", "size", "ndim", "dtype", "nbytes")
            if isinstance(parent, (cst.Comparison, cst.If)):
                return True
            if isinstance(parent, cst.Call):
                return self._values.names.builtin(parent.func) in ("len", "print") or self.joined_to_itself(parent) is not None
            if isinstance(parent, (cst.Assign, cst.SimpleStatementLine)):
                return False
        return False

    def _in_test(self, loop: cst.While, parents: list[cst.CSTNode]) -> bool:
        return loop.test in parents

    # What stays the same

    def is_fixed(self, node: cst.CSTNode | None, iteration: Iteration | None) -> bool:
        """Is the expression surely the same in every round of the loop (without one: in every call of the function around it)?"""
        return self._guard.ask(lambda node: self._is_fixed(node, iteration), node, False)

    def _is_fixed(self, node: cst.CSTNode, iteration: Iteration | None) -> bool:
        if isinstance(node, (cst.SimpleString, cst.ConcatenatedString, cst.Integer, cst.Float)):
            return True
        if isinstance(node, cst.Name):
            return self._is_fixed_name(node, iteration)
        if isinstance(node, cst.Attribute):
            return self.is_fixed(node.value, iteration) and not any(
                store.place.loop is not None for store in self._syntax.attribute_stores.get(node.attr.value, ())
            )
        if isinstance(node, cst.BinaryOperation):
            return self.is_fixed(node.left, iteration) and self.is_fixed(node.right, iteration)
        if isinstance(node, cst.FormattedString):
            parts = [part.expression for part in node.parts if isinstance(part, cst.FormattedStringExpression)]
            return all(self.is_fixed(part, iteration) for part in parts)
        if isinstance(node, cst.Subscript):
            indexes = [e.slice.value for e in node.slice if isinstance(e.slice, cst.Index)]
            return len(indexes) == len(node.slice) and all(self.is_fixed(item, iteration) for item in (node.value, *indexes))
        if isinstance(node, cst.Call):
            known = (
                self._values.names.dotted(node.func).startswith(_PATH_HOMES) or self._values.names.builtin(node.func) == "str"
            )
            return known and all(self.is_fixed(item.value, iteration) for item in node.args)
        return False

    def _is_fixed_name(self, node: cst.Name, iteration: Iteration | None) -> bool:
        if node.value in ("None", "True", "False", "__file__"):
            return True
        if node not in self._syntax.noted:
            return False
        bindings = self._values.flow.reaching(node)
        return bool(bindings) and all(self._is_fixed_binding(binding, node, iteration) for binding in bindings)

    def _is_fixed_binding(self, binding: Binding, node: cst.Name, iteration: Iteration | None) -> bool:
        loop = iteration.loop if iteration is not None else None
        local = (
            binding.place.scope.function is self._syntax.place(node).scope.function
            and binding.place.scope.function.kind != "module"
        )
        if binding.kind == "import":
            return True
        if binding.kind == "parameter":
            if loop is not None and iteration is not None and iteration.site is None:
                return True  # bound before the loop starts
            function = binding.place.scope.node
            sites = self._values.functions.call_sites(function) if loop is not None else []
            given = [self._values.functions.argument_for(site, function, binding.name) for site in sites]
            return bool(given) and all(self.is_fixed(item if item is not None else binding.value, iteration) for item in given)
        if binding.kind not in ("assign", "with"):
            return False
        if loop is not None and inside(binding.place.loop, loop):
            return not binding.path and self.is_fixed(binding.value, iteration)
        if local and (loop is None or (iteration is not None and iteration.site is not None)):
            return not binding.path and self.is_fixed(binding.value, iteration)
        return True
