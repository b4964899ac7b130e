"""``kerasmem-lint review`` as a job runs it: environment in, requests and text out."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fake_github
import pytest
from fake_github import HEAD, TOKEN, FakeGitHub
from fake_gitlab import TOKEN as GITLAB_TOKEN
from fake_gitlab import FakeGitLab
from fake_server import Answer, Fault, Server
from material import LOOP, LOOP_PATCH, added, diagnostic, report, safe_fix

from kerasmem_lint.cli import review
from kerasmem_lint.diagnostics import Edit, Report, Span
from kerasmem_lint.errors import KerasmemError, UsageError
from kerasmem_lint.review.findings import dump_findings

VARIABLES = ("GITHUB_", "GITLAB_", "GH_", "CI_")
TEXT = "\n".join(LOOP) + "\n"


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitHub]:
    """A job of GitHub Actions on a pull request that changes train.py."""
    fake = FakeGitHub()
    fake.change("train.py", LOOP_PATCH)
    server = Server(fake)
    for name in list(os.environ):
        if name.startswith(VARIABLES):
            monkeypatch.delenv(name)
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}))
    work = tmp_path / "work"
    work.mkdir()
    (work / "train.py").write_text(TEXT)
    monkeypatch.chdir(work)
    for name, value in {
        "GITHUB_REPOSITORY": fake_github.REPOSITORY,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_API_URL": server.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "page.md"),
    }.items():
        monkeypatch.setenv(name, value)
    yield fake
    server.close()


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    review.configure(parser)
    return review.run(parser.parse_args(arguments))


def saved(made: Report, head_sha: str = HEAD, number: int | None = 7) -> str:
    Path("findings.json").write_text(dump_findings(made, head_sha, number))
    return "--findings=findings.json"


def fixable() -> Report:
    start = TEXT.index("model.predict")
    return report(diagnostic(fix=safe_fix(Edit(Span(start, start + 13), "model"))))


def test_a_job_posts_comments_with_suggestions(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(saved(fixable())) == 0
    assert "\n```suggestion\n    model(x)\n```\n" in job.bodies[0]
    assert capsys.readouterr().out == "1 posted, 0 edited, 0 reopened, 0 resolved, summary written\n"


def test_a_dry_run_prints_the_plan_and_writes_nothing(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--dry-run", saved(fixable())) == 0
    out = capsys.readouterr().out
    assert out.startswith("post on train.py:3 [")
    assert "  | ```suggestion\n  |     model(x)\n  | ```\n" in out
    assert "write the summary\n" in out
    assert job.writes == []


def test_without_suggestions_there_are_none(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--dry-run", "--no-suggestions", saved(fixable())) == 0
    assert "suggestion" not in capsys.readouterr().out


def test_findings_of_a_fork_never_become_suggestions(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    job.head_repository = "mallory/models"
    assert call("--dry-run", saved(fixable())) == 0
    assert "suggestion" not in capsys.readouterr().out


def test_a_fresh_run_lints_the_paths(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.py").write_bytes(b"import keras\0")
    assert call("--dry-run", "--isolated", "broken.py") == 0
    out = capsys.readouterr().out
    assert "1 problem: not everything could be checked" in out
    assert "- `broken.py`: binary file" in out


def test_a_workflow_run_takes_the_number_from_the_file_and_the_head_from_the_event(
    job: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": {"head_sha": HEAD, "pull_requests": []}}))
    assert call("--dry-run", saved(fixable())) == 0
    out = capsys.readouterr().out
    assert out.startswith("post on train.py:3 [")
    assert "suggestion" not in out


def test_a_file_that_lies_about_its_commit_is_refused(job: FakeGitHub, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": {"head_sha": HEAD, "pull_requests": []}}))
    with pytest.raises(UsageError, match="the findings are about cccccccccc, this run is about aaaaaaaaaa"):
        call("--dry-run", saved(fixable(), "c" * 40))


def test_a_file_that_names_another_pull_request_posts_nothing_there(
    job: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"workflow_run": {"head_sha": "c" * 40, "pull_requests": []}}))
    assert call(saved(fixable(), "")) == 0
    assert capsys.readouterr().out == (
        "the pull request has moved on from cccccccccc to aaaaaaaaaa: left to the run for that commit\n"
    )
    assert job.writes == []


def test_findings_without_a_commit_are_refused(job: FakeGitHub, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text("{}")
    with pytest.raises(UsageError, match="name it with --head-sha"):
        call("--dry-run", saved(fixable(), ""))


def test_a_read_only_token_leaves_annotations_and_a_page(
    job: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job.may_write = False
    assert call(saved(fixable())) == 0
    captured = capsys.readouterr()
    assert captured.out == (
        "::warning file=train.py,line=3,endLine=3,title=KM101 predict-in-loop::"
        "`model.predict` runs on every pass of this loop\n"
    )
    assert "docs/github.md" in captured.err
    assert "**KM101**" in (tmp_path / "page.md").read_text()


@pytest.mark.parametrize(("level", "code"), [("never", 0), ("error", 0), ("warning", 1), ("info", 1)])
def test_findings_of_a_level_fail_the_job(job: FakeGitHub, level: str, code: int) -> None:
    assert call("--dry-run", "--fail-on", level, saved(fixable())) == code


def test_saved_findings_name_commit_and_pull_request(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.py").write_bytes(b"import keras\0")
    assert call("--isolated", "--save-findings", "out.json", "broken.py") == 0
    document = json.loads(Path("out.json").read_text())
    assert (document["head_sha"], document["pull_request"]) == (HEAD, 7)
    assert [item["path"] for item in document["errors"]] == ["broken.py"]
    assert job.requests == []
    assert call("--dry-run", "--findings", "out.json") == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--limit=-1"], "--limit must be 0 or more"),
        (["--tag=a b"], "--tag takes"),
        (["--findings=a", "--save-findings=b"], "exclude each other"),
        (["--findings=missing.json"], "cannot read missing.json"),
        (["--repository=x"], "does not name a repository"),
    ],
)
def test_a_command_line_that_cannot_be_carried_out_says_why(job: FakeGitHub, arguments: list[str], complaint: str) -> None:
    with pytest.raises(KerasmemError, match=complaint):
        call(*arguments)


def test_a_merge_request_is_reviewed_from_the_environment(
    job: FakeGitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeGitLab()
    fake.change("train.py", added(*LOOP))
    server = Server(fake)
    for name in list(os.environ):
        if name.startswith(VARIABLES):
            monkeypatch.delenv(name)
    for name, value in {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": f"{server.url}/api/v4",
        "CI_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_COMMIT_SHA": HEAD,
        "GITLAB_TOKEN": GITLAB_TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    assert call(saved(fixable())) == 0
    server.close()
    assert "```suggestion:-0+0\n    model(x)\n```" in fake.threads[0]["notes"][0]["body"]
    assert len(fake.summaries) == 1


def test_a_gitlab_token_that_may_only_read_leaves_a_listing(
    job: FakeGitHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeGitLab(may_write=False)
    fake.change("train.py", added(*LOOP))
    server = Server(fake)
    monkeypatch.setenv("GITLAB_TOKEN", GITLAB_TOKEN)
    monkeypatch.setenv("CI_API_V4_URL", f"{server.url}/api/v4")
    assert call("--forge=gitlab", "--repository=group/sub/models", "--pr=7", f"--head-sha={HEAD}", saved(fixable())) == 0
    server.close()
    captured = capsys.readouterr()
    assert captured.out == "train.py:3: KM101 `model.predict` runs on every pass of this loop\n"
    assert "docs/gitlab.md" in captured.err


def test_a_killed_run_is_completed_by_the_next_one(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed for good, after the review and before the summary, which is a second later."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, saved(fixable())], env=environ)
    while not job.threads and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    assert process.wait(30) == -9
    assert (len(job.threads), len(job.issue_comments)) == (1, 0)
    assert call(saved(fixable())) == 0
    assert (len(job.threads), len(job.issue_comments)) == (1, 1)
    assert capsys.readouterr().out.startswith("0 posted, ")


def test_without_a_token_the_error_says_so(job: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(KerasmemError, match="there is no token: set GITHUB_TOKEN"):
        call("--dry-run", saved(fixable()))


PROGRAM = """
import argparse, sys
from kerasmem_lint.cli import review
parser = argparse.ArgumentParser()
review.configure(parser)
sys.exit(review.run(parser.parse_args()))
"""


@pytest.mark.parametrize("trouble", ["none", "echo", "read-only", "broken answer"])
def test_the_token_is_in_no_text_and_in_no_arguments(job: FakeGitHub, tmp_path: Path, trouble: str) -> None:
    """Even where the forge sends it back. The processes are watched from outside while they run."""
    echo = {"message": f"Bad credentials: {TOKEN}", "errors": [{"message": TOKEN}]}
    if trouble == "echo":
        job.faults.append(Fault("GET", "/pulls/7", Answer(401, echo), times=9))
    if trouble == "read-only":
        job.faults.append(Fault("POST", "/reviews", Answer(403, echo), times=9))
    if trouble == "broken answer":
        job.faults.append(Fault("GET", "/pulls/7", Answer(200, {"unexpected": True}), times=9))
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/git.log\nenv >> {tmp_path}/git.log\n')
    (tools / "git").chmod(0o755)
    environ = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    found = saved(Report(tuple(replace(file, problems=()) for file in fixable().files)))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, found], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    arguments: list[str] = []

    def watch() -> None:
        while process.poll() is None:
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    arguments.append(entry.read_bytes().decode("utf-8", "replace"))
                except OSError:
                    continue
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, err = process.communicate(timeout=120)
    watcher.join()
    seen = out + err + (tmp_path / "git.log").read_text()
    page = tmp_path / "page.md"
    seen += page.read_text() if page.exists() else ""
    assert "rev-parse" in seen
    assert TOKEN not in seen
    assert TOKEN[4:] not in seen
    assert job.requests
    if Path("/proc").exists():
        assert any(found in line for line in arguments)
        assert not any(TOKEN in line for line in arguments)


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *identity, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def commit_all(fake: FakeGitHub, base: str) -> None:
    """Commit the working tree and show its diff from ``base`` as the pull request's."""
    git("add", "-A")
    git("commit", "-qm", "more")
    fake.head_sha = git("rev-parse", "HEAD")
    fake.files.clear()
    for path in git("diff", "--name-only", base, "HEAD").split("\n"):
        text = git("diff", base, "HEAD", "--", path)
        fake.change(path, text[text.index("@@ ") :])
    event = {"pull_request": {"number": 7, "head": {"sha": fake.head_sha}}}
    Path(os.environ["GITHUB_EVENT_PATH"]).write_text(json.dumps(event))


def test_a_pull_request_is_reviewed_from_first_to_last_commit(job: FakeGitHub, capsys: pytest.CaptureFixture[str]) -> None:
    """The real linter, real git: a program and a notebook come, the program is edited, then mended."""
    rule = "KM213"
    loop = ["for path in paths:", "    x = np.load(path)", "    model.fit(x, epochs=1)", ""]
    head = ["import numpy as np", "import keras", "model = keras.Sequential()"]
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    source = [line + "\n" for line in (*head, *loop[:3])]
    notebook = {"cells": [{**cell, "source": source}], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    git("init", "-q")
    Path("README.md").write_text("a project\n")
    git("add", "README.md")
    git("commit", "-qm", "start")
    base = git("rev-parse", "HEAD")
    Path("train.py").write_text("\n".join((*head, *loop)))
    Path("nb.ipynb").write_text(json.dumps(notebook, indent=1))
    commit_all(job, base)

    assert call("--isolated", f"--select={rule}") == 0
    assert capsys.readouterr().out.startswith("2 posted, ")
    by_path = {item["path"]: item for item in job.reviews[0]["comments"]}
    assert (by_path["train.py"]["start_line"], by_path["train.py"]["line"]) == (5, 6)
    assert "\n```suggestion\n    x = np.load(path)\n    model.fit(x, epochs=1)\n    del x\n```\n" in by_path["train.py"]["body"]
    lines = Path("nb.ipynb").read_text().split("\n")
    assert "np.load" in lines[by_path["nb.ipynb"]["line"] - 1]
    assert "Cell 1, line 5." in by_path["nb.ipynb"]["body"]

    Path("train.py").write_text("\n".join(('"""Trains."""', "", *head, *loop)))
    commit_all(job, base)
    assert call("--isolated", f"--select={rule}") == 0
    assert capsys.readouterr().out.startswith("0 posted, 0 edited, 0 reopened, 0 resolved, ")

    Path("train.py").write_text("\n".join((*head, *loop[:3], "    del x", "")))
    commit_all(job, base)
    assert call("--isolated", f"--select={rule}") == 0
    assert capsys.readouterr().out.startswith("0 posted, 0 edited, 0 reopened, 1 resolved, ")
    assert {thread["path"]: thread["resolved"] for thread in job.threads} == {"train.py": True, "nb.ipynb": False}
    assert job.issue_comments[0]["body"].startswith("### kerasmem-lint: 1 finding\n")
