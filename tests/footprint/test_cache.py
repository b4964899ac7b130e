"""The key under which an answer is kept."""

from __future__ import annotations

import os

import pytest

from kerasmem_lint.footprint import cache
from kerasmem_lint.footprint.program import TrainingProgram


def test_a_link_that_leads_nowhere_beside_the_program_is_no_obstacle(tmp_path):
    (tmp_path / "train.py").write_text("import keras\n")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    program = TrainingProgram("train.py", directory=str(tmp_path))
    assert cache.key(program, {}) == cache.key(program, {})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_beside_the_program_is_not_read(tmp_path):
    (tmp_path / "train.py").write_text("a")
    os.mkfifo(tmp_path / "pipe.py")
    assert cache.key(TrainingProgram(script="train.py", directory=str(tmp_path)), {})
