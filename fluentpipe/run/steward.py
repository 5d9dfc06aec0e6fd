"""The process that starts the programs of steps: a program of its own, never imported by the library.

    python steward.py CONTROL MODULE...

It imports the modules once. For each request it forks: a child that runs a Python script as `__main__` with those
imports already paid, or one that executes any other program. It has one thread, and no parallel region runs before
a fork, so libraries with threads of their own work in the children.

Nothing outlives what it belongs to. The end of the control socket is the end of the runner, however it died:
then every group of processes is killed. The children are told by the kernel to die with this process.

A request comes as one byte on the control socket, with the write end of the program's output and a socket; on
that socket follow four bytes of length and JSON. Answers there are lines of JSON: `pid` or `error`, `ended` when
the program has ended, and, asked by one byte, `status` with what it used. Until then it is not collected, so that
its process id stays its own.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import re
import resource
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import types
import warnings
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1  # prctl(2)
_OF_THE_RUN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LIBC = ctypes.CDLL(None, use_errno=True)
_THREADS_OF = (  # part of a library's file name, functions that set its number of threads
    ("gomp", ("omp_set_num_threads",)),
    ("libomp", ("omp_set_num_threads",)),
    ("openblas", ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads", "openblas_set_num_threads")),
)


class Steward:
    """Starts programs, tells when they end, collects them when asked."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.pid = os.getpid()
        self.sockets: dict[int, socket.socket] = {}  # process -> where its answers go
        self.told: set[int] = set()  # processes whose end was told
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self.woken, warn_on_full_buffer=False)
        # A signal that is meant for the run, such as a service manager sends to all its processes, does not end the
        # steward: the runner asks the programs to end, and its own end is this one's. Handled, not ignored, as programs
        # would inherit that.
        for number in (signal.SIGCHLD, *_OF_THE_RUN):
            signal.signal(number, lambda *_: None)
        self.selector.register(control, selectors.EVENT_READ)
        self.selector.register(self.wake, selectors.EVENT_READ)

    def serve(self) -> dict[str, Any] | None:
        """Answer until the runner is gone; in a forked child, return what it has to run."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.control:
                    message, descriptors, _, _ = socket.recv_fds(self.control, 1, 2)
                    if not message:
                        self.end()
                        return None
                    request = self.start(descriptors[0], socket.socket(fileno=descriptors[1]))
                    if request is not None:
                        return request
                elif key.fileobj == self.wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake, 4096)
                    self.tell_ends()
                else:
                    self.collect(key.data)

    def start(self, output: int, answers: socket.socket) -> dict[str, Any] | None:
        """Start what a request names; returns it in the child that is to run it."""
        with contextlib.suppress(OSError, ValueError, EOFError):
            request: dict[str, Any] = json.loads(_receive(answers))
            if request["fork"] and not _shadows(request):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # a library's thread sleeps beside; see above
                    pid = os.fork()
                if not pid:
                    self.leave(answers)
                    os.dup2(output, 1)
                    os.dup2(output, 2)
                    os.close(output)
                    return request
                peak = 0.0
            else:
                # The kernel counts the memory of a child from that of its parent.
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                pid = self.execute(request, output, answers)
            if pid:
                self.sockets[pid] = answers
                self.selector.register(answers, selectors.EVENT_READ, pid)
                _answer(answers, pid=pid, peak=peak)
        os.close(output)
        return None

    def execute(self, request: dict[str, Any], output: int, answers: socket.socket) -> int:
        """Start a program of any kind; 0 if it cannot be."""
        try:
            process = subprocess.Popen(  # noqa: S603 - running the steps of a definition is the purpose
                request["argv"], cwd=request["cwd"], env=request["env"], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, preexec_fn=self.be_alone,  # noqa: PLW1509 - there is but one thread
            )  # fmt: skip
        except OSError as error:
            _answer(answers, error=error.strerror or str(error))
            answers.close()
            return 0
        process.returncode = 0  # it is collected by `collect`
        return process.pid

    def be_alone(self) -> None:
        """In the child: a session of its own, which dies with the steward."""
        os.setsid()
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != self.pid:  # it died before the kernel was told
            os._exit(1)

    def leave(self, answers: socket.socket) -> None:
        """In a forked child: keep nothing of the steward's."""
        self.be_alone()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, *_OF_THE_RUN):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.selector.close()
        for each in (self.control, answers, *self.sockets.values()):
            each.close()
        os.close(self.wake)
        os.close(self.woken)

    def tell_ends(self) -> None:
        """Tell of each program that has ended, once."""
        for pid in self.sockets.keys() - self.told:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                self.told.add(pid)
                with contextlib.suppress(OSError):
                    _answer(self.sockets[pid], ended=True)

    def collect(self, pid: int) -> None:
        """Kill what is left of a group and collect its leader: asked to, or left alone with it."""
        answers = self.sockets.pop(pid)
        self.selector.unregister(answers)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        self.told.discard(pid)
        with contextlib.suppress(OSError):
            cpu = usage.ru_utime + usage.ru_stime
            _answer(answers, status=os.waitstatus_to_exitcode(status), cpu=cpu, maxrss=usage.ru_maxrss)
        answers.close()

    def end(self) -> None:
        """Kill every group."""
        for pid in list(self.sockets):
            self.collect(pid)


def _receive(source: socket.socket) -> bytes:
    wanted, got = 4, b""
    while len(got) < wanted:
        chunk = source.recv(wanted - len(got))
        if not chunk:
            raise EOFError
        got += chunk
        if len(got) == 4 == wanted:
            wanted += int.from_bytes(got, "big")
    return got[4:]


def _answer(target: socket.socket, **facts: Any) -> None:
    target.sendall(json.dumps(facts).encode() + b"\n")


def _shadows(request: dict[str, Any]) -> bool:
    """Whether a file beside the script has the name of a module that is imported here: the script means its own."""
    for folder in _folders(request):
        with contextlib.suppress(OSError):
            for path in Path(folder).iterdir():
                module = path.name.partition(".")[0]
                if module in sys.modules and (path.suffix in (".py", ".so") or path.is_dir()):
                    return True
    return False


def _folders(request: dict[str, Any]) -> list[str]:
    """What `python` puts before its own search path."""
    program = request["argv"][1]
    first = request["cwd"] if program == "-m" else str(Path(program).resolve().parent)
    return [first, *filter(None, request["env"].get("PYTHONPATH", "").split(os.pathsep))]


def become(request: dict[str, Any]) -> int:
    """Run the script as `python script …` would; returns the exit status."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, open to the end
    sys.stdout = _unbuffered(1, "strict")
    sys.stderr = _unbuffered(2, "backslashreplace")
    sys.path[:0] = _folders(request)
    importlib.invalidate_caches()
    _set_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))  # anything but a number gets a new interpreter
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()  # otherwise every child has the same state
    status = _status_of(request["argv"][1:])
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - waits for the script's threads, as an exit does
    atexit._run_exitfuncs()  # noqa: SLF001 - multiprocessing ends its forks so, too
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return status


def _unbuffered(descriptor: int, errors: str) -> io.TextIOWrapper:
    """Text that is written at once, as PYTHONUNBUFFERED has it."""
    raw = open(descriptor, "wb", buffering=0, closefd=False)  # noqa: SIM115 - open to the end
    return io.TextIOWrapper(raw, encoding="utf-8", errors=errors, line_buffering=True, write_through=True)


def _status_of(argv: list[str]) -> int:
    try:
        if argv[0] == "-m":
            sys.argv = ["-m", *argv[2:]]
            runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = argv
            _run_script(argv[0])
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException as error:  # noqa: BLE001 - the script's own, whatever it is
        shown = error.__traceback__
        while shown is not None and shown.tb_frame.f_code.co_filename == __file__:
            shown = shown.tb_next
        sys.stdout.flush()
        sys.excepthook(type(error), error.with_traceback(shown), shown)
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        return 1
    return 0


def _run_script(path: str) -> None:
    """Run a file as the module `__main__`, which stays: functions of the script may run after its last line."""
    main = types.ModuleType("__main__")
    vars(main).update(__file__=path, __builtins__=__builtins__)
    sys.modules["__main__"] = main
    exec(compile(Path(path).read_bytes(), path, "exec", dont_inherit=True), vars(main))  # noqa: S102 - the step's program


def _set_threads(count: int) -> None:
    """Libraries read their variables when they are loaded, which was before the fork."""
    with contextlib.suppress(OSError):
        mapped = set(re.findall(r"/\S+\.so\S*$", Path("/proc/self/maps").read_text("utf-8"), re.MULTILINE))
        for path in sorted(mapped):
            for part, names in _THREADS_OF:
                if part not in path.rpartition("/")[2]:
                    continue
                library = ctypes.CDLL(path)
                found = next((name for name in names if hasattr(library, name)), None)
                if found:
                    getattr(library, found)(count)


def warm(modules: list[str]) -> None:
    """Import what is installed; XGBoost without what it would bring along, unless that is wanted, too."""
    unwanted = [name for name in ("sklearn", "pandas") if name not in modules] if "xgboost" in modules else []
    for name in unwanted:
        sys.modules[name] = None  # type: ignore[assignment] # an import of it fails, as if it were not installed
    for name in modules:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for name in unwanted:
        del sys.modules[name]
    gc.collect()
    gc.freeze()  # the collector never touches, and so never copies, what the children share


def main(arguments: list[str]) -> int:
    """Import, serve, and in a child run the script."""
    del sys.path[0]  # the folder of this file is no place for a script's imports
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    steward = Steward(control)
    warm(arguments[1:])
    request = steward.serve()
    return 0 if request is None else become(request)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except BaseException:  # noqa: BLE001 - told, and never more than one process goes on
        traceback.print_exc()
        code = 70  # EX_SOFTWARE
    os._exit(code)
