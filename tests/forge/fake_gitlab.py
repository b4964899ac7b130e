"""A GitLab with one merge request, as far as its documentation and python-gitlab describe it.

GitLab publishes no description of its API as a package, so that nothing checks this fake.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fake_server import Answer, Fault, Request, answered

BOT = 42
TOKEN = "glpat-0123456789abcdefghij"
REFS = {"base_sha": "b" * 40, "start_sha": "d" * 40, "head_sha": "a" * 40}
_MERGE = r"/api/v4/projects/(?P<project>[^/]+)/merge_requests/(?P<number>\d+)"


@dataclass
class FakeGitLab:
    """The state; tests read and change it directly."""

    number: int = 7
    files: list[dict[str, Any]] = field(default_factory=list)
    discussions: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    refs: dict[str, str] | None = field(default_factory=lambda: dict(REFS))
    source_project: int = 1
    may_write: bool = True
    may_resolve: bool = True
    knows_user: bool = True
    next_id: int = 1000
    lock: Any = field(default_factory=threading.RLock)

    @property
    def writes(self) -> list[Request]:
        """The requests that were to change something."""
        return [item for item in self.requests if item.method != "GET"]

    @property
    def threads(self) -> list[dict[str, Any]]:
        """The discussions on lines."""
        return [item for item in self.discussions if item["notes"][0]["position"]]

    @property
    def summaries(self) -> list[str]:
        """The notes on the merge request as a whole."""
        return [item["notes"][0]["body"] for item in self.discussions if not item["notes"][0]["position"]]

    def change(self, path: str, patch: str, *, old: str | None = None, **more: Any) -> None:
        """Put a file into the diff, in place of what was there."""
        self.files = [item for item in self.files if item["new_path"] != path]
        names = {"new_path": path, "old_path": old or path, "renamed_file": old is not None, "deleted_file": False}
        self.files.append({"diff": patch, "too_large": False, "collapsed": False, **names, **more})

    def answer(self, request: Request) -> Answer:
        """Carry out one request, or fail as told."""
        return answered(self, request, self._route)

    def _route(self, request: Request) -> Answer:
        token = request.headers.get("private-token") or request.headers.get("job-token")
        if token != TOKEN:
            return Answer(401, {"message": "401 Unauthorized"})
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v4/user":
            return Answer(200, {"id": BOT, "username": "project_1_bot"}) if self.knows_user else Answer(401, {"message": "401"})
        if request.method != "GET" and not self.may_write:
            return Answer(403, {"message": "403 Forbidden"})
        routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
            ("GET", _MERGE, self._get_merge),
            ("GET", f"{_MERGE}/diffs", lambda *_: Answer(200, self._page(self.files, query))),
            ("GET", f"{_MERGE}/discussions", lambda *_: Answer(200, self._page(self.discussions, query))),
            ("POST", f"{_MERGE}/discussions", self._post_discussion),
            ("PUT", rf"{_MERGE}/discussions/(?P<discussion>\w+)", self._put_discussion),
            ("PUT", rf"{_MERGE}/discussions/\w+/notes/(?P<note>\d+)", self._put_note),
            ("POST", f"{_MERGE}/notes", lambda _, payload: Answer(201, self.add(payload["body"])["notes"][0])),
            ("PUT", rf"{_MERGE}/notes/(?P<note>\d+)", self._put_note),
        )
        for method, pattern, handler in routes:
            found = re.fullmatch(pattern, parts.path)
            if found is None or method != request.method:
                continue
            if int(found["number"]) != self.number or unquote(found["project"]) not in ("1", "group/sub/models"):
                break
            return handler(found, request.payload)
        return Answer(404, {"message": "404 Not found"})

    @staticmethod
    def _page(items: list[Any], query: dict[str, str]) -> list[Any]:
        size, page = int(query.get("per_page", 20)), int(query.get("page", 1))
        return items[size * (page - 1) : size * page]

    def _get_merge(self, *_: Any) -> Answer:
        data = {
            "iid": self.number,
            "diff_refs": self.refs,
            "source_project_id": self.source_project,
            "target_project_id": 1,
            "web_url": f"https://gitlab.example/group/sub/models/-/merge_requests/{self.number}",
        }
        return Answer(200, data)

    def _post_discussion(self, _: Any, payload: dict[str, Any]) -> Answer:
        position = payload["position"]
        if {name: position.get(name) for name in REFS} != self.refs or position["position_type"] != "text":
            return Answer(400, {"message": "400 Bad request - Note {:position=>['is invalid']}"})
        file = next((item for item in self.files if item["new_path"] == position["new_path"]), None)
        places = _places(file["diff"]) if file and file["old_path"] == position["old_path"] else set()
        if (position.get("old_line"), position.get("new_line")) not in places:
            return Answer(400, {"message": '400 Bad request - Note {:line_code=>["can\'t be blank"]}'})
        return Answer(201, self.add(payload["body"], position))

    def add(self, body: str, position: dict[str, Any] | None = None, author: int = BOT) -> dict[str, Any]:
        """A discussion with one note."""
        self.next_id += 1
        note = {
            "id": self.next_id,
            "body": body,
            "author": {"id": author},
            "system": False,
            "position": position,
            "resolvable": position is not None,
            "resolved": False,
            "resolved_by": None,
        }
        self.discussions.append({"id": f"d{self.next_id}", "individual_note": position is None, "notes": [note]})
        return self.discussions[-1]

    def _put_discussion(self, found: re.Match[str], payload: dict[str, Any]) -> Answer:
        if not self.may_resolve:
            return Answer(403, {"message": "403 Forbidden"})
        discussion = next(item for item in self.discussions if item["id"] == found["discussion"])
        to = payload["resolved"]
        discussion["notes"][0] |= {"resolved": to, "resolved_by": {"id": BOT} if to else None}
        return Answer(200, discussion)

    def _put_note(self, found: re.Match[str], payload: dict[str, Any]) -> Answer:
        for discussion in self.discussions:
            for note in discussion["notes"]:
                if note["id"] == int(found["note"]):
                    note["body"] = payload["body"]
                    return Answer(200, note)
        return Answer(404, {"message": "404 Not found"})


def _places(patch: str) -> set[tuple[int | None, int | None]]:
    """The pairs of line numbers GitLab finds in its diff: both for a context line, the new one alone for an added line."""
    places: set[tuple[int | None, int | None]] = set()
    old = new = 0
    for line in patch.split("\n"):
        header = re.match(r"@@ -(\d+)(?:,\d+)? \+(\d+)", line)
        if header:
            old, new = int(header[1]), int(header[2])
        elif line.startswith("+"):
            places.add((None, new))
            new += 1
        elif line.startswith("-"):
            old += 1
        elif line.startswith(" "):
            places.add((old, new))
            old, new = old + 1, new + 1
    return places
