"""Which assignments can reach a use, and what happens to a name before and after it.

Flow is followed inside one scope, in running order; the last assignment that must have run wins, and one that may have run
adds to it. Names of enclosing scopes are read when the function is called, so every assignment there counts.
"""

from __future__ import annotations

from bisect import bisect_right

import libcst as cst

from kerasmem_lint.facts.names import Names
from kerasmem_lint.facts.syntax import Binding, Block, Loop, Scope, Syntax

_SURE = frozenset({"module", "function", "class", "try", "orelse"})
"""Blocks that run whenever the code around them runs; a `try` body is taken to run to its end."""


class Flow:
    """Reaching definitions and uses of names."""

    def __init__(self, syntax: Syntax, names: Names) -> None:
        self._syntax = syntax
        self._names = names
        self._memo: dict[cst.Name, tuple[Binding, ...]] = {}
        self._inner_reads: dict[tuple[Scope, str], list[cst.Name]] = {}
        self._subscopes: dict[Scope, list[Scope]] = {}
        for scope in syntax.scopes.values():
            if scope.enclosing is not None:
                self._subscopes.setdefault(scope.enclosing, []).append(scope)

    def reaching(self, name: cst.Name) -> tuple[Binding, ...]:
        """The bindings whose value the name can have here, latest first."""
        known = self._memo.get(name)
        if known is None:
            known = self._memo[name] = tuple(self._reaching(name))
        return known

    def _reaching(self, name: cst.Name) -> list[Binding]:
        noted = self._syntax.noted[name]
        owner = self._names.owner(name.value, noted.place.scope)
        if owner is None:
            return []
        bindings = owner.bindings[name.value]
        if owner.function is not noted.place.scope.function:
            return [binding for binding in reversed(bindings) if binding.kind != "delete"]
        found: list[Binding] = []
        use = noted.place.block
        sure: Binding | None = None
        for binding in reversed(bindings):
            if binding.order >= noted.order or exclusive(binding.place.block, use):
                continue
            found.append(binding)
            if _certain(binding.place.block, use):
                sure = binding
                break
        loop = noted.place.loop
        # What a round has surely bound above the use, no earlier round can show through.
        while loop is not None and (sure is None or not inside(sure.place.loop, loop)):
            found += [
                binding
                for binding in bindings
                if noted.order < binding.order <= loop.last and binding not in found and inside(binding.place.loop, loop)
            ]
            loop = loop.outer
        if sure is None and owner.kind == "class" and not found:
            return []
        return [binding for binding in found if binding.kind != "delete"]

    def only_value(self, name: cst.CSTNode | None) -> cst.BaseExpression | None:
        """The expression that a name stands for: that of the one assignment that reaches it, if that unpacks nothing."""
        if not isinstance(name, cst.Name) or name not in self._syntax.noted:
            return None
        bindings = self.reaching(name)
        if len(bindings) != 1 or bindings[0].kind != "assign" or bindings[0].path:
            return None
        value = bindings[0].value
        return value if isinstance(value, cst.BaseExpression) else None

    def reads(self, name: str, scope: Scope) -> list[cst.Name]:
        """Every read of the variable ``name`` of ``scope``, nested functions and comprehensions included, in running order."""
        key = (scope, name)
        known = self._inner_reads.get(key)
        if known is None:
            known = list(scope.reads.get(name, ()))
            todo = list(self._subscopes.get(scope, ()))
            while todo:
                inner = todo.pop()
                if name in inner.bindings and name not in inner.names_elsewhere:
                    continue
                known += inner.reads.get(name, ())
                todo += self._subscopes.get(inner, ())
            known.sort(key=self._syntax.order)
            self._inner_reads[key] = known
        return known

    def reads_after(self, name: str, node: cst.CSTNode) -> list[cst.Name]:
        """Reads of the variable that can see the value it has at ``node``, after ``node`` has run.

        A read in a nested function counts wherever the function stands; within a loop around ``node``, so do reads above it.
        """
        noted = self._syntax.noted[node]
        scope = self._names.owner(name, noted.place.scope)
        if scope is None:
            return []
        end = self.end(node)
        found = []
        for read in self.reads(name, scope):
            place = self._syntax.place(read)
            nested = place.scope.function is not noted.place.scope.function
            if nested or self._syntax.order(read) > end or self._again(read, noted.place.loop, node):
                found.append(read)
        return found

    def _again(self, read: cst.Name, loop: Loop | None, node: cst.CSTNode) -> bool:
        """Is ``read`` above ``node`` in a loop around both, and does it see the value from ``node``'s round?"""
        order = self._syntax.order(read)
        if loop is None or self._syntax.order(node) <= order <= self.end(node):
            return False
        while loop is not None:
            if loop.first <= order <= loop.last:
                stored_inside = any(
                    binding.order >= loop.first and binding.order < order for binding in self._names.bindings(read)
                )
                return not stored_inside
            loop = loop.outer
        return False

    def is_conditional(self, node: cst.CSTNode) -> bool:
        """Does the node stand under an ``if``, ``match`` or handler of its function, so that it may not run?"""
        return any(block.kind in ("if", "except") for block in self._syntax.noted[node].place.block.chain())

    def end(self, node: cst.CSTNode) -> int:
        """The order of the last node of the statement (or of the head of the compound statement) around ``node``."""
        starts = self._syntax.statement_starts
        index = bisect_right(starts, self._syntax.noted[node].order)
        return starts[index] - 1 if index < len(starts) else self._syntax.last_order


def inside(loop: Loop | None, outer: Loop) -> bool:
    """Is ``loop`` the loop ``outer`` or one within it?"""
    while loop is not None:
        if loop is outer:
            return True
        loop = loop.outer
    return False


def exclusive(one: Block, other: Block) -> bool:
    """Do the two blocks belong to different branches of one ``if`` or ``match``, so that never both run in one pass?"""
    branches = {block.owner: block for block in one.chain() if block.kind == "if"}
    for block in other.chain():
        twin = branches.get(block.owner)
        if twin is not None and block.kind == "if":
            return twin.branch != block.branch
    return False


def _certain(definition: Block, use: Block) -> bool:
    """Has the block of a definition certainly run when the later use runs?"""
    around = set(use.chain())
    block: Block | None = definition
    while block is not None and block not in around:
        if block.kind not in _SURE:
            return False
        block = block.parent
    return True
