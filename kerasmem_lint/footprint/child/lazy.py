"""Hooks on Keras while the user's program imports it: variables without memory, and where each layer was built.

Nothing of Keras may be imported before the program itself does it, because the program may choose its backend first. So the
changes are made by an import hook, at the moment the module in question has been loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from kerasmem_lint.footprint.child.capture import NotCapturedError
from kerasmem_lint.footprint.child.places import Place, is_library, place_at

SMALL = 4096
"""Variables of at most this many elements keep the values that are assigned to them: layers such as Normalization read them."""

Patch = Callable[[ModuleType], None]


class AfterImport:
    """A finder that lets others find a module, and calls a function once that module has been executed."""

    def __init__(self, patches: dict[str, Patch]) -> None:
        self.patches = patches

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's own spec, its loader made to call the patch afterwards; None for modules that are not ours to change."""
        patch = self.patches.pop(name, None)
        if patch is None:
            return None
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_patch(module: ModuleType) -> None:
            execute(module)
            patch(module)

        spec.loader.exec_module = execute_and_patch  # type: ignore[method-assign]
        return spec


def install(patches: dict[str, Patch]) -> None:
    """Have each function called with its module, right after the program has imported it."""
    sys.meta_path.insert(0, AfterImport(dict(patches)))


def lazy_jax_variables(core: ModuleType) -> None:
    """``keras.src.backend.jax.core``: a variable keeps its shape, dtype and initialiser, and has no value.

    Reading ``.value`` runs the initialiser on demand, which Keras does itself for variables not initialised yet.
    """
    variable = core.JaxVariable
    direct_assign = variable._direct_assign

    def initialize_with_initializer(self: Any, initializer: Any) -> None:
        self._initialize_layout()
        self._value = None
        self._initializer = initializer

    def assign_if_small(self: Any, value: Any) -> None:
        if value.size <= SMALL:
            direct_assign(self, value)

    variable._initialize_with_initializer = initialize_with_initializer
    variable._deferred_initialize = lambda self: self._initialize_layout()
    variable._direct_assign = assign_if_small
    _assign_by_shape(variable)


def zero_tensorflow_variables(core: ModuleType) -> None:
    """``keras.src.backend.tensorflow.core``: every variable begins as zeros, which the system backs by no page until written.

    TensorFlow gives the compiler only programs whose variables have a value.
    """
    variable = core.Variable
    initialize = variable._initialize_with_initializer

    def initialize_with_zeros(self: Any, initializer: Any) -> None:
        size = 1
        for dim in self._shape:
            size *= dim
        if size <= SMALL:
            initialize(self, initializer)
        else:
            initialize(self, lambda shape, dtype=None: core.tf.zeros(shape, dtype))

    variable._initialize_with_initializer = initialize_with_zeros
    _name_operations_by_layer(core)


def _name_operations_by_layer(core: Any) -> None:
    """Have TensorFlow name operations by the path of their layer, as variables are.

    Left to itself it makes every scope that is entered again unique, and the ``conv2d_1`` of a name is then either the second
    layer or the second visit to the first.
    """
    from keras.src.backend.common.name_scope import current_path

    scope = core.name_scope

    def enter(self: Any) -> Any:
        entered = core.base_name_scope.__enter__(self)
        if self._pop_on_exit:
            path = "".join(char if char.isalnum() or char in "_.-/" else "_" for char in current_path())
            self._tf_name_scope = core.tf.name_scope(path.lstrip("_-/") + "/")
            self._tf_name_scope.__enter__()
        return entered

    scope.__enter__ = enter


def lazy_torch_variables(core: ModuleType) -> None:
    """``keras.src.backend.torch.core``: see :mod:`lazy_torch`."""
    from kerasmem_lint.footprint.child import lazy_torch

    lazy_torch.lazy_variables().__enter__()


def stay_off_the_gpu(bridge: Any) -> None:
    """``jax._src.xla_bridge``: arrays are made on the CPU, though the program ask for a platform that is not here."""
    backends = bridge.backends

    def backends_of_the_cpu() -> Any:
        if not bridge.backends_are_initialized():
            bridge.config.update("jax_platforms", "cpu")
        return backends()

    bridge.backends = backends_of_the_cpu


def jit_as_with_a_gpu(module: Any) -> None:
    """``keras.src.trainers.trainer``: resolve ``jit_compile="auto"`` as on a machine with a GPU, where TensorFlow uses XLA."""
    trainer = module.Trainer
    resolve = trainer._resolve_auto_jit_compile

    def resolve_with_a_gpu(self: Any) -> Any:
        if module.backend.backend() == "tensorflow":
            return not self._distribute_strategy and module.model_supports_jit(self)
        return resolve(self)

    trainer._resolve_auto_jit_compile = resolve_with_a_gpu


def _assign_by_shape(variable: Any) -> None:
    """Assigning to a large variable becomes a check of the shape: loaded weights change no size.

    Not so while a step is traced: there, assigning is how the step hands back what it updated.
    """
    from keras.src.backend.common.stateless_scope import in_stateless_scope

    assign = variable.assign

    def checked_assign(self: Any, value: Any) -> Any:
        shape = getattr(value, "shape", None)
        if shape is None or _size(shape) <= SMALL or in_stateless_scope():
            return assign(self, value)
        if tuple(shape) != tuple(self.shape):
            raise ValueError(f"a value of shape {tuple(shape)} does not fit {self.path} of shape {tuple(self.shape)}")
        return value

    variable.assign = checked_assign


def _size(shape: Sequence[int]) -> int:
    size = 1
    for dim in shape:
        size *= int(dim)
    return size


def remember_places(places: dict[int, Place]) -> Patch:
    """For ``keras.src.layers.layer``: note the line of the user's program that builds each layer, by the layer's ``id``."""

    def patch(module: ModuleType) -> None:
        layer = module.Layer
        initialize = layer.__init__

        def remember(self: Any, *args: Any, **kwargs: Any) -> None:
            frame = sys._getframe(1)
            while frame is not None and (is_library(frame.f_code.co_filename) or _is_method_of(self, frame)):
                frame = frame.f_back  # type: ignore[assignment]
            if frame is not None:
                places[id(self)] = place_at(
                    frame.f_code.co_filename, frame.f_lineno
                )  # an id may be that of a layer that is gone
            initialize(self, *args, **kwargs)

        layer.__init__ = remember

    return patch


def _is_method_of(layer: Any, frame: FrameType) -> bool:
    """Whether a frame is the layer's own ``__init__``, on its way to ``super().__init__()``."""
    first = frame.f_code.co_varnames[:1]
    return frame.f_code.co_name == "__init__" and bool(first) and frame.f_locals.get(first[0]) is layer


def weights_by_shape(notes: list[str]) -> dict[str, Patch]:
    """Patches that keep published weights from being downloaded: their values change no size.

    A preset of keras_hub names more than weights: what is not in a directory of this machine has no known shape.
    """

    def no_download(module: Any) -> None:
        get_file = module.get_file

        def get_file_unless_weights(fname: Any = None, origin: Any = None, *args: Any, **kwargs: Any) -> Any:
            if str(fname or origin).endswith(".h5"):
                note(notes, "published weights were not downloaded; their shapes are those of the model")
                return MISSING_WEIGHTS
            return get_file(fname, origin, *args, **kwargs)

        module.get_file = get_file_unless_weights

    def no_load(module: Any) -> None:
        load_weights = module.Model.load_weights

        def load_if_there(self: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
            if str(filepath) == MISSING_WEIGHTS:
                return
            if not Path(str(filepath)).exists():
                note(notes, f"load_weights({Path(str(filepath)).name!r}): no such file here; the shapes are those of the model")
                return
            load_weights(self, filepath, *args, **kwargs)

        module.Model.load_weights = load_if_there

    def no_preset_download(module: Any) -> None:
        get_file = module.get_file

        def get_file_of_a_directory(preset: Any, path: str) -> Any:
            if not Path(str(preset)).is_dir():
                raise NotCapturedError(
                    f"from_preset({str(preset)!r}) would download the model, which is not done here; "
                    "save it once with save_to_preset(DIRECTORY) and load that"
                )
            if path.endswith((".h5", ".weights.json")) and not (Path(preset) / path).exists():
                return str(Path(preset) / path)  # load_weights() says that it is not there
            return get_file(preset, path)

        module.get_file = get_file_of_a_directory

    hubs = dict.fromkeys(("keras_hub.src.utils.preset_utils", "keras_nlp.src.utils.preset_utils"), no_preset_download)
    return {"keras.src.utils.file_utils": no_download, "keras.src.models.model": no_load, **hubs}


MISSING_WEIGHTS = "weights-not-downloaded.h5"


def note(notes: list[str], text: str) -> None:
    """Add a sentence once."""
    if text not in notes:
        notes.append(text)
