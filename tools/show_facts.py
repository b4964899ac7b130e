"""What the facts know of a file: ``python -m tools.show_facts FILE``. The first thing to look at when a rule is silent, or is not.

One line for each call: where it is, its canonical names, the loops around it (rounds, where they can be counted), what its receiver
can hold, and for a ``fit`` its epochs and callbacks.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from kerasmem_lint.errors import KerasmemError
from kerasmem_lint.facts import Facts, Node, Value
from kerasmem_lint.source import read


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Print what the facts know of a file.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--all", action="store_true", help="also calls of which nothing is known")
    options = parser.parse_args(arguments)
    try:
        file = read(str(options.file))
        facts = Facts(file.text, is_notebook=options.file.suffix == ".ipynb")
    except KerasmemError as error:
        parser.error(f"{options.file}: {error}")
    name, why = facts.platform.backend
    print(f"backend: {name} ({why}); Keras {2 if facts.platform.is_keras_2 else 3}")
    calls: list[Any] = list(facts.syntax.calls)
    spans = facts.spans(calls)
    for call in sorted(calls, key=lambda call: spans[call].start):
        names = facts.calls.names(call)
        if not (names or options.all):
            continue
        place = file.location(spans[call])
        where = str(place.line) if place.cell is None else f"cell {place.cell}:{place.line}"
        print(f"{where:>10}  {' | '.join(names) or facts.code(call.func)}")
        for line in (*_loops(facts, call), *_receiver(facts, call), *_training(facts, call, names)):
            print(f"{'':12}{line}")
    return 0


def _loops(facts: Facts, call: Node) -> list[str]:
    lines = []
    for iteration in facts.calls.iterations(call):
        head = facts.code(iteration.node).strip().partition("\n")[0]
        rounds = "" if iteration.count is None else f", {iteration.count} rounds"
        through = "" if iteration.site is None else f", through `{facts.code(iteration.site.func)}(…)`"
        lines.append(f"runs in `{head}`{rounds}{through}")
    return lines


def _receiver(facts: Facts, call: Node) -> list[str]:
    receiver = getattr(getattr(call, "func", None), "value", None)
    if not isinstance(receiver, Node):
        return []
    return [f"receiver: {_described(value)}" for value in facts.values.of(receiver) if value.kind not in ("unknown", "api")]


def _training(facts: Facts, call: Any, names: tuple[str, ...]) -> list[str]:
    if "Model.fit" not in names:
        return []
    callbacks = facts.training.callbacks(call)
    listed = ", ".join(map(_described, callbacks.items)) or "none"
    return [
        f"epochs: {facts.training.epochs(call)}",
        f"callbacks: {listed}{'' if callbacks.known else ', and what cannot be told'}",
    ]


def _described(value: Value) -> str:
    return " ".join(word for word in (value.kind, value.name, value.dtype, value.origin) if word)


if __name__ == "__main__":
    sys.exit(main())
