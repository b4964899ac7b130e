"""What the fakes of the forges share: requests and answers as data, faults that a test asks for, and a server on loopback."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol


@dataclass
class Answer:
    """An HTTP answer; ``status`` 0 drops the connection."""

    status: int
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """Fail the next ``times`` requests that match; ``after`` fails only once the request has been carried out."""

    method: str
    path: str
    answer: Answer
    times: int = 1
    after: bool = False


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    payload: Any


class Forge(Protocol):
    """A fake, as far as any of them is alike: what it was asked, how it is to fail, and a lock, since each request has its thread."""

    requests: list[Request]
    faults: list[Fault]
    lock: AbstractContextManager[Any]


def answered(forge: Forge, request: Request, route: Callable[[Request], Answer]) -> Answer:
    """Note a request and carry it out by ``route``, or fail as the forge was told."""
    with forge.lock:
        forge.requests.append(request)
        fault = next((item for item in forge.faults if _matches(item, request)), None)
        if fault is None:
            return route(request)
        fault.times -= 1
        if fault.times <= 0:
            forge.faults.remove(fault)
        if fault.after:
            route(request)
        return fault.answer


def _matches(fault: Fault, request: Request) -> bool:
    return fault.method == request.method and re.search(fault.path, request.path) is not None


class Server:
    """Serves a fake on loopback, in a thread.

    With ``checker`` (host, port), REST requests make a detour through it: it forwards them to ``inner``, a second port that
    answers them, so that both the request and the answer are checked on the way. What breaks a rule is put into ``violations``.
    """

    def __init__(self, fake: Any, checker: tuple[str, int] | None = None) -> None:
        self.fake = fake
        self.checker = checker
        self.violations: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _handler_for(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or each answer waits for a delayed acknowledgement

        def log_message(self, *_: Any) -> None:
            """A test's output is its own."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if server.checker is not None and self.path != "/graphql":
                self._detour(body)
                return
            payload = json.loads(body) if body else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.fake.answer(Request(self.command, self.path, headers, payload))
            if answer.status == 0:
                self.close_connection = True
                return
            self._send(answer.status, answer.headers, json.dumps(answer.data).encode())

        def _detour(self, body: bytes) -> None:
            connection = http.client.HTTPConnection(*server.checker, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
            try:
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                self.close_connection = True
                return
            finally:
                connection.close()
            dropped = ("content-length", "transfer-encoding", "connection", "content-encoding")
            if b"FetchError" in content:  # the fake hung up on Prism, so hang up on the bot
                self.close_connection = True
                return
            # A wrong answer is told in a header, a wrong request as the problem it is.
            if answer.getheader("sl-violations") or "problem+json" in (answer.getheader("content-type") or ""):
                server.violations.append(f"{self.command} {self.path}: {answer.getheader('sl-violations') or content!r}")
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in dropped}
            self._send(answer.status, kept, content)

        def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815

    return Handler
