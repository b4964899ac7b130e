"""What tells two training steps apart that one line of a program takes: the models, optimizers and settings of a search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kerasmem_lint.footprint.child.held import layers_of, optimizers

PLAIN = (bool, int, float, str)

OF_NO_WEIGHT = {
    "name", "_name", "_path", "_parent_path", "_lock", "_called", "_jax_state_synced", "built", "seed", "stop_training",
}  # fmt: skip
"""Attributes of Keras' own objects that differ between two of the same kind, or change as they are used."""


def likeness(model: Any) -> tuple[Any, ...]:
    """Equal for compiled models whose training steps need the same of the same batch, as far as their settings show."""
    how = model.run_eagerly, model.jit_compile, model.steps_per_execution
    variables = [(tuple(variable.shape), variable._dtype, variable.trainable) for variable in model.variables]
    policies = [layer.dtype_policy.name for layer in layers_of(model)]
    settings = [(type(part).__name__, *_settings(part)) for part in [*layers_of(model), *optimizers(model)]]
    return *how, tuple(variables), tuple(policies), tuple(settings)


def _settings(part: Any) -> Iterator[tuple[str, Any]]:
    """The plain attributes of an object of Keras; of the program's own, which may count there, the arguments it was made with."""
    of_keras = type(part).__module__.startswith("keras.")
    attributes = vars(part) if of_keras else getattr(getattr(part, "_auto_config", None), "config", {})
    for key, value in attributes.items():
        said = getattr(value, "__name__", value)  # an activation
        parts = said if isinstance(said, tuple) else (said,)
        if key not in OF_NO_WEIGHT and all(isinstance(each, PLAIN) for each in parts):
            yield key, tuple(parts)
