"""The command line of the footprint verb: arguments in, text, JSON and exit code out."""

from __future__ import annotations

import argparse
import io
import json
import sys

import pytest
from plans import accounted

from kerasmem_lint.cli import footprint as verb
from kerasmem_lint.cli import main
from kerasmem_lint.errors import KerasmemError
from kerasmem_lint.footprint import Budget, Setup, TrainingProgram, cache, judged
from kerasmem_lint.footprint.account import Footprint
from kerasmem_lint.footprint.program import limit_of
from kerasmem_lint.footprint.remedies import LargestBatch, Remedy
from kerasmem_lint.footprint.text import plain, render, size
from kerasmem_lint.knowledge import gpus


def footprint(name: str = "unet-jax", backend: str = "jax", **changes: object) -> Footprint:
    """A footprint made of a stored plan."""
    account = accounted(name)
    fields = {
        "engine": "xla", "backend": backend, "gpu": "T4", "gpu_name": "Tesla T4", "batch": 4, "peak": account.peak,
        "low": account.low, "high": account.high, "limit": 0, "fits": "unsure", "moment": account.moment,
        "by_category": account.by_category, "by_layer": account.by_layer, "timeline": account.timeline,
        "assumptions": account.notes, "versions": (("keras", "3.15.1"),), "compiler_peak": account.compiler_peak,
        "file": "train.py", "line": 12,
    }  # fmt: skip
    return Footprint(**{**fields, **changes})


def run(*arguments: str) -> int:
    """The verb with these arguments."""
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    args = parser.parse_args(list(arguments))
    return args.run(args)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--gpu", "T4"], "name either a script or --entry"),
        (["train.py", "--entry", "a:b", "--gpu", "T4"], "name either a script or --entry"),
        (["train.py", "--gpu", "GTX9999"], "unknown GPU 'GTX9999'; nearest"),
        (["train.py", "--gpu", "T4", "--batch-size", "0"], "a batch of 0 is impossible"),
        (["train.py", "--gpu", "T4", "--memory-fraction", "1.5"], "1.5 is no share"),
        (["train.py", "--gpu", "T4", "--reserve", "lots"], "'lots' is no size"),
        (["absent.py", "--gpu", "T4"], "absent.py: no such file"),
        ([".", "--gpu", "T4"], "[.]: a folder; name the script or notebook in it"),
        (["train.py", "--gpu", "T4", "--timeout", "0"], "--timeout 0 leaves no time"),
        (["train.py", "--gpu", "T4", "--timeout", "nan"], "--timeout nan leaves no time"),
    ],
)
def test_what_cannot_be_carried_out_is_one_line(arguments, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KerasmemError, match=text) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)


def test_the_last_lines_of_a_failing_program_are_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print('loading')\nraise OSError('disk')\n")
    with pytest.raises(KerasmemError, match="OSError: disk"):
        run("train.py", "--gpu", "T4")
    assert "  | loading\n" == capsys.readouterr().err


@pytest.mark.parametrize("between", [[], ["--gpu", "T4", "--no-cache"]])
def test_what_follows_two_dashes_is_the_programs(between, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import sys\nraise OSError(sys.argv)\n")
    gpu = [] if between else ["--gpu", "T4"]
    assert 2 == main(["footprint", *gpu, "train.py", *between, "--", "--batch", "64", "--", "x"])
    assert "OSError: ['train.py', '--batch', '64', '--', 'x']" in capsys.readouterr().err


def answer(monkeypatch, tmp_path, found: Footprint) -> None:
    """Store an answer, so that the verb has one without a framework."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    monkeypatch.setattr(cache, "key", lambda program, request: f"of-{program.batch_size}")
    cache.store("of-None", [found.to_json()])


@pytest.mark.parametrize(("gpu", "code"), [("T4", 0), ("1GiB", 0), ("A100-40GB", 0)])
def test_exit_code_is_0_where_the_step_fits(gpu, code, monkeypatch, tmp_path, capsys):
    answer(monkeypatch, tmp_path, footprint())
    assert code == run("train.py", "--gpu", gpu)
    assert "fits" in capsys.readouterr().out


def test_exit_code_is_1_where_it_does_not(monkeypatch, tmp_path, capsys):
    answer(monkeypatch, tmp_path, footprint())
    assert 1 == run("train.py", "--gpu", "T4", "--reserve", "11GiB")
    assert "does NOT fit T4" in capsys.readouterr().out


@pytest.mark.parametrize("content", [[1], [{"gpu": "T4"}], [], {"a": 1}, 3])
def test_a_stored_answer_of_another_shape_is_no_answer(content, monkeypatch, tmp_path):
    answer(monkeypatch, tmp_path, footprint())
    cache.store("of-None", content)
    with pytest.raises(KerasmemError, match=r"train.py: the program ended without a call of fit\(\)"):
        run("train.py", "--gpu", "T4")


def test_an_output_that_knows_only_ascii_still_gets_the_answer(monkeypatch, tmp_path):
    answer(monkeypatch, tmp_path, footprint())
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert 0 == run("train.py", "--gpu", "T4")
    assert raw.getvalue().startswith(b"batch 4 fits T4: ")


def test_json_is_versioned_and_adds_up(monkeypatch, tmp_path, capsys):
    answer(monkeypatch, tmp_path, footprint())
    run("train.py", "--gpu", "T4", "--format", "json")
    body = json.loads(capsys.readouterr().out)
    found = body["footprints"][0]
    assert 1 == body["version"]
    assert found["peak"] == sum(found["by_category"].values()) == sum(layer["bytes"] for layer in found["by_layer"])
    assert ("train.py", 12, "yes") == (found["file"], found["line"], found["fits"])


def test_the_text_has_verdict_bar_layers_moment_and_assumptions():
    found = judged(footprint(), gpus.find("T4"), Budget())
    text = render(found, LargestBatch(96, 10**9, 5), (Remedy("SGD", footprint(peak=found.peak // 2)),))
    lines = text.splitlines()
    assert lines[0].startswith("batch 4 fits T4: ")
    for wanted in (
        "train.py:12, jax backend, engine xla",
        "largest batch that fits: 96",
        "at the peak:",
        "largest layers",
        "- SGD:",
    ):
        assert wanted in text
    assert "JAX uses 75% of the GPU's memory" in text
    assert text.count("MiB") > 10


def test_hostile_names_do_not_reach_the_terminal():
    layer = footprint().by_layer[0]
    evil = footprint(file="a\x1b[2J.py", by_layer=(type(layer)("x\r\x1b]0;", "K\x07", "f\n.py", 1, 1, ()),))
    assert not any(char in render(evil) for char in "\x1b\x07\r")
    assert "a?[2J" == plain("a\x1b[2J")


@pytest.mark.parametrize(
    ("count", "text"), [(512, "512 B"), (1536, "1.5 KiB"), (3 << 20, "3.0 MiB"), (500 << 20, "500 MiB"), (3 << 30, "3.00 GiB")]
)
def test_sizes_are_short(count, text):
    assert text == size(count)


@pytest.mark.parametrize(
    ("backend", "budget", "limit"),
    [
        ("jax", Budget(), int(15633680957 * 0.75)),
        ("jax", Budget(memory_fraction=0.5), 15633680957 // 2),
        ("jax", Budget(memory_fraction=1.0), 15633680957 - (450 << 20)),
        ("tensorflow", Budget(), 15633680957 - (1500 << 20)),
        ("torch", Budget(), 15633680957 - (450 << 20)),
        ("torch", Budget(reserve=1 << 30), 15633680957 - (450 << 20) - (1 << 30)),
        ("torch", Budget(reserve=100 << 30), 0),
    ],
)
def test_the_limit_is_the_backends_not_the_cards(backend, budget, limit):
    assert limit == limit_of(backend, gpus.find("T4"), budget)[0]


def test_a_program_survives_json():
    program = TrainingProgram(script="a.py", arguments=("--x", "1"), batch_size=3)
    assert program == TrainingProgram.from_json(json.loads(json.dumps(program.to_json())))


def test_a_changed_source_file_is_another_question(tmp_path):
    (tmp_path / "train.py").write_text("a")
    (tmp_path / "helper.py").write_text("b")
    program = TrainingProgram(script="train.py", directory=str(tmp_path))
    before = cache.key(program, {"gpu": "T4"})
    assert before == cache.key(program, {"gpu": "T4"})
    assert before != cache.key(program, {"gpu": "L4"})
    (tmp_path / "helper.py").write_text("c")
    assert before != cache.key(program, {"gpu": "T4"})


@pytest.mark.parametrize("content", ["", "{", "\xff"])
def test_a_damaged_answer_is_no_answer(content):
    cache.store("x", [1])
    (cache.directory() / "x.json").write_text(content, encoding="latin-1")
    assert cache.load("x") is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERASMEM_LINT_CACHE", str(tmp_path / "file"))
    cache.store("x", [1])
    assert cache.load("x") is None


def test_setups_that_differ_only_in_who_watches_are_equal():
    assert Setup() == Setup(progress=print)
