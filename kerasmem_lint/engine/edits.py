"""Remedies of rules to span edits on the text as it was read."""

from __future__ import annotations

from typing import Any

from kerasmem_lint.diagnostics import Edit, Span
from kerasmem_lint.rule import Change, Remedy


class Editor:
    """Turns changes at nodes into edits of one text."""

    def __init__(self, text: str, spans: dict[Any, Span]) -> None:
        self.text = text
        self.spans = spans

    def edits(self, remedy: Remedy) -> tuple[Edit, ...] | None:
        """The edits of a remedy in order; None when one of them has no place."""
        found = [self.edit(change) for change in remedy.changes]
        if not found or None in found:
            return None
        return tuple(sorted((edit for edit in found if edit is not None), key=lambda edit: edit.span))

    def edit(self, change: Change) -> Edit | None:
        span = self.spans.get(change.node)
        if span is None:
            return None
        if change.where == "replace":
            return Edit(span, change.text)
        if change.where == "before":
            return Edit(Span(span.start, span.start), change.text)
        if change.where == "after":
            return Edit(Span(span.end, span.end), change.text)
        if change.where == "argument":
            return self._add_argument(span, change)
        if change.where == "remove-argument":
            return self._remove_argument(span)
        return self._line(span, change)

    def _add_argument(self, span: Span, change: Change) -> Edit | None:
        """Put a keyword argument behind the last one of a call, in the style of the call."""
        call: Any = change.node
        end = self._closing(span)
        if end is None:
            return None
        if not call.args:
            return Edit(Span(end, end), change.text)
        position = end
        while self.text[position - 1] in " \t\r\n":
            position -= 1
        comma = self.text[position - 1] == ","
        return Edit(Span(position, position), f"{'' if comma else ','} {change.text}{',' if comma else ''}")

    def _closing(self, span: Span) -> int | None:
        """The offset of the call's own closing parenthesis; None when a comment stands before it."""
        end = span.end - 1
        while end > span.start and self.text[end] != ")":
            end -= 1
        line_start = max(self.text.rfind("\n", 0, end), self.text.rfind("\r", 0, end)) + 1
        previous = self.text[: max(line_start - 1, 0)]
        last_line = previous[max(previous.rfind("\n"), previous.rfind("\r")) + 1 :]
        if not self.text[line_start:end].strip() and "#" in last_line:
            return None
        return end

    def _remove_argument(self, span: Span) -> Edit:
        """Take an argument out with a comma: the one before it, so that several in a row can go, or else the one after it."""
        start, end = span.start, span.end
        before = start
        while before > 0 and self.text[before - 1] in " \t\r\n":
            before -= 1
        if before > 0 and self.text[before - 1] == "," and not self._may_be_comment(before, start):
            return Edit(Span(before - 1, end), "")
        after = end
        while after < len(self.text) and self.text[after] in " \t":
            after += 1
        if after < len(self.text) and self.text[after] == ",":
            after += 1
            while after < len(self.text) and self.text[after] in " \t":
                after += 1
            return Edit(Span(start, after), "")
        return Edit(Span(start, end), "")

    def _may_be_comment(self, place: int, following: int) -> bool:
        """May what ends at ``place`` be a comment? Only if ``following`` stands on a later line."""
        line_start = max(self.text.rfind("\n", 0, place), self.text.rfind("\r", 0, place)) + 1
        return "#" in self.text[line_start:place] and any(end in self.text[place:following] for end in "\r\n")

    def _line(self, span: Span, change: Change) -> Edit | None:
        """Insert a statement line after (or before) the statement under ``span``, with its indentation."""
        line_start = max(self.text.rfind("\n", 0, span.start), self.text.rfind("\r", 0, span.start)) + 1
        indent = self.text[line_start : span.start]
        if indent.strip():
            return None  # not the first statement of its line
        if change.where == "line-before":
            return Edit(Span(line_start, line_start), f"{indent}{change.text}\n")
        end = span.end
        while end < len(self.text) and self.text[end] not in "\r\n":
            end += 1
        if "#" not in self.text[span.end : end] and self.text[span.end : end].strip():
            return None  # something else follows on the same line
        return Edit(Span(end, end), f"\n{indent}{change.text}")
