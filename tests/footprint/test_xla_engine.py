"""The reference engine end to end: real programs, the real compiler, no GPU. Needs the extra ``xla``."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kerasmem_lint.footprint import FootprintError, Setup, TrainingProgram, estimate, estimate_all
from kerasmem_lint.footprint.account import Footprint
from kerasmem_lint.footprint.launch import run_child
from kerasmem_lint.knowledge import gpus

INSTALLED = all(importlib.util.find_spec(name) for name in ("keras", "jax", "jax_cuda12_plugin"))
TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
xla = pytest.mark.skipif(not INSTALLED, reason="the extra `xla` is not installed")
tensorflow = pytest.mark.skipif(not (INSTALLED and TENSORFLOW), reason="the extras `xla` and `tensorflow` are not installed")
pytestmark = pytest.mark.framework

MODELS = str(Path(__file__).parents[2] / "fixtures" / "models")
SETUP = Setup(timeout=240, cached=False)

HEAD = """
import numpy as np
import keras
from keras import layers
x, y = np.zeros((100, 16), "float32"), np.zeros((100,), "int32")
def make(width=32):
    model = keras.Sequential([keras.Input((16,)), layers.Dense(width), layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""


def script(tmp_path: Path, source: str, name: str = "train.py", **fields: object) -> TrainingProgram:
    """A program of this text, after the common head, on the JAX backend."""
    (tmp_path / name).write_text(HEAD + source)
    return TrainingProgram(script=name, directory=str(tmp_path), **{"backend": "jax", **fields})


def footprint(program: TrainingProgram, gpu: str = "T4", setup: Setup = SETUP) -> Footprint:
    """Its footprint, which adds up and agrees with the compiler."""
    found = estimate(program, replace(setup, full_compile=True), gpus.find(gpu))
    parts = dict(found.by_category)
    assert found.peak == sum(parts.values()) == sum(layer.bytes for layer in found.by_layer)
    assert found.peak - parts["fragmentation"] == found.compiler_peak
    return found


WEIGHTS = 4 * (16 * 32 + 32 + 32 * 3 + 3)


@xla
def test_a_script_is_estimated_at_its_own_batch_and_line(tmp_path, capfd):
    program = script(
        tmp_path, "model = make()\nmodel.fit(x, y, batch_size=20, validation_split=0.2, class_weight={0: 1., 1: 2., 2: 1.})\n"
    )
    found = footprint(program)
    parts = dict(found.by_category)
    assert ("xla", "jax", "T4", 20, "yes") == (found.engine, found.backend, found.gpu, found.batch, found.fits)
    assert (tmp_path / "train.py", 11) == (tmp_path / found.file, found.line)
    assert WEIGHTS == parts["weights"]
    assert 20 * (16 * 4 + 4 + 4) == parts["batch"]
    first = next(layer for layer in found.by_layer if layer.path.endswith("dense"))
    assert ("Dense", 7) == (first.kind, first.line)
    assert ("", "") == capfd.readouterr()


@xla
def test_the_second_answer_comes_from_the_cache_and_is_the_same(tmp_path):
    program = script(tmp_path, "make().fit(x, y)\n")
    stages = []
    first = estimate(program, Setup(progress=stages.append), gpus.find("T4"))
    assert stages
    stages.clear()
    assert first == estimate(program, Setup(progress=stages.append), gpus.find("T4"))
    assert [] == stages


@xla
def test_the_share_of_the_gpu_that_the_program_sets_counts(tmp_path):
    found = footprint(script(tmp_path, "import os\nos.environ['XLA_PYTHON_CLIENT_MEM_FRACTION'] = '.5'\nmake().fit(x, y)\n"))
    assert gpus.find("T4").memory // 2 == found.limit


@xla
@pytest.mark.parametrize("backend", ["jax", pytest.param("tensorflow", marks=tensorflow)])
def test_the_compiler_is_stopped_at_its_plan_and_that_is_the_plan_of_a_full_compile(backend, tmp_path):
    program = script(tmp_path, "make().fit(x, y)\n", backend=backend)
    found = estimate(program, SETUP, gpus.find("T4"))
    assert found.compiler_peak is None
    assert footprint(program) == replace(found, compiler_peak=found.peak - dict(found.by_category)["fragmentation"])


@xla
def test_another_batch_can_be_asked_for(tmp_path):
    found = footprint(script(tmp_path, "make().fit(x, y, batch_size=20)\n", batch_size=1000))
    assert 1000 == found.batch
    assert 1000 * (16 * 4 + 4) == dict(found.by_category)["batch"]
    assert any("the batch of 20 that the program uses was replaced by 1000" in text for text in found.assumptions)


@xla
def test_every_fit_is_reported_where_all_are_asked_for(tmp_path):
    source = (
        "a = make()\na.fit(x, y)\na.layers[0].trainable = False\na.compile('adam', a.loss)\na.fit(x, y)\nmake(64).fit(x, y)\n"
    )
    found = estimate_all(script(tmp_path, source), SETUP, gpus.find("T4"))
    assert [11, 14, 15] == [footprint.line for footprint in found]
    weights = [dict(footprint.by_category)["weights"] for footprint in found]
    assert [WEIGHTS, 4 * (32 * 3 + 3), 4 * (16 * 64 + 64 + 64 * 3 + 3)] == weights


OWN_FIT = """
class Mine(keras.Sequential):
    def fit(self, *args, **more):
        return super().fit(*args, **more)
model = Mine([layers.Dense(3)])
model.compile("sgd", "mse")
model.fit(x, np.zeros((100, 3), "float32"), 10)
"""
DATASET = """
class Data(keras.utils.PyDataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        return x[:25], y[:25]
make().fit(Data())
"""
GENERATOR = """
def batches():
    while True:
        yield x[:7], y[:7], np.ones((7,), "float32")
make().fit(batches(), steps_per_epoch=2)
"""
BROAD_EXCEPT = """
try:
    make().fit(x, y)
except:
    raise SystemExit(5)
"""
THREAD = """
import threading, time
threading.Thread(target=lambda: time.sleep(60)).start()
make().fit(x, y)
"""
CLOSED_DESCRIPTORS = """
import os
os.closerange(3, 4096)
make().fit(x, y)
"""
CLOSED_OUTPUT = """
import sys
sys.stdout.close()
try:
    make().fit(x, y)
except Exception:
    make(8).fit(x, y, batch_size=1)
"""
THREAD_AT_THE_END = """
import threading
threading.Thread(target=lambda: make().fit(x, y)).start()
"""
OTHER_PLATFORM = """
import os
os.environ["JAX_PLATFORMS"] = "cuda"
import jax
jax.config.update("jax_platforms", "gpu")
make().fit(x, y)
"""
FLAGS_OF_ITS_OWN = """
import os
os.environ["XLA_FLAGS"] = "--xla_dump_to=own --xla_dump_hlo_module_re=none --xla_dump_disable_metadata"
make().fit(x, y)
"""


@xla
def test_a_program_that_fails_after_its_first_step_keeps_what_was_found(tmp_path):
    source = "history = make().fit(x, y)\n{}['steps']\nmake().fit(x, y)\n"
    (found,) = estimate_all(script(tmp_path, source), SETUP, gpus.find("T4"))
    assert "after this step the program ended: KeyError: 'steps'; later steps are not reported" in found.assumptions


@xla
@pytest.mark.parametrize(
    ("source", "batch"),
    [
        ("make().train_on_batch(x, y)\n", 100),
        (BROAD_EXCEPT, 32),
        (THREAD, 32),
        (OWN_FIT, 10),
        (DATASET, 25),
        (GENERATOR, 7),
        (CLOSED_DESCRIPTORS, 32),
        (CLOSED_OUTPUT, 32),
        (THREAD_AT_THE_END, 32),
    ],
    ids=[
        "train_on_batch",
        "broad except",
        "thread",
        "own fit",
        "dataset",
        "generator with weights",
        "closed descriptors",
        "closed output",
        "thread at the end",
    ],
)
def test_a_step_is_found_however_training_begins(source, batch, tmp_path):
    assert batch == footprint(script(tmp_path, source)).batch


@xla
@pytest.mark.parametrize("source", [OTHER_PLATFORM, FLAGS_OF_ITS_OWN], ids=["platform", "flags"])
def test_what_a_program_sets_for_its_own_gpu_does_not_keep_the_compiler_from_its_plan(source, tmp_path):
    (tmp_path / "train.py").write_text(source.replace("make()", HEAD + "make()"))
    found = footprint(TrainingProgram(script="train.py", directory=str(tmp_path), backend="jax"))
    assert any(layer.path.endswith("dense") for layer in found.by_layer)


@xla
def test_a_program_that_leaves_as_it_should_has_come_to_its_end(tmp_path):
    source = "make().fit(x, y)\nimport sys\nsys.exit(0)\n"
    (found,) = estimate_all(script(tmp_path, source), SETUP, gpus.find("T4"))
    assert not any("the program ended" in text for text in found.assumptions)


@xla
def test_weights_are_shapes_only(tmp_path):
    source = (
        "model = make()\nmodel.set_weights([np.zeros(w.shape) for w in model.weights])\n"
        "model.load_weights('absent.weights.h5')\n"
        "keras.applications.MobileNetV2(weights='imagenet', input_shape=(32, 32, 3), include_top=False)\nmodel.fit(x, y)\n"
    )
    found = footprint(script(tmp_path, source))
    assert any("'absent.weights.h5'" in text and "no such file" in text for text in found.assumptions)
    assert any("published weights were not downloaded" in text for text in found.assumptions)


@xla
def test_assigning_a_wrong_shape_is_still_an_error(tmp_path):
    program = script(tmp_path, "model = make(1024)\nmodel.layers[0].kernel.assign(np.zeros((16, 1023)))\nmodel.fit(x, y)\n")
    with pytest.raises(FootprintError, match=r"\(16, 1023\) does not fit .*kernel of shape \(16, 1024\)"):
        estimate(program, SETUP, gpus.find("T4"))


@xla
def test_a_model_without_a_loss_is_the_programs_own_error(tmp_path):
    program = script(tmp_path, "keras.Sequential([layers.Dense(1)]).fit(x, y)\n")
    with pytest.raises(FootprintError, match=r"its training step cannot be followed: .*compile"):
        estimate(program, SETUP, gpus.find("T4"))


@xla
def test_an_entry_with_literal_shapes_needs_only_a_batch(tmp_path):
    (tmp_path / "models.py").write_text(HEAD)
    program = TrainingProgram(entry="models:make", batch_size=50, backend="jax", directory=str(tmp_path))
    assert 50 * (16 * 4 + 4) == dict(footprint(program).by_category)["batch"]


@xla
def test_an_entry_that_leaves_the_batch_open_asks_for_one(tmp_path):
    (tmp_path / "models.py").write_text(HEAD)
    with pytest.raises(FootprintError, match="leaves the batch open; say how large it is with --batch-size"):
        estimate(TrainingProgram(entry="models:make", backend="jax", directory=str(tmp_path)), SETUP, gpus.find("T4"))


@xla
def test_a_batch_that_the_model_is_not_built_for_is_refused(tmp_path):
    source = (
        "m = keras.Sequential([keras.Input(batch_shape=(10, 16)), layers.Dense(3)])\nm.compile('sgd', 'mse')\n"
        "m.fit(x, np.zeros((100, 3)), batch_size=10)\n"
    )
    with pytest.raises(FootprintError, match="the model is built for a batch of 10, not 64"):
        estimate(script(tmp_path, source, batch_size=64), SETUP, gpus.find("T4"))


TOO_LARGE = """
inputs = keras.Input((1,))
model = keras.Model(inputs, layers.Dense(2**31)(layers.Dense(2**31)(inputs)))
model.compile("sgd", "mse")
model.fit(x[:, :1], np.broadcast_to(np.float32(0), (100, 2**31)), batch_size=1)
"""


@tensorflow
def test_several_devices_are_refused_in_one_line(tmp_path):
    source = "import tensorflow as tf\nwith tf.distribute.MirroredStrategy().scope():\n    model = make()\nmodel.fit(x, y)\n"
    with pytest.raises(FootprintError, match=r"trains on several devices \(MirroredStrategy\), which is not followed"):
        estimate(script(tmp_path, source, backend="tensorflow"), SETUP, gpus.find("T4"))


@xla
def test_a_step_that_xla_refuses_is_one_line(tmp_path):
    with pytest.raises(FootprintError) as caught:
        estimate(script(tmp_path, TOO_LARGE), SETUP, gpus.find("T4"))
    assert "\n" not in str(caught.value)


@xla
def test_another_optimizer_is_a_variant(tmp_path):
    program = script(tmp_path, "make(2048).fit(x, y, batch_size=100)\n")
    plain = footprint(program)
    sgd = footprint(program, setup=Setup(cached=False, variant=(("optimizer", "sgd"),)))
    assert dict(plain.by_category)["slots"] > 2 * dict(plain.by_category)["weights"] > dict(sgd.by_category)["slots"] * 100


@xla
def test_the_slots_of_a_wrapped_optimizer_belong_to_their_layers(tmp_path):
    found = footprint(script(tmp_path, "keras.config.set_dtype_policy('mixed_float16')\nmake(512).fit(x, y)\n"))
    first = next(layer for layer in found.by_layer if layer.path.endswith("dense"))
    assert 2 * 4 * (16 * 512 + 512) == dict(first.by_category)["slots"]


ADVERSARIES = """
import tensorflow as tf

class Adversaries(keras.Model):
    def __init__(self):
        super().__init__()
        self.maker, self.judge = keras.Sequential([layers.Dense(512), layers.Dense(16)]), keras.Sequential([layers.Dense(1)])

    def compile(self):
        super().compile(optimizer=None, jit_compile=True)
        self.learners = {"maker": keras.optimizers.Adam(), "judge": [keras.optimizers.SGD(momentum=0.9)]}

    def call(self, noise):
        return self.judge(self.maker(noise))

    def train_step(self, noise):
        for model, learner in ((self.maker, self.learners["maker"]), (self.judge, self.learners["judge"][0])):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(self(noise))
            learner.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights))
        return {"loss": loss}

model = Adversaries()
model.compile()
model.fit(x)
"""


@tensorflow
def test_the_optimizers_of_adversaries_count_wherever_they_are_kept(tmp_path):
    found = footprint(script(tmp_path, ADVERSARIES, backend="tensorflow"))
    maker, judge = 4 * (16 * 512 + 512 + 512 * 16 + 16), 4 * (16 + 1)
    assert 2 * maker + judge + 2 * (8 + 4) == dict(found.by_category)["slots"]  # step counters and learning rates as well
    assert 3 * 4 * (16 * 512 + 512) <= max(layer.bytes for layer in found.by_layer if layer.path)


GROWTH = """
import json, math, resource, sys
from kerasmem_lint.footprint.child import capture, lazy, lower_jax
lazy.install({"keras.src.backend.jax.core": lazy.lazy_jax_variables})
import keras
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.path.insert(0, sys.argv[1])
found = capture.run_entry("zoo:large", 8, [], {})
lower_jax.build(found)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([sum(math.prod(variable.shape) for variable in found.model.trainable_variables), grown]))
"""


@xla
def test_600_million_parameters_take_no_memory_here():
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_SKIP_CUDA_CONSTRAINTS_CHECK": "1"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", GROWTH, MODELS], capture_output=True, text=True, env=environment, check=True)
    parameters, grown = json.loads(done.stdout.splitlines()[-1])
    assert parameters > 600_000_000
    assert grown < 200 << 10


@tensorflow
def test_tensorflow_is_exported_and_compiled_by_the_same_xla(tmp_path):
    found = footprint(script(tmp_path, "make().fit(x, y, batch_size=20)\n", backend="tensorflow"))
    assert ("xla", "tensorflow", 20) == (found.engine, found.backend, found.batch)
    assert WEIGHTS == dict(found.by_category)["weights"]


@tensorflow
def test_tensorflow_without_xla_is_followed_through_its_graph(tmp_path):
    source = "m = make()\nm.compile('adam', m.loss, jit_compile=False)\nm.fit(x, y, batch_size=20)\n"
    found = estimate(script(tmp_path, source, backend="tensorflow"), SETUP, gpus.find("T4"))
    assert "graph" == found.engine
    assert found.peak == sum(size for _, size in found.by_category)


@pytest.mark.skipif(not importlib.util.find_spec("tf_keras"), reason="needs tf_keras")
def test_keras_2_is_refused_before_it_trains(tmp_path):
    source = (
        "import numpy as np, tf_keras as keras\nm = keras.Sequential([keras.layers.Dense(1)])\nm.compile('sgd', 'mse')\n"
        "m.fit(np.zeros((9, 2)), np.zeros((9, 1)))\nopen('trained', 'w')\n"
    )
    (tmp_path / "train.py").write_text(source)
    with pytest.raises(FootprintError, match="the program trains with Keras 2"):
        estimate(TrainingProgram(script="train.py", directory=str(tmp_path)), SETUP, gpus.find("T4"))
    assert not (tmp_path / "trained").exists()


@pytest.mark.skipif(
    INSTALLED or not importlib.util.find_spec("keras") or not importlib.util.find_spec("jax"), reason="needs jax without xla"
)
def test_a_missing_engine_is_named_with_the_command_that_installs_it(tmp_path):
    with pytest.raises(FootprintError, match=r"needs jax-cuda12-plugin.*pip install 'kerasmem-lint\[xla\]'"):
        estimate(script(tmp_path, "make().fit(x, y)\n"), SETUP, gpus.find("T4"))


bound = pytest.mark.skipif(
    not importlib.util.find_spec("keras") or not importlib.util.find_spec("jax"), reason="needs keras and jax"
)


@bound
def test_the_bound_needs_no_compiler(tmp_path):
    found = estimate(script(tmp_path, "make().fit(x, y)\n"), Setup(engine="bound", cached=False), gpus.find("T4"))
    parts = dict(found.by_category)
    assert ("bound", WEIGHTS, WEIGHTS) == (found.engine, parts["weights"], parts["gradients"])
    assert found.low < found.peak < found.high


PRESET = """
import numpy, os, sys, keras, keras_hub
BertBackbone = keras_hub.models.BertBackbone
sizes = dict(vocabulary_size=3000, num_layers=2, num_heads=2, hidden_dim=64, intermediate_dim=128, max_sequence_length=32)
if sys.argv[1] == "tiny":
    BertBackbone(**sizes).save_to_preset("tiny")
    os.remove("tiny/model.weights.h5")
bert = BertBackbone.from_preset(sys.argv[1])
model = keras.Model(bert.input, keras.layers.Dense(2)(bert.output["pooled_output"]))
model.compile("adam", "mse")
x = {name: numpy.ones((8, 16), "int32") for name in bert.input}
model.fit(x, numpy.zeros((8, 2)), batch_size=4)
"""


@pytest.mark.skipif(not importlib.util.find_spec("keras_hub"), reason="needs keras_hub")
@pytest.mark.parametrize("preset", ["tiny", "bert_tiny_en_uncased"])
def test_a_preset_of_keras_hub_is_its_shapes_where_it_is_here_and_never_downloaded(preset, tmp_path):
    (tmp_path / "train.py").write_text(PRESET)
    program = TrainingProgram(script="train.py", arguments=(preset,), backend="jax", directory=str(tmp_path))
    if preset == "tiny":
        found = estimate(program, Setup(engine="bound", cached=False), gpus.find("T4"))
        assert dict(found.by_category)["weights"] > 4 * 3000 * 64
        assert any("no such file here" in text for text in found.assumptions)
    else:
        with pytest.raises(FootprintError, match=r"from_preset.* would download the model, which is not done here"):
            estimate(program, Setup(engine="bound", cached=False), gpus.find("T4"))


@bound
def test_a_step_that_is_taken_again_and_again_is_reported_once(tmp_path):
    source = (
        "a = make()\nfor _ in range(3):\n    a.train_on_batch(x[:10], y[:10])\n"
        "history = a.fit(x, y, epochs=4)\nassert history.epoch == [0, 1, 2, 3] and len(history.history['val_loss']) == 4\n"
        "for n in (10, 20, 10):\n    a.fit(x[:n], y[:n])\nfor _ in range(2):\n    make().fit(x, y)\nraise ValueError('done')\n"
    )
    found = estimate_all(script(tmp_path, source), Setup("bound", cached=False), gpus.find("T4"))
    assert [(12, 10), (13, 32), (16, 10), (16, 20), (18, 32)] == [(step.line, step.batch) for step in found]
    assert any("ValueError: done; later steps are not reported" in text for text in found[-1].assumptions)


@bound
def test_steps_of_one_line_that_differ_in_settings_alone_are_all_reported(tmp_path):
    source = """
class Own(layers.Layer):
    def __init__(self, times, **kwargs):
        super().__init__(**kwargs)
        self.times, self.called = times, 0
    def call(self, x):
        self.called += 1
        return keras.ops.tile(x, (1, self.times))

def trained(momentum=0.0, strides=1, policy="float32", activation="relu", times=1):
    keras.config.set_dtype_policy(policy)
    conv = layers.Conv1D(4, 3, strides=strides, padding="same", activation=activation)
    parts = [keras.Input((64, 1)), conv, layers.GlobalAveragePooling1D(), layers.Dense(1), Own(times)]
    model = keras.Sequential(parts)
    model.compile(keras.optimizers.SGD(momentum=momentum), "mse")
    model.fit(np.zeros((32, 64, 1)), np.zeros((32, 1)))

for changed in ({}, {"momentum": 0.9}, {"strides": 4}, {"policy": "mixed_bfloat16"}, {"activation": "gelu"}, {"times": 2}):
    for _ in range(2):
        trained(**changed)
"""
    found = estimate_all(script(tmp_path, source), Setup("bound", cached=False), gpus.find("T4"))
    assert 6 == len(found)


@bound
def test_steps_that_were_found_before_a_limit_is_reached_are_reported(tmp_path):
    source = "make().fit(x, y)\nheld = [np.ones(2**27) for _ in range(100)]\n"
    found = estimate_all(script(tmp_path, source), Setup("bound", cached=False, memory_limit=3 << 30), gpus.find("T4"))
    assert ["yes"] == [step.fits for step in found]
    assert any("needed more than 3072 MiB of memory" in text for text in found[0].assumptions)


@bound
def test_the_variables_of_other_models_are_taken_off_the_limit(tmp_path):
    source = "other = keras.Sequential([keras.Input((1000,)), layers.Dense(1000)])\nmake()\nmake().fit(x, y)\n"
    found = estimate(script(tmp_path, source), Setup("bound", cached=False), gpus.find("T4"))
    alone = estimate(script(tmp_path, "make().fit(x, y)\n"), Setup("bound", cached=False), gpus.find("T4"))
    assert (4 * 1001 * 1000, 0) == (found.elsewhere, alone.elsewhere)
    built = "model = make()\nkept = model.optimizer\nkept.build(model.trainable_variables)\nmodel.fit(x, y)\n"
    other = estimate(script(tmp_path, built), Setup("bound", cached=False, variant=(("optimizer", "sgd"),)), gpus.find("T4"))
    assert 0 == other.elsewhere
    assert alone.limit - found.elsewhere == found.limit
    assert "3 MiB hold variables of other models that the program keeps" in found.assumptions[-1]


@bound
def test_a_layer_of_the_programs_own_stands_where_it_is_built(tmp_path):
    source = """
class Block(layers.Layer):
    def __init__(self, units):
        super().__init__(name="block")
        self.units = units
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units))
    def call(self, x):
        return x @ self.kernel
for _ in range(50):
    keras.Sequential([layers.Dense(3)])
model = keras.Sequential([keras.Input((16,)), Block(8)])
model.compile("adam", "mse")
model.fit(x, np.zeros((100, 8)))
"""
    found = estimate(script(tmp_path, source), SETUP, gpus.find("T4"))
    block = next(layer for layer in found.by_layer if layer.path.endswith("block"))
    assert ("Block", 21) == (block.kind, block.line)


@bound
def test_a_variable_that_keras_refused_to_make_holds_nothing(tmp_path):
    refused = "try:\n    keras.Variable('zeros', shape=(2,), name='a/b')\nexcept ValueError as error:\n    kept = error\n"
    found = estimate(script(tmp_path, refused + "make().fit(x, y)\n"), Setup("bound", cached=False), gpus.find("T4"))
    assert 0 == found.elsewhere


@bound
def test_a_program_that_reads_what_train_on_batch_gives_back_goes_on(tmp_path):
    source = (
        "model = make()\nassert model.train_on_batch(x, y) == 0\nassert model.train_on_batch(x, y, return_dict=True)['loss'] == 0\n"
        "model.compile('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'])\n"
        "loss, accuracy = model.train_on_batch(x, y)\nmake().fit(x, y)\n"
    )
    found = estimate_all(script(tmp_path, source), Setup("bound", cached=False), gpus.find("T4"))
    assert [11, 12, 14, 15] == [step.line for step in found]


@bound
def test_in_a_notebook_call_and_layers_are_known_by_cell_and_line(tmp_path):
    sources = ["# Title", "%matplotlib inline\n" + HEAD, "model = make()\nif True:\n    %time\n    model.fit(x, y)\n"]
    cells = [{"cell_type": "code" if number else "markdown", "source": text} for number, text in enumerate(sources)]
    (tmp_path / "train.ipynb").write_text(json.dumps({"cells": cells}))
    program = TrainingProgram(script="train.ipynb", backend="jax", directory=str(tmp_path))
    found = estimate(program, Setup(engine="bound", cached=False), gpus.find("T4"))
    assert ("train.ipynb", 3, 4) == (Path(found.file).name, found.cell, found.line)


@xla
def test_the_compilers_hundreds_of_files_are_gone_before_the_parent_looks(tmp_path):
    program = script(tmp_path, "make().fit(x, y)\n")
    gpu = gpus.find("T4")
    request = {
        "script": "train.py", "arguments": [], "entry": None, "batch_size": None, "backend": "jax", "engine": "auto",
        "variant": {}, "gpu": gpu.key, "target": gpus.target_text(gpu), "all": False, "full_compile": True,
    }  # fmt: skip
    with run_child(program, SETUP, request) as directory:
        assert {"buffers.txt", "ranges.txt", "values.txt", "usage.txt"} == {
            file.name for file in (directory / "step-0" / "plan").iterdir()
        }
    assert not directory.exists()
