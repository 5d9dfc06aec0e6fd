"""A run as it is shown in a terminal, in a notebook and as text."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fluentpipe.errors import SourceError
from fluentpipe.run.result import Run
from fluentpipe.show import print_run, print_runs

NAME = "retrain_with_a_rather_long_step_name_indeed"
REASON = "metrics.auc: 0.844996 is not >= 0.95, and so on for a while until the line is long"
ID = "20260101-000000000-abcdef012345"


def a_run(folder: Path, evaluations: dict[str, dict[str, Any]], why: str = "", **facts: Any) -> Run:
    """A run whose steps each wrote an evaluation."""
    steps = {}
    for name, metrics in evaluations.items():
        out = folder / "steps" / name / "out"
        out.mkdir(parents=True)
        (out / "evaluation.json").write_text(json.dumps({"metrics": metrics}))
        steps[name] = {
            "type": "Processing", "status": "Succeeded", "seconds": 3.0, "cpu_seconds": 2.5, "peak_memory_mb": 1117.0,
            "exit_code": 0, "log": None, "outputs": {"report": f"steps/{name}/out"}, "reason": why,
        }  # fmt: skip
    model = {"group": "champ", "version": 3, "arn": "", "path": "m", "approval_status": "Approved"}
    manifest = {
        "id": ID, "name": "big", "status": "Succeeded", "seconds": 12.5, "steps": steps, "reason": "", "models": [model],
        "property_files": [], "parameters": {}, **facts,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(manifest))
    return Run.load(folder)


@pytest.fixture
def said(capsys, monkeypatch) -> Any:
    """What is printed in so many columns."""

    def call(show: Any, what: Any, columns: int = 100) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        show(what)
        return str(capsys.readouterr().out)

    return call


def test_of_several_evaluations_each_is_told_by_its_name(tmp_path, said) -> None:
    run = a_run(tmp_path, {"judge_2": {"auc": 0.84501, "f1": 0.6}, "judge_3": {"auc": 0.9}})
    assert run.evaluations == {"judge_2": {"auc": 0.84501, "f1": 0.6}, "judge_3": {"auc": 0.9}}
    assert run.metrics == {"auc": 0.9}
    shown = said(print_run, run)
    assert "test rows   judge_2   auc 0.8450   f1 0.6000\ntest rows   judge_3   auc 0.9000\n" in shown
    assert "judge_3: auc 0.9000" in said(print_runs, [run])
    assert "metrics   judge_2: auc 0.8450, f1 0.6000\nmetrics   judge_3: auc 0.9000\n" in run.summary()


def test_one_evaluation_needs_no_name(tmp_path, said) -> None:
    run = a_run(tmp_path, {"judge": {"auc": 0.84501, "rows": 3}})
    assert "test rows   auc 0.8450\n" in said(print_run, run)
    assert "judge" not in said(print_runs, [run])
    assert "metrics   auc 0.8450, rows 3\n" in run.summary()


def test_small_figures_keep_their_digits(tmp_path, said) -> None:
    run = a_run(tmp_path, {"judge": {"rmse": 2.1345e-06, "mae": 0.0}})
    for shown in (said(print_run, run), said(print_runs, [run]), run.summary(), run._repr_html_()):
        assert "rmse 2.13e-06" in shown
        assert "mae 0.0000" in shown


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_status_and_time_survive_in_any_terminal(tmp_path, said, columns) -> None:
    run = a_run(tmp_path, {NAME: {"auc": 0.84501}}, REASON)
    listed = said(print_runs, [run], columns)
    assert all(part in listed for part in (ID, "Succeeded", "12.50 s", "big"))
    shown = said(print_run, run, columns)
    assert all(part in shown for part in ("Succeeded", "3.00 s", "1117 MiB"))


def test_where_there_is_no_room_a_reason_has_a_line_of_its_own(tmp_path, said) -> None:
    run = a_run(tmp_path, {NAME: {"auc": 0.84501}}, REASON)
    assert f"\n{NAME}: {REASON}\n" in said(print_run, run, 80)
    wide = said(print_run, run, 200)
    assert f"{NAME}:" not in wide
    assert REASON in wide


def test_what_a_step_says_cannot_steer_the_terminal(tmp_path, said) -> None:
    run = a_run(tmp_path, {"judge": {"auc": 0.8}}, "\x1b[31mred\x1b[0m \x1b]0;title\x07end")
    shown = said(print_run, run)
    assert "red end" in shown
    assert "\x1b" not in shown


def test_a_run_in_a_notebook_is_short_and_escaped(tmp_path) -> None:
    run = a_run(
        tmp_path, {"judge": {"<i>auc</i>": 0.84501}}, name="<script>", status="Failed", reason="no <rows> & more"
    )
    html = run._repr_html_()
    for part in ("&lt;script&gt;", "Failed in 12.50 s", "no &lt;rows&gt; &amp; more", "&lt;i&gt;auc&lt;/i&gt; 0.8450",
                 "registered champ version 3, Approved", f"<code>{tmp_path / 'report.html'}</code>"):  # fmt: skip
        assert part in html
    assert not any(part in html for part in ("<script", "<i>", "<rows"))
    assert not (tmp_path / "report.html").exists()  # looking at a run makes nothing


def test_steps_of_a_run_print_as_lines_and_are_a_mapping(tmp_path) -> None:
    run = a_run(tmp_path, {"judge": {}, "judge_again": {}}, "first line\nsecond")
    assert repr(run.steps).split("\n") == [
        "judge        Succeeded  3.00 s  first line",
        "judge_again  Succeeded  3.00 s  first line",
    ]
    assert (list(run.steps), len(run.steps), "judge" in run.steps) == (["judge", "judge_again"], 2, True)
    assert run.steps == dict(run.steps) == Run.load(tmp_path).steps
    with pytest.raises(TypeError):
        run.steps["other"] = run.steps["judge"]  # type: ignore[index]


def places_in(value: Any, trail: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in JSON data."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in inner for place in ((*trail, key), *places_in(each, (*trail, key)))]


DAMAGED = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.just([])
    | st.just({})
    | st.just([5])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_manifest_is_shown_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    a_run(folder, {"one": {"auc": 0.8}}, why="so")
    manifest = json.loads((folder / "run.json").read_text())
    *above, last = data.draw(st.sampled_from(places_in(manifest)))
    inside = manifest
    for key in above:
        inside = inside[key]
    if data.draw(st.booleans()):
        del inside[last]
    else:
        inside[last] = data.draw(DAMAGED)
    (folder / "run.json").write_text(json.dumps(manifest))
    with contextlib.suppress(SourceError):
        run = Run.load(folder)
        assert run.id in run._repr_html_()
        assert run.summary()
        print_run(run)
        print_runs([run])


def test_a_damaged_manifest_says_all_that_is_wrong(tmp_path: Path) -> None:
    a_run(tmp_path, {"one": {"auc": 0.8}})
    manifest = json.loads((tmp_path / "run.json").read_text())
    del manifest["reason"]
    manifest["models"][0]["version"] = "x"
    manifest["steps"]["one"]["outputs"] = [5]
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(
        SourceError, match=r"is damaged(.|\n)*lacks 'reason'(.|\n)*'one': outputs is \[5\](.|\n)*version is 'x'"
    ):
        Run.load(tmp_path)
