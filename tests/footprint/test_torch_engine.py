"""The torch engine, in processes of its own: the backend of Keras is chosen once per process."""

from __future__ import annotations

import json
import os
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
TOOL = ROOT / "tools" / "cpu_truth.py"

pytestmark = [
    pytest.mark.framework,
    pytest.mark.skipif(find_spec("torch") is None or find_spec("keras") is None, reason="needs keras and torch"),
]


def answer_of(*command: str) -> Any:
    """What a process with the torch backend prints on its last line, as JSON."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *command],
        env=os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    """Everything that can be asked of small models in one process: see :func:`child`."""
    return answer_of(__file__)


def test_the_trace_has_the_peak_of_torchs_own_allocator() -> None:
    truth = answer_of(str(TOOL), "torch", "subclassed:64", "--truth")["truth"]
    estimate = answer_of(str(TOOL), "torch", "subclassed:64", "--estimate")["estimate"]
    assert estimate == pytest.approx(truth, rel=0.005)


def test_632_million_parameters_take_no_memory() -> None:
    answer = answer_of(str(TOOL), "torch", "large:8", "--estimate")
    assert answer["estimate"] > 8e9
    assert answer["rss_growth"] < 200e6


def test_weights_slots_and_gradients_are_counted_to_the_byte(answers: dict[str, Any]) -> None:
    weights = 4 * (16 * 64 + 64 + 64 * 8 + 8)
    held = answers["dense"]["held_at_start"]
    assert held["weights"] == weights
    assert held["slots"] == 2 * weights + 4 + 4  # Adam's moments, its step counter and its learning rate
    assert held["batch"] == 4 * (32 * 16 + 32 * 8)
    assert held["gradients"] == weights


def test_the_gradients_of_the_step_before_end_when_the_backward_pass_has_not_begun(answers: dict[str, Any]) -> None:
    assert answers["dense"]["old_gradients_end_before_backward"]
    assert answers["dense"]["new_gradients_outlive_the_step"]


def test_a_buffer_knows_its_layer_in_both_passes(answers: dict[str, Any]) -> None:
    layers = answers["dense"]["layers"]
    assert layers["forward"] == ["net/first", "net/second"]
    assert layers["backward"] == ["net/first", "net/second"]
    assert layers["weights"] == layers["slots"] == layers["gradients"] == ["net/first", "net/second"]


def test_activations_are_what_lives_from_the_forward_into_the_backward_pass(answers: dict[str, Any]) -> None:
    # The hidden layer after its relu, kept for the matrix product and for the relu, and the small ends of the loss.
    assert answers["dense"]["activations"] >= 4 * 32 * 64
    assert answers["dense"]["activations"] < 3 * 4 * 32 * 64


def test_the_model_is_left_as_it_was(answers: dict[str, Any]) -> None:
    assert answers["dense"]["same_tensors"]
    assert answers["dense"]["trains_afterwards"]


def test_a_third_step_is_like_the_second(answers: dict[str, Any]) -> None:
    assert answers["dense"]["peak"] == answers["dense"]["peak_of_third_step"]


def test_a_step_that_branches_on_a_value_goes_on_and_says_so(answers: dict[str, Any]) -> None:
    assert any("branches on the value" in note for note in answers["asks"]["notes"])


def test_a_shape_that_depends_on_values_is_one_clear_line(answers: dict[str, Any]) -> None:
    assert answers["depends"].startswith("aten.nonzero makes a tensor whose shape depends on values")
    assert "\n" not in answers["depends"]


def test_a_wrapped_torch_module_is_followed_like_a_layer(answers: dict[str, Any]) -> None:
    assert answers["wrapped"]["held_at_start"]["weights"] == 4 * (16 * 8 + 8)
    assert answers["wrapped"]["held_at_start"]["gradients"] == 4 * (16 * 8 + 8)


def test_a_lazy_variable_reads_as_zeros_and_is_checked_but_not_written(answers: dict[str, Any]) -> None:
    assert answers["lazy"] == {
        "shape": [300, 300],
        "bytes": 4,
        "sum": 0.0,
        "sum_after_assignment": 0.0,
        "wrong_shape": True,
        "small_is_real": True,
    }


def test_a_dropout_mask_has_one_byte_an_element_on_cuda_and_four_on_the_cpu(answers: dict[str, Any]) -> None:
    assert answers["dropout"] == {"cuda": 32 * 1024, "cpu": 4 * 32 * 1024}


def test_a_default_lstm_is_cudnns_on_cuda_and_a_loop_on_the_cpu(answers: dict[str, Any]) -> None:
    assert answers["lstm"]["reserve"] == 6 * 50 * 32 * 64 * 4
    assert answers["lstm"]["buffers_cuda"] < answers["lstm"]["buffers_cpu"] / 5
    assert answers["gru"]["reserve"] == 5 * 50 * 32 * 64 * 4
    assert answers["gru"]["buffers_cuda"] < answers["gru"]["buffers_cpu"] / 5
    assert answers["gru"]["gradients"] == answers["gru"]["weights"]


def test_the_gradient_of_an_lstms_bias_keeps_all_of_cudnns_gradients(answers: dict[str, Any]) -> None:
    # cuDNN returns one array; the bias takes its part of it as it is, the kernels take transposed copies.
    assert answers["lstm"]["gradients"] == 2 * answers["lstm"]["weights"] - 4 * (64 + 1)


def test_an_lstm_with_another_activation_stays_a_loop(answers: dict[str, Any]) -> None:
    assert answers["relu_lstm"]["reserve"] == 0


def test_a_train_step_of_ones_own_gets_the_batch_as_keras_gives_it(answers: dict[str, Any]) -> None:
    assert answers["own_step"]["parts"] == 2
    assert answers["own_step"]["gradients"] == 4 * (16 * 8 + 8)


DEPENDS_ON_VALUES = """
import keras, numpy
class Chosen(keras.layers.Layer):
    def call(self, x):
        return x if x.is_meta else x[x.sum(1).nonzero().squeeze(1)]
model = keras.Sequential([keras.Input((16,)), Chosen(), keras.layers.Dense(8)])
model.compile("sgd", "mse")
model.fit(numpy.ones((64, 16), "float32"), numpy.ones((64, 8), "float32"))
"""


def test_a_step_that_cannot_be_followed_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(DEPENDS_ON_VALUES)
    done = subprocess.run(
        [sys.executable, "-m", "kerasmem_lint", "footprint", "train.py", "--gpu", "T4", "--no-cache"],
        env=os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": str(ROOT), "KERASMEM_LINT_CACHE": str(tmp_path / "cache")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (2, "") == (done.returncode, done.stdout)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("kerasmem-lint: error: ")]
    assert line == done.stderr.splitlines()[-1]
    assert "train.py: aten.nonzero makes a tensor whose shape depends on values" in line
    assert "force --engine bound" in line


PROGRAM = """
import keras, numpy, torch
from keras import layers

def net(inputs, outputs):
    return keras.Sequential([keras.Input((inputs,)), layers.Dense(512), layers.Dense(outputs)])

class Adversaries(keras.Model):
    def __init__(self):
        super().__init__()
        self.maker, self.judge = net(16, 64), net(64, 1)

    def compile(self):
        super().compile(optimizer=None)
        self.{kept}

    def call(self, noise):
        return self.judge(self.maker(noise))

    def learn(self, model, optimizer, loss):
        self.zero_grad()
        loss.backward()
        with torch.no_grad():
            optimizer.apply([weight.value.grad for weight in model.trainable_weights], model.trainable_weights)

    def train_step(self, data):
        self.learn(self.maker, self.{first}, self.judge(self.maker(torch.zeros((20, 16)))).mean())
        self.learn(self.judge, self.{second}, self.judge(self.maker(torch.zeros((20, 16)))).mean())
        return {{}}

model = Adversaries()
model.compile()
model.fit(numpy.zeros((100, 16), "float32"), batch_size=20)
"""


@pytest.mark.parametrize(
    ("kept", "first", "second"),
    [
        ("a, self.b = keras.optimizers.Adam(), keras.optimizers.Adam()", "a", "b"),
        ("all = [keras.optimizers.Adam(), keras.optimizers.Adam()]", "all[0]", "all[1]"),
        ("all = {'a': keras.optimizers.Adam(), 'b': keras.optimizers.Adam()}", "all['a']", "all['b']"),
        ("maker.compile('adam'); self.judge.compile('adam')", "maker.optimizer", "judge.optimizer"),
    ],
    ids=["attributes", "list", "dictionary", "the models' own"],
)
def test_the_slots_of_every_optimizer_count_wherever_it_is_kept(kept, first, second, tmp_path):
    (tmp_path / "train.py").write_text(PROGRAM.format(kept=kept, first=first, second=second))
    program = TrainingProgram(script="train.py", backend="torch", directory=str(tmp_path))
    found = estimate(program, Setup(timeout=240, cached=False), gpus.find("T4"))
    weights = 4 * (16 * 512 + 512 + 512 * 64 + 64 + 64 * 512 + 512 + 512 + 1)
    parts = dict(found.by_category)
    assert (weights, 2 * weights + 2 * 2 * 4) == (parts["weights"], parts["slots"])  # two counters and learning rates as well


def test_the_layers_of_a_functional_model_are_told_apart(tmp_path):
    (tmp_path / "train.py").write_text(NESTED)
    program = TrainingProgram(script="train.py", backend="torch", directory=str(tmp_path))
    found = estimate(program, Setup(timeout=240, cached=False), gpus.find("T4"))
    lines = {layer.path: layer.line for layer in found.by_layer if layer.path}
    assert {path: line for path, line in lines.items() if path != "each"} == LINES_OF_NESTED


def child() -> None:
    """Prints the answers to all of the above."""
    import keras
    import numpy
    import torch

    from kerasmem_lint.errors import KerasmemError
    from kerasmem_lint.footprint.child import lazy_torch, trace_torch
    from kerasmem_lint.footprint.child.capture import Spec
    from kerasmem_lint.footprint.events import Trace

    def summary(trace: Trace) -> dict[str, Any]:
        buffers = {buffer.id: buffer for buffer in trace.buffers}
        held: dict[str, int] = {}
        live = peak = 0
        ends, first_backward = {}, None
        for place, event in enumerate(trace.events):
            buffer = buffers[event.buffer]
            live += buffer.bytes if event.kind == "alloc" else -buffer.bytes
            peak = max(peak, live)
            if event.kind == "free":
                ends[event.buffer] = place
            elif event.step == 0:
                held[buffer.category] = held.get(buffer.category, 0) + buffer.bytes
            elif buffer.phase == "backward" and first_backward is None:
                first_backward = place
        at_start = {event.buffer for event in trace.events if event.step == 0}
        gradients = [buffer for buffer in trace.buffers if buffer.category == "gradients"]
        old = [buffer for buffer in gradients if buffer.id in at_start]
        new = [buffer for buffer in gradients if buffer.id not in at_start]

        def layers(chosen: list[Any]) -> list[str]:
            return sorted({buffer.layer for buffer in chosen if buffer.layer.count("/")})

        return {
            "held_at_start": held,
            "peak": peak,
            "notes": trace.notes,
            "activations": sum(buffer.bytes for buffer in trace.buffers if buffer.category == "activations"),
            "old_gradients_end_before_backward": bool(old) and all(ends[buffer.id] < (first_backward or 0) for buffer in old),
            "new_gradients_outlive_the_step": bool(new) and not any(buffer.id in ends for buffer in new),
            "layers": {phase: layers([b for b in trace.buffers if b.phase == phase]) for phase in ("forward", "backward")}
            | {
                category: layers([b for b in trace.buffers if b.category == category])
                for category in ("weights", "slots", "gradients")
            },
        }

    def dense() -> Any:
        layers = [keras.layers.Dense(64, activation="relu", name="first"), keras.layers.Dense(8, name="second")]
        model = keras.Sequential([keras.Input((16,)), *layers], name="net")
        model.compile("adam", "mse")
        return model

    specs = Spec((32, 16), "float32"), Spec((32, 8), "float32")
    answers: dict[str, Any] = {}
    model = dense()
    before = [id(variable._value) for variable in model.variables]
    answers["dense"] = summary(trace_torch.trace_step(model, *specs))
    answers["dense"]["same_tensors"] = before == [id(variable._value) for variable in model.variables]
    loss = model.train_on_batch(numpy.ones((32, 16), "float32"), numpy.ones((32, 8), "float32"))
    answers["dense"]["trains_afterwards"] = bool(numpy.isfinite(loss))
    trace_torch.STEPS = 3
    answers["dense"]["peak_of_third_step"] = summary(trace_torch.trace_step(dense(), *specs))["peak"]
    trace_torch.STEPS = 2

    class Asks(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x * 2 if x.is_meta or x.sum() > 0 else x

    class Depends(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x if x.is_meta else x[x.sum(1).nonzero().squeeze(1)]

    def with_layer(layer: Any) -> Any:
        model = keras.Sequential([keras.Input((16,)), layer, keras.layers.Dense(8)])
        model.compile("sgd", "mse")
        return model

    answers["asks"] = summary(trace_torch.trace_step(with_layer(Asks()), *specs))
    try:
        trace_torch.trace_step(with_layer(Depends()), *specs)
    except KerasmemError as error:
        answers["depends"] = str(error)
    wrapped = keras.Sequential([keras.Input((16,)), keras.layers.TorchModuleWrapper(torch.nn.Linear(16, 8))])
    wrapped.compile("sgd", "mse")
    answers["wrapped"] = summary(trace_torch.trace_step(wrapped, *specs))

    class OwnStep(keras.Model):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:
            answers["own_step"]["parts"] = len(data)
            x, y = data
            self.zero_grad()
            loss = ((self(x) - y) ** 2).mean()
            loss.backward()
            weights = self.trainable_weights
            with torch.no_grad():
                self.optimizer.apply([weight.value.grad for weight in weights], weights)
            return {"loss": loss}

    inputs = keras.Input((16,))
    own = OwnStep(inputs, keras.layers.Dense(8)(inputs))
    own.compile("sgd")
    answers["own_step"] = {}
    answers["own_step"]["gradients"] = summary(trace_torch.trace_step(own, *specs))["held_at_start"]["gradients"]

    ends = [keras.layers.Dense(1024), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    wide = keras.Sequential([keras.Input((8,)), *ends])
    wide.compile("sgd", "mse")
    answers["dropout"] = {}
    for device in ("cuda", "cpu"):
        trace = trace_torch.trace_step(wide, Spec((32, 8), "float32"), Spec((32, 1), "float32"), device=device)
        kept = [b for b in trace.buffers if b.layer.endswith("dropout") and b.category == "activations"]
        answers["dropout"][device] = min(buffer.bytes for buffer in kept)

    for name, layer in (
        ("lstm", keras.layers.LSTM(64)),
        ("gru", keras.layers.GRU(64)),
        ("relu_lstm", keras.layers.LSTM(64, activation="relu")),
    ):
        recurrent = keras.Sequential([keras.Input((50, 16)), layer, keras.layers.Dense(1)])
        recurrent.compile("sgd", "mse")
        recurrent_specs = Spec((32, 50, 16), "float32"), Spec((32, 1), "float32")
        trace = trace_torch.trace_step(recurrent, *recurrent_specs)
        loop = trace_torch.trace_step(recurrent, *recurrent_specs, device="cpu")
        held = summary(trace)["held_at_start"]
        answers[name] = {
            "reserve": sum(buffer.bytes for buffer in trace.buffers if buffer.category == "workspace"),
            "buffers_cuda": len(trace.buffers),
            "buffers_cpu": len(loop.buffers),
            "weights": held["weights"],
            "gradients": sum(b.bytes for b in trace.buffers if b.category == "gradients") // 2,
        }

    with lazy_torch.lazy_variables():
        large = keras.Variable(initializer="glorot_uniform", shape=(300, 300))
        small = keras.Variable(initializer="ones", shape=(3,))
    answers["lazy"] = {
        "shape": list(numpy.array(large).shape),
        "bytes": large.value.untyped_storage().nbytes(),
        "sum": float(numpy.array(large).sum()),
        "small_is_real": float(numpy.array(small).sum()) == 3,
    }
    large.assign(numpy.ones((300, 300), "float32"))
    answers["lazy"]["sum_after_assignment"] = float(numpy.array(large).sum())
    try:
        large.assign(numpy.ones((300, 299), "float32"))
    except ValueError:
        answers["lazy"]["wrong_shape"] = True
    print(json.dumps(answers))


if __name__ == "__main__":
    child()
