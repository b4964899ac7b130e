"""``kerasmem-lint check``: check paths or standard input, report, fix."""

from __future__ import annotations

import argparse
import os
import sys

from kerasmem_lint.cli import options as shared
from kerasmem_lint.cli.output import wants_color, write
from kerasmem_lint.errors import KerasmemError, UsageError

TYPE_CHECKING = False  # as typing has it, without the import: see preflight
if TYPE_CHECKING:
    from kerasmem_lint.cli.sieve import Sieve
    from kerasmem_lint.config import Settings
    from kerasmem_lint.diagnostics import Report
    from kerasmem_lint.reporters import RuleInfo

FORMATS = (
    "full", "concise", "grouped", "json", "jsonl", "github", "gitlab", "sarif", "rdjson", "rdjsonl", "junit", "azure", "pylint",
    "markdown",
)  # fmt: skip
_FOR_PEOPLE = ("full", "concise", "grouped")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "kerasmem-lint check [OPTIONS] [PATH ...]"
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders, `-` for standard input (default: .)")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output-format", choices=FORMATS, default="full", metavar="FORMAT", help=f"{', '.join(FORMATS)} (default: full)"
    )
    output.add_argument("--output-file", metavar="FILE", help="write the report to this file")
    output.add_argument("--statistics", action="store_true", help="count the findings of each rule")
    output.add_argument("--show-suppressed", action="store_true", help="also show the findings that comments put aside")
    output.add_argument("--show-config", action="store_true", help="print the settings in use and check nothing")
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 even when there are findings")
    known = parser.add_argument_group("old findings")
    known.add_argument(
        "--baseline", metavar="FILE", help="put the findings aside that this file knows (`kerasmem-lint baseline`)"
    )
    known.add_argument("--diff-base", metavar="REV", help="only findings on lines changed since this git revision")
    known.add_argument("--changed-only", action="store_true", help="only findings on lines not committed yet: --diff-base HEAD")
    known.add_argument("--add-noqa", action="store_true", help="write a `# noqa` comment for each finding that is left")
    fixing = parser.add_argument_group("fixes")
    fixing.add_argument("--fix", action="store_true", help="apply the safe fixes")
    fixing.add_argument("--unsafe-fixes", action="store_true", help="with --fix or --diff: the unsafe ones as well")
    fixing.add_argument("--diff", action="store_true", help="print what the fixes would change, write nothing")
    files = parser.add_argument_group("files")
    files.add_argument("--stdin-filename", metavar="FILE", help="check standard input as if it were this file")
    files.add_argument("--force-exclude", action="store_true", help="apply the excludes to files that are named, too")
    files.add_argument("--no-respect-gitignore", action="store_true", help="also check files that git ignores")
    files.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="processes to check with (default: 1)")
    parser.add_argument(
        "--footprint",
        action="store_true",
        help="also run the program of [tool.kerasmem-lint.footprint] up to its first fit and say whether its step fits the GPU",
    )
    shared.add_configuration(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    _refuse_contradictions(options)
    from kerasmem_lint.cli.quick import all_clear

    clear = None if wants_color(sys.stdout) else all_clear(options)
    if clear is not None:
        write(clear, None)
        return 0
    settings = _settings(options)
    if options.show_config:
        from kerasmem_lint.cli.shown import shown

        write(shown(settings), options.output_file)
        return 0
    from kerasmem_lint.cli.sieve import sieve

    sieved = sieve(options, settings)
    if options.stdin_filename is not None or options.paths == ["-"]:
        return _run_stdin(options, settings, sieved)
    if options.diff:
        return _run_diff(options, settings, sieved)
    fixed = 0
    if options.fix:
        from kerasmem_lint.api import fix_paths

        report, _, fixed = fix_paths(
            options.paths,
            settings,
            unsafe=options.unsafe_fixes,
            force_exclude=options.force_exclude,
            put_aside=sieved.file,
        )
    else:
        report = _check(options, settings)
    if options.footprint:
        report = _with_footprint(report, settings)
    return _finish(report, options, settings, fixed, sieved)


def _with_footprint(report: Report, settings: Settings) -> Report:
    """The report with KM901 to KM903 for the program that the configuration names. This runs the user's code, as asked for."""
    from dataclasses import replace
    from pathlib import Path

    from kerasmem_lint.bridge import check_footprint, settings_from
    from kerasmem_lint.diagnostics import FileReport
    from kerasmem_lint.engine.selection import matching_codes

    if not settings.footprint:
        raise UsageError("--footprint: name a GPU and a program in [tool.kerasmem-lint.footprint] first")
    files = {file.path: file for file in report.files}
    ignored = matching_codes(settings.ignore)
    severities = {code: severity for selector, severity in settings.severity for code in matching_codes([selector])}
    for found in check_footprint(settings_from(dict(settings.footprint)), Path(settings.root or os.getcwd())):
        if found.code in ignored:
            continue
        found = replace(found, severity=severities.get(found.code, found.severity))  # type: ignore[arg-type]  # as checked above
        path = os.path.relpath(os.path.join(settings.root, found.path))
        file = files.get(path, FileReport(path, "checked"))
        own = sorted(
            (*file.diagnostics, replace(found, path=path)), key=lambda item: (item.location.cell or 0, item.span, item.code)
        )
        files[path] = replace(file, diagnostics=tuple(own))
    return replace(report, files=tuple(files[path] for path in sorted(files)))


def _refuse_contradictions(options: argparse.Namespace) -> None:
    if options.jobs < 1:
        raise UsageError("--jobs: at least 1")
    if options.unsafe_fixes and not (options.fix or options.diff):
        raise UsageError("--unsafe-fixes does nothing by itself; add --fix or --diff")
    if options.stdin_filename is not None and options.paths not in ([], ["-"]):
        raise UsageError("--stdin-filename names standard input, which cannot be checked together with files")
    if options.stdin_filename is None and "-" in options.paths and options.paths != ["-"]:
        raise UsageError("`-` stands alone: standard input cannot be checked together with files")
    if options.add_noqa and (options.fix or options.diff):
        raise UsageError("--add-noqa silences what --fix mends; fix first, then add comments for the rest")
    if options.add_noqa and (options.stdin_filename is not None or options.paths == ["-"]):
        raise UsageError("--add-noqa writes into files; standard input is none")
    if options.add_noqa and options.footprint:
        raise UsageError("--add-noqa: no comment silences a footprint; leave out --footprint")
    if options.footprint and (options.stdin_filename is not None or options.paths == ["-"]):
        raise UsageError("--footprint runs the program that the configuration names, not standard input")
    if options.diff_base == "":
        raise UsageError("--diff-base: no such git revision: its name is empty")
    since = options.diff_base is not None or options.changed_only
    if since and (options.fix or options.diff):
        raise UsageError("--diff-base and --changed-only choose what is shown, not what is fixed; leave out --fix and --diff")
    if since and (options.stdin_filename is not None or options.paths == ["-"]):
        raise UsageError("--diff-base and --changed-only compare files to git; standard input cannot be compared")
    if options.diff_base is not None and options.changed_only:
        raise UsageError("--changed-only is --diff-base HEAD; give one of them")
    options.paths = options.paths or ["."]


def _settings(options: argparse.Namespace) -> Settings:
    from dataclasses import replace

    settings = shared.settings(options)
    if options.no_respect_gitignore:
        settings = replace(settings, respect_gitignore=False)
    if settings != type(settings)(root=settings.root):
        # A wrong selector is an error even when no file needs the rules.
        from kerasmem_lint.engine.selection import activate

        activate(settings)
    return settings


def _check(options: argparse.Namespace, settings: Settings) -> Report:
    import gc

    from kerasmem_lint.api import check_paths

    # A syntax tree is hundreds of thousands of objects made in one go and dropped in one go: looking through them again and
    # again while they are made costs a twentieth of the run (measured with tools.bench).
    gc.set_threshold(50_000, 20, 100)

    if options.jobs == 1:
        return check_paths(options.paths, settings, force_exclude=options.force_exclude)
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    try:
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as executor:
            return check_paths(options.paths, settings, force_exclude=options.force_exclude, executor=executor)
    except BrokenProcessPool:
        raise KerasmemError("a process that checked files was killed; run with --jobs 1 to see on which file") from None


def _run_stdin(options: argparse.Namespace, settings: Settings, sieved: Sieve) -> int:
    from kerasmem_lint.api import check_bytes, fix_bytes, is_excluded
    from kerasmem_lint.diagnostics import FileReport, Report

    name = options.stdin_filename or "<stdin>"
    content = sys.stdin.buffer.read()
    if options.force_exclude and options.stdin_filename is not None and is_excluded(name, settings):
        if options.fix and not options.diff:
            _pass_on(content)
            return 0
        return _finish(Report((FileReport(name, "skipped", note="excluded"),)), options, settings, 0, sieved)
    if not (options.fix or options.diff):
        return _finish(Report((check_bytes(name, content, settings),)), options, settings, 0, sieved)
    file, updated, _ = fix_bytes(name, content, settings, unsafe=options.unsafe_fixes, put_aside=sieved.file)
    if options.diff:
        return _finish_diff(Report((file,)), {name: (content, updated)} if updated != content else {}, options)
    # As other fixers do on standard input: the text goes out, fixed or not, and the report to standard error.
    _pass_on(updated)
    report, _ = sieved.whole(Report((file,)))
    sys.stderr.write(_rendered(report, options, settings, color=wants_color(sys.stderr)))
    code = report.exit_code
    return 0 if options.exit_zero and code == 1 else code


def _pass_on(content: bytes) -> None:
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _run_diff(options: argparse.Namespace, settings: Settings, sieved: Sieve) -> int:
    from kerasmem_lint.api import fix_paths

    report, changed, _ = fix_paths(
        options.paths,
        settings,
        unsafe=options.unsafe_fixes,
        write=False,
        force_exclude=options.force_exclude,
        put_aside=sieved.file,
    )
    return _finish_diff(report, changed, options)


def _finish_diff(report: Report, changed: dict[str, tuple[bytes, bytes]], options: argparse.Namespace) -> int:
    from kerasmem_lint.cli.difference import difference
    from kerasmem_lint.reporters.escape import terminal

    write("".join(difference(path, before, after) for path, (before, after) in sorted(changed.items())), options.output_file)
    for problem in report.all_problems:
        sys.stderr.write(f"kerasmem-lint: error: {terminal(problem.path)}: {terminal(problem.message)}\n")
    checked = report.files_checked
    sys.stderr.write(f"{len(changed)} of {checked} {'file' if checked == 1 else 'files'} would change.\n")
    return 2 if report.all_problems else int(bool(changed) and not options.exit_zero)


def _finish(report: Report, options: argparse.Namespace, settings: Settings, fixed: int, sieved: Sieve) -> int:
    report, told = sieved.whole(report)
    silenced = 0
    if options.add_noqa:
        from kerasmem_lint.api import silence_report

        report, silenced = silence_report(report, settings)
    color = options.output_file is None and wants_color(sys.stdout)
    text = _rendered(report, options, settings, color=color)
    if options.output_format in _FOR_PEOPLE:
        text += told
        text += f"Fixed {fixed} {'finding' if fixed == 1 else 'findings'}.\n" if fixed else ""
        text += f"Silenced {silenced} {'finding' if silenced == 1 else 'findings'}.\n" if silenced else ""
    write(text, options.output_file)
    code = report.exit_code
    if (fixed or silenced) and code == 0:
        code = 1  # a fixer that changed files says so, as pre-commit wants it
    return 0 if options.exit_zero and code == 1 else code


def _rendered(report: Report, options: argparse.Namespace, settings: Settings, *, color: bool) -> str:
    from kerasmem_lint.reporters import RenderOptions, render

    return render(
        options.output_format,
        report,
        RenderOptions(
            color=color,
            show_suppressed=options.show_suppressed,
            statistics=options.statistics,
            root=os.getcwd(),
            rules=_rules(settings) if options.output_format == "sarif" else (),
        ),
    )


def _rules(settings: Settings) -> tuple[RuleInfo, ...]:
    from kerasmem_lint.engine.selection import activate
    from kerasmem_lint.reporters import RuleInfo

    return tuple(
        RuleInfo(
            active.rule.code,
            active.rule.name,
            active.loaded.summary,
            active.severity or active.rule.severity,
            active.loaded.url,
            active.loaded.page,
            active.rule.confidence,
        )
        for active in activate(settings).rules
    )
