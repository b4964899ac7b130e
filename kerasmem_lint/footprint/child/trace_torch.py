"""The torch engine: Keras' own train step run on fake tensors, every storage followed from its making to its end.

A fake tensor has shape, dtype, strides and a storage of a size, and no memory. Keras and autograd run unchanged above it, so
the references that keep a storage alive in a real step keep it alive here, and a weak reference on each storage tells when it
ends. Two steps are run and the second is reported: the gradients of one step live until the forward pass of the next is
over, since Keras clears them only then.

What is seen is what the operators return. What an operator takes for itself while it runs (the workspace of cuDNN, the
scratch of oneDNN) is not: :mod:`kerasmem_lint.footprint.cuda_terms` has bands for it.
"""

from __future__ import annotations

import gc
import re
import weakref
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from kerasmem_lint.errors import KerasmemError
from kerasmem_lint.footprint.child.capture import Captured, Spec
from kerasmem_lint.footprint.child.cuda_torch import paths_of_cuda
from kerasmem_lint.footprint.child.held import batch_of, build, held_variables, optimizers, owners
from kerasmem_lint.footprint.child.lazy_torch import is_lazy, lazy_variables
from kerasmem_lint.footprint.child.sums_torch import InPlaceSums
from kerasmem_lint.footprint.cuda_terms import RESERVE
from kerasmem_lint.footprint.events import Buffer, Category, Event, Phase, Trace

Device = Literal["cuda", "cpu"]

STEPS = 2
"""Steps that are run; the last is reported. Measured: a third step is the same as the second."""


def trace(captured: Captured) -> Trace:
    """The train step of a captured program; see :func:`trace_step`."""
    return trace_step(captured.model, captured.x, captured.y, captured.sample_weight, bare=captured.bare)


def trace_step(
    model: Any, x: Any, y: Any = None, sample_weight: Any = None, device: Device = "cuda", bare: bool = False
) -> Trace:
    """Every storage of one training step of a compiled Keras model on the torch backend, in the steady state.

    ``x``, ``y`` and ``sample_weight`` are trees of :class:`Spec`, ``bare`` as in :func:`batch_of`.
    ``device`` is whose paths are taken where they differ
    (:mod:`cuda_torch`); "cpu" is for comparing with a real step on the CPU. The model's variables are swapped for fake ones and
    put back; an optimizer that is not built yet is built, with lazy slots. Sizes are bytes as asked for, before any rounding.
    Raises KerasmemError where a shape depends on the value of a tensor.
    """
    import keras
    import torch
    from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode

    with lazy_variables():
        build(model, x, y, sample_weight)
    recorder = _Recorder(torch)
    with ExitStack() as stack:
        mode = stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True))
        take = stack.enter_context(_fake_variables(model, mode, torch))

        def hold() -> None:
            for variable, category in take():
                recorder.begins(variable._value, category, variable)

        batch = keras.tree.map_structure(lambda spec: _fake_array(spec, torch), batch_of(x, y, sample_weight, bare))
        for tensor in keras.tree.flatten(batch):
            if tensor is not None:
                recorder.begins(tensor, "batch")
        hold()
        stack.enter_context(_watched(model, recorder, keras))
        if device == "cuda":
            stack.enter_context(paths_of_cuda(torch, recorder.is_reserve))
        stack.enter_context(_dispatch_mode(recorder, torch)).summing.learn()
        try:
            for step in range(STEPS):
                if step == STEPS - 1:
                    gc.collect()  # what the first step built and left in cycles is not part of a step
                    stack.enter_context(_no_collection())
                    hold()  # the slots of optimizers that the first step has built
                    recorder.starts_over()
                model.train_step(batch)
        except DynamicOutputShapeException as error:
            # Keras rewrites the arguments of what its layers raise.
            operator = re.search(r"aten\.\w+", str(error.args[0]))
            raise KerasmemError(
                f"{operator[0] if operator else 'an operator'} makes a tensor whose shape depends on values, which cannot be "
                "followed without running it: force --engine bound"
            ) from error
        finally:
            recorder.stops()
    buffers, events = recorder.result(owners(model))
    notes = recorder.notes()
    if getattr(model, "jit_compile", False):
        notes = (*notes, "jit_compile=True: the step was followed without torch.compile, which fuses operators and keeps less")
    return Trace("torch", "torch", buffers, events, notes)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keeps what lies in reference cycles (the operands of Keras' attention do) for the step, and the figure the same every time.

    In a real step Python's collector comes by when enough objects have been made, and frees some of it.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _fake_array(spec: Spec | None, torch: Any) -> Any:
    from keras.src.backend.torch.core import to_torch_dtype

    return None if spec is None else torch.empty(spec.shape, dtype=to_torch_dtype(spec.dtype))


@contextmanager
def _fake_variables(model: Any, mode: Any, torch: Any) -> Iterator[Callable[[], list[tuple[Any, Category]]]]:
    """Swaps the tensors of all parameters and buffers for fake ones.

    Gives a function that does so for the variables there are by then, and names those it had not seen before with their category.
    """
    seen: set[int] = set()
    fakes: dict[int, Any] = {}
    undo: list[tuple[dict[str, Any], str, Any]] = []

    def swap(table: dict[str, Any], name: str) -> None:
        value = table[name]
        if id(value) not in fakes:
            empty = torch.empty(value.shape, dtype=value.dtype)
            parameter = isinstance(value, torch.nn.Parameter)
            fakes[id(value)] = torch.nn.Parameter(empty, requires_grad=value.requires_grad) if parameter else empty
        undo.append((table, name, value))
        table[name] = fakes[id(value)]

    def take() -> list[tuple[Any, Category]]:
        new = [(variable, category) for variable, category in held_variables(model) if id(variable) not in seen]
        for variable, _ in new:
            seen.add(id(variable))
            if getattr(variable._value, "fake_mode", None) is not mode or is_lazy(variable._value):
                swap(variable.__dict__, "_value")
        return new

    # Keras keeps its layers in lists, where torch does not look for them.
    for module in {id(module): module for layer in model._flatten_layers() for module in layer.modules()}.values():
        for table in (module._parameters, module._buffers):
            for name in [name for name, value in table.items() if value is not None]:
                swap(table, name)
    try:
        yield take
    finally:
        for table, name, value in undo:
            table[name] = value


@contextmanager
def _watched(model: Any, recorder: _Recorder, keras: Any) -> Iterator[None]:
    """Tells the recorder which layer is being called, and when an optimizer is at work on which gradients."""
    layer_call, at_work = keras.Layer.__call__, optimizers(model)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        with recorder.inside(layer):
            return layer_call(layer, *args, **kwargs)

    keras.Layer.__call__ = call
    for optimizer in at_work:
        object.__setattr__(optimizer, "apply", _watched_update(model, optimizer, recorder))
    try:
        yield
    finally:
        keras.Layer.__call__ = layer_call
        for optimizer in at_work:
            object.__delattr__(optimizer, "apply")


def _watched_update(model: Any, optimizer: Any, recorder: _Recorder) -> Callable[..., Any]:
    apply = optimizer.apply

    def update(grads: Any, trainable_variables: Any = None) -> Any:
        variables = model.trainable_variables if trainable_variables is None else trainable_variables
        for gradient, variable in zip(grads, variables, strict=False):
            if gradient is not None:
                recorder.belongs(gradient, "gradients", variable)
        del gradient
        with recorder.updating():
            return apply(grads, trainable_variables)

    return update


def _dispatch_mode(recorder: _Recorder, torch: Any) -> Any:
    """The mode that sees every operator below autograd, above the fake tensors."""
    from torch._subclasses.fake_tensor import DataDependentOutputException
    from torch.utils._python_dispatch import TorchDispatchMode

    class Mode(TorchDispatchMode):  # type: ignore[misc]
        summing = InPlaceSums(torch)

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            target = self.summing.target(func, args, kwargs)
            try:
                result = func(*args, **(kwargs or {})) if target is None else target.add_(args[target is args[0]])
            except DataDependentOutputException:
                return recorder.guess(args[0])
            recorder.ran(func, result)
            return result

    return Mode()


@dataclass(slots=True)
class _Storage:
    """A storage while it is followed. ``begins`` and ``ends`` are places in the one order of all beginnings and ends."""

    bytes: int
    category: Category | None
    layer: str
    op: str
    phase: Phase
    begins: int
    step: int
    variable: Any = None
    ends: int | None = None
    end_step: int = 0


class _Recorder:
    """Follows storages. ``_clock`` counts beginnings and ends, ``_step`` counts operators."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self._node = torch._C._current_autograd_node
        self._sequence = torch._C._autograd._get_sequence_nr
        self._storages: list[_Storage] = []
        self._alive: dict[int, tuple[Any, _Storage]] = {}
        self._clock = self._step = self._start = 0
        self._first_backward: int | None = None
        self._stack: list[str] = []
        self._phase: Phase = "state"
        self._nodes: list[tuple[int, str]] = [(0, "")]
        self._paths: dict[int, str] = {}
        self._guesses = 0
        self._running = True

    def starts_over(self) -> None:
        """All that happened so far was the way to the steady state."""
        self._start, self._step, self._first_backward, self._guesses = self._clock, 0, None, 0

    def stops(self) -> None:
        """The step is over; what ends from here on ends because we let go of it."""
        self._running = False

    @contextmanager
    def inside(self, layer: Any) -> Iterator[None]:
        """A layer is being called."""
        # A layer of a nested functional model has the path of where it was made, not of where it is called.
        path = layer.path or "/".join([*self._stack[-1:], layer.name])
        self._stack.append(path)
        self._paths[id(layer)] = path
        # Autograd numbers its nodes as it makes them: those made from here on are this layer's, also in the backward pass.
        self._nodes.append((self._sequence(), path))
        try:
            yield
        finally:
            self._stack.pop()
            self._nodes.append((self._sequence(), self._inmost()))

    @contextmanager
    def updating(self) -> Iterator[None]:
        """The optimizer is at work."""
        self._phase = "update"
        try:
            yield
        finally:
            self._phase = "state"

    def guess(self, tensor: Any) -> Any:
        """The program asks for the value of a fake tensor: a condition holds, a number is one."""
        if tensor.dtype == self._torch.bool:
            self._guesses += 1
            return True
        return 1.0 if tensor.is_floating_point() else 1

    def begins(self, tensor: Any, category: Category, variable: Any = None) -> None:
        """A tensor that is there before the step."""
        self._follow(tensor, _Storage(0, category, "", "", "state", 0, 0, variable))
        self.belongs(tensor, category, variable)

    def belongs(self, tensor: Any, category: Category, variable: Any) -> None:
        """What a tensor is that was made on the way."""
        entry = self._alive.get(tensor.untyped_storage()._cdata)
        if entry is not None and entry[1].category is None:
            entry[1].category, entry[1].variable = category, variable

    def is_reserve(self, tensor: Any) -> None:
        """What cuDNN would keep for a recurrent layer."""
        record = self._alive[tensor.untyped_storage()._cdata][1]
        record.category, record.op = "workspace", RESERVE

    def ran(self, func: Any, result: Any) -> None:
        """An operator has run."""
        from torch.utils._pytree import tree_leaves

        self._step += 1
        for tensor in tree_leaves(result):
            if isinstance(tensor, self._torch.Tensor) and tensor.untyped_storage()._cdata not in self._alive:
                phase, layer = self._where()
                self._follow(tensor, _Storage(0, None, layer, str(func), phase, 0, 0))

    def _inmost(self) -> str:
        return self._stack[-1] if self._stack else ""

    def _where(self) -> tuple[Phase, str]:
        node = self._node()
        if node is not None:
            if self._first_backward is None:
                self._first_backward = self._clock
            # A node that only adds up gradients has the largest number there is, and no layer of its own.
            number = node._sequence_nr()
            return "backward", self._nodes[bisect_right(self._nodes, (number, "\U0010ffff")) - 1][1] if number < 2**63 else ""
        return ("update" if self._phase == "update" else "forward"), self._inmost()

    def _follow(self, tensor: Any, record: _Storage) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._alive:
            return
        self._clock += 1
        record.bytes, record.begins, record.step = storage.nbytes(), self._clock, self._step
        self._storages.append(record)

        def ended(_: Any) -> None:
            self._alive.pop(key, None)
            if self._running:
                self._clock += 1
                record.ends, record.end_step = self._clock, self._step

        self._alive[key] = (weakref.ref(storage, ended), record)

    def result(self, owners: dict[int, Any]) -> tuple[tuple[Buffer, ...], tuple[Event, ...]]:
        """Buffers and events of the last step; ``owners`` gives the layer of a variable."""
        kept = [s for s in self._storages if s.bytes and (s.ends is None or s.ends > self._start)]
        timed: list[tuple[int, Event]] = []
        buffers = []
        for number, storage in enumerate(kept):
            layer = storage.layer
            if storage.variable is not None and (owner := owners.get(id(storage.variable))) is not None:
                layer = owner.path or self._paths.get(id(owner), owner.name)
            category = storage.category or self._category(storage)
            buffers.append(Buffer(number, storage.bytes, category, layer, storage.op, storage.phase))
            early = storage.begins <= self._start
            timed.append((storage.begins, Event(0 if early else storage.step, "alloc", number)))
            if storage.ends is not None:
                timed.append((storage.ends, Event(storage.end_step, "free", number)))
        return tuple(buffers), tuple(event for _, event in sorted(timed, key=lambda pair: pair[0]))

    def _category(self, storage: _Storage) -> Category:
        backward = self._first_backward
        if storage.phase != "forward" or backward is None or storage.begins <= self._start:
            return "temporaries"
        return (
            "activations" if storage.begins <= backward and (storage.ends is None or storage.ends > backward) else "temporaries"
        )

    def notes(self) -> tuple[str, ...]:
        """What the reader should know about this trace."""
        said = [
            "memory that operators take for themselves while they run is not in the trace",
            "what lies in reference cycles is held to the end of the step; Python's collector may free it earlier",
        ]
        if self._guesses:
            said.append(f"the step branches on the value of a tensor {self._guesses} times: the condition was taken to hold")
        return tuple(said)
