"""What an expression holds: a Keras model, a dataset, an array of some dtype, a list of callbacks, …

Inference is lazy, memoised and modest: what cannot be told from this file is unknown, and rules are silent about it.
A name holds the union of what its reaching assignments give it.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

import libcst as cst

from kerasmem_lint.facts import arrays, toys
from kerasmem_lint.facts.arguments import argument, keywords
from kerasmem_lint.facts.flow import Flow
from kerasmem_lint.facts.names import Names
from kerasmem_lint.facts.syntax import Binding, Scope, Syntax
from kerasmem_lint.facts.value import UNKNOWN, Kind, Value
from kerasmem_lint.knowledge import names as known

_MAX_DEPTH = 40


class Values:
    """Answers ``what does this expression hold?`` for one module."""

    def __init__(self, syntax: Syntax, names: Names, flow: Flow) -> None:
        self.syntax = syntax
        self.names = names
        self.flow = flow
        self._memo: dict[cst.CSTNode, tuple[Value, ...]] = {}
        self._busy: set[cst.CSTNode] = set()
        self._came_round = False
        self._growth = self._index_growth()
        self._sites: dict[cst.CSTNode, list[cst.Call]] | None = None
        self._class_kinds: dict[cst.ClassDef, tuple[Kind, str]] = {}

    # The door

    def of(self, node: cst.CSTNode | None) -> tuple[Value, ...]:
        """Everything ``node`` can hold. Empty only within an inference that has come round to itself."""
        if node is None:
            return (UNKNOWN,)
        found = self._memo.get(node)
        if found is not None:
            return found
        if node in self._busy:
            self._came_round = True
            return ()
        if len(self._busy) > _MAX_DEPTH:
            return (UNKNOWN,)
        if not self._busy:
            self._came_round = False
        self._busy.add(node)
        try:
            found = _distinct(self._infer(node))
        finally:
            self._busy.discard(node)
        if not found:
            if self._came_round and self._busy:
                return ()
            found = (UNKNOWN,)
        self._memo[node] = found
        return found

    def one(self, node: cst.CSTNode | None) -> Value:
        """What ``node`` holds if all its possible values are of one kind, else UNKNOWN."""
        values = self.of(node)
        if values and all(value.kind == values[0].kind for value in values):
            return values[0]
        return UNKNOWN

    def may_be(self, node: cst.CSTNode | None, *kinds: Kind) -> bool:
        return any(value.kind in kinds for value in self.of(node))

    def is_model(self, node: cst.CSTNode | None) -> bool:
        """Is this a Keras model on every path that is understood, and on at least one?"""
        understood = [value for value in self.of(node) if value.kind not in ("unknown", "parameter", "none")]
        return bool(understood) and all(value.kind == "model" for value in understood)

    # Inference by node type

    def _infer(self, node: cst.CSTNode) -> Iterable[Value]:
        # By exact type: libcst's classes are abstract base classes, whose isinstance is slow.
        infer = _INFER.get(type(node))
        return infer(self, node) if infer is not None else ()

    def _comprehension(self, node: cst.ListComp | cst.SetComp | cst.GeneratorExp) -> Iterable[Value]:
        kind: Kind = "generator" if isinstance(node, cst.GeneratorExp) else "list"
        return [Value(kind, "comprehension", node, elements=(node.elt,))]

    def _conditional(self, node: cst.IfExp) -> Iterable[Value]:
        return (*self.of(node.body), *self.of(node.orelse))

    def _either(self, node: cst.BooleanOperation) -> Iterable[Value]:
        return (*self.of(node.left), *self.of(node.right))

    def _name(self, node: cst.Name) -> Iterable[Value]:
        if node.value == "None":
            return [Value("none", node=node)]
        if node.value in ("True", "False"):
            return [Value("number", "literal", node)]
        if node not in self.syntax.noted:
            return []
        dotted = self.names.dotted(node)
        if dotted:
            return [Value("api", dotted, node)]
        found: list[Value] = []
        for binding in self.flow.reaching(node):
            found += self.bound(binding)
        return found

    def bound(self, binding: Binding) -> tuple[Value, ...]:
        """What a binding gives its name."""
        if binding.kind == "function":
            return (Value("function", binding.name, binding.node),)
        if binding.kind == "class":
            return (Value("class", binding.name, binding.node),)
        if binding.kind == "import":
            return (Value("api", binding.dotted, binding.node),)
        if binding.kind == "parameter":
            return self._parameter(binding)
        if binding.kind == "iteration":
            element = self._element(binding.value)
            return self._drill(element, binding.path)
        if binding.value is None:
            return (UNKNOWN,)
        values = self._drill(self.of(binding.value), binding.path)
        if binding.kind == "assign":
            grown = self._growth.get((binding.place.scope.function, binding.name))
            if grown:
                values = tuple(
                    replace(value, elements=(*value.elements, *grown)) if value.kind == "list" else value for value in values
                )
        return values

    def _drill(self, values: tuple[Value, ...], path: tuple[int, ...]) -> tuple[Value, ...]:
        for index in path:
            inner: list[Value] = []
            for value in values:
                inner += self._item(value, index)
            values = _distinct(inner)
        return values

    def _item(self, value: Value, index: int) -> tuple[Value, ...]:
        if value.items and -len(value.items) <= index < len(value.items):
            return (value.items[index],)
        if value.kind in ("tuple", "list") and isinstance(value.node, (cst.Tuple, cst.List)):
            elements = value.node.elements
            if -len(elements) <= index < len(elements) and not any(isinstance(e, cst.StarredElement) for e in elements):
                return self.of(elements[index].value)
        if value.kind == "array":
            return (replace(value, part=True),)
        if value.kind == "dataset":
            return (
                value,
            )  # a loader that gives two at once: `train_ds, val_ds = image_dataset_from_directory(…, subset="both")`
        if value.name.endswith(".parse_known_args") and index == 0:
            return (value,)
        return (UNKNOWN,)

    def _display(self, node: cst.Tuple | cst.List | cst.Set) -> Iterable[Value]:
        kind: Kind = "tuple" if isinstance(node, cst.Tuple) else "list"
        return [Value(kind, "literal", node, elements=tuple(element.value for element in node.elements))]

    # Functions, classes and attributes of this file

    def _parameter(self, binding: Binding) -> tuple[Value, ...]:
        function = binding.place.scope.node
        method_of = self.class_of(function)
        if method_of is not None and self.position(function, binding.name) == 0 and not _is_static(function):
            return (self.instance(method_of, function),)
        found: list[Value] = []
        sites = self.call_sites(function)
        for site in sites:
            argument = self.argument_for(site, function, binding.name)
            if argument is not None:
                found += self.of(argument)
            elif binding.value is not None:
                found += self.of(binding.value)
            else:
                found.append(UNKNOWN)
        if not sites and binding.value is not None:
            found += [Value("parameter", binding.name, binding.node)]
        return _distinct(found) or (Value("parameter", binding.name, binding.node),)

    def class_of(self, function: cst.CSTNode) -> cst.ClassDef | None:
        """The class whose body holds ``function`` directly, if any."""
        scope = self.syntax.place(function).scope if function in self.syntax.noted else None
        if scope is not None and scope.kind == "class" and isinstance(scope.node, cst.ClassDef):
            return scope.node
        return None

    def position(self, function: cst.CSTNode, parameter: str) -> int | None:
        """The position at which a call gives ``parameter``; None for keyword-only ones."""
        params = getattr(function, "params", None)
        if isinstance(params, cst.Parameters):
            for index, param in enumerate((*params.posonly_params, *params.params)):
                if param.name.value == parameter:
                    return index
        return None

    def argument_for(self, site: cst.Call, function: cst.CSTNode, parameter: str) -> cst.BaseExpression | None:
        """The expression that the call ``site`` gives for a parameter of a local function."""
        position = self.position(function, parameter)
        if position is not None and self.class_of(function) is not None and not _is_static(function):
            position -= 0 if self._through_class(site.func) and not _is_static(function, "classmethod") else 1
        return argument(site, position, parameter)

    def _through_class(self, func: cst.BaseExpression) -> bool:
        """Is a method called on its class, with the instance as first argument: ``Trainer.run(self, x)``?"""
        return isinstance(func, cst.Attribute) and any(value.kind == "class" for value in self.of(func.value))

    def call_sites(self, function: cst.CSTNode) -> list[cst.Call]:
        """The calls of a function of this file, by its name or as a method; for ``__init__``, of its class."""
        if self._sites is None:
            self._sites = {}
            for call in self.syntax.calls:
                for target in self.local_targets(call):
                    self._sites.setdefault(target, []).append(call)
        return self._sites.get(function, [])

    def local_targets(self, call: cst.Call) -> list[cst.CSTNode]:
        """The functions of this file that a call runs: by name, as a method, or ``__init__`` of its class."""
        func = call.func
        if isinstance(func, cst.Name):
            bindings = [b for b in self.names.bindings(func) if b.kind in ("function", "class")]
            targets: list[cst.CSTNode] = []
            for binding in bindings:
                if isinstance(binding.node, cst.ClassDef):
                    init = self.method(binding.node, "__init__")
                    targets += [init] if init is not None else []
                else:
                    targets.append(binding.node)
            return targets
        if isinstance(func, cst.Attribute) and func.attr.value in self._method_names:
            owners = [value.node if value.kind == "class" else value.owner for value in self.of(func.value)]
            found = [self.method(owner, func.attr.value) for owner in owners if isinstance(owner, cst.ClassDef)]
            return [method for method in found if method is not None]
        return []

    @cached_property
    def _method_names(self) -> frozenset[str]:
        scopes = self.syntax.scopes
        return frozenset(name for cls in self.syntax.classes for name in scopes[cls].bindings)

    def method(self, owner: cst.ClassDef, name: str) -> cst.FunctionDef | None:
        """The method of a class of this file, looked for in its bases of this file too."""
        for cls in self.lineage(owner):
            for binding in reversed(self.syntax.scopes[cls].bindings.get(name, [])):
                if isinstance(binding.node, cst.FunctionDef):
                    return binding.node
        return None

    def lineage(self, owner: cst.ClassDef) -> list[cst.ClassDef]:
        """The class and its bases of this file, nearest first."""
        found: list[cst.ClassDef] = []
        todo = [owner]
        while todo and len(found) < 20:
            cls = todo.pop(0)
            if cls in found:
                continue
            found.append(cls)
            for base in cls.bases:
                if isinstance(base.value, cst.Name) and base.value in self.syntax.noted:
                    todo += [b.node for b in self.names.bindings(base.value) if isinstance(b.node, cst.ClassDef)]
        return found

    def class_kind(self, owner: cst.ClassDef) -> tuple[Kind, str]:
        """What instances of a class of this file are, by its bases: a model, a callback, a layer, … and the canonical base."""
        known_kind = self._class_kinds.get(owner)
        if known_kind is not None:
            return known_kind
        found: tuple[Kind, str] = ("instance", "")
        for base in (base.value for cls in self.lineage(owner) for base in cls.bases):
            kind = _BASES.get(self.names.dotted(base))
            if kind is not None:
                found = (kind, self.names.dotted(base))
                break
        self._class_kinds[owner] = found
        return found

    def instance(self, owner: cst.ClassDef, node: cst.CSTNode | None) -> Value:
        kind, name = self.class_kind(owner)
        return Value(kind, name, node, owner)

    def returns(self, function: cst.CSTNode) -> tuple[Value, ...]:
        """What a function of this file returns, over all its return statements."""
        if isinstance(function, cst.Lambda):
            return self.of(function.body)
        scope = self.syntax.scopes.get(function)
        if scope is None:
            return (UNKNOWN,)
        if scope in self.syntax.yields:
            return (Value("generator", "function", function),)
        statements = self.syntax.returns.get(scope)
        if not statements:
            return (Value("none"),)
        found: list[Value] = []
        for statement in statements:
            found += self.of(statement.value) if statement.value is not None else [Value("none")]
        return _distinct(found)

    def _attribute(self, node: cst.Attribute) -> Iterable[Value]:
        dotted = self.names.dotted(node)
        if dotted:
            return [Value("api", dotted, node)]
        name = node.attr.value
        found: list[Value] = []
        for value in self.of(node.value):
            found += self._attribute_of(value, name, node)
        return found

    def _attribute_of(self, value: Value, name: str, node: cst.Attribute) -> Iterable[Value]:
        if value.owner is not None:
            stored = self.stored(value.owner, name)
            if stored:
                return stored
            if value.kind == "callback" and name == "model":
                return [Value("model", "keras.Model", node)]
        if value.kind == "history":
            return [Value("dict", "History.history", node)] if name in ("history", "epoch") else []
        if value.kind == "frame" and name in ("values", "array", "T", "iloc", "loc"):
            kind: Kind = "array" if name == "values" else "frame"
            return [replace(value, kind=kind, node=node)]
        if value.kind == "array" and name == "T":
            return [replace(value, node=node)]
        if value.kind == "model" and name in ("optimizer",):
            return [Value("optimizer", "keras.optimizers.Optimizer", node)]
        if value.kind in ("foreign", "api") and value.name:
            return [toys.attribute(value, name, node)]
        return []

    def stored(self, owner: cst.ClassDef, attribute: str) -> tuple[Value, ...]:
        """What the methods of a class (and its bases of this file) store under ``self.attribute``."""
        lineage = self.lineage(owner)
        found: list[Value] = []
        for store in self.syntax.attribute_stores.get(attribute, ()):
            if isinstance(store.base, cst.Name) and self._self_class(store.base) in lineage:
                grown = self._growth.get((owner, attribute), ())
                values = self._drill(self.of(store.value), store.path) if store.value is not None else (UNKNOWN,)
                found += [replace(v, elements=(*v.elements, *grown)) if v.kind == "list" else v for v in values]
        for cls in lineage:
            for binding in self.syntax.scopes[cls].bindings.get(attribute, ()):
                if binding.kind in ("assign", "function"):
                    found += self.bound(binding)
        return _distinct(found)

    def _self_class(self, name: cst.Name) -> cst.ClassDef | None:
        """The class, if ``name`` is the first parameter of one of its methods."""
        if name not in self.syntax.noted:
            return None
        scope: Scope | None = self.syntax.place(name).scope
        while scope is not None:
            if scope.kind == "function" and name.value in scope.bindings:
                cls = self.class_of(scope.node)
                if cls is not None and self.position(scope.node, name.value) == 0 and not _is_static(scope.node):
                    return cls
                return None
            scope = scope.enclosing
        return None

    def _index_growth(self) -> dict[tuple[object, str], tuple[cst.BaseExpression, ...]]:
        """What is appended to lists, by scope and name, or by class and attribute."""
        grown: dict[tuple[object, str], tuple[cst.BaseExpression, ...]] = {}
        for call in self.syntax.calls:
            func = call.func
            if not isinstance(func, cst.Attribute) or func.attr.value not in _GROWERS or not call.args:
                continue
            added: tuple[cst.BaseExpression, ...] = (call.args[-1].value,)
            if func.attr.value == "extend" and isinstance(added[0], (cst.List, cst.Tuple)):
                added = tuple(element.value for element in added[0].elements)
            key: tuple[object, str] | None = None
            if isinstance(func.value, cst.Name) and func.value in self.syntax.noted:
                owner = self.names.owner(func.value.value, self.syntax.place(func.value).scope)
                key = (owner.function, func.value.value) if owner is not None else None
            elif isinstance(func.value, cst.Attribute) and isinstance(func.value.value, cst.Name):
                cls = self._self_class(func.value.value)
                key = (cls, func.value.attr.value) if cls is not None else None
            if key is not None:
                grown[key] = (*grown.get(key, ()), *added)
        return grown

    def element_values(self, value: Value) -> tuple[Value, ...]:
        """What the elements of a list hold."""
        found: list[Value] = list(value.items)
        for element in value.elements:
            found += self.of(element)
        return _distinct(found)

    def _element(self, iterable: cst.CSTNode | None) -> tuple[Value, ...]:
        """What iterating over an expression gives."""
        if isinstance(iterable, cst.Call):
            name = self.builtin(iterable.func)
            arguments = [argument.value for argument in iterable.args]
            if name == "enumerate" and arguments:
                inner = self._element(arguments[0])
                return tuple(Value("tuple", items=(Value("number", "range"), value)) for value in inner)
            if name == "zip" and arguments:
                return (Value("tuple", items=tuple(self._element(item)[0] for item in arguments)),)
            if name == "range":
                return (Value("number", "range", iterable),)
            if name in ("reversed", "sorted", "list", "iter", "tqdm") and arguments:
                return self._element(arguments[0])
        found: list[Value] = []
        for value in self.of(iterable):
            if value.kind in ("list", "tuple", "generator") and (value.elements or value.items):
                found += self.element_values(value)
            elif value.kind == "dataset":
                found.append(Value("tensor", "batch", iterable, part=True))
            elif value.kind == "array":
                found.append(replace(value, node=iterable, part=True))
        return _distinct(found) or (UNKNOWN,)

    def builtin(self, func: cst.BaseExpression) -> str:
        """The name of a built-in function that is called by its own name, or of ``tqdm``; else ""."""
        if isinstance(func, cst.Name):
            if func not in self.syntax.noted or self.names.owner(func.value, self.syntax.place(func).scope) is None:
                return func.value
            return "tqdm" if func.value in ("tqdm", "trange", "track") else ""
        if isinstance(func, cst.Attribute) and func.attr.value == "tqdm":
            return "tqdm"
        return ""

    # Calls

    def callee(self, call: cst.Call) -> tuple[str, ...]:
        """The canonical names of what is called: ``keras.Sequential``, ``Model.fit``, ``Dataset.shuffle``, ``len``, …"""
        dotted = self.names.dotted(call.func)
        if dotted:
            return (dotted,)
        if isinstance(call.func, cst.Attribute):
            attribute = call.func.attr.value
            found: list[str] = []
            for value in self.of(call.func.value):
                prefix = _PREFIXES.get(value.kind)
                if value.owner is not None and self.method(value.owner, attribute) is not None:
                    found.append(f"local.{attribute}")
                elif prefix is not None:
                    found.append(f"{prefix}.{attribute}")
                elif value.kind in ("foreign", "api", "frame") and value.name:
                    found.append(f"{value.name}.{attribute}")
            return tuple(dict.fromkeys(found)) or self._called_objects(call)
        built_in = self.builtin(call.func)
        if built_in:
            return (built_in,)
        return self._called_objects(call)

    def _called_objects(self, call: cst.Call) -> tuple[str, ...]:
        """``Model.__call__`` for ``model(x)``, ``Layer.__call__`` for ``layer(x)``."""
        kinds = dict.fromkeys(value.kind for value in self.of(call.func) if value.kind in ("model", "layer"))
        return tuple(f"{_PREFIXES[kind]}.__call__" for kind in kinds)

    def _call(self, call: cst.Call) -> Iterable[Value]:
        dotted = self.names.dotted(call.func)
        if dotted:
            return self._api_call(dotted, call)
        if isinstance(call.func, cst.Attribute):
            found: list[Value] = []
            for value in self.of(call.func.value):
                found += self._method_call(value, call.func.attr.value, call)
            return found
        built_in = self.builtin(call.func)
        if built_in:
            return self._builtin_call(built_in, call)
        found = []
        for value in self.of(call.func):
            if value.kind == "function" and value.node is not None:
                found += self.returns(value.node)
            elif value.kind == "class" and isinstance(value.node, cst.ClassDef):
                found.append(self.instance(value.node, call))
            elif value.kind == "model" and value.owner is None and self._is_symbolic_call(call):
                found.append(Value("symbolic", "Model.__call__", call))
            elif value.kind in ("model", "layer"):
                symbolic = value.kind == "layer" or self._is_symbolic_call(call)
                found.append(Value("symbolic" if symbolic else "tensor", "Model.__call__", call))
        return found

    def _is_symbolic_call(self, call: cst.Call) -> bool:
        return bool(call.args) and self.may_be(call.args[0].value, "symbolic")

    def _builtin_call(self, name: str, call: cst.Call) -> Iterable[Value]:
        if name in ("list", "tuple", "sorted"):
            if not call.args:
                return [Value("list", "literal", call)]
            inner = self.of(call.args[0].value)
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
            cls = self._enclosing_class(call)
            return [self._parent_of(cls, call)] if cls is not None else []
        if name in ("next", "iter"):
            return self._element(call.args[0].value) if call.args and name == "next" else []
        # Not a built-in at all: something that a star import brought, or an earlier part of a notebook.
        return [] if hasattr(builtins, name) or name == "tqdm" else [Value("foreign", name, call)]

    def _parent_of(self, owner: cst.ClassDef, call: cst.Call) -> Value:
        """What ``super()`` is in a method of a class: the class without its own methods."""
        kind, name = self.class_kind(owner)
        bases = self.lineage(owner)[1:]
        return Value(kind, name, call, bases[0] if bases else None)

    def _enclosing_class(self, node: cst.CSTNode) -> cst.ClassDef | None:
        return next((a for a in self.syntax.ancestors(node) if isinstance(a, cst.ClassDef)), None)

    def _api_call(self, name: str, call: cst.Call) -> Iterable[Value]:
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
        made = arrays.api_call(name, call, self)
        if made:
            return made
        if name.partition(".")[0] in known.FOREIGN_ROOTS and last[:1].isupper():
            return [Value("foreign", name, call)]
        return [Value("foreign", name, call)] if name else []

    def _method_call(self, value: Value, attribute: str, call: cst.Call) -> Iterable[Value]:
        if value.owner is not None:
            method = self.method(value.owner, attribute)
            if method is not None:
                return self.returns(method)
        if value.kind == "model":
            if attribute in ("fit", "fit_generator"):
                return [Value("history", "Model.fit", call)]
            if attribute in ("predict", "predict_on_batch", "predict_generator"):
                return [Value("array", f"Model.{attribute}", call, dtype="float32", origin="prediction")]
            return []
        if value.kind in ("unknown", "parameter", "foreign") and value.name.partition(".")[0] not in known.FOREIGN_ROOTS:
            if attribute == "predict_on_batch":
                return [Value("array", "Model.predict_on_batch", call, dtype="float32", origin="prediction")]
            if attribute == "fit_generator" or (attribute == "fit" and keywords(call) & known.FIT_KEYWORDS):
                return [Value("history", "Model.fit", call)]
        if value.kind in ("unknown", "parameter") and self._only_datasets_have(attribute, call):
            return [Value("dataset", f"Dataset.{attribute}", call)]
        if value.kind == "dataset" and attribute in known.DATASET_METHODS:
            return [Value("dataset", f"Dataset.{attribute}", call)]
        if value.kind in ("array", "frame"):
            return arrays.method_call(value, attribute, call, self)
        if value.kind == "tensor" and attribute == "numpy":
            return [Value("array", "Tensor.numpy", call, part=True)]
        if value.kind == "dict" and value.name == "History.history":
            return []
        if value.kind == "generator" and attribute.startswith("flow"):
            return [Value("generator", value.name, call)]
        if value.name in known.SPARSE_TRANSFORMERS and attribute in ("fit_transform", "transform"):
            return [Value("foreign", known.SPARSE, call)]
        if value.kind in ("foreign", "api") and attribute in ("fit_transform", "transform") and call.args:
            given = self.one(call.args[0].value)
            if given.kind in ("array", "frame"):
                return [replace(given, kind="array", node=call, dtype="float64")]
        if value.kind in ("foreign", "api") and value.name:
            return arrays.api_call(f"{value.name}.{attribute}", call, self) or [
                Value("foreign", f"{value.name}.{attribute}", call)
            ]
        return []

    def _only_datasets_have(self, attribute: str, call: cst.Call) -> bool:
        """Is this a method, or are these arguments, that of all things in a program with TensorFlow only ``tf.data`` has?"""
        if attribute not in known.DATASET_METHODS or "tensorflow" not in self.names.roots:
            return False
        return attribute in ("prefetch", "padded_batch", "interleave") or bool(keywords(call) & known.DATASET_KEYWORDS)

    # Subscripts and arithmetic

    def _subscript(self, node: cst.Subscript) -> Iterable[Value]:
        found: list[Value] = []
        for value in self.of(node.value):
            index = _index(node)
            if value.kind in ("tuple", "list") and index is not None:
                found += self._item(value, index) if not (value.kind == "list" and len(value.elements) > 50) else ()
            elif value.kind in ("tuple", "list") and value.elements:
                found += self.element_values(value) if _is_single(node) else (replace(value, node=node),)
            elif value.kind in ("array", "frame"):
                found.append(arrays.subscript(value, node))
            elif value.kind == "tensor":
                found.append(replace(value, part=True))
        return found

    def _arithmetic(self, node: cst.BinaryOperation | cst.AugAssign) -> Iterable[Value]:
        if isinstance(node, cst.AugAssign):
            left, right = self.of(node.target), self.of(node.value)
            divides = isinstance(node.operator, cst.DivideAssign)
        else:
            left, right = self.of(node.left), self.of(node.right)
            divides = isinstance(node.operator, cst.Divide)
        found: list[Value] = []
        for one in left:
            for other in right:
                found.append(arrays.combine(one, other, node, divides, in_place=isinstance(node, cst.AugAssign)))
        return found


_INFER: dict[type[cst.CSTNode], Callable[[Values, Any], Iterable[Value]]] = {
    cst.Name: Values._name,
    cst.Call: Values._call,
    cst.Attribute: Values._attribute,
    cst.Subscript: Values._subscript,
    cst.BinaryOperation: Values._arithmetic,
    cst.AugAssign: Values._arithmetic,
    cst.Tuple: Values._display,
    cst.List: Values._display,
    cst.Set: Values._display,
    cst.ListComp: Values._comprehension,
    cst.SetComp: Values._comprehension,
    cst.GeneratorExp: Values._comprehension,
    cst.IfExp: Values._conditional,
    cst.BooleanOperation: Values._either,
    cst.UnaryOperation: lambda values, node: values.of(node.expression),
    cst.NamedExpr: lambda values, node: values.of(node.value),
    cst.Await: lambda values, node: values.of(node.expression),
    cst.Dict: lambda values, node: [Value("dict", "literal", node)],
    cst.DictComp: lambda values, node: [Value("dict", "literal", node)],
    cst.SimpleString: lambda values, node: [Value("string", "literal", node)],
    cst.ConcatenatedString: lambda values, node: [Value("string", "literal", node)],
    cst.FormattedString: lambda values, node: [Value("string", "literal", node)],
    cst.Integer: lambda values, node: [Value("number", "literal", node)],
    cst.Float: lambda values, node: [Value("number", "literal", node)],
    cst.Lambda: lambda values, node: [Value("function", "lambda", node)],
}

_PREFIXES: dict[str, str] = {
    "model": "Model",
    "layer": "Layer",
    "callback": "Callback",
    "history": "History",
    "optimizer": "Optimizer",
    "dataset": "Dataset",
    "generator": "Generator",
    "array": "ndarray",
    "list": "list",
    "dict": "dict",
    "tensor": "Tensor",
    "symbolic": "Tensor",
    "string": "str",
}

_GROWERS = frozenset({"append", "insert", "add", "extend", "appendleft"})

_BASES: dict[str, Kind] = {
    "keras.Model": "model",
    "keras.Sequential": "model",
    "keras.layers.Layer": "layer",
    "keras.callbacks.Callback": "callback",
    "keras.utils.PyDataset": "generator",
    **dict.fromkeys(known.NO_CHECKPOINT_CALLBACKS | known.CHECKPOINT_CALLBACKS, "callback"),
}


def _distinct(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(dict.fromkeys(values))


def _is_static(function: cst.CSTNode, decorator: str = "staticmethod") -> bool:
    return isinstance(function, cst.FunctionDef) and any(
        isinstance(item.decorator, cst.Name) and item.decorator.value == decorator for item in function.decorators
    )


def _is_single(node: cst.Subscript) -> bool:
    return len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index)


def _index(node: cst.Subscript) -> int | None:
    if len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
        value = node.slice[0].slice.value
        sign = 1
        if isinstance(value, cst.UnaryOperation) and isinstance(value.operator, cst.Minus):
            sign, value = -1, value.expression
        if isinstance(value, cst.Integer):
            return sign * int(value.evaluated_value)
    return None
