"""What a file runs on: the backend of Keras and its generation, as far as the code shows them."""

from __future__ import annotations

import math
import re
from functools import cached_property

import libcst as cst

from kerasmem_lint.facts.arguments import argument
from kerasmem_lint.facts.calls import Calls, spelling
from kerasmem_lint.facts.literals import Literals
from kerasmem_lint.facts.syntax import Block
from kerasmem_lint.facts.values import Values
from kerasmem_lint.knowledge import generations
from kerasmem_lint.knowledge.names import canonical

_ONLY_TORCH = frozenset({"backward", "no_grad", "zero_grad"})
_ONLY_JAX = frozenset({"jit", "value_and_grad", "stateless_call", "stateless_apply"})
_ONLY_KERAS_2 = frozenset({"fit_generator", "predict_generator", "evaluate_generator", "predict_classes", "Session"})
_KERAS_3_MODULES = ("keras.ops", "keras.random", "keras.distribution")
_KERAS_3_FUNCTIONS = ("keras.ops.", "keras.random.", "keras.config.", "keras.distribution.", "keras.utils.set_random_seed")
_RATE = re.compile(
    r"(?!.*\b\w*(?:cfg|conf|config|args|opts?|options|params|settings)\.)"
    r".*(?:model|net|self|gan|generator|discriminator)\d*\.optimizer\.lr"
)
_READS_VARIABLES = ("keras.backend.get_value", "keras.backend.set_value", "keras.backend.eval")
_LINE = re.compile(r"[^\r\n]+")
_INSTALLER = re.compile(r"\b(?:pip3?|conda|mamba|uv)\b")
_INSTALL = re.compile(r"\binstall\b")
_PIN = re.compile(
    r"[ \t\"'](?P<what>tensorflow|keras)(?:[-_](?:gpu|cpu|macos)|\[[\w,-]+\])?"
    r"[ \t]*(?:(?:>=?|!=)[ \t]*[\d.*]{1,20}[ \t]*,[ \t]*){0,3}(?P<how>==?|~=|<=?)[ \t]*(?P<major>\d{1,4})(?:\.(?P<minor>\d{1,4}))?(?P<rest>\.[\d*])?"
)
"""A version asked of an installer, exactly or at most; a lower bound may stand before it."""

_FIRST_ON_KERAS_3 = (2, 16)
"""The first version of TensorFlow whose ``tf.keras`` is Keras 3."""


class Platform:
    """Questions about the whole file, answered from its imports, calls and environment variables.

    ``original`` is the text with its magics, where a notebook says what it installs.
    """

    def __init__(self, values: Values, literals: Literals, calls: Calls, text: str = "", original: str = "") -> None:
        self._text = text
        self._original = original
        self._names = values.names
        self._literals = literals
        self._calls = calls
        self._syntax = values.syntax

    @cached_property
    def _by_name(self) -> dict[str, list[cst.Call]]:
        """The calls of the file by the last name of what they call."""
        found: dict[str, list[cst.Call]] = {}
        for call in self._syntax.calls:
            func = call.func
            if isinstance(func, cst.Attribute):
                found.setdefault(func.attr.value, []).append(call)
            elif isinstance(func, cst.Name):
                found.setdefault(func.value, []).append(call)
        return found

    @cached_property
    def backend(self) -> tuple[str, str]:
        """The backend this file runs Keras on and how we know: "environment", "import", "code" or "default"."""
        chosen = self._chosen_backend()
        if chosen is not None:
            return chosen, "environment"
        spellings, roots = self._names.keras_spellings, self._names.roots
        if any(spelling.startswith(("tensorflow", "tf_keras")) for spelling in spellings):
            return "tensorflow", "import"
        if "tensorflow" in roots and not spellings:
            return "tensorflow", "import"  # `tf.keras`, with no other Keras in sight
        if "tensorflow" not in roots and "keras" in roots:
            if "torch" in roots and not _ONLY_TORCH.isdisjoint(self._by_name):
                return "torch", "code"
            if "jax" in roots and not _ONLY_JAX.isdisjoint(self._by_name):
                return "jax", "code"
        return "tensorflow", "default"

    def _chosen_backend(self) -> str | None:
        """The backend that the file itself sets, the first time it does."""
        for store in self._syntax.item_stores:
            if self._literals.string(_index(store.node)) == "KERAS_BACKEND" and store.value is not None:
                return _backend(self._literals.string(store.value))
        setters = [call for name in ("set_backend", "setdefault", "putenv") for call in self._by_name.get(name, ())]
        for call in sorted(setters, key=self._syntax.order):
            strings = [self._literals.string(item.value) for item in call.args]
            if len(strings) == 1 and self._calls.named(call, "keras.config.set_backend"):
                return _backend(strings[0])
            if len(strings) == 2 and strings[0] == "KERAS_BACKEND":
                return _backend(strings[1])
        return None

    @cached_property
    def generation(self) -> tuple[int, str]:
        """The generation of Keras this file is for, and how we know: "code", or "default" where nothing shows it."""
        if self.is_keras_2:
            return 2, "code"
        return 3, "code" if self._shows_keras_3() else "default"

    def _shows_keras_3(self) -> bool:
        """Does the file show code that only Keras 3 runs: ``keras.ops``, ``keras.random``, ``KERAS_BACKEND``, ``keras_hub``?"""
        names = self._names
        if "keras_hub" in names.roots or self.backend[1] == "environment":
            return True
        if any(canonical(dotted).startswith(_KERAS_3_MODULES) for dotted in names.imported):
            return True
        return "keras" in names.roots and any(
            isinstance(call.func, cst.Attribute) and names.dotted(call.func).startswith(_KERAS_3_FUNCTIONS)
            for call in self._syntax.calls
        )

    @cached_property
    def is_keras_2(self) -> bool:
        """Does the file show code that only Keras 2 or TensorFlow 1 runs, or install one of them?"""
        names = self._names
        if names.roots & generations.PACKAGES or self._imports_what_is_gone() or self._installs_keras_2():
            return True
        if not _ONLY_KERAS_2.isdisjoint(self._by_name):
            return True
        if any(argument(call, None, "output_dim") is not None for call in self._by_name.get("Dense", ())):
            return True
        return any(self._is_old_call(call) for call in self._syntax.calls) or any(
            self._literals.string(store.value) == "1" and self._literals.string(_index(store.node)) == "TF_USE_LEGACY_KERAS"
            for store in self._syntax.item_stores
            if store.value is not None
        )

    def _imports_what_is_gone(self) -> bool:
        """Is there an import that Keras 3 refuses, and no other one, such as the second of a ``try``, for the same name?"""
        imports = self._syntax.imports
        served = {alias for alias, dotted, _ in imports if not generations.is_gone(dotted)}
        return any(map(generations.is_gone, self._syntax.star_imports)) or any(
            generations.is_gone(dotted) and not (alias in served and _is_conditional(place.block))
            for alias, dotted, place in imports
        )

    def _installs_keras_2(self) -> bool:
        """``!pip install tensorflow==2.4.1``, in a line that is no Python, and so no comment either."""
        if self._original in ("", self._text):
            return False
        for line in _LINE.finditer(self._original):
            # One after the other: a single pattern tries every pair of words of a line.
            installer = _INSTALLER.search(self._original, line.start(), line.end())
            install = _INSTALL.search(self._original, installer.end(), line.end()) if installer else None
            for pin in _PIN.finditer(self._original, install.end(), line.end()) if install else ():
                if _is_before_keras_3(pin) and pin[0] != self._text[pin.start() : pin.end()]:
                    return True
        return False

    def _is_old_call(self, call: cst.Call) -> bool:
        """Does a call name what Keras 3 has not, or give an argument that it has under another name: ``nb_epoch``, ``lr``?"""
        if isinstance(call.func, cst.Attribute) and (
            generations.is_gone(self._names.written(call.func)) or self._is_rate(call.func.value, call)
        ):
            return True
        for item in call.args:
            keyword = item.keyword.value if item.keyword is not None else ""
            if keyword == "nb_epoch" or self._is_rate(item.value, call):
                return True
            if keyword == "lr" and any(name.startswith("keras.optimizers.") for name in self._calls.names(call)):
                return True
            if keyword == "period" and self._calls.named(call, "keras.callbacks.ModelCheckpoint"):
                return True
            if keyword in generations.LAYER_ARGUMENTS and self._names.dotted(call.func).startswith("keras.layers."):
                return True
            if keyword == "monitor" and self._literals.string(item.value) in ("val_acc", "acc"):
                return True
        return False

    def _is_rate(self, node: cst.BaseExpression, call: cst.Call) -> bool:
        """``optimizer.lr``, the optimizer being Keras' own rather than a part of a configuration."""
        if not isinstance(node, cst.Attribute) or node.attr.value != "lr":
            return False
        return bool(_RATE.fullmatch(spelling(node))) or self._names.dotted(call.func) in _READS_VARIABLES


def _is_conditional(block: Block) -> bool:
    return any(around.kind in ("if", "try", "except") for around in block.chain())


def _is_before_keras_3(pin: re.Match[str]) -> bool:
    """Is every version that a pin allows one without Keras 3? ``==2.*``, ``~=2.4`` and conda's ``=2`` allow the last 2.x."""
    how, minor, rest = pin["how"], pin["minor"], pin["rest"]
    any_minor = (how == "~=" and not rest) or (not minor and (how == "=" or bool(rest)))
    version = int(pin["major"]), math.inf if any_minor else int(minor or 0)
    first = _FIRST_ON_KERAS_3 if pin["what"] == "tensorflow" else (3, 0)
    return version < first or (version == first and how == "<")


def _index(node: cst.Subscript) -> cst.CSTNode | None:
    first = node.slice[0].slice if node.slice else None
    return first.value if isinstance(first, cst.Index) else None


def _backend(name: str | None) -> str:
    return name if name in ("jax", "torch") else "tensorflow"
