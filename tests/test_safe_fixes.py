"""Fixes that are called safe: the program is run before and after, and prints the same figures to the last bit."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from examples import examples, with_keras
from test_fixtures import FILES

from kerasmem_lint.api import Settings, check_bytes, fix_bytes

TAPES = '''\
"""One gradient from a persistent tape: in a loop, traced, of given tensors, of a nest. The last, of a gradient, is left alone."""

import keras
import tensorflow as tf

tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(7)
x = tf.random.normal((16, 8))
y = tf.reduce_sum(x, axis=1, keepdims=True)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, activation="gelu"), keras.layers.Dense(1)])
optimizer = keras.optimizers.Adam(0.01)


def show(name, *tensors):
    """Every bit of some tensors."""
    for tensor in tensors:
        print(name, [float(value).hex() for value in tf.reshape(tensor, [-1])])


for epoch in range(4):
    with tf.GradientTape(persistent=True) as tape:  # in a loop
        loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    show("loop", loss, *gradients)


@tf.function
def step(x, y):
    with tf.GradientTape(
        watch_accessed_variables=True,
        persistent=True,  # traced
    ) as recorder:
        loss = tf.reduce_mean(tf.abs(model(x, training=True) - y))
    found = recorder.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(found, model.trainable_variables))
    return loss


for _ in range(3):
    show("traced", step(x, y))

point = tf.constant([1.0, 2.0, 3.0])
with tf.GradientTape(persistent=True, watch_accessed_variables=False) as given:
    given.watch(point)
    height = tf.reduce_sum(point**3)
show("given", height, given.gradient(height, point))

pair = {"a": tf.Variable(2.0), "b": [tf.Variable(3.0), tf.Variable(5.0)]}
with tf.GradientTape(persistent=True) as nested:
    product = pair["a"] * pair["b"][0] ** 2
slopes = nested.gradient(product, pair, unconnected_gradients="zero")
show("nested", slopes["a"], *slopes["b"])

with tf.GradientTape(persistent=True) as outer:
    outer.watch(point)
    with tf.GradientTape() as inner:
        inner.watch(point)
        height = tf.reduce_sum(tf.sin(point))
    slope = inner.gradient(height, point)
curvature = outer.gradient(slope, point)
show("second", curvature)
show("weights", *model.get_weights())
'''

COMMENTS = '''\
"""Suppressions that silence nothing, wherever a comment can stand. The word keras makes this a file to be checked."""

import ast


def total(values):  # noqa: KM301
    # kerasmem: ignore[KM101]
    result = 0.0
    for value in values:  # noqa: KM102
        # noqa: KM999
        if value % 2:
            # kerasmem: ignore[KM103] an odd one
            continue  # noqa: KM103, KM104
        result += (
            value  # noqa: KM201
            * 0.1
        )
    return result  # a note  # noqa: KM202


text = """
# noqa: KM301
"""  # noqa: KM303
pair = [
    1.5,  # noqa: KM401
    # noqa: KM402
    f"{total([2, 4])!r} # noqa: KM403",
]  # noqa: KM404
print(total(range(1000)).hex(), text.count("noqa"), pair, ast.literal_eval("[1]"))
# noqa: KM501
'''

PROGRAMS = {"KM003": COMMENTS, "KM501": TAPES}
"""Of each rule with a safe fix, a program that it fixes throughout."""


def output(program: str, folder: Path) -> str:
    """What the program prints, run as a script in a process of its own."""
    script = folder / "train.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def made_safe(code: str) -> tuple[str, int]:
    """The program of a rule after its safe fixes, and their number."""
    report, content, count = fix_bytes("train.py", PROGRAMS[code].encode(), Settings(select=(code, "KM")))
    assert () == report.problems
    assert [] == [diagnostic for diagnostic in report.diagnostics if diagnostic.code == code]
    return content.decode(), count


def test_a_program_prints_the_same_without_its_needless_suppressions(tmp_path: Path) -> None:
    program, count = made_safe("KM003")
    assert 13 == count
    assert 2 == program.count("noqa: KM"), "what stands in strings is text"
    assert output(PROGRAMS["KM003"], tmp_path) == output(program, tmp_path)


@pytest.mark.framework
def test_a_gradient_is_the_same_to_the_last_bit_without_a_persistent_tape(tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("needs tensorflow")
    program, count = made_safe("KM501")
    assert 4 == count
    assert 1 == program.count("persistent=True")
    before = output(PROGRAMS["KM501"], tmp_path)
    assert {"loop", "traced", "given", "nested", "second", "weights"} == {line.split()[0] for line in before.splitlines()}
    assert before == output(program, tmp_path)


def test_every_rule_whose_fix_is_called_safe_has_a_program_that_is_run() -> None:
    programs = [with_keras(example.plain) for example in examples("bad")]
    programs += [path.read_text(encoding="utf-8") for path in FILES] + list(PROGRAMS.values())
    safe = {
        diagnostic.code
        for program in programs
        for diagnostic in check_bytes("train.py", program.encode(), Settings(select=("KM",))).diagnostics
        if diagnostic.fix is not None and diagnostic.fix.applicability == "safe"
    }
    assert set(PROGRAMS) == safe
