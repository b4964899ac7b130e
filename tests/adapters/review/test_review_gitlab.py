"""The bot on GitLab, against a fake that keeps discussions and knows which lines are in the diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from conftest import Clock
from fake_gitlab import REFS, TOKEN, FakeGitLab
from fake_server import Answer, Fault, Server
from material import LOOP, LOOP_PATCH, added, diagnostic, safe_fix

from kerasmem_lint.diagnostics import Diagnostic, Edit, Problem, Span
from kerasmem_lint.review.body import mark
from kerasmem_lint.review.conduct import Outcome, conduct
from kerasmem_lint.review.forge import ForgeError, ReadOnlyError
from kerasmem_lint.review.gitlab import GitLab
from kerasmem_lint.review.patience import Patience
from kerasmem_lint.review.plan import PlanOptions
from kerasmem_lint.review.remarks import Rewrite, remarks_of

PREDICT = diagnostic()
CLEAR = diagnostic(line=4, source=LOOP[3], code="KM601")


class Bench:
    def __init__(self, fake: FakeGitLab, url: str, clock: Clock) -> None:
        self.fake, self.url, self.clock = fake, url, clock

    def adapter(self, **options: Any) -> GitLab:
        settings: dict[str, Any] = {
            "api_url": f"{self.url}/api/v4",
            "server_url": self.url,
            "repository": "group/sub/models",
            "number": 7,
            "token": TOKEN,
            "pace": 0,
            "sleep": self.clock.sleep,
            "patience": Patience(sleep=self.clock.sleep, now=self.clock.now),
        }
        return GitLab(**(settings | options))


@pytest.fixture
def bench(clock: Clock) -> Iterator[Bench]:
    fake = FakeGitLab()
    fake.change("train.py", LOOP_PATCH)
    server = Server(fake)
    yield Bench(fake, server.url, clock)
    server.close()


def review(
    bench: Bench, *diagnostics: Diagnostic, problems: Sequence[Problem] = (), rewrite: Rewrite | None = None, **options: Any
) -> Outcome:
    forge = bench.adapter(**options)
    pull = forge.read()
    remarks = remarks_of(diagnostics, pull.diff.origin, rewrite)
    settings = PlanOptions(pull.head_sha, "gitlab", blob_url=pull.blob_url)
    bench.clock.slept.clear()
    return conduct(forge, pull, remarks, settings, problems, bench.clock.sleep)


def test_the_first_run_opens_discussions_at_the_diff_refs_and_a_second_writes_nothing(bench: Bench) -> None:
    assert review(bench, PREDICT, CLEAR).posted == 2
    assert bench.fake.threads[0]["notes"][0]["position"] == {
        **REFS,
        "position_type": "text",
        "new_path": "train.py",
        "old_path": "train.py",
        "new_line": 3,
    }
    assert bench.fake.summaries[0].startswith("### kerasmem-lint: 2 findings")
    bench.fake.requests.clear()
    assert review(bench, PREDICT, CLEAR).plan.is_empty
    assert bench.fake.writes == []


def test_a_context_line_is_named_by_both_of_its_numbers(bench: Bench) -> None:
    bench.fake.change("fit.py", "@@ -10,2 +20,3 @@\n a = 1\n+b = 2\n model.predict(x)", old="train.py")
    assert review(bench, diagnostic("fit.py", 22, "model.predict(x)")).posted == 1
    position = bench.fake.threads[0]["notes"][0]["position"]
    assert (position["old_path"], position["old_line"], position["new_line"]) == ("train.py", 11, 22)


def test_a_fixed_finding_is_resolved_and_opened_again_when_it_is_back(bench: Bench) -> None:
    review(bench, PREDICT)
    review(bench)
    assert bench.fake.threads[0]["notes"][0]["resolved"] is True
    assert bench.fake.summaries[0].startswith("### kerasmem-lint: no findings")
    review(bench, PREDICT)
    assert bench.fake.threads[0]["notes"][0]["resolved"] is False
    assert len(bench.fake.threads) == 1


def test_what_a_person_resolved_stays_resolved(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.threads[0]["notes"][0] |= {"resolved": True, "resolved_by": {"id": 3}}
    assert review(bench, PREDICT).plan.is_empty


def test_without_the_right_to_resolve_the_note_says_that_it_is_fixed(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.may_resolve = False
    outcome = review(bench)
    assert bench.fake.threads[0]["notes"][0]["body"].startswith("Fixed in ")
    assert len(outcome.notes) == 1
    assert review(bench).plan.is_empty


def test_a_changed_message_edits_the_note(bench: Bench) -> None:
    review(bench, PREDICT)
    review(bench, diagnostic(message="other words"))
    assert "other words" in bench.fake.threads[0]["notes"][0]["body"]


def test_a_refused_line_costs_only_its_own_comment(bench: Bench) -> None:
    forge = bench.adapter()
    pull = forge.read()
    # GitLab has come to another view of the diff in the meantime.
    bench.fake.change("train.py", added(*LOOP[:3]))
    outcome = conduct(
        forge, pull, remarks_of((PREDICT, CLEAR), str), PlanOptions(pull.head_sha, "gitlab"), (), bench.clock.sleep
    )
    assert (outcome.posted, outcome.refused) == (1, 1)
    assert "`train.py:4`" in bench.fake.summaries[0]


def test_a_suggestion_reaches_down_from_its_line(bench: Bench) -> None:
    text = "\n".join(LOOP) + "\n"
    after = text.replace(LOOP[2] + "\n" + LOOP[3], "    model(x)")
    item = diagnostic(line=3, source=LOOP[2:], fix=safe_fix(Edit(Span(0, 1), "")))
    review(bench, item, rewrite=lambda path, edits: (text, after))
    note = bench.fake.threads[0]["notes"][0]
    assert note["position"]["new_line"] == 3
    assert "\n```suggestion:-0+1\n    model(x)\n```\n" in note["body"]


@pytest.mark.parametrize("after", [False, True], ids=["lost", "done but not answered"])
@pytest.mark.parametrize("path", ["/discussions$", "/notes$"])
def test_a_5xx_on_posting_never_posts_twice(bench: Bench, path: str, after: bool) -> None:
    bench.fake.faults.append(Fault("POST", path, Answer(502, {"message": "bad gateway"}), after=after))
    review(bench, PREDICT, CLEAR)
    assert len(bench.fake.threads) == 2
    assert len(bench.fake.summaries) == 1


def test_a_run_killed_in_the_middle_is_completed_by_the_next_one(bench: Bench) -> None:
    bench.fake.faults.append(Fault("POST", "/notes$", Answer(409, {"message": "conflict"})))
    with pytest.raises(ForgeError, match="409"):
        review(bench, PREDICT, CLEAR)
    assert len(bench.fake.threads) == 2
    assert review(bench, PREDICT, CLEAR).posted == 0
    assert len(bench.fake.threads) == 2
    assert len(bench.fake.summaries) == 1


def test_a_rate_limit_is_waited_for_as_long_as_it_says(bench: Bench) -> None:
    bench.fake.faults.append(Fault("POST", "/discussions$", Answer(429, {"message": "Retry later"}, {"Retry-After": "9"})))
    assert review(bench, PREDICT).posted == 1
    assert 9.0 in bench.clock.slept


def test_a_rate_limit_until_a_time_is_waited_for(bench: Bench) -> None:
    headers = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(bench.clock.now()) + 20)}
    bench.fake.faults.append(Fault("GET", "/discussions", Answer(429, {"message": "Retry later"}, headers)))
    assert review(bench, PREDICT).posted == 1
    assert 21.0 in bench.clock.slept


def test_a_read_only_token_is_told_from_a_failure(bench: Bench) -> None:
    bench.fake.may_write = False
    with pytest.raises(ReadOnlyError, match="may not write on this merge request"):
        review(bench, PREDICT)


def test_a_job_token_goes_into_its_own_header_and_its_limits_are_explained(bench: Bench) -> None:
    bench.fake.knows_user = False
    with pytest.raises(ForgeError, match="GITLAB_TOKEN must hold a project access token"):
        review(bench, PREDICT, is_job_token=True)
    assert bench.fake.requests[0].headers["job-token"] == TOKEN
    assert "private-token" not in bench.fake.requests[0].headers


def test_a_wrong_token_is_named_as_such(bench: Bench) -> None:
    with pytest.raises(ForgeError, match="cannot read merge request 7: 401"):
        bench.adapter(token="glpat-wrong").read()


def test_a_merge_request_without_a_diff_yet_is_an_error_that_says_what_to_do(bench: Bench) -> None:
    bench.fake.refs = None
    with pytest.raises(ForgeError, match="run the job again later"):
        bench.adapter().read()


def test_a_mark_forged_by_somebody_else_silences_nothing(bench: Bench) -> None:
    name = remarks_of((PREDICT,), str)[0].fingerprint
    bench.fake.add(f"nothing to see\n\n{mark('', name)}", {"new_path": "train.py"}, author=3)
    assert review(bench, PREDICT).posted == 1


def test_a_diff_that_gitlab_folds_is_read_from_git(bench: Bench) -> None:
    bench.fake.change("train.py", "", too_large=True)
    asked: list[tuple[str, ...]] = []

    def patch(*arguments: str) -> str:
        asked.append(arguments)
        return LOOP_PATCH

    assert bench.adapter(local_patch=patch).read().diff.files[0].hunks
    assert asked == [("b" * 40, "a" * 40, "train.py", "train.py")]
    assert bench.adapter().read().diff.files[0].known is False


def test_a_fork_is_told_from_a_branch_and_files_are_linked(bench: Bench) -> None:
    pull = bench.adapter().read()
    assert (pull.cross_repository, pull.blob_url) == (False, f"https://gitlab.example/group/sub/models/-/blob/{'a' * 40}/")
    bench.fake.source_project = 2
    assert bench.adapter().read().cross_repository is True


def test_more_than_a_page_of_files_and_discussions_is_read(bench: Bench) -> None:
    for number in range(130):
        bench.fake.change(f"m{number}.py", LOOP_PATCH)
        bench.fake.add("talk", author=3)
    assert len(bench.adapter().read().diff.files) == 131
    assert review(bench, PREDICT).posted == 1
    assert review(bench, PREDICT).plan.is_empty


def test_a_deleted_file_takes_no_comment(bench: Bench) -> None:
    bench.fake.change("train.py", "@@ -1 +0,0 @@\n-x", deleted_file=True)
    assert bench.adapter().read().diff.files == ()
