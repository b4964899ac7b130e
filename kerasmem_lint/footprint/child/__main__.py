"""The child process: ``python -m kerasmem_lint.footprint.child DIRECTORY``.

``DIRECTORY/request.json`` says what to run. Each captured step leaves ``step-N/result.json`` beside the compiler's notes; a
failure leaves ``error.json``. Progress goes to the file descriptor that the request names, one line a stage. The user's own
output goes wherever the parent has pointed standard output.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from kerasmem_lint.errors import KerasmemError
from kerasmem_lint.footprint.child import capture, lazy
from kerasmem_lint.footprint.child import compile as compiler
from kerasmem_lint.footprint.child.advice import advice, summary
from kerasmem_lint.footprint.child.capture import Captured, NotCapturedError
from kerasmem_lint.footprint.child.places import Place, call_place, raised_at

ADDRESS_SPACE_SPARE = 64 << 30
"""Bytes of address space beyond the memory limit: XLA and TensorFlow map far more than they touch."""

RARE_COLLECTIONS = (100_000, 50, 50)
"""Thresholds of the garbage collector while frameworks are imported and steps traced: millions of objects are made, and all stay."""

PARENT_LOOK_EVERY = 1.0
"""Seconds between two looks whether the parent is still there."""


def main(directory: Path) -> NoReturn:
    """Run the request in ``directory`` and leave its result there; never returns."""
    request = json.loads((directory / "request.json").read_text())
    limit = int(request["memory_limit"]) + ADDRESS_SPACE_SPARE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.set_threshold(*RARE_COLLECTIONS)
    job = Job(directory, request)
    threading.Thread(target=_end_with, args=(job.parent, directory), daemon=True).start()
    try:
        job.run()
    except NotCapturedError as error:
        job.fail("program", str(error))
    except SystemExit as error:
        if not job.steps or error.code not in (None, 0):
            job.fail("exit", f"sys.exit({error.code!r})", raised_at(error), advice(error))
    except BaseException as error:  # the user's program may raise anything
        job.fail("raised", summary(error), raised_at(error), advice(error))
    job.end()


class Job:
    """One request on its way: what was captured so far, and where results go."""

    def __init__(self, directory: Path, request: dict[str, Any]) -> None:
        self.directory = directory
        self.request = request
        self.steps = 0
        self.followed: set[tuple[Any, ...]] = set()
        self.following = False
        self.main_process, self.parent = os.getpid(), os.getppid()

    def run(self) -> None:
        """Run the program, and turn its first training step (or all of them) into results."""
        request = self.request
        notes: list[str] = []
        places: dict[int, Place] = {}
        if request["backend"]:
            os.environ["KERAS_BACKEND"] = request["backend"]
        compiler.prepare_environment()
        patches = {
            "keras.src.backend.jax.core": lazy.lazy_jax_variables,
            "keras.src.backend.tensorflow.core": lazy.zero_tensorflow_variables,
            "keras.src.backend.torch.core": lazy.lazy_torch_variables,
            "jax._src.xla_bridge": lazy.stay_off_the_gpu,
            "keras.src.trainers.trainer": lazy.jit_as_with_a_gpu,
            "keras.src.layers.layer": lazy.remember_places(places),
            **lazy.weights_by_shape(notes),
        }
        batch_size = request["batch_size"]
        self.say("running the program")
        if request["entry"]:
            lazy.install(patches)
            captured = capture.run_entry(request["entry"], batch_size, notes, places)
            self.use(lambda: captured)
        else:
            lazy.install(patches | capture.patches(self.use, lambda: self.following, batch_size, notes, places))
            capture.run_script(Path(request["script"]), tuple(request["arguments"]))
            _wait_for_threads()
            if not self.steps:
                self.fail("untrained", "the program ended without a call of fit() or train_on_batch()")

    def use(self, capture_step: Callable[[], Captured]) -> None:
        """Turn one step into a result; ends the process unless every step was asked for.

        A failure ends it too, here and now: raised through the program, it could be swallowed.
        """
        from kerasmem_lint.footprint.child import engines

        place = self.directory / f"step-{self.steps}"
        self.following = True
        try:
            captured = capture_step()
            if captured.likeness in self.followed:
                self.following = False
                return
            place.mkdir()
            result = engines.run(captured, self.request, place, self.say)
        except (NotCapturedError, KerasmemError) as error:
            self.fail("program", str(error), call_place())
        except compiler.CompileFailedError as error:
            self.fail("compile", str(error), call_place())
        except Exception as error:
            traceback.print_exc()
            self.fail("step", summary(error), call_place())
        else:
            (place / "unfinished.json").write_text(json.dumps(result))
            (place / "unfinished.json").rename(place / "result.json")
            self.steps += 1
            self.followed.add(captured.likeness)  # now that the step is built
            self.following = False
            if self.request["all"]:
                return
        self.end()

    def say(self, stage: str) -> None:
        """Tell the parent what is being done, unless the program has closed every file descriptor."""
        if os.getpid() == self.main_process:
            with suppress(OSError):
                os.write(self.request["progress"], f"{stage}\n".encode())

    def fail(self, kind: str, message: str, place: Place | None = None, advice: str = "") -> None:
        """Leave word of a failure, of the line of the program that it happened at, and of what to do about it."""
        where = None if place is None else asdict(place)
        said = {"kind": kind, "message": message, "place": where, "advice": advice}
        try:
            (self.directory / "error.json").write_text(json.dumps(said))
        except OSError:
            _close_all()
            (self.directory / "error.json").write_text(json.dumps(said))

    def end(self) -> NoReturn:
        """End at once: no exit handler, thread or ``except`` of the program can keep us."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, None, or of the program's own making
                stream.flush()
        if os.getpid() == self.main_process and os.getppid() != self.parent:
            _sweep(self.directory)
        os._exit(0)


def _end_with(parent: int, directory: Path) -> None:
    """Wait for the parent to be gone without having ended us, killed perhaps; then leave nothing behind."""
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_EVERY)
    _sweep(directory)


def _sweep(directory: Path) -> None:
    """End our process group and remove its directory: by another process, because our threads go on writing while they live."""
    _close_all()
    arguments = [SWEEP, str(os.getpgid(0)), str(directory)]
    subprocess.Popen([sys.executable, "-I", "-S", "-c", *arguments], start_new_session=True)


def _close_all() -> None:
    """Close what the program has open, which may be all that a process can have."""
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


SWEEP = """
import os, shutil, signal, sys, time
os.killpg(int(sys.argv[1]), signal.SIGKILL)
for _ in range(100):
    shutil.rmtree(sys.argv[2], ignore_errors=True)
    if not os.path.exists(sys.argv[2]):
        break
    time.sleep(0.05)
"""
"""Ends a process group, then removes a directory."""


def _wait_for_threads() -> None:
    """Let the program's threads come to their end, as Python does when its main thread has."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
