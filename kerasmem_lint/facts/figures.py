"""Figures of pyplot: which calls make one, and whether it is saved, closed, shown or handed on in the same round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import libcst as cst

from kerasmem_lint.facts.calls import Calls
from kerasmem_lint.facts.flow import Flow
from kerasmem_lint.facts.literals import Literals
from kerasmem_lint.facts.syntax import Syntax
from kerasmem_lint.facts.training import Training
from kerasmem_lint.facts.values import Values

Fate = Literal["kept", "closed", "unknown"]

_PYPLOT = "matplotlib.pyplot."
_CLOSING = frozenset({"close", "show", "clf", "cla", "clear", "ion", "pause"})
_SAVING = frozenset({"savefig", "log_figure", "print_figure", "print_png"})
_HARMLESS = frozenset({"Image", "log_figure", "FigureCanvasAgg", "FigureCanvas", "sca", "sci"})
"""Last names of calls that take a figure and do not close it."""

_MAX_CALLS = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """What becomes of a figure. ``saved`` is the call that saves it, ``name`` the variable that holds it ("" without one)."""

    fate: Fate
    saved: cst.Call | None = None
    name: str = ""
    last: cst.CSTNode | None = None
    """The statement after which nothing in the block uses the figure; None where that cannot be told."""


class Figures:
    """Questions about figures."""

    def __init__(
        self, syntax: Syntax, values: Values, flow: Flow, literals: Literals, calls: Calls, training: Training
    ) -> None:
        self._syntax = syntax
        self._values = values
        self._flow = flow
        self._literals = literals
        self._calls = calls
        self._training = training

    def of(self, maker: cst.Call, around: cst.CSTNode) -> Figure:
        """The fate of the figure that ``maker`` makes in one round of ``around``, a loop or a hook."""
        if self._is_reused(maker):
            return Figure("closed")
        name = self._name(maker)
        if name is None:
            return Figure("unknown")
        saved: cst.Call | None = None
        for call in self._calls_of_round(maker, around):
            last = _last(call)
            if last in _CLOSING or last.startswith(("show", "display", "close")):
                return Figure("closed")
            if last in _SAVING:
                saved = saved or call
        if saved is None:
            return Figure("unknown")
        if name and self._goes_elsewhere(name, maker):
            return Figure("unknown")
        return Figure("kept", saved, name, self._last_use(maker, saved))

    def _is_reused(self, maker: cst.Call) -> bool:
        """``plt.figure(1)`` and ``plt.figure("name")`` give the same figure each time, and ``clear=True`` an empty one."""
        for item in maker.args:
            keyword = item.keyword.value if item.keyword is not None else ""
            if keyword == "clear" or item.star:
                return True
            if keyword == "num" or (not keyword and _last(maker) == "figure"):
                return True
        return False

    def _name(self, maker: cst.Call) -> str | None:
        """The variable that holds the figure; "" for none, None when it goes where it cannot be followed."""
        parent = self._syntax.parent(maker)
        if isinstance(parent, cst.Expr):
            return ""
        if not isinstance(parent, cst.Assign) or len(parent.targets) != 1:
            return None
        target = parent.targets[0].target
        if isinstance(target, cst.Tuple) and target.elements:
            target = target.elements[0].value  # type: ignore[assignment]
        return target.value if isinstance(target, cst.Name) else None

    def _calls_of_round(self, maker: cst.Call, around: cst.CSTNode) -> list[cst.Call]:
        """The calls of a round, and of the functions of this file that it calls and that the figure is made in."""
        found = list(self._training.calls_within(around))
        function = self._calls.function_of(maker)
        if function is not None and not any(ancestor is function for ancestor in self._syntax.ancestors(around)):
            found += self._training.calls_within(function)
        seen: set[cst.CSTNode] = set()
        index = 0
        while index < len(found) and len(found) < _MAX_CALLS:
            for target in self._values.functions.targets(found[index]):
                if target not in seen:
                    seen.add(target)
                    found += self._training.calls_within(target)
            index += 1
        return found

    def _goes_elsewhere(self, name: str, maker: cst.Call) -> bool:
        """Is the figure returned, stored, or given to a function that may close it?"""
        scope = self._values.names.owner(name, self._syntax.place(maker).scope)
        if scope is None:
            return True
        for read in self._flow.reads(name, scope):
            parent = self._syntax.parent(read)
            if isinstance(parent, cst.Attribute):
                continue
            call = self._syntax.parent(parent) if isinstance(parent, cst.Arg) else None
            if not isinstance(call, cst.Call) or not (
                _last(call) in _HARMLESS | _SAVING or self._values.functions.targets(call)
            ):
                return True
        return False

    def _last_use(self, maker: cst.Call, saved: cst.Call) -> cst.CSTNode | None:
        """The last statement of the figure's own block, if figure and file are made in it and it is a simple one."""
        place = self._syntax.place(maker)
        if self._syntax.place(saved).block is not place.block or self._syntax.place(saved).scope is not place.scope:
            return None
        statement = self._syntax.statement(saved)
        end = self._flow.end(saved)
        for call in self._syntax.calls:
            if self._syntax.order(call) > end and self._syntax.place(call).scope is place.scope:
                inside_loop = place.loop is None or self._syntax.order(call) <= place.loop.last
                if inside_loop and any(name.startswith(_PYPLOT) for name in self._calls.names(call)):
                    return None
        return statement if isinstance(statement, cst.SimpleStatementLine) else None


def _last(call: cst.Call) -> str:
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else getattr(call.func, "value", "")
