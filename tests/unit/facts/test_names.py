"""Names to canonical names."""

from __future__ import annotations

import pytest
from program import Program

from kerasmem_lint.knowledge.names import canonical


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("tensorflow.keras.layers.Dense", "keras.layers.Dense"),
        ("tf_keras.models.Sequential", "keras.Sequential"),
        ("keras.api.models.Model", "keras.Model"),
        ("tensorflow.python.keras.engine.training.Model", "keras.Model"),
        ("tensorflow_core.python.keras.callbacks.EarlyStopping", "keras.callbacks.EarlyStopping"),
        ("keras.layers.core.Dense", "keras.layers.Dense"),
        ("keras.layers.Input", "keras.Input"),
        ("keras.utils.np_utils.to_categorical", "keras.utils.to_categorical"),
        ("tensorflow.keras.backend.clear_session", "keras.utils.clear_session"),
        ("tensorflow.keras.applications.resnet50.ResNet50", "keras.applications.ResNet50"),
        ("tensorflow.compat.v1.keras.models.load_model", "keras.models.load_model"),
        ("tensorflow.compat.v2.data.Dataset", "tensorflow.data.Dataset"),
        ("numpy.array", "numpy.array"),
        ("kerastuner.RandomSearch", "kerastuner.RandomSearch"),
    ],
)
def test_every_spelling_has_one_canonical_name(written: str, expected: str) -> None:
    assert expected == canonical(written)


@pytest.mark.parametrize(
    "program",
    [
        "import keras\nkeras.Sequential()",
        "import keras as k\nk.models.Sequential()",
        "from tensorflow import keras\nkeras.Sequential()",
        "import tensorflow as tf\ntf.keras.models.Sequential()",
        "import tensorflow as tf\nkeras = tf.keras\nkeras.Sequential()",
        "from keras.models import Sequential\nSequential()",
        "from keras.models import Sequential as S\nS()",
        "from tensorflow.keras.models import *\nSequential()",
        "import tensorflow.keras.models\ntensorflow.keras.models.Sequential()",
        "try:\n    from keras.models import Sequential\nexcept ImportError:\n    from tensorflow.keras.models import Sequential\nSequential()",
        "def f():\n    from keras import Sequential\n    return Sequential()",
    ],
)
def test_a_model_is_known_however_it_is_imported(program: str) -> None:
    facts = Program(program).facts
    assert ("keras.Sequential",) == facts.calls.names(facts.syntax.calls[-1])


@pytest.mark.parametrize(
    "program",
    [
        "import keras\ndef Sequential(): ...\nSequential()",
        "import keras\nimport other\nother.Sequential()",
        "import keras\ndef f(keras):\n    keras.Sequential()",
    ],
)
def test_a_name_of_the_files_own_is_not_taken_for_keras(program: str) -> None:
    facts = Program(program).facts
    assert "keras.Sequential" not in facts.calls.names(facts.syntax.calls[-1])


def test_a_canonical_name_is_written_as_the_file_would() -> None:
    name = "keras.callbacks.ModelCheckpoint"
    assert "tf.keras.callbacks.ModelCheckpoint" == Program("import tensorflow as tf\n").facts.names.spelled(name)
    assert "K.callbacks.ModelCheckpoint" == Program("import keras as K\n").facts.names.spelled(name)
    assert "callbacks.ModelCheckpoint" == Program("from keras import callbacks\n").facts.names.spelled(name)
    assert "keras.callbacks.ModelCheckpoint" == Program("import numpy\n").facts.names.spelled(name)
