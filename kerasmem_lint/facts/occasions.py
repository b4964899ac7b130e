"""What runs again and again though no loop of this file shows it: per request, per batch of a training, per step of an agent."""

from __future__ import annotations

import re
from dataclasses import dataclass

import libcst as cst

from kerasmem_lint.facts.calls import Calls
from kerasmem_lint.facts.hooks import Hooks
from kerasmem_lint.facts.services import Services
from kerasmem_lint.facts.values import Values

_ACTS = re.compile(r"^(?:\w*_)?(?:act|action|move)(?:_\w*)?$")


@dataclass(frozen=True, slots=True)
class Occasion:
    """Somebody else's loop: the function that it runs, how often, in words, and whether that is known or told by a name only."""

    node: cst.CSTNode
    often: str
    sure: bool


class Occasions:
    """Questions about who calls a function of this file again and again."""

    def __init__(self, values: Values, calls: Calls, hooks: Hooks, services: Services) -> None:
        self._values = values
        self._calls = calls
        self._hooks = hooks
        self._services = services

    def around(self, node: cst.CSTNode) -> Occasion | None:
        """The request handler, batch hook or agent's method that runs ``node``."""
        handler = self._services.handler(node)
        if isinstance(handler, cst.FunctionDef):
            return Occasion(handler, "for every request", True)
        hook = self._hooks.around(node)
        if hook is not None and hook[1] == "batch":
            return Occasion(hook[0], "in every batch", True)
        function = self._calls.function_of(node)
        if isinstance(function, cst.FunctionDef) and self._values.classes.of(function) is not None:
            if _ACTS.match(function.name.value):
                return Occasion(function, "at every step of the agent", False)
        return None
