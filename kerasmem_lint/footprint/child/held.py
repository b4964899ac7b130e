"""The variables a training step holds on the device, what they are, and whose."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kerasmem_lint.footprint.events import Category

if TYPE_CHECKING:
    from kerasmem_lint.footprint.child.capture import Spec


def build(model: Any, x: Any, y: Any, sample_weight: Any) -> None:
    """Model, loss, metrics and optimizer get their variables, as ``fit`` would see to; the data are trees of ``Spec``."""
    import keras

    def symbolic(spec: Spec | None) -> Any:
        return None if spec is None else keras.KerasTensor(spec.shape, spec.dtype)

    model._symbolic_build(data_batch=keras.tree.map_structure(symbolic, (x, y, sample_weight)))
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def batch_of(x: Any, y: Any, sample_weight: Any, bare: bool) -> Any:
    """The batch as Keras hands it to ``train_step``: what is absent at the end is left out.

    ``bare`` is ``x`` alone and in no tuple, as ``fit(x)`` and a data set of single tensors give it; a ``train_step`` of the
    program's own may use it as it is.
    """
    parts = [x, y, sample_weight]
    while len(parts) > 1 and parts[-1] is None:
        parts.pop()
    return x if bare and len(parts) == 1 else tuple(parts)


def layers_of(model: Any) -> Iterator[Any]:
    """Every layer of a model, nested ones included, each once, outer ones first."""
    seen: set[int] = set()
    for layer in model._flatten_layers(include_self=True, recursive=True):
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer


def optimizers(model: Any) -> list[Any]:
    """The model's own optimizer, then those that it or its layers keep elsewhere, as adversarial models do.

    They may be kept in attributes, lists and dictionaries. One that wraps another (loss scaling) speaks for it.
    """
    import keras

    found: dict[int, Any] = {}
    seen: set[int] = set()

    def look(value: Any) -> None:
        if isinstance(value, keras.optimizers.Optimizer):
            found.setdefault(id(value), value)
        elif isinstance(value, (dict, list, tuple, set)) and id(value) not in seen:
            seen.add(id(value))
            for part in value.values() if isinstance(value, dict) else value:
                look(part)

    look([model.optimizer, *(vars(layer) for layer in layers_of(model))])
    return list(found.values())


def optimizer_scopes(model: Any) -> list[str]:
    """The names under which the optimizers keep their slots and do their work, the model's own first."""
    import keras

    scopes: list[str] = []
    for optimizer in optimizers(model):
        while isinstance(optimizer, keras.optimizers.Optimizer):
            scopes.append(optimizer.name)
            optimizer = getattr(optimizer, "inner_optimizer", None)
    return scopes


def held_variables(model: Any) -> list[tuple[Any, Category]]:
    """The Keras variables a step holds, each once."""
    found: dict[int, tuple[Any, Category]] = {}
    kinds: list[tuple[Sequence[Any], Category]] = [
        (model.trainable_variables, "weights"),
        (model.variables, "non_trainable"),
        (model.metrics_variables, "non_trainable"),
        *((optimizer.variables, "slots") for optimizer in optimizers(model)),
    ]
    for variables, category in kinds:
        for variable in variables:
            found.setdefault(id(variable), (variable, category))
    return list(found.values())


def elsewhere(model: Any, also_own: Sequence[Any] = ()) -> int:
    """Bytes of the variables of other models that the program keeps, a generator's while the discriminator trains, and their slots.

    ``also_own`` are variables that belong to the model and are not among what it holds now: of an optimizer it had.
    """
    import keras

    own = {id(variable) for variable in (*also_own, *(variable for variable, _ in held_variables(model)))}

    def others() -> list[Any]:
        return [thing for thing in gc.get_objects() if issubclass(type(thing), keras.Variable) and id(thing) not in own]

    found = others()
    if found:
        del found
        gc.collect()  # they may be left of models that are gone
        found = others()
    whole = [variable for variable in found if getattr(variable, "_shape", None) is not None]  # not refused by its own __init__
    return sum(size_of(tuple(variable.shape), variable._dtype) for variable in whole)


def size_of(shape: tuple[Any, ...], dtype: str) -> int:
    """Bytes of an array."""
    import ml_dtypes  # noqa: F401  - registers bfloat16 and the float8 types with numpy
    import numpy

    return math.prod(map(int, shape)) * int(numpy.dtype(dtype).itemsize)


def owners(model: Any) -> dict[int, Any]:
    """The layer of a variable, by the variable's id; an optimizer's slot belongs to the layer of its weight."""
    found: dict[int, Any] = {}
    by_path: dict[str, Any] = {}
    for layer in model._flatten_layers():
        for variable in [*layer._trainable_variables, *layer._non_trainable_variables]:
            found[id(variable)] = by_path[variable.path.replace("/", "_")] = layer
    for slot in [slot for optimizer in optimizers(model) for slot in optimizer.variables]:
        name = slot.name
        while name and name not in by_path:
            name = name.rpartition("_")[0]
        if name:
            found[id(slot)] = by_path[name]
    return found
