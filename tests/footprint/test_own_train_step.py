"""Models with a train_step of their own get the batch in the form in which fit() hands it over."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from kerasmem_lint.footprint import Setup, TrainingProgram, estimate
from kerasmem_lint.knowledge import gpus

pytestmark = [
    pytest.mark.framework,
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in ("keras", "tensorflow", "jax_cuda12_plugin")),
        reason="the extras `xla` and `tensorflow` are not installed",
    ),
]

PROGRAM = """
import keras, numpy as np, tensorflow as tf
class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = keras.Sequential([keras.Input((16,)), keras.layers.Dense(16)])
    def call(self, x):
        return self.inner(x)
    def train_step(self, data):
        data = TAKE
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(data) - data) ** 2)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights))
        return {"loss": loss}
model = Own()
model.compile("sgd", jit_compile=JIT)
x = np.zeros((20, 16), "float32")
model.fit(GIVEN, batch_size=SIZE)
"""


@pytest.mark.parametrize("jit", [True, False])
@pytest.mark.parametrize(
    ("given", "size", "take"),
    [
        ("x", 5, "tf.reshape(data, (tf.shape(data)[0], data.shape[1]))"),
        ("tf.data.Dataset.from_tensor_slices(x).batch(5)", None, "data * tf.cast(data.dtype.is_floating, data.dtype)"),
        ("tf.data.Dataset.from_tensor_slices((x,)).batch(5)", None, "data[0] + 0 * len(data)"),
        ("x, x", 5, "data[0] + data[1]"),
    ],
    ids=["array", "data set of tensors", "data set of tuples", "pair"],
)
def test_the_batch_comes_as_fit_hands_it_over(given, size, take, jit, tmp_path: Path):
    source = PROGRAM
    for name, text in {"TAKE": take, "JIT": jit, "GIVEN": given, "SIZE": size}.items():
        source = source.replace(name, str(text))
    (tmp_path / "train.py").write_text(source)
    program = TrainingProgram(script="train.py", directory=str(tmp_path), backend="tensorflow")
    found = estimate(program, Setup(timeout=120, cached=False), gpus.find("T4"))
    assert (5, "xla" if jit else "graph") == (found.batch, found.engine)
