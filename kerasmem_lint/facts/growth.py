"""What is put into a list after it is made: ``rows.append(…)``, ``self.rows.extend([…])``."""

from __future__ import annotations

import libcst as cst

from kerasmem_lint.facts.classes import Classes
from kerasmem_lint.facts.names import Names
from kerasmem_lint.facts.syntax import Scope, Syntax

_GROWERS = frozenset({"append", "insert", "add", "extend", "appendleft"})

Growth = dict[tuple[Scope | cst.ClassDef, str], tuple[cst.BaseExpression, ...]]
"""The expressions added, by the list: its scope and name, or its class and attribute."""


def find_growth(syntax: Syntax, names: Names, classes: Classes) -> Growth:
    """Everything that the calls of a file add to a list they name."""
    grown: Growth = {}
    for call in syntax.calls:
        func = call.func
        if not isinstance(func, cst.Attribute) or func.attr.value not in _GROWERS or not call.args:
            continue
        added: tuple[cst.BaseExpression, ...] = (call.args[-1].value,)
        if func.attr.value == "extend" and isinstance(added[0], (cst.List, cst.Tuple)):
            added = tuple(element.value for element in added[0].elements)
        key: tuple[Scope | cst.ClassDef, str] | None = None
        if isinstance(func.value, cst.Name) and func.value in syntax.noted:
            owner = names.owner(func.value.value, syntax.place(func.value).scope)
            key = (owner.function, func.value.value) if owner is not None else None
        elif isinstance(func.value, cst.Attribute) and isinstance(func.value.value, cst.Name):
            cls = classes.of_instance(func.value.value)
            key = (cls, func.value.attr.value) if cls is not None else None
        if key is not None:
            grown[key] = (*grown.get(key, ()), *added)
    return grown
