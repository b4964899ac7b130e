"""Answers kept by content: the program's files, the question, the versions of what answers it.

A file of the user's cache directory per question, written in one move, so that two processes may share it. Unreadable or
foreign content is no answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from kerasmem_lint import __version__
from kerasmem_lint.footprint.program import TrainingProgram

FORMAT = 1
"""Raised when the shape or the meaning of what is stored changes."""

_PACKAGES = ("keras", "jax", "jaxlib", "jax-cuda12-plugin", "tensorflow", "tensorflow-cpu", "torch", "numpy")
_SETTINGS = ("KERAS_BACKEND", "XLA_FLAGS", "KERAS_HOME", "TF_USE_LEGACY_KERAS", "XLA_PYTHON_CLIENT_MEM_FRACTION")
_MOST_FILES = 2000


def directory() -> Path:
    """Where answers are kept: ``KERASMEM_LINT_CACHE``, else below the user's cache directory."""
    if chosen := os.environ.get("KERASMEM_LINT_CACHE"):
        return Path(chosen) / "footprint"
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kerasmem-lint" / "footprint"


def key(program: TrainingProgram, request: Mapping[str, Any]) -> str:
    """The name of a question: what is asked, the text of the program's Python files, the versions of the engines.

    Data files are not read: a program whose shapes come from data is answered anew with ``--no-cache``.
    """
    found = hashlib.sha256()
    parts = [str(FORMAT), __version__, sys.version, json.dumps(request, sort_keys=True), str(Path(program.directory).resolve())]
    parts += [f"{name}={os.environ.get(name, '')}" for name in _SETTINGS]
    parts += [f"{name}={_version(name)}" for name in _PACKAGES]
    for part in parts:
        found.update(part.encode() + b"\0")
    for path in sorted(_sources(program)):
        found.update(str(path).encode() + b"\0" + _digest(path))
    return found.hexdigest()


def _digest(path: Path) -> bytes:
    """Of a file's content; a link that leads nowhere is no part of the program."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""


def _sources(program: TrainingProgram) -> Iterable[Path]:
    """The Python files that the program may import from its own directory, at most some thousands."""
    root = Path(program.directory)
    start = (root / program.script).resolve().parent if program.script else root.resolve()
    if program.script:
        yield (root / program.script).resolve()
    count = 0
    for folder, folders, files in os.walk(start):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in ("node_modules", "__pycache__")
                      and not (Path(folder) / name / "pyvenv.cfg").exists()]  # fmt: skip
        for name in files:
            if name.endswith(".py") and (Path(folder) / name).is_file():  # a named pipe would be read for ever
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(folder) / name


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def load(name: str) -> Any:
    """The answer kept under a name, None where there is none."""
    try:
        return json.loads((directory() / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def store(name: str, answer: Any) -> None:
    """Keep an answer; a cache that cannot be written is no error."""
    place = directory()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=place, suffix=".part", delete=False, encoding="utf-8") as file:
            json.dump(answer, file)
        os.replace(file.name, place / f"{name}.json")
    except OSError:
        return
