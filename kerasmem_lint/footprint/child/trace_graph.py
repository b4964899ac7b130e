"""The graph engine: TensorFlow's train step without XLA.

Keras' train step is made into a concrete function, which runs nothing; its graph is then played as TensorFlow's executor would
run it (:mod:`graph_player`), every buffer counted.

What is not seen: the threads of the executor (a real step is not the same twice), the rewriting of the graph by Grappler, what
a kernel takes for itself. How far off that is from TensorFlow's CPU allocator is in docs/footprint.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kerasmem_lint.footprint.child.capture import Captured, Spec
from kerasmem_lint.footprint.child.graph_executor import Device
from kerasmem_lint.footprint.child.graph_player import HeldVariable, Player, Value
from kerasmem_lint.footprint.child.held import batch_of, build, held_variables, optimizers, owners
from kerasmem_lint.footprint.events import Phase, Trace


@dataclass(slots=True)
class _Notes:
    """What is written down while the step is traced: operations by name, variables and layers by their id."""

    layers: dict[str, str] = field(default_factory=dict)
    updates: set[str] = field(default_factory=set)
    gradients: dict[str, int] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)


def trace(captured: Captured) -> Trace:
    """The train step of a captured program; see :func:`trace_step`."""
    return trace_step(captured.model, captured.x, captured.y, captured.sample_weight, bare=captured.bare)


def trace_step(
    model: Any, x: Any, y: Any = None, sample_weight: Any = None, device: Device = "gpu", bare: bool = False
) -> Trace:
    """Every buffer of one training step of a compiled Keras model on the TensorFlow backend, without XLA.

    ``x``, ``y`` and ``sample_weight`` are trees of :class:`Spec`, ``bare`` as in :func:`batch_of`.
    Model and optimizer must be built or buildable; nothing is
    run. ``device`` is whose order of operations is taken; "cpu" is for comparing with a real step on the CPU. Sizes are bytes as
    the kernels ask for them.
    """
    import keras
    import tensorflow as tf

    def tensor_spec(spec: Spec | None) -> Any:
        return None if spec is None else tf.TensorSpec(spec.shape, spec.dtype)

    with suppress(RuntimeError):  # a model with a train_step and no call() is built by tracing that, as in fit()
        build(model, x, y, sample_weight)
    notes = _Notes()
    with _watched(model, notes, keras, tf):
        data = keras.tree.map_structure(tensor_spec, batch_of(x, y, sample_weight, bare))
        graph = tf.function(model.train_step).get_concrete_function(data).graph
    layer_of = {key: notes.paths.get(id(layer)) or layer.path or layer.name for key, layer in owners(model).items()}
    gradients = {name: layer_of.get(variable, "") for name, variable in notes.gradients.items()}
    player = Player(_places(graph, notes), gradients, tf, device)
    handles: dict[int, HeldVariable] = {}
    for variable, category in held_variables(model):
        handles[id(variable.value.handle)] = player.holds(variable.value, category, layer_of.get(id(variable), ""))
    inputs: list[Value] = []
    captured = {id(inner): outer for outer, inner in graph.captures}
    for tensor in graph.inputs:
        outer = captured.get(id(tensor))
        if outer is None:
            inputs.append(player.begins(tensor, "batch"))
        elif tensor.dtype == tf.resource:
            inputs.append(handles.get(id(outer)) or player.unknown_variable(outer))
        else:
            inputs.append(None)
    player.starts()
    player.play(graph, inputs)
    return Trace("graph", "tensorflow", *player.result(), player.notes())


@contextmanager
def _watched(model: Any, notes: _Notes, keras: Any, tf: Any) -> Iterator[None]:
    """Writes down which layer makes which operations, and which the optimizers make from which gradients."""
    layer_call, working = keras.Layer.__call__, optimizers(model)

    def made(graph: Any, before: int) -> list[str]:
        return [op.name for op in graph.get_operations()[before:]]

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        # A layer of a nested functional model has the path of where it was made, not of where it is called.
        path = notes.paths[id(layer)] = layer.path or "/".join([*notes.stack[-1:], layer.name])
        notes.stack.append(path)
        graph = tf.compat.v1.get_default_graph()
        before = len(graph.get_operations())
        try:
            return layer_call(layer, *args, **kwargs)
        finally:
            notes.stack.pop()
            for name in made(graph, before):
                notes.layers.setdefault(name, path)

    def update(optimizer: Any, apply: Any, grads: Any, trainable_variables: Any = None) -> Any:
        its_own = optimizer._trainable_variables or model.trainable_variables
        variables = its_own if trainable_variables is None else trainable_variables
        for gradient, variable in zip(grads, variables, strict=False):
            if hasattr(gradient, "op"):
                notes.gradients.setdefault(gradient.name, id(variable))
        graph = tf.compat.v1.get_default_graph()
        before = len(graph.get_operations())
        try:
            return apply(grads, trainable_variables)
        finally:
            notes.updates.update(made(graph, before))

    keras.Layer.__call__ = call
    for optimizer in working:
        object.__setattr__(optimizer, "apply", partial(update, optimizer, optimizer.apply))
    try:
        yield
    finally:
        keras.Layer.__call__ = layer_call
        for optimizer in working:
            object.__delattr__(optimizer, "apply")


def _places(graph: Any, notes: _Notes) -> dict[str, tuple[Phase, str]]:
    """Phase and layer of every operation of the graph, by name.

    The tape names what it makes ``gradient_tape/`` and the forward operation. What a custom gradient makes has no such name: it
    belongs to where the tape is, from its first operation to the optimizer's first.
    """
    places: dict[str, tuple[Phase, str]] = {}
    behind, layer = False, ""
    for op in graph.get_operations():
        forward = op.name.removeprefix("gradient_tape/")
        if op.name in notes.updates:
            places[op.name], behind = ("update", ""), False
        elif forward == op.name and not behind:
            places[op.name] = ("forward", notes.layers.get(op.name, ""))
        else:
            behind = True
            while forward and forward not in notes.layers:
                forward = forward.rpartition("/")[0]
            layer = notes.layers.get(forward, layer)
            places[op.name] = ("backward", layer)
    return places
