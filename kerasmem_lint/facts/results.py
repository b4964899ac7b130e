"""What a call gives: a function or class of this file, a built-in, Keras' and other libraries' functions, and methods."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from kerasmem_lint.facts import arrays
from kerasmem_lint.facts.arguments import keywords
from kerasmem_lint.facts.value import Value
from kerasmem_lint.knowledge import calls as known

if TYPE_CHECKING:
    from kerasmem_lint.facts.values import Values


def result(call: cst.Call, values: Values) -> Iterable[Value]:
    """Everything a call can give; nothing where that cannot be told."""
    dotted = values.names.dotted(call.func)
    if dotted:
        return _api_call(dotted, call, values)
    if isinstance(call.func, cst.Attribute):
        found: list[Value] = []
        for value in values.of(call.func.value):
            found += _method_call(value, call.func.attr.value, call, values)
        return found
    built_in = values.names.builtin(call.func)
    if built_in:
        return _builtin_call(built_in, call, values)
    found = []
    for value in values.of(call.func):
        if value.kind == "function" and value.node is not None:
            found += values.functions.returns(value.node)
        elif value.kind == "class" and isinstance(value.node, cst.ClassDef):
            found.append(values.instance(value.node, call))
        elif value.kind == "model" and value.owner is None and _is_symbolic_call(call, values):
            found.append(Value("symbolic", "Model.__call__", call))
        elif value.kind in ("model", "layer"):
            symbolic = value.kind == "layer" or _is_symbolic_call(call, values)
            found.append(Value("symbolic" if symbolic else "tensor", "Model.__call__", call))
    return found


def _is_symbolic_call(call: cst.Call, values: Values) -> bool:
    return bool(call.args) and _holds_symbolic(call.args[0].value, values)


def _holds_symbolic(node: cst.BaseExpression, values: Values) -> bool:
    """Can it be a tensor of a graph that is being built, or a list, tuple or dict written here that has one?"""
    if isinstance(node, (cst.List, cst.Tuple, cst.Dict)):
        return any(
            not isinstance(element, cst.StarredDictElement) and _holds_symbolic(element.value, values)
            for element in node.elements
        )
    return values.may_be(node, "symbolic")


def _builtin_call(name: str, call: cst.Call, values: Values) -> Iterable[Value]:
    if name in ("list", "tuple", "sorted"):
        if not call.args:
            return [Value("list", "literal", call)]
        inner = values.of(call.args[0].value)
        return [
            replace(v, kind="list") if v.kind in ("list", "tuple", "generator") else Value("list", node=call) for v in inner
        ]
    if name in ("len", "int", "float", "sum", "abs", "round"):
        return [Value("number", name, call)]
    if name in ("str", "repr", "input"):
        return [Value("string", name, call)]
    if name == "dict":
        return [Value("dict", "literal", call)]
    if name == "range":
        return [Value("list", "range", call)]
    if name == "super":
        cls = values.classes.around(call)
        return [_parent_of(cls, call, values)] if cls is not None else []
    if name in ("next", "iter"):
        return values.iterated(call.args[0].value) if call.args and name == "next" else []
    # Not a built-in at all: something that a star import brought, or an earlier part of a notebook.
    return [] if hasattr(builtins, name) or name in ("tqdm", "trange") else [Value("foreign", name, call)]


def _parent_of(owner: cst.ClassDef, call: cst.Call, values: Values) -> Value:
    """What ``super()`` is in a method of a class: the class without its own methods."""
    kind, name = values.classes.kind(owner)
    bases = values.classes.lineage(owner)[1:]
    return Value(kind, name, call, bases[0] if bases else None)


def _api_call(name: str, call: cst.Call, values: Values) -> Iterable[Value]:
    if known.is_model_maker(name):
        return [Value("model", name, call)]
    home, _, last = name.rpartition(".")
    if home == "keras.callbacks":
        return [Value("callback", name, call)]
    if home == "keras.layers" and last[:1].isupper():
        return [Value("layer", name, call)]
    if name == "keras.Input":
        return [Value("symbolic", name, call)]
    if home == "keras.optimizers" or home.startswith("tensorflow.keras.optimizers"):
        return [Value("optimizer", name, call)]
    if name in known.DATASET_MAKERS or name in known.BATCHED_DATASET_MAKERS:
        return [Value("dataset", name, call)]
    made = arrays.api_call(name, call, values)
    if made:
        return made
    if name.partition(".")[0] in known.FOREIGN_ROOTS and last[:1].isupper():
        return [Value("foreign", name, call)]
    return [Value("foreign", name, call)] if name else []


def _method_call(value: Value, attribute: str, call: cst.Call, values: Values) -> Iterable[Value]:
    if value.owner is not None:
        method = values.classes.method(value.owner, attribute)
        if method is not None:
            return values.functions.returns(method)
    if value.kind == "model":
        if attribute in ("fit", "fit_generator"):
            return [Value("history", "Model.fit", call)]
        if attribute in ("predict", "predict_on_batch", "predict_generator"):
            return [Value("array", f"Model.{attribute}", call, dtype="float32", origin="prediction")]
        return []
    if value.kind in ("unknown", "parameter", "foreign") and value.name.partition(".")[0] not in known.FOREIGN_ROOTS:
        if attribute == "predict_on_batch":
            return [Value("array", "Model.predict_on_batch", call, dtype="float32", origin="prediction")]
        if attribute == "fit_generator" or (attribute == "fit" and known.is_keras_fit(keywords(call))):
            return [Value("history", "Model.fit", call)]
    of_tensorflow = value.kind == "foreign" and value.name.startswith("tensorflow")  # `tensorflow_io`, `tfds.builder(…)`
    if (value.kind in ("unknown", "parameter") or of_tensorflow) and _only_datasets_have(attribute, call, values):
        return [Value("dataset", f"Dataset.{attribute}", call)]
    if value.kind == "dataset" and attribute in known.DATASET_METHODS:
        return [Value("dataset", f"Dataset.{attribute}", call)]
    if value.kind in ("array", "frame"):
        return arrays.method_call(value, attribute, call, values)
    if value.kind == "tensor" and attribute == "numpy":
        return [Value("array", "Tensor.numpy", call, part=True)]
    if value.kind == "dict" and value.name == "History.history":
        return []
    if value.kind == "generator" and attribute.startswith("flow"):
        return [Value("generator", value.name, call)]
    if value.name in known.SPARSE_TRANSFORMERS and attribute in ("fit_transform", "transform"):
        return [Value("foreign", known.SPARSE, call)]
    if value.kind in ("foreign", "api") and attribute in ("fit_transform", "transform") and call.args:
        given = values.one(call.args[0].value)
        if given.kind in ("array", "frame"):
            return [replace(given, kind="array", node=call, dtype="float64")]
    if value.kind in ("foreign", "api") and value.name:
        return arrays.api_call(f"{value.name}.{attribute}", call, values) or [
            Value("foreign", f"{value.name}.{attribute}", call)
        ]
    return []


def _only_datasets_have(attribute: str, call: cst.Call, values: Values) -> bool:
    """Is this a method, or are these arguments, that of all things in a program with TensorFlow only ``tf.data`` has?"""
    if attribute not in known.DATASET_METHODS or "tensorflow" not in values.names.roots:
        return False
    return attribute in ("prefetch", "padded_batch", "interleave") or bool(keywords(call) & known.DATASET_KEYWORDS)
