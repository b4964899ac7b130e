"""Data whose loss costs nothing: written out in the file, drawn at random, or a little table that a library brings along or makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from kerasmem_lint.facts.arguments import argument
from kerasmem_lint.facts.value import UNKNOWN, Value

if TYPE_CHECKING:
    from kerasmem_lint.facts.values import Values

MADE_UP = ("literal", "random")
"""Origins of data that is made up: numbers of the file and random numbers. That of a little table is "toy"."""

TOY_DATASETS = frozenset({"boston_housing", "california_housing"})
"""Data sets of Keras with 506 and 20,640 rows of numbers (keras.io/api/datasets)."""

_TABLES = ("load_iris", "load_wine", "load_breast_cancer", "load_digits", "load_diabetes", "load_linnerud", "load_boston")
"""The data sets that scikit-learn brings along: at most 1,797 rows (scikit-learn.org, datasets/toy_dataset)."""

_SAME = (
    "constant",
    "convert_to_tensor",
    "cast",
    "identity",
    "expand_dims",
    "reshape",
    "squeeze",
    "stack",
    "concat",
    "transpose",
)
_MAX_LEVELS = 4
_MAX_ITEMS = 20


def made_up(name: str, call: cst.Call, values: Values) -> Sequence[Value]:
    """What a function that makes such data gives, or one of TensorFlow that keeps it; () for all others."""
    home, _, last = name.rpartition(".")
    if home.startswith("sklearn.datasets"):
        if last.startswith("make_"):
            return [_pair(name, call)]
        if last in _TABLES:
            both = argument(call, None, "return_X_y")
            return [_pair(name, call) if both is not None else Value("foreign", name, call, origin="toy")]
    if name in ("tensorflow.range", "tensorflow.linspace"):
        return [Value("tensor", name, call, origin="literal", part=True)]
    if home == "tensorflow" and last in _SAME and call.args:
        first = values.one(call.args[0].value)
        if first.kind in ("array", "tensor") and first.origin in MADE_UP:
            return [replace(first, node=call)]
        if is_written_out(first, values):
            return [Value("tensor", name, call, origin="literal", part=True)]
    return ()


def attribute(value: Value, name: str, node: cst.Attribute) -> Value:
    """What an attribute of something of another library is: ``load_iris().data`` is an array."""
    if value.origin == "toy" and name in ("data", "target", "images"):
        return Value("array", value.name, node, dtype="float64" if name != "target" else "int64", origin="toy")
    return Value("foreign", f"{value.name}.{name}", node)


def is_written_out(value: Value, values: Values, level: int = 0) -> bool:
    """Is this a number, a range or a list of such that the file spells out, to the last item? Not a list that grows."""
    if value.kind in ("number", "string"):
        return value.name in ("literal", "arithmetic", "range")
    if value.kind not in ("list", "tuple") or level > _MAX_LEVELS:
        return False
    if value.name == "range":
        return True
    shown = len(value.node.elements) if isinstance(value.node, (cst.List, cst.Tuple)) else 1
    if value.name not in ("literal", "comprehension") or not value.elements or len(value.elements) != shown:
        return False
    items = [item for element in value.elements[:_MAX_ITEMS] for item in values.of(element)]
    return all(is_written_out(item, values, level + 1) for item in items)


def _pair(name: str, call: cst.Call) -> Value:
    x = Value("array", name, call, dtype="float64", origin="toy")
    y = Value("array", name, call, dtype="int64", origin="toy")
    return Value("tuple", name, call, items=(x, y, UNKNOWN))
