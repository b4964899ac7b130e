"""Keeps a question that is passed on from name to name from going round in circles, or on for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import libcst as cst

Answer = TypeVar("Answer")


class Guard:
    """The nodes that a question is on its way through; questions that ask one another share one guard."""

    __slots__ = ("_most", "_way")

    def __init__(self, most: int) -> None:
        self._most = most
        self._way: set[cst.CSTNode] = set()

    def __contains__(self, node: cst.CSTNode | None) -> bool:
        return node in self._way

    def ask(self, question: Callable[[cst.CSTNode], Answer], node: cst.CSTNode | None, otherwise: Answer) -> Answer:
        """The answer for a node; ``otherwise`` without a node, and where the way comes back to it or is too long."""
        if node is None or node in self._way or len(self._way) > self._most:
            return otherwise
        self._way.add(node)
        try:
            return question(node)
        finally:
            self._way.discard(node)
