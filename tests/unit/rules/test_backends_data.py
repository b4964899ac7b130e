"""Rules of data where backends or generations differ: silent or reworded where nothing was measured."""

from __future__ import annotations

import pytest

from kerasmem_lint.api import check_source
from kerasmem_lint.config import Settings

MODEL = "model = keras.Sequential([keras.layers.Dense(1)])\nmodel.compile(loss='mse')\n"
SPARSE = "from scipy.sparse import load_npz\nx = load_npz('x.npz')\nmodel.fit(x.toarray(), y, epochs=2)\n"
ONE_HOT = "model.fit(x, keras.utils.to_categorical(y, 5000), epochs=2)\n"
MAPPED_FIT = "model.fit(np.load('x.npy', mmap_mode='r'), y, epochs=2)\n"
MAPPED_COPY = "x = np.load('x.npy', mmap_mode='r').astype('float32')\n"
CAPTURED = "t = np.load('t.npy')\n@tf.function\ndef f(i):\n    return tf.gather(t, i)\n"
WORKERS = "model.fit(data, epochs=2, workers=4)\n"
DOUBLE = "model.fit(np.zeros((100_000, 512)), y, epochs=2)\n"
TABLE = "model.fit(pd.read_csv('x.csv').values, y, epochs=2)\n"


def report(code: str, program: str, settings: Settings, backend: str = "tensorflow") -> list[tuple[str, str]]:
    head = f"import os\nos.environ['KERAS_BACKEND'] = '{backend}'\nimport keras\nimport numpy as np\nimport pandas as pd\n"
    found = check_source("train.py", head + "import tensorflow as tf\n" + MODEL + program, settings)
    assert found.problems == ()
    assert {code} >= {diagnostic.code for diagnostic in found.diagnostics}
    return [(diagnostic.severity, diagnostic.message) for diagnostic in found.diagnostics]


@pytest.mark.parametrize(
    ("code", "program", "expected"),
    [
        ("KM205", SPARSE, ["tensorflow", "jax", "torch"]),
        ("KM206", ONE_HOT, ["tensorflow", "jax", "torch"]),
        ("KM207", MAPPED_FIT, ["tensorflow"]),
        ("KM207", MAPPED_COPY, ["tensorflow", "jax", "torch"]),
        ("KM211", CAPTURED, ["tensorflow"]),
        ("KM212", WORKERS, ["tensorflow", "jax", "torch"]),
        ("KM215", DOUBLE, ["tensorflow", "jax", "torch"]),
    ],
)
def test_a_rule_speaks_on_the_backends_it_was_measured_on(code: str, program: str, expected: list[str]) -> None:
    settings = Settings(select=(code,))
    assert expected == [backend for backend in ("tensorflow", "jax", "torch") if report(code, program, settings, backend)]


def test_one_hot_rows_are_float64_in_keras_3_only() -> None:
    (_, three), (_, two) = (
        report("KM206", ONE_HOT, Settings(select=("KM206",), target_keras=target))[0] for target in ("3", "2")
    )
    assert "in float64" in three
    assert "in float64" not in two


def test_removed_arguments_are_no_finding_for_keras_2() -> None:
    assert [] == report("KM212", WORKERS, Settings(select=("KM212",), target_keras="2"))


def test_removed_arguments_are_an_error_where_the_file_shows_keras_3() -> None:
    assert ["error"] == [severity for severity, _ in report("KM212", WORKERS, Settings(select=("KM212",)))]
    found = check_source("train.py", "import keras\n" + MODEL + WORKERS, Settings(select=("KM212",)))
    assert [("warning", True)] == [(d.severity, d.message.endswith("(Keras 3 assumed)")) for d in found.diagnostics]


@pytest.mark.parametrize(("options", "expected"), [((), 1), ((("min-mib", 400),), 0), ((("min-mib", 390),), 1)])
def test_the_size_from_which_float64_is_reported_can_be_set(options: tuple[tuple[str, object], ...], expected: int) -> None:
    settings = Settings(select=("KM215",), options=(("KM215", options),))
    assert expected == len(report("KM215", DOUBLE, settings))


def test_tables_are_reported_when_asked_for() -> None:
    assert [] == report("KM215", TABLE, Settings(select=("KM215",)))
    settings = Settings(select=("KM215",), options=(("KM215", (("tables", True),)),))
    assert ["info"] == [severity for severity, _ in report("KM215", TABLE, settings)]
    typed = TABLE.replace("'x.csv'", "'x.csv', dtype='float32'")
    assert [] == report("KM215", typed, settings)


def test_on_jax_the_sparse_matrix_itself_is_no_remedy() -> None:
    head = "import os\nos.environ['KERAS_BACKEND'] = '{}'\nimport keras\n"
    titles = {}
    for backend in ("tensorflow", "jax", "torch"):
        (found,) = check_source("train.py", head.format(backend) + MODEL + SPARSE, Settings()).diagnostics
        assert found.fix is not None
        titles[backend] = (found.fix.title.partition(" ")[0], bool(found.fix.edits))
    assert {"tensorflow": ("Give", True), "jax": ("Make", False), "torch": ("Give", True)} == titles
