"""Measures what real training steps take on the CPU, next to what the torch and graph engines say. One JSON line per case.

    python tools/cpu_truth.py torch                      all cases, appended to fixtures/measurements/footprint/torch_cpu.jsonl
    python tools/cpu_truth.py graph resnet50:4 mlp:32    these cases, appended to .../tf_graph_cpu.jsonl

A case is model:batch or model:batch:optimizer; the models are those of fixtures/models/zoo.py and held_out.py, and without an
optimizer the model keeps its own. A case that is already in the file is skipped. Truth and estimate run in processes of their own.

Truth: for torch, the bytes its CPU allocator reports to the profiler (c10 ``ReportMemoryUsage``), peak of the third step, all
that was allocated before included; for TensorFlow, ``tf.config.experimental.get_memory_info("CPU:0")``, the median of the
peaks of three steps after a first one, in each of three processes: no two steps are the same, and what holes the heap has,
which decides over a tenth of the peak and more, is settled by the first steps of a process.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import importlib.metadata
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = {"torch": "torch_cpu.jsonl", "graph": "tf_graph_cpu.jsonl"}
BACKENDS = {"torch": "torch", "graph": "tensorflow"}
CASES = {
    "torch": "resnet50:4 resnet50:4:sgd vgg16:2 mobilenetv2:8 mobilenetv2:32 efficientnetb0:8 inceptionv3:4 densenet121:4 "
    "lstm:32 gru:32 bert_like:8 gpt_like:8 mlp:32 mlp:512:sgd subclassed:64",
    "graph": "resnet50:4:sgd vgg16:2 mobilenetv2:8 efficientnetb0:8 inceptionv3:4 densenet121:4 lstm:32 gru:1024 bert_like:8 "
    "gpt_like:8 unet:8 mlp:32",
}
"""No U-Net for torch: its transposed convolution cannot be trained by torch on a CPU. A GRU of a batch of 1024 for TensorFlow:
its account begins at 256 KiB, see ``UNCOUNTED``, and the time steps of a smaller batch are below that."""

HELD_OUT = [
    "own_ops:128",
    "autoencoder:64",
    "attention_cnn:32",
    "branches:32",
    "dropout_mlp:8192",
    "pre_norm:16",
    "siamese:32",
    "text_cnn:128",
    "group_net:32",
    "mixer:64",
]
"""Cases of the graph engine with models that it was not made with."""

UNCOUNTED = 262_144
"""Below this many bytes TensorFlow's oneDNN build serves a request from an allocator that keeps no statistics."""

PROCESSES = {"torch": 1, "graph": 3}
"""In how many processes the truth is measured."""

STEADY = 8
"""Steps that the model of TensorFlow's heap is taken through: its holes grow over the first ones, as those of the real one do."""

MARK = 777_777
"""Bytes of the empty tensor that is made before each step, to find the steps in the profile."""


def load(case: str):
    """A case's compiled model and its shapes ((x, dtype), (y, dtype)), the batch filled in."""
    sys.path[:0] = [str(ROOT), str(ROOT / "fixtures" / "models")]
    import held_out
    import zoo

    name, batch, *optimizer = case.split(":")
    model, shapes = getattr(zoo if hasattr(zoo, name) else held_out, name)()
    if optimizer:
        model.compile(optimizer[0], model.loss)
    return model, [((int(batch), *shape[1:]), dtype) for shape, dtype in shapes]


def arrays(shapes):
    """Random arrays; integers are 0 or 1, which every vocabulary and every number of classes has."""
    import numpy

    random = numpy.random.default_rng(0)
    return [random.integers(0, 2, shape).astype(dtype) for shape, dtype in shapes]


def truth_torch(case: str) -> dict:
    """Peak of the third step by torch's own account."""
    import torch
    from torch._C._profiler import _EventType

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        model, shapes = load(case)
        batch = tuple(torch.as_tensor(array) for array in map(torch.clone, map(torch.from_numpy, arrays(shapes))))
        for _ in range(3):
            gc.collect()
            torch.empty(MARK, dtype=torch.uint8)
            model.train_step(batch)
        torch.empty(MARK, dtype=torch.uint8)
    events, left = [], list(profile.profiler.kineto_results.experimental_event_tree())
    while left:
        event = left.pop()
        left.extend(event.children)
        if event.tag == _EventType.Allocation:
            events.append((event.start_time_ns, event.extra_fields.alloc_size, event.extra_fields.total_allocated))
    events.sort()
    marks = [place for place, (_, size, _) in enumerate(events) if size == MARK]
    steps = [max(total for _, _, total in events[a + 2 : b]) for a, b in itertools.pairwise(marks)]
    return {"truth": steps[-1], "truth_steps": steps}


def truth_graph(case: str) -> dict:
    """Peaks of three steps by TensorFlow's own account, after a first one, and their median."""
    import tensorflow as tf

    model, shapes = load(case)
    model.compile(model.optimizer, model.loss, metrics=model._compile_metrics and ["accuracy"], jit_compile=False)
    batches = iter(tf.data.Dataset.from_tensors(tuple(arrays(shapes))).repeat())
    model.make_train_function()
    peaks = []
    for _ in range(4):
        tf.config.experimental.reset_memory_stats("CPU:0")
        model.train_function(batches)
        peaks.append(tf.config.experimental.get_memory_info("CPU:0")["peak"])
    return {"truth": sorted(peaks[1:])[1], "truth_steps": peaks[1:]}


def counted(trace):
    """The part of a trace that TensorFlow's CPU allocator counts."""
    kept = {buffer.id for buffer in trace.buffers if buffer.bytes >= UNCOUNTED}
    buffers = tuple(buffer for buffer in trace.buffers if buffer.id in kept)
    return replace(trace, buffers=buffers, events=tuple(event for event in trace.events if event.buffer in kept))


def estimate(engine: str, case: str) -> dict:
    """What the engine says, how long it takes, and how much its process grows."""
    sys.path[:0] = [str(ROOT)]
    import keras  # noqa: F401  - before the clock starts

    from kerasmem_lint.footprint import allocator
    from kerasmem_lint.footprint.child import lazy_torch, trace_graph, trace_torch
    from kerasmem_lint.footprint.child.capture import Spec

    started, size = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if engine == "torch":
        with lazy_torch.lazy_variables():
            model, shapes = load(case)
    else:
        model, shapes = load(case)
    specs = [Spec(*shape) for shape in shapes]
    follow = trace_torch if engine == "torch" else trace_graph
    trace = follow.trace_step(model, *specs, device="cpu")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - size) * 1024
    sizes = {buffer.id: buffer.bytes for buffer in trace.buffers}
    live = peak = 0
    for event in trace.events:
        live += sizes[event.buffer] if event.kind == "alloc" else -sizes[event.buffer]
        peak = max(peak, live)
    model_of = allocator.cuda_caching if engine == "torch" else allocator.bfc
    occupied = model_of(trace)
    return {
        "estimate": peak if engine == "torch" else allocator.bfc(counted(trace), passes=STEADY).allocated,
        "live": peak,
        "allocated": occupied.allocated,
        "reserved": occupied.reserved,
        "seconds": round(time.perf_counter() - started, 1),
        "rss_growth": grown,
        "notes": list(trace.notes),
    }


def in_child(*arguments: str, engine: str, timeout: int) -> dict:
    """The last line a process of this very file prints, which is JSON; what went wrong where there is none."""
    quiet = {"KERAS_BACKEND": BACKENDS[engine], "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    try:
        done = subprocess.run(
            [sys.executable, __file__, engine, *arguments],
            env=os.environ | quiet,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"{arguments[0]}: more than {timeout} s"}
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return {"failed": f"{arguments[0]}: {(done.stderr.strip().splitlines() or ['no output'])[-1]}"}
    return json.loads(lines[-1])


def measured(case: str, engine: str, timeout: int) -> dict:
    """The truth of a case: of all steps of all processes, or what went wrong in one."""
    found = [in_child(case, "--truth", engine=engine, timeout=timeout) for _ in range(PROCESSES[engine])]
    if len(found) == 1 or any("failed" in one for one in found):
        return next((one for one in found if "failed" in one), found[0])
    steps = [step for one in found for step in one["truth_steps"]]
    return {"truth": statistics.median_low(steps), "truth_steps": steps}


def main() -> None:
    """Command line: see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=FILES)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--truth", action="store_true", help="only measure the one case, here, and print it")
    parser.add_argument("--estimate", action="store_true", help="only estimate the one case, here, and print it")
    parser.add_argument("--timeout", type=int, default=900, help="seconds for one measurement (default: 900)")
    asked = parser.parse_args()
    if asked.truth:
        print(json.dumps((truth_torch if asked.engine == "torch" else truth_graph)(asked.cases[0])))
        return
    if asked.estimate:
        print(json.dumps(estimate(asked.engine, asked.cases[0])))
        return
    out = ROOT / "fixtures" / "measurements" / "footprint" / FILES[asked.engine]
    out.parent.mkdir(parents=True, exist_ok=True)
    known = {json.loads(line)["case"] for line in out.read_text().splitlines()} if out.exists() else set()
    packages = ["keras", BACKENDS[asked.engine]]
    cases = asked.cases or CASES[asked.engine].split() + (HELD_OUT if asked.engine == "graph" else [])
    for case in [case for case in cases if case not in known]:
        line = {"case": case, "engine": asked.engine, "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat()}
        line |= {"versions": {name: importlib.metadata.version(name) for name in packages}}
        line |= {"held_out": True} if case in HELD_OUT else {}
        line |= measured(case, asked.engine, asked.timeout)
        line |= in_child(case, "--estimate", engine=asked.engine, timeout=asked.timeout)
        if "truth" in line and "estimate" in line:
            line["error"] = round(line["estimate"] / line["truth"] - 1, 6)
        print(case, line.get("failed") or f"{line['error']:+.3%}", flush=True)
        with out.open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
