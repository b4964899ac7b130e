"""The small parts of the bot: patches, fingerprints, suggestions, waiting, the checkout."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_github
import pytest
from conftest import Bench, Clock
from fake_server import Answer, Fault
from material import LOOP, LOOP_PATCH, added, diagnostic, report, safe_fix

from kerasmem_lint.diagnostics import Edit, FileReport, Problem, Report, Span
from kerasmem_lint.review.checkout import Checkout
from kerasmem_lint.review.diff import Diff, FileDiff, parse_patch
from kerasmem_lint.review.forge import ForgeError, UncertainError
from kerasmem_lint.review.patience import Patience, Refusal
from kerasmem_lint.review.remarks import Suggestion, fingerprint, remarks_of, suggestion_between

# Patches


def test_a_patch_is_read_into_both_sides() -> None:
    (hunk,) = parse_patch("@@ -4,3 +7,3 @@ class A:\n same\n-old\n+new\n same\n\\ No newline at end of file")
    assert [(line.kind, line.text, line.old, line.new) for line in hunk.lines] == [
        ("context", "same", 4, 7),
        ("removed", "old", 5, None),
        ("added", "new", None, 8),
        ("context", "same", 6, 9),
    ]
    assert [line.new for line in hunk.right] == [7, 8, 9]
    assert hunk.covers(7, 9)
    assert not hunk.covers(6, 8)
    assert not hunk.covers(9, 7)


def test_lines_are_cut_at_line_feeds_only() -> None:
    (hunk,) = parse_patch("@@ -0,0 +1,2 @@\n+a\x0cb\u2028c\r\n+d")
    assert [line.text for line in hunk.lines] == ["a\x0cb\u2028c\r", "d"]


def test_lines_that_look_like_headers_are_lines() -> None:
    (hunk,) = parse_patch("@@ -1,2 +1,2 @@\n same\n--- a/x.py\n+++ b/x.py")
    assert [(line.kind, line.text) for line in hunk.lines] == [
        ("context", "same"),
        ("removed", "-- a/x.py"),
        ("added", "++ b/x.py"),
    ]


def test_what_git_prints_before_the_hunks_is_passed_over() -> None:
    text = "diff --git a b\nsimilarity index 98%\nrename from a\nrename to b\n--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"
    assert [line.text for line in parse_patch(text)[0].lines] == ["x", "y"]


@pytest.mark.parametrize("text", ["", "Binary files a and b differ\n", "similarity index 100%\nrename from a\n"])
def test_a_patch_without_hunks_has_none(text: str) -> None:
    assert parse_patch(text) == ()


def test_a_patch_that_was_cut_off_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a unified diff"):
        parse_patch("@@ -1,3 +1,4 @@\n a\n-b")


def test_a_renamed_file_is_known_by_its_old_name() -> None:
    diff = Diff((FileDiff("b.py", "a.py"),))
    assert (diff.origin("b.py"), diff.origin("c.py")) == ("a.py", "c.py")


# Fingerprints


def test_a_fingerprint_is_the_same_in_every_version() -> None:
    assert fingerprint("train.py", "KM101", ("    model.predict(x)",), 0) == "d09fff49063381ed9f8a"


def test_a_fingerprint_knows_path_code_text_and_count_but_no_indentation() -> None:
    base = ("train.py", "KM101", ("model.predict(x)",), 0)
    assert fingerprint("train.py", "KM101", ("\tmodel.predict(x)  ",), 0) == fingerprint(*base)
    others = [("b.py", *base[1:]), (base[0], "KM102", *base[2:]), (*base[:2], ("y",), 0), (*base[:3], 1)]
    assert len({fingerprint(*base), *(fingerprint(*other) for other in others)}) == 5


def test_fingerprints_do_not_change_when_code_moves() -> None:
    first = remarks_of((diagnostic(line=3), diagnostic(line=9)), str)
    second = remarks_of((diagnostic(line=30), diagnostic(line=90)), str)
    assert [item.fingerprint for item in first] == [item.fingerprint for item in second]


# Suggestions


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\nb\nc\n", "a\nB\nc\n", Suggestion(2, 2, ("b",), ("B",))),
        ("a\nb\nc\nd\n", "a\nB\nc\nD\n", Suggestion(2, 4, ("b", "c", "d"), ("B", "c", "D"))),
        ("a\nb\nc\n", "a\nc\n", Suggestion(2, 2, ("b",), ())),
        ("a\nc\n", "a\nb\nc\n", Suggestion(1, 1, ("a",), ("a", "b"))),
        ("a\n", "b\na\n", Suggestion(1, 1, ("a",), ("b", "a"))),
        ("a", "b", Suggestion(1, 1, ("a",), ("b",))),
        ("  if x:\n    y\n", "\tif x:\n    y\n", Suggestion(1, 1, ("  if x:",), ("\tif x:",))),
        ("a\n", "a\n", None),
        ("a\r\n", "b\r\n", None),
        ("a\n", "b\u202e\n", None),
        ("a\n", "b\u200b\n", None),
        ("a\n", "\n".join("b" * 41) + "\n", None),
        ("a\n", "b" * 20_000 + "\n", None),
    ],
)
def test_two_texts_become_the_lines_that_differ(before: str, after: str, expected: Suggestion | None) -> None:
    assert suggestion_between(before, after) == expected
    if expected is not None:
        lines = before.split("\n")
        lines[expected.start_line - 1 : expected.end_line] = expected.after
        assert "\n".join(lines) == after


def test_a_fix_that_is_only_advice_is_no_suggestion() -> None:
    fix = replace(safe_fix(Edit(Span(0, 1), "x")), applicability="display")
    (remark,) = remarks_of((diagnostic(fix=fix),), str, lambda path, edits: ("a", "b"))
    assert (remark.suggestion, remark.advice) == (None, "Call the model itself")


# Waiting


@pytest.mark.parametrize(
    ("refusal", "attempt", "seconds"),
    [
        (Refusal(429, "", {"retry-after": "12"}), 1, 12.0),
        (Refusal(403, "", {"retry-after": "12"}), 1, 12.0),
        (Refusal(403, "", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000040"}), 1, 41.0),
        (Refusal(403, "", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "999"}), 1, 1.0),
        (Refusal(403, "You have exceeded a secondary rate limit"), 1, 60.0),
        (Refusal(403, "You have exceeded a secondary rate limit"), 2, 120.0),
        (Refusal(429, "", {"retry-after": "soon"}), 1, 60.0),
        (Refusal(503, ""), 1, 1.0),
        (Refusal(503, ""), 4, 8.0),
        (Refusal(0, "the connection broke"), 2, 2.0),
        (Refusal(403, "Resource not accessible by integration"), 1, None),
        (Refusal(404, "Not Found"), 1, None),
        (Refusal(422, "rate limit of lines"), 1, None),
    ],
)
def test_a_refusal_says_how_long_to_wait(clock, refusal: Refusal, attempt: int, seconds: float | None) -> None:
    assert Patience(now=clock.now).delay(refusal, attempt) == seconds


class BrokenError(Exception):
    def __init__(self, refusal: Refusal | None) -> None:
        self.refusal = refusal


def failing(*refusals: Refusal | None):
    queue = list(refusals)

    def send() -> str:
        if queue:
            raise BrokenError(queue.pop(0))
        return "done"

    return send


def refusal_of(error: Exception) -> Refusal | None:
    return error.refusal if isinstance(error, BrokenError) else None


def test_patience_ends_with_its_budget(clock) -> None:
    patience = Patience(budget=100, sleep=clock.sleep, now=clock.now)
    limit = Refusal(429, "slow down", {"retry-after": "60"})
    assert patience.call(failing(limit), refusal_of) == "done"
    with pytest.raises(ForgeError, match="asks for a pause of 60 s"):
        patience.call(failing(limit), refusal_of)
    assert clock.slept == [60.0]


def test_what_must_be_sent_once_is_sent_again_only_when_it_was_not_done(clock) -> None:
    patience = Patience(sleep=clock.sleep, now=clock.now)
    assert patience.call(failing(Refusal(429, "slow down", {"retry-after": "1"})), refusal_of, once=True) == "done"
    with pytest.raises(UncertainError):
        patience.call(failing(Refusal(502, "bad gateway")), refusal_of, once=True)


def test_errors_that_are_not_the_forges_are_raised_as_they_are(clock) -> None:
    with pytest.raises(BrokenError):
        Patience(sleep=clock.sleep).call(failing(None), refusal_of)


@pytest.mark.parametrize("data", [{"number": 7}, [], "a page", None], ids=repr)
def test_an_answer_that_is_not_githubs_is_an_error_of_one_line(direct: Any, clock: Clock, data: object) -> None:
    switch, server = direct
    switch.fake = fake_github.FakeGitHub(faults=[Fault("GET", "/pulls/7$", Answer(200, data))])
    with pytest.raises(ForgeError, match="does not understand"):
        Bench(switch.fake, server.url, clock).adapter().read()


# The checkout


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "old name.py").write_text("import keras\n" * 20)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def commit(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "more")
    return git(folder, "rev-parse", "HEAD")


def test_git_gives_the_patch_of_a_file_also_under_a_new_name(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    git(repository, "mv", "old name.py", ":(top)new.py")
    (repository / ":(top)new.py").write_text("import keras\n" * 20 + "model.predict(x)\n")
    head = commit(repository)
    checkout = Checkout(repository, {})
    assert checkout.head() == head
    patch = checkout.patch(base, head, "old name.py", ":(top)new.py")
    assert patch is not None
    assert [line.text for line in parse_patch(patch)[0].lines if line.kind == "added"] == ["model.predict(x)"]


def test_without_git_or_the_commits_there_is_no_patch(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert Checkout(repository, {}).patch("b" * 40, head, "x", "x") is None
    assert Checkout(repository, {}).patch("--output=/tmp/x", head, "x", "x") is None
    empty = tmp_path_factory.mktemp("empty")
    assert Checkout(empty, {}).head() == ""


def test_git_is_not_told_the_tokens(repository: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text(f'#!/bin/sh\nenv > {tmp_path}/seen\necho "$@" >> {tmp_path}/seen\n')
    (tools / "git").chmod(0o755)
    secrets = {"GITHUB_TOKEN": "secret-1", "GH_TOKEN": "secret-2", "GITLAB_TOKEN": "secret-3", "CI_JOB_TOKEN": "secret-4"}
    Checkout(repository, {"PATH": f"{tools}:/usr/bin:/bin", "KEPT": "kept", **secrets}).head()
    seen = (tmp_path / "seen").read_text()
    assert "KEPT=kept" in seen
    assert "secret" not in seen


def test_a_fix_is_shown_as_the_lines_of_a_file(repository: Path) -> None:
    (repository / "train.py").write_text("\n".join(LOOP) + "\n")
    start = "\n".join(LOOP).index("model.predict")
    item = diagnostic(fix=safe_fix(Edit(Span(start, start + len("model.predict")), "model")))
    (remark,) = remarks_of((item,), str, Checkout(repository, {}).rewrite)
    assert remark.suggestion == Suggestion(3, 3, ("    model.predict(x)",), ("    model(x)",))


def test_a_fix_in_a_notebook_is_shown_as_the_lines_of_its_json(repository: Path) -> None:
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    sources = (["import keras\n", 's = "é\\""\n', "model.predict(x)"],)
    notebook = {"cells": [{**cell, "source": s} for s in sources], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    text = json.dumps(notebook, indent=1)
    (repository / "nb.ipynb").write_text(text)
    start = "".join(sources[0]).index("model.predict")
    item = diagnostic("nb.ipynb", 3, "model.predict(x)", cell=1, fix=safe_fix(Edit(Span(start, start + 13), "model")))
    line = next(number for number, line in enumerate(text.split("\n"), 1) if "model.predict" in line)
    item = replace(item, location=replace(item.location, file_line=line, file_end_line=line))
    (remark,) = remarks_of((item,), str, Checkout(repository, {}).rewrite)
    shown = text.split("\n")[line - 1]
    assert remark.suggestion == Suggestion(line, line, (shown,), (shown.replace("model.predict", "model"),))


@pytest.mark.parametrize("path", ["missing.py", "old name.py"])
def test_a_fix_that_does_not_fit_the_file_is_no_suggestion(repository: Path, path: str) -> None:
    assert Checkout(repository, {}).rewrite(path, (Edit(Span(10_000, 10_001), ""),)) is None


def test_paths_are_told_from_the_root_of_the_checkout(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "package").mkdir()
    monkeypatch.chdir(repository / "package")
    checkout = Checkout(Path.cwd(), {})
    given = Report(
        (FileReport("a.py", "failed", (diagnostic("a.py"),), problems=(Problem("a.py", "x"),)),), (Problem("../b", "y"),)
    )
    told = checkout.relative(given)
    assert [item.path for item in (*told.files, *told.diagnostics, *told.all_problems)] == [
        "package/a.py",
        "package/a.py",
        "b",
        "package/a.py",
    ]
    assert checkout.relative(report(diagnostic(str(repository / "c.py")))).diagnostics[0].path == "c.py"


def test_the_material_of_these_tests_is_what_it_says() -> None:
    assert [line.text for line in parse_patch(LOOP_PATCH)[0].right] == list(LOOP)
    assert parse_patch(added("x", start=5))[0].at(5) is not None
