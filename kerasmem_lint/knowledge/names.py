"""Canonical names of the Keras, TensorFlow and NumPy API, whatever way a file spells them.

Canonical means: the shortest public Keras 3 spelling. ``tf.keras.models.Model``, ``keras.engine.training.Model`` and
``tf_keras.Model`` are all ``keras.Model``; ``tf`` is ``tensorflow``, ``np`` is ``numpy``.
Source: the public API of keras 3.15, tf_keras 2.21, and of the keras 1 and 2 releases whose module paths live on in user code.
"""

from __future__ import annotations

KERAS_ROOTS = (
    "tensorflow.python.keras",
    "tensorflow.contrib.keras",
    "tensorflow.keras",
    "tensorflow_core.python.keras",
    "tensorflow_core.keras",
    "tf_keras",
    "keras.api",
    "keras.src",
    "keras._tf_keras.keras",
    "keras_core",
    "keras",
)
"""Packages that hold the Keras API, longer spellings first."""

_FLAT = frozenset({"layers", "optimizers", "callbacks", "losses", "metrics", "initializers", "regularizers", "constraints"})
"""Sub-packages whose own modules are not part of a public name: ``keras.layers.core.Dense`` is ``keras.layers.Dense``."""

_MOVED = {
    "models.Model": "Model",
    "models.Sequential": "Sequential",
    "models.Functional": "Model",
    "Functional": "Model",
    "engine.training.Model": "Model",
    "engine.Model": "Model",
    "engine.topology.Input": "Input",
    "engine.Input": "Input",
    "layers.Input": "Input",
    "layers.InputLayer": "Input",
    "engine.Layer": "layers.Layer",
    "engine.topology.Layer": "layers.Layer",
    "Layer": "layers.Layer",
    "models.load_model": "models.load_model",
    "saving.load_model": "models.load_model",
    "saving.save.load_model": "models.load_model",
    "backend.clear_session": "utils.clear_session",
    "utils.np_utils.to_categorical": "utils.to_categorical",
    "np_utils.to_categorical": "utils.to_categorical",
    "preprocessing.image.load_img": "utils.load_img",
    "preprocessing.image.img_to_array": "utils.img_to_array",
    "preprocessing.image.array_to_img": "utils.array_to_img",
    "utils.image_utils.load_img": "utils.load_img",
    "utils.image_utils.img_to_array": "utils.img_to_array",
    "preprocessing.image_dataset_from_directory": "utils.image_dataset_from_directory",
    "preprocessing.text_dataset_from_directory": "utils.text_dataset_from_directory",
    "preprocessing.timeseries_dataset_from_array": "utils.timeseries_dataset_from_array",
    "preprocessing.image.image_dataset_from_directory": "utils.image_dataset_from_directory",
    "preprocessing.sequence.pad_sequences": "utils.pad_sequences",
    "utils.data_utils.Sequence": "utils.PyDataset",
    "utils.Sequence": "utils.PyDataset",
    "callbacks.experimental.BackupAndRestore": "callbacks.BackupAndRestore",
    "mixed_precision.set_policy": "config.set_dtype_policy",
    "mixed_precision.experimental.set_policy": "config.set_dtype_policy",
    "mixed_precision.set_global_policy": "config.set_dtype_policy",
    "mixed_precision.set_dtype_policy": "config.set_dtype_policy",
    "backend.set_floatx": "config.set_floatx",
}

OLD_LAST_NAMES: dict[str, frozenset[str]] = {
    new: frozenset(old.rpartition(".")[2] for old, moved in _MOVED.items() if moved.rpartition(".")[2] == new)
    for new in {moved.rpartition(".")[2] for moved in _MOVED.values()}
}
"""Last part of a canonical name → the last parts under which older code knows it: ``PyDataset`` was ``Sequence``."""

_MODEL_HOMES = frozenset({"Model", "Sequential"})


def canonical(dotted: str) -> str:
    """The canonical spelling of a dotted name as the imports give it.

    >>> canonical("tensorflow.keras.layers.Dense"), canonical("tf_keras.models.Sequential")
    ('keras.layers.Dense', 'keras.Sequential')
    """
    if dotted.startswith("tensorflow.compat."):
        _, _, rest = dotted.removeprefix("tensorflow.compat.").partition(".")
        dotted = f"tensorflow.{rest}"
    for root in KERAS_ROOTS:
        if dotted == root:
            return "keras"
        if dotted.startswith(root + "."):
            return _keras(dotted[len(root) + 1 :])
    if dotted.startswith("tensorflow.python.data.ops.dataset_ops."):
        return "tensorflow.data." + dotted.rpartition(".")[2]
    if dotted.startswith("numpy.core."):
        return "numpy." + dotted.rpartition(".")[2]
    return dotted


def _keras(rest: str) -> str:
    if rest in _MOVED:
        return "keras." + _MOVED[rest]
    parts = rest.split(".")
    if len(parts) > 2 and parts[0] in _FLAT and parts[-1][:1].isupper():
        parts = [parts[0], parts[-1]]
        if ".".join(parts) in _MOVED:
            return "keras." + _MOVED[".".join(parts)]
    if parts[0] == "applications" and parts[-1][:1].isupper():
        parts = ["applications", parts[-1]]
    if parts[-1] in _MODEL_HOMES and parts[0] in ("models", "engine", "training"):
        parts = [parts[-1]]
    return "keras." + ".".join(parts)


STAR_NAMES: dict[str, str] = {
    name: f"keras.{home}{name}"
    for home, names in {
        "": "Model Sequential Input",
        "callbacks.": "ModelCheckpoint EarlyStopping ReduceLROnPlateau TensorBoard CSVLogger LearningRateScheduler History "
        "LambdaCallback TerminateOnNaN BackupAndRestore RemoteMonitor ProgbarLogger BaseLogger Callback",
        "models.": "load_model clone_model model_from_json",
        "utils.": "to_categorical load_img img_to_array image_dataset_from_directory text_dataset_from_directory "
        "timeseries_dataset_from_array",
        "layers.": "Dense Conv1D Conv2D Conv3D LSTM GRU Embedding Dropout Flatten BatchNormalization Activation Lambda "
        "MaxPooling2D GlobalAveragePooling2D Bidirectional TimeDistributed Reshape Concatenate Add",
    }.items()
    for name in names.split()
}
"""What ``from keras.… import *`` brings, for the names that rules ask for."""
