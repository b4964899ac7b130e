"""Input that cannot be checked: one clear line each, the other files are checked all the same, exit code 2, no traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from project import FIT, TRAIN, Project

from kerasmem_lint.cli import main

BROKEN = {
    "binary.py": (b"\x7fELF\0\0\1\2", "binary file, not Python source"),
    "binary_keras.py": (b"\x7fELF\0\0keras\1\2", "binary file, not Python source"),
    "latin1.py": ('import keras\nname = "é"\n'.encode("latin-1"), "not UTF-8 text (byte 0xe9 at line 2)"),
    "utf16.py": (TRAIN.encode("utf-16"), "binary file, not Python source"),
    "cookie.py": (b"# coding: klingon\nimport keras\n", "unknown encoding 'klingon' in the encoding cookie at line 1"),
    "python2.py": (b'import keras\nprint "loss"\nmodel.fit(x)\n', "not valid Python: Python 2 code (Missing parentheses"),
    "python2_idle.py": (b'import keras\nprint "loss"\n', "not valid Python: Python 2 code (Missing parentheses"),
    "tabs.py": (b"import keras\nif x:\n        a = 1\n\tmodel.fit(x)\n", "not valid Python: inconsistent use of tabs"),
    "libcst_tabs.py": (
        b"import keras\ndef f():\n\tif a:\n        \tmodel.fit(x)\n\treturn a\n",
        "valid Python that libcst cannot read: tabs and spaces mixed in the indentation; re-indent with spaces",
    ),
    "brackets.py": (b"import keras\nx = " + b"(" * 2000 + b"1" + b")" * 2000 + b"\nmodel.fit(x)\n", "too deeply nested"),
    "ands.py": (
        b"import keras\nx = " + b" and ".join([b"a"] * 10_000) + b"\nmodel.fit(x)\n",
        "too deeply nested to check: over 600 levels",
    ),
    "sum.py": (b"import keras\nx = " + b"+".join([b"a"] * 5_000) + b"\nmodel.fit(x)\n", "too deeply nested to check"),
    "literals.py": (b"import keras\nx = [\n" + b"1234567,\n" * 500_000 + b"]\nmodel.fit(x)\n", "too long to check: 4,5"),
    "null.py": (b"import keras\nx = 1\0\n", "binary file, not Python source"),
    "nul_late.py": (b"import keras\nx = 1\n" * 1000 + b"\0", "binary file, not Python source"),
    "text.ipynb": (b"import keras\n", "not a notebook: no JSON at line 1"),
    "list.ipynb": (b'["keras"]', "not a notebook"),
    "broken.py": (b"import keras\nmodel.fit(\n", "not valid Python: '(' was never closed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_one_line_and_the_others_are_checked(project: Project, name: str) -> None:
    content, message = BROKEN[name]
    project.write(name, content)
    project.write("zz_good.py")
    result = project.run("check", "--output-format", "concise", ".")
    lines = result.out.splitlines()
    assert 2 == result.code
    assert "" == result.err
    assert "zz_good.py:5:1: KM301 warning: `fit` trains for 50 epochs and nothing saves the model" == lines[0]
    assert lines[1].startswith(f"error: {name}:")
    assert f": KM001 {message}" in lines[1]
    assert ["Found 1 finding (1 warning) in 1 file; checked 1 file, 1 skipped."] == lines[2:]


def test_without_keras_in_it_code_is_not_parsed(project: Project) -> None:
    project.write("python2.py", 'print "loss"\n')
    project.write("ands.py", "x = " + " and ".join(["a"] * 10_000))
    project.write("latin1.py", 'x = "é"'.encode("latin-1"))
    project.write("empty.ipynb", "")
    project.write("empty.py", "")
    assert "All clear: checked 5 files.\n" == project.run("check", ".").out


def test_a_path_that_does_not_exist_is_told_and_the_others_are_checked(project: Project) -> None:
    project.write("a.py")
    result = project.run("check", "--output-format", "concise", "a.py", "nowhere", "nowhere/b.py")
    assert 2 == result.code
    assert "error: nowhere: no such file or directory" in result.out.splitlines()
    assert "error: nowhere/b.py: no such file or directory" in result.out.splitlines()
    assert "a.py:5:1: KM301" in result.out


def test_a_link_that_leads_nowhere_and_links_in_a_circle_are_told(project: Project) -> None:
    os.symlink("nowhere", project.path / "dangling.py")
    os.symlink("b.py", project.path / "a.py")
    os.symlink("a.py", project.path / "b.py")
    result = project.run("check", "--output-format", "concise", ".")
    assert (2, 4) == (result.code, result.out.count("\n"))
    assert "error: dangling.py: KM001 cannot be read: a link to a file that does not exist" in result.out
    assert "error: a.py: KM001 cannot be read: too many levels of symbolic links" in result.out


def test_a_folder_called_like_a_file_is_walked(project: Project) -> None:
    project.write("model.py/a.py")
    assert ["model.py/a.py:5 KM301"] == project.check(".").places
    assert ["model.py/a.py:5 KM301"] == project.check("model.py").places


def test_a_named_pipe_is_refused_and_not_waited_for(project: Project) -> None:
    os.mkfifo(project.path / "pipe.py")
    assert "error: pipe.py: KM001 not a regular file" in project.run("check", "--output-format", "concise", ".").out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_and_a_folder_that_may_not_be_read_are_told(project: Project) -> None:
    project.write("secret.py").chmod(0)
    project.write("closed/a.py").parent.chmod(0)
    result = project.run("check", "--output-format", "concise", ".")
    (project.path / "closed").chmod(0o700)
    assert 2 == result.code
    assert "error: secret.py: KM001 cannot be read: permission denied" in result.out
    assert "error: closed: cannot be listed: Permission denied" in result.out


def test_a_file_too_large_to_hold_anything_worth_reading_is_refused_unread(project: Project) -> None:
    with open(project.path / "huge.py", "wb") as file:
        file.truncate(65 * 2**20)
    result = project.run("check", "--output-format", "concise", "huge.py")
    assert 2 == result.code
    assert "error: huge.py: KM001 too large to check: the limit is 64 MiB; exclude it" in result.out


def test_a_broken_cell_is_named_and_the_other_cells_are_checked(project: Project) -> None:
    from test_cli_files import notebook

    project.write("n.ipynb", notebook(FIT, "x = (\n", "model.fit(train_ds, epochs=50)\n"))
    result = project.check("n.ipynb")
    assert 2 == result.code
    assert [(3, 1)] == [(item["cell"], item["line"]) for item in result.json["diagnostics"]]
    assert [("KM001", 2, 1)] == [(item["code"], item["cell"], item["line"]) for item in result.json["errors"]]


def test_a_notebook_of_another_language_is_skipped_with_its_reason(project: Project) -> None:
    from test_cli_files import notebook

    project.write("n.ipynb", notebook("library(keras)\n", name="ir", language="R"))
    result = project.run("check", "n.ipynb")
    assert 0 == result.code
    assert "skipped: n.ipynb: " in result.out


def test_names_that_would_move_the_cursor_are_escaped(project: Project) -> None:
    project.write("a\x1b[2Jb.py", b"keras\0")
    result = project.run("check", ".")
    assert "\x1b" not in result.out + result.err
    assert "a\\x1b[2Jb.py" in result.out


def test_a_name_that_is_no_utf8_is_shown_and_written(project: Project) -> None:
    name = os.fsdecode(b"tr\xe9.py")
    project.write(name)
    result = project.spawn("check", "--output-format", "concise", ".")
    assert 1 == result.code
    assert "" == result.err
    assert "KM301" in result.out


def test_deep_nesting_does_not_kill_the_process(project: Project) -> None:
    """libcst dies of a segmentation fault where the guard in front of it fails: hence a process of its own."""
    for name in ("brackets.py", "ands.py", "sum.py"):
        project.write(name, BROKEN[name][0])
    project.write("chain.py", "import keras\nx = a" + ".b()" * 3000 + "\nmodel.fit(x)\n")
    project.write("unary.py", "import keras\nx = " + "-" * 3000 + "1\nmodel.fit(x)\n")
    project.write("elif.py", "import keras\nif a: pass\n" + "elif b: pass\n" * 3000 + "model.fit(x)\n")
    project.write("strings.py", "import keras\nx = (" + '"a" ' * 5000 + ")\nmodel.fit(x)\n")
    project.write("lambdas.py", "import keras\nx = " + "lambda: " * 900 + "1\nmodel.fit(x)\n")
    result = project.spawn("check", "--output-format", "concise", ".")
    assert (2, "") == (result.code, result.err)
    assert 8 == result.out.count("\nerror: ") + result.out.startswith("error: ")


def test_a_usage_that_makes_no_sense_is_told_in_a_line_or_two(project: Project, tmp_path: Path) -> None:
    project.write("a.py")
    for arguments, message in (
        (["a.py"], "a verb comes first; did you mean `kerasmem-lint check a.py`?"),
        (["chekc", "a.py"], "invalid choice: 'chekc'"),
        (["check", "--slect", "KM3"], "no such option or argument: --slect"),
        (["check", "--output-format", "xml"], "invalid choice: 'xml'"),
        (["check", "--jobs", "0"], "--jobs: at least 1"),
        (["check", "--jobs", "x"], "invalid int value: 'x'"),
        (["check", "--unsafe-fixes"], "--unsafe-fixes does nothing by itself; add --fix or --diff"),
        (["explain", "KM30"], "no rule is called 'KM30'; did you mean KM3"),
        (["explain", "fit-without-chekpoint"], "did you mean fit-without-checkpoint?"),
        (["explain"], "required: RULE"),
        (["rules", "a.py"], "no such option or argument: a.py"),
    ):
        result = project.run(*arguments)
        assert (2, "") == (result.code, result.out), arguments
        assert message in result.err
        assert result.err.count("\n") <= 2


def test_a_footprint_that_is_not_configured_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("x = 1\n")
    assert 2 == main(["check", "--isolated", "--footprint", "a.py"])
    assert "--footprint: name a GPU and a program in [tool.kerasmem-lint.footprint] first" in capsys.readouterr().err


def test_a_footprint_is_not_passed_over_where_standard_input_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["check", "--isolated", "--footprint", "-"])
    assert "--footprint runs the program that the configuration names, not standard input" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [("", 1, "KM903 warning:"), ('ignore = ["KM903"]', 0, ""), ('severity = {KM9 = "error"}', 1, "KM903 error:")],
)
def test_a_finding_of_the_footprint_is_ignored_and_graded_as_any_other(
    setting: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text("raise ValueError\n")
    table = '[tool.kerasmem-lint.footprint]\ngpu = "T4"\nscript = "a.py"\n'
    (tmp_path / "pyproject.toml").write_text(f"[tool.kerasmem-lint]\n{setting}\n{table}")
    assert code == main(["check", "--footprint", "--output-format", "concise", "."])
    out = capsys.readouterr().out
    assert said in out
    assert bool(said) == ("KM903" in out)
