"""A captured step on the JAX backend, lowered for a GPU that is not here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kerasmem_lint.footprint.child import compile as compiler
from kerasmem_lint.footprint.child.capture import Captured, Spec
from kerasmem_lint.footprint.child.compile import Asked, Statistics
from kerasmem_lint.footprint.child.held import layers_of


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of the compiled step: what it is in Keras' terms, in the order in which the compiler numbers them."""

    category: str
    layer: str
    name: str


def build(captured: Captured) -> None:
    """Have Keras make every variable of model, optimizer, loss and metrics, from shapes alone."""
    import keras

    model = captured.model

    def array(spec: Spec) -> Any:
        return keras.KerasTensor(spec.shape, spec.dtype)

    batch = _map(array, captured.batch)
    model._symbolic_build(data_batch=batch)
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def parameters(captured: Captured) -> tuple[Parameter, ...]:
    """The arguments of the step: trainable and other weights, slots, metrics, then the batch."""
    import keras

    model = captured.model
    named: list[Parameter] = []
    for category, variables in (
        ("weights", model.trainable_variables),
        ("non_trainable", model.non_trainable_variables),
        ("slots", model.optimizer.variables),
        ("non_trainable", model.metrics_variables),
    ):
        named += [Parameter(category, variable.path.rpartition("/")[0], variable.path) for variable in variables]
    for name, part in (("x", captured.x), ("y", captured.y), ("sample_weight", captured.sample_weight)):
        leaves = [] if part is None else [leaf for leaf in keras.tree.flatten(part) if leaf is not None]
        named += [Parameter("batch", "", name) for _ in leaves]
    return tuple(named)


def lower(captured: Captured, mesh: Any) -> Any:
    """The train step that Keras would compile, lowered on ``mesh``: a ``jax.stages.Lowered``.

    Arguments that the step does not read are kept: they lie in the GPU's memory all the same.
    """
    import jax
    from jax.sharding import NamedSharding, PartitionSpec

    model = captured.model

    def variables(of: Any) -> list[Any]:
        return [jax.ShapeDtypeStruct(variable.shape, variable._dtype) for variable in of]

    def array(spec: Spec) -> Any:
        return jax.ShapeDtypeStruct(spec.shape, jax.dtypes.canonicalize_dtype(spec.dtype))

    state = (
        variables(model.trainable_variables),
        variables(model.non_trainable_variables),
        variables(model.optimizer.variables),
        variables(model.metrics_variables),
    )
    batch = _map(array, captured.batch)
    everywhere = NamedSharding(mesh, PartitionSpec())
    step = jax.jit(model.train_step, donate_argnums=0, in_shardings=everywhere, out_shardings=everywhere, keep_unused=True)
    return step.lower(state, batch)


def plan(captured: Captured, asked: Asked) -> tuple[Statistics | None, tuple[Parameter, ...]]:
    """Build, trace and compile the step as asked; what the compiler says of it, and its arguments."""
    build(captured)
    lowered = lower(captured, compiler.mesh_for(asked.target))
    return compiler.compile_step(lowered, asked), parameters(captured)


def layer_names(captured: Captured) -> dict[str, str]:
    """Path of each layer of the model, and the name of its class."""
    return {layer.path or layer.name: type(layer).__name__ for layer in layers_of(captured.model)}


def _map(function: Any, part: Any) -> Any:
    import keras

    return keras.tree.map_structure(lambda leaf: None if leaf is None else function(leaf), part)
