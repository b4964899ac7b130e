"""TensorFlow's executor played on a graph: which buffers begin, are shared, are written over, and end.

An operation runs when all it waits for has run, in the order of :mod:`graph_executor`; a buffer ends with its last reader;
element-wise operations write into an operand that nobody else reads; reading a variable makes no copy; assigning to a variable
takes over the buffer of the value; adding to one that is still being read makes a copy. Loops are played round by round.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kerasmem_lint.footprint.child.graph_einsum import scratch as einsum_scratch
from kerasmem_lint.footprint.child.graph_executor import Device, Ready
from kerasmem_lint.footprint.child.graph_kernels import ADDING, ALIASES, IN_PLACE, NEUTRAL, WRITTEN_OVER
from kerasmem_lint.footprint.events import Buffer, Category, Event, Kind, Phase


@dataclass(slots=True, eq=False)
class Storage:
    """A buffer; ``readers`` are the references to it, a variable's own included."""

    number: int
    bytes: int
    category: Category | None
    layer: str
    op: str
    phase: Phase
    readers: int = 1
    saved: bool = False


@dataclass(slots=True, eq=False)
class HeldVariable:
    """What a resource handle stands for."""

    storage: Storage


@dataclass(slots=True, eq=False)
class _List:
    """A tensor list: the value of a variant tensor. ``next`` is the element that an assignment of unknown index sets."""

    items: list[Storage | None]
    readers: int = 1
    next: int = 0


Value = Storage | HeldVariable | _List | None


class Player:
    """Plays graphs and keeps the book of their buffers.

    ``places`` gives phase and layer of an operation of the outermost graph by its name; ``gradients`` the layer of the tensors
    that are the gradient of a weight; ``device`` is whose order is taken.
    """

    def __init__(
        self, places: dict[str, tuple[Phase, str]], gradients: dict[str, str], tf: Any, device: Device = "gpu"
    ) -> None:
        self._places, self._gradients, self._tf = places, gradients, tf
        self._device = device
        self._storages: list[Storage] = []
        self._events: list[Event] = []
        self._consts: dict[Any, Storage] = {}
        self._unknown: Counter[str] = Counter()
        self._time = self._depth = self._blind_loops = 0
        self._where: tuple[Phase, str] = ("state", "")
        self._special: dict[str, Callable[[Any, list[Value]], list[Value]]] = {
            "Const": self._const,
            "Einsum": self._einsum,
            "ReadVariableOp": self._read,
            "AssignVariableOp": self._assign,
            "EmptyTensorList": lambda op, taken: [_List([])],
            "TensorListReserve": self._reserve,
            "TensorListFromTensor": self._list_from_tensor,
            "TensorListPushBack": self._push,
            "TensorListPopBack": self._pop,
            "TensorListGetItem": self._get_item,
            "TensorListSetItem": self._set_item,
            "TensorListStack": self._stack,
            "While": self._while,
            "StatelessWhile": self._while,
            "If": self._branch,
            "StatelessIf": self._branch,
            "PartitionedCall": self._called,
            "StatefulPartitionedCall": self._called,
        }

    # The book.

    def _new(self, size: int, category: Category | None, layer: str, op: str, phase: Phase) -> Storage:
        storage = Storage(len(self._storages), size, category, layer, op, phase)
        self._storages.append(storage)
        self._write("alloc", storage)
        return storage

    def _write(self, kind: Kind, storage: Storage) -> None:
        self._events.append(Event(self._time, kind, storage.number))

    def holds(self, value: Any, category: Category, layer: str) -> HeldVariable:
        """A variable that is there before the step."""
        storage = self._new(self._bytes(value), category, layer, "variable", "state")
        return HeldVariable(storage)

    def begins(self, tensor: Any, category: Category) -> Storage:
        """A tensor that is there before the step."""
        return self._new(self._bytes(tensor), category, "", "input", "state")

    def unknown_variable(self, handle: Any) -> HeldVariable:
        """A variable that is not the model's: its shape is in the handle."""
        data = getattr(handle, "_handle_data", None)
        size = 0
        if data is not None and data.is_set:
            shape = self._tf.TensorShape(data.shape_and_type[0].shape)
            size = (shape.num_elements() or 0) * self._tf.dtypes.as_dtype(data.shape_and_type[0].dtype).size
        return HeldVariable(self._new(size, "non_trainable", "", "variable", "state"))

    def starts(self) -> None:
        """All that is there before the step has been said."""
        self._time = 1

    def _bytes(self, tensor: Any) -> int:
        elements = tensor.shape.num_elements() if tensor.shape.rank is not None else None
        if elements is None:
            self._unknown[tensor.op.type] += 1
            return 0
        return int(elements) * int(tensor.dtype.size)

    def _release(self, value: Value) -> None:
        if isinstance(value, _List):
            value.readers -= 1
            if not value.readers:
                for item in value.items:
                    self._release(item)
        elif isinstance(value, Storage):
            value.readers -= 1
            if not value.readers:
                self._write("free", value)

    @staticmethod
    def _share(value: Value) -> Value:
        if isinstance(value, (_List, Storage)):
            value.readers += 1
        return value

    # The executor.

    def play(self, graph: Any, inputs: Sequence[Value]) -> list[Value]:
        """Runs a graph. The references in ``inputs`` are given away; those in the result belong to the caller."""
        operations = _wanted(graph)
        uses = Counter(tensor.ref() for op in operations for tensor in op.inputs)
        uses.update(tensor.ref() for tensor in graph.outputs)
        followers: dict[Any, list[Any]] = {op: [] for op in operations}
        waits = {}
        for op in operations:
            before = {tensor.op for tensor in op.inputs} | {other for other in op.control_inputs if other in followers}
            waits[op] = len(before)
            for other in before:
                followers[other].append(op)
        values: dict[Any, Value] = {}
        given = {tensor.op: value for tensor, value in zip(graph.inputs, inputs, strict=True)}
        for op, value in given.items():
            if op not in followers:
                self._release(value)
        ready = Ready(self._device, [op for op in operations if not waits[op]])
        while ready:
            op = ready.take()
            taken = [values[tensor.ref()] for tensor in op.inputs]
            results = [given[op]] if op in given else self._run(op, taken)
            for tensor, value in zip(op.outputs, results, strict=True):
                values[tensor.ref()] = value
                if not self._depth and tensor.name in self._gradients and isinstance(value, Storage):
                    value.category, value.layer = "gradients", self._gradients[tensor.name]
                for _ in range(uses[tensor.ref()] - 1):
                    self._share(value)
                if not uses[tensor.ref()]:
                    self._release(value)
            for value in taken:
                self._release(value)
            for follower in followers[op]:
                waits[follower] -= 1
            ready.made_ready(follower for follower in followers[op] if not waits[follower])
        return [values[tensor.ref()] for tensor in graph.outputs]

    def _run(self, op: Any, taken: list[Value]) -> list[Value]:
        self._time += 1
        if not self._depth:
            self._where = self._places.get(op.name, ("forward", ""))
        if self._where[0] == "backward":
            for value in taken:
                if isinstance(value, Storage):
                    value.saved = True
        special = self._special.get(op.type)
        if special is not None:
            return special(op, taken)
        if op.type in ALIASES:
            return [self._share(value) for value in taken[: len(op.outputs)]]
        if op.type in NEUTRAL and (same := self._unchanged(op, taken)) is not None:
            return [self._share(same)]
        if op.type in ADDING:
            self._prepare_to_update(taken[0])
        return self._allocates(op, taken)

    # The operations.

    def _allocates(self, op: Any, taken: list[Value]) -> list[Value]:
        results: list[Value] = []
        for place, tensor in enumerate(op.outputs):
            if tensor.dtype in (self._tf.variant, self._tf.resource, self._tf.string):
                results.append(None)
                continue
            size = self._bytes(tensor)
            phase, layer = self._where
            heir = self._heir(_written_over(op, place, taken), size)
            results.append(heir or self._new(size, None, layer, op.type, phase))
        return results

    def _einsum(self, op: Any, taken: list[Value]) -> list[Value]:
        shapes, (phase, layer) = [tensor.shape for tensor in op.inputs], self._where
        known = all(shape.is_fully_defined() for shape in shapes)
        counts = einsum_scratch(op.get_attr("equation").decode(), shapes) if known else ()
        scratch = [self._new(count * op.outputs[0].dtype.size, "workspace", layer, op.type, phase) for count in counts]
        results = self._allocates(op, taken)
        for temporary in scratch:
            self._release(temporary)
        return results

    def _unchanged(self, op: Any, taken: list[Value]) -> Value:
        """The operand that a multiplication by one or an addition of zero leaves as it is: Grappler takes those out."""
        neutral, places = NEUTRAL[op.type]
        for place in places:
            constant, other = op.inputs[place], op.inputs[1 - place]
            if constant.op.type == "Const" and constant.shape.num_elements() == 1 and other.shape == op.outputs[0].shape:
                value = self._tf.get_static_value(constant)
                if value is not None and value.item() == neutral:
                    return taken[1 - place]
        return None

    def _heir(self, taken: Sequence[Value], size: int) -> Value:
        """An operand of that size that nobody else reads."""
        for value in taken:
            if isinstance(value, Storage) and value.readers == 1 and value.bytes == size:
                return self._share(value)
        return None

    def _const(self, op: Any, _: list[Value]) -> list[Value]:
        # The kernel keeps its tensor from step to step.
        if op not in self._consts:
            size = self._bytes(op.outputs[0]) if op.outputs[0].dtype != self._tf.string else 0
            self._consts[op] = self._new(size, "temporaries", self._where[1], "Const", "state")
        return [self._share(self._consts[op])]

    def _read(self, _: Any, taken: list[Value]) -> list[Value]:
        variable = taken[0]
        return [self._share(variable.storage) if isinstance(variable, HeldVariable) else None]

    def _assign(self, _: Any, taken: list[Value]) -> list[Value]:
        variable, value = taken[0], taken[1]
        if isinstance(variable, HeldVariable) and isinstance(value, Storage):
            before, variable.storage = variable.storage, value
            self._share(value)
            value.category, value.layer = before.category, before.layer
            self._release(before)
        return []

    def _prepare_to_update(self, variable: Value) -> None:
        if isinstance(variable, HeldVariable) and variable.storage.readers > 1:
            before = variable.storage
            variable.storage = self._new(before.bytes, before.category, before.layer, "copy", "update")
            self._release(before)

    def _list_from_tensor(self, op: Any, _: list[Value]) -> list[Value]:
        shape = op.inputs[0].shape
        length = int(shape[0] or 0) if shape.rank else 0
        size = self._bytes(op.inputs[0]) // length if length else 0
        phase, layer = self._where
        return [_List([self._new(size, None, layer, op.type, phase) for _ in range(length)])]

    def _reserve(self, op: Any, _: list[Value]) -> list[Value]:
        length = self._tf.get_static_value(op.inputs[1])
        return [_List([None] * int(length or 0))]

    def _own(self, value: Value) -> _List:
        """A list that may be changed: this one when nobody else reads it, else a copy."""
        if not isinstance(value, _List):
            return _List([])
        if value.readers == 1:
            value.readers += 1
            return value
        return _List([self._shared_item(item) for item in value.items], next=value.next)

    @staticmethod
    def _shared_item(item: Storage | None) -> Storage | None:
        if item is not None:
            item.readers += 1
        return item

    def _push(self, _: Any, taken: list[Value]) -> list[Value]:
        changed, item = self._own(taken[0]), taken[1]
        changed.items.append(self._shared_item(item if isinstance(item, Storage) else None))
        return [changed]

    def _pop(self, op: Any, taken: list[Value]) -> list[Value]:
        changed = self._own(taken[0])
        item = changed.items.pop() if changed.items else None
        return [changed, item or self._allocates(op, [])[1]]

    def _get_item(self, op: Any, taken: list[Value]) -> list[Value]:
        source = taken[0]
        item = source.items[0] if isinstance(source, _List) and source.items else None
        return [self._shared_item(item)] if item is not None else self._allocates(op, [])

    def _set_item(self, _: Any, taken: list[Value]) -> list[Value]:
        changed, item = self._own(taken[0]), taken[2]
        if changed.items and isinstance(item, Storage):
            place = changed.next % len(changed.items)
            changed.next += 1
            before, changed.items[place] = changed.items[place], self._shared_item(item)
            self._release(before)
        return [changed]

    def _stack(self, op: Any, taken: list[Value]) -> list[Value]:
        if op.outputs[0].shape.is_fully_defined() or not isinstance(taken[0], _List):
            return self._allocates(op, taken)
        phase, layer = self._where
        return [self._new(sum(item.bytes for item in taken[0].items if item is not None), None, layer, op.type, phase)]

    def _while(self, op: Any, taken: list[Value]) -> list[Value]:
        body = self._function(op, "body")
        # A loop hands its values on: what goes in is not held by the loop.
        state = list(taken)
        taken.clear()
        rounds = max([len(value.items) for value in state if isinstance(value, _List)] or [0])
        if not rounds:
            self._blind_loops += 1
        for _ in range(rounds or 1):
            state = self._inside(body, state)
        return state

    def _branch(self, op: Any, taken: list[Value]) -> list[Value]:
        return self._inside(self._function(op, "then_branch"), [self._share(value) for value in taken[1:]])

    def _called(self, op: Any, taken: list[Value]) -> list[Value]:
        return self._inside(self._function(op, "f"), [self._share(value) for value in taken])

    def _inside(self, graph: Any, inputs: list[Value]) -> list[Value]:
        self._depth += 1
        try:
            return self.play(graph, inputs)
        finally:
            self._depth -= 1

    @staticmethod
    def _function(op: Any, attribute: str) -> Any:
        return op.graph._get_function(op.get_attr(attribute).name).graph

    # The result.

    def result(self) -> tuple[tuple[Buffer, ...], tuple[Event, ...]]:
        """Buffers and events; what nobody has read in the backward pass is temporary."""
        buffers = []
        for s in self._storages:
            saved: Category = "activations" if s.phase == "forward" and s.saved else "temporaries"
            buffers.append(Buffer(s.number, s.bytes, s.category or saved, s.layer, s.op, s.phase))
        return tuple(buffers), tuple(self._events)

    def notes(self) -> tuple[str, ...]:
        """What the reader should know about this trace."""
        said = ["the executor is played first come first served, on one thread; kernels' own scratch is not in the trace"]
        if self._unknown:
            kinds = ", ".join(sorted(self._unknown))
            said.append(f"{self._unknown.total()} outputs have no static shape and count as empty: {kinds}")
        if self._blind_loops:
            said.append(f"{self._blind_loops} loops have no known number of rounds and are played once")
        return tuple(said)


def _written_over(op: Any, place: int, taken: list[Value]) -> Sequence[Value]:
    """The operands whose buffers the kernel asks for before it allocates this output."""
    if not place and op.type in IN_PLACE:
        return taken
    source = WRITTEN_OVER.get(op.type, {}).get(place)
    return () if source is None else (taken[source],)


def _wanted(graph: Any) -> list[Any]:
    """The operations a function runs, in the order of the graph: what its results and its side effects need."""
    wanted = set()
    left = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    while left:
        op = left.pop()
        if op not in wanted:
            wanted.add(op)
            left += [tensor.op for tensor in op.inputs]
            left += op.control_inputs
    return [op for op in graph.get_operations() if op in wanted]
