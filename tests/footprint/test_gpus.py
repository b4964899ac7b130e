"""The table of GPUs, and finding a row in it."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys

import pytest

from kerasmem_lint.cli import gpus as verb
from kerasmem_lint.errors import UsageError
from kerasmem_lint.knowledge import gpus


def test_at_least_25_gpus_are_known_each_with_a_source():
    assert len(gpus.table()) >= 25
    assert all(gpu.source and gpu.kind for gpu in gpus.table().values())


def test_where_a_memory_can_be_seen_is_part_of_its_source():
    assert gpus.find("A100-40GB").source.endswith("memory reported, https://github.com/bottlerocket-os/bottlerocket/pull/3873")
    shown = [gpu for gpu in gpus.table().values() if "https://" in gpu.source]
    assert {"RTX4060Ti-16GB", "RTXPRO6000"} == set(gpus.table()) - {gpu.key for gpu in shown}
    assert all("memory reported, https://" in gpu.source for gpu in shown)


def test_every_row_is_plausible():
    for gpu in gpus.table().values():
        assert 5 << 30 <= gpu.memory <= 200 << 30
        assert 20 <= gpu.multiprocessors <= 200
        assert 0.9 < gpu.clock < 3
        assert gpu.shared_per_block <= gpu.shared_per_multiprocessor
        box = re.search(r"(\d+)GB", gpu.key)
        assert box is None or 0.9 * int(box[1]) * 10**9 < gpu.memory < int(box[1]) << 30


def test_every_alias_leads_to_a_row():
    assert set(gpus.aliases().values()) <= set(gpus.table())


@pytest.mark.parametrize(
    ("name", "key"),
    [("T4", "T4"), ("tesla t4", "T4"), ("RTX 4090", "RTX4090"), ("rtx-4090", "RTX4090"), ("4090", "RTX4090"), ("h200", "H200")],
)
def test_a_name_is_found_however_it_is_written(name, key):
    assert key == gpus.find(name).key


def test_an_alias_says_what_was_taken():
    gpu = gpus.find("a100")
    assert ("A100-40GB", "a100 was read as A100-40GB") == (gpu.key, gpu.note)


@pytest.mark.parametrize(
    ("text", "memory"), [("24GiB", 24 << 30), ("24 gib", 24 << 30), ("16GB", 16 * 10**9), ("1.5GiB", 3 << 29)]
)
def test_a_bare_size_is_a_gpu(text, memory):
    gpu = gpus.find(text)
    assert memory == gpu.memory
    assert "only a size was given" in gpu.note


def test_a_gpu_that_is_like_no_other_is_answered_with_where_they_are_listed():
    with pytest.raises(UsageError, match=r"unknown GPU 'nosuch'; `kerasmem-lint gpus` lists them; or give"):
        gpus.find("nosuch")


def test_an_unknown_gpu_is_answered_with_the_nearest_names():
    with pytest.raises(UsageError, match=r"unknown GPU 'RTX3091'; nearest: RTX3090"):
        gpus.find("RTX3091")


def test_a_tiny_size_is_refused():
    with pytest.raises(UsageError, match="100MiB is too small"):
        gpus.find("100MiB")


@pytest.mark.parametrize("text", ["", "many", "10", "10 PB", "-1GiB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UsageError, match="is no size"):
        gpus.parse_size(text)


def test_the_drivers_name_is_recognised_and_its_memory_taken():
    gpu = gpus.recognise("NVIDIA A100-SXM4-80GB", 85 * 10**9)
    assert ("A100-80GB", 85 * 10**9) == (gpu.key, gpu.memory)


def test_a_gpu_the_table_lacks_is_compiled_for_as_another_and_says_so():
    gpu = gpus.recognise("NVIDIA Something 9000", 50 * 10**9)
    assert ("NVIDIA Something 9000", 50 * 10**9) == (gpu.key, gpu.memory)
    assert "is not in the table" in gpu.note


def test_the_target_text_has_every_figure():
    text = gpus.target_text(gpus.find("T4"))
    assert "cuda_compute_capability { major: 7 minor: 5 }" in text
    assert "core_count: 40" in text
    assert f"device_memory_size: {gpus.find('T4').memory}" in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_verb_lists_every_gpu(form, capsys):
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    args = parser.parse_args(["--format", form])
    assert 0 == args.run(args)
    printed = capsys.readouterr().out
    if form == "json":
        assert list(gpus.table()) == [row["key"] for row in json.loads(printed)["gpus"]]
    else:
        assert list(gpus.table()) == [line.split()[0] for line in printed.splitlines()]


def test_a_reader_that_has_seen_enough_of_the_list_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "kerasmem_lint", "gpus"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert "" == done.stderr
