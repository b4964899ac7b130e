"""What a finding says when the same rule has more than one thing to say."""

from __future__ import annotations

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
