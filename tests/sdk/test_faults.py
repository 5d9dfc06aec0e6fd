"""The table of faults: each in a definition that the SageMaker SDK wrote without a word, and found here.

The definitions are written by write_fixtures.py where the SDK is installed; check_fixtures.sh tells whether they still hold.
"""

from __future__ import annotations

import json
import os
import pathlib
from functools import lru_cache
from typing import Any

import pytest

from fluentpipe.definition import Definition

from .faults import FAULTS

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "check.md"
MAJORS = ("2", "3")
BEGIN, END = "<!-- table of faults -->\n", "<!-- end -->\n"


@lru_cache(maxsize=2)
def outcomes(major: str) -> dict[str, Any]:
    """Name of the fault -> what the SDK made of it."""
    found: dict[str, Any] = json.loads((HERE / "fixtures" / f"faults_v{major}.json").read_text())
    return found


def errors(major: str, name: str) -> list[Any]:
    definition = Definition.load(outcomes(major)[name]["definition"], name="faults", strict=False)
    return [each for each in definition.diagnostics if each.severity == "error"]


@pytest.mark.parametrize("major", MAJORS)
def test_the_sound_program_is_found_sound(major: str) -> None:
    assert errors(major, "sound") == []


@pytest.mark.parametrize("major", MAJORS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_the_sdk_does_not_see_is_found_and_named(name: str, major: str) -> None:
    if "raised" in outcomes(major)[name]:
        assert "definition" in outcomes("3" if major == "2" else "2")[name], "then it belongs in no table"
        return
    found = errors(major, name)
    assert {each.code for each in found} == {FAULTS[name].code}, [str(each) for each in found]
    assert any(FAULTS[name].said in f"{each.message} {each.fix}" for each in found), [str(each) for each in found]


def test_the_fixtures_are_of_these_faults() -> None:
    for major in MAJORS:
        assert list(outcomes(major)) == ["sound", *FAULTS], "run tests/sdk/check_fixtures.sh with --update"


def test_at_least_a_dozen_are_seen_by_neither_version() -> None:
    unseen = [name for name in FAULTS if all("definition" in outcomes(major)[name] for major in MAJORS)]
    assert len(unseen) >= 12


def row(name: str) -> str:
    """A line of the table on the page: the fault, whether a version of the SDK sees it, and what is said here."""
    seen = ["cannot say it" if "CannotBe" in outcomes(each)[name].get("raised", "") else "–" for each in MAJORS]
    major = next(each for each in MAJORS if "definition" in outcomes(each)[name])
    message = errors(major, name)[0].message
    short = message if len(message) <= 130 else f"{message[:60]}…{message[-60:]}"
    return f"| {FAULTS[name].what} | {seen[0]} | {seen[1]} | {short.replace('|', chr(92) + '|')} |\n"


def test_the_table_on_the_page_is_this_one() -> None:
    head = "| In the program | SDK 2 | SDK 3 | `fluentpipe check` |\n|---|---|---|---|\n"
    table = head + "".join(row(name) for name in FAULTS)
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(before + BEGIN + table + END + after, "utf-8")
        shown = table
    assert shown == table
