"""One parse, one walk: who encloses what, in the order in which Python runs it.

The walk keeps its own stack, so that deep code cannot exhaust Python's, and visits only the fields that hold code. It notes for
every node its parent, its place in the running order and its surroundings (scope, block, loops).
"""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from kerasmem_lint.facts.fields import FIELDS, STATEMENTS
from kerasmem_lint.facts.syntax import (
    AttributeStore,
    Binding,
    BindingKind,
    Block,
    ItemStore,
    Loop,
    Noted,
    Scope,
    ScopeKind,
    Surroundings,
    Syntax,
)


@dataclass(frozen=True, slots=True)
class _Bind:
    """A target on the stack, waiting for its value to have been walked."""

    target: cst.CSTNode
    value: cst.CSTNode | None
    kind: BindingKind


_REVERSED = {kind: names[::-1] for kind, names in FIELDS.items()}
_SENTINEL = type(cst.MaybeSentinel.DEFAULT)

_Entry = tuple["cst.CSTNode | _Bind", "cst.CSTNode | None", Surroundings]


def walk(module: cst.Module) -> Syntax:
    """Note every code node of the module, in running order."""
    syntax = Syntax(module)
    scope = Scope("module", module, None)
    syntax.scopes[module] = scope
    _Walk(syntax).run(module, Surroundings(scope, Block("module", module, 0, None), None))
    return syntax


class _Walk:
    """The stack and the handlers of the nodes that open scopes, blocks and loops or bind names."""

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self.stack: list[_Entry] = []
        self.order = 0
        self.handlers = {
            cst.Name: self.name,
            cst.Call: self.call,
            cst.Attribute: self.attribute,
            cst.BinaryOperation: self.binary,
            cst.Assign: self.assign,
            cst.AnnAssign: self.annotated,
            cst.AugAssign: self.augmented,
            cst.NamedExpr: self.walrus,
            cst.Del: self.delete,
            cst.For: self.for_loop,
            cst.While: self.while_loop,
            cst.If: self.branch,
            cst.Try: self.attempt,
            cst.TryStar: self.attempt,
            cst.With: self.with_block,
            cst.FunctionDef: self.function,
            cst.Lambda: self.anonymous,
            cst.ClassDef: self.class_,
            cst.ListComp: self.comprehension,
            cst.SetComp: self.comprehension,
            cst.GeneratorExp: self.comprehension,
            cst.DictComp: self.comprehension,
            cst.Import: self.plain_import,
            cst.ImportFrom: self.from_import,
            cst.Global: self.declared,
            cst.Nonlocal: self.declared,
            cst.Return: self.returned,
            cst.Yield: self.yielded,
            cst.Match: self.match,
            cst.Break: self.broken,
        }

    def run(self, module: cst.Module, place: Surroundings) -> None:
        self.stack.append((module, None, place))
        noted, handlers, stack, starts = self.syntax.noted, self.handlers, self.stack, self.syntax.statement_starts
        while stack:
            node, parent, place = stack.pop()
            self.order += 1
            kind = type(node)
            loop = place.loop
            while loop is not None:
                loop.last = self.order
                loop = loop.outer
            if isinstance(node, _Bind):
                self.bind(node.target, node.value, (), node.kind, place, parent or module)
                continue
            if node not in noted:
                noted[node] = Noted(self.order, parent, place)
            if kind in STATEMENTS:
                starts.append(self.order)
            handler = handlers.get(kind)  # type: ignore[arg-type]
            if handler is not None:
                handler(node, place)  # type: ignore[operator]
            else:
                self.children(node, place)
        self.syntax.last_order = self.order

    def children(self, node: cst.CSTNode, place: Surroundings) -> None:
        stack = self.stack
        for name in _REVERSED.get(type(node), ()):
            child = getattr(node, name)
            kind = type(child)
            if kind is tuple or kind is list:
                for item in reversed(child):
                    stack.append((item, node, place))
            elif child is not None and kind is not _SENTINEL:
                stack.append((child, node, place))

    def push(self, child: object, parent: cst.CSTNode, place: Surroundings) -> None:
        if isinstance(child, (tuple, list)):
            self.stack.extend((item, parent, place) for item in reversed(child))
        elif child is not None and type(child) is not _SENTINEL:
            self.stack.append((child, parent, place))  # type: ignore[arg-type]

    # Names and calls

    def name(self, node: cst.Name, place: Surroundings) -> None:
        place.scope.reads.setdefault(node.value, []).append(node)

    def call(self, node: cst.Call, place: Surroundings) -> None:
        self.syntax.calls.append(node)
        self.children(node, place)

    def attribute(self, node: cst.Attribute, place: Surroundings) -> None:
        self.syntax.noted[node.attr] = Noted(self.order, node, place)
        self.push(node.value, node, place)

    def binary(self, node: cst.BinaryOperation, place: Surroundings) -> None:
        if isinstance(node.operator, cst.Divide):
            self.syntax.divisions.append(node)
        self.children(node, place)

    # Bindings

    def assign(self, node: cst.Assign, place: Surroundings) -> None:
        for target in reversed(node.targets):
            self.stack.append((_Bind(target.target, node.value, "assign"), node, place))
        self.push(node.value, node, place)

    def annotated(self, node: cst.AnnAssign, place: Surroundings) -> None:
        if node.value is not None:
            self.stack.append((_Bind(node.target, node.value, "assign"), node, place))
            self.push(node.value, node, place)

    def augmented(self, node: cst.AugAssign, place: Surroundings) -> None:
        if isinstance(node.operator, cst.DivideAssign):
            self.syntax.divisions.append(node)
        self.stack.append((_Bind(node.target, node, "augmented"), node, place))
        self.push(node.value, node, place)
        self.push(node.target, node, place)

    def walrus(self, node: cst.NamedExpr, place: Surroundings) -> None:
        self.stack.append((_Bind(node.target, node.value, "assign"), node, place))
        self.push(node.value, node, place)

    def delete(self, node: cst.Del, place: Surroundings) -> None:
        self.bind(node.target, None, (), "delete", place, node)

    def bind(
        self,
        target: cst.CSTNode,
        value: cst.CSTNode | None,
        path: tuple[int, ...],
        kind: BindingKind,
        place: Surroundings,
        parent: cst.CSTNode,
    ) -> None:
        """Note what a target binds. Targets nest only as deep as a person writes them, so this may call itself."""
        self.syntax.noted.setdefault(target, Noted(self.order, parent, place))
        if isinstance(target, cst.Name):
            place.scope.bind(Binding(target.value, kind, target, value, path, self.order, place))
        elif isinstance(target, (cst.Tuple, cst.List)):
            for index, element in enumerate(target.elements):
                self.syntax.noted.setdefault(element, Noted(self.order, target, place))
                self.bind(element.value, value, (*path, index), kind, place, element)
        elif isinstance(target, cst.Attribute):
            store = AttributeStore(
                target.value,
                target.attr.value,
                target,
                value if isinstance(value, cst.BaseExpression) else None,
                path,
                self.order,
                place,
            )
            self.syntax.attribute_stores.setdefault(store.attribute, []).append(store)
            self.push(target.value, target, place)
        elif isinstance(target, cst.Subscript):
            known = value if isinstance(value, cst.BaseExpression) and not path else None
            self.syntax.item_stores.append(ItemStore(target.value, target, known, self.order, place))
            self.push(target.slice, target, place)
            self.push(target.value, target, place)
        elif isinstance(target, (cst.StarredElement,)):
            self.bind(target.value, None, (), kind, place, target)

    def declared(self, node: cst.Global | cst.Nonlocal, place: Surroundings) -> None:
        for item in node.names:
            place.scope.names_elsewhere[item.name.value] = "global" if isinstance(node, cst.Global) else "nonlocal"

    # Loops and branches

    def for_loop(self, node: cst.For, place: Surroundings) -> None:
        loop = Loop("for", node, node.iter, node.target, place.scope, place.loop, self.order)
        self.syntax.loops.append(loop)
        inside = Surroundings(place.scope, Block("loop", node, 0, place.block), loop)
        if node.orelse is not None:
            self.push(node.orelse, node, Surroundings(place.scope, Block("orelse", node, 1, place.block), place.loop))
        self.push(node.body, node, inside)
        self.stack.append((_Bind(node.target, node.iter, "iteration"), node, inside))
        self.push(node.iter, node, place)

    def while_loop(self, node: cst.While, place: Surroundings) -> None:
        loop = Loop("while", node, None, None, place.scope, place.loop, self.order)
        self.syntax.loops.append(loop)
        inside = Surroundings(place.scope, Block("loop", node, 0, place.block), loop)
        if node.orelse is not None:
            self.push(node.orelse, node, Surroundings(place.scope, Block("orelse", node, 1, place.block), place.loop))
        self.push(node.body, node, inside)
        self.push(node.test, node, inside)

    def broken(self, node: cst.Break, place: Surroundings) -> None:
        if place.loop is not None:
            self.syntax.breaks.setdefault(place.loop, []).append(node)

    def branch(self, node: cst.If, place: Surroundings) -> None:
        if node.orelse is not None:
            self.push(node.orelse, node, Surroundings(place.scope, Block("if", node, 1, place.block), place.loop))
        self.push(node.body, node, Surroundings(place.scope, Block("if", node, 0, place.block), place.loop))
        self.push(node.test, node, place)

    def match(self, node: cst.Match, place: Surroundings) -> None:
        for index, case in reversed(list(enumerate(node.cases))):
            inside = Surroundings(place.scope, Block("if", node, index, place.block), place.loop)
            self.syntax.noted[case] = Noted(self.order, node, inside)
            self.push(case.body, case, inside)
            if case.guard is not None:
                self.push(case.guard, case, inside)
        self.push(node.subject, node, place)

    def attempt(self, node: cst.Try | cst.TryStar, place: Surroundings) -> None:
        scope, loop = place.scope, place.loop
        self.push(node.finalbody, node, place)
        self.push(node.orelse, node, place)
        handlers: list[cst.ExceptHandler | cst.ExceptStarHandler] = list(node.handlers)
        for index, handler in reversed(list(enumerate(handlers))):
            inside = Surroundings(scope, Block("except", node, index + 1, place.block), loop)
            self.syntax.noted[handler] = Noted(self.order, node, inside)
            self.push(handler.body, handler, inside)
            if handler.name is not None:
                self.stack.append((_Bind(handler.name.name, None, "except"), handler, inside))
            self.push(handler.type, handler, inside)
        self.push(node.body, node, Surroundings(scope, Block("try", node, 0, place.block), loop))

    def with_block(self, node: cst.With, place: Surroundings) -> None:
        self.push(node.body, node, place)
        for item in reversed(node.items):
            self.syntax.noted[item] = Noted(self.order, node, place)
            if item.asname is not None:
                self.stack.append((_Bind(item.asname.name, item.item, "with"), item, place))
            self.push(item.item, item, place)

    # Scopes

    def function(self, node: cst.FunctionDef, place: Surroundings) -> None:
        self.syntax.functions.append(node)
        place.scope.bind(Binding(node.name.value, "function", node, node, (), self.order, place))
        scope = self.open("function", node, place)
        inside = Surroundings(scope, Block("function", node, 0, None), None)
        self.parameters(node.params, inside, place, node)
        self.push(node.body, node, inside)
        self.push(node.decorators, node, place)

    def anonymous(self, node: cst.Lambda, place: Surroundings) -> None:
        scope = self.open("lambda", node, place)
        inside = Surroundings(scope, Block("function", node, 0, None), None)
        self.parameters(node.params, inside, place, node)
        self.push(node.body, node, inside)

    def parameters(self, params: cst.Parameters, inside: Surroundings, outside: Surroundings, owner: cst.CSTNode) -> None:
        single = [star for star in (params.star_arg, params.star_kwarg) if isinstance(star, cst.Param)]
        for param in (*params.posonly_params, *params.params, *params.kwonly_params, *single):
            name = param.name.value
            inside.scope.bind(Binding(name, "parameter", param, param.default, (), self.order, inside))
            self.syntax.noted[param] = Noted(self.order, owner, inside)
            if param.default is not None:
                self.push(param.default, param, outside)

    def class_(self, node: cst.ClassDef, place: Surroundings) -> None:
        self.syntax.classes.append(node)
        place.scope.bind(Binding(node.name.value, "class", node, node, (), self.order, place))
        scope = self.open("class", node, place)
        self.push(node.body, node, Surroundings(scope, Block("class", node, 0, place.block), place.loop))
        self.push(node.keywords, node, place)
        self.push(node.bases, node, place)
        self.push(node.decorators, node, place)

    def comprehension(self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp | cst.DictComp, place: Surroundings) -> None:
        scope = self.open("comprehension", node, place)
        clauses: list[cst.CompFor] = [node.for_in]
        while clauses[-1].inner_for_in is not None:
            clauses.append(clauses[-1].inner_for_in)
        block, outer = place.block, place.loop
        todo: list[_Entry] = []
        for index, clause in enumerate(clauses):
            around = place if index == 0 else Surroundings(scope, block, outer)
            todo.append((clause.iter, clause, around))
            block = Block("loop", node, index, block)
            outer = Loop("comprehension", node, clause.iter, clause.target, scope, outer, self.order)
            self.syntax.loops.append(outer)
            inside = Surroundings(scope, block, outer)
            self.syntax.noted[clause] = Noted(self.order, node, inside)
            todo.append((_Bind(clause.target, clause.iter, "iteration"), clause, inside))
            todo.extend((condition.test, clause, inside) for condition in clause.ifs)
        inside = Surroundings(scope, block, outer)
        if isinstance(node, cst.DictComp):
            todo += [(node.key, node, inside), (node.value, node, inside)]
        else:
            todo.append((node.elt, node, inside))
        self.stack.extend(reversed(todo))

    def open(self, kind: ScopeKind, node: cst.CSTNode, place: Surroundings) -> Scope:
        scope = Scope(kind, node, place.scope)
        self.syntax.scopes[node] = scope
        return scope

    def returned(self, node: cst.Return, place: Surroundings) -> None:
        self.syntax.returns.setdefault(place.scope, []).append(node)
        self.children(node, place)

    def yielded(self, node: cst.Yield, place: Surroundings) -> None:
        self.syntax.yields.add(place.scope.function)
        self.push(node.value, node, place)

    # Imports

    def plain_import(self, node: cst.Import, place: Surroundings) -> None:
        for alias in node.names:
            dotted = _dotted(alias.name)
            if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
                self.imported(alias.asname.name.value, dotted, node, place)
            else:
                self.imported(dotted.partition(".")[0], dotted.partition(".")[0], node, place)
                self.syntax.imports.append((dotted, dotted, place))

    def from_import(self, node: cst.ImportFrom, place: Surroundings) -> None:
        source = "." * len(node.relative) + (_dotted(node.module) if node.module is not None else "")
        if isinstance(node.names, cst.ImportStar):
            self.syntax.star_imports.append(source)
            return
        for alias in node.names:
            asname = alias.asname.name if alias.asname is not None else alias.name
            if isinstance(asname, cst.Name):
                joint = "" if source.endswith(".") else "."
                self.imported(asname.value, f"{source}{joint}{_dotted(alias.name)}", node, place)

    def imported(self, name: str, dotted: str, node: cst.CSTNode, place: Surroundings) -> None:
        self.syntax.imports.append((name, dotted, place))
        place.scope.bind(Binding(name, "import", node, None, (), self.order, place, dotted))


def _dotted(node: cst.BaseExpression) -> str:
    parts: list[str] = []
    while isinstance(node, cst.Attribute):
        parts.append(node.attr.value)
        node = node.value
    if isinstance(node, cst.Name):
        parts.append(node.value)
    return ".".join(reversed(parts))
