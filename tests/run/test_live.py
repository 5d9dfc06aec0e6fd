"""A run while it happens: the board, who sees it, and the commands about runs that were made."""

from __future__ import annotations

import io
import itertools
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from rich.console import Console

from fluentpipe.errors import SourceError, StepFailed
from fluentpipe.live import Board, as_html, watching
from fluentpipe.progress import Progress
from fluentpipe.run import Run, run as run_definition
from fluentpipe.run.history import find, runs

from .pipelines import Sketch

STARTED = {
    "event": "run started",
    "pipeline": "churn",
    "steps": {"load": "Processing", "train": "Training", "gate": "Condition"},
}
TRAINING = {"event": "step Running", "step": "train"}


class Clock:
    """A clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def drawn(board: Board, width: int = 100) -> list[str]:
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    console.print(board.table())
    return [line.rstrip() for line in console.export_text().splitlines() if line.strip()]


def test_the_board_tells_where_every_step_stands() -> None:
    clock = Clock()
    board = Board(clock)
    done = {"event": "step Succeeded", "step": "load", "seconds": 2.04, "peak_memory_mb": 117.2}
    for event in (STARTED, {"event": "step Running", "step": "load"}, done, TRAINING):
        board(event)
    board(
        {"event": "output", "step": "train", "line": "averaging 5 models, each stopped on another 20% of the 100 rows"}
    )
    board({"event": "output", "step": "train", "line": "fold 3 round 50 validation-logloss 0.41"})
    board({"event": "memory", "step": "train", "peak_memory_mb": 98.6})
    board({"event": "colour of the moon", "step": "nobody"})
    clock.now += 3.5
    title, head, _, load, train, gate = drawn(board)
    assert title.split("  ") == ["churn", "1 of 3 steps", "3.5 s"]
    assert head.split() == ["step", "time", "memory", "progress"]
    assert load.split() == ["✓", "load", "2.0", "s", "117", "MiB", "Succeeded"]
    assert train.split()[:6] == ["●", "train", "3.5", "s", "99", "MiB"]
    assert train.endswith("fold 3 of 5, round 50, validation-logloss 0.41")
    assert gate.split() == ["·", "gate", "Waiting"]


def test_a_failed_step_says_why_in_one_line_however_long_it_is() -> None:
    board = Board(Clock())
    for event in (
        STARTED,
        TRAINING,
        {"event": "step Failed", "step": "train", "reason": "no [bold]rows[/] " + "x" * 300},
    ):
        board(event)
    line = drawn(board)[4]
    assert "no [bold]rows[/] xxx" in line
    assert len(line) <= 100


def test_colours_of_a_program_are_no_part_of_its_line() -> None:
    board = Board(Clock())
    for event in (STARTED, TRAINING, {"event": "output", "step": "train", "line": "\x1b[31mred\x1b[0m line"}):
        board(event)
    assert board.rows["train"].line == "red line"


def crowded(running: int, failed: int = 0, done: int = 12, waiting: int = 12) -> Board:
    board = Board(Clock())
    states = ["Succeeded"] * done + ["Running"] * running + ["Failed"] * failed + ["Waiting"] * waiting
    names = [f"step_{place:02d}" for place in range(len(states))]
    board({"event": "run started", "pipeline": "big", "steps": dict.fromkeys(names, "Processing")})
    for name, state in zip(names, states, strict=True):
        if state != "Waiting":
            board({"event": "step Running", "step": name})
            board({"event": f"step {state}", "step": name, "seconds": 1.0, "reason": "no rows"})
    return board


def lines_of(board: Board, height: int) -> list[str]:
    console = Console(width=100, record=True, file=io.StringIO(), force_terminal=True)
    console.print(board.table(height))
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.mark.parametrize(
    ("running", "failed", "height", "said"),
    [
        (2, 1, 24, "and 10 done"),
        (2, 1, 12, "and 12 done, 10 waiting"),
        (9, 1, 12, "and 12 done, 5 running, 12 waiting"),
    ],
)
def test_in_a_low_terminal_what_runs_or_failed_is_seen_and_the_rest_counted(running, failed, height, said) -> None:
    board = crowded(running, failed)
    lines = lines_of(board, height)
    assert len(lines) < height  # nothing scrolls away
    text = "\n".join(lines)
    assert text.count("✕") == failed
    assert text.count("●") == min(running, height - 6 - 1 - failed)
    assert said in text
    board({"event": "run Failed"})
    assert sum("step_" in line for line in lines_of(board, height)) == len(board.rows)  # what stays is whole


def test_a_terminal_that_is_high_enough_folds_nothing() -> None:
    assert lines_of(crowded(2), 40) == lines_of(crowded(2), 400)
    assert "and " not in "".join(lines_of(crowded(2), 40))


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_words_of_the_board_can_be_read_on_a_light_and_on_a_dark_page() -> None:
    board = crowded(1, 1)
    board({"event": "step Stopped", "step": "step_00", "reason": "too long"})
    board({"event": "step NotExecuted", "step": "step_01", "reason": "another branch"})
    styled = re.findall(r'<span style="([^"]*)">([^<]*)</span>', as_html(board))
    assert any("Failed" in words for _, words in styled)
    for style, words in styled:
        found = dict(each.strip().split(": ") for each in style.split(";") if each.strip())
        if set(words) <= set("━╸╺ "):  # a bar
            continue
        assert "opacity" not in found
        grounds = [found["background-color"]] if "background-color" in found else ["#ffffff", "#111111"]
        for ground in grounds if "color" in found else []:
            assert contrast(found["color"], ground) >= 4.5, (words, style)


@pytest.mark.parametrize(
    ("lines", "said", "share"),
    [
        (
            ["hyperparameters: eta=1 num_round=100", "round 49 validation-rmse 0.3"],
            "round 49, validation-rmse 0.3",
            0.5,
        ),
        (["hyperparameters: early_stopping_rounds=0 num_round=10", "round 4 a b"], "round 4, a b", 0.5),
        (["hyperparameters: early_stopping_rounds=50 num_round=100", "round 50 a b"], "round 50, a b", None),
        (["averaging 4 models, each", "fold 2 round 9 a b"], "fold 2 of 4, round 9, a b", 0.25),
        (["averaging 4 models, each", "fold 2 best round 9 a b, of 20 rounds"], "fold 2 of 4, best round 9, a b", 0.5),
        (["[12]\ttrain-rmse:0.30"], "round 12, train-rmse 0.30", None),
        (["read 1,000 of 4,000 rows"], "1,000 of 4,000 rows", 0.25),
        (["read 9 of 3 rows", "0 of 0 rows", "round table"], "", None),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_a_share_is_claimed_only_where_the_end_is_known(lines, said, share) -> None:
    progress = Progress()
    for line in lines:
        progress = progress.after(line)
    assert (progress.said, progress.share) == (said, share)


WORDS = st.sampled_from(
    [
        "hyperparameters: ",
        "num_round=",
        "averaging ",
        "fold ",
        "round ",
        "best ",
        "of ",
        "rows",
        " ",
        "9",
        "[",
        "]",
        ":",
        "x",
    ]
)


@given(st.lists(st.lists(WORDS, max_size=9).map("".join), max_size=5))
def test_no_output_of_a_program_confuses_the_share(lines: list[str]) -> None:
    progress = Progress()
    for line in lines:
        progress = progress.after(line)
        assert progress.share is None or 0 <= progress.share <= 1


# ---- who sees it -------------------------------------------------------------------------------------------------------


SCRIPT = "print('hello from inside')"


def quick(script: str = SCRIPT) -> Sketch:
    sketch = Sketch("quick")
    sketch.processing("first", script)
    return sketch


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def start(home: Path, script: str = SCRIPT, **options: Any) -> Run:
    return run_definition(quick(script).definition(), home=home, **{"echo": None, **options})


def test_a_listener_is_told_each_event_and_each_line(home) -> None:
    told: list[Any] = []
    run = start(home, listener=told.append)
    assert told[0]["steps"] == {"first": "Processing"}
    assert [event["line"] for event in told if event["event"] == "output"] == ["hello from inside"]
    succeeded = next(event for event in told if event["event"] == "step Succeeded")
    assert succeeded["seconds"] == run.steps["first"].seconds
    written = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    assert written == [event for event in told if event["event"] not in {"output", "memory"}]
    assert written[-1]["event"] == "run Succeeded"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of a process that runs")
def test_a_listener_is_told_the_memory_of_a_program_that_runs(home) -> None:
    told: list[Any] = []
    start(home, "import time; held = bytearray(b'x') * (200 << 20); time.sleep(0.6)", listener=told.append)
    peaks = [event["peak_memory_mb"] for event in told if event["event"] == "memory"]
    assert peaks[-1] > 200
    assert all(after > 1.09 * before for before, after in itertools.pairwise(peaks))


def test_a_listener_that_fails_ends_no_run_and_is_not_asked_again(home) -> None:
    calls = []

    def broken(event: Any) -> None:
        calls.append(event)
        raise ZeroDivisionError("a bug of the watcher")

    run = start(home, listener=broken)
    assert run.status == "Succeeded"
    assert len(calls) == 1
    assert "ZeroDivisionError: a bug of the watcher" in (run.path / "events.jsonl").read_text()


def test_without_a_terminal_there_are_lines(home, capsys) -> None:
    with watching() as watch:
        start(home, echo=watch.echo, listener=watch.listener)
    assert "[first] hello from inside" in capsys.readouterr().out


def test_a_listener_of_one_s_own_is_told_beside_the_table() -> None:
    told: list[Any] = []
    with watching(None, told.append) as watch:
        assert watch.echo is None
        assert watch.listener is not None
        watch.listener(STARTED)
    assert told == [STARTED]


def in_terminal(cwd: Path, *words: str, **environment: str) -> str:
    """What a person sees who gives the command in a terminal."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR"}}
    env |= {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "fluentpipe", *words], cwd=cwd, env=env, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(ours, 1 << 16):
                seen.append(chunk)
        except OSError:
            pass  # the other end is closed

    reader = threading.Thread(target=read)
    reader.start()
    process.wait()
    reader.join()
    os.close(ours)
    return b"".join(seen).decode()


@pytest.mark.parametrize(
    ("words", "environment", "is_live"),
    [
        ((), {}, True),
        pytest.param(("--plain",), {}, False, marks=pytest.mark.slow),
        pytest.param((), {"NO_COLOR": "1"}, False, marks=pytest.mark.slow),
        pytest.param((), {"CI": "true"}, False, marks=pytest.mark.slow),
    ],
    ids=["terminal", "--plain", "NO_COLOR", "CI"],
)
def test_a_terminal_gets_a_table_unless_lines_are_wanted(tmp_path, words, environment, is_live) -> None:
    quick("import time; print('hello from inside', flush=True); time.sleep(0.5)").definition().write(
        tmp_path / "bundle"
    )
    seen = in_terminal(tmp_path, "run", "bundle", *words, **environment)
    assert ("\x1b[?25l" in seen) is is_live  # the cursor is hidden
    assert ("[first] hello from inside" in seen) is not is_live
    assert "hello from inside" in seen
    assert "report.html" in seen


def test_a_notebook_gets_the_board_as_html() -> None:
    board = Board(Clock())
    board(STARTED)
    board({"event": "step Failed", "step": "load", "reason": "<script>"})
    html = as_html(board)
    assert html.startswith("<pre")
    assert "churn" in html
    assert "<script" not in html


# ---- runs that were made -----------------------------------------------------------------------------------------------


def test_runs_are_found_by_id_by_its_ends_and_by_last(home) -> None:
    first, second = start(home), start(home)
    assert [run.id for run in runs(home)] == [second.id, first.id]
    for which, found in (("last", second), (first.id, first), (first.id[-12:], first), (second.id[:22], second)):
        assert find(home, which).id == found.id


@pytest.mark.parametrize(("which", "message"), [("nothing", "is no run"), ("2", "fits 2 runs"), ("", "is no run")])
def test_what_fits_no_run_or_several_is_refused(home, which, message) -> None:
    start(home)
    start(home)
    with pytest.raises(SourceError, match=message):
        find(home, which)


def test_without_runs_there_is_nothing_to_find(home) -> None:
    with pytest.raises(SourceError, match="There are no runs"):
        find(home, "last")
    assert list(runs(home)) == []


@pytest.fixture
def command(home: Path, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    from click.testing import CliRunner

    from fluentpipe.cli import main

    def call(*words: str, columns: int = 200) -> tuple[int, str]:
        done = CliRunner().invoke(main, [*words, "--home", str(home)], env={"COLUMNS": str(columns)})
        return done.exit_code, done.output

    return call


def test_the_commands_list_show_and_log_runs(home, command) -> None:
    run = start(home)
    status, listed = command("runs")
    assert (status, run.id in listed, "quick" in listed, "Succeeded" in listed) == (0, True, True, True)
    _, narrow = command("runs", columns=80)
    assert (run.id in narrow, "Succeeded" in narrow) == (True, True)  # what the next command takes is whole
    status, shown = command("show")
    assert (status, "first" in shown, str(run.path / "report.html") in shown) == (0, True, True)
    assert command("logs", "last", "first") == (0, "hello from inside\n")
    assert command("logs", "last") == (0, "[first] hello from inside\n")
    assert command("logs", "last", "first", "-f") == (0, "hello from inside\n")
    status, said = command("logs", "last", "frist")
    assert (status, "Did you mean 'first'?" in said) == (2, True)


def test_a_log_is_followed_to_its_end(home, command, tmp_path) -> None:
    gate = tmp_path / "gate"
    script = f"import pathlib, time\nprint('one', flush=True)\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)\nprint('two')"
    running = threading.Event()
    watcher = {"output": lambda: running.set()}
    thread = threading.Thread(
        target=start, args=(home, script), kwargs={"listener": lambda event: watcher.get(event["event"], int)()}
    )
    thread.start()
    assert running.wait(30)
    threading.Timer(0.5, gate.touch).start()
    assert command("logs", "last", "first", "-f") == (0, "one\ntwo\n")
    thread.join()


def test_the_report_of_any_definition_has_its_steps_and_is_shown_sealed(home) -> None:
    run = start(home)
    text = run.report.read_text("utf-8")
    assert run.report == run.path / "report.html"
    assert "hello from inside" in text
    frame = run.show(300)._repr_html_()
    assert frame.startswith("<iframe sandbox srcdoc=")
    shown = unescape(frame.split('srcdoc="')[1].split('"')[0])
    assert shown.count('<base href="about:srcdoc">') == shown.count("base-uri about:;") == 1
    sealed = shown.replace('<base href="about:srcdoc">', "").replace("base-uri about:;", "base-uri 'none';")
    assert sealed == text


def test_a_failed_run_has_a_report_and_a_lost_one_is_made_again(home) -> None:
    with pytest.raises(StepFailed) as caught:
        start(home, "raise SystemExit('it is all wrong')")
    run = caught.value.run
    assert "it is all wrong" in run.report.read_text("utf-8")
    run.report.unlink()
    assert "it is all wrong" in run.report.read_text("utf-8")


def test_a_report_that_cannot_be_made_fails_no_run(home, monkeypatch) -> None:
    from fluentpipe.report import page

    def broken(_: Any) -> str:
        raise RuntimeError("no ink")

    monkeypatch.setattr(page, "render", broken)
    said: list[str] = []
    assert start(home, echo=said.append).status == "Succeeded"
    assert "the report could not be written: RuntimeError: no ink" in said
