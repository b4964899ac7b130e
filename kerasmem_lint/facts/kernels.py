"""How many weights a layer holds: the shape it is given, folded through the layers before it.

Sequential models and functional chains are followed; one layer on the way that is not understood makes all that follows unknown.
"""

from __future__ import annotations

from functools import cached_property

import libcst as cst

from kerasmem_lint.facts.arguments import argument
from kerasmem_lint.facts.calls import Calls, call_argument
from kerasmem_lint.facts.layer_shapes import GATES, LayerShapes, Shape, merged, product, rank_of
from kerasmem_lint.facts.literals import Literals
from kerasmem_lint.facts.syntax import Syntax
from kerasmem_lint.facts.values import Values

_MAX_LAYERS = 150


class Kernels:
    """Questions about layers whose shapes the file spells out."""

    def __init__(self, syntax: Syntax, values: Values, literals: Literals, calls: Calls) -> None:
        self._syntax = syntax
        self._names = values.names
        self._flow = values.flow
        self._literals = literals
        self._calls = calls
        self._shapes = LayerShapes(values.flow, literals, calls)
        self._inputs: dict[cst.Call, Shape | None] = {}
        self._outputs: dict[cst.CSTNode, Shape | None] = {}
        self._busy: set[cst.CSTNode] = set()

    def input_shape(self, layer: cst.Call) -> Shape | None:
        """The shape that the layer made by a call is given; None where it is used twice, or nowhere that is understood."""
        if self._channels_first:
            return None
        if layer not in self._inputs:
            self._inputs[layer] = None  # an answer for whoever comes round to it
            self._inputs[layer] = self._input_shape(layer)
        return self._inputs[layer]

    @cached_property
    def _channels_first(self) -> bool:
        """Does the file choose where the channels stand for all its layers? Then nothing is folded."""
        return any(
            isinstance(call.func, cst.Attribute) and call.func.attr.value in ("set_image_data_format", "set_image_dim_ordering")
            for call in self._syntax.calls
        )

    def weights(self, layer: cst.Call) -> int | None:
        """How many numbers the kernels of a Dense, convolution, recurrent or Embedding layer hold, biases left out."""
        kind = self._shapes.kind(layer)
        if kind == "Embedding":
            return product(self._shapes.integer(layer, 0, "input_dim"), self._shapes.integer(layer, 1, "output_dim"))
        units = self._shapes.integer(layer, 0, "filters" if kind.startswith("Conv") else "units")
        if units is None:
            return None
        shape = self.input_shape(layer)
        channels = shape[-1] if shape else None
        if channels is None:
            return None
        if kind in GATES:
            return GATES[kind] * units * (channels + units)
        if kind == "Dense":
            return channels * units
        if kind.startswith("Conv") and self._shapes.at_defaults(layer, "data_format", "groups"):
            kernel = self._shapes.numbers(call_argument(layer, 1, "kernel_size"), rank_of(kind))
            return product(*kernel, channels, units) if kernel is not None else None
        return None

    # Where a layer stands

    def _input_shape(self, layer: cst.Call) -> Shape | None:
        parent = self._syntax.parent(layer)
        if isinstance(parent, cst.Call) and parent.func is layer:
            return self._output(parent.args[0].value) if parent.args else None
        if isinstance(parent, cst.Element):
            around = self._syntax.parent(parent)
            return self._in_list(around, parent) if isinstance(around, cst.List) else None
        call = self._syntax.parent(parent) if isinstance(parent, cst.Arg) else None
        if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute) and call.func.attr.value == "add":
            return self._added_before(call)
        return None

    def _given_shape(self, layer: cst.Call) -> Shape | None:
        """What a first layer says of its input: ``input_shape=``, ``input_dim=``. Of others Keras ignores it."""
        shape = self._shapes.numbers(argument(layer, None, "input_shape"))
        if shape is None:
            batch = self._shapes.numbers(argument(layer, None, "batch_input_shape"))
            shape = batch[1:] if batch else None
        if shape is None and self._shapes.kind(layer) == "Dense":
            number = self._literals.integer(argument(layer, None, "input_dim"))
            shape = (number,) if number is not None else None
        return shape

    def _in_list(self, around: cst.List, element: cst.Element) -> Shape | None:
        """The shape before an element of ``Sequential([…])``."""
        parent = self._syntax.parent(around)
        call = self._syntax.parent(parent) if isinstance(parent, cst.Arg) else None
        if not isinstance(call, cst.Call) or not self._calls.named(call, "keras.Sequential"):
            return None
        index = next(i for i, other in enumerate(around.elements) if other is element)
        return self._before(around.elements[index].value, [item.value for item in around.elements[:index]])

    def _added_before(self, call: cst.Call) -> Shape | None:
        """The shape before ``model.add(layer)``: what was added to the model above it, if each surely ran once."""
        assert isinstance(call.func, cst.Attribute)
        receiver = call.func.value
        if not isinstance(receiver, cst.Name):
            return None
        made = self._flow.only_value(receiver)
        if not isinstance(made, cst.Call) or not self._calls.named(made, "keras.Sequential"):
            return None
        place = self._syntax.place(made)
        layers: list[cst.BaseExpression] = []
        first = call_argument(made, 0, "layers")
        if isinstance(first, cst.List):
            layers += [item.value for item in first.elements]
        elif first is not None:
            return None
        owner = self._names.owner(receiver.value, self._syntax.place(receiver).scope)
        reads = self._flow.reads(receiver.value, owner) if owner is not None else []
        for read in reads:
            other = self._add_of(read)
            if other is None or not self._syntax.order(made) < self._syntax.order(other) < self._syntax.order(call):
                continue
            where = self._syntax.place(other)
            if where.block is not place.block or where.loop is not place.loop or not other.args:
                return None  # in a branch, or again and again
            layers.append(other.args[0].value)
        here = self._syntax.place(call)
        if here.block is not place.block or here.loop is not place.loop:
            return None
        return self._before(call.args[0].value, layers)

    def _add_of(self, read: cst.Name) -> cst.Call | None:
        attribute = self._syntax.parent(read)
        call = (
            self._syntax.parent(attribute) if isinstance(attribute, cst.Attribute) and attribute.attr.value == "add" else None
        )
        return call if isinstance(call, cst.Call) and call.func is attribute else None

    def _before(self, layer: cst.BaseExpression, layers: list[cst.BaseExpression]) -> Shape | None:
        """The shape that reaches a layer of a Sequential model after the layers before it."""
        if not layers:
            return self._given_shape(layer) if isinstance(layer, cst.Call) else None
        if len(layers) > _MAX_LAYERS:
            return None
        shape: Shape | None = None
        for index, node in enumerate(layers):
            made = self._layer_call(node)
            if made is None:
                return None
            if index == 0:
                shape = self._given_shape(made)
                if shape is None and not self._shapes.kind(made).startswith(("Input", "applications.", "Embedding")):
                    return None
            shape = self._shapes.after(made, shape)
            if shape is None:
                return None
        return shape

    def _layer_call(self, node: cst.BaseExpression) -> cst.Call | None:
        """The call that makes a layer, through a name bound to it once."""
        made = self._flow.only_value(node) if isinstance(node, cst.Name) else node
        return made if isinstance(made, cst.Call) else None

    # What comes out

    def _output(self, node: cst.BaseExpression) -> Shape | None:
        """The shape of a symbolic tensor."""
        if node in self._outputs:
            return self._outputs[node]
        if node in self._busy or len(self._busy) > _MAX_LAYERS:
            return None
        self._busy.add(node)
        try:
            found = self._outputs[node] = self._infer_output(node)
        except RecursionError:
            found = None
        finally:
            self._busy.discard(node)
        return found

    def _infer_output(self, node: cst.BaseExpression) -> Shape | None:
        if isinstance(node, cst.Name):
            value = self._flow.only_value(node)
            return self._output(value) if value is not None else None
        if isinstance(node, cst.Attribute) and node.attr.value == "output" and isinstance(node.value, cst.Name):
            made = self._layer_call(node.value)
            if made is None or not self._shapes.kind(made).startswith("applications."):
                return None
            return self._shapes.after(made, None)
        if not isinstance(node, cst.Call):
            return None
        if self._shapes.kind(node) == "Input":
            return self._shapes.after(node, None)
        layer = self._layer_call(node.func)
        if layer is None or not node.args:
            return None
        given = node.args[0].value
        kind = self._shapes.kind(layer)
        if isinstance(given, cst.List):
            shapes = [self._output(item.value) for item in given.elements]
            return merged(kind, [shape for shape in shapes if shape is not None]) if None not in shapes else None
        shape = self._output(given)
        return self._shapes.after(layer, shape) if shape is not None else None
