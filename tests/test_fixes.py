"""What holds for every fix, safe or not: on the bad examples of all pages and on the edge cases in ``fixtures/rules``.

``tests/test_rules.py`` compares the fixes of the pages with what the pages show, to the letter, and with CRLF.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from dataclasses import dataclass

import pytest
from examples import examples, with_keras
from test_fixtures import FILES, FOLDER, subjects

from kerasmem_lint.api import Settings, check_bytes, fix_bytes
from kerasmem_lint.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class Case:
    """A program that one rule has a fix for."""

    name: str
    code: str
    program: str

    @property
    def settings(self) -> Settings:
        return Settings(select=(self.code,))

    def found(self, program: str) -> tuple[Diagnostic, ...]:
        return check_bytes("train.py", program.encode(), self.settings).diagnostics


def cases() -> list[Case]:
    """Every example and fixture that has a finding with edits."""
    pages = [Case(str(example), example.rule.rule.code, with_keras(example.plain)) for example in examples("bad")]
    files = [
        Case(f"{code}-{path.stem}", code, text)
        for path in FILES
        for text in [path.read_text(encoding="utf-8")]
        for code in subjects(path, text)
        if str(path.parent) != str(FOLDER)
    ]
    return [case for case in (*pages, *files) if any(fixable(diagnostic) for diagnostic in case.found(case.program))]


def fixable(diagnostic: Diagnostic) -> bool:
    return diagnostic.fix is not None and bool(diagnostic.fix.edits)


def fixed(case: Case, program: str) -> tuple[str, int]:
    """The program with all fixes of the rule, and their number."""
    report, content, count = fix_bytes("train.py", program.encode(), case.settings, unsafe=True)
    assert () == report.problems
    return content.decode(), count


def comments(program: str) -> list[str]:
    return [token.string for token in tokenize.generate_tokens(io.StringIO(program).readline) if token.type == tokenize.COMMENT]


def with_notes(program: str) -> str:
    """The program with a comment at the end of each line that can bear one, and an odd blank before it."""
    lines = program.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        if token.type in (tokenize.NEWLINE, tokenize.NL) and "#" not in lines[token.start[0] - 1]:
            lines[token.start[0] - 1] += f" \t # note {token.start[0]}"
    return "\n".join(lines) + "\n"


def spread(program: str) -> str:
    """The program with each argument and element on a line of its own."""
    lines = program.splitlines()
    depth = 0
    breaks: list[tuple[int, int]] = []
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        if token.type == tokenize.OP:
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.string, 0)
            if token.string == "," and depth:
                breaks.append((token.end[0] - 1, token.end[1]))
    for row, column in reversed(breaks):
        lines[row] = f"{lines[row][:column]}\n        {lines[row][column:].lstrip()}"
    return "\n".join(lines) + "\n"


LAYOUTS = {
    "as written": str,
    "with notes": with_notes,
    "spread": spread,
    "spread, with notes": lambda text: with_notes(spread(text)),
}
CASES = cases()
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_case
def test_a_fixed_program_parses_and_the_rule_is_quiet_on_what_it_fixed(case: Case) -> None:
    before = case.found(case.program)
    program, count = fixed(case, case.program)
    ast.parse(program)
    after = case.found(program)
    assert count == sum(map(fixable, before))
    assert [] == [diagnostic for diagnostic in after if fixable(diagnostic)]
    assert len(before) - count == len(after)


@every_case
def test_fixing_twice_changes_nothing(case: Case) -> None:
    program, _ = fixed(case, case.program)
    assert (program, 0) == fixed(case, program)


@pytest.mark.parametrize("layout", LAYOUTS)
@every_case
def test_every_comment_outlives_a_fix_and_what_it_does_not_name_stays_to_the_letter(case: Case, layout: str) -> None:
    """Also the comments beside what is replaced. The edits, made here from the last to the first, are all that changes."""
    program = LAYOUTS[layout](case.program)
    found = [diagnostic for diagnostic in case.found(program) if fixable(diagnostic)]
    after, count = fixed(case, program)
    assert len(found) == count
    assert count > 0 or "notes" in layout, "only a comment in its way is a reason to offer no fix"
    ast.parse(after)
    assert Counter() == Counter(comments(program)) - Counter(comments(after))
    expected = program
    edits = {edit for diagnostic in found if diagnostic.fix for edit in diagnostic.fix.edits}
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end), reverse=True):
        expected = expected[: edit.span.start] + edit.replacement + expected[edit.span.end :]
    assert expected == after


def test_an_array_that_is_divided_twice_is_cast_once() -> None:
    head = "from keras.datasets import mnist\n(x, y), _ = mnist.load_data()\n"
    _, content, count = fix_bytes("train.py", f"{head}x = x / 255 / 2\n".encode(), Settings(select=("KM201",)), unsafe=True)
    assert (1, f'{head}x = x.astype("float32") / 255 / 2\n') == (count, content.decode())


def test_every_rule_that_has_a_fix_is_among_the_cases() -> None:
    """A page that says how safe its fix is has a program here that is fixed."""
    explained = {
        example.rule.rule.code for example in examples("bad") if re.search(r"^(Safe|Unsafe)\b", example.rule.page, re.MULTILINE)
    }
    assert explained == {case.code for case in CASES}
