"""A GitHub with one pull request: keeps what it is told, refuses what GitHub refuses, and can be made to fail.

REST answers are made from the examples in GitHub's own description, GraphQL is executed against GitHub's own schema.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fake_server import Answer, Fault, Request, answered
from graphql import GraphQLError, GraphQLObjectType, build_schema, graphql_sync

HERE = Path(__file__).parent
BOT = "github-actions[bot]"
REPOSITORY = "octo/models"
TOKEN = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"
HEAD = "a" * 40
BASE = "b" * 40
BODY_LIMIT = 65_536

_DESCRIPTION = json.loads((HERE / "github_rest.json").read_text(encoding="utf-8"))
_PULL = rf"/repos/{REPOSITORY}/pulls/(?P<number>\d+)"
_ISSUES = rf"/repos/{REPOSITORY}/issues"


@dataclass
class FakeGitHub:
    """The state; tests read and change it directly."""

    number: int = 7
    head_sha: str = HEAD
    head_repository: str = REPOSITORY
    files: list[dict[str, Any]] = field(default_factory=list)
    threads: list[dict[str, Any]] = field(default_factory=list)
    issue_comments: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    withheld: dict[str, str] = field(default_factory=dict)
    may_write: bool = True
    may_resolve: bool = True
    may_minimize: bool = True
    refuse_line: Callable[[dict[str, Any]], bool] = lambda comment: False
    next_id: int = 1000
    lock: Any = field(default_factory=threading.RLock)

    @property
    def writes(self) -> list[Request]:
        """The requests that were to change something."""
        return [
            item
            for item in self.requests
            if item.method != "GET" and not (item.path == "/graphql" and "mutation" not in item.payload["query"])
        ]

    @property
    def bodies(self) -> list[str]:
        """The first comment of each thread."""
        return [thread["comments"][0]["body"] for thread in self.threads]

    def change(
        self, path: str, patch: str | None, *, old: str | None = None, status: str = "modified", changes: int = 1
    ) -> None:
        """Put a file into the diff of the pull request, in place of what was there."""
        self.files = [item for item in self.files if item["filename"] != path]
        item = copy.deepcopy(_DESCRIPTION["components"]["examples"]["diff-entry-items"]["value"][0])
        item |= {"filename": path, "status": status, "changes": changes}
        del item["patch"]
        if patch is not None:
            item["patch"] = patch
        if old is not None:
            item |= {"previous_filename": old, "status": "renamed"}
        self.files.append(item)

    def answer(self, request: Request) -> Answer:
        """Carry out one request, or fail as told."""
        return answered(self, request, self._route)

    def _route(self, request: Request) -> Answer:
        if request.headers.get("authorization", "").split()[-1:] != [TOKEN]:
            return Answer(
                401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
            )
        parts = urlsplit(request.path)
        if parts.path == "/graphql":
            return self._graphql(request.payload)
        if request.method != "GET" and not self.may_write:
            return _refused(403, "Resource not accessible by integration")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
            ("GET", _PULL, self._get_pull),
            ("GET", f"{_PULL}/files", self._get_files),
            ("POST", f"{_PULL}/reviews", self._post_review),
            ("PATCH", rf"/repos/{REPOSITORY}/pulls/comments/(?P<comment>\d+)", self._patch_comment),
            ("POST", rf"{_ISSUES}/(?P<number>\d+)/comments", self._post_issue_comment),
            ("PATCH", rf"{_ISSUES}/comments/(?P<comment>\d+)", self._patch_issue_comment),
        )
        for method, pattern, handler in routes:
            found = re.fullmatch(pattern, parts.path)
            if found is not None and method == request.method:
                if int(found.groupdict().get("number") or self.number) != self.number:
                    break
                return handler(found, query, request.payload)
        return _refused(404, "Not Found")

    def _get_pull(self, *_: Any) -> Answer:
        data = _example("pull-request")
        # GitHub's own example of a team lacks what its schema demands.
        data |= {"number": self.number, "requested_teams": []}
        for side, sha, repository in (("head", self.head_sha, self.head_repository), ("base", BASE, REPOSITORY)):
            data[side]["sha"] = sha
            data[side]["repo"]["full_name"] = repository
        return Answer(200, data)

    def _get_files(self, _: Any, query: dict[str, str], __: Any) -> Answer:
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        return Answer(200, self.files[size * (page - 1) : size * page])

    def _post_review(self, _: Any, __: Any, payload: dict[str, Any]) -> Answer:
        if payload["commit_id"] != self.head_sha:
            return _invalid("Unprocessable Entity: commit_id is not part of the pull request")
        if payload["event"] != "COMMENT" or not payload["body"]:
            return _invalid("Unprocessable Entity: body is required")
        errors = [text for comment in payload["comments"] if (text := self._fault_of(comment))]
        if errors:
            return _invalid(*errors)
        review = _example("pull-request-review") | {
            "id": self._id(),
            "body": payload["body"],
            "commit_id": payload["commit_id"],
        }
        self.reviews.append({**review, "comments": payload["comments"]})
        for comment in payload["comments"]:
            self.add_thread(comment["path"], comment["body"])
        return Answer(200, review)

    def _fault_of(self, comment: dict[str, Any]) -> str:
        """What GitHub dislikes about a comment; empty if nothing."""
        if len(comment["body"]) > BODY_LIMIT:
            return "Body is too long (maximum is 65536 characters)"
        file = next((item for item in self.files if item["filename"] == comment["path"]), None)
        start, end = comment.get("start_line", comment["line"]), comment["line"]
        hunks = _right_lines(file.get("patch") or self.withheld.get(comment["path"], "")) if file else []
        if comment["side"] != "RIGHT" or not any(start in hunk and end in hunk for hunk in hunks) or self.refuse_line(comment):
            return "Pull request review thread line must be part of the diff"
        if "start_line" in comment and start >= end:
            return "Pull request review thread start line must precede the end line."
        return ""

    def add_thread(self, path: str, body: str, author: str = BOT) -> dict[str, Any]:
        """A thread with one comment."""
        number = self._id()
        comment = {"id": f"PRRC_{number}", "number": number, "body": body, "author": author, "hidden": None}
        thread = {"id": f"PRRT_{number}", "path": path, "resolved_by": None, "resolved": False, "comments": [comment]}
        self.threads.append(thread)
        return thread

    def _patch_comment(self, found: re.Match[str], _: Any, payload: dict[str, Any]) -> Answer:
        for thread in self.threads:
            for comment in thread["comments"]:
                if comment["number"] == int(found["comment"]):
                    comment["body"] = payload["body"]
                    example = _example("pull-request-review-comment-2")
                    return Answer(200, example | {"id": comment["number"], "body": payload["body"]})
        return _refused(404, "Not Found")

    def _post_issue_comment(self, _: Any, __: Any, payload: dict[str, Any]) -> Answer:
        if len(payload["body"]) > BODY_LIMIT:
            return _invalid("Body is too long (maximum is 65536 characters)")
        comment = {"number": self._id(), "body": payload["body"], "author": BOT}
        self.issue_comments.append(comment)
        return Answer(201, _example("issue-comment") | {"id": comment["number"], "body": comment["body"]})

    def _patch_issue_comment(self, found: re.Match[str], _: Any, payload: dict[str, Any]) -> Answer:
        for comment in self.issue_comments:
            if comment["number"] == int(found["comment"]):
                comment["body"] = payload["body"]
                return Answer(200, _example("issue-comment") | {"id": comment["number"], "body": comment["body"]})
        return _refused(404, "Not Found")

    def _id(self) -> int:
        self.next_id += 1
        return self.next_id

    def _graphql(self, payload: dict[str, Any]) -> Answer:
        result = graphql_sync(
            build_schema_once(), payload["query"], root_value=_root(self), variable_values=payload["variables"]
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [{"message": item.message, **(item.extensions or {})} for item in result.errors]
        return Answer(200, answer)


def _root(fake: FakeGitHub) -> dict[str, Any]:
    """The top of the GraphQL tree: dictionaries below, functions where there are arguments."""

    def pull(_: Any, number: int) -> Any:
        if number != fake.number:
            raise GraphQLError("Could not resolve to a PullRequest", extensions={"type": "NOT_FOUND"})
        return {
            "reviewThreads": lambda _, **where: _page([_thread(item) for item in fake.threads], **where),
            "comments": lambda _, **where: _page([_issue_comment(item) for item in fake.issue_comments], **where),
        }

    def resolved(arguments: dict[str, Any], *, to: bool) -> Any:
        if not fake.may_resolve:
            raise GraphQLError("Resource not accessible by integration", extensions={"type": "FORBIDDEN"})
        thread = next(item for item in fake.threads if item["id"] == arguments["input"]["threadId"])
        thread |= {"resolved": to, "resolved_by": BOT if to else None}
        return {"thread": _thread(thread)}

    def hidden(arguments: dict[str, Any], field: str, reason: str | None) -> Any:
        if not fake.may_minimize:
            raise GraphQLError("Resource not accessible by integration", extensions={"type": "FORBIDDEN"})
        name = arguments["input"]["subjectId"]
        comment = next(item for thread in fake.threads for item in thread["comments"] if item["id"] == name)
        comment["hidden"] = reason
        return {field: {"__typename": "PullRequestReviewComment", **_comment(comment)}}

    return {
        "viewer": {"login": BOT},
        "repository": lambda _, owner, name, **__: {"pullRequest": pull} if f"{owner}/{name}" == REPOSITORY else None,
        "resolveReviewThread": lambda _, **arguments: resolved(arguments, to=True),
        "unresolveReviewThread": lambda _, **arguments: resolved(arguments, to=False),
        "minimizeComment": lambda _, **arguments: hidden(
            arguments, "minimizedComment", arguments["input"]["classifier"].lower()
        ),
        "unminimizeComment": lambda _, **arguments: hidden(arguments, "unminimizedComment", None),
    }


_SCHEMA: list[Any] = []


def build_schema_once() -> Any:
    """The schema, with whole numbers of any size for GitHub's BigInt."""
    if not _SCHEMA:
        schema = build_schema((HERE / "github_graphql.graphql").read_text(encoding="utf-8"))
        assert isinstance(schema.query_type, GraphQLObjectType)
        _SCHEMA.append(schema)
    return _SCHEMA[0]


def _page(items: list[Any], first: int, after: str | None = None, **_: Any) -> Any:
    start = int(after or 0)
    end = start + first
    return {
        "totalCount": len(items),
        "nodes": items[start:end],
        "pageInfo": {"hasNextPage": end < len(items), "endCursor": str(end)},
    }


def _thread(thread: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": thread["id"],
        "path": thread["path"],
        "isResolved": thread["resolved"],
        "resolvedBy": {"login": thread["resolved_by"]} if thread["resolved_by"] else None,
        "comments": lambda _, **where: _page([_comment(item) for item in thread["comments"]], **where),
    }


def _comment(comment: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": comment["id"],
        "fullDatabaseId": comment["number"],
        "body": comment["body"],
        "viewerDidAuthor": comment["author"] == BOT,
        "isMinimized": comment["hidden"] is not None,
        "minimizedReason": comment["hidden"],
    }


def _issue_comment(comment: dict[str, Any]) -> dict[str, Any]:
    return {"fullDatabaseId": comment["number"], "body": comment["body"], "viewerDidAuthor": comment["author"] == BOT}


def _example(name: str) -> dict[str, Any]:
    return copy.deepcopy(_DESCRIPTION["components"]["examples"][name]["value"])


def _refused(status: int, message: str) -> Answer:
    return Answer(status, {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)})


def _invalid(*errors: str) -> Answer:
    data = {"message": "Unprocessable Entity", "errors": list(errors), "documentation_url": "https://docs.github.com/rest"}
    return Answer(422, data)


def _right_lines(patch: str) -> list[set[int]]:
    """The line numbers each hunk shows on the new side."""
    hunks: list[set[int]] = []
    number = 0
    for line in patch.split("\n"):
        header = re.match(r"@@ -\d+(?:,\d+)? \+(\d+)", line)
        if header:
            number = int(header[1])
            hunks.append(set())
        elif line[:1] in ("+", " "):
            hunks[-1].add(number)
            number += 1
    return hunks
