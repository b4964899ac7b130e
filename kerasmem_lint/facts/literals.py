"""Numbers, strings and truth values that can be read off the file: literals, constants assigned once, argparse defaults."""

from __future__ import annotations

import re

import libcst as cst

from kerasmem_lint.facts.arguments import argument
from kerasmem_lint.facts.guard import Guard
from kerasmem_lint.facts.names import Names
from kerasmem_lint.facts.syntax import Binding
from kerasmem_lint.facts.values import Values

Number = int | float

_MAX_STEPS = 25
_MAX_POWER = 64
_CONVERSION = re.compile(r"%%|%(?:\(\w*\))?[-#0 +]*[\d*]*(?:\.[\d*]+)?[a-zA-Z]")
_ESCAPED = {"%%": "%", "{{": "{", "}}": "}"}
_REPLACEMENT = re.compile(r"\{\{|\}\}|\{[^{}]*\}")


class Literals:
    """Folds expressions to constants. What is not sure is None: nothing is ever guessed."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._syntax = values.syntax
        self._names: Names = values.names
        self._options: dict[str, cst.BaseExpression | None] | None = None
        self._guard = Guard(_MAX_STEPS)

    def number(self, node: cst.CSTNode | None) -> Number | None:
        """The number an expression always has."""
        try:
            return self._guard.ask(self._number, node, None)
        except (OverflowError, ZeroDivisionError, ValueError):
            return None

    def integer(self, node: cst.CSTNode | None) -> int | None:
        number = self.number(node)
        if isinstance(number, float) and not number.is_integer():  # infinity is none, either
            return None
        return int(number) if number is not None else None

    def boolean(self, node: cst.CSTNode | None) -> bool | None:
        """True, False or 0 and 1 where the expression always has that value."""
        if isinstance(node, cst.Name) and node.value in ("True", "False"):
            return node.value == "True"
        if isinstance(node, cst.Integer):
            return bool(int(node.evaluated_value))
        if isinstance(node, (cst.Name, cst.Attribute)):
            source = self._source(node)
            return self.boolean(source) if source is not None and source is not node else None
        return None

    def is_none(self, node: cst.CSTNode | None) -> bool:
        return isinstance(node, cst.Name) and node.value == "None"

    def string(self, node: cst.CSTNode | None) -> str | None:
        """The text an expression always has; f-strings and sums give None."""
        if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
            value = node.evaluated_value
            return value if isinstance(value, str) else None
        if isinstance(node, (cst.Name, cst.Attribute)):
            return self._guard.ask(lambda node: self.string(self._source(node)), node, None)
        return None

    def string_pattern(self, node: cst.CSTNode | None) -> str | None:
        """As :meth:`string`, with \\0 for the parts of an f-string, ``%`` or ``+`` that are not known; None for no string at all."""
        exact = self.string(node)
        if exact is not None:
            return exact
        if isinstance(node, cst.FormattedString):
            parts = [part.value if isinstance(part, cst.FormattedStringText) else "\0" for part in node.parts]
            return "".join(parts)
        if isinstance(node, cst.BinaryOperation):
            if isinstance(node.operator, cst.Modulo):
                return _with_gaps(self.string_pattern(node.left), _CONVERSION)
            if isinstance(node.operator, cst.Add):
                left, right = self.string_pattern(node.left), self.string_pattern(node.right)
                if left is not None or right is not None:
                    return (left if left is not None else "\0") + (right if right is not None else "\0")
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            if node.func.attr.value == "format":
                return _with_gaps(self.string_pattern(node.func.value), _REPLACEMENT)
            if node.func.attr.value == "join" and len(node.args) >= 2:
                last = self.string_pattern(node.args[-1].value)
                return None if last is None else "\0/" + last
        if isinstance(node, (cst.Name, cst.Attribute)):
            source = self._source(node)
            return self.string_pattern(source) if source is not None and source is not node else None
        return None

    def string_patterns(self, node: cst.CSTNode | None) -> list[str]:
        """The patterns of all texts that an expression can have, by either side of an ``if``; [] where one is not known."""
        if isinstance(node, cst.IfExp):
            found = [self.string_pattern(node.body), self.string_pattern(node.orelse)]
        elif isinstance(node, cst.Name) and node in self._syntax.noted:
            found = [self._bound_pattern(binding) for binding in self._values.flow.reaching(node)]
        else:
            found = [self.string_pattern(node)]
        known = [pattern for pattern in found if pattern is not None]
        return known if len(known) == len(found) else []

    def _bound_pattern(self, binding: Binding) -> str | None:
        return self.string_pattern(self._binding_source(binding))

    def _number(self, node: cst.CSTNode) -> Number | None:
        if isinstance(node, cst.Integer):
            return int(node.evaluated_value)
        if isinstance(node, cst.Float):
            return float(node.evaluated_value)
        if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
            inner = self.number(node.expression)
            return None if inner is None else -inner
        if isinstance(node, cst.BinaryOperation):
            return self._operation(node)
        if isinstance(node, cst.Call):
            return self._call(node)
        if isinstance(node, (cst.Name, cst.Attribute, cst.Subscript)):
            source = self._source(node)
            return self.number(source) if source is not None and source is not node else None
        return None

    def _operation(self, node: cst.BinaryOperation) -> Number | None:
        left, right = self.number(node.left), self.number(node.right)
        if left is None or right is None:
            return None
        operator = node.operator
        if isinstance(operator, cst.Add):
            return left + right
        if isinstance(operator, cst.Subtract):
            return left - right
        if isinstance(operator, cst.Multiply):
            return left * right
        if isinstance(operator, cst.Divide):
            return left / right
        if isinstance(operator, cst.FloorDivide):
            return left // right
        if isinstance(operator, cst.Modulo):
            return left % right
        if isinstance(operator, cst.Power) and abs(right) <= _MAX_POWER and abs(left) <= 2**16:
            power: Number | complex = left**right
            return power if isinstance(power, (int, float)) else None
        return None

    def _call(self, node: cst.Call) -> Number | None:
        name = self._values.names.builtin(node.func)
        if name in ("int", "float") and len(node.args) == 1:
            inner = self.number(node.args[0].value)
            text = self.string(node.args[0].value) if inner is None else None
            if text is not None:
                inner = float(text)
            return None if inner is None else (int(inner) if name == "int" else float(inner))
        if name in ("max", "min") and node.args:
            numbers = [self.number(item.value) for item in node.args]
            if all(number is not None for number in numbers):
                known = [number for number in numbers if number is not None]
                return max(known) if name == "max" else min(known)
        if name == "len" and len(node.args) == 1:
            return self.length(node.args[0].value)
        return None

    def length(self, node: cst.CSTNode | None) -> int | None:
        """How many items a literal list, tuple, dict, range or array has, or how often a loop over it runs."""
        if isinstance(node, (cst.List, cst.Tuple, cst.Set, cst.Dict)):
            starred = any(isinstance(element, (cst.StarredElement, cst.StarredDictElement)) for element in node.elements)
            return None if starred else len(node.elements)
        if isinstance(node, cst.Call):
            return self._call_length(node)
        if isinstance(node, (cst.Name, cst.Attribute)):
            source = self._source(node)
            if source is None or source is node or self._grows(node):
                return None
            return self.length(source)
        if isinstance(node, cst.Subscript) and len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Slice):
            part = node.slice[0].slice
            lower = 0 if part.lower is None else self.integer(part.lower)
            upper = self.integer(part.upper)
            if part.step is None and lower is not None and upper is not None and 0 <= lower <= upper:
                return upper - lower
        return None

    def _grows(self, node: cst.Name | cst.Attribute) -> bool:
        """Is something appended to the list behind the name, so that its literal is not its length?"""
        return any(
            value.kind == "list" and isinstance(value.node, cst.List) and len(value.elements) != len(value.node.elements)
            for value in self._values.of(node)
        )

    def _call_length(self, node: cst.Call) -> int | None:
        name = self._values.names.builtin(node.func)
        if name in ("range", "trange"):
            numbers = [self.integer(item.value) for item in node.args if item.keyword is None]
            if any(number is None for number in numbers) or not 1 <= len(numbers) <= 3:
                return None
            known = [number for number in numbers if number is not None]
            return _rounds(range(*known)) if len(known) < 3 or known[2] != 0 else None
        if name in ("enumerate", "tqdm", "reversed", "sorted", "list", "tuple", "set", "iter", "track") and node.args:
            return self.length(node.args[0].value)
        if name == "zip" and node.args:
            lengths = [length for item in node.args if (length := self.length(item.value)) is not None]
            return min(lengths) if lengths else None
        if self._values.names.dotted(node.func) in ("numpy.array", "numpy.asarray") and node.args:
            return self.length(node.args[0].value)
        if isinstance(node.func, cst.Attribute):
            attribute = node.func.attr.value
            if attribute in ("items", "keys", "values") and not node.args:
                return self.length(node.func.value)
            if attribute == "split":
                return self._folds(node.func.value)
            if attribute == "take" and len(node.args) == 1:  # of a dataset, at most so many
                count = self.integer(node.args[0].value)
                return count if count is not None and count >= 0 else None
        return None

    def _folds(self, splitter: cst.BaseExpression) -> int | None:
        """How many rounds a scikit-learn splitter gives."""
        for value in self._values.of(splitter):
            last = value.name.rpartition(".")[2]
            if isinstance(value.node, cst.Call) and last in ("KFold", "StratifiedKFold", "GroupKFold", "TimeSeriesSplit"):
                given = argument(value.node, 0, "n_splits") or argument(value.node, None, "n_folds")
                return self.integer(given) if given is not None else 5
        return None

    # Where a constant comes from

    def _source(self, node: cst.CSTNode) -> cst.BaseExpression | None:
        """The one expression that gives a name, attribute or item its value, if there is one."""
        if isinstance(node, cst.Name):
            return self._name_source(node)
        if isinstance(node, cst.Attribute):
            return self._attribute_source(node)
        if isinstance(node, cst.Subscript):
            return self._item_source(node)
        return None

    def _name_source(self, node: cst.Name) -> cst.BaseExpression | None:
        if node not in self._syntax.noted:
            return None
        bindings = self._values.flow.reaching(node)
        if len(bindings) != 1:
            return None
        return self._binding_source(bindings[0])

    def _binding_source(self, binding: Binding) -> cst.BaseExpression | None:
        if binding.kind == "parameter":
            return self._parameter_source(binding)
        if binding.kind != "assign" or not isinstance(binding.value, cst.BaseExpression):
            return None
        value = binding.value
        for index in binding.path:
            if not isinstance(value, (cst.Tuple, cst.List)) or index >= len(value.elements):
                return None
            value = value.elements[index].value
        return value

    def _parameter_source(self, binding: Binding) -> cst.BaseExpression | None:
        """A parameter is known when the calls in this file agree on it; its default alone says nothing about the real calls."""
        function = binding.place.scope.node
        sites = self._values.functions.call_sites(function)
        given = [self._values.functions.argument_for(site, function, binding.name) for site in sites]
        if not given:
            return None
        if all(item is None for item in given):
            return binding.value if isinstance(binding.value, cst.BaseExpression) else None
        if len(given) == 1:
            return given[0]
        numbers = {self.number(item) for item in given if item is not None}
        if None not in given and len(numbers) == 1 and None not in numbers:
            return given[0]
        return None

    def _attribute_source(self, node: cst.Attribute) -> cst.BaseExpression | None:
        name = node.attr.value
        for value in self._values.of(node.value):
            if value.owner is not None:
                return self._stored_source(value.owner, name)
            if value.kind == "class" and isinstance(value.node, cst.ClassDef):
                return self._stored_source(value.node, name)
            if value.name.endswith((".parse_args", ".parse_known_args")) or value.name.endswith("flags.FLAGS"):
                return self.options().get(name)
        return None

    def _stored_source(self, owner: cst.ClassDef, name: str) -> cst.BaseExpression | None:
        sources: list[cst.BaseExpression | None] = []
        for cls in self._values.classes.lineage(owner):
            for binding in self._syntax.scopes[cls].bindings.get(name, ()):
                sources.append(self._binding_source(binding))
        for store in self._syntax.attribute_stores.get(name, ()):
            sources.append(store.value if not store.path else None)
        return sources[0] if len(sources) == 1 else None

    def _item_source(self, node: cst.Subscript) -> cst.BaseExpression | None:
        """``config["epochs"]`` where ``config`` is a dict literal in this file that nobody changes afterwards."""
        if len(node.slice) != 1 or not isinstance(node.slice[0].slice, cst.Index):
            return None
        key = self.string(node.slice[0].slice.value)
        source = self._source(node.value)
        if key is None or not isinstance(source, cst.Dict):
            return None
        if isinstance(node.value, cst.Name) and any(
            isinstance(store.container, cst.Name) and store.container.value == node.value.value
            for store in self._syntax.item_stores
        ):
            return None
        for element in source.elements:
            if isinstance(element, cst.DictElement) and self.string(element.key) == key:
                return element.value
        return None

    def is_setting(self, node: cst.CSTNode | None) -> bool:
        """Does the user choose this on the command line, so that a default says how it begins, not how large it gets?"""
        for _ in range(_MAX_STEPS):
            if isinstance(node, cst.Call) and self._values.names.builtin(node.func) in ("range", "trange", "tqdm", "int"):
                return any(self.is_setting(item.value) for item in node.args)
            if isinstance(node, cst.Attribute) and any(
                value.name.endswith((".parse_args", ".parse_known_args", "flags.FLAGS"))
                for value in self._values.of(node.value)
            ):
                return True
            source = self._source(node) if isinstance(node, (cst.Name, cst.Attribute)) else None
            if source is None or source is node:
                return False
            node = source
        return False

    def options(self) -> dict[str, cst.BaseExpression | None]:
        """The defaults of the command-line options the file declares with argparse or absl flags."""
        if self._options is None:
            self._options = {}
            for call in self._syntax.calls:
                if not isinstance(call.func, cst.Attribute):
                    continue
                attribute = call.func.attr.value
                if attribute == "add_argument":
                    flags = [self.string(item.value) for item in call.args if item.keyword is None]
                    name = self.string(argument(call, None, "dest"))
                    longest = max(
                        (flag for flag in flags if flag), key=lambda flag: (flag.startswith("--"), len(flag)), default=""
                    )
                    name = name or longest.lstrip("-").replace("-", "_")
                    default = argument(call, None, "default")
                elif attribute.startswith(("DEFINE_integer", "DEFINE_float", "DEFINE_string", "DEFINE_bool")):
                    name = self.string(argument(call, 0, "name")) or ""
                    default = argument(call, 1, "default")
                else:
                    continue
                if name:
                    self._options[name] = default if name not in self._options else None
        return self._options


def _with_gaps(template: str | None, places: re.Pattern[str]) -> str | None:
    """A template of ``%`` or ``format`` with \\0 where something is filled in; ``%%`` and ``{{`` stand for themselves."""
    return None if template is None else places.sub(lambda place: _ESCAPED.get(place[0], "\0"), template)


def _rounds(numbers: range) -> int:
    """As ``len``, which has an upper limit: ``range(10**20)`` is how some write for ever."""
    return max(-((numbers.start - numbers.stop) // numbers.step), 0)
