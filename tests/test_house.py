"""The walls of the house: what may import what, what lint time may load, how large a module may grow."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kerasmem_lint"
FRAMEWORKS = {"tensorflow", "keras", "tf_keras", "torch", "jax", "jaxlib", "numpy", "scipy", "sklearn"}
TRAIN = (
    "import keras\n\nmodel = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])\nmodel.compile(loss='mse')\n"
    "model.fit(train_ds, epochs=50)\n"
)

LONGEST_MODULE = 400

LONGEST_RULE = 110
LONGER_RULES = {"km102": 130, "km202": 120, "km302": 140, "km307": 120, "km305": 130, "km209": 130, "km210": 120, "km215": 150}


def loaded(code: str, folder: Path) -> set[str]:
    """The names of the top-level packages, and of our own modules, that a fresh interpreter has loaded after ``code``."""
    script = f"{code}\nimport sys, json\nprint()\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    names = json.loads(done.stdout.splitlines()[-1])
    return {name if name.startswith(("kerasmem_lint", "libcst")) else name.partition(".")[0] for name in names}


def checking(*arguments: str) -> str:
    return f"from kerasmem_lint.cli import main\nmain({['check', *arguments]!r})"


def test_importing_the_package_costs_nothing(tmp_path: Path) -> None:
    bare = loaded("", tmp_path)
    assert {"kerasmem_lint"} == loaded("import kerasmem_lint", tmp_path) - bare


def test_a_run_without_keras_loads_no_parser_no_patterns_and_no_dataclasses(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("import os\n")
    modules = loaded(checking("plain.py"), tmp_path)
    assert set() == modules & (FRAMEWORKS | {"libcst", "pathspec", "dataclasses", "typing", "tomllib", "shutil"})
    assert "kerasmem_lint.api" not in modules


def test_a_folder_without_keras_and_gitignore_loads_no_parser_and_no_patterns(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "plain.py").write_text("import os\n")
    assert set() == loaded(checking("."), tmp_path) & (FRAMEWORKS | {"libcst", "pathspec", "dataclasses", "typing"})


@pytest.mark.parametrize("arguments", [("--output-format", "json"), ("--fix",), ("--jobs", "2"), ("--select", "KM301")])
def test_no_option_makes_a_run_without_keras_load_the_parser(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "plain.py").write_text("import os\n")
    assert set() == loaded(checking(*arguments, "plain.py"), tmp_path) & (FRAMEWORKS | {"libcst"})


def test_settings_alone_do_not_load_the_parser(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("import os\n")
    (tmp_path / "pyproject.toml").write_text('[tool.kerasmem-lint]\nselect = ["KM301"]\n')
    assert set() == loaded(checking("plain.py"), tmp_path) & (FRAMEWORKS | {"libcst", "pathspec"})


def test_linting_loads_no_framework_and_not_what_is_dear_in_libcst(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN)
    modules = loaded(checking("train.py"), tmp_path)
    assert "libcst" in modules
    assert set() == modules & (FRAMEWORKS | {"pathspec"})
    assert set() == modules & {"libcst.matchers", "libcst.codemod"}


def test_the_programs_door_loads_no_framework_and_no_parser_before_it_is_needed(tmp_path: Path) -> None:
    modules = loaded("from kerasmem_lint.api import check_source, check_paths\ncheck_source('a.py', 'x = 1')", tmp_path)
    assert set() == modules & (FRAMEWORKS | {"libcst", "pathspec", "argparse"})


def test_what_may_import_what_is_as_the_contracts_say(tmp_path: Path) -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    options = ["--config", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path), "--no-logo"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert " 0 broken." in done.stdout


def test_only_the_facts_import_libcst() -> None:
    importers = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if name.partition(".")[0] == "libcst"
    }
    assert {"facts"} == importers


def test_a_rule_imports_our_rule_module_and_nothing_else_of_ours() -> None:
    for path in (PACKAGE / "rules").glob("km*.py"):
        imported = {
            node.module
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kerasmem_lint")
        }
        assert imported == {"kerasmem_lint.rule"}, path.name


def test_modules_stay_small_enough_to_hold() -> None:
    sizes = {path.relative_to(PACKAGE).as_posix(): lines(path) for path in PACKAGE.rglob("*.py")}
    too_long = {name: size for name, size in sizes.items() if size > LONGEST_MODULE}
    assert {} == too_long


def test_rules_stay_small_enough_to_read_at_a_glance() -> None:
    sizes = {path.name.partition("_")[0]: lines(path) for path in (PACKAGE / "rules").glob("km*.py")}
    too_long = {name: size for name, size in sizes.items() if size > LONGER_RULES.get(name, LONGEST_RULE)}
    assert {} == too_long
    assert [] == [name for name in LONGER_RULES if sizes[name] <= LONGEST_RULE]


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "helpers", "common", "manager", "misc", "base"}
    assert [] == [str(path) for path in PACKAGE.rglob("*.py") if path.stem in vague]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
