"""Rules of tracing, tapes, sessions and processes: where the claim holds, and where it does not."""

from __future__ import annotations

import pytest

from kerasmem_lint.api import check_source
from kerasmem_lint.config import Settings

GRAPHS = "import keras\nkept = []\nmodel = keras.Sequential([keras.layers.Dense(1)])\nfor x, y in batches:\n    kept.append(model(x))\n"
SHAPES = (
    "import keras\nmodel = keras.Sequential([keras.layers.LSTM(1)])\nfor n in range(99):\n    model.predict_on_batch(x[:n])\n"
)
FORK = (
    "import keras\nfrom multiprocessing import Pool\nmodel = keras.models.load_model('m.keras')\n"
    "def score(x):\n    return model.predict(x)\nwith Pool(4) as pool:\n    pool.map(score, xs)\n"
)
POLICY = (
    "import keras\nkeras.mixed_precision.set_global_policy('mixed_float16')\nkeras.utils.clear_session()\n"
    "model = keras.Sequential([keras.layers.Dense(1)])\n"
)


def codes(program: str, code: str, **settings: str) -> list[str]:
    report = check_source("train.py", program, Settings(select=(code,), **settings))  # type: ignore[arg-type]
    assert report.problems == ()
    return [diagnostic.code for diagnostic in report.diagnostics]


@pytest.mark.parametrize(
    ("program", "code", "where"),
    [(GRAPHS, "KM106", {"torch"}), (SHAPES, "KM111", {"jax"}), (FORK, "KM606", {"tensorflow", "jax", "torch"})],
)
def test_a_rule_speaks_only_on_the_backends_of_its_claim(program: str, code: str, where: set[str]) -> None:
    assert where == {backend for backend in ("tensorflow", "jax", "torch") if codes(program, code, backend=backend)}


def test_a_lost_policy_is_a_matter_of_keras_3() -> None:
    assert ["KM601"] == codes(POLICY, "KM601", target_keras="3.15")
    assert [] == codes(POLICY, "KM601", target_keras="2")


def test_a_model_loaded_per_round_hides_that_it_is_built_per_round() -> None:
    program = "import keras\nfor x in xs:\n    model = keras.models.load_model('m.keras')\n    scores.append(float(model.evaluate(x)))\n"
    report = check_source("train.py", program, Settings(select=("KM105", "KM110", "KM101")))
    assert ["KM105"] == [diagnostic.code for diagnostic in report.diagnostics]
