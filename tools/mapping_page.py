"""The page that says which rule covers which smell of other catalogues, made from ``docs/mappings.toml``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from kerasmem_lint.api import RulePage

PATH = "docs/mappings.toml"
"""The tables, from the root of the repository; its head says what may stand in them."""

_OF_TABLE = {"id": True, "title": True, "source": True, "links": False, "note": True, "row": True}
_OF_ROW = {"theirs": True, "group": False, "check": False, "rules": True, "remark": True}
"""Key → whether it must be there."""


def read(root: Path) -> dict[str, Any]:
    """The tables of the repository."""
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    document: dict[str, Any] = toml.loads((root / PATH).read_text(encoding="utf-8"))
    return document


def mapping_page(document: dict[str, Any], rules: tuple[RulePage, ...]) -> str:
    """The page as Markdown, one section a table. Ends the program with a line for each mistake in the tables."""
    by_code = {page.code: page for page in rules}
    mistakes = list(_mistakes(document, by_code))
    if mistakes:
        raise SystemExit("\n".join(f"{PATH}: {mistake}" for mistake in mistakes))
    return (
        "# What others call it\n\nWhich rule covers which smell of other catalogues, and why some are covered by none."
        " A rule that is *off* runs when it is selected.\n" + "".join(_section(table, by_code) for table in document["table"])
    )


def _section(table: dict[str, Any], rules: dict[str, RulePage]) -> str:
    links = "".join(f", [{text}]({target})" for text, target in table.get("links", {}).items())
    columns = {
        "theirs": "theirs",
        "group": "found in",
        "check": "their check",
        "rules": "ours",
        "remark": "what is covered, or why nothing is",
    }
    used = [key for key in columns if any(row.get(key) for row in table["row"])]
    lines = [[columns[key] for key in used], ["---"] * len(used)]
    lines += [[_cell(row, key, rules) for key in used] for row in table["row"]]
    body = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"\n## {table['title']}\n\nFrom {table['source']}{links}. {table['note']}\n\n{body}"


def _cell(row: dict[str, Any], key: str, rules: dict[str, RulePage]) -> str:
    if key == "rules":
        return ", ".join(code if rules[code].default else f"{code} (off)" for code in row["rules"]) or "none"
    text: str = row.get(key, "")
    return text.replace("|", "\\|").replace("\n", " ")


def _mistakes(document: dict[str, Any], rules: dict[str, RulePage]) -> Iterator[str]:
    """What is wrong in the tables, a line each."""
    seen: set[str] = set()
    for number, table in enumerate(document.get("table", ()), start=1):
        where = f"table {table.get('id', number)!r}"
        yield from _keys(where, table, _OF_TABLE)
        if table.get("id") in seen:
            yield f"{where}: there are two of that id"
        seen.add(table.get("id"))
        for index, row in enumerate(table.get("row", ()), start=1):
            place = f"{where}, {row.get('theirs', f'row {index}')!r}"
            yield from _keys(place, row, _OF_ROW)
            yield from (f"{place}: {code} is no rule" for code in row.get("rules", ()) if code not in rules)
            if len(set(row.get("rules", ()))) < len(row.get("rules", ())):
                yield f"{place}: names a rule twice"
            if not row.get("remark"):
                yield f"{place}: has no remark that says what is covered, or why nothing is"
    if not document.get("table"):
        yield "has no table"


def _keys(where: str, found: dict[str, Any], allowed: dict[str, bool]) -> Iterator[str]:
    yield from (f"{where}: no key is called {key!r}" for key in found if key not in allowed)
    yield from (f"{where}: {key!r} is missing" for key, needed in allowed.items() if needed and key not in found)
