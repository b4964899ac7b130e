#!/usr/bin/env python3
"""Store a small plan for the tests: ``python tools/store_plan.py zoo:subclassed 8 A100-40GB jax subclassed-jax``."""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from kerasmem_lint.footprint import Setup, TrainingProgram  # noqa: E402
from kerasmem_lint.footprint.launch import run_child  # noqa: E402
from kerasmem_lint.knowledge import gpus  # noqa: E402

NOTES = ("buffers.txt", "ranges.txt", "values.txt")


def plan_of(entry: str, batch: int, gpu_name: str, backend: str) -> tuple[dict[str, Any], dict[str, str]]:
    """What the child leaves of one step of a model of fixtures/models: its result, and the compiler's notes by name."""
    gpu = gpus.find(gpu_name)
    models = str(ROOT / "fixtures" / "models")
    program = TrainingProgram(entry=entry, batch_size=batch, backend=backend, directory=models)
    request = {
        "script": None,
        "arguments": [],
        "entry": entry,
        "batch_size": batch,
        "backend": backend,
        "engine": "xla",
        "variant": {},
        "gpu": gpu.key,
        "target": gpus.target_text(gpu),
        "all": False,
        "full_compile": True,
    }
    with run_child(program, Setup(), request) as directory:
        step = directory / "step-0"
        result: dict[str, Any] = json.loads((step / "result.json").read_text())
        return result, {note: (step / "plan" / note).read_text() for note in NOTES}


def main(entry: str, batch: str, gpu_name: str, backend: str, name: str) -> None:
    """Run the child once and keep what it leaves, without the compiler's settings for each kernel."""
    result, notes = plan_of(entry, int(batch), gpu_name, backend)
    result["places"] = {}
    notes["values.txt"] = re.sub(
        r", (backend_config|frontend_attributes|sharding)=.*?(?=, metadata|\n)", "", notes["values.txt"]
    )
    body = json.dumps({"result": result, "notes": notes}).encode()
    path = ROOT / "tests" / "footprint" / "data" / f"{name}.json.gz"
    path.write_bytes(gzip.compress(body, 9, mtime=0))
    print(path, f"{path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main(*sys.argv[1:])
