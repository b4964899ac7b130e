"""Starting the child process, watching over it, and leaving nothing behind: no process, no file."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kerasmem_lint.footprint.program import FootprintError, Setup, TrainingProgram

LOOK_EVERY = 0.1
"""Seconds between two looks at the child's memory."""

LONGEST_END = 2.0
"""Seconds that a killed process may take to be gone."""

LAST_LINES = 8
OUTPUT = "output.txt"
MOST_OUTPUT = 64 << 20
"""Bytes of the program's output that are kept; what came before is dropped."""

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@contextmanager
def run_child(program: TrainingProgram, setup: Setup, request: Mapping[str, Any]) -> Iterator[Path]:
    """Run the request in a process group of its own; yields the directory with its results, removed afterwards.

    Raises FootprintError where the child fails, hangs or eats too much; every process it started is ended first.
    """
    directory = Path(tempfile.mkdtemp(prefix="kerasmem-footprint-"))
    try:
        _run(directory, program, setup, request)
        yield directory
    finally:
        _remove(directory)


def _remove(directory: Path) -> None:
    """Remove a directory that a process which is just ending may still be writing into."""
    deadline = time.monotonic() + LONGEST_END
    while directory.exists() and time.monotonic() < deadline:
        shutil.rmtree(directory, ignore_errors=True)


def _run(directory: Path, program: TrainingProgram, setup: Setup, request: Mapping[str, Any]) -> None:
    reader, writer = os.pipe()
    limit = setup.memory_limit or physical_memory() * 3 // 4
    body = {**request, "progress": writer, "memory_limit": limit}
    (directory / "request.json").write_text(json.dumps(body))
    with (directory / OUTPUT).open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "kerasmem_lint.footprint.child", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=program.directory or ".",
            env=_environment(directory),
            pass_fds=(writer,),
            start_new_session=True,
        )
        os.close(writer)
        try:
            reason = _watch(child, reader, output.fileno(), setup, limit)
        finally:
            os.close(reader)
            end_group(child)
            end_strays(directory)
    _raise_for(directory, program, child.returncode, reason, setup)


def _environment(directory: Path) -> dict[str, str]:
    """The user's environment, with this package on the path, temporary files in our directory, and no GPU in sight."""
    environment = dict(os.environ)
    own = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [own, environment.get("PYTHONPATH", "")]))
    scratch = directory / "tmp"
    scratch.mkdir()
    environment |= {"TMPDIR": str(scratch), "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2", "MPLBACKEND": "Agg"}
    return environment


def _watch(child: subprocess.Popen[bytes], reader: int, output: int, setup: Setup, limit: int) -> str:
    """Wait for the child; the reason for ending it early, or ''."""
    os.set_blocking(reader, False)
    deadline = time.monotonic() + setup.timeout
    pending = b""
    while child.poll() is None:
        with suppress(BlockingIOError):
            pending += os.read(reader, 4096)
        *lines, pending = pending.split(b"\n")
        for line in lines:
            setup.progress(line.decode(errors="replace"))
        if time.monotonic() > deadline:
            return f"took longer than {setup.timeout:g} s (--timeout)"
        if resident(child.pid) > limit:
            return f"needed more than {limit >> 20} MiB of memory on this machine"
        if os.fstat(output).st_size > MOST_OUTPUT:
            os.ftruncate(output, 0)  # it is appended to: the next line will stand at the start
        time.sleep(LOOK_EVERY)
    return ""


def end_group(child: subprocess.Popen[bytes]) -> None:
    """End the child and every process of its group, and wait for it."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def end_strays(directory: Path) -> None:
    """End what left the group (``setsid``): everything that was started with our directory as its place for temporary files.

    Nothing where the system has no /proc.
    """
    mark = f"TMPDIR={directory / 'tmp'}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in environment.read_bytes().split(b"\0"):
                os.kill(int(environment.parent.name), signal.SIGKILL)


def resident(group: int) -> int:
    """Bytes of resident memory of a process group; 0 where the system has no /proc."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (OSError, UnicodeDecodeError):
            continue
        if int(fields[2]) == group:
            total += int(fields[21]) * _PAGE
    return total


def physical_memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE


def _raise_for(directory: Path, program: TrainingProgram, status: int, reason: str, setup: Setup) -> None:
    """Turn what the child left behind into an error, where it left no result."""
    label = program.label
    detail = last_lines(directory / OUTPUT)
    if (directory / "step-0" / "result.json").exists():
        if reason:
            (directory / "error.json").write_text(json.dumps({"message": reason}))
        return
    if reason:
        raise FootprintError(f"{label}: {reason}", "limit", detail)
    try:
        error = json.loads((directory / "error.json").read_text())
    except (OSError, ValueError):
        how = f"was ended by signal {-status}" if status < 0 else f"ended its process (status {status})"
        raise FootprintError(f"{label}: {how} before it trained", "crash", detail) from None
    kind, message = error["kind"], readable(error["message"])
    texts = {
        "raised": f"{label}: raised before its first fit(): {message}{error['advice']}",
        "exit": f"{label}: left with {message} before its first fit(){error['advice']}",
        "step": f"{label}: its training step cannot be followed: {message}",
        "compile": f"{label}: XLA cannot compile the step for this GPU: {message}",
    }
    where = error["place"] or {"file": "", "line": 0, "cell": None}
    place = where["file"], where["line"], where["cell"]
    raise FootprintError(texts.get(kind, f"{label}: {message}"), kind, detail if kind in _TOLD_BY_OUTPUT else (), place)


_TOLD_BY_OUTPUT = ("raised", "step", "exit", "untrained")
"""Failures that the end of the program's own output may explain: a usage line, a folder that it did not find."""


def how_it_ended(directory: Path) -> str:
    """Why the program ended after the steps that it left results of; '' where it came to its end."""
    try:
        return readable(json.loads((directory / "error.json").read_text())["message"])
    except (OSError, ValueError, KeyError):
        return ""


def last_lines(path: Path) -> tuple[str, ...]:
    """The end of the program's own output, without control characters."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8192))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    lines = [readable(line) for line in text.splitlines()]
    return tuple(line[:200] for line in lines if line.strip() and not _NOISE.match(line))[-LAST_LINES:]


def readable(text: str) -> str:
    """Text of the program's without colours and control characters."""
    return "".join(char for char in _COLOURS.sub("", text) if char.isprintable())


_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_NOISE = re.compile(r"WARNING: All log messages before absl|[IW]0000 |To enable the following instructions")
"""What TensorFlow and XLA write on every start; it says nothing about the program."""
