"""What others wrote cannot steer the terminal that it is printed to."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, strategies as st

from fluentpipe import Pipeline
from fluentpipe.cli import main
from fluentpipe.run import run
from fluentpipe.terminal import plain, say

TITLE = "\x1b]0;owned\x07"


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        (f"a{TITLE}b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "alink"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x9b31mred\x1b[2J\x1bc\x1b(B", "red"),
        ("\x1bPq#0~\x1b\\x\x90never ended\ny", "x\ny"),
        ("\x1b]0;never ended\nnext line", "\nnext line"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("10%\r20%\r\nbell\x07 back\x08 \x00\x7f", "10%\n20%\nbell back "),
        ("é 漢 😀 [bold]", "é 漢 😀 [bold]"),
        ("\x1b", ""),
    ],
)
def test_what_a_terminal_would_obey_is_left_out(written: str, printed: str) -> None:
    assert plain(written) == printed


@given(st.text(st.sampled_from("\x1b\x9b\x9d[]0;m\x07\\\n\tPa") | st.characters(), max_size=30))
def test_no_text_whatever_keeps_a_control_character_and_plain_text_stays(text: str) -> None:
    cleaned = plain(text)
    assert {each for each in cleaned if unicodedata.category(each) == "Cc"} <= {"\t", "\n"}
    assert plain(cleaned) == cleaned


def test_the_lines_of_a_run_are_printed_plain(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"[step] {TITLE}\x1b[32mgreen\x1b[0m")
    assert capsys.readouterr().out == "[step] green\n"


@pytest.fixture
def titled(tmp_path: Path) -> Path:
    """A definition whose failure would set the title of the window."""
    steps = [{"Name": "stop", "Type": "Fail", "Arguments": {"ErrorMessage": f"no{TITLE} way"}}]
    path = tmp_path / "titled.json"
    path.write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    return path


def test_a_run_prints_what_its_steps_say_without_what_steers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "said.py").write_text(f"print({'a' + TITLE + 'b'!r})")
    definition = Pipeline("said").process(tmp_path / "said.py", name="said").materialize()
    run(definition, home=tmp_path / "home")
    out = capsys.readouterr().out
    assert "[said] ab\n" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("words", [("-q",), ("--plain",)])
def test_no_command_prints_what_steers(words: tuple[str, ...], titled: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["run", str(titled), "--home", str(tmp_path / "home"), *words], color=True)
    assert done.exit_code == 3
    assert "no way" in done.output
    assert not {"\x1b]", "\x07"} & {*done.output, *(f"\x1b{each[:1]}" for each in done.output.split("\x1b")[1:])}
