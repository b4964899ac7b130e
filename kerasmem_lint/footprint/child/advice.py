"""What the author of a program can do about the error that it ended with."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from kerasmem_lint.footprint.child.capture import TRAINERS

LONGEST = 300
"""Characters of an error's text that are passed on: KerasTuner's hold whole tracebacks."""


def summary(error: BaseException) -> str:
    """An exception on one line; the place of a syntax error is told apart from it."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        text = "its own text cannot be made"
    line = " ".join(f"{type(error).__name__}: {text}".split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} [...]"


def advice(error: BaseException) -> str:
    """What to do about an error, to be added to its line; '' where nothing is known."""
    return _how_to_install(error) or _arguments(error) or _keras_2(error)


def _how_to_install(error: BaseException) -> str:
    """The command that brings a framework which the program wants and this Python does not have."""
    wanted = (getattr(error, "name", None) or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if wanted in sys.modules:  # a part of it is missed, or a file of the program's has its name
        return ""
    if wanted == "keras":
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        wanted = backend if backend in TRAINERS else "tensorflow"
    return f"; pip install 'kerasmem-lint[{wanted}]'" if wanted in TRAINERS else ""


def _arguments(error: BaseException) -> str:
    """Where arguments go, when argparse has turned them down: it leaves with status 2."""
    files = [Path(frame.f_code.co_filename).name for frame, _ in traceback.walk_tb(error.__traceback__)]
    left = isinstance(error, SystemExit) and error.code == 2
    return "; the program's own arguments go after --" if left and files[-1:] == ["argparse.py"] else ""


def _keras_2(error: BaseException) -> str:
    """That Keras 3 is installed, when a part of Keras or an argument of it is missed: most programs that fail were written before."""
    version = getattr(sys.modules.get("keras"), "__version__", "")
    missed = any(name == "keras" or name.startswith(("keras.", "tensorflow.keras")) for name in _missed_in(error))
    if isinstance(error, (TypeError, ValueError)):
        missed = any(text in str(error) for text in REFUSED_ARGUMENTS) and "keras" in _raised_in(error)
    return f"; this is Keras {version}, and the program may be written for Keras 2" if missed and version else ""


REFUSED_ARGUMENTS = ("not recognized", "nrecognized keyword", "unexpected keyword", "required positional argument")


def _missed_in(error: BaseException) -> Iterator[str]:
    """The modules in which a name was looked for and not found."""
    if isinstance(error, ImportError):
        yield error.name or ""
    if isinstance(error, AttributeError):
        holder = getattr(error, "obj", None)
        yield holder.__name__ if isinstance(holder, ModuleType) else type(holder).__module__


def _raised_in(error: BaseException) -> str:
    """The package whose code was called last, by the program, before an error."""
    names = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    return str(names[-1]).partition(".")[0] if names else ""
