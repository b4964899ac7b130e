"""Gradient tapes: what they record, when their gradient is asked for, and who keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import libcst as cst

from kerasmem_lint.facts.arguments import argument, hides_arguments
from kerasmem_lint.facts.calls import Calls
from kerasmem_lint.facts.literals import Literals
from kerasmem_lint.facts.values import Values

_ASKS = frozenset({"gradient", "jacobian", "batch_jacobian"})
_OTHER = frozenset({"watch", "reset", "stop_recording", "watched_variables"})


@dataclass(frozen=True, slots=True)
class Tape:
    """One ``tf.GradientTape(…)`` and the variable it goes by.

    ``block`` is its ``with`` statement, None for one that is made for an attribute and entered later; ``asks`` the calls of
    ``gradient`` and its kin; ``keepers`` the ``append`` calls and stores that put it somewhere else; ``escapes`` is set where it is used
    in a way that is none of these.
    """

    call: cst.Call
    block: cst.With | None
    persistent: bool
    asks: tuple[cst.Call, ...]
    keepers: tuple[cst.CSTNode, ...]
    escapes: bool


class Tapes:
    """Questions about tapes."""

    def __init__(self, values: Values, literals: Literals, calls: Calls) -> None:
        self._values = values
        self._literals = literals
        self._calls = calls
        self._syntax = values.syntax

    def of(self, call: cst.Call) -> Tape | None:
        """The tape of ``with tf.GradientTape(…) as tape:`` or ``self.tape = tf.GradientTape(…)``; None for those made otherwise."""
        item = self._syntax.parent(call)
        if isinstance(item, cst.Assign):
            return self._on_attribute(call, item)
        block = self._syntax.parent(item) if isinstance(item, cst.WithItem) else None
        if (
            not isinstance(item, cst.WithItem)
            or not isinstance(block, cst.With)
            or item.asname is None
            or hides_arguments(call)
        ):
            return None
        given = argument(call, 0, "persistent")
        persistent = self._literals.boolean(given) if given is not None else False
        if persistent is None:
            return None
        target = item.asname.name
        if isinstance(target, cst.Attribute):
            return Tape(call, block, persistent, tuple(self._asked.get(self._code(target), ())), (target,), False)
        if not isinstance(target, cst.Name):
            return None
        return self._named(call, block, persistent, target)

    def _on_attribute(self, call: cst.Call, assign: cst.Assign) -> Tape | None:
        """A persistent tape that an attribute is given, and that a ``with`` enters: kept, unless it is let go somewhere."""
        target = assign.targets[0].target
        if not isinstance(target, cst.Attribute) or self._literals.boolean(argument(call, 0, "persistent")) is not True:
            return None
        stores = self._syntax.attribute_stores.get(target.attr.value, ())
        let_go = any(self._literals.is_none(store.value) and store.node.deep_equals(target) for store in stores)
        if let_go or self._code(target) not in self._entered:
            return None
        return Tape(call, None, True, tuple(self._asked.get(self._code(target), ())), (target,), False)

    @cached_property
    def _entered(self) -> frozenset[str]:
        """The attributes that a ``with`` enters, as they are written: ``with self.tape:``."""
        blocks = [node for node in self._syntax.noted if isinstance(node, cst.With)]
        items = [item.item for block in blocks for item in block.items]
        return frozenset(self._code(item) for item in items if isinstance(item, cst.Attribute))

    @cached_property
    def _asked(self) -> dict[str, list[cst.Call]]:
        """The calls of ``gradient`` and its kin by what is asked, as it is written."""
        found: dict[str, list[cst.Call]] = {}
        for call in self._syntax.calls:
            if isinstance(call.func, cst.Attribute) and call.func.attr.value in _ASKS:
                found.setdefault(self._code(call.func.value), []).append(call)
        return found

    def _code(self, node: cst.BaseExpression) -> str:
        return self._syntax.module.code_for_node(node)

    def _named(self, call: cst.Call, block: cst.With, persistent: bool, target: cst.Name) -> Tape | None:
        owner = self._values.names.owner(target.value, self._syntax.place(target).scope)
        if owner is None:
            return None
        asks: list[cst.Call] = []
        keepers: list[cst.CSTNode] = []
        escapes = False
        for read in self._values.flow.reads(target.value, owner):
            if not any(binding.node is target for binding in self._values.flow.reaching(read)):
                continue
            parent = self._syntax.parent(read)
            around = self._syntax.parent(parent) if parent is not None else None
            if isinstance(parent, cst.Attribute) and isinstance(around, cst.Call) and around.func is parent:
                if parent.attr.value in _ASKS:
                    asks.append(around)
                elif parent.attr.value not in _OTHER:
                    escapes = True
            elif isinstance(parent, cst.Assign) and isinstance(parent.targets[0].target, (cst.Attribute, cst.Subscript)):
                keepers.append(parent.targets[0].target)
            elif isinstance(parent, cst.Arg) and isinstance(around, cst.Call) and self._is_append(around):
                keepers.append(around)
            elif isinstance(parent, cst.Del):
                continue
            else:
                escapes = True
        return Tape(call, block, persistent, tuple(asks), tuple(keepers), escapes)

    def _is_append(self, call: cst.Call) -> bool:
        return isinstance(call.func, cst.Attribute) and call.func.attr.value in ("append", "add", "insert")

    def runs_once(self, ask: cst.Call, tape: Tape) -> bool:
        """Does a call of ``gradient`` run at most once for each time that the tape is made?"""
        made = self._syntax.place(tape.call)
        place = self._syntax.place(ask)
        return place.scope is made.scope and place.loop is made.loop

    def is_inside_own_block(self, ask: cst.Call, tape: Tape) -> bool:
        return (
            tape.block is not None
            and tape.block in self._syntax.ancestors(ask)
            and self._syntax.place(ask).scope is self._syntax.place(tape.call).scope
        )

    def is_recorded_elsewhere(self, tape: Tape) -> bool:
        """Is the tape within the ``with`` of another one, so that its gradients are meant to be recorded?"""
        within = _withs_in(tape.block) if tape.block is not None else []
        blocks = [node for node in (*self._syntax.ancestors(tape.call), *within) if isinstance(node, cst.With)]
        return any(
            item.item is not tape.call and self._is_tape(item.item) for block in dict.fromkeys(blocks) for item in block.items
        )

    def _is_tape(self, node: cst.BaseExpression) -> bool:
        return isinstance(node, cst.Call) and self._calls.named(node, "tensorflow.GradientTape")

    def only_applied(self, ask: cst.Call) -> bool:
        """Do the gradients go to an optimizer and nowhere else?"""
        assign = self._syntax.parent(ask)
        if not isinstance(assign, cst.Assign) or len(assign.targets) != 1 or not isinstance(assign.targets[0].target, cst.Name):
            return self._reaches_optimizer(ask)
        name = assign.targets[0].target
        owner = self._values.names.owner(name.value, self._syntax.place(name).scope)
        reads = self._values.flow.reads(name.value, owner) if owner is not None else []
        mine = [read for read in reads if any(binding.node is name for binding in self._values.flow.reaching(read))]
        return bool(mine) and all(self._reaches_optimizer(read) for read in mine)

    def _reaches_optimizer(self, node: cst.CSTNode) -> bool:
        return any(
            isinstance(ancestor, cst.Call)
            and isinstance(ancestor.func, cst.Attribute)
            and ancestor.func.attr.value in ("apply_gradients", "apply")
            for ancestor in self._syntax.ancestors(node)
        )


def _withs_in(block: cst.With) -> list[cst.With]:
    """The ``with`` statements directly in the body of another."""
    body = block.body.body if isinstance(block.body, cst.IndentedBlock) else ()
    return [statement for statement in body if isinstance(statement, cst.With)]
