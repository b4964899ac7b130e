"""The pages of the web site: the documents of the repository, a page for each rule, and the tables of what others call a smell."""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path

from kerasmem_lint.api import RulePage, list_rules
from kerasmem_lint.cli.explain import head, rest
from tools import mapping_page, quotes

Pages = dict[str, str]
"""Path on the site → Markdown."""

DOCUMENTS = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "fixtures/measurements/README.md": "measurements.md",
}
"""Documents outside docs/ and where they stand on the site."""

_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]\n]*)\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"(?:```.*?```|`[^`\n]*`|\[[^\]\n]*\]\([^)\n]*\)|^#.*?$)|\b(?P<code>KM\d{3})\b", re.DOTALL | re.MULTILINE)
_FENCE = {"bad": "Reported", "fixed": "Fixed", "good": "Not reported", "todo": "Not found yet"}
_SHELVES = {
    "0": "Housekeeping", "1": "Loops and retracing", "2": "Data pipelines and host memory",
    "3": "Checkpoints, callbacks, histories", "4": "Batch, model and precision", "5": "Optimizer and gradients",
    "6": "Sessions, processes, notebooks", "9": "Footprint",
}  # fmt: skip


def gather(root: Path) -> Pages:
    """Every page, with quoted figures filled in and links that hold on the site. Ends the program where a page cannot be made."""
    places = {f"docs/{path.name}": path.name for path in sorted((root / "docs").glob("*.md"))} | DOCUMENTS
    texts = {source: (root / source).read_text("utf-8") for source in places}
    texts |= {source: quotes.quoted(text, source, root) for source, text in texts.items() if source.startswith("docs/")}
    pages = {place: _relinked(texts[source], source, place, places) for source, place in places.items()}
    rules = list_rules()
    pages |= {f"rules/{page.code}.md": rule_page(page) for page in rules}
    pages["rules/index.md"] = _rule_index(rules)
    pages["mappings.md"] = mapping_page.mapping_page(mapping_page.read(root), rules)
    codes = {page.code for page in rules}
    return {place: _with_codes_linked(text, place, codes) for place, text in pages.items()}


def rule_page(page: RulePage) -> str:
    """What ``explain`` prints, with the title first and the examples' kinds as titles."""
    title, _, body = page.page.strip().partition("\n")
    text = "\n\n".join((f"# {page.code}: {title.lstrip('# ')}", f"*{head(page)}*", body.strip(), *rest(page)))
    return re.sub(r"^```python (\w+)$", lambda fence: f'```python title="{_FENCE[fence[1]]}"', text, flags=re.MULTILINE) + "\n"


def _rule_index(rules: tuple[RulePage, ...]) -> str:
    text = "# The rules\n"
    for shelf, title in _SHELVES.items():
        rows = [page for page in rules if page.code[2] == shelf]
        if rows:
            text += f"\n## {title}\n\n| code | name | severity | what it is about |\n| --- | --- | --- | --- |\n"
            text += "".join(
                f"| {page.code} | {page.name} | {page.severity if page.default else 'off'} | {_cell(page.summary)} |\n"
                for page in rows
            )
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _relinked(text: str, source: str, place: str, places: dict[str, str]) -> str:
    """Links between documents made links between their pages; a link to what the site does not hold becomes plain text."""

    def link(found: re.Match[str]) -> str:
        target, mark, anchor = found["target"].partition("#")
        if "://" in target or not target:
            return found[0]
        there = places.get(posixpath.normpath(posixpath.join(posixpath.dirname(source), target)))
        if there is None:
            return found["text"]
        return f"[{found['text']}]({posixpath.relpath(there, posixpath.dirname(place) or '.')}{mark}{anchor})"

    return _LINK.sub(link, text)


def _with_codes_linked(text: str, place: str, codes: set[str]) -> str:
    """Codes of rules made links, but for the page's own, and where links and code cannot stand."""
    folder = posixpath.relpath("rules", posixpath.dirname(place) or ".")
    others = codes - {posixpath.basename(place).removesuffix(".md")}

    def link(found: re.Match[str]) -> str:
        code = found["code"]
        return f"[{code}]({posixpath.normpath(f'{folder}/{code}.md')})" if code in others else found[0]

    return _CODE.sub(link, text)


def write(root: Path, pages: Pages) -> Path:
    """Write the pages under build/docs and the generator's settings beside them; answers the path of the settings."""
    build = root / "build"
    shutil.rmtree(build / "docs", ignore_errors=True)
    for place, text in pages.items():
        path = build / "docs" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for sheet in (root / "docs").glob("*.css"):
        shutil.copy(sheet, build / "docs")
    settings = build / "mkdocs.yml"
    settings.write_text(_with_pages((root / "mkdocs.yml").read_text("utf-8"), sorted(pages)), encoding="utf-8")
    return settings


def _with_pages(settings: str, places: list[str]) -> str:
    """The settings with the table of contents filled: every rule, and the pages that it does not place itself."""
    rules = "".join(f"      - {place}\n" for place in places if re.fullmatch(r"rules/KM\d+\.md", place))
    listed = set(re.findall(r"^ +- (?:.*: )?(\S+\.md)$", settings, flags=re.MULTILINE))
    others = "".join(f"      - {place}\n" for place in places if "/" not in place and place not in listed)
    return settings.replace("      # every rule\n", rules).replace("      # other pages\n", others)
