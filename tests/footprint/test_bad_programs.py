"""Programs that fail before they train: one clear line, no process and no file left. None of them imports a framework."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kerasmem_lint.cli import main
from kerasmem_lint.footprint import FootprintError, Setup, TrainingProgram, estimate
from kerasmem_lint.knowledge import gpus


def failure(tmp_path: Path, source: str, timeout: float = 20.0, memory_limit: int = 0) -> FootprintError:
    """The error that a script of this text ends with."""
    (tmp_path / "train.py").write_text(source)
    setup = Setup(timeout=timeout, memory_limit=memory_limit, cached=False)
    with pytest.raises(FootprintError) as caught:
        estimate(TrainingProgram(script="train.py", directory=str(tmp_path)), setup, gpus.find("T4"))
    assert "\n" not in str(caught.value)
    return caught.value


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ended(pid: int) -> bool:
    """Whether a process ends within some seconds."""
    for _ in range(50):
        if not alive(pid):
            return True
        time.sleep(0.1)
    return False


def test_a_script_that_raises_is_reported_with_its_last_lines(tmp_path, scratch):
    error = failure(tmp_path, "print('reading data')\nraise RuntimeError('no such\\ndata set')\n")
    assert "train.py: raised before its first fit(): RuntimeError: no such data set" == str(error)
    assert ("reading data",) == error.detail
    assert [] == list(scratch.iterdir())


def test_a_script_that_catches_everything_is_ended_all_the_same(tmp_path, scratch):
    source = (
        "import atexit, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "atexit.register(time.sleep, 600)\n"
        "while True:\n    try: time.sleep(600)\n    except BaseException: pass\n"
    )
    assert "train.py: took longer than 1.5 s (--timeout)" == str(failure(tmp_path, source, timeout=1.5))
    assert [] == list(scratch.iterdir())


def test_a_script_with_a_syntax_error_is_reported(tmp_path):
    assert "SyntaxError" in str(failure(tmp_path, "def (:\n"))


def test_a_script_that_never_trains_is_reported(tmp_path):
    error = failure(tmp_path, "x = 1\n")
    assert "train.py: the program ended without a call of fit() or train_on_batch()" == str(error)


def test_a_script_that_exits_is_reported(tmp_path):
    assert "train.py: left with sys.exit(3) before its first fit()" == str(failure(tmp_path, "import sys\nsys.exit(3)\n"))


def test_a_script_that_turns_its_arguments_down_shows_its_usage(tmp_path):
    source = "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--data', required=True)\nparser.parse_args()\n"
    error = failure(tmp_path, source)
    assert "train.py: left with sys.exit(2) before its first fit(); the program's own arguments go after --" == str(error)
    assert "train.py: error: the following arguments are required: --data" == error.detail[-1]
    assert ("train.py", 4) == (error.file, error.line)


def test_what_a_script_said_before_it_ended_without_training_is_shown(tmp_path):
    assert ("no images in data/",) == failure(tmp_path, "print('no images in data/')\n").detail


def test_a_module_beside_the_script_is_named_from_where_the_program_began(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "data.py").write_text("\ndef load():\n    raise ValueError('empty')\n")
    source = "import os, src.data\nos.chdir('/')\nsrc.data.load()\n"
    error = failure(tmp_path, source)
    assert (str(Path("src", "data.py")), 3) == (error.file, error.line)


def test_a_script_that_ends_its_process_at_once_is_reported(tmp_path):
    assert "ended its process (status 7) before it trained" in str(failure(tmp_path, "import os\nos._exit(7)\n"))


def test_a_script_that_crashes_is_reported_with_the_signal(tmp_path):
    error = failure(
        tmp_path, "import os, signal\nprint('almost')\nimport sys; sys.stdout.flush()\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    assert "was ended by signal 11 before it trained" in str(error)
    assert ("almost",) == error.detail


def test_a_script_that_loops_for_ever_is_ended(tmp_path, scratch):
    error = failure(tmp_path, "import os\nopen('pid', 'w').write(str(os.getpid()))\nwhile True: pass\n", timeout=1.5)
    assert "train.py: took longer than 1.5 s (--timeout)" == str(error)
    assert ended(int((tmp_path / "pid").read_text()))
    assert [] == list(scratch.iterdir())


def test_processes_that_a_script_starts_end_with_it(tmp_path):
    source = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "fork = os.fork()\n"
        "if not fork: time.sleep(600)\n"
        "open('pids', 'w').write(f'{child.pid} {fork}')\n"
        "raise RuntimeError('after all')\n"
    )
    assert "after all" in str(failure(tmp_path, source))
    assert all(ended(int(pid)) for pid in (tmp_path / "pids").read_text().split())


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_process_that_leaves_its_group_ends_too(tmp_path):
    source = (
        "import subprocess, sys\n"
        "stray = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "open('pid', 'w').write(str(stray.pid))\n"
        "raise RuntimeError('after all')\n"
    )
    assert "after all" in str(failure(tmp_path, source))
    assert ended(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("source", "options", "line"),
    [
        ("raise ValueError('no')", [], "train.py: raised before its first fit(): ValueError: no (train.py:1)"),
        ("x = 1\ny = (\n", [], "train.py: raised before its first fit(): SyntaxError: '(' was never closed (train.py:2)"),
        ("x = 1", [], "train.py: the program ended without a call of fit() or train_on_batch()"),
        ("import sys; sys.exit('bye')", [], "train.py: left with sys.exit('bye') before its first fit()"),
        ("import sys; sys.exit(0)", [], "train.py: left with sys.exit(0) before its first fit()"),
        ("import os; os._exit(0)", [], "train.py: ended its process (status 0) before it trained"),
        ("while True: print('x' * 9999)", ["--timeout", "1"], "train.py: took longer than 1 s (--timeout)"),
        ("print('\\x1b[31m' * 9)", ["--gpu", "RTX4099"], "unknown GPU 'RTX4099'; nearest: "),
        ("x = 1", ["--batch-size", "-1"], "a batch of -1 is impossible; give a whole number from 1"),
        ("x = 1", ["--memory-limit", "much"], "'much' is no size; write it as 1GiB or 500MiB"),
    ],
)
def test_every_failure_is_one_line_and_exit_code_2_and_leaves_nothing(
    source, options, line, tmp_path, scratch, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(source)
    assert 2 == main(["footprint", "train.py", "--gpu", "T4", *options])
    out, err = capfd.readouterr()
    said = [text for text in err.splitlines() if not text.startswith("  | ")]
    assert "" == out
    assert 1 == len(said)
    assert said[0].startswith(f"kerasmem-lint: error: {line}")
    assert [] == list(scratch.iterdir())


@pytest.mark.parametrize("spoilt", ["sys.stdout.close()", "sys.stdout = sys.stderr = None", "sys.stdout = object()"])
def test_a_script_without_an_output_still_ends_at_once(spoilt, tmp_path):
    source = f"import atexit, sys, time\natexit.register(time.sleep, 600)\n{spoilt}\nraise ValueError('seen')\n"
    assert "train.py: raised before its first fit(): ValueError: seen" == str(failure(tmp_path, source))


def test_an_exception_whose_text_cannot_be_made_is_named(tmp_path):
    source = "class Odd(Exception):\n    def __str__(self): return 1 / 0\nraise Odd\n"
    assert str(failure(tmp_path, source)).endswith("raised before its first fit(): Odd: its own text cannot be made")


def test_a_thread_of_the_programs_may_go_on_after_its_last_line(tmp_path):
    source = (
        "import threading, time\n"
        "def late():\n    time.sleep(0.5)\n    open('late', 'w')\n"
        "threading.Thread(target=late).start()\n"
    )
    assert "without a call of fit()" in str(failure(tmp_path, source))
    assert (tmp_path / "late").exists()


def test_what_a_script_prints_does_not_fill_the_disk(tmp_path):
    source = (
        "import os, time\nlargest = 0\n"
        "for number in range(50):\n"
        "    os.write(1, b'x' * (8 << 20) + b'\\n')\n    time.sleep(0.03)\n"
        "    largest = max(largest, os.fstat(1).st_blocks * 512)\n"
        "os.write(1, b'the last line\\n')\n"
        "raise ValueError(f'{largest >> 20} MiB')\n"
    )
    error = failure(tmp_path, source)
    assert int(str(error).split()[-2]) < 200
    assert "the last line" == error.detail[-1]


def test_a_script_that_eats_memory_is_ended(tmp_path):
    source = (
        "hoard = []\nimport time\nfor _ in range(400):\n    hoard.append(bytearray(b'x') * (8 << 20))\n    time.sleep(0.01)\n"
    )
    error = failure(tmp_path, source, memory_limit=300 << 20)
    assert "needed more than 300 MiB of memory on this machine" in str(error)


def test_what_a_script_prints_does_not_reach_our_output(tmp_path, capfd):
    failure(
        tmp_path, "import os, sys\nprint('out')\nprint('err', file=sys.stderr)\nos.system('echo shell')\nraise ValueError\n"
    )
    captured = capfd.readouterr()
    assert ("", "") == (captured.out, captured.err)


def test_a_script_cannot_reach_our_input_and_keeps_no_temporary_files(tmp_path, scratch):
    source = "import sys, tempfile\nassert sys.stdin.read() == ''\ntempfile.mkstemp()\nraise ValueError('seen')\n"
    assert "ValueError: seen" in str(failure(tmp_path, source))
    assert [] == list(scratch.iterdir())


def test_colours_and_control_characters_do_not_come_through(tmp_path):
    error = failure(tmp_path, "print('\\x1b[31mred\\x07')\nraise ValueError('\\x1b[1mbold')\n")
    assert ("red",) == error.detail
    assert "train.py: raised before its first fit(): ValueError: bold" == str(error)


def test_a_script_gets_its_arguments_and_its_own_directory(tmp_path):
    (tmp_path / "beside.py").write_text("answer = 42\n")
    (tmp_path / "train.py").write_text("import sys, beside\nraise ValueError(f'{sys.argv} {beside.answer} {__name__}')\n")
    program = TrainingProgram(script="train.py", arguments=("--epochs", "3"), directory=str(tmp_path))
    with pytest.raises(FootprintError, match=r"\['train.py', '--epochs', '3'\] 42 __main__"):
        estimate(program, Setup(cached=False), gpus.find("T4"))


def test_a_notebook_runs_cell_by_cell_without_its_magics(tmp_path):
    import json

    cells = [
        {"cell_type": "markdown", "source": ["# raise"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install x\n", "a = 1"]},
        {"cell_type": "code", "source": "%%bash\nexit 1"},
        {"cell_type": "code", "source": ["%env KERAS_BACKEND=jax\n", "%set_env A b\n", "import os"]},
        {"cell_type": "code", "source": ["raise ValueError(a + 1, os.environ['KERAS_BACKEND'], os.environ['A'])"]},
    ]
    (tmp_path / "train.ipynb").write_text(json.dumps({"cells": cells}))
    with pytest.raises(FootprintError, match=r"ValueError: \(2, 'jax', 'b'\)"):
        estimate(TrainingProgram(script="train.ipynb", directory=str(tmp_path)), Setup(cached=False), gpus.find("T4"))


@pytest.mark.parametrize(
    ("program", "text"),
    [
        (TrainingProgram(script="missing.py"), "missing.py: no such file"),
        (TrainingProgram(script="a.py", directory="no-such-place"), "no-such-place: no such directory"),
        (TrainingProgram(entry="models"), "models is no entry; write it as module:function"),
        (TrainingProgram(script="missing.py", batch_size=0), "a batch of 0 is impossible"),
        (TrainingProgram(script="missing.py", batch_size=-4), "a batch of -4 is impossible"),
        (TrainingProgram(script="missing.py", batch_size=10**12), "a batch of 1000000000000 is impossible"),
    ],
)
def test_questions_that_make_no_sense_start_no_process(program, text, scratch):
    with pytest.raises(FootprintError, match=text):
        estimate(program, Setup(), gpus.find("T4"))
    assert [] == list(scratch.iterdir())


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", "has no function 'make'"),
        ("def make(): return 3", "returned a int, not a Keras model"),
        ("def make(): raise KeyError('x')", "raised before its first fit.*KeyError"),
    ],
)
def test_an_entry_that_gives_no_model_is_named(tmp_path, source, text):
    (tmp_path / "models.py").write_text(source)
    with pytest.raises(FootprintError, match=text):
        estimate(TrainingProgram(entry="models:make", directory=str(tmp_path)), Setup(cached=False), gpus.find("T4"))


def test_an_entry_in_a_module_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FootprintError, match="No module named 'nowhere'"):
        estimate(TrainingProgram(entry="nowhere:make", directory=str(tmp_path)), Setup(cached=False), gpus.find("T4"))


def test_a_program_that_has_opened_all_it_may_gets_its_line(tmp_path):
    error = failure(tmp_path, "held = []\nwhile True:\n    held.append(open('/dev/null'))\n")
    assert "OSError: [Errno 24] Too many open files" in str(error)
    assert ("train.py", 3) == (error.file, error.line)


WATCHER = """
import sys
from kerasmem_lint.footprint import Setup, TrainingProgram, estimate
from kerasmem_lint.knowledge import gpus
estimate(TrainingProgram(script="train.py", directory=sys.argv[1]), Setup(timeout=60, cached=False), gpus.find("T4"))
"""


@pytest.mark.parametrize("goes_on", ["pass", "os.close(tempfile.mkstemp()[0])", "open_more()"])
def test_where_we_are_killed_the_program_ends_and_its_files_go(goes_on, tmp_path):
    (tmp_path / "train.py").write_text(
        "import os, tempfile\nwith open('pid', 'w') as file: file.write(f'{os.getpid()} {os.environ[\"TMPDIR\"]}')\n"
        "held = []\ndef open_more():\n    try:\n        held.append(tempfile.mkstemp())\n    except OSError:\n        pass\n"
        f"os.rename('pid', 'ready')\nfor _ in range(10**9): {goes_on}\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, "-c", WATCHER, str(tmp_path)], env=environment)
    ready = tmp_path / "ready"
    for _ in range(200):
        if ready.exists():
            break
        time.sleep(0.05)
    pid, scratch = ready.read_text().split(" ", 1)
    parent.kill()
    parent.wait()
    assert ended(int(pid))
    for _ in range(50):
        if not Path(scratch).parent.exists():
            break
        time.sleep(0.1)
    assert not Path(scratch).parent.exists()


def test_a_preset_that_would_be_downloaded_is_named_and_not_asked_for(tmp_path):
    # The place in keras_hub that every from_preset() comes through, without keras_hub.
    package = tmp_path / "keras_hub" / "src" / "utils"
    package.mkdir(parents=True)
    (package / "preset_utils.py").write_text("def get_file(preset, path): open('asked', 'w'); return preset + '/' + path\n")
    (tmp_path / "tiny").mkdir()
    source = (
        "from keras_hub.src.utils.preset_utils import get_file\n"
        "assert get_file('tiny', 'config.json') == 'tiny/config.json'\n"
        "import os; os.remove('asked')\n"
        "assert get_file('tiny', 'model.weights.h5') == 'tiny/model.weights.h5' and not os.path.exists('asked')\n"
        "get_file('bert_tiny_en_uncased', 'config.json')\n"
    )
    assert (
        "train.py: from_preset('bert_tiny_en_uncased') would download the model, which is not done here; "
        "save it once with save_to_preset(DIRECTORY) and load that"
    ) == str(failure(tmp_path, source))
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("module", "backend", "extra"),
    [("keras", "jax", "jax"), ("keras", "", "tensorflow"), ("torch", "", "torch"), ("jax.numpy", "", "jax")],
)
def test_a_framework_that_is_not_installed_is_named_with_the_command(module, backend, extra, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    error = failure(tmp_path, f"raise ModuleNotFoundError('No module named {module}', name={module!r})\n")
    assert str(error).endswith(f"No module named {module}; pip install 'kerasmem-lint[{extra}]'")


def test_a_module_of_somebody_elses_is_only_named(tmp_path):
    assert str(failure(tmp_path, "import nowhere_at_all\n")).endswith("ModuleNotFoundError: No module named 'nowhere_at_all'")


def test_failures_are_not_cached(tmp_path):
    failure(tmp_path, "raise ValueError\n")
    cache = Path(os.environ["KERASMEM_LINT_CACHE"])
    assert not cache.exists() or [] == list(cache.rglob("*.json"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "not a notebook: no JSON at line 1"),
        ("{\n", "not a notebook: no JSON at line 2"),
        ("null", "not a notebook: its JSON holds no list of cells"),
        ('{"cells": null}', "not a notebook: its JSON holds no list of cells"),
        ('{"cells": [1, {"cell_type": "code", "source": [2]}]}', "cell 2 has a source that is not text"),
    ],
)
def test_what_is_no_notebook_is_said_to_be_none(content: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "train.ipynb").write_text(content)
    with pytest.raises(FootprintError) as caught:
        estimate(TrainingProgram(script="train.ipynb", directory=str(tmp_path)), Setup(cached=False), gpus.find("T4"))
    assert f"train.ipynb: {expected}" == str(caught.value)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import keras.layers; keras.layers.CuDNNLSTM(3)", True),
        ("from keras.utils import np_utils", True),
        ("import keras.layers\nkeras.layers.Thing().old()", True),
        ("import keras.layers\nkeras.layers.Thing(lr=1)", True),
        ("import keras.layers\nkeras.layers.Thing(size='no')", False),
        ("import keras.layers\n'text'.old()", False),
        ("import keras.layers\n(lambda: 0)(lr=1)", False),
    ],
)
def test_what_keras_3_has_no_more_is_told_from_a_programs_own_mistakes(source, told, tmp_path):
    # As much of a Keras 3 as these programs come to, without Keras.
    package = tmp_path / "keras"
    (package / "utils").mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '3.99'\n")
    (package / "utils" / "__init__.py").write_text("")
    (package / "layers.py").write_text(
        "class Thing:\n    def __init__(self, size=1, **more):\n        if more: raise ValueError(f'not recognized: {more}')\n"
        "        if size != 1: raise ValueError('a bad size')\n"
    )
    told_so = str(failure(tmp_path, source)).endswith("; this is Keras 3.99, and the program may be written for Keras 2")
    assert told == told_so
