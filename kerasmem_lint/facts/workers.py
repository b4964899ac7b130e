"""Processes that a file starts: what they run, how many at once, and how they are started."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import libcst as cst

from kerasmem_lint.facts.arguments import argument
from kerasmem_lint.facts.calls import Calls
from kerasmem_lint.facts.literals import Literals
from kerasmem_lint.facts.training import Training
from kerasmem_lint.facts.values import Values

_TRAIN = ("Model.fit", "Model.fit_generator", "Model.train_on_batch")
_HANDS_OUT = frozenset(
    ["map", "imap", "imap_unordered", "starmap", "apply", "apply_async", "map_async", "starmap_async", "submit"]
)
_DIVIDERS = frozenset(
    {
        "set_memory_growth",
        "set_visible_devices",
        "set_logical_device_configuration",
        "set_virtual_device_configuration",
        "GPUOptions",
    }
)
"""Calls that choose devices, or bound how much of one a process takes."""

_VARIABLES = ("CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH")
_MAX_CALLS = 2000
PROCESS_MAKERS = (
    "multiprocessing.Process",
    "multiprocessing.Pool",
    "multiprocessing.pool.Pool",
    "multiprocessing.context.Process",
    "concurrent.futures.ProcessPoolExecutor",
)
"""Calls that start processes, by fork where the system's default is fork."""


class Workers:
    """Questions about child processes."""

    def __init__(self, values: Values, literals: Literals, calls: Calls, training: Training) -> None:
        self._values = values
        self._literals = literals
        self._calls = calls
        self._training = training
        self._syntax = values.syntax

    def targets(self, maker: cst.Call) -> list[cst.CSTNode]:
        """The functions of this file that the processes made by ``maker`` run."""
        given: list[cst.BaseExpression] = []
        target = argument(maker, 1, "target") if self._is_process(maker) else argument(maker, 1, "initializer")
        if target is not None:
            given.append(target)
        for call in self._handouts(maker):
            if call.args:
                given.append(call.args[0].value)
        given += self._delayed(maker)
        found = [v.node for item in given for v in self._values.of(item) if v.kind == "function" and v.node is not None]
        return list(dict.fromkeys(found))

    def _is_process(self, maker: cst.Call) -> bool:
        return self._calls.named(maker, "multiprocessing.Process", "multiprocessing.context.Process")

    def _delayed(self, maker: cst.Call) -> list[cst.BaseExpression]:
        """``f`` in ``Parallel(…)(delayed(f)(x) for x in xs)``."""
        if not self._calls.named(maker, "joblib.Parallel"):
            return []
        starts = [
            call
            for call in self._syntax.calls
            if call.func is maker
            or (isinstance(call.func, cst.Name) and any(v.node is maker for v in self._values.of(call.func)))
        ]
        inner = [call for start in starts for call in self._training.calls_within(start)]
        return [call.args[0].value for call in inner if self._calls.named(call, "joblib.delayed") and call.args]

    def _handouts(self, maker: cst.Call) -> list[cst.Call]:
        """``pool.map(f, …)`` and its kin, for the pool that ``maker`` makes."""
        return [
            call
            for call in self._syntax.calls
            if isinstance(call.func, cst.Attribute)
            and call.func.attr.value in _HANDS_OUT
            and any(value.node is maker for value in self._values.of(call.func.value))
        ]

    def calls_of(self, functions: Iterable[cst.CSTNode]) -> list[cst.Call]:
        """The calls inside functions, and inside the functions of this file that they call."""
        seen: set[cst.CSTNode] = set()
        todo = list(functions)
        found: list[cst.Call] = []
        while todo and len(found) < _MAX_CALLS:
            function = todo.pop()
            if function in seen:
                continue
            seen.add(function)
            inner = self._training.calls_within(function)
            found += inner
            for call in inner:
                todo += self._values.functions.targets(call)
        return found

    def trains(self, functions: Iterable[cst.CSTNode]) -> cst.Call | None:
        """The call inside functions that trains a model."""
        return next((call for call in self.calls_of(functions) if self._calls.named(call, *_TRAIN)), None)

    def runs_framework(self, call: cst.Call) -> bool:
        """Does a call make or run a model, or compute with TensorFlow or JAX?"""
        for name in self._calls.names(call):
            if name.startswith(
                ("Model.", "Layer.", "keras.layers.", "keras.models.load_model", "keras.applications.", "keras.ops.")
            ):
                return True
            if name in (
                "keras.Sequential",
                "keras.Model",
                "keras.models.clone_model",
                "tensorflow.constant",
                "tensorflow.Variable",
            ):
                return True
            if name.startswith(("tensorflow.random.", "tensorflow.nn.", "tensorflow.math.", "jax.numpy.", "jax.random.")):
                return True
        return False

    def used_before(self, node: cst.CSTNode) -> cst.Call | None:
        """The call that has run the framework in this process before ``node`` runs: above it in its function, or at module level."""
        function = self._syntax.place(node).scope.function
        order = self._syntax.order(node)
        for call in self._syntax.calls:
            scope = self._syntax.place(call).scope.function
            if self._syntax.order(call) >= order or (scope is not function and scope.kind != "module"):
                continue
            if self._is_under_main(call) and scope is not function:
                continue
            if self.runs_framework(call):
                return call
            inner = self.calls_of(self._values.functions.targets(call)) if scope is function or scope.kind == "module" else []
            if any(self.runs_framework(other) for other in inner if other is not node) and not any(
                other is node for other in inner
            ):
                return call
        return None

    def _is_under_main(self, call: cst.Call) -> bool:
        return any(
            isinstance(ancestor, cst.If) and "__name__" in self._syntax.module.code_for_node(ancestor.test)
            for ancestor in self._syntax.ancestors(call)
        )

    @cached_property
    def starts_afresh(self) -> bool:
        """Does the file choose another way to start processes than fork?"""
        for call in self._syntax.calls:
            last = call.func.attr.value if isinstance(call.func, cst.Attribute) else getattr(call.func, "value", "")
            if last in ("set_start_method", "get_context", "set_executable") or argument(call, None, "mp_context") is not None:
                return True
        return False

    def at_once(self, maker: cst.Call) -> int | None:
        """How many processes run at once: None when that cannot be told; 2 stands for several."""
        if self._is_process(maker):
            return self._processes(maker)
        if self._calls.named(maker, "joblib.Parallel"):
            threads = self._literals.string(argument(maker, None, "backend")) == "threading"
            threads = threads or self._literals.string(argument(maker, None, "prefer")) == "threads"
            jobs = self._literals.integer(argument(maker, 0, "n_jobs"))
            return 1 if threads or jobs is None else (2 if jobs < 0 else jobs)
        names = ("max_workers",) if self._calls.named(maker, "concurrent.futures.ProcessPoolExecutor") else ("processes",)
        given = argument(maker, 0, names[0])
        if given is None:
            return 2
        return self._literals.integer(given)

    def _processes(self, maker: cst.Call) -> int:
        """Processes started in a loop run at once unless each is waited for there."""
        loop = self._syntax.place(maker).loop
        if loop is None:
            return 1
        inner = self._training.calls_within(loop.node)
        joined = any(
            isinstance(call.func, cst.Attribute)
            and call.func.attr.value == "join"
            and not call.args
            and self._syntax.place(call).loop is loop
            for call in inner
        )
        return 1 if joined else 2

    @cached_property
    def shares_device(self) -> bool:
        """Does nothing in the file give each process a device, or a bounded part of it?"""
        names = self._values.names
        for store in self._syntax.item_stores:
            index = store.node.slice[0].slice if store.node.slice else None
            key = self._literals.string(index.value) if isinstance(index, cst.Index) else None
            if key in _VARIABLES:
                return False
        for stores in (
            self._syntax.attribute_stores.get("allow_growth"),
            self._syntax.attribute_stores.get("per_process_gpu_memory_fraction"),
        ):
            if stores:
                return False
        for call in self._syntax.calls:
            last = names.dotted(call.func).rpartition(".")[2]
            if last in _DIVIDERS:
                return False
            if last in ("setdefault", "putenv") and self._literals.string(argument(call, 0, "key")) in _VARIABLES:
                return False
        return True
