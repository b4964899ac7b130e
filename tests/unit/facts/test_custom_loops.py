"""Training loops written by hand: their epochs, and what in them may save."""

from __future__ import annotations

import pytest

from kerasmem_lint.facts import Facts

HEAD = (
    "import keras\nimport numpy as np\nimport matplotlib.pyplot as plt\n"
    "from elsewhere import anything, save_all\nmodel = keras.Sequential()\n"
)


def may_save(statement: str, before: str = "") -> bool:
    facts = Facts(f"{HEAD}{before}for epoch in range(50):\n    model.train_on_batch(x, y)\n    {statement}\n")
    step = next(call for call in facts.syntax.calls if facts.code(call.func) == "model.train_on_batch")
    (iteration,) = facts.custom_loops.epochs_around(step)
    return facts.custom_loops.may_save(iteration)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("model.save_weights('w.h5')", True),
        ("checkpoint.save('c')", True),
        ("save_all(model)", True),
        ("model.export('m')", True),
        ("callbacks.on_epoch_end(epoch)", True),
        ("anything(model)", False),
        ("plt.savefig('a.png')", False),
        ("np.save('losses', losses)", False),
        ("save_images(epoch)", False),
        ("to_image(x).save('a.png')", False),
    ],
)
def test_a_call_saves_by_what_it_is_or_by_its_name(statement: str, expected: bool) -> None:
    assert expected is may_save(statement)


def test_a_function_of_the_file_counts_by_what_it_does() -> None:
    assert may_save("keep()", "def keep():\n    model.save('m.keras')\n")
    assert not may_save("save_model()", "def save_model():\n    plt.savefig('a.png')\n")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("for epoch in range(50)", 50),
        ("for e in tqdm(range(n_epochs))", 30),
        ("for i_episode in range(1, 101)", 100),
        ("for i in range(999)", None),
        ("for i in range(1000)", 1000),
        ("for epoch in range(given)", None),
        ("while epoch < 50", None),
    ],
)
def test_epochs_are_counted_in_loops_that_are_called_so_or_that_are_very_long(head: str, expected: int | None) -> None:
    facts = Facts(f"{HEAD}n_epochs = 30\n{head}:\n    for x, y in data:\n        model.train_on_batch(x, y)\n")
    step = facts.syntax.calls[-1]
    assert [expected] * (expected is not None) == [found.count for found in facts.custom_loops.epochs_around(step)]


def test_each_loop_that_calls_a_function_is_one_of_its_own_and_an_inner_one_is_none() -> None:
    program = """
def step(x):
    model.train_on_batch(x, x)
def epoch_of(data):
    for x in data:
        step(x)
for epoch in range(20):
    epoch_of(data)
for epoch in range(30):
    step(x)
for episode in range(40):
    for epoch in range(10):
        step(x)
"""
    facts = Facts(HEAD + program)
    step = next(call for call in facts.syntax.calls if facts.code(call.func) == "model.train_on_batch")
    loops = facts.custom_loops
    found = {item.count: loops.goes_through_batches(step, item) for item in loops.epochs_around(step)}
    assert {20: True, 30: False, 40: True} == found
