"""The walked module: scopes, blocks, loops, bindings and stores, and what is known of each node. The facts are lookups in it.

``walk`` fills it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import libcst as cst

ScopeKind = Literal["module", "function", "class", "lambda", "comprehension"]
BindingKind = Literal[
    "assign", "augmented", "iteration", "with", "import", "function", "class", "parameter", "delete", "except", "declared"
]


class Scope:
    """A namespace: a module, a function, a class, a lambda or a comprehension, and what is bound and read in it."""

    __slots__ = ("bindings", "enclosing", "kind", "names_elsewhere", "node", "reads")

    def __init__(self, kind: ScopeKind, node: cst.CSTNode, enclosing: Scope | None) -> None:
        self.kind = kind
        self.node = node
        self.enclosing = enclosing
        self.bindings: dict[str, list[Binding]] = {}
        self.reads: dict[str, list[cst.Name]] = {}
        self.names_elsewhere: dict[str, Literal["global", "nonlocal"]] = {}

    @property
    def function(self) -> Scope:
        """The nearest scope that runs as a whole: comprehensions run within the function or module around them."""
        scope = self
        while scope.kind == "comprehension" and scope.enclosing is not None:
            scope = scope.enclosing
        return scope

    def bind(self, binding: Binding) -> None:
        """Note a binding made in this scope with the scope whose variable it is."""
        name = binding.name
        scope = self
        if scope.kind == "comprehension" and binding.kind == "assign":
            scope = scope.function  # a walrus in a comprehension binds outside of it
        elsewhere = scope.names_elsewhere.get(name)
        if elsewhere == "global":
            while scope.enclosing is not None:
                scope = scope.enclosing
        elif elsewhere == "nonlocal" and scope.enclosing is not None:
            scope = scope.enclosing
            while scope.enclosing is not None and name not in scope.bindings:
                scope = scope.enclosing
        scope.bindings.setdefault(name, []).append(binding)


class Block:
    """A suite that may run or not: the branch of an ``if``, the body of a loop, a handler."""

    __slots__ = ("branch", "kind", "owner", "parent")

    def __init__(self, kind: str, owner: cst.CSTNode, branch: int, parent: Block | None) -> None:
        self.kind = kind
        self.owner = owner
        self.branch = branch
        self.parent = parent

    def chain(self) -> Iterator[Block]:
        block: Block | None = self
        while block is not None:
            yield block
            block = block.parent


class Loop:
    """A ``for``, ``while`` or comprehension. ``last`` is the order of the last node inside it."""

    __slots__ = ("first", "iterable", "kind", "last", "node", "outer", "scope", "target")

    def __init__(
        self,
        kind: Literal["for", "while", "comprehension"],
        node: cst.CSTNode,
        iterable: cst.BaseExpression | None,
        target: cst.BaseExpression | None,
        scope: Scope,
        outer: Loop | None,
        first: int,
    ) -> None:
        self.kind = kind
        self.node = node
        self.iterable = iterable
        self.target = target
        self.scope = scope
        self.outer = outer
        self.first = first
        self.last = first


@dataclass(slots=True, eq=False)
class Surroundings:
    """Where a node stands: its scope, its block and its innermost loop of the same function."""

    scope: Scope
    block: Block
    loop: Loop | None


@dataclass(slots=True, eq=False)
class Binding:
    """A place that gives a name a value. ``path`` says which part of ``value`` for unpacked targets: ``(a, b), c = …``."""

    name: str
    kind: BindingKind
    node: cst.CSTNode
    value: cst.CSTNode | None
    path: tuple[int, ...]
    order: int
    place: Surroundings
    dotted: str = ""
    """What an import binds, as written: ``tensorflow.keras.layers``."""


@dataclass(frozen=True, slots=True)
class AttributeStore:
    """``base.attribute = value``; ``path`` as in :class:`Binding`."""

    base: cst.BaseExpression
    attribute: str
    node: cst.Attribute
    value: cst.BaseExpression | None
    path: tuple[int, ...]
    order: int
    place: Surroundings


@dataclass(frozen=True, slots=True)
class ItemStore:
    """``container[key] = value``."""

    container: cst.BaseExpression
    node: cst.Subscript
    value: cst.BaseExpression | None
    order: int
    place: Surroundings


@dataclass(slots=True, eq=False)
class Noted:
    """What the walk knows of a node. Not frozen, as those are slow to make, and one is made for each node; nobody changes it."""

    order: int
    parent: cst.CSTNode | None
    place: Surroundings


@dataclass(slots=True)
class Syntax:
    """The walked module. Lists are in running order."""

    module: cst.Module
    noted: dict[cst.CSTNode, Noted] = field(default_factory=dict)
    calls: list[cst.Call] = field(default_factory=list)
    divisions: list[cst.BinaryOperation | cst.AugAssign] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    functions: list[cst.FunctionDef] = field(default_factory=list)
    classes: list[cst.ClassDef] = field(default_factory=list)
    returns: dict[Scope, list[cst.Return]] = field(default_factory=dict)
    yields: set[Scope] = field(default_factory=set)
    scopes: dict[cst.CSTNode, Scope] = field(default_factory=dict)
    imports: list[tuple[str, str, Surroundings]] = field(default_factory=list)
    star_imports: list[str] = field(default_factory=list)
    attribute_stores: dict[str, list[AttributeStore]] = field(default_factory=dict)
    item_stores: list[ItemStore] = field(default_factory=list)
    breaks: dict[Loop, list[cst.CSTNode]] = field(default_factory=dict)
    statement_starts: list[int] = field(default_factory=list)
    last_order: int = 0

    def order(self, node: cst.CSTNode) -> int:
        return self.noted[node].order

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self.noted[node].parent

    def place(self, node: cst.CSTNode) -> Surroundings:
        return self.noted[node].place

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        parent = self.noted[node].parent
        while parent is not None:
            yield parent
            parent = self.noted[parent].parent

    def statement(self, node: cst.CSTNode) -> cst.CSTNode:
        """The statement around an expression: a line of simple statements or a compound statement."""
        current = node
        for ancestor in self.ancestors(node):
            if isinstance(ancestor, (cst.IndentedBlock, cst.Module, cst.SimpleStatementSuite)):
                break
            current = ancestor
        return current

    def loops_around(self, node: cst.CSTNode) -> Iterator[Loop]:
        """The loops of the same function whose body runs ``node`` again and again, innermost first."""
        loop = self.noted[node].place.loop
        while loop is not None:
            yield loop
            loop = loop.outer
