"""The accuracy section of the footprint page: one command makes it from the stored measurements."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import footprint_accuracy
from tools.footprint_accuracy import verdicts

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_measurements_say():
    tool = str(ROOT / "tools" / "footprint_accuracy.py")
    done = subprocess.run([sys.executable, tool, "--check"], cwd=ROOT, check=False)
    assert 0 == done.returncode, "run `python tools/footprint_accuracy.py`"


@pytest.mark.parametrize("store", ["torch_cpu.jsonl", "tf_graph_cpu.jsonl"])
def test_the_band_of_an_engine_holds_every_step_that_was_measured(store):
    for row in footprint_accuracy.read(store):
        below, above = footprint_accuracy.BANDS[row["engine"]]
        # The first step is the way to the steady state that the torch engine reports.
        steps = row["truth_steps"][1:] if row["engine"] == "torch" else row["truth_steps"]
        assert row["estimate"] * (1 - below) <= min(steps), row["case"]
        assert max(steps) <= row["estimate"] * (1 + above), row["case"]


@pytest.mark.parametrize(
    ("estimate", "band", "wrong", "unsure"),
    [(100, (0.0, 0.0), 0.0, 0.0), (150, (0.0, 0.0), 0.5, 0.0), (60, (0.0, 0.0), 0.5, 0.0), (150, (0.5, 0.5), 0.0, 1.0)],
)
def test_verdicts_are_wrong_undecided_or_right(estimate, band, wrong, unsure):
    assert (wrong, unsure) == verdicts([(estimate, 100)], band, (0.8, 1.2))
