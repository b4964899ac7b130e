"""Programs that train without fit(): told at once, at their line, instead of being trained until time is up."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from kerasmem_lint.footprint import FootprintError, Setup, TrainingProgram, estimate
from kerasmem_lint.knowledge import gpus

pytestmark = pytest.mark.framework

HEAD = """
import keras, numpy as np
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
optimizer = keras.optimizers.Adam()
"""
TENSORFLOW = """
import tensorflow as tf
@tf.function
def step(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(x))
    grads = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(grads, model.trainable_variables))
while True:
    step(tf.zeros((3, 4)))
"""
JAX = """
import jax
optimizer.build(model.trainable_variables)
values = [v.value for v in model.trainable_variables]
while True:
    values, _ = optimizer.stateless_apply(optimizer.variables, values, values)
"""
TORCH = """
import torch
optimizer = torch.optim.SGD(model.parameters(), 0.1)
while True:
    model(np.zeros((3, 4), "float32")).sum().backward()
    optimizer.step()
"""


@pytest.mark.parametrize(("backend", "loop", "line"), [("tensorflow", TENSORFLOW, 14), ("jax", JAX, 10), ("torch", TORCH, 10)])
def test_a_loop_of_the_programs_own_is_refused_where_it_updates_its_weights(backend, loop, line, tmp_path: Path):
    if importlib.util.find_spec(backend) is None or importlib.util.find_spec("keras") is None:
        pytest.skip(f"keras and {backend} are not installed")
    (tmp_path / "train.py").write_text(HEAD + loop)
    program = TrainingProgram(script="train.py", directory=str(tmp_path), backend=backend)
    with pytest.raises(FootprintError) as caught:
        estimate(program, Setup(timeout=60, cached=False), gpus.find("T4"))
    assert str(caught.value).startswith("train.py: the program trains in a loop of its own, which is not followed; make")
    assert ("train.py", line) == (caught.value.file, caught.value.line)
