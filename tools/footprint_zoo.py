#!/usr/bin/env python3
"""Estimate the models of fixtures/models/zoo.py and store one JSON line a case; cases already stored are passed over.

    python tools/footprint_zoo.py --out fixtures/measurements/footprint/zoo.jsonl --gpu T4 --backend jax resnet50:8 resnet50:32

Needs the extras ``xla`` and that of the backend. Every line holds what the compiler itself says beside the account, so that
``tools/footprint_accuracy.py`` can show that the two agree; it is let finish for that. ``seconds`` end where it usually is stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from kerasmem_lint.footprint import FootprintError, Setup, TrainingProgram, estimate  # noqa: E402
from kerasmem_lint.footprint.program import ENGINES, Engine  # noqa: E402
from kerasmem_lint.knowledge import gpus  # noqa: E402

CASES = [
    "mlp:32",
    "mlp:512",
    "lstm:64",
    "lstm:128",
    "gru:128",
    "gru:512",
    "bert_like:8",
    "bert_like:32",
    "gpt_like:4",
    "gpt_like:16",
    "unet:8",
    "unet:32",
    "resnet50:8",
    "resnet50:32",
    "vgg16:8",
    "vgg16:32",
    "mobilenetv2:8",
    "mobilenetv2:32",
    "efficientnetb0:8",
    "efficientnetb0:32",
    "inceptionv3:8",
    "inceptionv3:32",
    "densenet121:8",
    "densenet121:32",
]


def measure(model: str, batch: int, backend: str, gpu: str, engine: Engine, timeout: float) -> dict[str, object]:
    """One estimate as a line of the store; a failure is a line too."""
    models = str(ROOT / "fixtures" / "models")
    program = TrainingProgram(entry=f"zoo:{model}", batch_size=batch, backend=backend, directory=models)
    case = {"model": model, "batch": batch, "backend": backend, "gpu": gpu, "date": date.today().isoformat()}
    started = time.monotonic()
    stages: dict[str, float] = {}
    setup = Setup(engine, timeout, cached=False, full_compile=True, progress=lambda stage: _note(stages, stage))
    try:
        found = estimate(program, setup, gpus.find(gpu))
    except FootprintError as error:
        return {**case, "error": str(error), "kind": error.kind, "seconds": round(time.monotonic() - started, 1)}
    return {
        **case,
        "engine": found.engine,
        "peak": found.peak,
        "low": found.low,
        "high": found.high,
        "compiler_peak": found.compiler_peak,
        "categories": dict(found.by_category),
        "layers": {layer.path: layer.bytes for layer in found.by_layer[:3]},
        "layers_sum": sum(layer.bytes for layer in found.by_layer),
        "seconds": round(stages.get("planned", time.monotonic()) - started, 1),
        "versions": dict(found.versions),
    }


def _note(stages: dict[str, float], stage: str) -> None:
    stages[stage.partition(";")[0]] = time.monotonic()


def main() -> None:
    """Run the cases that are not in the store yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES, metavar="MODEL:BATCH")
    parser.add_argument("--out", type=Path, default=ROOT / "fixtures" / "measurements" / "footprint" / "zoo.jsonl")
    parser.add_argument("--gpu", default="A100-40GB")
    parser.add_argument("--backend", default="jax")
    parser.add_argument("--engine", default="auto", choices=ENGINES)
    parser.add_argument("--timeout", type=float, default=600.0)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    lines = args.out.read_text().splitlines() if args.out.exists() else []
    rows = [row for row in map(json.loads, lines) if "error" not in row]
    bounds = args.engine == "bound"
    done = {(row["model"], row["batch"], row["backend"], row["gpu"]) for row in rows if (row["engine"] == "bound") == bounds}
    for case in args.cases:
        model, _, batch = case.partition(":")
        if (model, int(batch), args.backend, args.gpu) in done:
            continue
        row = measure(model, int(batch), args.backend, args.gpu, args.engine, args.timeout)
        with args.out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(model, batch, args.backend, args.gpu, row.get("peak", row.get("error")), f"{row['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
