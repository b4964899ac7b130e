"""What a layer of Keras makes of a shape, and the arguments it is given.

Shapes are those of one sample, without the batch axis. Sources: the layer pages of keras.io; nothing is guessed: one unknown
number makes all that depends on it unknown.
"""

from __future__ import annotations

from math import ceil, prod

import libcst as cst

from kerasmem_lint.facts.arguments import argument
from kerasmem_lint.facts.calls import Calls, call_argument
from kerasmem_lint.facts.flow import Flow
from kerasmem_lint.facts.literals import Literals

Shape = tuple[int | None, ...]

_KEEP = frozenset({
    "Dropout", "BatchNormalization", "Activation", "LeakyReLU", "PReLU", "ReLU", "ELU", "Softmax", "GaussianNoise",
    "GaussianDropout", "AlphaDropout", "Rescaling", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
    "LayerNormalization", "GroupNormalization", "ActivityRegularization", "Masking", "RandomFlip", "RandomRotation",
    "RandomZoom", "RandomContrast", "RandomTranslation", "UnitNormalization", "Normalization", "Identity",
})  # fmt: skip
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
"""Recurrent layers → how many kernels each holds."""

_STRIDE_32 = {
    "VGG16": 512, "VGG19": 512, "ResNet50": 2048, "ResNet101": 2048, "ResNet152": 2048, "ResNet50V2": 2048, "ResNet101V2": 2048,
    "ResNet152V2": 2048, "MobileNet": 1024, "MobileNetV2": 1280, "DenseNet121": 1024, "DenseNet169": 1664, "DenseNet201": 1920,
    "EfficientNetB0": 1280,
}  # fmt: skip
"""Channels that networks of keras.applications give without their top; height and width are those of the input over 32."""


class LayerShapes:
    """Questions about one layer: of which kind it is, what it is given, and what it makes of a shape."""

    def __init__(self, flow: Flow, literals: Literals, calls: Calls) -> None:
        self._flow = flow
        self._literals = literals
        self._calls = calls

    def kind(self, layer: cst.Call) -> str:
        """``Dense`` for a call of ``keras.layers.Dense``; "" for what makes no layer of Keras'."""
        for name in self._calls.names(layer):
            if name == "keras.Input":
                return "Input"
            home, _, last = name.rpartition(".")
            if home == "keras.layers":
                return last
            if home == "keras.applications":
                return "applications." + last
        return ""

    def after(self, layer: cst.Call, shape: Shape | None) -> Shape | None:
        """The shape that a layer makes of a shape."""
        kind = self.kind(layer)
        if kind in ("Input", "InputLayer"):
            given = self.numbers(call_argument(layer, 0, "shape", "input_shape"))
            batch = self.numbers(call_argument(layer, None, "batch_shape", "batch_input_shape"))
            return given if given is not None else (batch[1:] if batch else None)
        if kind.startswith("applications."):
            return self._application(kind.removeprefix("applications."), layer)
        if kind == "Embedding":
            width = self.integer(layer, 1, "output_dim")
            length = self.integer(layer, None, "input_length")
            return (*(shape or (length,)), width)
        if not shape or not self.at_defaults(layer, "data_format"):
            return None
        if kind in _KEEP:
            return shape
        if kind == "Flatten":
            size = product(*shape)
            return (size,) if size is not None else None
        if kind == "Dense":
            return (*shape[:-1], self.integer(layer, 0, "units"))
        if kind in GATES:
            if len(shape) != 2:
                return None
            units = self.integer(layer, 0, "units")
            sequences = argument(layer, None, "return_sequences")
            if sequences is not None and self._literals.boolean(sequences) is None:
                return None
            return (shape[0], units) if sequences is not None and self._literals.boolean(sequences) else (units,)
        if kind.startswith("Global") and len(shape) > 1:
            return (shape[-1],)
        if kind in ("Reshape", "RepeatVector", "Permute"):
            return self._rearranged(kind, layer, shape)
        return self._spatial(kind, layer, shape)

    def _application(self, name: str, layer: cst.Call) -> Shape | None:
        channels = _STRIDE_32.get(name)
        shape = self.numbers(argument(layer, None, "input_shape"))
        if (
            channels is None
            or self._literals.boolean(argument(layer, 0, "include_top")) is not False
            or not shape
            or len(shape) != 3
        ):
            return None
        if argument(layer, None, "pooling") is not None:
            return (channels,)
        height, width = shape[0], shape[1]
        if height is None or width is None or height % 32 or width % 32:
            return None
        return (height // 32, width // 32, channels)

    def _rearranged(self, kind: str, layer: cst.Call, shape: Shape) -> Shape | None:
        if kind == "RepeatVector":
            return (self.integer(layer, 0, "n"), *shape)
        if kind == "Permute":
            dims = self.numbers(call_argument(layer, 0, "dims"))
            known = [d for d in dims or () if d is not None and 1 <= d <= len(shape)]
            return tuple(shape[d - 1] for d in known) if len(known) == len(shape) else None
        target, size = self.numbers(call_argument(layer, 0, "target_shape")), product(*shape)
        if target is None or size is None or None in target:
            return None
        known = [d for d in target if d is not None and d != -1]
        if len(known) == len(target):
            return target
        return tuple(size // max(prod(known), 1) if d == -1 else d for d in target)

    def _spatial(self, kind: str, layer: cst.Call, shape: Shape) -> Shape | None:
        """Convolutions, poolings, paddings, croppings and upsamplings over the axes before the channels."""
        rank = rank_of(kind)
        if rank == 0 or len(shape) != rank + 1:
            return None
        sides, channels = shape[:-1], shape[-1]
        if kind.startswith("UpSampling"):
            size = call_argument(layer, 0, "size")
            factors = (2,) * rank if size is None else self.numbers(size, rank)
            if factors is None:
                return None
            return (*(_times(side, factor) for side, factor in zip(sides, factors, strict=True)), channels)
        if kind.startswith("ZeroPadding"):
            given = call_argument(layer, 0, "padding")
            amounts = (1,) * rank if given is None else self.numbers(given, rank)
            if amounts is None:
                return None
            return (*(None if s is None or a is None else s + 2 * a for s, a in zip(sides, amounts, strict=True)), channels)
        if not self.at_defaults(layer, "dilation_rate"):
            return None
        pools = "Pool" in kind
        first = 0 if pools or kind.startswith("Depthwise") else 1  # the others are given their filters before
        window = call_argument(layer, first, "pool_size" if pools else "kernel_size")
        kernel = (2,) * rank if pools and window is None else self.numbers(window, rank)
        if kind.startswith("Convolution") and len([item for item in layer.args if item.keyword is None]) > 2:
            return None  # Keras 1: `Convolution2D(64, 3, 3)` gives rows and columns, not strides
        step = call_argument(layer, first + 1, "strides")
        strides = (
            (kernel if pools else (1,) * rank) if step is None or self._literals.is_none(step) else self.numbers(step, rank)
        )
        padding = call_argument(layer, first + 2, "padding")
        mode = "valid" if padding is None else self._literals.string(padding)
        if kernel is None or strides is None or mode is None:
            return None
        after = tuple(
            _window(s, k, t, mode.lower(), "Transpose" in kind) for s, k, t in zip(sides, kernel, strides, strict=True)
        )
        if pools:
            return (*after, channels)
        if kind.startswith("Depthwise"):
            multiplier = argument(layer, None, "depth_multiplier")
            return (*after, channels if multiplier is None else product(channels, self._literals.integer(multiplier)))
        return (*after, self.integer(layer, 0, "filters"))

    # Arguments

    def integer(self, layer: cst.Call, position: int | None, name: str) -> int | None:
        """A literal whole number that a layer is given."""
        return self._literals.integer(call_argument(layer, position, name))

    def at_defaults(self, layer: cst.Call, *names: str) -> bool:
        """Are these arguments left at their defaults? Channels first, dilation and groups are not folded."""
        for name in names:
            given = argument(layer, None, name)
            if given is not None and self._literals.string(given) != "channels_last" and self._ones(given) is False:
                return False
        return True

    def _ones(self, node: cst.BaseExpression) -> bool:
        sizes = self.numbers(node, 1) or self.numbers(node)
        return sizes is not None and all(size == 1 for size in sizes)

    def numbers(self, node: cst.BaseExpression | None, rank: int | None = None) -> Shape | None:
        """The numbers of a tuple, None for those not known; with a rank, a number stands for that many of it."""
        if node is None:
            return None
        number = self._literals.integer(node)
        if number is not None:
            return (number,) * (rank or 1)
        if isinstance(node, cst.Name):
            node = self._flow.only_value(node)
        if isinstance(node, (cst.Tuple, cst.List)):
            if any(isinstance(element, cst.StarredElement) for element in node.elements):
                return None
            found = tuple(self._literals.integer(element.value) for element in node.elements)
            return found if rank is None or len(found) == rank else None
        return None


def merged(kind: str, shapes: list[Shape]) -> Shape | None:
    """What a layer that joins its inputs makes of their shapes."""
    if not shapes:
        return None
    if kind == "Concatenate":
        last = [shape[-1] for shape in shapes if shape]
        known = [number for number in last if number is not None]
        return (*shapes[0][:-1], sum(known)) if len(known) == len(shapes) else None
    return shapes[0] if kind in ("Add", "Multiply", "Average", "Maximum", "Subtract") else None


def rank_of(kind: str) -> int:
    """Over how many axes a layer slides or resizes: 2 for ``Conv2D``, 0 for what does neither."""
    for rank in (1, 2, 3):
        if kind.endswith((f"{rank}D", f"{rank}DTranspose")) and kind.startswith(
            ("Conv", "SeparableConv", "DepthwiseConv", "MaxPool", "AveragePool", "UpSampling", "ZeroPadding")
        ):
            return rank
    return 0


def _window(side: int | None, kernel: int | None, stride: int | None, mode: str, transposed: bool) -> int | None:
    if side is None or kernel is None or not stride or mode not in ("valid", "same"):
        return None
    if transposed:
        return side * stride if mode == "same" else side * stride + max(kernel - stride, 0)
    return ceil(side / stride) if mode == "same" else max((side - kernel) // stride + 1, 0)


def _times(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one * other


def product(*numbers: int | None) -> int | None:
    """None when one of the numbers is not known."""
    known = [number for number in numbers if number is not None]
    return prod(known) if len(known) == len(numbers) else None
