"""What a finding says when the same rule has more than one thing to say."""

from __future__ import annotations

import json

from kerasmem_lint.api import check_source
from kerasmem_lint.config import Settings

MODEL = "from tensorflow import keras\nmodel = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])\n"
EARLY = "stop = keras.callbacks.EarlyStopping(patience=3{})\nmodel.fit(data, epochs=50, callbacks=[stop])\n"


def messages(code: str, program: str) -> list[str]:
    report = check_source("train.py", program, Settings(select=(code,)))
    assert report.problems == ()
    return [diagnostic.message for diagnostic in report.diagnostics]


def test_early_stopping_keeps_weights_only_when_it_restores_them() -> None:
    said = messages("KM301", MODEL + EARLY.format(", restore_best_weights=True"))
    assert ["`fit` trains for 50 epochs and `EarlyStopping` keeps its best weights in memory only"] == said
    assert ["`fit` trains for 50 epochs and nothing saves the model"] == messages("KM301", MODEL + EARLY.format(""))


def test_a_model_that_is_saved_after_the_training_is_not_called_unsaved() -> None:
    said = messages("KM301", f"{MODEL}model.fit(data, epochs=50)\nmodel.save('model.keras')\n")
    assert ["`fit` trains for 50 epochs and the model is saved only afterwards"] == said


def test_the_save_of_the_next_model_is_not_taken_for_that_of_the_first() -> None:
    program = f"{MODEL}model.fit(data, epochs=50)\nmodel = keras.Sequential()\nmodel.save('model.keras')\n"
    assert ["`fit` trains for 50 epochs and nothing saves the model"] == messages("KM301", program)


def test_a_shuffle_buffer_of_unknown_size_is_said_to_hold_batches() -> None:
    program = "import tensorflow as tf\nds = tf.data.TFRecordDataset(f).batch(32)\nds = ds.shuffle(size())\n"
    assert ["this shuffle buffer holds whole batches, not samples"] == messages("KM204", program)


def test_a_path_that_only_keras_3_refuses_is_said_to_be_so_where_the_file_does_not_tell() -> None:
    program = MODEL + "best = keras.callbacks.ModelCheckpoint('best.ckpt')\nmodel.fit(data, epochs=50, callbacks=[best])\n"
    refused = "Keras 3 refuses this path: a whole model must be saved to `*.keras`"
    assert [f"{refused} (Keras 3 assumed)"] == messages("KM302", program)
    assert [refused] == messages("KM302", "import os\nos.environ['KERAS_BACKEND'] = 'tensorflow'\n" + program)
    told = check_source("train.py", program, Settings(select=("KM302",), target_keras="3"))
    assert [(refused, "error")] == [(found.message, found.severity) for found in told.diagnostics]


def severities(program: str, path: str = "train.py") -> list[str]:
    report = check_source(path, program, Settings(select=("KM301",)))
    assert report.problems == ()
    return [diagnostic.severity for diagnostic in report.diagnostics]


MNIST = f"{MODEL}(x, y), _ = keras.datasets.mnist.load_data()\nmodel.fit(x.reshape(-1, 784) / 255.0, y, epochs={{}})\n"
IRIS = f"{MODEL}from sklearn.datasets import load_iris\niris = load_iris()\nmodel.fit(iris.data, iris.target, epochs=500)\n"
MOONS = f"{MODEL}from sklearn.datasets import make_moons\nx, y = make_moons(500)\nmodel.fit(x, y, epochs=500)\n"


def test_a_training_of_minutes_is_only_noted() -> None:
    assert ["info"] == severities(MNIST.format(20))
    assert ["warning"] == severities(MNIST.format(200))
    assert ["info"] == severities(IRIS)
    assert ["info"] == severities(MOONS)
    assert ["warning"] == severities(IRIS.replace("load_iris", "fetch_openml"))


def test_one_of_several_short_trainings_in_a_notebook_is_only_noted() -> None:
    fits = ["model.fit(data, epochs=20)\n", "model.fit(data, epochs=100)\n", "model.fit(data, epochs=20)\n"]
    cells = [{"cell_type": "code", "metadata": {}, "source": text} for text in (MODEL, *fits)]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    assert ["info", "warning", "info"] == severities(json.dumps(notebook), "train.ipynb")
    notebook["cells"] = cells[:-1]
    assert ["warning", "warning"] == severities(json.dumps(notebook), "train.ipynb")
    assert ["warning", "warning", "warning"] == severities(MODEL + "".join(fits))


def test_what_a_line_magic_times_is_reported_where_it_stands() -> None:
    sources = (MODEL, "x = 1\n%time history = model.fit(data, epochs=50)\n%matplotlib inline")
    cells = [{"cell_type": "code", "metadata": {}, "source": text} for text in sources]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (found,) = check_source("train.ipynb", json.dumps(notebook), Settings(select=("KM301",))).diagnostics
    assert (2, 2, 17) == (found.location.cell, found.location.line, found.location.column)
