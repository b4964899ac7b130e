"""How long big things live: whether a name is read again, what the training after it is, what a loop lets go."""

from __future__ import annotations

import libcst as cst

from kerasmem_lint.facts.calls import Calls
from kerasmem_lint.facts.flow import Flow
from kerasmem_lint.facts.syntax import Loop, Scope, Syntax
from kerasmem_lint.facts.values import Values

_SAME_COLUMN = ("array", "astype", "copy", "to_list", "to_numpy", "tolist", "values")
"""What gives the items of a column as they are."""

_TRAINING = ("Model.fit", "Model.fit_generator", "Model.train_on_batch")


class Lifetimes:
    """Questions about what is still alive."""

    def __init__(self, syntax: Syntax, values: Values, flow: Flow, calls: Calls) -> None:
        self._syntax = syntax
        self._values = values
        self._flow = flow
        self._calls = calls

    def targets(self, node: cst.CSTNode) -> frozenset[str]:
        """The names that the assignment around an expression binds; empty when it is no assignment."""
        statement = self._syntax.statement(node)
        names: set[str] = set()
        if isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                if isinstance(small, cst.Assign):
                    for target in small.targets:
                        names |= _names_in(target.target)
        return frozenset(names)

    def is_idle_after(self, name: cst.Name, node: cst.CSTNode) -> bool:
        """Is the variable neither read nor deleted nor bound again after ``node``, and not handed out of its function?"""
        if name not in self._syntax.noted:
            return False
        place = self._syntax.place(name)
        owner = self._values.names.owner(name.value, place.scope)
        if owner is None or owner.function is not place.scope.function:
            return False
        end = self._flow.end(node)
        bindings = owner.bindings[name.value]
        if any(binding.order > end for binding in bindings) or any(
            binding.kind in ("parameter", "import") for binding in bindings
        ):
            return False
        if place.loop is not None or name.value in owner.names_elsewhere:
            return False
        return not self._flow.reads_after(name.value, node)

    def gathered(self, index: cst.Call) -> list[tuple[cst.Name, list[cst.Subscript]]]:
        """The arrays whose rows an index array takes into new variables, ``x`` of ``train = x[order[:n]]``, and the places of each.

        Of random numbers that are compared with one, the mask is followed. Of other functions that read the index, nothing is
        told: there the name of an array may be another variable's.
        """
        function = self._syntax.place(index).scope.function
        found: dict[str, list[cst.Subscript]] = {}
        compared = self._syntax.parent(index)
        todo = self._assigned_names(compared if isinstance(compared, cst.Comparison) else index)
        seen: set[cst.CSTNode] = set()
        while todo:
            name = todo.pop()
            owner = self._values.names.owner(name.value, self._syntax.place(name).scope)
            for read in self._flow.reads(name.value, owner) if owner is not None and name not in seen else ():
                if self._syntax.place(read).scope.function is not function or not any(
                    binding.node is name for binding in self._flow.reaching(read)
                ):
                    continue
                rows, around = self._sliced(read)
                if around is None:
                    todo += self._assigned_names(rows) if rows is not read else []
                elif isinstance(around.value, cst.Name) and self._is_kept(around):
                    found.setdefault(around.value.value, []).append(around)
            seen.add(name)
        return [
            (cst.ensure_type(places[0].value, cst.Name), sorted(places, key=self._syntax.order)) for places in found.values()
        ]

    def column(self, name: cst.Name) -> str:
        """The column of a table that is all a variable holds, ``path`` of ``x = table["path"].values``; "" where there is no such."""
        bindings = self._flow.reaching(name) if name in self._syntax.noted else ()
        node = bindings[0].value if len(bindings) == 1 else None
        while isinstance(node, (cst.Attribute, cst.Call)):
            if isinstance(node, cst.Attribute) and node.attr.value not in _SAME_COLUMN:
                return ""
            node = node.func if isinstance(node, cst.Call) else node.value
        index = node.slice[0].slice if isinstance(node, cst.Subscript) and len(node.slice) == 1 else None
        key = index.value if isinstance(index, cst.Index) else None
        text = key.evaluated_value if isinstance(key, cst.SimpleString) else ""
        return text if isinstance(text, str) else ""

    def _sliced(self, read: cst.Name) -> tuple[cst.CSTNode, cst.Subscript | None]:
        """An index array or the slice taken of it, and the subscript in which it stands alone: ``x[order[:n]]``."""
        rows: cst.CSTNode = read
        parent = self._syntax.parent(read)
        if isinstance(parent, cst.UnaryOperation) and isinstance(parent.operator, cst.BitInvert):
            parent = self._syntax.parent(parent)  # the other rows of a mask
        if isinstance(parent, cst.Subscript) and parent.value is read:
            if len(parent.slice) != 1 or not isinstance(parent.slice[0].slice, cst.Slice):
                return read, None
            rows, parent = parent, self._syntax.parent(parent)
        element = self._syntax.parent(parent) if isinstance(parent, cst.Index) else None
        around = self._syntax.parent(element) if isinstance(element, cst.SubscriptElement) else None
        return rows, around if isinstance(around, cst.Subscript) and len(around.slice) == 1 else None

    def _is_kept(self, gathered: cst.Subscript) -> bool:
        """Is the result given a name of its own?"""
        assert isinstance(gathered.value, cst.Name)
        return bool(self.targets(gathered) - {gathered.value.value})

    def _assigned_names(self, value: cst.CSTNode) -> list[cst.Name]:
        """The name that an expression, or the tuple that it is a part of, is assigned to."""
        assign = self._syntax.parent(value)
        if isinstance(assign, cst.Assign) and isinstance(assign.targets[0].target, cst.Name):
            return [assign.targets[0].target]
        display = self._syntax.parent(assign) if isinstance(assign, cst.Element) else None
        assign = self._syntax.parent(display) if isinstance(display, cst.Tuple) else None
        target = assign.targets[0].target if isinstance(assign, cst.Assign) else None
        if isinstance(display, cst.Tuple) and isinstance(target, cst.Tuple) and len(target.elements) == len(display.elements):
            pairs = zip(display.elements, target.elements, strict=True)
            return [to.value for given, to in pairs if given.value is value and isinstance(to.value, cst.Name)]
        return []

    def training_after(self, node: cst.CSTNode) -> cst.Call | None:
        """The first training call that runs after ``node`` in its scope, or the call of a local function that trains."""
        place = self._syntax.place(node)
        end = self._flow.end(node)
        for call in self._syntax.calls:
            if self._syntax.order(call) <= end or self._syntax.place(call).scope.function is not place.scope.function:
                continue
            if self._calls.named(call, *_TRAINING) or any(
                self._trains(function) for function in self._values.functions.targets(call)
            ):
                return call
        return None

    def _trains(self, function: cst.CSTNode) -> bool:
        scope = self._syntax.scopes.get(function)
        return any(
            self._calls.named(call, *_TRAINING) and self._syntax.place(call).scope.function is scope
            for call in self._syntax.calls
        )

    def rebound_alive(self, call: cst.Call) -> tuple[cst.Name, Loop] | None:
        """The name that each round of a loop binds to the result of ``call`` while the last round's is still alive, and the loop.

        Not when the round deletes the name, or sets it to None or anything else, after its use.
        """
        assign = self._syntax.parent(call)
        place = self._syntax.place(call)
        if not isinstance(assign, cst.Assign) or len(assign.targets) != 1 or place.loop is None:
            return None
        target = assign.targets[0].target
        if not isinstance(target, cst.Name) or place.scope.kind == "comprehension":
            return None
        loop = place.loop
        order = self._syntax.order(call)
        for binding in place.scope.bindings.get(target.value, ()):
            if (
                binding.order != self._syntax.order(target)
                and loop.first <= binding.order <= loop.last
                and binding.node is not target
            ):
                return None
            if binding.order > order and binding.kind == "delete":
                return None
        return target, loop

    def given_to_model(self, name: cst.Name, loop: Loop) -> cst.Call | None:
        """The call of a model's method, inside the loop, that takes the variable or a part of it."""
        owner = self._values.names.owner(name.value, self._syntax.place(name).scope)
        for read in self._flow.reads(name.value, owner) if owner is not None else ():
            if not loop.first <= self._syntax.order(read) <= loop.last:
                continue
            for ancestor in self._syntax.ancestors(read):
                if isinstance(ancestor, cst.Call):
                    if any(made.startswith("Model.") for made in self._calls.names(ancestor)):
                        return ancestor
                    break
                if not isinstance(ancestor, (cst.Arg, cst.Subscript, cst.Tuple, cst.Element, cst.SubscriptElement, cst.Index)):
                    break
        return None

    def last_statement(self, loop: Loop) -> cst.CSTNode | None:
        """The last statement of a loop's body, if it is a simple one that falls through to the next round."""
        body = loop.node.body if isinstance(loop.node, (cst.For, cst.While)) else None
        if not isinstance(body, cst.IndentedBlock) or not body.body:
            return None
        last = body.body[-1]
        leaves = (cst.Return, cst.Break, cst.Continue, cst.Raise)
        if isinstance(last, cst.SimpleStatementLine) and not any(isinstance(small, leaves) for small in last.body):
            return last
        return None

    def read_after_loop(self, name: cst.Name, loop: Loop) -> bool:
        """Is the variable read outside of the loop, or in a function that may be?"""
        owner = self._values.names.owner(name.value, self._syntax.place(name).scope)
        if owner is None:
            return True
        return any(not loop.first <= self._syntax.order(read) <= loop.last for read in self._flow.reads(name.value, owner))

    def unread_name(self, call: cst.CSTNode) -> str:
        """The name an expression is bound to, when nothing in the file reads it; else "".

        A list that nothing reads does not count as a reader: of ``stop`` in ``callbacks = [stop]`` the answer is ``callbacks``.
        """
        found: dict[tuple[Scope, str], bool] = {}
        todo = [call]
        while todo:
            bound = self._bound_name(todo.pop())
            if bound is None:
                return ""
            if bound in found:
                continue  # `callbacks = [callbacks]` is read by itself alone
            owner, name = bound
            reads = self._flow.reads(name, owner)
            if not all(isinstance(self._syntax.parent(read), cst.Element) for read in reads):
                return ""
            found[bound] = bool(reads)
            todo += reads
        ends = [name for (_, name), is_read in found.items() if not is_read]
        return min(ends) if ends else next(iter(found))[1]

    def _bound_name(self, node: cst.CSTNode) -> tuple[Scope, str] | None:
        """The variable that an expression, or the list that it stands in, is assigned to; None where there is more to it."""
        parent = self._syntax.parent(node)
        while isinstance(parent, cst.Element):
            display = self._syntax.parent(parent)
            parent = self._syntax.parent(display) if isinstance(display, (cst.List, cst.Tuple)) else None
        if not isinstance(parent, cst.Assign) or len(parent.targets) != 1 or not isinstance(parent.targets[0].target, cst.Name):
            return None
        name = parent.targets[0].target.value
        scope = self._syntax.place(node).scope
        owner = self._values.names.owner(name, scope)
        if owner is None or scope.kind == "class" or name in scope.names_elsewhere:
            return None
        return owner, name


def _names_in(target: cst.CSTNode) -> set[str]:
    if isinstance(target, cst.Name):
        return {target.value}
    if isinstance(target, (cst.Tuple, cst.List)):
        return set().union(*(_names_in(element.value) for element in target.elements))
    return set()
