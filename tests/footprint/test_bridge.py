"""Footprints as diagnostics: KM901, KM902, KM903, and the settings that ask for them."""

from __future__ import annotations

import json

import pytest

from kerasmem_lint.bridge import FootprintSettings, check_footprint, failed, judge, settings_from
from kerasmem_lint.diagnostics import Span
from kerasmem_lint.errors import ConfigError
from kerasmem_lint.footprint import FootprintError, Setup, cache
from kerasmem_lint.footprint.account import Footprint, LayerShare, Moment
from kerasmem_lint.footprint.remedies import LargestBatch

GIB = 1 << 30
SOURCE = "import keras\n\nmodel = build(\n    wide=True)\nif model:\n    model.fit(x, y)  # all of it\n"


def footprint(**changes: object) -> Footprint:
    """A step of 18 GiB on a GPU with 11."""
    parts = (("weights", 2 * GIB), ("slots", 4 * GIB), ("activations", 11 * GIB), ("batch", GIB))
    layers = (
        LayerShare("head", "Dense", "train.py", 3, 9 * GIB, (("activations", 9 * GIB),)),
        LayerShare("", "", "", 0, 9 * GIB, (("activations", 9 * GIB),)),
    )
    fields = {
        "engine": "xla", "backend": "jax", "gpu": "T4", "gpu_name": "Tesla T4", "batch": 64, "peak": 18 * GIB, "low": 17 * GIB,
        "high": 19 * GIB, "limit": 11 * GIB, "fits": "no", "moment": Moment("backward", "head", "dot"), "by_category": parts,
        "by_layer": layers, "timeline": (), "assumptions": (), "versions": (), "file": "train.py", "line": 6,
    }  # fmt: skip
    return Footprint(**{**fields, **changes})


@pytest.fixture
def project(tmp_path):
    (tmp_path / "train.py").write_text(SOURCE)
    return tmp_path


def test_a_step_that_fits_is_no_diagnostic(project):
    assert judge(footprint(fits="yes"), project) is None


def test_a_step_that_does_not_fit_is_an_error_at_the_fit_call(project):
    found = judge(footprint(), project, LargestBatch(40, 10 * GIB, 4))
    assert ("KM901", "over-budget", "error", "train.py") == (found.code, found.name, found.severity, found.path)
    assert "model.fit(x, y)  # all of it" == SOURCE[found.span.start : found.span.end]
    assert (6, 5) == (found.location.line, found.location.column)
    assert (
        "a training step of batch 64 needs 18.00 GiB (17.00 GiB to 19.00 GiB) of T4's 11.00 GiB: "
        "activations 11.00 GiB, slots 4.00 GiB, weights 2.00 GiB"
    ) == found.message
    assert "largest batch that fits: 40 (10.00 GiB; 4 batches were tried)" == found.fix.title
    assert "display" == found.fix.applicability


def test_the_largest_layers_of_the_file_are_labels(project):
    (label,) = judge(footprint(), project).labels
    assert "head holds 9.00 GiB at the peak" == label.message
    assert ("model = build(",) == label.source


def test_a_step_that_may_not_fit_is_information(project):
    found = judge(footprint(fits="unsure", low=10 * GIB), project)
    assert ("KM902", "footprint-unsure", "info") == (found.code, found.name, found.severity)
    assert found.message.endswith("it may not fit")


def test_a_failure_is_a_warning_with_its_reason(project):
    found = failed(FootprintError("train.py: raised: x\x1b[0m"), "train.py", project)
    assert ("KM903", "footprint-failed", "warning", 1) == (found.code, found.name, found.severity, found.location.line)
    assert "no footprint could be made: train.py: raised: x?[0m" == found.message


@pytest.mark.parametrize("changes", [{"line": 99}, {"line": 0}, {"file": ""}, {"file": "gone.py"}])
def test_a_line_that_is_not_there_gives_the_start_of_the_file(changes, project):
    found = judge(footprint(**changes), project)
    assert found.span in (Span(0, 0), Span(0, len("import keras")))


def test_a_program_that_cannot_run_is_one_diagnostic(project):
    settings = settings_from({"gpu": "T4", "script": "train.py"})
    (found,) = check_footprint(settings, project, Setup(cached=False, timeout=60))
    assert "KM903" == found.code
    assert "train.py" in found.message


def test_a_step_that_does_not_fit_is_said_though_the_largest_batch_cannot_be_found(project, monkeypatch):
    monkeypatch.setattr(cache, "key", lambda program, request: f"of-{program.batch_size}")
    cache.store("of-None", [footprint().to_json()])  # every other batch would have to be run, which ends in an error
    (found,) = check_footprint(settings_from({"gpu": "T4", "script": "train.py"}), project, Setup(timeout=60))
    assert ("KM901", "use a smaller batch, a smaller model or a larger GPU") == (found.code, found.fix.title)


def test_settings_are_read():
    table = {
        "gpu": "a100",
        "entry": "m:f",
        "batch": 8,
        "timeout": 30,
        "reserve": "1GiB",
        "memory-fraction": 0.9,
        "max-batch": False,
    }
    assert FootprintSettings(
        gpu="a100", entry="m:f", batch=8, timeout=30, reserve=GIB, memory_fraction=0.9, max_batch=False
    ) == settings_from(table)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"script": "a.py"}, "name the GPU"),
        ({"gpu": "T4"}, "name either script or entry"),
        ({"gpu": "T4", "script": "a.py", "entry": "a:b"}, "name either script or entry"),
        ({"gpu": "T5", "script": "a.py"}, "unknown GPU 'T5'; nearest: T4"),
        ({"gpu": "T4", "script": "a.py", "bacth": 3}, "unknown key 'bacth'; did you mean 'batch'"),
        ({"gpu": "T4", "script": "a.py", "batch": "3"}, "batch is a str; it takes a int"),
        ({"gpu": "T4", "script": "a.py", "batch": True}, "batch is a bool"),
        ({"gpu": "T4", "script": "a.py", "engine": "magic"}, "engine is one of auto, xla"),
        ({"gpu": "T4", "script": "a.py", "reserve": "some"}, "'some' is no size"),
        ({"gpu": "T4", "script": "a.py", "backend": "theano"}, "backend is one of jax, tensorflow, torch"),
        ({"gpu": "T4", "script": "a.py", "batch": 0}, "a batch of 0 is impossible"),
        ({"gpu": "T4", "script": "a.py", "timeout": -1}, "timeout = -1 leaves no time"),
        ({"gpu": "T4", "script": "a.py", "timeout": float("nan")}, "timeout = nan leaves no time"),
        ({"gpu": "T4", "script": "a.py", "memory-fraction": 75}, "memory-fraction = 75 is no share"),
    ],
)
def test_settings_that_cannot_be_used_are_one_line(table, text):
    with pytest.raises(ConfigError, match=text) as caught:
        settings_from(table)
    assert str(caught.value).startswith("[tool.kerasmem-lint.footprint]: ")


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Training"]},
        {
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "source": ["%matplotlib inline\n", "import keras\n", "m = build()\n"],
        },
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["if m:\n", "    m.fit(x, y)  # all\n"]},
    ],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}


def test_in_a_notebook_the_finding_stands_in_the_cell_and_line_of_the_fit(tmp_path):
    (tmp_path / "train.ipynb").write_text(json.dumps(NOTEBOOK, indent=1))
    layers = (LayerShare("head", "Dense", "train.ipynb", 3, 9 * GIB, (("activations", 9 * GIB),), cell=2),)
    found = judge(footprint(file="train.ipynb", line=2, cell=3, by_layer=layers), tmp_path)
    assert (3, 2, 5) == (found.location.cell, found.location.line, found.location.column)
    assert ("    m.fit(x, y)  # all",) == found.source
    (label,) = found.labels
    assert (2, 3, ("m = build()",)) == (label.location.cell, label.location.line, label.source)
    raw = (tmp_path / "train.ipynb").read_text().splitlines()
    assert "m.fit" in raw[found.location.file_line - 1]


def test_a_failure_stands_where_the_program_went_wrong(tmp_path):
    (tmp_path / "train.py").write_text("import os\n\ndata = open('no such file')\n")
    (tmp_path / "train.ipynb").write_text(json.dumps(NOTEBOOK, indent=1))
    found = {}
    for script in ("train.py", "train.ipynb"):
        settings = settings_from({"gpu": "T4", "script": script})
        (found[script],) = check_footprint(settings, tmp_path, Setup(cached=False, timeout=60))
    assert ("KM903", 3, ("data = open('no such file')",)) == (
        found["train.py"].code,
        found["train.py"].location.line,
        found["train.py"].source,
    )
    notebook = found["train.ipynb"]
    assert ("KM903", 2) == (notebook.code, notebook.location.cell)
    assert notebook.source[0] in ("import keras", "m = build()")  # whether Keras is installed here or not
