"""Lines of the user's program: where a layer was built, where training was called for, where something went wrong."""

from __future__ import annotations

import os
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code; in a notebook it counts in ``cell``, which counts over all cells from 1."""

    file: str
    line: int
    cell: int | None = None


def call_place() -> Place | None:
    """The line of the user's program that called ``fit``: the innermost frame outside installed packages and this one."""
    frame = sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back  # type: ignore[assignment]
    return place_at(frame.f_code.co_filename, frame.f_lineno) if frame is not None else None


def raised_at(error: BaseException) -> Place | None:
    """The innermost line of the user's program that an exception came through, None where it came through none."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno and not is_library(error.filename):
        return place_at(error.filename, error.lineno)
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if not is_library(frame.f_code.co_filename):
            found = place_at(frame.f_code.co_filename, line)
    return found


def place_at(filename: str, line: int) -> Place:
    """The place that a code object's file name stands for; those of notebook cells are ours, see :func:`_cells`.

    Modules beside the script have absolute names, the script has the one it was called by: all are told from where we started.
    """
    found = _CELL_NAME.fullmatch(filename)
    file = (found[1] if found else filename).removeprefix(_BEGAN_IN)
    return Place(file, line, int(found[2]) if found else None)


_BEGAN_IN = os.path.join(os.getcwd(), "")
_CELL_NAME = re.compile(r"(.*\.ipynb), cell (\d+)", re.DOTALL)


def is_library(filename: str) -> bool:
    """Whether a file is installed code, or ours, rather than the user's program."""
    return any(part in filename for part in _INSTALLED) or filename.startswith(_LIBRARIES)


_INSTALLED = ("site-packages", "dist-packages", "__autograph_generated_file")
"""Parts of the paths of code that nobody has before them; TensorFlow's autograph writes the last ones while it traces."""
_LIBRARIES = (str(Path(__file__).resolve().parent), "<frozen", f"{sys.base_prefix}/lib/python")
