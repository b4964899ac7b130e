"""Traced functions and gradient tapes."""

from __future__ import annotations

import time

import pytest

from kerasmem_lint.facts import Facts


def called(facts: Facts, name: str) -> list[str]:
    return [facts.code(call.func) for call in facts.syntax.calls if facts.calls.named(call, name)]


def test_calls_of_traced_functions_are_known_however_they_are_made() -> None:
    facts = Facts(
        "from functools import partial\nimport jax\nimport tensorflow as tf\n"
        "@tf.function\ndef a(x): return x\n"
        "@tf.function(reduce_retracing=True)\ndef b(x): return x\n"
        "c = tf.function(lambda x: x)\n"
        "class M:\n    @tf.function\n    def d(self, x): return x\n    def run(self, x): return self.d(x)\n"
        "def plain(x): return x\n"
        "@jax.jit\ndef e(x): return x\n"
        "@partial(jax.jit, static_argnums=0)\ndef f(x): return x\n"
        "a(1); b(1); c(1); plain(1); e(1); f(1)\n"
    )
    assert {"a", "b", "c", "self.d"} == set(called(facts, "tensorflow.function.__call__"))
    assert {"e", "f"} == set(called(facts, "jax.jit.__call__"))


def test_a_parameter_is_found_for_an_argument_of_a_method() -> None:
    facts = Facts(
        "import tensorflow as tf\nclass M:\n    @tf.function\n    def d(self, x, i): return x * i\n    def run(self): self.d(1, i=2)\n"
    )
    call = next(call for call in facts.syntax.calls if facts.code(call).startswith("self.d("))
    trace = facts.traced.of_call(call)
    assert trace is not None
    params = [facts.traced.parameter_at(trace, call, item.value) for item in call.args]
    assert ["x", "i"] == [param.name.value for param in params if param is not None]


TAPE = "import tensorflow as tf\nwith tf.GradientTape({0}) as tape:\n    y = f(x)\n{1}\n"


@pytest.mark.parametrize(
    ("arguments", "after", "expected"),
    [
        ("", "g = tape.gradient(y, x)", (False, 1, 0, False)),
        ("persistent=True", "g = tape.gradient(y, x); h = tape.gradient(y, z); del tape", (True, 2, 0, False)),
        ("True", "kept.append(tape)", (True, 0, 1, False)),
        ("persistent=True", "use(tape)", (True, 0, 0, True)),
        ("", "tape.watch(x); self.tape = tape", (False, 0, 1, False)),
    ],
)
def test_a_tape_knows_who_asks_and_who_keeps_it(arguments: str, after: str, expected: tuple[bool, int, int, bool]) -> None:
    facts = Facts(TAPE.format(arguments, after))
    tape = facts.tapes.of(next(call for call in facts.syntax.calls if facts.calls.named(call, "tensorflow.GradientTape")))
    assert tape is not None
    assert expected == (tape.persistent, len(tape.asks), len(tape.keepers), tape.escapes)


def test_a_tape_that_may_be_persistent_is_unknown() -> None:
    facts = Facts(TAPE.format("persistent=flag", ""))
    assert facts.tapes.of(facts.syntax.calls[0]) is None


def test_many_tapes_of_attributes_are_followed_in_bearable_time() -> None:
    one = (
        "class C{0}:\n    def __init__(self):\n        self.tape = tf.GradientTape(persistent=True)\n"
        "    def run(self):\n        with self.tape:\n            pass\n        self.tape.gradient(a, b)\n"
    )
    facts = Facts("import tensorflow as tf\n" + "".join(map(one.format, range(400))))
    started = time.process_time()
    tapes = [facts.tapes.of(call) for call in facts.syntax.calls if facts.calls.named(call, "tensorflow.GradientTape")]
    assert time.process_time() - started < 2
    assert [400] * 400 == [len(tape.asks) for tape in tapes if tape is not None]
