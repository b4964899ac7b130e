"""Code that a server runs once per request, and what keeps things from one request to the next."""

from __future__ import annotations

import re
from functools import cached_property

import libcst as cst

from kerasmem_lint.facts.calls import Calls, spelling
from kerasmem_lint.facts.values import Values

_SERVERS = frozenset(
    [
        "flask",
        "fastapi",
        "starlette",
        "quart",
        "sanic",
        "bottle",
        "aiohttp",
        "tornado",
        "django",
        "rest_framework",
        "flask_restful",
        "flask_restx",
        "celery",
        "falcon",
    ]
)
_ROUTES = frozenset(
    [
        "route",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "websocket",
        "api_route",
        "task",
        "shared_task",
        "api_view",
        "view",
        "expose",
    ]
)
_VIEW_BASES = frozenset(
    ["Resource", "MethodView", "APIView", "View", "HTTPEndpoint", "RequestHandler", "ViewSet", "GenericAPIView"]
)
_VIEW_METHODS = frozenset(["get", "post", "put", "patch", "delete"])
_KEEPS = re.compile(r"cache|memo|singleton|before_first|startup|lifespan|on_event")
_KEPT = re.compile(r"cache|session_state|loaded|globals|hasattr|model|net|interpreter", re.IGNORECASE)
_MAX_LEVELS = 3


class Services:
    """Questions about request handlers."""

    def __init__(self, values: Values, calls: Calls) -> None:
        self._values = values
        self._calls = calls
        self._syntax = values.syntax

    def handler(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The request handler that runs ``node`` on every request, or the Streamlit script that runs it on every interaction.

        None where something on the way keeps the result: a caching decorator, or a test whether it is there already.
        """
        if not self._values.names.roots & (_SERVERS | {"streamlit"}):
            return None
        todo = [node]
        for _ in range(_MAX_LEVELS):
            outer: list[cst.CSTNode] = []
            for current in todo:
                if self._is_guarded(current):
                    continue
                function = self._calls.function_of(current)
                if function is None:
                    if self._is_streamlit_script:
                        return self._syntax.module
                    continue
                if not isinstance(function, cst.FunctionDef) or self.is_kept(function):
                    continue
                if self._is_handler(function):
                    return function
                outer += self._values.functions.call_sites(function)
            todo = outer
        return None

    def is_kept(self, function: cst.CSTNode) -> bool:
        """Does a decorator of the function keep its result: ``lru_cache``, ``st.cache_resource``, …?"""
        return isinstance(function, cst.FunctionDef) and any(
            _KEEPS.search(spelling(d.decorator).lower()) for d in function.decorators
        )

    @cached_property
    def _is_streamlit_script(self) -> bool:
        names = self._values.names
        return "streamlit" in names.roots and any(
            names.dotted(call.func).startswith("streamlit.") for call in self._syntax.calls
        )

    def _is_handler(self, function: cst.FunctionDef) -> bool:
        for item in function.decorators:
            written = spelling(item.decorator)
            if written.rpartition(".")[2] in _ROUTES and self._values.names.roots & _SERVERS:
                return True
        owner = self._values.classes.of(function)
        if owner is not None and function.name.value in _VIEW_METHODS:
            return any(spelling(base.value).rpartition(".")[2] in _VIEW_BASES for base in owner.bases)
        params = function.params.params
        return bool(params) and params[0].name.value == "request" and "django" in self._values.names.roots

    def _is_guarded(self, node: cst.CSTNode) -> bool:
        """Does a test, or a handler of an exception, see to it that this runs only when the result is not there yet?"""
        bound = self._targets(node)
        for ancestor in self._syntax.ancestors(node):
            if isinstance(ancestor, (cst.FunctionDef, cst.Lambda)):
                return False
            if isinstance(ancestor, cst.ExceptHandler):
                return True
            if isinstance(ancestor, cst.If):
                written = self._syntax.module.code_for_node(ancestor.test)
                if _KEPT.search(written) or any(re.search(rf"\b{re.escape(name)}\b", written) for name in bound):
                    return True
        return False

    def _targets(self, node: cst.CSTNode) -> set[str]:
        for ancestor in self._syntax.ancestors(node):
            if isinstance(ancestor, cst.Assign):
                return {spelling(target.target).rpartition(".")[2] for target in ancestor.targets} - {""}
            if isinstance(ancestor, cst.BaseSuite):
                break
        return set()

    def is_guarded(self, node: cst.CSTNode) -> bool:
        return self._is_guarded(node)
