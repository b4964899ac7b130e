"""The graph engine, in a process of its own: the backend of Keras is chosen once per process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from programs import LINES_OF_NESTED, NESTED

from kerasmem_lint.footprint import Setup, TrainingProgram, estimate
from kerasmem_lint.knowledge import gpus

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.framework,
    pytest.mark.skipif(find_spec("tensorflow") is None or find_spec("keras") is None, reason="needs keras and tensorflow"),
]


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Everything that can be asked of small graphs in one process: see :func:`child`."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | {"KERAS_BACKEND": "tensorflow", "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_a_real_step_on_one_thread_takes_what_the_engine_says(answers: dict[str, Any]) -> None:
    # oneDNN turns the operands of matrix products over into scratch of its own, 26 to 44 MB of it, which no GPU does: hence the width.
    assert answers["deep"]["estimate"] == pytest.approx(answers["deep"]["truth"], rel=0.35)


def test_weights_and_slots_are_held_from_the_start_to_the_end(answers: dict[str, Any]) -> None:
    weights = 4 * (512 * 2048 + 2048 + 2048 * 8 + 8)
    assert answers["dense"]["at_start"]["weights"] == weights
    assert answers["dense"]["at_start"]["slots"] == 2 * weights + 8 + 4
    assert answers["dense"]["at_end"]["weights"] == weights
    assert answers["dense"]["at_end"]["slots"] == 2 * weights + 8 + 4


def test_every_weight_has_its_gradient_in_its_layer(answers: dict[str, Any]) -> None:
    assert answers["dense"]["gradients"] == {"net/first": 4 * (512 * 2048 + 2048), "net/second": 4 * (2048 * 8 + 8)}


def test_an_element_wise_chain_writes_into_one_buffer(answers: dict[str, Any]) -> None:
    assert answers["chain"] == {"new_buffers": 1, "ends": True}


def test_the_gradient_of_a_cross_entropy_is_written_over_its_logits(answers: dict[str, Any]) -> None:
    assert answers["cross_entropy"] == {"sparse": 0, "dense": 0, "logits_read_again": 1}


def test_adding_to_a_variable_that_is_being_read_makes_a_copy(answers: dict[str, Any]) -> None:
    assert answers["update"] == {"while_read": 1, "unread": 0}


def test_assigning_takes_the_buffer_of_the_value(answers: dict[str, Any]) -> None:
    assert answers["assign"] == {"alive": 4096 * 4}


def test_a_multiplication_by_one_is_not_there(answers: dict[str, Any]) -> None:
    assert answers["by_one"] == {"new_buffers": 0}


def test_a_loop_keeps_one_buffer_a_round_and_gives_them_back(answers: dict[str, Any]) -> None:
    # 7 rounds of (4, 3) floats: pushed, then stacked into one array.
    assert answers["loop"]["peak"] >= 2 * 7 * 4 * 3 * 4
    assert answers["loop"]["left"] == 0


GENERATOR = """
import keras, numpy, tensorflow as tf
from keras import layers

class Adversaries(keras.Model):
    def __init__(self):
        super().__init__()
        self.maker = keras.Sequential([keras.Input((16,)), layers.Dense(512), layers.Dense(64)])
        self.judge = keras.Sequential([keras.Input((64,)), layers.Dense(512), layers.Dense(1)])
        self.own_optimizer = keras.optimizers.Adam()

    def train_step(self, data):
        with tf.GradientTape() as tape:
            made = self.maker(tf.random.normal((20, 16)))
            loss = tf.reduce_mean(tf.square(self.judge(made)))
        variables = self.maker.trainable_variables
        self.own_optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return {"loss": loss}

model = Adversaries()
model.compile("rmsprop", jit_compile=False)
model.fit(numpy.zeros((100, 64), "float32"), batch_size=20)
"""


def test_a_model_with_a_train_step_and_no_call_is_followed(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(GENERATOR)
    program = TrainingProgram(script="train.py", backend="tensorflow", directory=str(tmp_path))
    found = estimate(program, Setup(timeout=240, cached=False), gpus.find("T4"))
    maker = 4 * (16 * 512 + 512 + 512 * 64 + 64)
    judge = 4 * (64 * 512 + 512 + 512 + 1)
    assert found.engine == "graph"
    assert dict(found.by_category)["weights"] == maker + judge
    assert dict(found.by_category)["slots"] == pytest.approx(2 * maker, abs=64)  # of what it trains, and nothing else


def test_the_layers_of_a_functional_model_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(NESTED)
    program = TrainingProgram(script="train.py", backend="tensorflow", directory=str(tmp_path))
    found = estimate(program, Setup(timeout=240, cached=False), gpus.find("T4"))
    lines = {layer.path: layer.line for layer in found.by_layer if layer.path}
    assert found.engine == "graph"
    assert {path: line for path, line in lines.items() if path != "each"} == LINES_OF_NESTED


def child() -> None:
    """Prints the answers to all of the above."""
    import keras
    import tensorflow as tf

    from kerasmem_lint.footprint import allocator
    from kerasmem_lint.footprint.child.capture import Spec
    from kerasmem_lint.footprint.child.graph_player import HeldVariable, Player
    from kerasmem_lint.footprint.child.trace_graph import trace_step
    from kerasmem_lint.footprint.events import Trace

    def alive(trace: Trace, last_step: int) -> dict[str, int]:
        buffers = {buffer.id: buffer for buffer in trace.buffers}
        held: dict[str, int] = {}
        for event in trace.events:
            if event.step <= last_step:
                buffer = buffers[event.buffer]
                size = buffer.bytes if event.kind == "alloc" else -buffer.bytes
                held[buffer.category] = held.get(buffer.category, 0) + size
        return held

    def by_layer(trace: Trace, category: str) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for buffer in trace.buffers:
            if buffer.category == category:
                sizes[buffer.layer] = sizes.get(buffer.layer, 0) + buffer.bytes
        return sizes

    def play(function: Any, *inputs: Any, variable: Any = None) -> Trace:
        graph = function.get_concrete_function(*inputs).graph
        player = Player({}, {}, tf)
        held = player.holds(variable, "weights", "") if variable is not None else None
        values = [held if tensor.dtype == tf.resource else player.begins(tensor, "batch") for tensor in graph.inputs]
        assert held is None or isinstance(held, HeldVariable)
        player.starts()
        for value in player.play(graph, values):
            player._release(value)
        return Trace("graph", "tensorflow", *player.result(), player.notes())

    def made(trace: Trace, large: int = 1000) -> int:
        return sum(buffer.phase != "state" and buffer.bytes >= large for buffer in trace.buffers)

    def left(trace: Trace) -> int:
        return sum(alive(trace, sys.maxsize).values()) - sum(b.bytes for b in trace.buffers if b.op in ("Const", "variable"))

    tf.config.threading.set_inter_op_parallelism_threads(1)
    answers: dict[str, Any] = {}
    layers = [keras.layers.Dense(2048, activation="relu", name="first"), keras.layers.Dense(8, name="second")]
    model = keras.Sequential([keras.Input((512,)), *layers], name="net")
    model.compile("adam", "mse", jit_compile=False)
    trace = trace_step(model, Spec((256, 512), "float32"), Spec((256, 8), "float32"))
    answers["dense"] = {
        "at_start": alive(trace, 0),
        "at_end": alive(trace, sys.maxsize),
        "gradients": by_layer(trace, "gradients"),
    }

    deep = keras.Sequential([keras.Input((512,)), *[keras.layers.Dense(512, activation="tanh") for _ in range(6)]])
    deep.compile("sgd", "mse", jit_compile=False)
    shape = (4000, 512)
    estimate = allocator.bfc(trace_step(deep, Spec(shape, "float32"), Spec(shape, "float32"))).allocated
    batch = (tf.ones(shape), tf.ones(shape))  # the threads of a tf.data iterator would hold later ones
    step = tf.function(deep.train_step)
    step(batch)
    peaks = []
    for _ in range(5):
        tf.config.experimental.reset_memory_stats("CPU:0")
        step(batch)
        peaks.append(tf.config.experimental.get_memory_info("CPU:0")["peak"])
    answers["deep"] = {"estimate": estimate, "truth": statistics.median(peaks)}  # no two steps are the same

    spec = tf.TensorSpec((4096,))
    chain = play(tf.function(lambda x: tf.exp(tf.sqrt(tf.nn.relu(x * x + 1.0)))), spec)
    answers["chain"] = {"new_buffers": made(chain), "ends": left(chain) == 0}
    answers["by_one"] = {"new_buffers": made(play(tf.function(lambda x: x * 1.0 + 0.0), spec))}

    logits, labels = tf.TensorSpec((64, 256)), tf.TensorSpec((64,), tf.int32)

    def sparse(x: Any, y: Any) -> Any:
        return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=x * x, labels=y).backprop

    def dense(x: Any, y: Any) -> Any:
        return tf.raw_ops.SoftmaxCrossEntropyWithLogits(features=x * x, labels=y).backprop

    def read_again(x: Any, y: Any) -> Any:
        x = x * x
        return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=x, labels=y).backprop, x

    answers["cross_entropy"] = {
        "sparse": made(play(tf.function(sparse), logits, labels)) - 1,  # less the logits
        "dense": made(play(tf.function(dense), logits, logits)) - 1,
        "logits_read_again": made(play(tf.function(read_again), logits, labels)) - 1,
    }

    variable = tf.Variable(tf.zeros((4096,)))

    @tf.function
    def while_read(x: Any) -> Any:
        before = variable.read_value()
        variable.assign_add(x)
        return before

    @tf.function
    def unread(x: Any) -> None:
        variable.assign_add(x)

    @tf.function
    def assign(x: Any) -> None:
        variable.assign(x * 2.0)

    def copies(trace: Trace) -> int:
        return sum(buffer.op == "copy" for buffer in trace.buffers)

    answers["update"] = {
        "while_read": copies(play(while_read, spec, variable=variable)),
        "unread": copies(play(unread, spec, variable=variable)),
    }
    assigned = play(assign, spec, variable=variable)
    answers["assign"] = {"alive": alive(assigned, sys.maxsize)["weights"]}

    @tf.function
    def loop(x: Any) -> Any:
        rounds = tf.TensorArray(tf.float32, 7)
        for i in tf.range(7):
            x = tf.tanh(x @ tf.eye(3))
            rounds = rounds.write(i, x)
        return rounds.stack()

    looped = play(loop, tf.TensorSpec((4, 3)))
    live = peak = 0
    sizes = {buffer.id: buffer.bytes for buffer in looped.buffers}
    for event in looped.events:
        live += sizes[event.buffer] if event.kind == "alloc" else -sizes[event.buffer]
        peak = max(peak, live)
    answers["loop"] = {"peak": peak, "left": left(looped)}
    print(json.dumps(answers))


if __name__ == "__main__":
    child()
