"""Edits of a text: put in order, checked against each other, carried out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kerasmem_lint.diagnostics import Edit
from kerasmem_lint.errors import FixError
from kerasmem_lint.source.lines import LineMap


def in_order(edits: Iterable[Edit], length: int) -> tuple[Edit, ...]:
    """Edits by place; insertions at one place keep their order. Raises FixError if two overlap or one lies outside the text."""
    ordered = tuple(sorted(edits, key=lambda edit: edit.span))
    end = 0
    for edit in ordered:
        if not 0 <= edit.span.start <= edit.span.end <= length:
            raise FixError(f"an edit lies outside the text ({edit.span.start} to {edit.span.end} of {length} characters)")
        if edit.span.start < end:
            raise FixError(f"two edits overlap at character {edit.span.start}")
        end = edit.span.end
    return ordered


def refuse_masked(text: str, original: str, lines: LineMap, edits: Iterable[Edit]) -> None:
    """Raise FixError for an edit of a line that holds a magic, where what was analysed is not what the user wrote.

    What a ``%time`` runs stands there as written, so that an edit within it is one of the user's text.
    """
    if text == original:
        return
    for edit in edits:
        first = lines.position(edit.span.start)[0]
        last = lines.position(max(edit.span.end - 1, edit.span.start))[0]
        begin, end = lines.starts[first - 1], lines.line_end(last)
        near = slice(max(edit.span.start - 1, 0), edit.span.end + 1)
        if text[begin:end] != original[begin:end] and (not _runs(text[begin:end]) or text[near] != original[near]):
            raise FixError("an edit touches a line of notebook magic, which is not edited")


def _runs(line: str) -> bool:
    """Is the line one of a magic that runs Python, of which the mask shows all but the magic itself?"""
    return line.lstrip(" \t\f").startswith("0;")


def replaced(text: str, edits: Sequence[Edit]) -> str:
    """The text after ordered edits."""
    pieces: list[str] = []
    at = 0
    for edit in edits:
        pieces += (text[at : edit.span.start], edit.replacement)
        at = edit.span.end
    return "".join((*pieces, text[at:]))


def with_newlines_of(lines: LineMap, edit: Edit) -> Edit:
    """The edit with its newlines written as those around it are."""
    if "\n" not in edit.replacement:
        return edit
    newline = lines.newline_near(edit.span.start)
    return Edit(edit.span, edit.replacement.replace("\r\n", "\n").replace("\n", newline))
