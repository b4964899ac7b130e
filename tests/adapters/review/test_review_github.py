"""The bot against GitHub's own description of itself: each scenario alone and behind the proxy that checks every message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import fake_github
import pytest
from conftest import Bench
from fake_github import HEAD
from fake_server import Answer, Fault
from material import LOOP, LOOP_PATCH, added, diagnostic, safe_fix

from kerasmem_lint.diagnostics import Diagnostic, Edit, Problem, Span
from kerasmem_lint.review.body import BODY_LIMIT, mark
from kerasmem_lint.review.conduct import Outcome, conduct
from kerasmem_lint.review.forge import ForgeError, ReadOnlyError
from kerasmem_lint.review.plan import PlanOptions
from kerasmem_lint.review.remarks import Rewrite, remarks_of

PREDICT = diagnostic()
CLEAR = diagnostic(line=4, source=LOOP[3], code="KM601", message="`clear_session` is called in a loop")


def review(
    bench: Bench, *diagnostics: Diagnostic, problems: Sequence[Problem] = (), rewrite: Rewrite | None = None, **options: Any
) -> Outcome:
    forge = bench.adapter(**{key: options.pop(key) for key in ("local_patch", "patience") if key in options})
    pull = forge.read()
    remarks = remarks_of(diagnostics, pull.diff.origin, rewrite)
    settings = PlanOptions(pull.head_sha, blob_url=pull.blob_url, **options)
    return conduct(forge, pull, remarks, settings, problems, bench.clock.sleep)


@pytest.fixture(autouse=True)
def _a_changed_file(bench: Bench) -> None:
    bench.fake.change("train.py", LOOP_PATCH)


def test_the_first_run_posts_one_review_and_one_summary(bench: Bench) -> None:
    outcome = review(bench, PREDICT, CLEAR)
    assert outcome.posted == 2
    assert [len(item["comments"]) for item in bench.fake.reviews] == [2]
    assert bench.fake.reviews[0]["comments"][0]["line"] == 3
    assert "start_line" not in bench.fake.reviews[0]["comments"][0]
    assert [item.method for item in bench.fake.writes] == ["POST", "POST"]
    assert bench.fake.issue_comments[0]["body"].startswith("### kerasmem-lint: 2 findings")


def test_a_second_run_writes_nothing(bench: Bench) -> None:
    review(bench, PREDICT, CLEAR)
    bench.fake.requests.clear()
    outcome = review(bench, PREDICT, CLEAR)
    assert outcome.posted == 0
    assert outcome.plan.is_empty
    assert bench.fake.writes == []


def test_a_fixed_finding_is_resolved_and_the_other_one_left_alone(bench: Bench) -> None:
    review(bench, PREDICT, CLEAR)
    outcome = review(bench, CLEAR)
    assert outcome.notes == ()
    assert {thread["path"]: thread["resolved"] for thread in bench.fake.threads[:1]} == {"train.py": True}
    assert [thread["resolved"] for thread in bench.fake.threads] == [True, False]
    assert review(bench, CLEAR).plan.is_empty


def test_without_the_right_to_resolve_the_comment_is_hidden(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.may_resolve = False
    outcome = review(bench)
    assert bench.fake.threads[0]["comments"][0]["hidden"] == "outdated"
    assert "contents: write" in outcome.notes[0]
    assert review(bench).plan.is_empty


def test_without_any_such_right_the_comment_says_that_it_is_fixed(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.may_resolve = bench.fake.may_minimize = False
    review(bench)
    assert bench.fake.bodies[0].startswith(f"Fixed in `{HEAD[:10]}`.")
    assert review(bench).plan.is_empty


@pytest.mark.parametrize(("may_resolve", "may_minimize"), [(True, True), (False, True), (False, False)])
def test_a_finding_that_comes_back_is_opened_again(bench: Bench, may_resolve: bool, may_minimize: bool) -> None:
    review(bench, PREDICT)
    body = bench.fake.bodies[0]
    bench.fake.may_resolve, bench.fake.may_minimize = may_resolve, may_minimize
    review(bench)
    outcome = review(bench, PREDICT)
    assert outcome.posted == 0
    assert len(bench.fake.threads) == 1
    assert bench.fake.threads[0]["resolved"] is False
    assert bench.fake.threads[0]["comments"][0]["hidden"] is None
    assert bench.fake.bodies == [body]


def test_a_thread_that_a_person_resolved_stays_resolved(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.threads[0] |= {"resolved": True, "resolved_by": "mona"}
    assert review(bench, PREDICT).plan.is_empty


def test_a_comment_with_a_reply_is_resolved_but_never_deleted(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.threads[0]["comments"].append({"id": "x", "number": 1, "body": "why?", "author": "mona", "hidden": None})
    review(bench)
    assert bench.fake.threads[0]["resolved"] is True
    assert len(bench.fake.threads[0]["comments"]) == 2
    assert all(item.method != "DELETE" for item in bench.fake.requests)


def test_moved_lines_post_nothing_and_edit_nothing(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.change("train.py", added("import os", "", "import keras", "", *LOOP[1:]))
    outcome = review(bench, diagnostic(line=6))
    assert outcome.posted == 0
    assert outcome.plan.edits == outcome.plan.resolve == ()
    assert len(bench.fake.threads) == 1


def test_a_file_renamed_between_two_runs_keeps_its_comments(bench: Bench) -> None:
    bench.fake.change("train.py", LOOP_PATCH)
    review(bench, PREDICT)
    bench.fake.files.clear()
    bench.fake.change("training/fit.py", LOOP_PATCH, old="train.py")
    outcome = review(bench, diagnostic("training/fit.py"))
    assert outcome.posted == 0
    assert outcome.plan.resolve == ()


def test_a_changed_message_edits_the_comment_in_place(bench: Bench) -> None:
    review(bench, PREDICT)
    outcome = review(bench, diagnostic(message="`model.predict` makes a new function on every pass"))
    assert (outcome.posted, len(outcome.plan.edits)) == (0, 1)
    assert "makes a new function" in bench.fake.bodies[0]


def test_a_notebook_is_commented_on_the_lines_of_its_json(bench: Bench) -> None:
    lines = ['   "source": [', '    "import keras\\n",', '    "model.predict(x)"', "   ]"]
    bench.fake.change("nb.ipynb", added(*lines, start=40))
    item = diagnostic("nb.ipynb", 2, "model.predict(x)", cell=3)
    item = replace(item, location=replace(item.location, file_line=42, file_end_line=42), fix=safe_fix(Edit(Span(0, 1), "")))
    before = "\n" * 39 + "\n".join(lines)
    texts = (before, before.replace("model.predict", "model"))
    assert review(bench, item, rewrite=lambda path, edits: texts).posted == 1
    (comment,) = bench.fake.reviews[0]["comments"]
    assert (comment["path"], comment["line"]) == ("nb.ipynb", 42)
    assert "Cell 3, line 2." in comment["body"]
    assert '\n```suggestion\n    "model(x)"\n```\n' in comment["body"]
    assert review(bench, item, rewrite=lambda path, edits: texts).plan.is_empty


@pytest.mark.parametrize(
    "path",
    [
        "`a`.py",
        "<!-- a -->.py",
        "@everyone.py",
        "::set-output name=x::y.py",
        "new\nline.py",
        "a b/ü ?#%.py",
        "\u202egnp.py",
        "](http:x).py",
        "x" * 240 + ".py",
    ],
    ids=ascii,
)
def test_hostile_names_and_code_are_posted_once_like_any_other(bench: Bench, path: str) -> None:
    code = ["x = '`````' # <!-- --> @everyone ::set-output name=a::b", "y = '" + "z" * 10_000 + "'", "\u202e = 1  # |"]
    bench.fake.change(path, added(*code))
    found = [diagnostic(path, n, text, message=f"`{text}` is {text}") for n, text in enumerate(code, 1)]
    found.append(diagnostic(path, 90, code[0], message=code[0]))
    assert review(bench, *found).posted == 3
    assert review(bench, *found).plan.is_empty
    assert "@everyone" not in re.sub(
        r"(`+) ?.*? ?\1", "", "\n".join([*bench.fake.bodies, bench.fake.issue_comments[0]["body"]])
    )


def test_a_finding_outside_the_diff_goes_to_the_summary(bench: Bench) -> None:
    outcome = review(bench, diagnostic("other.py", 3), diagnostic(line=90))
    assert outcome.posted == 0
    assert bench.fake.reviews == []
    summary = bench.fake.issue_comments[0]["body"]
    assert f"[`other.py:3`](https://github.com/octo/models/blob/{HEAD}/other.py#L3)" in summary
    assert "2 findings outside the changed lines" in summary


def test_a_file_too_large_for_a_patch_is_read_from_git(bench: Bench) -> None:
    bench.fake.change("train.py", None, changes=40_000)
    bench.fake.withheld["train.py"] = LOOP_PATCH
    asked: list[tuple[str, ...]] = []

    def patch(*arguments: str) -> str:
        asked.append(arguments)
        return "diff --git train.py train.py\n--- train.py\n+++ train.py\n" + LOOP_PATCH

    assert review(bench, PREDICT, local_patch=patch).posted == 1
    assert asked == [(fake_github.BASE, HEAD, "train.py", "train.py")]


def test_a_file_too_large_for_a_patch_goes_to_the_summary_without_git(bench: Bench) -> None:
    bench.fake.change("train.py", None, changes=40_000)
    assert review(bench, PREDICT).posted == 0
    assert "1 changed file too large for the forge to show a diff of" in bench.fake.issue_comments[0]["body"]


def test_a_refused_line_costs_only_its_own_comment(bench: Bench) -> None:
    bench.fake.change("train.py", added(*(f"    f({n})" for n in range(1, 9))))
    bench.fake.refuse_line = lambda comment: comment["line"] == 5
    found = [diagnostic(line=n, source=f"    f({n})") for n in range(1, 9)]
    outcome = review(bench, *found)
    assert (outcome.posted, outcome.refused) == (7, 1)
    assert len(bench.fake.threads) == 7
    assert "7 comments on changed lines" in bench.fake.issue_comments[0]["body"]
    assert "`train.py:5`" in bench.fake.issue_comments[0]["body"]


def test_when_all_lines_are_refused_the_summary_has_them_all(bench: Bench) -> None:
    bench.fake.refuse_line = lambda comment: True
    outcome = review(bench, PREDICT, CLEAR)
    assert (outcome.posted, outcome.refused) == (0, 2)
    assert "2 findings outside the changed lines" in bench.fake.issue_comments[0]["body"]


def test_a_commit_that_was_pushed_over_stops_the_run(bench: Bench) -> None:
    forge = bench.adapter()
    pull = forge.read()
    bench.fake.head_sha = "c" * 40
    with pytest.raises(ForgeError, match="does not take comments on aaaaaaaaaa any more"):
        conduct(forge, pull, remarks_of((PREDICT,), pull.diff.origin), PlanOptions(HEAD), (), bench.clock.sleep)


def test_a_read_only_token_is_told_from_a_failure(bench: Bench) -> None:
    bench.fake.may_write = False
    with pytest.raises(ReadOnlyError, match="may not write on this pull request"):
        review(bench, PREDICT)


def test_a_wrong_token_is_named_as_such(bench: Bench) -> None:
    with pytest.raises(ForgeError, match="cannot read pull request 7 of octo/models: 401: Bad credentials"):
        bench.adapter(token="ghs_wrong").read()


BROKEN = Answer(502, {"message": "Server Error"})


def test_a_5xx_on_reading_is_retried_with_growing_pauses(bench: Bench) -> None:
    bench.fake.faults.append(Fault("GET", r"/pulls/7$", BROKEN, times=3))
    assert review(bench, PREDICT).posted == 1
    assert bench.clock.slept == [1.0, 2.0, 4.0]


def test_a_forge_that_stays_broken_ends_the_run(bench: Bench) -> None:
    bench.fake.faults.append(Fault("GET", r"/pulls/7$", BROKEN, times=99))
    with pytest.raises(ForgeError, match="502: Server Error"):
        review(bench, PREDICT)
    assert bench.clock.slept == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("after", [False, True], ids=["lost", "done but not answered"])
@pytest.mark.parametrize("path", ["/reviews$", "/issues/7/comments$"])
def test_a_5xx_on_posting_never_posts_twice(bench: Bench, path: str, after: bool) -> None:
    bench.fake.faults.append(Fault("POST", path, BROKEN, after=after))
    review(bench, PREDICT, CLEAR)
    assert len(bench.fake.threads) == 2
    assert len(bench.fake.issue_comments) == 1


def test_a_connection_that_breaks_after_posting_never_posts_twice(bench: Bench) -> None:
    bench.fake.faults.append(Fault("POST", "/reviews$", Answer(0), after=True))
    review(bench, PREDICT, CLEAR)
    assert len(bench.fake.threads) == 2


def test_a_rate_limit_is_waited_for_as_long_as_it_says(bench: Bench) -> None:
    limit = Answer(403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "7"})
    bench.fake.faults.append(Fault("POST", "/reviews$", limit))
    assert review(bench, PREDICT).posted == 1
    assert bench.clock.slept == [7.0]


def test_a_primary_rate_limit_is_waited_for_until_its_reset(bench: Bench) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(bench.clock.now()) + 30)}
    bench.fake.faults.append(Fault("POST", "/reviews$", Answer(429, {"message": "API rate limit exceeded"}, headers)))
    assert review(bench, PREDICT).posted == 1
    assert bench.clock.slept == [31.0]


def test_a_rate_limit_without_a_time_is_waited_for_a_minute(bench: Bench) -> None:
    bench.fake.faults.append(Fault("POST", "/reviews$", Answer(403, {"message": "You have exceeded a secondary rate limit"})))
    assert review(bench, PREDICT).posted == 1
    assert bench.clock.slept == [60.0]


def test_a_graphql_rate_limit_is_one_too(bench: Bench) -> None:
    limit = Answer(200, {"data": None, "errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]})
    bench.fake.faults.append(Fault("POST", "/graphql$", limit))
    assert review(bench, PREDICT).posted == 1
    assert bench.clock.slept == [60.0]


def test_a_rate_limit_of_an_hour_ends_the_run_instead_of_keeping_the_job(bench: Bench) -> None:
    bench.fake.faults.append(Fault("POST", "/reviews$", Answer(429, {"message": "slow down"}, {"Retry-After": "3600"})))
    with pytest.raises(ForgeError, match="asks for a pause of 3600 s"):
        review(bench, PREDICT)
    assert bench.fake.threads == []


def test_a_run_killed_after_the_review_is_completed_by_the_next_one(bench: Bench) -> None:
    bench.fake.faults.append(Fault("POST", "/issues/7/comments$", Answer(401, {"message": "gone"})))
    with pytest.raises(ForgeError):
        review(bench, PREDICT, CLEAR)
    assert (len(bench.fake.threads), bench.fake.issue_comments) == (2, [])
    assert review(bench, PREDICT, CLEAR).posted == 0
    assert (len(bench.fake.threads), len(bench.fake.issue_comments)) == (2, 1)


def test_a_run_killed_between_two_halves_is_completed_by_the_next_one(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.issue_comments.clear()
    assert review(bench, PREDICT, CLEAR).posted == 1
    assert len(bench.fake.threads) == 2


def test_doubled_comments_of_two_runs_at_once_are_put_right(bench: Bench) -> None:
    review(bench, PREDICT)
    bench.fake.add_thread("train.py", bench.fake.bodies[0])
    outcome = review(bench, PREDICT)
    assert [thread["resolved"] for thread in bench.fake.threads] == [False, True]
    assert outcome.posted == 0


def test_500_findings_are_capped_and_stay_capped(bench: Bench) -> None:
    lines = [f"    model.predict(x{n})" for n in range(1, 501)]
    bench.fake.change("train.py", added(*lines))
    found = [diagnostic(line=n, source=text) for n, text in enumerate(lines, 1)]
    assert review(bench, *found).posted == 30
    summary = bench.fake.issue_comments[0]["body"]
    assert "470 more findings on changed lines, over the limit of 30 comments" in summary
    assert len(summary) <= BODY_LIMIT
    bench.fake.requests.clear()
    assert review(bench, *found).posted == 0
    assert bench.fake.writes == []


def test_a_mark_forged_by_somebody_else_silences_nothing(bench: Bench) -> None:
    name = remarks_of((PREDICT,), str)[0].fingerprint
    bench.fake.add_thread("train.py", f"nothing to see\n\n{mark('', name)}", author="mallory")
    assert review(bench, PREDICT).posted == 1
    assert bench.fake.threads[0]["resolved"] is False


def test_two_tags_keep_out_of_each_others_way(bench: Bench) -> None:
    review(bench, PREDICT)
    forge = bench.adapter(tag="nightly")
    pull = forge.read()
    conduct(forge, pull, remarks_of((CLEAR,), pull.diff.origin), PlanOptions(HEAD, tag="nightly"), (), bench.clock.sleep)
    assert [thread["resolved"] for thread in bench.fake.threads] == [False, False]
    assert len(bench.fake.issue_comments) == 2


def test_comments_in_a_file_that_could_not_be_checked_stay(bench: Bench) -> None:
    review(bench, PREDICT)
    outcome = review(bench, problems=[Problem("train.py", "does not parse", "KM001", 2, 1)])
    assert outcome.plan.resolve == ()
    assert "1 problem: not everything could be checked" in bench.fake.issue_comments[0]["body"]


def test_more_than_a_page_of_files_and_threads_is_read(bench: Bench) -> None:
    for number in range(230):
        bench.fake.change(f"package/module_{number}.py", LOOP_PATCH)
    found = [diagnostic(f"package/module_{number}.py") for number in range(230)]
    assert review(bench, *found, limit=300).posted == 230
    assert review(bench, *found, limit=300).plan.is_empty


def test_a_fork_is_told_from_a_branch(bench: Bench) -> None:
    assert bench.adapter().read().cross_repository is False
    bench.fake.head_repository = "mona/models"
    assert bench.adapter().read().cross_repository is True


def test_a_deleted_file_takes_no_comment(bench: Bench) -> None:
    bench.fake.change("train.py", "@@ -1 +0,0 @@\n-import keras", status="removed")
    assert bench.adapter().read().diff.files == ()
