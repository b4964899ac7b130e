"""What the kernel of ``Einsum`` allocates beside its result, in the order in which it does; pure.

Read from tensorflow/core/kernels/linalg/einsum_op_impl.h (TensorFlow 2.21): each operand is turned over, so that its dimensions
are those of the batch, its own, those multiplied away and those summed away; then multiplied; then turned over into the order
that was asked for. What is in order already is not copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

BATCH, FREE, CONTRACTED, SUMMED = range(4)
SWAPPED = {BATCH: 0, CONTRACTED: 1, FREE: 2, SUMMED: 3}
"""The other order of an operand that a matrix product takes without a copy."""


def scratch(equation: str, shapes: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Elements of every temporary, result excluded, all of which are alive until the kernel ends.

    ``shapes`` are those of the operands. Nothing where a label is repeated within an operand or hidden in an ellipsis.
    """
    left, _, output = equation.replace(" ", "").partition("->")
    operands = left.split(",")
    if "." in equation or any(len(set(labels)) != len(labels) for labels in [*operands, output]):
        return ()
    number = {label: place for place, label in enumerate(dict.fromkeys("".join(operands)))}
    sizes = {
        label: size for labels, shape in zip(operands, shapes, strict=True) for label, size in zip(labels, shape, strict=True)
    }

    def kind(label: str) -> int:
        alone = sum(label in labels for labels in operands) == 1
        return (FREE if alone else BATCH) if label in output else (SUMMED if alone else CONTRACTED)

    temporaries = []
    own: list[str] = []
    for labels, shape in zip(operands, shapes, strict=True):
        ordered = sorted(labels, key=lambda label: (kind(label), number[label]))
        swapped = sorted(labels, key=lambda label: (SWAPPED[kind(label)], number[label]))
        if list(labels) != ordered and list(labels) != swapped:
            temporaries.append(prod(shape))
        if any(kind(label) == SUMMED and sizes[label] > 1 for label in labels):
            temporaries.append(prod(sizes[label] for label in labels if kind(label) != SUMMED))
        own += [label for label in ordered if kind(label) == FREE]
    batch = sorted((label for label in number if kind(label) == BATCH), key=number.__getitem__)
    if len(operands) == 2 and [*batch, *own] != list(output):
        temporaries.append(prod(sizes[label] for label in output))
    return tuple(temporaries)
