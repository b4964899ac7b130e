"""What the pages of the site are made of: the tables of other catalogues' smells, and figures quoted from the records."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from kerasmem_lint.api import list_rules
from tools import build_docs, mapping_page, quotes, site_pages

ROOT = Path(__file__).parents[1]
RULES = list_rules()


def tables(**row: Any) -> dict[str, Any]:
    """A document of one table with one row, good but for what the test changes."""
    whole = {"theirs": "Session Pile-Up", "rules": ["KM101", "KM410"], "remark": "Models made | in a loop."} | row
    kept = {key: value for key, value in whole.items() if value is not None}
    return {"table": [{"id": "smells", "title": "Smells", "source": "A paper", "note": "All of them.", "row": [kept]}]}


def test_a_table_becomes_a_section_that_says_which_rules_are_off() -> None:
    page = mapping_page.mapping_page(tables(check="W1"), RULES)
    assert page.partition("## ")[2] == (
        "Smells\n\nFrom A paper. All of them.\n\n"
        "| theirs | their check | ours | what is covered, or why nothing is |\n| --- | --- | --- | --- |\n"
        "| Session Pile-Up | W1 | KM101, KM410 (off) | Models made \\| in a loop. |\n"
    )


@pytest.mark.parametrize(
    ("row", "mistake"),
    [
        ({"rules": ["KM101", "KM999"]}, "KM999 is no rule"),
        ({"rules": ["KM101", "KM101"]}, "names a rule twice"),
        ({"rules": [], "remark": ""}, "has no remark that says what is covered, or why nothing is"),
        ({"rules": None}, "'rules' is missing"),
        ({"remarks": "?"}, "no key is called 'remarks'"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_row(row: dict[str, Any], mistake: str) -> None:
    with pytest.raises(SystemExit) as error:
        mapping_page.mapping_page(tables(**row), RULES)
    assert f"docs/mappings.toml: table 'smells', 'Session Pile-Up': {mistake}" == str(error.value)


def test_a_document_without_tables_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"docs/mappings\.toml: has no table"):
        mapping_page.mapping_page({}, RULES)


def test_the_tables_of_the_repository_are_complete() -> None:
    document = mapping_page.read(ROOT)
    sizes = {table["id"]: len({row["theirs"] for row in table["row"]}) for table in document["table"]}
    assert {"resource-leak-smells": 16, "ml-code-smells": 22, "deepperf": 5, "sonar": 8, "mlscent": 13} == sizes
    page = site_pages.gather(ROOT)["mappings.md"]
    for code in {code for table in document["table"] for row in table["row"] for code in row["rules"]}:
        assert f"[{code}](rules/{code}.md)" in page


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A root with one record in it."""
    record = {
        "headline": "Kept 4 MiB.",
        "variants": {
            "bad": {"metrics": {"kept": {"median": 4194304.0, "unit": "bytes per round"}}},
            "good": {"metrics": {"kept": {"median": 1024.0, "unit": "bytes per round"}}},
        },
        "claims": [{"key": "leak", "bad": "bad", "metric": "kept", "ratio": 4096.0, "difference": 4193280.0}],
    }
    path = tmp_path / "fixtures" / "measurements" / "results" / "KM101-jax.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record), encoding="utf-8")
    path.with_name("KM103-jax.json").write_text(json.dumps(record | {"headline": None}), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("{{KM101 jax bad.kept}}", "4.00 MiB"),
        ("{{ KM101 jax good.kept }}", "1.0 KiB"),
        ("{{KM101 jax leak.ratio:.0f}}", "4096"),
        ("{{KM101 jax leak.difference}}", "4.00 MiB"),
        ("{{KM101 jax}}", "Kept 4 MiB"),
        ("${{ secrets.TOKEN }}", "${{ secrets.TOKEN }}"),
    ],
)
def test_a_quote_becomes_the_figure_of_the_record(recorded: Path, quote: str, text: str) -> None:
    assert f"It keeps {text}." == quotes.quoted(f"It keeps {quote}.", "docs/page.md", recorded)


@pytest.mark.parametrize(
    ("quote", "mistake"),
    [
        ("{{KM101 torch bad.kept}}", "there is no record fixtures/measurements/results/KM101-torch.json"),
        ("{{KM101 jax bad.peak}}", "the record has no such figure, but bad.kept, good.kept, leak.ratio"),
        ("{{KM101 jax worse.kept}}", "the record has no such figure, but bad.kept, good.kept, leak.ratio"),
        ("{{KM103 jax}}", "not all of it was measured, so that it has no headline"),
        ("{{KM101}}", "a quote is a code, a backend and, unless the headline is meant, a place such as variant.metric"),
        ("{{KM101 jax bad}}", "a quote is a code, a backend and, unless the headline is meant, a place such as variant.metric"),
    ],
)
def test_a_quote_of_nothing_is_named_with_its_line(recorded: Path, quote: str, mistake: str) -> None:
    with pytest.raises(SystemExit) as error:
        quotes.quoted(f"# Title\n\nIt keeps {quote}.", "docs/page.md", recorded)
    assert f"docs/page.md:3: {quote}: {mistake}" == str(error.value)


def test_no_page_of_the_site_shows_a_place_for_a_figure() -> None:
    """But the one that says how to write it."""
    pages = site_pages.gather(ROOT)
    assert ["contributing.md"] == [place for place, text in pages.items() if re.search(r"\{\{\s*KM", text)]


def test_the_check_of_the_documents_finds_a_mapping_to_no_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("docs", "fixtures"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for path in (*ROOT.glob("*.md"), build_docs.MEASURED):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(build_docs, "ROOT", tmp_path)
    monkeypatch.setattr(build_docs, "MEASURED", tmp_path / build_docs.MEASURED.name)
    assert 0 == build_docs.main(["--check"])
    path = tmp_path / mapping_page.PATH
    path.write_text(path.read_text(encoding="utf-8").replace('"KM101"', '"KM199"', 1), encoding="utf-8")
    with pytest.raises(SystemExit, match="KM199 is no rule"):
        build_docs.main(["--check"])
