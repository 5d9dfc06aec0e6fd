"""One child process: what it prints, how it ends, what it leaves."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from fluentpipe.errors import RunError
from fluentpipe.run.environment import Mask, inherited
from fluentpipe.run.process import Children, Command, Exit


def start(
    code: str, tmp_path: Path, *, children: Children | None = None, seconds: float | None = None
) -> tuple[Exit, list[str]]:
    lines: list[str] = []
    command = Command((sys.executable, "-c", code), tmp_path, dict(os.environ), seconds)
    return (children or Children(grace=0.3)).run(command, lines.append), lines


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("print('a'); print('b', end='')", ["a", "b"]),
        ("import sys; print('a', flush=True); sys.stderr.write('b\\n'); print('c')", ["a", "b", "c"]),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xe4\\n')", ["\ufffd\ufffd"]),
        ("print('10%\\r50%\\r100%')", ["100%"]),
        ("print('a\\r\\nb')", ["a", "b"]),
        ("print(); print()", ["", ""]),
        ("input()", ["Traceback (most recent call last):"]),
    ],
)
def test_output_arrives_line_by_line(code, lines, tmp_path):
    assert start(code, tmp_path)[1][: len(lines)] == lines


def test_a_line_without_an_end_is_cut_and_not_kept_in_memory(tmp_path):
    _, lines = start("import sys; sys.stdout.write('x' * 1_000_000)", tmp_path)
    assert len(lines) > 2
    assert "".join(lines) == "x" * 1_000_000


def test_only_the_last_lines_are_kept_for_the_error(tmp_path):
    ended, lines = start("for i in range(1000): print(i)", tmp_path)
    assert len(lines) == 1000
    assert ended.tail == tuple(str(i) for i in range(800, 1000))


@pytest.mark.parametrize(("code", "expected"), [("", 0), ("raise SystemExit(300)", 44), ("import os; os.abort()", -6)])
def test_the_exit_code_is_the_programs_or_the_signals(code, expected, tmp_path):
    assert start(code, tmp_path)[0].code == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import time; time.sleep(60)", -15),
        ("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)", -9),
        ("import signal, sys, time; signal.signal(15, lambda *_: sys.exit(5)); time.sleep(60)", 5),
    ],
)
def test_after_its_time_a_program_is_asked_to_end_and_then_made_to(code, expected, tmp_path):
    ended, _ = start(code, tmp_path, seconds=0.4)
    assert (ended.timed_out, ended.code) == (True, expected)


def test_a_program_that_closes_its_output_is_still_waited_for(tmp_path):
    ended, _ = start("import os, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(4)", tmp_path)
    assert ended.code == 4
    assert ended.seconds >= 0.2


def test_ending_ends_all_and_nothing_starts_any_more(tmp_path):
    children = Children(grace=0.3)
    ended: list[Exit] = []
    up = tmp_path / "up"
    code = f"import pathlib, time; pathlib.Path({str(up)!r}).touch(); time.sleep(60)"
    thread = threading.Thread(target=lambda: ended.append(start(code, tmp_path, children=children)[0]))
    thread.start()
    while not up.exists():
        time.sleep(0.01)
    children.end()
    thread.join()
    assert [each.code for each in ended] == [-15]
    with pytest.raises(RunError, match="nothing starts any more"):
        start("", tmp_path, children=children)


def test_an_error_in_the_reader_of_lines_leaves_no_process(tmp_path):
    pid = tmp_path / "pid"

    def broken(line: str) -> None:
        raise OSError("no space left")

    code = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); print(1, flush=True); time.sleep(60)"
    with pytest.raises(OSError, match="no space left"):
        Children().run(Command((sys.executable, "-c", code), tmp_path, dict(os.environ)), broken)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_peak_memory_is_the_childs_and_not_the_parents(tmp_path):
    ballast = bytearray(os.urandom(1 << 20) * 120)  # this process is the larger one now
    ended, _ = start("x = bytearray(b'x') * (40 << 20)\nimport time; time.sleep(0.3)", tmp_path)
    assert len(ballast) > 0
    assert 40 < ended.peak_memory_mb < 100


def test_a_step_inherits_an_allow_list_only(monkeypatch):
    for name in ("AWS_SESSION_TOKEN", "MY_KEY", "PYTHONPATH", "LC_TIME"):
        monkeypatch.setenv(name, "x")
    found = inherited(3)
    assert not {"AWS_SESSION_TOKEN", "MY_KEY", "PYTHONPATH"} & found.keys()
    assert (found["LC_TIME"], found["OMP_NUM_THREADS"], found["OMP_WAIT_POLICY"]) == ("x", "3", "passive")


def test_a_mask_hides_what_is_named_secret_and_nothing_else():
    mask = Mask.of(
        [{"db_password": "abcdef", "API_KEY": "abcdefgh", "max_tokens": "100000", "name": "visible", "pwd_token": "ab"}]
    )
    assert mask.text("abcdefgh abcdef 100000 visible ab") == "*** *** 100000 visible ab"
    assert mask.data({"a": ["abcdef", 1, {"b": "x abcdefgh"}]}) == {"a": ["***", 1, {"b": "x ***"}]}


def test_a_mask_hides_the_values_of_options_that_are_named_secret():
    words = ["python3", "/opt/ml/x.py", "--api_key", "abcdefgh", "--auth-token=ijklmnop", "--name", "visible"]
    words += [
        "--tokenizer",
        "bert-base",
        "--use-token",
        "--verbose",
        "--password",
        "-",
        "export A_TOKEN=$1; whole line",
        5,
    ]
    mask = Mask.of([words, ["DB_PASSWORD=qrstuvwx"], ["--secret"], []])
    assert sorted(mask.secrets) == ["abcdefgh", "ijklmnop", "qrstuvwx"]
    assert mask.data(words)[2:5] == ["--api_key", "***", "--auth-token=***"]


@pytest.mark.parametrize("wrap", [lambda job: job, lambda job: {"TrainingJobDefinition": job}])
def test_the_mask_of_a_job_knows_all_places_of_its_request(wrap):
    application = {"ContainerEntrypoint": ["sh", "--token"], "ContainerArguments": ["secret-1", "--api-key=secret-2"]}
    for member, value in {
        "AppSpecification": application, "AlgorithmSpecification": application, "Environment": {"TOKEN": "secret-1", "API_KEY": "secret-2"},
        "HyperParameters": {"token": "secret-1", "api_key": '"secret-2"'}, "StaticHyperParameters": {"token": "secret-1\nsecret-2"},
    }.items():  # fmt: skip
        mask = Mask.of_job({"password": "secret-3"}, wrap({member: value}))
        assert mask.text("secret-1 secret-2 secret-3") == "*** *** ***", member
    assert Mask.of_job({}, wrap({"Environment": None})).secrets == ()


def test_a_secret_of_several_lines_is_hidden_line_by_line():
    mask = Mask.of([{"private_key": "-----BEGIN\nabcdef+x\n=\n"}])
    assert [mask.text(line) for line in ("key: abcdef+x", "-----BEGIN", "=")] == ["key: ***", "***", "="]
    assert mask.data({"k": "-----BEGIN\nabcdef+x\n=\n"}) == {"k": "***"}
