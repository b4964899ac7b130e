"""Which engine follows a captured step, and what it hands back as plain data."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from kerasmem_lint.footprint.child import compile as compiler
from kerasmem_lint.footprint.child import lower_jax, lower_tensorflow
from kerasmem_lint.footprint.child.capture import Captured, NotCapturedError, by_path, graph_of
from kerasmem_lint.footprint.child.held import elsewhere, layers_of, optimizer_scopes, optimizers, size_of
from kerasmem_lint.footprint.events import trace_to_json

Say = Callable[[str], None]


class EngineMissingError(NotCapturedError):
    """The engine for this backend is not installed here."""


def run(captured: Captured, request: dict[str, Any], place: Path, say: Say) -> dict[str, Any]:
    """Follow one training step; the result holds what is common to all engines, and ``plan`` or ``trace``."""
    _refuse_several_devices(captured.model)
    engine = choose(captured, request["engine"])
    own = [variable for optimizer in optimizers(captured.model) for variable in optimizer.variables]
    apply_variant(captured, request.get("variant") or {})
    result: dict[str, Any] = {
        "engine": engine,
        "backend": captured.backend,
        "batch": captured.batch_size,
        "call": None if captured.call is None else asdict(captured.call),
        "notes": [*captured.notes, *_doubts(captured)],
        "versions": versions(captured.backend),
        "eager": engine == "xla" and (captured.model.run_eagerly or not captured.model.jit_compile),
        "memory_fraction": memory_fraction() if captured.backend == "jax" else None,
    }
    if engine == "xla":
        result |= _plan(captured, request, place, say)
    elif engine == "torch":
        from kerasmem_lint.footprint.child import trace_torch

        say("following the step with fake tensors")
        result["trace"] = trace_to_json(trace_torch.trace(captured))
    elif engine == "graph":
        from kerasmem_lint.footprint.child import trace_graph

        say("following the graph of the step")
        result["trace"] = trace_to_json(trace_graph.trace(captured))
    else:
        result["bound"] = bound(captured)
    result["places"] = {path: asdict(where) for path, where in by_path(captured.model, captured.places).items()}
    result["layers"] = lower_jax.layer_names(captured)
    result["elsewhere"] = elsewhere(captured.model, own)
    result["optimizer"], *result["more_optimizers"] = optimizer_scopes(captured.model) or [""]
    return result


def _refuse_several_devices(model: Any) -> None:
    """Steps are followed on one device only. Raises NotCapturedError where the program spreads its step over several."""
    import keras

    strategy = getattr(model, "_distribute_strategy", None)
    several = strategy or keras.distribution.distribution()
    if several is not None:
        raise NotCapturedError(
            f"the program trains on several devices ({type(several).__name__}), which is not followed; "
            "estimate it without, with each device's share of the batch"
        )


def choose(captured: Captured, asked: str) -> str:
    """The engine for a step: the one asked for, or the best that serves its backend. Raises :class:`EngineMissingError`."""
    backend = captured.backend
    if asked == "bound":
        return asked
    if backend == "torch":
        best = "torch"
    elif backend == "tensorflow" and (captured.model.run_eagerly or not captured.model.jit_compile):
        best = "graph"
    else:
        best = "xla"
    if asked not in ("auto", best) and not (backend == "tensorflow" and asked in ("xla", "graph")):
        raise NotCapturedError(f"the engine {asked!r} does not serve the {backend} backend; use --engine {best}")
    engine = best if asked == "auto" else asked
    if engine == "xla" and (missing := compiler.missing()):
        raise EngineMissingError(
            f"the engine 'xla' needs {', '.join(missing)}: pip install 'kerasmem-lint[xla]', or --engine bound"
        )
    return engine


def _doubts(captured: Captured) -> list[str]:
    """What the engine cannot see, said where the model gives a reason to."""
    said = []
    kinds = {type(layer).__name__ for layer in layers_of(captured.model)}
    if kinds & {"LSTM", "GRU"} and captured.backend != "torch":
        said.append("LSTM and GRU are estimated as loops; on a GPU Keras may take cuDNN's own, which reserves other buffers")
    open_inputs = [t.name for t in getattr(graph_of(captured.model), "inputs", None) or () if None in t.shape[1:]]
    said += [f"the input {name!r} is of open size; planned for the first batch, larger ones need more" for name in open_inputs]
    if getattr(captured.model, "steps_per_execution", 1) not in (1, None):
        said.append("steps_per_execution: the batches of one execution are held together; one batch was counted")
    return said


def apply_variant(captured: Captured, variant: dict[str, Any]) -> None:
    """Change the captured model as a remedy would: ``{"optimizer": "sgd"}``, ``{"dtype_policy": "mixed_bfloat16"}``."""
    import keras

    if name := variant.get("optimizer"):
        captured.model.optimizer = keras.optimizers.get(name)
    if name := variant.get("dtype_policy"):
        for layer in layers_of(captured.model):
            layer.dtype_policy = name


def _plan(captured: Captured, request: dict[str, Any], place: Path, say: Say) -> dict[str, Any]:
    """Have the step compiled; the compiler's notes stay in ``place/plan``."""
    dump = place / "plan"
    dump.mkdir()
    say(f"compiling the step for {request['gpu']}, batch {captured.batch_size}")
    lower = lower_jax if captured.backend == "jax" else lower_tensorflow
    asked = compiler.Asked(request["target"], dump, request["full_compile"] or request["all"], say)
    statistics, arguments = lower.plan(captured, asked)
    keep_notes(dump)
    said = None if statistics is None else asdict(statistics)
    return {"plan": said, "parameters": [list(asdict(argument).values()) for argument in arguments]}


NOTES = {
    "buffer-assignment.txt": "buffers.txt",
    "live-range.txt": "ranges.txt",
    "buffer-assignment-values.txt": "values.txt",
    "memory-usage-report.txt": "usage.txt",
}


def keep_notes(dump: Path) -> None:
    """Give the compiler's notes on memory short names, and remove its hundreds of other files."""
    for file in sorted(dump.iterdir()):
        name = next((NOTES[suffix] for suffix in NOTES if file.name.endswith(f"after_optimizations-{suffix}")), None)
        if name:
            file.rename(dump / name)
        elif file.name not in NOTES.values():
            file.unlink()


def bound(captured: Captured) -> dict[str, int]:
    """Bytes of everything a step holds whatever the program does in between: exact, and a lower bound of the peak."""
    import keras

    lower_jax.build(captured)
    model = captured.model

    def size(variables: Any) -> int:
        return sum(size_of(tuple(variable.shape), variable._dtype) for variable in variables)

    parts = [part for part in (captured.x, captured.y, captured.sample_weight) if part is not None]
    leaves = [leaf for part in parts for leaf in keras.tree.flatten(part)]
    return {
        "weights": size(model.trainable_variables),
        "non_trainable": size(model.non_trainable_variables) + size(model.metrics_variables),
        "slots": size(model.optimizer.variables),
        "gradients": size(model.trainable_variables),
        "batch": sum(size_of(leaf.shape, leaf.dtype) for leaf in leaves if leaf is not None),
        "activations": sum(
            size_of((captured.batch_size, *tensor.shape[1:]), tensor.dtype)
            for operation in getattr(graph_of(model), "operations", [])
            for node in operation._inbound_nodes[:1]
            for tensor in node.output_tensors
            if None not in tensor.shape[1:]
        ),
    }


def memory_fraction() -> float | None:
    """The share of the GPU that the program lets JAX use, where its environment says so by now."""
    for name in ("XLA_PYTHON_CLIENT_MEM_FRACTION", "XLA_CLIENT_MEM_FRACTION"):
        with suppress(KeyError, ValueError):
            return float(os.environ[name])
    return None


def versions(backend: str) -> dict[str, str]:
    """Versions of what the figures depend on."""
    compiler = ("jaxlib", "jax-cuda12-plugin")
    names = {"jax": ("jax", *compiler), "tensorflow": ("tensorflow", "tensorflow-cpu", *compiler)}
    found = {}
    for name in ("keras", *names.get(backend, (backend,))):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
