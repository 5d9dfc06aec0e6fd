"""The page of a run: complete, sealed, and true to the folder it is made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fluentpipe.report import evidence, page as page_module, write_report

from .folders import HASH, Folder, evaluation, gate, model, packed, schema, whole
from .reading import check

SEEN = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOSTILE = [
    "</title></style></svg><script>alert(1)</script>",
    '" onload="alert(1)',
    "{{ 7 * 7 }}{% raw %}",
    "\x00\x1b\ud800&amp;",
]


def page_of(folder: Path) -> Any:
    return check(write_report(folder).read_text("utf-8"))


@pytest.mark.parametrize(
    ("task", "names", "titles"),
    [
        ("binary", ("No", "Yes"), ["ROC", "Precision and recall", "Confusion", "Calibration", "Predictions", "By threshold"]),
        ("multiclass", ("a", "b", "c"), ["ROC", "Precision and recall", "Confusion", "Calibration", "Predictions", "By class"]),
        ("regression", (), ["Predictions", "Actual and predicted", "Errors by prediction", "Errors"]),
    ],
)  # fmt: skip
def test_every_task_has_its_drawings(tmp_path, task, names, titles) -> None:
    page = page_of(whole(tmp_path, task, names=names))
    found = [title for title in titles if f"<h3>{title}</h3>" in page.text]
    assert found == titles
    report, _ = evaluation(task, names)
    for name, value in report["metrics"].items():
        assert f" {name} " in page.said
        assert f"{value:.4f}" in page.said or abs(value) >= 10


def test_small_figures_keep_their_digits(tmp_path) -> None:
    folder = Folder(tmp_path)
    folder.step("evaluate")
    figures = {"rmse": 2.1345e-06, "mae": 0.00042, "r2": -0.00051, "mse": 0.0, "mape": 0.001, "auc": 0.84501}
    folder.output("evaluate", "report", {"evaluation.json": {"metrics": figures}})
    said = page_of(folder.write()).said
    for words in ("rmse 2.13e-06", "mae 0.00042", "r2 -0.00051", "mse 0.0000", "mape 0.0010", "auc 0.8450"):
        assert words in said


@pytest.mark.parametrize(
    ("task", "names", "words"),
    [
        ("multiclass", ("a", "b", "c"), ["F1, mean over the classes", "found, mean over the classes", "are of it, mean over"]),
        ("binary", ("No", "Yes"), ["harmonic mean of precision and recall", "share of the positive that were found"]),
    ],
)  # fmt: skip
def test_figures_are_explained_as_the_task_computes_them(tmp_path, task, names, words) -> None:
    said = page_of(whole(tmp_path, task, names=names)).said
    assert [each for each in words if each not in said] == []
    assert ("mean over the classes" in said) is (task == "multiclass")


@pytest.mark.parametrize("classes", [8, 9, 12, 14])
def test_what_is_left_out_of_many_classes_is_said(tmp_path, classes) -> None:
    names = tuple(f"class {place}" for place in range(classes))
    page = page_of(whole(tmp_path, "multiclass", names=names))
    assert page.said.count(f"the first 8 of {classes} classes") == (
        2 if classes > 8 else 0
    )  # ROC, precision and recall
    assert ("<h3>By class</h3>" in page.text) is (classes <= 12)
    assert (f"by class are not drawn for {classes} classes" in page.said) is (classes > 12)


def test_counts_are_in_words(tmp_path) -> None:
    assert "the first 20 of 30 features" in page_of(whole(tmp_path / "whole")).said
    folder = Folder(tmp_path / "one")
    folder.step("load")
    assert " 1 step done" in page_of(folder.write()).said


def test_colours_of_a_terminal_are_not_in_the_page(tmp_path) -> None:
    folder = Folder(tmp_path, status="Failed", reason="no \x1b[1;31mred\x1b[0m")
    folder.step("load", status="Failed", log="log.txt", reason="no \x1b[31mred\x1b[0m")
    (folder.write() / "log.txt").write_text("\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b(Band \x1b[2K[3] plain")
    page = page_of(tmp_path)
    assert page.said.count("no red") == 3  # of the run, in the drawing, of the step
    assert "red and [3] plain" in page.said
    assert "\ufffd" not in page.text


def test_the_page_says_what_the_run_was_made_of(tmp_path) -> None:
    page = page_of(whole(tmp_path))
    for part in (
        "3 steps done", "10.0 s", "1 January 2026, 00:00 UTC", HASH, "cd" * 32, "python 3.12.1", "max_depth 3", "limit 0.8",
        "a warning of the evaluation", "2 test rows are equal to a training row", "Model of churn", "tenure integer 4 (1.0%) 70",
        "train 300", "column 0: 50.0% of the gain, 9 splits",
    ):  # fmt: skip
        assert part in page.said, part


def test_the_lineage_has_the_hash_of_the_model(tmp_path) -> None:
    import hashlib

    whole(tmp_path)
    archive = tmp_path / "steps" / "train" / "out" / "model.tar.gz"
    archive.write_bytes(archive.read_bytes() + bytes(3 << 20))  # more than is read at a time
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in page_of(tmp_path).said


@pytest.mark.parametrize(
    ("condition", "tile", "verdict"),
    [
        (gate("metrics.auc", 0.5), "✓ needs ≥ 0.5", "≥ 0.5 holds"),
        (gate("$.metrics.auc", {"Get": "Parameters.limit"}), "✓ needs ≥ 0.8", "≥ 0.8 holds"),
        (gate("metrics.log_loss", 0.01, "LessThanOrEqualTo"), "✕ needs ≤ 0.01", "≤ 0.01 missed"),
        (gate("metrics.nothing", 0.5), "", "– ≥ 0.5 not known"),
    ],
)
def test_figures_stand_against_what_the_gate_requires(tmp_path, condition, tile, verdict) -> None:
    page = page_of(whole(tmp_path, "binary", condition))
    assert tile in page.said
    assert verdict in page.said


REACHED, UNREACHED = {}, {"status": "NotExecuted", "reason": "strict took the other branch"}


@pytest.mark.parametrize(
    ("gates", "tile", "rows"),
    [
        # 0.7 and 0.5 hold, 0.99 is missed: the missed one is shown wherever it stands, then the one with least to spare.
        ([(0.99, REACHED), (0.7, UNREACHED)], "✕ needs ≥ 0.99", ["≥ 0.99 missed", "≥ 0.7 not reached"]),
        ([(0.99, REACHED), (0.5, REACHED)], "✕ needs ≥ 0.99", ["≥ 0.99 missed", "≥ 0.5 holds"]),
        ([(0.7, REACHED), (0.5, REACHED)], "✓ needs ≥ 0.7", ["≥ 0.7 holds", "≥ 0.5 holds"]),
        ([(0.5, REACHED), (0.7, UNREACHED)], "✓ needs ≥ 0.5", ["≥ 0.5 holds", "≥ 0.7 not reached"]),
        ([(0.7, UNREACHED)], "– needs ≥ 0.7 not reached", ["≥ 0.7 not reached"]),
    ],
)
def test_of_several_requirements_the_strictest_that_was_asked_is_shown(tmp_path, gates, tile, rows) -> None:
    folder = Folder(tmp_path)
    folder.step("evaluate")
    report, _ = evaluation("binary", ("No", "Yes"))
    assert 0.7 < report["metrics"]["auc"] < 0.99
    folder.output("evaluate", "report", {"evaluation.json": report})
    for place, (limit, facts) in enumerate(gates):
        folder.gate(f"gate_{place}", [gate("metrics.auc", limit)], **facts)
    page = page_of(folder.write())
    assert tile in page.said
    assert all(row in page.said for row in rows)
    assert ('class="tile holds"' in page.text, 'class="tile missed"' in page.text) == ("✓" in tile, "✕" in tile)


@pytest.mark.parametrize(
    ("conditions", "says", "verdict"),
    [
        ([gate("metrics.auc", 0.5, "LessThan")], "metrics.auc", "≥ 0.5 holds"),
        ([gate("metrics.auc", 0.5)], "metrics.auc", "< 0.5 missed"),
        ([{"Type": "Not", "Condition": gate("metrics.auc", 0.5)}], "metrics.auc", "≥ 0.5 holds"),
        ([gate("metrics.auc", 0.5, "LessThan"), gate("metrics.f1", 2, "LessThan")], "auc ≥ 0.5 or f1 ≥ 2", "holds"),
        ([gate("metrics.auc", 2, "Equals")], "not (auc = 2)", "holds"),
    ],
)
def test_a_branch_that_ends_the_run_requires_the_opposite(tmp_path, conditions, says, verdict) -> None:
    folder = Folder(tmp_path)
    folder.step("evaluate")
    folder.output("evaluate", "report", {"evaluation.json": evaluation("binary", ("No", "Yes"))[0]})
    folder.gate("bad", conditions, "IfSteps")
    said = page_of(folder.write()).said.partition("What was required")[2]
    assert says in said
    assert verdict in said


@pytest.mark.parametrize(
    ("limit", "status", "states", "took"),
    [
        (0.99, "Succeeded", ("NotExecuted", "Succeeded"), "took the Else branch"),
        (0.5, "Succeeded", ("Succeeded", "NotExecuted"), "took the If branch"),
        (0.99, "Succeeded", ("NotExecuted", "NotExecuted"), "took the Else branch"),  # by the figures alone
        (0.5, "NotExecuted", ("NotExecuted", "NotExecuted"), "not reached"),
    ],
)
def test_a_condition_that_ends_nothing_is_a_decision_and_never_red(tmp_path, limit, status, states, took) -> None:
    folder = Folder(tmp_path)
    folder.step("evaluate")
    folder.output("evaluate", "report", {"evaluation.json": evaluation("binary", ("No", "Yes"))[0]})
    branches = {"IfSteps": [{"Name": "yes", "Type": "Training"}], "ElseSteps": [{"Name": "no", "Type": "Training"}]}
    folder.step(
        "is_perfect", "Condition", arguments={"Conditions": [gate("metrics.auc", limit)], **branches},
        status=status, reason="metrics.auc: 0.86 is …",
    )  # fmt: skip
    for name, state in zip(("yes", "no"), states, strict=True):
        folder.steps[name] = {"status": state, "outputs": {}}
    page = page_of(folder.write())
    assert f"is_perfect auc ≥ {limit} metrics.auc: 0.86 is … {took}" in page.said
    assert "What was required" not in page.said
    assert "missed" not in page.text.partition("</style>")[2]


def test_conditions_on_anything_else_are_no_requirements(tmp_path) -> None:
    others = [
        {"Type": "Equals", "LeftValue": 1, "RightValue": 1}, {"Type": "Or", "Conditions": [{"Type": "Odd"}]},
        {"Type": "LessThan", "LeftValue": {"Get": "Parameters.limit"}, "RightValue": 3}, "odd", None,
    ]  # fmt: skip
    assert "What was required" not in page_of(whole(tmp_path, "binary", *others)).said


AUC, LOSS = gate("metrics.auc", 0.5), gate("metrics.log_loss", 0.01, "LessThanOrEqualTo")
UNKNOWN = gate("metrics.nothing", 1)


@pytest.mark.parametrize(
    ("condition", "says", "verdict"),
    [
        ({"Type": "Or", "Conditions": [LOSS, AUC]}, "log_loss ≤ 0.01 or auc ≥ 0.5", "holds"),
        ({"Type": "Or", "Conditions": [LOSS, LOSS]}, "log_loss ≤ 0.01 or log_loss ≤ 0.01", "missed"),
        ({"Type": "Or", "Conditions": [UNKNOWN, AUC]}, "nothing ≥ 1 or auc ≥ 0.5", "holds"),
        ({"Type": "Or", "Conditions": [UNKNOWN, LOSS]}, "nothing ≥ 1 or log_loss ≤ 0.01", "not known"),
        ({"Type": "Not", "Condition": LOSS}, "not (log_loss ≤ 0.01)", "holds"),
        ({"Type": "Not", "Condition": UNKNOWN}, "not (nothing ≥ 1)", "not known"),
        ({"Type": "In", "QueryValue": AUC["LeftValue"], "Values": [1, 2]}, "auc in [1, 2]", "missed"),
        ({**AUC, "Type": "Equals"}, "auc = 0.5", "missed"),
        ({**AUC, "RightValue": "much"}, "auc ≥ much", "not known"),
    ],
)
def test_conditions_of_every_kind_are_drawn_and_judged(tmp_path, condition, says, verdict) -> None:
    page = page_of(whole(tmp_path, "binary", condition))
    assert f"{says} {verdict}" in page.said  # the row of what was required
    assert says[:25] in page.text.partition("<table")[0]  # the step in the graph, where it may be shortened


HISTORY = [{"auc": [0.5, 0.8, 0.7], "logloss": [0.7, 0.5, 0.6]}, {"auc": [0.5, 0.6], "logloss": [0.7, 0.65]}]


def test_how_a_model_learned_is_drawn_from_its_history(tmp_path) -> None:
    whole(tmp_path)
    beside = tmp_path / "steps" / "train" / "out" / "output.tar.gz"
    beside.write_bytes(packed({"history.json": json.dumps({"version": 1, "validation": HISTORY}).encode()}))
    said = page_of(tmp_path).said
    for part in (
        "How train learned",
        "fold 1",
        "fold 2",
        "fold 1: best in round 1, logloss 0.5",
        "fold 2: best in round 1, logloss 0.65",
    ):
        assert part in said, part


def test_how_a_model_of_others_learned_is_drawn_from_what_xgboost_printed(tmp_path) -> None:
    whole(tmp_path)
    lines = [
        "starting",
        *(f"[{n}]\ttrain-rmse:{5 / (n + 1):.3f}\tvalidation-rmse:{6 / (n + 1) + n / 9:.3f}" for n in range(9)),
        "[9] odd",
    ]
    log = json.loads((tmp_path / "run.json").read_bytes())["steps"]["train"]["log"] or "log.txt"
    manifest = json.loads((tmp_path / "run.json").read_bytes())
    manifest["steps"]["train"]["log"] = log
    (tmp_path / "run.json").write_text(json.dumps(manifest))
    (tmp_path / log).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / log).write_text("\n".join(lines))
    said = page_of(tmp_path).said
    assert "validation: best in round 6, rmse 1.524" in said
    assert "train: best in round 8, rmse 0.556" in said


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b'{"validation": 3}', b'{"validation": [{"a": ["x", 1]}, 4, null]}', b"{", b""]
)
def test_a_history_of_another_shape_is_as_if_it_were_not_there(tmp_path, content) -> None:
    whole(tmp_path)
    (tmp_path / "steps" / "train" / "out" / "output.tar.gz").write_bytes(packed({"history.json": content}))
    assert "How train learned" not in page_of(tmp_path).said


def searched(direction: str = "Maximize", name: str = "eta") -> dict[str, Any]:
    """trials.json of a search: the third trial is the best, two did not come to their end."""
    found = [
        ("Completed", 0.7125, ""),
        ("Failed", None, "no memory"),
        ("Completed", 0.80621, ""),
        ("Stopped", 0.9, "fell behind"),
    ]
    trials = [
        {
            "number": place, "hyperparameters": {name: f"0.0{place}12345", "max_depth": str(place)}, "status": status,
            "value": value, "seconds": 30.0 * place, "reason": reason, "cached": "20260101" if place == 1 else "",
        }
        for place, (status, value, reason) in enumerate(found, 1)
    ]  # fmt: skip
    best = 3 if direction == "Maximize" else 1
    return {"version": 1, "metric": "auc", "direction": direction, "best": best, "trials": trials}


def tuned(path: Path, table: Any) -> Path:
    folder = Folder(path)
    folder.step("tune", "Tuning")
    folder.steps["tune"]["outputs"] = {"trials": "steps/tune/out/trials.json"}
    (path / "steps" / "tune" / "out").mkdir(parents=True, exist_ok=True)
    (path / "steps" / "tune" / "out" / "trials.json").write_text(json.dumps(table))
    return folder.write()


@pytest.mark.parametrize(
    ("direction", "first", "second", "words"),
    [
        ("Maximize", "3 0.80621 1 min 30 s 0.03123 3 the best", "1 0.71250 kept 0.01123 1", "more is better"),
        ("Minimize", "1 0.71250 kept 0.01123 1 the best", "3 0.80621 1 min 30 s 0.03123 3", "less is better"),
    ],
)
def test_the_trials_of_a_search_are_listed_the_best_first(tmp_path, direction, first, second, words) -> None:
    said = page_of(tuned(tmp_path, searched(direction))).said
    assert (
        f"4 trials of tune , 5 min 0 s of training; the best auc first ({words}); 2 did not come to their end." in said
    )
    rows = ["trial auc time eta max_depth", first, second, "4 0.90000 2 min 0 s 0.04123 4 Stopped fell behind"]
    assert f"{' '.join(rows)} 2 – 1 min 0 s 0.02123 2 Failed no memory" in said


def test_a_run_that_a_gate_ended_says_what_was_found(tmp_path) -> None:
    folder = Folder(tmp_path, status="Failed", reason="Step 'gate_failed' ended the run: required: auc >= 0.95")
    folder.gate("gate", [gate("metrics.auc", 0.95)], reason="metrics.auc: 0.844996 is not >= 0.95")
    folder.steps["gate_failed"]["status"] = "Failed"
    said = page_of(folder.write()).said
    assert "required: auc >= 0.95 Found by gate: metrics.auc: 0.844996 is not >= 0.95" in said


def test_a_failed_run_shows_why_with_the_end_of_the_log(tmp_path) -> None:
    folder = Folder(tmp_path, status="Failed", reason="Step 'load' failed with exit code 3: no <rows>.")
    folder.step("load", status="Failed", reason="failed", log="steps/load/log.txt")
    folder.step("train", "Training", ("load",), status="NotExecuted", started=None, ended=None, seconds=None)
    (tmp_path / "steps" / "load").mkdir(parents=True)
    (tmp_path / "steps" / "load" / "log.txt").write_text("\n".join(f"line {number} &" for number in range(500)))
    page = page_of(folder.write())
    assert "Why it ended Step 'load' failed with exit code 3: no <rows>." in page.said
    assert "line 499 &" in page.said
    assert "line 400 &" not in page.said
    assert "0 steps done, 1 not executed, 1 failed" in page.said


@pytest.mark.parametrize("content", [{}, {"run.json": "[]"}, {"run.json": "{", "definition.json": "{}"}], ids=str)
def test_a_folder_with_nothing_readable_still_makes_a_page(tmp_path, content) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    assert "Lineage" in page_of(tmp_path).said


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    before = write_report(whole(tmp_path)).read_text("utf-8")

    def broken(_: Any) -> str:
        raise RuntimeError("no ink")

    monkeypatch.setattr(page_module, "render", broken)
    with pytest.raises(RuntimeError, match="no ink"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_text("utf-8") == before
    assert not list(tmp_path.glob(".tmp*"))


@SEEN
@given(name=st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec=None), max_size=30)))
def test_no_name_becomes_markup(tmp_path, name: str) -> None:
    folder = Folder(tmp_path / "run", name=name, reason=name)
    folder.manifest["parameters"] = {name: name}
    folder.manifest["models"] = [{"group": name, "version": 1, "approval_status": name}]
    folder.step(name or "x", name, reason=name)
    folder.step("evaluate")
    report, drawn = evaluation("multiclass", ("a", "b", "c"))
    report |= {"label": name, "task": name, "warnings": [name], "metrics": {name: 0.5}}
    report["multiclass_classification_metrics"] = {
        "confusion_matrix": {name: {name: 3, "b": 1}, "b": {name: 1, "b": 2}}
    }
    drawn["by_class"] = {name: drawn["by_class"]["a"], "b": drawn["by_class"]["b"]}
    drawn["histogram"] = {name: drawn["histogram"]["predicted class"]}
    place = folder.path / "steps" / "evaluate" / "out"
    folder.steps["evaluate"]["outputs"] = {name: "steps/evaluate/out/report", "raw": "steps/evaluate/out/raw"}
    for part, files in (
        ("report", {"evaluation.json": report, "curves.json": drawn}),
        ("raw", {"schema.json": schema(name)}),
    ):
        (place / part).mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (place / part / file).write_text(json.dumps(content))
    check(write_report(folder.write()).read_text("utf-8"))
    check(write_report(tuned(tmp_path / "tuned", searched(name, name))).read_text("utf-8"))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> Any:
    """A document in which some values are others."""
    if draw(st.integers(0, 9)) == 0:
        return draw(json_values)
    if isinstance(document, dict):
        return {key: draw(damaged(value)) for key, value in document.items()}
    if isinstance(document, list):
        return [draw(damaged(value)) for value in document[:3]] + document[3:]
    return document


SMALL = {
    "classification": {"confusion_matrix": {"a": {"a": 3, "b": 1}, "b": {"a": 1, "b": 2}}},
    "metrics": {"auc": 0.5, "f1": 12.5}, "rows": 7, "threshold": 0.4, "warnings": ["w"], "classes": ["a", "b"],
}  # fmt: skip
CURVES = {
    "roc": {"false_positive_rates": [0, 0.5, 1], "true_positive_rates": [0, 0.7, 1], "thresholds": [0.9, 0.1]},
    "precision_recall": {"precisions": [1, 0.5], "recalls": [0.4, 1], "thresholds": [0.9, 0.1]},
    "calibration": [{"rows": 3, "mean_probability": 0.2, "positive_share": 0.1}],
    "histogram": {"a": {"edges": [0, 1, 2], "counts": [3, 4]}}, "residuals": {"edges": [-1, 1, 2], "counts": [3, 4]},
    "actual_and_predicted": {"actual": [1, 2], "predicted": [1, 3]}, "by_class": {"a": {"roc": {}}},
}  # fmt: skip


@SEEN
@given(
    report=damaged(SMALL),
    drawn=damaged(CURVES),
    profile=damaged(schema()),
    conditions=damaged([gate("metrics.auc", 0.5)]),
    trials=damaged(searched()),
)
def test_no_content_of_the_files_breaks_the_page(tmp_path, report, drawn, profile, conditions, trials) -> None:
    folder = Folder(tmp_path / "run")
    folder.step("evaluate")
    folder.gate("gate", conditions)
    folder.step("branch", "Condition", arguments={"Conditions": conditions})
    folder.steps["evaluate"]["outputs"] = {"report": "out", "trials": "out/trials.json"}
    (folder.path / "out").mkdir(parents=True, exist_ok=True)
    for name, content in (("evaluation", report), ("curves", drawn), ("schema", profile), ("trials", trials)):
        (folder.path / "out" / f"{name}.json").write_text(json.dumps(content))
    check(write_report(folder.write()).read_text("utf-8"))


@SEEN
@given(manifest=damaged({"name": "x", "seconds": 3.0, "started": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:00:10Z",
                         "models": [{"group": "g", "version": 1}], "parameters": {"a": 1}, "versions": {"python": "3"},
                         "steps": {"a": {"status": "Failed", "log": "log.txt", "outputs": {"o": "out"}, "seconds": 1,
                                         "started": "2026-01-01T00:00:01Z", "ended": None}}}))  # fmt: skip
def test_no_manifest_breaks_the_page(tmp_path, manifest) -> None:
    folder = Folder(tmp_path / "run")
    folder.step("a")
    folder.write()
    (folder.path / "run.json").write_text(json.dumps(manifest))
    check(write_report(folder.path).read_text("utf-8"))


def test_a_model_s_archive_is_read_as_far_as_is_decent(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(evidence, "_LARGEST_LOOK", 1 << 20)
    for name, filler, has_card in (("small", 1 << 10, True), ("bomb", 1 << 22, False)):
        folder = Folder(tmp_path / name)
        folder.step("train", "Training")
        folder.steps["train"]["outputs"]["model"] = "model.tar.gz"
        folder.write()
        (folder.path / "model.tar.gz").write_bytes(model({"a-filler": bytes(filler)}))
        assert ("Model card of train" in page_of(folder.path).said) is has_card


@pytest.mark.parametrize("content", [b"", b"no archive", model()[:300]], ids=["empty", "text", "cut"])
def test_a_damaged_archive_is_no_model_card(tmp_path, content) -> None:
    folder = Folder(tmp_path)
    folder.step("train", "Training")
    folder.steps["train"]["outputs"]["model"] = "model.tar.gz"
    folder.write()
    (tmp_path / "model.tar.gz").write_bytes(content)
    assert "Model card" not in page_of(tmp_path).said


def test_a_model_card_cannot_bring_markup_links_or_pictures(tmp_path) -> None:
    from fluentpipe.report.card import render

    card = "# Card\n\n<script>x</script> [a](https://b.c) ![d](https://e.f/g.png) <https://h.i> `code`\n\n| a |\n|:-:|\n| 1 |\n"
    html = render(card)
    assert "<h3>Card</h3>" in html
    assert "<code>code</code>" in html
    assert "<td>1</td>" in html
    for part in ("<script", "<a ", "<img", "style="):
        assert part not in html
