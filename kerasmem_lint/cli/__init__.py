"""The command line: arguments in, text and an exit code out. One module per verb, imported when the verb is used.

Exit codes: 0 clean, 1 findings, 2 the job could not be done (bad usage, bad configuration, a file that cannot be read).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from kerasmem_lint import __version__
from kerasmem_lint.errors import KerasmemError, UsageError

_VERBS: tuple[tuple[str, str], ...] = (
    ("check", "check files and folders for code that will run out of memory"),
    ("baseline", "keep a list of the findings to live with"),
    ("explain", "print the page of a rule"),
    ("rules", "list the rules"),
    ("footprint", "compute what a training step needs on a GPU that is not here"),
    ("gpus", "list the GPUs that the footprint knows"),
    ("review", "comment on a pull or merge request"),
)
"""The verbs and what they do. Each is a module of its name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code is the answer. Never lets a traceback of ours out for something the user did."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(given)
    except KerasmemError as error:
        _complain(str(error))
        return 2
    except KeyboardInterrupt:
        _complain("interrupted")
        return 2


def _complain(message: str) -> None:
    from kerasmem_lint.reporters.escape import terminal

    print(f"kerasmem-lint: error: {terminal(message)}", file=sys.stderr)  # noqa: T201


def _run(given: list[str]) -> int:
    verb = next((word for word in given if not word.startswith("-")), None)
    if verb is not None and verb not in dict(_VERBS) and os.path.exists(verb):
        raise UsageError(f"a verb comes first; did you mean `kerasmem-lint check {verb}`?")
    parser = _parser(verb)
    own: list[str] = []
    if verb == "footprint" and "--" in given:
        # What follows is the program's; argparse would take it only where no option stands between it and the script.
        cut = given.index("--")
        given, own = given[:cut], given[cut + 1 :]
    options, rest = parser.parse_known_args(given)
    if rest and verb in ("check", "baseline") and not any(word.startswith("-") for word in rest):
        options.paths += rest  # argparse takes paths up to the first option only
    elif rest:
        raise UsageError(f"no such option or argument: {' '.join(rest)}; `kerasmem-lint {verb or 'VERB'} --help` lists them")
    if own:
        options.arguments += own
    run: Callable[[argparse.Namespace], int] | None = getattr(options, "run", None)
    if run is None:
        parser.print_help()
        return 2 if given else 0
    return run(options)


def _parser(verb: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kerasmem-lint",
        description="Finds the Keras training code that will run out of memory, before it runs.",
        epilog="`kerasmem-lint check` checks the current folder; `kerasmem-lint VERB --help` says more. "
        "Exit codes: 0 clean, 1 findings, 2 the job could not be done.",
        formatter_class=_formatter,
    )
    parser.add_argument("--version", action="version", version=f"kerasmem-lint {__version__}")
    # With a `prog` of its own argparse need not format the usage, for which it would import shutil.
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", prog="kerasmem-lint")
    for name, help_text in _VERBS:
        description = help_text[0].upper() + help_text[1:] + "."
        own = verbs.add_parser(name, help=help_text, description=description, formatter_class=_formatter)
        if name == verb:
            # Only the verb in use pays for its imports.
            from importlib import import_module

            import_module(f"kerasmem_lint.cli.{name}").configure(own)
    return parser


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Help as wide as the terminal, at most 120 columns; argparse itself would import shutil to find out."""
    return argparse.HelpFormatter(prog, max_help_position=30, width=min(max(_terminal_width(), 40), 120) - 2)


def _terminal_width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal():
        return int(columns)
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 80
