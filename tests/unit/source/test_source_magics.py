"""What IPython adds to Python, masked without moving anything else."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasmem_lint.source.magics import mask_cell

MAGICS = st.sampled_from(
    [
        "%",
        "%%",
        "!",
        "?",
        "x",
        "=",
        " ",
        "\n",
        "\r\n",
        "\r",
        "\\",
        "'",
        '"',
        '"""',
        "'''",
        "(",
        ")",
        "#",
        "time",
        "pip install",
        "\t",
    ]
)


@pytest.mark.parametrize(
    ("source", "masked"),
    [
        ("%matplotlib inline", "pass              "),
        ("% matplotlib inline", "pass               "),
        ("!ls", "_  "),
        ("!!ls", "pass"),
        ("!cat <<'E' (\nx = 1", "pass        \nx = 1"),
        ("!pip install \\\r\n  keras\r\nx", "pass          \r\n       \r\nx"),
        ("if x:\n    !ls *.h5\n    y = 1", "if x:\n    pass    \n    y = 1"),
        ("a = !ls", "a = ..."),
        ("a = !w", "a = _ "),
        ("a, d['k'] = !ls", "a, d['k'] = ..."),
        ("a = %timeit -o f()", "a = ...           "),
        ("%time x = f(1)", "0;    x = f(1)"),
        ("if x:\n    %time f(1,\n      2)\ny = 1", "if x:\n    0;    f(1,\n      2)\ny = 1"),
        ("%timeit -n 1 -r 3 f(x)  # how long?", "0;                f(x)  # how long?"),
        ("%memit f(x)\r\n%time g(x)", "0;     f(x)\r\n0;    g(x)"),
        ("%time", "pass "),
        ("%time !ls", "pass     "),
        ("%time for x in y: f(x)", "pass                  "),
        ("%timeit -q", "pass      "),
        ("%timer f(x)", "pass       "),
        ("x?", "_ "),
        ("?x.y", "pass"),
        ("keras.Model??", "pass         "),
        ("model.fit?  # what is it?", "pass                     "),
        ("x = os?", "pass   "),
        ("pip install keras", "pass             "),
        ("ls $DATADIR", "pass       "),
        ("cd ..\nx = 1", "pass \nx = 1"),
        ("ls -la", "pass  "),
        ("mkdir /content/models", "pass                 "),
        ("%%time\nx = 1", "      \nx = 1"),
        ("# note\n\n%%time\nx = 1", "# note\n\n      \nx = 1"),
        ("%%time f(x)\nx = 1", "           \nx = 1"),
        ("%%capture out\n%%time\n!ls -l\nx = 1", "             \n      \npass  \nx = 1"),
        ("%%backend tensorflow\nx = 1", "                    \nx = 1"),
        ("%%time", "      "),
    ],
)
def test_a_magic_is_masked_in_place(source: str, masked: str) -> None:
    assert masked == mask_cell(source).text
    ast.parse(masked)


@pytest.mark.parametrize(
    "source",
    [
        "x = (a\n% b)",
        "x = a \\\n% b",
        "'''\n!ls\n%time\nx?\n'''",
        'x = """\\"""\n!ls\n"""',
        'x = """what?\n"""',
        "f(a,  # why?\n  b)",
        "s = 'why?'",
        "# is it so?",
        "a != b",
        "x %= y",
        "ls = []",
        "cat is None",
        "cat -= one",
        "cat /= 2",
        "mv, rm = 1, 2",
        "ls .append(1)",
        "rm: int = 3",
        "d = {\n'a': 1,\n!x\n}",
        "x = 'it''s' + \"(\"\ny = 2 % 3",
    ],
)
def test_what_begins_no_statement_is_left_alone(source: str) -> None:
    assert (source, 0) == (mask_cell(source).text, mask_cell(source).count)


def test_a_bracket_in_a_string_or_comment_does_not_hide_a_magic() -> None:
    assert mask_cell("x = '('  # ((\n!ls -l").text == "x = '('  # ((\npass  "


@pytest.mark.parametrize("name", ["bash", "writefile x.py", "html", "javascript", "script python", "!", "sh"])
def test_a_cell_magic_with_a_foreign_body_is_named(name: str) -> None:
    assert name.split()[0] == mask_cell(f"%%{name}\nls -l\n").foreign


@given(st.lists(MAGICS, max_size=20).map("".join))
def test_a_mask_keeps_length_and_newlines(source: str) -> None:
    masked = mask_cell(source).text
    assert len(source) == len(masked)
    assert [i for i, c in enumerate(source) if c in "\r\n"] == [i for i, c in enumerate(masked) if c in "\r\n"]


def test_many_magics_are_masked_in_linear_time() -> None:
    source = "!echo (\nx = [1]\n" * 20_000 + "y = '''" + "a'" * 100_000 + "%" * 1000
    assert mask_cell(source).count == 20_000


def test_a_timed_statement_of_thousands_of_characters_is_a_magic_like_others() -> None:
    """Looking for the end of each would take the square of the cell's length where none of their brackets is closed."""
    assert "0;" == mask_cell("%time f(" + " " * 1000 + ")").text[:2]
    assert "pass" == mask_cell("%time f(" + " " * 3000 + ")").text[:4]
