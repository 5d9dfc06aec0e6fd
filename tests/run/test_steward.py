"""A script that a warm process runs behaves as one that a new interpreter runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fluentpipe.errors import RunError, StepFailed
from fluentpipe.run import starting
from fluentpipe.run.environment import inherited
from fluentpipe.run.policies import retries
from fluentpipe.run.process import Children, Command, Exit

from .pipelines import Sketch

linux = pytest.mark.skipif(not starting.HAS_STEWARD, reason="there are warm processes on Linux only")


def start(
    script: str, folder: Path, *, fork: bool = True, words: tuple[str, ...] = (), module: bool = False, own: bool = False,
    **env: str,
) -> tuple[Exit, list[str]]:  # fmt: skip
    (folder / "script.py").write_text(script)
    program = ("-m", "script") if module else (str(folder / "script.py"),)
    lines: list[str] = []
    command = Command((sys.executable, *program, *words), folder, {**inherited(1), **env}, is_own=own)
    return Children(0.3, fork=fork).run(command, lines.append), lines


ALIKE = {
    "arguments": "import sys; print(sys.argv, __name__, __file__, sys.stdin.read())",
    "main": "import sys, __main__; print(__main__ is sys.modules['__main__'], __main__.__dict__ is globals())",
    "folder": "import os, sys; print(os.getcwd(), sys.path[0], os.environ['OMP_NUM_THREADS'], sorted(os.environ))",
    "session": "import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))",
    "unbuffered": "import os, sys; sys.stdout.write('a'); os.write(1, b'b'); sys.stderr.write('c'); os._exit(0)",
    "exit": "raise SystemExit(259)",
    "text": "raise SystemExit('no')",
    "nothing": "raise SystemExit",
    "error": "def f(): raise ValueError('x')\nf()",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise ValueError('x')",
    "syntax": "def f(:",
    "signals": "import signal; print([signal.getsignal(x) for x in (2, 13, 15, 17)], signal.set_wakeup_fd(-1))",
    "interrupt": "import os, signal; os.kill(os.getpid(), signal.SIGINT); import time; time.sleep(9)",
    "atexit": "import atexit; atexit.register(print, 'late')\nprint('early')",
    "thread": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()",
    "pool": "import multiprocessing as m\ndef f(x): return x + 1\nif __name__ == '__main__':\n    with m.get_context('fork').Pool(1) as p: print(p.map(f, [1]))",
    "warning": "import warnings; warnings.warn('old', DeprecationWarning, stacklevel=1); warnings.warn('seen', stacklevel=1)",
    "files": "import os; print(sorted(x for x in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{x}'))[:4])",
    "pickle": "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)",
}


TRACED = ("error", "chained", "syntax", "interrupt")  # of a module they have frames of runpy, which differ


@linux
@pytest.mark.parametrize(
    ("name", "module"), [(name, False) for name in ALIKE] + [(n, True) for n in ALIKE if n not in TRACED]
)
def test_a_script_cannot_tell_the_difference(name, module, tmp_path):
    warm, fresh = (start(ALIKE[name], tmp_path, fork=fork, words=("a", "--b"), module=module) for fork in (True, False))
    assert warm[0].code == fresh[0].code
    assert without_marks(warm[1]) == without_marks(fresh[1])


def without_marks(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip(" ~^")]


LOOK = "import sys\nprint(*[name in sys.modules for name in ('numpy', 'xg' 'boost', 'skl' 'earn')])"


@linux
@pytest.mark.parametrize(
    ("script", "own", "there"),
    [
        (LOOK, False, "True False False"),
        (f"{LOOK}\nimport xgboost, pyarrow", False, "True True True"),
        (f"{LOOK}\ndef f():\n    from sklearn.base import clone", False, "True True True"),
        (f"{LOOK}\nimport pandas as pd", False, "True True True"),
        (f"{LOOK}\nimport pickle", False, "True True True"),
        (f"{LOOK}\nimport xgboost  # without sklearn and pandas", True, "True True False"),
        (f"{LOOK}\ndef f():\n    from sklearn.base import clone", True, "True True False"),
        (f"{LOOK}\nimport sklearn", True, "True True True"),
    ],
)
def test_what_a_script_finds_imported_depends_on_it_alone(script, own, there, tmp_path):
    assert start(script, tmp_path, own=own)[1] == [there]  # whichever warm processes are there already


@linux
def test_a_script_in_a_folder_below_has_scikit_learn_too(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "model.py").write_text(
        "from xgboost import XGBClassifier\nprint(XGBClassifier().get_params()['max_depth'])"
    )
    assert start("import inner.model", tmp_path)[1] == ["None"]


@linux
@pytest.mark.slow
def test_what_xgboost_has_of_scikit_learn_is_there_in_a_fork(tmp_path):
    script = """
import pickle, xgboost
from sklearn.pipeline import make_pipeline
model = make_pipeline(getattr(xgboost, "XGB" "Classifier")(n_estimators=2)).fit([[0], [1]], [0, 1])
print(pickle.loads(pickle.dumps(model)).predict([[1]]), len(model[-1].get_booster().trees_to_dataframe()))
"""
    assert start(script, tmp_path)[1] == start(script, tmp_path, fork=False)[1] == ["[0] 2"]


@linux
def test_two_children_of_one_process_draw_different_numbers(tmp_path):
    script = "import random, numpy; print(random.random(), numpy.random.rand())"
    (one,), (other,) = (start(script, tmp_path)[1] for _ in range(2))
    assert not set(one.split()) & set(other.split())


@linux
def test_a_module_beside_the_script_goes_before_one_that_is_imported_already(tmp_path):
    (tmp_path / "pyarrow.py").write_text("mine = 1")
    assert start("import pyarrow; print(pyarrow.mine)", tmp_path)[1] == ["1"]


@linux
def test_what_only_has_the_name_of_a_script_is_not_read(tmp_path):
    (tmp_path / ".#script.py").symlink_to("somebody@host.1")
    (tmp_path / "folder.py").mkdir()
    assert start("print('ran')", tmp_path)[1] == ["ran"]


@linux
def test_variables_that_are_read_at_the_start_get_a_new_interpreter(tmp_path):
    script = "import sys; print(sys.flags.optimize, 'numpy' in sys.modules)"
    assert start(script, tmp_path, PYTHONOPTIMIZE="2")[1] == ["2 False"]
    assert start(script, tmp_path, OMP_NUM_THREADS="4,2")[1] == ["0 False"]
    assert start(script, tmp_path, OMP_NUM_THREADS="")[1] == ["0 False"]


def test_what_no_system_takes_is_said(tmp_path):
    with pytest.raises(RunError, match="cannot be started: an argument or a variable holds a NUL character"):
        start("", tmp_path, NAME="a\0b")


@linux
def test_the_threads_of_xgboost_are_those_of_the_step(tmp_path):
    script = """
import ctypes, re
path = re.search(r"/\\S*gomp\\S*", open("/proc/self/maps").read()).group()
print(ctypes.CDLL(path).omp_get_max_threads())
"""
    assert start(f"{script}\nimport xgboost", tmp_path, OMP_NUM_THREADS="3")[1] == ["3"]


@linux
def test_a_step_dies_with_whoever_runs_it_and_so_do_its_children(tmp_path):
    (tmp_path / "script.py").write_text(
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(os.getpid(), os.getppid(), child.pid, flush=True)\ntime.sleep(60)"
    )
    runner = (
        "import pathlib, sys; from fluentpipe.run.process import *; from fluentpipe.run.environment import inherited\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "Children().run(Command((sys.executable, str(folder / 'script.py')), folder, inherited(1)), lambda x: print(x, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", runner], stdout=subprocess.PIPE, text=True) as process:
        pids = [int(word) for word in process.stdout.readline().split()]
        process.kill()
    deadline = time.monotonic() + 10
    while any(map(_lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in pids if _lives(pid)] == []


@linux
def test_when_the_warm_process_is_killed_the_next_step_gets_another(tmp_path):
    script = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time; time.sleep(60)"
    assert start(script, tmp_path)[0].code == -signal.SIGKILL
    assert start("print(1)", tmp_path)[1] == ["1"]


def _lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def retried(script: str, **policy: object) -> Sketch:
    sketch = Sketch()
    sketch.processing("A", script)["RetryPolicies"] = [{"IntervalSeconds": 0, **policy}]
    return sketch


COUNTED = "import os, signal\nwith open({!r}, 'a') as f: f.write('x')\n{}"


@pytest.mark.parametrize(
    ("end", "kind", "attempts"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "SageMaker.JOB_INTERNAL_ERROR", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", "Step.THROTTLING", 1),
        ("raise SystemExit(1)", "SageMaker.JOB_INTERNAL_ERROR", 1),
    ],
)
def test_what_the_system_did_is_tried_again_as_the_policy_says(end, kind, attempts, run, tmp_path):
    counter = tmp_path / "count"
    with pytest.raises(StepFailed) as caught:
        run(retried(COUNTED.format(str(counter), end), ExceptionType=[kind], MaxAttempts=2))
    assert counter.stat().st_size == attempts
    events = (caught.value.run.path / "events.jsonl").read_text()
    assert events.count("step retried") == attempts - 1


def test_a_try_that_succeeds_ends_the_retries(run, tmp_path):
    counter = tmp_path / "count"
    end = f"os.path.getsize({str(counter)!r}) < 2 and os.kill(os.getpid(), signal.SIGKILL)"
    script = COUNTED.format(str(counter), end)
    assert run(retried(script, ExceptionType=["SageMaker.JOB_INTERNAL_ERROR"])).status == "Succeeded"
    assert counter.stat().st_size == 2


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        ({}, [1.0, 2.0, 4.0, 8.0, 16.0]),
        ({"IntervalSeconds": 3, "BackoffRate": 1.5, "MaxAttempts": 3}, [3.0, 4.5, 6.75]),
        ({"IntervalSeconds": 20, "ExpireAfterMin": 1}, [20.0, 40.0]),
    ],
)
def test_the_waits_grow_as_the_policy_says(policy, waits):
    sketch = retried("pass")
    sketch.steps[0]["RetryPolicies"] = [{"ExceptionType": ["SageMaker.CAPACITY_ERROR"], **policy}]
    (entry,) = sketch.definition().steps()
    assert list(retries(entry, OSError(28, os.strerror(28)))) == waits
    assert list(retries(entry, RunError("x"))) == []
