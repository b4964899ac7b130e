"""In which order TensorFlow's executor runs operations that are ready; pure, an operation may be anything that has a ``type``.

The rules are those of ``ExecutorState::ScheduleReady`` (tensorflow/core/common_runtime/executor.cc). A thread that has run an
operation goes on with those of the operations it made ready that cost next to nothing, first come first served, and with a
single costly one where there is no such; the other costly ones go to the pool. On a GPU no operation is costly, since it only
starts work there (``expensive_``, tensorflow/core/framework/op_kernel.cc); on a CPU all are that do not say otherwise
(``IsExpensive``). A thread of the pool takes what it handed over last (unsupported/Eigen/CXX11/src/ThreadPool).

One thread is played. In which order the executor begins with the operations that wait for nothing is not known from outside:
it is that of the graph after its rewriting. Here it is shuffled, always in the same way.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Literal

Device = Literal["gpu", "cpu"]

CHEAP = frozenset({
    "BroadcastArgs", "BroadcastGradientArgs", "Bitcast", "ConcatOffset", "Const", "EnsureShape", "ExpandDims", "Identity",
    "IdentityN", "InvertPermutation", "Merge", "NoOp", "Placeholder", "PreventGradient", "Range", "Rank", "Reshape", "Shape",
    "ShapeN", "Size", "Squeeze", "StopGradient", "StridedSlice", "Switch",
})  # fmt: skip
"""Operations that a CPU's executor runs at once; seen in TensorFlow 2.21, whose profiler shows none of them at its first level."""


class Ready:
    """The operations that are ready to run."""

    def __init__(self, device: Device, roots: Sequence[Any]) -> None:
        self._all_cheap = device == "gpu"
        self._here: deque[Any] = deque()
        self._pool: deque[Any] = deque()
        if self._all_cheap:
            self._here.extend(roots)  # each is a task of its own, and they take no time: as good as all at once
        else:
            self._pool.extend(random.Random(0).sample(roots, len(roots)))

    def __bool__(self) -> bool:
        return bool(self._here or self._pool)

    def take(self) -> Any:
        """The next operation."""
        return (self._here or self._pool).popleft()

    def made_ready(self, operations: Iterable[Any]) -> None:
        """What has just been run made these ready, in this order."""
        costly = []
        for op in operations:
            if self._all_cheap or op.type in CHEAP:
                self._here.append(op)
            else:
                costly.append(op)
        if costly and not self._here:
            self._here.append(costly.pop())
        self._pool.extendleft(costly)
