"""What the names in a compiled module, or in a trace, mean in Keras' terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of the compiled step in Keras' terms: its category, the layer it belongs to, its name."""

    category: str
    layer: str
    name: str


@dataclass(frozen=True)
class Names:
    """What the names in a compiled module mean: the classes of the layers by path, and the optimizer's scope.

    ``more_optimizers`` has the scopes of an optimizer wrapped by that one, and of others that the model keeps. ``places`` has the
    file, the line and the notebook cell (None outside notebooks) that built a layer.
    """

    layers: Mapping[str, str]
    places: Mapping[str, tuple[str, int, int | None]]
    optimizer: str
    more_optimizers: tuple[str, ...] = ()

    def is_optimizer(self, scope: str) -> bool:
        """Whether a scope is an optimizer's."""
        return bool(scope) and scope in (self.optimizer, *self.more_optimizers)

    def layer_of(self, op_name: str) -> str:
        """The layer whose scope an operation lies in, '' where it lies in none."""
        known = self._components()
        path: list[str] = []
        for component in components(op_name):
            if component in known:
                path.append(component)
            elif path:
                break
        while path and "/".join(path) not in self.layers and path[-1] not in self.layers and len(path) > 1:
            if any(layer.endswith("/" + "/".join(path)) for layer in self.layers):
                break
            path.pop()
        return self._full("/".join(path))

    def layer_of_variable(self, path: str) -> str:
        """The layer that a variable of the model or a slot of the optimizer belongs to."""
        scope, _, name = path.rpartition("/")
        if not self.is_optimizer(scope):
            while scope and scope not in self.layers:
                scope = scope.rpartition("/")[0]
            return scope
        flat = sorted(((layer.replace("/", "_"), layer) for layer in self.layers), key=lambda pair: -len(pair[0]))
        return next((layer for prefix, layer in flat if name.startswith(prefix + "_")), "")

    def _components(self) -> frozenset[str]:
        return frozenset(part for layer in self.layers for part in layer.split("/"))

    def _full(self, path: str) -> str:
        if path in self.layers or not path:
            return path
        return next((layer for layer in self.layers if layer.endswith("/" + path) or path.endswith("/" + layer)), path)


_WRAPPED = re.compile(r"(?:jvp|transpose|vmap|checkpoint|remat|rematted_computation)\((.*)\)$")


def components(op_name: str) -> list[str]:
    """The scopes of an operation, the marks of JAX's transformations and of TensorFlow's gradients taken off."""
    parts: list[str] = []
    for part in split_scopes(op_name):
        while match := _WRAPPED.match(part):
            part = match[1]
        parts += part.split("/") if "(" not in part else [part]
    return parts


def split_scopes(op_name: str) -> list[str]:
    """Split at the slashes that stand in no bracket: ``a/jvp(b/c)/d`` has three parts."""
    parts, depth, start = [], 0, 0
    for position, char in enumerate(op_name):
        depth += (char == "(") - (char == ")")
        if char == "/" and depth == 0:
            parts.append(op_name[start:position])
            start = position + 1
    return [*parts, op_name[start:]]
