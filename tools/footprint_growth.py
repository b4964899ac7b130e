#!/usr/bin/env python3
"""Measure how much the child process grows while a model of 632 million parameters is estimated; one JSON line a backend.

    python tools/footprint_growth.py jax          appended to fixtures/measurements/footprint/growth.jsonl
    python tools/footprint_growth.py torch

Growth is that of the peak of resident memory (``ru_maxrss``) from the moment Keras and the model's module are imported: to the
built model, then to the step as the engine wants it (JAX: traced and lowered; torch: followed), then (JAX) to the compiled plan.
``step`` is what the estimate says the step takes on the GPU. A backend that is in the file already is measured anew.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import resource
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / "fixtures" / "measurements" / "footprint" / "growth.jsonl"
MODEL, BATCH, GPU = "large", 8, "A100-40GB"


def resident() -> int:
    """The most bytes that have been resident in this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def grow_jax(captured: Any, before: int) -> dict[str, int]:
    """Build, lower and compile for the GPU."""
    from kerasmem_lint.footprint.child import compile as compiler
    from kerasmem_lint.footprint.child import lower_jax
    from kerasmem_lint.knowledge import gpus

    target = gpus.target_text(gpus.find(GPU))
    mesh = compiler.mesh_for(target)
    before = resident()
    lower_jax.build(captured)
    built = resident() - before
    lowered = lower_jax.lower(captured, mesh)
    followed = resident() - before
    with tempfile.TemporaryDirectory() as dump:
        asked = compiler.Asked(target, Path(dump), full_compile=True, say=lambda stage: None)
        said = compiler.compile_step(lowered, asked)
    assert said is not None
    return {"built": built, "followed": followed, "compiled": resident() - before, "step": said.peak}


def grow_torch(captured: Any, before: int) -> dict[str, int]:
    """Follow the step on fake tensors."""
    from kerasmem_lint.footprint import allocator
    from kerasmem_lint.footprint.child import held, trace_torch

    held.build(captured.model, captured.x, captured.y, captured.sample_weight)
    built = resident() - before
    trace = trace_torch.trace(captured)
    return {"built": built, "followed": resident() - before, "step": allocator.cuda_caching(trace).allocated}


def measure(backend: str) -> dict[str, Any]:
    """One line of the store."""
    os.environ |= {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    sys.path[:0] = [str(ROOT), str(ROOT / "fixtures" / "models")]
    from kerasmem_lint.footprint.child import capture, lazy
    from kerasmem_lint.footprint.child import compile as compiler

    compiler.prepare_environment()
    patch = lazy.lazy_jax_variables if backend == "jax" else lazy.lazy_torch_variables
    lazy.install({f"keras.src.backend.{backend}.core": patch})
    import zoo  # noqa: F401  - what it imports is not growth

    before, started = resident(), time.monotonic()
    captured = capture.run_entry(f"zoo:{MODEL}", BATCH, [], {})
    grown = (grow_jax if backend == "jax" else grow_torch)(captured, before)
    packages = ["keras", backend, *(["jaxlib", "jax-cuda12-plugin"] if backend == "jax" else [])]
    return {
        "backend": backend,
        "model": f"{MODEL}:{BATCH}",
        "parameters": captured.model.count_params(),
        "date": date.today().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in packages},
        "seconds": round(time.monotonic() - started, 1),
        **grown,
    }


def main() -> None:
    """Measure in this very process, which has to be fresh, and replace the backend's line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backend", choices=("jax", "torch"))
    backend = parser.parse_args().backend
    row = measure(backend)
    lines = STORE.read_text().splitlines() if STORE.exists() else []
    kept = [line for line in lines if json.loads(line)["backend"] != backend]
    STORE.write_text("".join(f"{line}\n" for line in [*kept, json.dumps(row)]))
    print(json.dumps(row))


if __name__ == "__main__":
    main()
