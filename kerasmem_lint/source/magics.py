"""IPython's additions to Python, put out of the parser's way without moving anything.

A mask has the length and the newlines of what it covers, so every offset of the masked text is an offset of the original.
Only what begins a statement is touched: a ``%`` within brackets, a string or a continued line is Python's own operator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kerasmem_lint.source.syntax import parse_failure

_BODY_IS_PYTHON = frozenset(
    ("time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "backend", "wandb", "tensorflow_version")
)  # fmt: skip
"""Cell magics that run the rest of the cell as Python; the others hand it to something else or write it to a file."""

_NEWLINE = re.compile(r"\r\n?|\n")
_CELL_MAGIC = re.compile(r"((?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n?|\n))*[ \t]*)%%([^\s%]\S*)")
_SCRIPT_MAGIC = re.compile(r"[ \t\f]*(?=!|%%?[A-Za-z_])")
_LINE_MAGIC = re.compile(
    r"[ \t\f]*(?=[!?]|%%?[ \t]*[A-Za-z_]|(?:pip3?|conda|mamba)[ \t]+(?:install|uninstall|list|show|freeze)\b"
    r"|(?:cat|cd|cp|ll|ls|mkdir|mv|rm|rmdir)[ \t]+(?!(?:and|for|if|in|is|not|or)\b)(?:[\w$~]|\.[./]|/[\w.]|-[A-Za-z])"
    r"(?![^\r\n]*=))"
)
"""Shell commands that IPython takes without a ``%`` are told from names by what follows: no Python statement goes on like that."""
_TIMED = re.compile(r"[ \t\f]*(%(?:time|timeit|memit)(?:[ \t]+--?[A-Za-z][\w-]*(?:[ \t]+\d+)?)*[ \t]+)(?=[^\s!%?-])")
"""Line magics that run the rest of their line as Python, with their options."""
_LONGEST_TIMED = 2000
"""Characters of a timed statement that is read: one whose bracket is never closed goes on to the end, and there may be many."""
_ASSIGNED_MAGIC = re.compile(r"""[ \t\f]*[^\W\d][\w \t.,*\[\]"'-]*=[ \t]*(?=!|%[ \t]*[A-Za-z_])""")
_HELP = re.compile(r"""[ \t\f]*(?=[^"'#\r\n?]*[\w\])*]\?\??[ \t;]*(?:\#[^\r\n]*)?(?:[\r\n]|\Z))""")
_TOKEN = re.compile(
    r"""\#[^\r\n]*
      | (?P<triple>\"{3}|'{3})
      | "(?:[^"\\\r\n]|\\(?:\r\n?|\n|.))*"?
      | '(?:[^'\\\r\n]|\\(?:\r\n?|\n|.))*'?
      | (?P<open>[(\[{])
      | (?P<close>[)\]}])
      | \\(?:\r\n?|\n)
      | (?P<newline>\r\n?|\n)""",
    re.VERBOSE,
)
_TRIPLE_END = re.compile(r"""\\(?s:.)|"{3}|'{3}""")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with its magics masked; ``count`` says how many were. ``foreign`` names a cell magic whose body is not Python."""

    text: str
    count: int = 0
    foreign: str = ""


def may_hold_magics(script: str) -> bool:
    """Whether any line of a script begins like a magic; most that do are continued ``%`` expressions."""
    return re.search(r"(?:\A|[\r\n])[ \t\f]*(?:!|%%?[A-Za-z_])", script) is not None


def mask_script(script: str) -> Masked:
    """A .py file with notebook lines left in it: ``!pip``, ``%matplotlib``, ``%%time``."""
    return _mask_statements(script, 0, script=True)


def mask_cell(source: str) -> Masked:
    """A notebook cell: cell magics, then line magics, shell commands, assigned ones, and questions (``x?``)."""
    head = 0
    count = 0
    while found := _CELL_MAGIC.match(source, head):
        if found[2] not in _BODY_IS_PYTHON:
            return Masked(source, foreign=found[2])
        end = _continued_end(source, found.end(1))
        source = source[: found.end(1)] + _blank(source[found.end(1) : end]) + source[end:]
        newline = _NEWLINE.match(source, end)
        head = newline.end() if newline else end
        count += 1
    rest = _mask_statements(source, head, script=False)
    return Masked(rest.text, count + rest.count)


def _mask_statements(text: str, at: int, *, script: bool) -> Masked:
    pieces = [text[:at]]
    count = 0
    while at < len(text):
        magic = _magic_at(text, at, script=script)
        if magic is not None and (timed := _TIMED.match(text, at)):
            ahead = text[timed.end() : timed.end() + _LONGEST_TIMED]
            run = ahead[: _statement_end(ahead, 0)]
            if len(run) < _LONGEST_TIMED and not parse_failure("0;" + run):
                # Another statement before it, so that what is timed may stand where it stands.
                pieces += (text[at : timed.start(1)], "0;" + " " * (len(timed[1]) - 2), run)
                count += 1
                at = timed.end() + len(run)
                continue
        if magic is None:
            end = _statement_end(text, at)
            pieces.append(text[at:end])
        else:
            start, filler = magic
            end = _continued_end(text, start)
            blank = _blank(text[start:end])
            # A name without a known value where no room is left for more: `x?` and `a = !w` are that short.
            filler = filler if blank.startswith(" " * len(filler)) else "_"
            pieces += (text[at:start], filler, blank[len(filler) :])
            count += 1
        at = end
    return Masked("".join(pieces), count)


def _magic_at(text: str, at: int, *, script: bool) -> tuple[int, str] | None:
    """Where the magic of the statement at ``at`` begins, and what Python may stand there instead."""
    if script:
        found = _SCRIPT_MAGIC.match(text, at)
        return (found.end(), "pass") if found else None
    found = _LINE_MAGIC.match(text, at) or _HELP.match(text, at)
    if found:
        return found.end(), "pass"
    found = _ASSIGNED_MAGIC.match(text, at)
    return (found.end(), "...") if found else None


def _blank(text: str) -> str:
    return re.sub(r"[^\r\n]", " ", text)


def _continued_end(text: str, at: int) -> int:
    """The end of the line at ``at`` and of those a backslash joins to it; the last newline not counted."""
    while found := _NEWLINE.search(text, at):
        if found.start() == at or text[found.start() - 1] != "\\":
            return found.start()
        at = found.end()
    return len(text)


def _statement_end(text: str, at: int) -> int:
    """The offset behind the newline that ends the logical line at ``at``: brackets closed, strings over, not continued."""
    depth = 0
    while found := _TOKEN.search(text, at):
        at = found.end()
        if found["triple"]:
            closings = (end.end() for end in _TRIPLE_END.finditer(text, at) if end[0] == found["triple"])
            at = next(closings, len(text))
        elif found["open"]:
            depth += 1
        elif found["close"]:
            depth = max(depth - 1, 0)
        elif found["newline"] and not depth:
            return at
    return len(text)
