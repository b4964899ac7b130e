"""Changes at nodes to edits of the text: in the style of the code around, or not at all."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from kerasmem_lint.diagnostics import Edit
from kerasmem_lint.engine.edits import Editor
from kerasmem_lint.facts import Facts
from kerasmem_lint.rule import Change, Remedy


def changed(text: str, where: str, new: str, pick: str = "call") -> str | None:
    """``text`` after one change at its first call (or at that call's first argument); None where there is no edit."""
    facts = Facts(text)
    call: Any = facts.syntax.calls[0]
    node = call if pick == "call" else call.args[0]
    edits = Editor(text, facts.spans([node])).edits(Remedy("x", "safe", (Change(node, new, where),)))  # type: ignore[arg-type]
    return None if edits is None else applied(text, edits)


def applied(text: str, edits: tuple[Edit, ...]) -> str:
    for edit in reversed(edits):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    ast.parse(text)
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f()\n", "f(k=1)\n"),
        ("f(a)\n", "f(a, k=1)\n"),
        ("f(a,)\n", "f(a, k=1,)\n"),
        ("f( a )\n", "f( a, k=1 )\n"),
        ("f(a)(b)\n", "f(a)(b, k=1)\n"),
        ("f(\n    a,\n    b,\n)\n", "f(\n    a,\n    b, k=1,\n)\n"),
        ("f(\n    a,\n    b\n)\n", "f(\n    a,\n    b, k=1\n)\n"),
        ("f(a, **kw)\n", "f(a, **kw, k=1)\n"),
        ("f(')')\n", "f(')', k=1)\n"),
        ("(f(a))\n", "(f(a, k=1))\n"),
        ("f(a).b\n", "f(a, k=1).b\n"),
    ],
)
def test_an_argument_is_added_in_the_style_of_the_call(before: str, after: str) -> None:
    assert after == changed(before, "argument", "k=1")


@pytest.mark.parametrize("text", ["f(\n    a,\n    b  # why\n)\n", "f(\n    a,\n    # b,\n)\n", "f(  # nothing\n)\n"])
def test_no_argument_is_added_behind_a_comment(text: str) -> None:
    assert None is changed(text, "argument", "k=1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f(a)\n", "f()\n"),
        ("f(a, b)\n", "f(b)\n"),
        ("f(a , b)\n", "f(b)\n"),
        ("f(a,)\n", "f()\n"),
        ("f(k=1, b=2)\n", "f(b=2)\n"),
    ],
)
def test_an_argument_is_taken_out_with_its_comma(before: str, after: str) -> None:
    assert after == changed(before, "remove-argument", "", "argument")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f(a,\n  b)\n", "f(a)\n"),
        ("f(a,\n  # all of them,\n  b)\n", "f(a,\n  # all of them,\n  )\n"),
        ("f(a,  # one, two,\n  b,\n)\n", "f(a,  # one, two,\n  \n)\n"),
        ("f('#',\n  b)\n", "f('#',\n  )\n"),
    ],
)
def test_the_last_argument_is_taken_out_with_the_comma_before_it_unless_a_comment_holds_that(before: str, after: str) -> None:
    facts = Facts(before)
    call: Any = facts.syntax.calls[0]
    change = Change(call.args[1], "", "remove-argument")
    edits = Editor(before, facts.spans([call.args[1]])).edits(Remedy("x", "safe", (change,)))
    assert edits is not None
    assert after == applied(before, edits)


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        ("line-after", "f()\n", "f()\ng()\n"),
        ("line-after", "f()", "f()\ng()"),
        ("line-after", "if x:\n    f()  # why\n", "if x:\n    f()  # why\n    g()\n"),
        ("line-after", "if x:\n\tf(\n\t\ta)\n", "if x:\n\tf(\n\t\ta)\n\tg()\n"),
        ("line-before", "if x:\n    f()\n", "if x:\n    g()\n    f()\n"),
        ("replace", "a = f(b)\n", "a = g()\n"),
    ],
)
def test_a_line_is_put_where_it_belongs(where: str, before: str, after: str) -> None:
    assert after == changed(before, where, "g()")


def test_text_is_put_right_before_and_after_a_node() -> None:
    assert "x = not f()\n" == changed("x = f()\n", "before", "not ")
    assert "x = f().g\n" == changed("x = f()\n", "after", ".g")


@pytest.mark.parametrize("text", ["a = 1; f()\n", "f(); a = 1\n", "if x: f()\n"])
def test_no_line_is_put_next_to_a_statement_that_shares_its_line(text: str) -> None:
    assert None is changed(text, "line-after", "g()")


def test_a_change_at_a_node_without_a_place_gives_no_edits_at_all() -> None:
    text = "f(a)\n"
    facts = Facts(text)
    call: Any = facts.syntax.calls[0]
    remedy = Remedy("x", "safe", (Change(call, "g()"), Change(call.args[0], "b")))
    assert None is Editor(text, facts.spans([call])).edits(remedy)
    assert None is Editor(text, {}).edits(Remedy("nothing to change"))
