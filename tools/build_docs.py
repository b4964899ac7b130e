"""Everything in the documentation that is generated: ``python -m tools.build_docs [--check | --site]``.

Without an option the generated parts that are committed are written anew: the rule table and the output shown in README.md, and
``measured.json``, the figures that ``explain`` quotes. ``--check`` writes nothing, names what is out of date and exits with 1; it also
makes the pages of the site in memory, so that a quote of no record, or a mapping to no rule, is found without the generator of the site.
``--site`` also gathers the pages of the web site under build/docs and, where zensical is installed, builds it into site/.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from kerasmem_lint.api import list_rules
from tools import site_pages

ROOT = Path(__file__).parents[1]
MEASURED = ROOT / "kerasmem_lint" / "knowledge" / "measured.json"
SHOWN = (
    ("check", "fixtures/projects/cross_validation"),
    ("check", "--output-format", "concise", "fixtures/projects/flowers"),
)
"""The commands whose output the README shows."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="write nothing, exit with 1 if something is out of date")
    mode.add_argument("--site", action="store_true", help="also build the web site")
    options = parser.parse_args(arguments)
    stale = [path for path, text in generated().items() if not path.exists() or text != path.read_text(encoding="utf-8")]
    if options.check:
        site_pages.gather(ROOT)
        for path in stale:
            print(f"out of date: {path.relative_to(ROOT)}; run python -m tools.build_docs", file=sys.stderr)
        return int(bool(stale))
    # Each is written from what is on disk: the figures first, since pages quote them.
    for path in sorted(stale, key=lambda path: path != MEASURED):
        path.write_text(generated()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return build_site() if options.site else 0


def generated() -> dict[Path, str]:
    """The files that hold generated parts, with these parts as they should be."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    return {MEASURED: measured(), readme: filled(filled(text, "output", output()), "rules", rule_table())}


def filled(text: str, block: str, content: str) -> str:
    """The text with new content between the markers of a block."""
    begin, end = f"<!-- begin: {block} -->\n", f"<!-- end: {block} -->"
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"README.md has no block {block!r}: {begin.strip()} … {end}")
    return f"{head}{begin}{content}{end}{tail}"


def rule_table() -> str:
    """A row for each rule: code, name, severity, first sentence of its page."""
    rows = [
        f"| {page.code} | {page.name} | {page.severity if page.default else 'off'} | {page.summary.replace('|', chr(92) + '|')} |\n"
        for page in list_rules()
    ]
    return "| code | name | severity | what it is about |\n| --- | --- | --- | --- |\n" + "".join(rows)


def output() -> str:
    """What the commands of SHOWN print, as a console block."""
    parts = []
    for arguments in SHOWN:
        command = [sys.executable, "-m", "kerasmem_lint", *arguments, "--isolated"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode != 1 or "KM002" in done.stdout:
            raise SystemExit(f"kerasmem-lint {' '.join(arguments)} exited with {done.returncode}\n{done.stdout}{done.stderr}")
        parts.append(f"$ kerasmem-lint {' '.join(arguments)}\n{done.stdout}")
    return "```console\n" + "\n".join(parts) + "```\n"


def measured() -> str:
    """The headlines of the records, one record a line, by rule and backend."""
    lines = []
    for path in sorted((ROOT / "fixtures" / "measurements" / "results").glob("KM*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["headline"] is None:
            continue
        kept = {key: record[key] for key in ("code", "backend", "supported", "date")}
        kept["headline"] = record["headline"].rstrip(".")
        kept["versions"] = ", ".join(f"{name} {number}" for name, number in record["versions"].items() if name != "python")
        lines.append(json.dumps(kept, ensure_ascii=False, sort_keys=True))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def build_site() -> int:
    """Gather the pages under build/docs; build them into site/ if there is a generator."""
    pages = site_pages.gather(ROOT)
    settings = site_pages.write(ROOT, pages)
    print(f"gathered {len(pages)} pages under {settings.parent.relative_to(ROOT)}/docs")
    if importlib.util.find_spec("zensical") is None:
        print("zensical is not installed (pip install -e '.[docs]'): nothing built", file=sys.stderr)
        return 1
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--config-file", str(settings)], cwd=ROOT, check=False
    )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
