"""The bench itself: what GitHub would refuse is refused, so that the other tests prove something."""

from __future__ import annotations

import http.client
import json
from typing import Any

import fake_github
import prism
import pytest
from fake_github import HEAD, TOKEN, build_schema_once
from fake_server import Answer, Fault, Server
from graphql import build_schema, parse, validate
from material import LOOP_PATCH

from kerasmem_lint.review import github

QUERIES = {name: getattr(github, name) for name in ("THREADS", "SUMMARIES", "RESOLVE", "UNRESOLVE", "MINIMIZE", "UNMINIMIZE")}
SCHEMA = prism.HERE / "node_modules" / "@octokit" / "graphql-schema" / "schema.graphql"


def ask(server: Server, method: str, path: str, payload: Any = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    connection.request(method, path, None if payload is None else json.dumps(payload), headers)
    answer = connection.getresponse()
    data = json.loads(answer.read())
    connection.close()
    return answer.status, data


def comment(**changes: Any) -> dict[str, Any]:
    return {"path": "train.py", "line": 3, "side": "RIGHT", "body": "x"} | changes


def review(**changes: Any) -> dict[str, Any]:
    return {"commit_id": HEAD, "event": "COMMENT", "body": "b", "comments": [comment()]} | changes


WRONG = {
    "a comment without a body": review(comments=[{"path": "train.py", "line": 3, "side": "RIGHT"}]),
    "a line that is a text": review(comments=[comment(line="3")]),
    "an event that is none": review(event="NICE"),
    "comments that are no list": review(comments={}),
}
REFUSED = {
    "a line outside the diff": review(comments=[comment(line=40)]),
    "a file outside the diff": review(comments=[comment(path="b.py")]),
    "a start that is the end": review(comments=[comment(start_line=3, start_side="RIGHT")]),
    "a range out of the hunk": review(comments=[comment(start_line=0, start_side="RIGHT")]),
    "another commit": review(commit_id="c" * 40),
    "no body": review(body=""),
    "a body too long": review(comments=[comment(body="x" * 65_537)]),
}


@pytest.mark.node
@pytest.mark.parametrize("name", WRONG)
def test_the_proxy_refuses_what_the_description_does_not_allow(through_prism: Any, name: str) -> None:
    switch, server = through_prism
    switch.fake = fake_github.FakeGitHub()
    switch.fake.change("train.py", LOOP_PATCH)
    server.violations.clear()
    status, _ = ask(server, "POST", "/repos/octo/models/pulls/7/reviews", WRONG[name])
    assert status == 422
    assert len(server.violations) == 1
    assert switch.fake.threads == []
    server.violations.clear()


@pytest.mark.node
def test_the_proxy_refuses_a_wrong_answer_too(through_prism: Any) -> None:
    switch, server = through_prism
    switch.fake = fake_github.FakeGitHub(faults=[Fault("GET", "/pulls/7", Answer(200, {"number": "seven"}))])
    server.violations.clear()
    assert ask(server, "GET", "/repos/octo/models/pulls/7")[0] == 500
    assert len(server.violations) == 1
    server.violations.clear()


@pytest.mark.parametrize("name", REFUSED)
def test_the_fake_refuses_what_github_refuses(direct: Any, name: str) -> None:
    switch, server = direct
    switch.fake = fake_github.FakeGitHub()
    switch.fake.change("train.py", LOOP_PATCH)
    assert ask(server, "POST", "/repos/octo/models/pulls/7/reviews", REFUSED[name])[0] == 422
    assert switch.fake.threads == []
    assert ask(server, "POST", "/repos/octo/models/pulls/7/reviews", review())[0] == 200
    assert len(switch.fake.threads) == 1


@pytest.mark.parametrize("name", QUERIES)
def test_each_query_is_valid_in_the_cut_schema(name: str) -> None:
    assert validate(build_schema_once(), parse(QUERIES[name])) == []


def test_a_misspelt_query_is_refused() -> None:
    (error,) = validate(build_schema_once(), parse(QUERIES["RESOLVE"].replace("resolveReviewThread", "resolveReviewThreads")))
    assert "Did you mean" in error.message


@pytest.mark.node
def test_each_query_is_valid_in_githubs_whole_schema() -> None:
    if not SCHEMA.exists():
        pytest.skip(prism.missing() or "npm packages are missing: run 'npm install --no-package-lock' in tests/forge")
    whole = build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid=True, assume_valid_sdl=True)
    assert {name: validate(whole, parse(text)) for name, text in QUERIES.items()} == {name: [] for name in QUERIES}


@pytest.mark.node
def test_the_cut_descriptions_are_what_the_script_makes() -> None:
    import cut_github

    if not (SCHEMA.exists() and (cut_github.OCTOKIT / "openapi").exists()):
        pytest.skip("the npm package @octokit/openapi is not installed")

    whole = build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid=True, assume_valid_sdl=True)
    assert cut_github.cut_graphql(whole) == (prism.HERE / "github_graphql.graphql").read_text(encoding="utf-8")
    description = json.loads((cut_github.OCTOKIT / "openapi/generated/api.github.com.json").read_text(encoding="utf-8"))
    assert cut_github.cut_rest(description) == json.loads((prism.HERE / "github_rest.json").read_text(encoding="utf-8"))
