"""The user's program up to its first training step: a compiled model and the shape of one batch."""

from __future__ import annotations

import importlib
import json
import linecache
import os
import re
import runpy
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from kerasmem_lint.footprint.child.held import batch_of, layers_of
from kerasmem_lint.footprint.child.likeness import likeness
from kerasmem_lint.footprint.child.places import Place, call_place
from kerasmem_lint.source.magics import mask_cell
from kerasmem_lint.source.syntax import parse_failure


@dataclass(frozen=True, slots=True)
class Spec:
    """Shape and dtype of one array of a batch, the batch axis included."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Captured:
    """What a training step is made of.

    ``model`` is compiled and carries its optimizer and loss. ``x``, ``y`` and ``sample_weight`` are trees (tuples, lists,
    dictionaries, or a single leaf) of :class:`Spec`, None where absent. ``bare`` says that the data are ``x`` alone, in no
    tuple. ``first_batch`` is the batch as Keras' own iterator
    gave it, arrays of the backend or numpy, None when only shapes are known. ``places`` maps the ``id`` of a layer to
    the line that built it (:func:`by_path` names the layers, once they are built). ``notes`` are sentences for the reader.
    """

    model: Any
    backend: str
    batch_size: int
    x: Any
    y: Any = None
    sample_weight: Any = None
    bare: bool = False
    first_batch: Any = None
    call: Place | None = None
    places: dict[int, Place] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def batch(self) -> Any:
        """``x``, ``y`` and ``sample_weight`` as Keras hands them to ``train_step``; see :func:`batch_of`."""
        return batch_of(self.x, self.y, self.sample_weight, self.bare)

    @property
    def likeness(self) -> tuple[Any, ...]:
        """Equal for built steps that need the same: of one call, with a batch of the same shapes and models of the same settings."""
        return self.call, repr(self.batch), *likeness(self.model)


class NotCapturedError(Exception):
    """The program gave no training step; the text is one line for its author."""


Use = Callable[[Callable[[], Captured]], None]
"""What to do with a step, given as a function that captures it; called inside the program's own ``fit``."""


def patches(
    use: Use, following: Callable[[], bool], batch_size: int | None, notes: list[str], places: dict[int, Place]
) -> dict[str, Callable[[ModuleType], None]]:
    """What to change in Keras, once it is imported, so that ``fit`` and ``train_on_batch`` hand their step to ``use``.

    Where ``use`` returns, ``fit`` gives back a history of zeros and the program goes on. A program that updates its weights by
    itself, while no step is ``following``, is refused there and then: it would train for as long as it is let.
    """

    def capture_fit(module: ModuleType) -> None:
        trainer = next(vars(module)[name] for name in TRAINERS.values() if name in vars(module))

        def fit(self: Any, x: Any = None, y: Any = None, batch_size_: Any = None, *args: Any, **kwargs: Any) -> Any:
            asked = kwargs.pop("batch_size", batch_size_)
            kwargs = _named(FIT_ARGUMENTS, args, kwargs)

            def captured() -> Captured:
                batch = _first_batch(self, module, x, y, asked, kwargs)
                return _captured(self, batch, batch_size, notes, places)

            use(captured)
            return _untrained(importlib.import_module("keras"), int(kwargs.get("epochs", 1)))

        def train_on_batch(
            self: Any, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
        ) -> Any:
            use(lambda: _captured(self, (x, y, sample_weight), batch_size, notes, places))
            return defaultdict(float) if return_dict else _untrained_batch(self)

        trainer.fit, trainer.train_on_batch = fit, train_on_batch

    def refuse_fit(module: ModuleType) -> None:
        def refused() -> Captured:
            raise NotCapturedError("the program trains with Keras 2 (tf_keras); only Keras 3 can be followed")

        vars(module)["Model"].fit = vars(module)["Model"].train_on_batch = lambda *args, **kwargs: use(refused)

    def refuse_update(*_: Any, **__: Any) -> None:
        def refused() -> Captured:
            raise NotCapturedError(
                "the program trains in a loop of its own, which is not followed; make the loop's body the train_step() of a "
                "model and call fit(), or give the compiled model with --entry"
            )

        if not following():
            use(refused)

    def refuse_updates_of_keras(module: Any) -> None:
        apply = module.BaseOptimizer.apply

        def checked_apply(self: Any, *args: Any, **kwargs: Any) -> Any:
            refuse_update()
            return apply(self, *args, **kwargs)

        module.BaseOptimizer.apply = checked_apply

    own_loops: dict[str, Callable[[ModuleType], None]] = {
        "keras.src.optimizers.base_optimizer": refuse_updates_of_keras,
        "torch.optim.optimizer": lambda module: vars(module)["register_optimizer_step_pre_hook"](refuse_update),
    }
    refusals: dict[str, Callable[[ModuleType], None]] = dict.fromkeys(
        ("tf_keras.src.engine.training", "keras.src.engine.training"), refuse_fit
    )
    return refusals | own_loops | {f"keras.src.backend.{name}.trainer": capture_fit for name in TRAINERS}


def _untrained(keras: Any, epochs: int) -> Any:
    """The history of a training that was left out: whatever is asked for is 0 in every epoch."""
    history = keras.callbacks.History()
    history.epoch, history.history = list(range(epochs)), defaultdict(lambda: [0.0] * epochs)
    return history


def _untrained_batch(model: Any) -> Any:
    """What ``train_on_batch`` gives back: the loss where the model has no more metrics, else a list of all; each is 0."""
    count = sum(len(getattr(metric, "metrics", [metric])) for metric in model.metrics)
    return [0.0] * count if count > 1 else 0.0


TRAINERS = {"jax": "JAXTrainer", "tensorflow": "TensorFlowTrainer", "torch": "TorchTrainer"}
FIT_ARGUMENTS = (
    "epochs",
    "verbose",
    "callbacks",
    "validation_split",
    "validation_data",
    "shuffle",
    "class_weight",
    "sample_weight",
    "initial_epoch",
    "steps_per_epoch",
)


def _named(names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _first_batch(model: Any, trainer: Any, x: Any, y: Any, batch_size: Any, arguments: dict[str, Any]) -> Any:
    """The first batch as training would see it: split, weighted and cast by Keras' own data path."""
    import keras
    from keras.src.trainers import data_adapters

    model._assert_compile_called("fit")
    weight = arguments.get("sample_weight")
    if arguments.get("validation_split") and arguments.get("validation_data") is None:
        (x, y, weight), _ = trainer.array_slicing.train_validation_split(
            (x, y, weight), validation_split=arguments["validation_split"]
        )
    adapter = data_adapters.get_data_adapter(
        x=x,
        y=y,
        sample_weight=weight,
        batch_size=batch_size,
        steps_per_epoch=arguments.get("steps_per_epoch"),
        shuffle=False,
        class_weight=arguments.get("class_weight"),
    )
    batches = getattr(adapter, BATCHES[keras.config.backend()])()
    for batch in batches:
        return batch
    raise NotCapturedError("the data given to fit() holds no batch")


BATCHES = {"jax": "get_jax_iterator", "tensorflow": "get_tf_dataset", "torch": "get_torch_dataloader"}
"""How a data adapter gives its batches to each backend."""


def _captured(model: Any, batch: Any, batch_size: int | None, notes: list[str], places: dict[int, Place]) -> Captured:
    import keras

    x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
    size = _batch_axis(x)
    for tensor in getattr(graph_of(model), "inputs", None) or ():
        if tensor.shape and tensor.shape[0] not in (None, batch_size or size):
            raise NotCapturedError(f"the model is built for a batch of {tensor.shape[0]}, not {batch_size or size}")
    specs = tuple(_specs(part, size, batch_size) for part in (x, y, weight))
    said = list(notes)
    if batch_size is not None and batch_size != size:
        said.append(f"the batch of {size} that the program uses was replaced by {batch_size}")
    return Captured(
        model=model,
        backend=keras.config.backend(),
        batch_size=batch_size or size,
        x=specs[0],
        y=specs[1],
        sample_weight=specs[2],
        bare=not isinstance(batch, tuple),
        first_batch=None if batch_size is not None and batch_size != size else batch,
        call=call_place(),
        places=places,
        notes=tuple(said),
    )


def _batch_axis(x: Any) -> int:
    import keras

    for leaf in keras.tree.flatten(x):
        shape = getattr(leaf, "shape", None)
        if shape:
            return int(shape[0])
    raise NotCapturedError("the first batch holds no array with a batch axis")


def _specs(part: Any, size: int, batch_size: int | None) -> Any:
    import keras

    def spec(leaf: Any) -> Spec | None:
        if leaf is None:
            return None
        if not hasattr(leaf, "shape") or not hasattr(leaf, "dtype"):
            raise NotCapturedError(f"the batch holds a {type(leaf).__name__}, which has no fixed shape; give one with --entry")
        if "Ragged" in type(leaf).__name__ or "Sparse" in type(leaf).__name__:
            raise NotCapturedError(f"the batch holds a {type(leaf).__name__}, of no fixed size; give dense shapes with --entry")
        shape = [int(dim) for dim in leaf.shape]
        if shape and shape[0] == size and batch_size is not None:
            shape[0] = batch_size
        return Spec(tuple(shape), keras.backend.standardize_dtype(leaf.dtype))

    return None if part is None else keras.tree.map_structure(spec, part)


def by_path(model: Any, places: dict[int, Place]) -> dict[str, Place]:
    """The places of a built model's layers by the path of the layer."""
    return {layer.path or layer.name: places[id(layer)] for layer in layers_of(model) if id(layer) in places}


def run_script(path: Path, arguments: tuple[str, ...]) -> None:
    """Run a program as ``python path arguments`` would, a notebook as its code cells one after the other."""
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(path.resolve().parent))
    if path.suffix == ".ipynb":
        namespace = {"__name__": "__main__", "__file__": str(path)}
        with _shell():
            for name, source in _cells(path):
                exec(compile(source, name, "exec"), namespace)
    else:
        runpy.run_path(str(path), run_name="__main__")


def _shell() -> AbstractContextManager[Any]:
    """What a notebook expects around it: ``get_ipython()``, where IPython is installed."""
    try:
        from IPython.core.interactiveshell import InteractiveShell
    except ImportError:
        return nullcontext()
    return cast("AbstractContextManager[Any]", InteractiveShell.instance().builtin_trap)


def _cells(path: Path) -> Iterator[tuple[str, str]]:
    """Each code cell of a notebook as a file name that says which, and its Python; cells in other languages are left out.

    Raises NotCapturedError for a file that is no notebook of nbformat 4.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise NotCapturedError(f"not a notebook: no JSON at line {error.lineno}") from None
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        raise NotCapturedError("not a notebook: its JSON holds no list of cells")
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        lines = [source] if isinstance(source, str) else source
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            raise NotCapturedError(f"cell {number} has a source that is not text")
        text = "".join(lines)
        if parse_failure(text):
            masked = mask_cell(text)
            if masked.foreign:
                continue
            os.environ.update(_ENVIRONMENT.findall(text))
            text = masked.text
        name = f"{path}, cell {number}"
        # Whoever asks for the source of a function (TensorFlow's autograph does) finds it here.
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        yield name, text


_ENVIRONMENT = re.compile(r"^[ \t]*%(?:set_)?env[ \t]+(\w+)[ \t]*[= \t][ \t]*([^\s${}]+)[ \t]*$", re.MULTILINE)
"""The magic by which a notebook chooses its backend, which is carried out."""


def run_entry(entry: str, batch_size: int | None, notes: list[str], places: dict[int, Place]) -> Captured:
    """Call ``module:function``, which returns a compiled model, or the model and the specification of one batch.

    The specification is ``x``, ``(x, y)`` or ``(x, y, sample_weight)``; a leaf is an array, anything with ``shape`` and
    ``dtype``, or a pair ``(shape, dtype)``; a first dimension of None stands for the batch. Without it, inputs come from the
    model and targets from its loss.
    """
    module_name, _, function = entry.partition(":")
    sys.path.insert(0, os.getcwd())
    module = importlib.import_module(module_name)
    make = getattr(module, function, None)
    if not callable(make):
        raise NotCapturedError(f"{module_name} has no function {function!r}")
    made = make()
    model, batch = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not hasattr(model, "train_step"):
        raise NotCapturedError(f"{entry} returned a {type(model).__name__}, not a Keras model")
    if getattr(model, "optimizer", None) is None:
        raise NotCapturedError(f"{entry} returned a model that is not compiled; call model.compile() in it")
    if batch is None:
        batch = _batch_of(model, batch_size, entry)
    leaves = _normalised(batch, batch_size, entry)
    found = _captured(model, leaves, batch_size, notes, places)
    return replace(found, first_batch=None, call=None)


def _normalised(batch: Any, batch_size: int | None, entry: str) -> Any:
    if _is_leaf(batch):
        return _leaf(batch, batch_size, entry)
    if isinstance(batch, dict):
        return {key: _normalised(value, batch_size, entry) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(_normalised(value, batch_size, entry) for value in batch)
    raise NotCapturedError(f"{entry} gave a batch with a {type(batch).__name__} in it; give arrays or (shape, dtype) pairs")


def _is_leaf(value: Any) -> bool:
    if value is None or (hasattr(value, "shape") and hasattr(value, "dtype")):
        return True
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], str) and isinstance(value[0], (tuple, list))


def _leaf(value: Any, batch_size: int | None, entry: str) -> Spec | None:
    if value is None:
        return None
    shape, dtype = value if isinstance(value, tuple) else (value.shape, value.dtype)
    dims = list(shape)
    if dims and dims[0] is None:
        if batch_size is None:
            raise NotCapturedError(f"{entry} leaves the batch open; say how large it is with --batch-size")
        dims[0] = batch_size
    if any(dim is None for dim in dims):
        raise NotCapturedError(f"{entry} gives an open shape {tuple(dims)}; name the largest one that training uses")
    return Spec(tuple(int(dim) for dim in dims), getattr(dtype, "name", None) or str(dtype))


def _batch_of(model: Any, batch_size: int | None, entry: str) -> Any:
    """Inputs and targets of a model with literal shapes: targets are shaped like the outputs, labels for a sparse loss."""
    import keras

    graph = graph_of(model)
    if not getattr(graph, "inputs", None):
        raise NotCapturedError(f"{entry} returned a model without fixed inputs; return (model, batch specification) instead")
    sparse = "sparse" in str(getattr(model._compile_loss, "_user_loss", "")).lower()
    x = keras.tree.map_structure(lambda tensor: (tuple(tensor.shape), tensor.dtype), graph._inputs_struct)

    def target(tensor: Any) -> tuple[tuple[Any, ...], str]:
        return (tuple(tensor.shape[:-1]), "int32") if sparse else (tuple(tensor.shape), tensor.dtype)

    return (x, keras.tree.map_structure(target, graph._outputs_struct))


def graph_of(model: Any) -> Any:
    """The functional graph of a model: its own, or the one that a Sequential model keeps inside."""
    return getattr(model, "_functional", None) or model
