"""The bench: a fake GitHub, alone or behind Prism, and diagnostics as the linter makes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("github", reason="the review bot's extra is not installed: pip install -e '.[bot]'")
pytest.importorskip("gitlab", reason="the review bot's extra is not installed: pip install -e '.[bot]'")
pytest.importorskip("unidiff", reason="the review bot's extra is not installed: pip install -e '.[bot]'")
pytest.importorskip("graphql", reason="the fake GitHub needs graphql-core")

FORGE = Path(__file__).parents[2] / "forge"
sys.path.insert(0, str(FORGE))

import fake_github  # noqa: E402
import fake_server  # noqa: E402
import prism  # noqa: E402

from kerasmem_lint.review.github import GitHub  # noqa: E402
from kerasmem_lint.review.patience import Patience  # noqa: E402


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def now(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Bench:
    """A fake GitHub that can be reached, and the adapter that speaks to it."""

    def __init__(self, fake: fake_github.FakeGitHub, url: str, clock: Clock) -> None:
        self.fake, self.url, self.clock = fake, url, clock

    def adapter(self, **options: Any) -> GitHub:
        settings: dict[str, Any] = {
            "api_url": self.url,
            "server_url": "https://github.com",
            "repository": fake_github.REPOSITORY,
            "number": self.fake.number,
            "token": fake_github.TOKEN,
            "pace": 0,
            "patience": Patience(sleep=self.clock.sleep, now=self.clock.now),
        }
        return GitHub(**(settings | options))


class _Switch:
    """A fake that can be exchanged behind a server that stays: Prism is started once."""

    def __init__(self) -> None:
        self.fake = fake_github.FakeGitHub()

    def answer(self, request: fake_server.Request) -> fake_server.Answer:
        return self.fake.answer(request)


@pytest.fixture(scope="session")
def direct() -> Iterator[tuple[_Switch, fake_server.Server]]:
    switch = _Switch()
    server = fake_server.Server(switch)
    yield switch, server
    server.close()


@pytest.fixture(scope="session")
def through_prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[_Switch, fake_server.Server]]:
    if prism.missing():
        pytest.skip(prism.missing())
    switch = _Switch()
    inner = fake_server.Server(switch)
    proxy = prism.Prism(FORGE / "github_rest.json", inner.url, tmp_path_factory.mktemp("prism") / "log")
    front = fake_server.Server(switch, ("127.0.0.1", proxy.port))
    yield switch, front
    front.close()
    proxy.close()
    inner.close()


@pytest.fixture(params=["direct", pytest.param("prism", marks=pytest.mark.node)])
def bench(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Bench]:
    """Alone, and behind Prism, where a test also fails if a message in either direction was not as GitHub describes it."""
    switch, server = request.getfixturevalue("direct" if request.param == "direct" else "through_prism")
    switch.fake = fake_github.FakeGitHub()
    server.violations.clear()
    yield Bench(switch.fake, server.url, clock)
    assert server.violations == []
