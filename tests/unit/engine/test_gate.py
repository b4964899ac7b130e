"""The gate lets a rule through where the file may hold a site of it, by text first and by tree where few rules ask."""

from __future__ import annotations

import ast
import time
from textwrap import dedent

import pytest

from kerasmem_lint.config import Settings
from kerasmem_lint.engine.gate import worth_asking
from kerasmem_lint.engine.selection import activate
from kerasmem_lint.knowledge.calls import SEARCHES


def asked(code: str, backend: str | None = None, select: tuple[str, ...] = ("ALL",)) -> set[str]:
    text = dedent(code)
    active = activate(Settings(select=select, backend=backend))
    return {item.rule.code for item in worth_asking(text, ast.parse(text), active)}


def test_a_call_in_a_docstring_opens_for_no_rule() -> None:
    code = '''
    """Example:

        model = keras_hub.models.BertClassifier.from_preset("bert")
    """
    import keras
    '''
    assert set() == asked(code)


def test_a_call_in_the_code_opens_for_its_rule() -> None:
    assert "KM105" in asked("import keras\nfor path in paths:\n    model = keras.models.load_model('m.keras')\n")


@pytest.mark.parametrize(
    "alias",
    [
        "from keras.models import load_model as lm",
        "from keras.models import (\n    load_model as lm,\n)",
        "import keras\nlm = keras.models.load_model",
        "import keras\nlm: object = keras.models.load_model",
        "from keras.models import load_model as first\nlm = first",
    ],
)
def test_a_call_by_another_name_opens_for_its_rule(alias: str) -> None:
    assert "KM105" in asked(f"{alias}\nfor path in paths:\n    model = lm('m.keras')\n", select=("KM105",))


def test_growing_by_concatenation_needs_a_call_that_is_assigned() -> None:
    loop = "import keras, numpy as np\nfor batch in batches:\n    "
    assert set() == asked(loop + "use(np.concatenate([a, b]))\n", select=("KM107",))
    for statement in (
        "a = np.concatenate([a, b])",
        "a = (\n        np.concatenate([a, b]))",
        "a = (  # all\n        np.concatenate([a, b]))",
        "self.a = np.append(self.a, b)",
    ):
        assert {"KM107"} == asked(loop + statement + "\n", select=("KM107",))


def test_a_long_line_of_lists_is_looked_through_once() -> None:
    started = time.process_time()
    assert set() == asked(f"import keras\nx = [{'[1], ' * 100_000}]\n", select=("KM305",))
    assert time.process_time() - started < 10
    assert {"KM305"} == asked("import keras\nfor n in names:\n    models[n] = keras.Sequential()\n", select=("KM305",))


def test_an_assigned_call_by_another_name_counts_as_one() -> None:
    code = "import keras\nfrom numpy import concatenate as join\nfor batch in batches:\n    a = join([a, batch])\n"
    assert {"KM107"} == asked(code, select=("KM107",))


def test_recompilation_by_jax_needs_jax_in_the_file_or_in_the_settings() -> None:
    loop = "import keras\nfor n in range(100):\n    model.predict(x[:n])\n"
    assert set() == asked(loop, select=("KM111",))
    assert {"KM111"} == asked("import jax\n" + loop, select=("KM111",))
    assert {"KM111"} == asked(loop, backend="jax", select=("KM111",))


def test_a_rule_of_divisions_is_asked_where_something_is_divided() -> None:
    assert {"KM201"} == asked(
        "from keras.datasets import mnist\n(x, y), _ = mnist.load_data()\nx = x / 255\n", select=("KM201",)
    )
    assert set() == asked("# and/or\nfrom keras.datasets import mnist\nx = mnist.load_data()\n", select=("KM201",))


@pytest.mark.parametrize("search", sorted(SEARCHES))
def test_a_search_counts_as_a_loop(search: str) -> None:
    module, _, name = search.rpartition(".")
    code = f"import keras\nfrom {module} import {name}\nmodel.fit(x)\nbest = {name}(objective)\n"
    assert {"KM101"} == asked(code, select=("KM101",))
