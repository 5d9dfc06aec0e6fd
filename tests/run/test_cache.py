"""Results that are taken again, and why others are not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, strategies as st

from fluentpipe import stamps
from fluentpipe.errors import GateFailed, RunError, SourceError
from fluentpipe.run import Run, hashing, record, registry
from fluentpipe.run.cache import Cache
from fluentpipe.run.hashing import Hashes, by_index, index_of
from fluentpipe.run.identity import difference
from fluentpipe.run.policies import seconds_of
from fluentpipe.stamps import file_sha256

from .pipelines import IN, OUT, RUN, SPLIT, TRAIN, Sketch, canonical, output, packed

JOBS = ("Split", "Train", "Evaluate")


def cached(result: Run) -> list[str]:
    """The steps whose results were taken again."""
    return [name for name, step in result.steps.items() if step.cached]


def trained(sketch: Sketch, **hyperparameters: str) -> Sketch:
    sketch.steps[1]["Arguments"]["HyperParameters"].update(hyperparameters)
    return sketch


def with_script(position: int, name: str, script: str) -> Sketch:
    sketch = canonical()
    places = sketch.steps[position]["Arguments"]["ProcessingInputs"]
    places[0]["S3Input"]["S3Uri"] = sketch.asset({name: script})
    return sketch


def test_the_same_again_carries_out_nothing_and_looks_the_same(run, rows):
    first, second = (run(canonical(), parameters={"data": rows}) for _ in range(2))
    assert cached(first) == []
    assert cached(second) == list(JOBS)
    assert {each.steps["Train"].reason for each in (first, second)} == {
        "",
        f"cached, from run {first.id}",
    }
    assert second.metrics == first.metrics
    assert second.id != first.id
    for name in JOBS:
        one, other = first.steps[name], second.steps[name]
        assert one.log.read_text() == other.log.read_text()
        assert {key: path.relative_to(first.path) for key, path in one.outputs.items()} == {
            key: path.relative_to(second.path) for key, path in other.outputs.items()
        }
        assert all(path.exists() for path in other.outputs.values())


def test_the_same_again_registers_nothing_new(run, rows, tmp_path):
    first, second = (run(canonical(), parameters={"data": rows}) for _ in range(2))
    assert first.models == second.models
    assert [path.name for path in (tmp_path / "home/registry/churn-models").iterdir()] == ["1"]


def test_what_is_registered_already_is_not_copied_and_what_is_taken_is_not_written_as_running(run, rows, monkeypatch):
    first = run(canonical(), parameters={"data": rows})
    written = []
    monkeypatch.setattr(
        record, "write_atomically", lambda path, text, **_: written.append((path, text)) or path.write_text(text)
    )
    monkeypatch.setattr(registry, "Placed", None)
    second = run(canonical(), parameters={"data": rows})
    assert second.models == first.models
    states = [json.loads(text)["steps"] for path, text in written if path.name == "run.json"]
    assert "Running" not in {state[name]["status"] for state in states for name in JOBS}
    told = [json.loads(line) for line in (second.path / "events.jsonl").read_text().splitlines()]
    assert {each["step"] for each in told if each["event"] == "step Running"} >= set(JOBS)


def test_a_model_that_differs_from_the_newest_is_a_new_version_even_if_it_was_there_before(run, rows):
    runs = [run(trained(canonical(), max_depth=depth), parameters={"data": rows}) for depth in ("8", "6", "8")]
    assert [each.models[0].version for each in runs] == [1, 2, 3]


def test_the_same_rows_in_another_place_are_the_same(run, rows, tmp_path):
    run(canonical(), parameters={"data": rows})
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "rows.csv"
    other.write_bytes(rows.read_bytes())
    assert cached(run(canonical(), parameters={"data": other})) == list(JOBS)


def test_neither_bucket_nor_role_nor_region_nor_code_uri_matters(run, rows):
    run(canonical(), parameters={"data": rows})
    sketch = canonical()
    text = json.dumps(sketch.steps).replace("my-bucket/", "elsewhere/deep/").replace("us-east-1", "eu-west-1")
    sketch.steps = json.loads(text.replace("role/SageMakerRole", "role/Other"))
    for asset in sketch.assets:
        object.__setattr__(asset, "uri", asset.uri.replace("my-bucket/", "elsewhere/deep/"))
    assert cached(run(sketch, parameters={"data": rows})) == list(JOBS)


def test_an_execution_id_among_the_arguments_does_not_matter_here(run):
    def sketch() -> Sketch:
        made = Sketch()
        made.processing("A", "import sys; print(sys.argv[1])", arguments=(RUN,))
        return made

    first, second = run(sketch()), run(sketch())
    assert cached(second) == ["A"]
    assert second.steps["A"].log.read_text().strip() in first.id


# (what is changed, what is cached nevertheless, step, why it is carried out)
MISSES = {
    "a setting": (lambda: trained(canonical(), max_depth="6"), ["Split"], "Train", "setting max_depth 8 -> 6"),
    "a new setting": (lambda: trained(canonical(), gamma="1"), ["Split"], "Train", "setting gamma unset -> 1"),
    "code": (
        lambda: with_script(0, "main.py", SPLIT.replace("rows[2:]", "rows[:2]")),
        ["Train"],
        "Split",
        "code main.py changed",
    ),
    "new code": (lambda: with_script(2, "more.py", "1"), ["Split", "Train"], "Evaluate", "code main.py is gone; code more.py is new"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "kept", "step", "why"), MISSES.values(), ids=MISSES)
def test_a_change_is_carried_out_and_said(make, kept, step, why, run, rows):
    run(canonical(), parameters={"data": rows})
    result = run(make(), parameters={"data": rows}, check=False)
    told = [json.loads(line) for line in (result.path / "events.jsonl").read_text().splitlines()]
    assert why in {event.get("reason") for event in told if event.get("step") == step}
    assert cached(result) == kept


def test_other_rows_are_an_input_that_changed(run, rows):
    run(canonical(), parameters={"data": rows})
    rows.write_text("1\n2\n4\n")
    result = run(canonical(), parameters={"data": rows})
    assert result.steps["Split"].reason == "input data changed"
    assert cached(result) == ["Train"]  # its rows are the same
    assert result.steps["Evaluate"].reason == "input test changed"


def test_an_edited_comment_runs_one_step_again_and_nothing_behind_it(run, rows):
    run(canonical(), parameters={"data": rows})
    result = run(with_script(0, "main.py", SPLIT + "# a comment"), parameters={"data": rows})
    assert cached(result) == ["Train", "Evaluate"]


def test_code_that_was_packed_at_another_time_is_the_same_code(run, rows):
    def sketch(mtime: int) -> Sketch:
        import gzip
        import io
        import tarfile

        stream = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=stream, mode="wb", mtime=mtime) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as tar,
        ):
            member = tarfile.TarInfo("train.py")
            member.size, member.mtime = len(TRAIN.encode()), mtime
            tar.addfile(member, io.BytesIO(TRAIN.encode()))
        made = Sketch()
        made.training("T", "", channels={"train": made.asset({"rows.csv": "1\n2\n"})}, code=stream.getvalue())
        return made

    run(sketch(1))
    assert cached(run(sketch(2))) == ["T"]


def test_without_the_cache_nothing_is_taken_and_nothing_kept(run, rows, tmp_path):
    for _ in range(2):
        assert cached(run(canonical(), parameters={"data": rows}, cache=False)) == []
    assert not list((tmp_path / "home" / "cache").glob("*"))


def test_from_a_step_on_everything_is_carried_out_anew(run, rows):
    run(canonical(), parameters={"data": rows})
    result = run(canonical(), parameters={"data": rows}, from_step="Train")
    assert cached(result) == ["Split"]
    assert result.steps["Train"].reason == "asked for"
    assert cached(run(canonical(), parameters={"data": rows})) == list(JOBS)


def test_one_step_alone_runs_on_the_past_run_that_is_named(run, rows, tmp_path):
    first = run(canonical(), parameters={"data": rows})
    rows.write_text("5\n6\n7\n")
    second = run(canonical(), parameters={"data": rows})
    assert run(canonical(), parameters={"data": rows}, only="Train").steps["Split"].cached == second.id
    for name in (first.id, first.id[-5:]):
        alone = run(canonical(), parameters={"data": rows}, only="Train", of_run=name)
        assert alone.steps["Split"].cached == first.id
        assert "trained on ['1', '2']" in alone.steps["Train"].log.read_text()
    with pytest.raises(SourceError, match=r"'nope' is no run"):
        run(canonical(), parameters={"data": rows}, only="Train", of_run="nope")
    with pytest.raises(RunError, match=r"A past run is named for one step only(.|\n)*--only"):
        run(canonical(), parameters={"data": rows}, of_run=first.id)
    with pytest.raises(
        RunError, match=rf"Run {alone.id} has no results of Split, Train, Evaluate for pipeline 'churn'"
    ):
        run(canonical(), parameters={"data": rows}, only="Register", of_run=alone.id)


def test_a_step_that_writes_to_its_inputs_changes_no_kept_result(run, tmp_path):
    """Inputs are copies for whoever may write to them."""
    for size in (10, 9 << 20):
        sketch = Sketch()
        made = f"import pathlib, sys; pathlib.Path(sys.argv[1], 'x').write_bytes(b'1' * {size})"
        sketch.processing("Make", made, outputs=("data",), arguments=(f"{OUT}/data",))
        spoils = "import os, sys; os.chmod(sys.argv[1], 0o644); open(sys.argv[1], 'r+b').write(b'2')"
        given = f"{IN}/data/x"
        sketch.processing("Spoil", spoils, inputs={"data": output("Make", "data")}, arguments=(given,))
        assert run(sketch, check=False).status == "Succeeded"
        sketch.steps.pop()
        again = run(sketch).steps["Make"]
        assert (again.outputs["data"] / "x").read_bytes() == b"1" * size
        assert again.cached


def test_one_step_alone_runs_on_what_the_past_run_left(run, rows):
    first = run(canonical(), parameters={"data": rows})
    rows.write_text("7\n8\n9\n")
    result = run(trained(canonical(), max_depth="2"), parameters={"data": rows}, only="Train")
    assert result.steps["Train"].log.read_text() == "trained on ['1', '2']\n"
    assert (result.steps["Split"].cached, result.steps["Train"].cached) == (first.id, "")
    assert {result.steps[name].status for name in ("Evaluate", "Gate", "Register", "TooLow")} == {"NotExecuted"}
    assert result.models == ()


def test_links_of_a_run_that_lost_its_power_are_not_taken_for_results(run, rows):
    first, second = (run(canonical(), parameters={"data": rows}) for _ in range(2))
    manifest = json.loads((second.path / "run.json").read_bytes())
    (second.path / "run.json").write_text(json.dumps({**manifest, "status": "Running", "ended": None}))
    shutil.rmtree(second.path / "steps" / "Split" / "out")  # what was not synced may be gone
    result = run(trained(canonical(), max_depth="2"), parameters={"data": rows}, only="Train")
    assert (result.steps["Split"].cached, result.status) == (first.id, "Succeeded")


def test_a_step_under_a_gate_runs_alone_whatever_the_gate_says(run, rows, tmp_path):
    with pytest.raises(GateFailed):
        run(canonical(0.9), parameters={"data": rows})
    assert run(canonical(0.9), parameters={"data": rows}, only="Register").models[0].version == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": "Trian"}, r"has no step 'Trian'\. Did you mean 'Train'\?"),
        ({"from_step": "x"}, r"has no step 'x'\.\n  there are: Split, Train"),
        ({"only": "Train"}, r"No run in .* has results of Split for pipeline 'churn'\.\n  fix: run the whole pipeline once"),
        ({"only": "Gate"}, r"Step 'Gate' is a Condition: alone it has nothing to do"),
        ({"only": "Train", "from_step": "Train"}, r"give one of the two"),
        ({"isolation": "docker"}, r"isolation is 'docker'; it is one of "),
    ],
)  # fmt: skip
def test_a_selection_that_cannot_be_is_told_and_nothing_is_started(options, message, run, rows, tmp_path):
    with pytest.raises(RunError, match=message):
        run(canonical(), parameters={"data": rows}, **options)
    assert not (tmp_path / "home" / "runs").exists()


def configured(config: dict) -> Sketch:
    sketch = Sketch()
    sketch.processing("A", "pass")["CacheConfig"] = config
    return sketch


def test_a_definition_may_forbid_the_cache(run):
    sketches = [configured({"Enabled": False}) for _ in range(2)]
    assert [cached(run(each)) for each in sketches] == [[], []]


def test_a_definition_may_let_results_expire(run):
    run(configured({"Enabled": True, "ExpireAfter": "P1D"}))
    assert cached(run(configured({"Enabled": True, "ExpireAfter": "P1D"}))) == ["A"]
    assert cached(run(configured({"Enabled": True, "ExpireAfter": "PT0S"}))) == []


@pytest.mark.parametrize(
    ("text", "seconds"), [("P30D", 2_592_000), ("PT1H30M", 5400), ("P1W", 604_800), ("P4DT12H", 388_800), ("p1y", 31_536_000)]
)  # fmt: skip
def test_durations_are_read_as_iso_8601_has_them(text, seconds):
    assert seconds_of(text) == seconds


def test_a_kept_file_that_was_changed_is_not_taken_again(run, rows):
    first = run(canonical(), parameters={"data": rows})
    model = first.steps["Train"].outputs["model"]
    assert not model.stat().st_mode & 0o222  # a mistake, for all but root
    model.chmod(0o644)
    model.write_bytes(packed({"model.json": '{"sum": 9}'}))
    result = run(canonical(), parameters={"data": rows})
    assert cached(result) == ["Split", "Evaluate"]
    assert result.steps["Train"].reason == "its result is not kept any more"
    assert result.metrics == {"auc": 0.3}


def test_what_a_failed_step_left_is_not_kept(run):
    def sketch(code: int) -> Sketch:
        made = Sketch()
        made.processing("A", f"raise SystemExit({code})")
        return made

    run(sketch(1), check=False)
    assert run(sketch(1), check=False).status == "Failed"


def test_the_run_after_a_failed_one_continues_where_it_was(run, rows):
    broken = with_script(2, "main.py", "raise SystemExit('no')")
    run(broken, parameters={"data": rows}, check=False)
    assert cached(run(canonical(), parameters={"data": rows})) == ["Split", "Train"]


def test_secrets_are_in_no_file_of_the_cache(run, tmp_path):
    def sketch(secret: str) -> Sketch:
        made = Sketch()
        made.processing("A", "pass", environment={"DB_PASSWORD": secret})
        return made

    run(sketch("hunter2-hunter2"))
    again = run(sketch("hunter3-hunter3"))
    assert again.steps["A"].reason == "the order of its arguments, or a secret value, changed"
    texts = [file.read_text() for file in (tmp_path / "home" / "cache").rglob("*") if file.is_file()]
    assert len(texts) > 2
    assert not any("hunter" in text for text in texts)


def test_values_of_a_cached_training_are_those_of_the_one_that_ran(run, rows):
    def sketch(script: str) -> Sketch:
        made = Sketch()
        made.training("T", TRAIN, channels={"train": made.asset({"rows.csv": "1\n2\n"})})
        time_of = {"Get": "Steps.T.TrainingEndTime"}
        made.processing("A", script, arguments=(time_of, {"Get": "Steps.T.TrainingJobName"}))
        return made

    first = run(sketch("import sys; print(*sys.argv[1:])"))
    assert cached(run(sketch("import sys; print(*sys.argv[1:])"))) == ["T", "A"]
    second = run(sketch("import sys; print(*sys.argv[1:], '!')"))
    ended, name = second.steps["A"].log.read_text().split()[:2]
    assert first.steps["A"].log.read_text().split()[0] == ended
    assert name == f"pipelines-{second.id.rpartition('-')[2]}-T"  # as the run calls it


parts = st.dictionaries(
    st.sampled_from(["setting a", "code b.py", "input c", "argument --d", "x"]), st.text(max_size=9)
)


@given(parts, parts)
def test_a_difference_names_what_differs_and_nothing_else(before, now):
    said = difference(before, now)
    for name in {*before, *now}:
        differs = before.get(name) != now.get(name)
        assert not differs or name in said or " more" in said


@pytest.fixture
def read(monkeypatch):
    """The files that are read for their hashes; a file counts as left alone as soon as it is written."""
    found = []

    def noted(path):
        found.append(path)
        return file_sha256(path)

    monkeypatch.setattr(hashing, "file_sha256", noted)
    monkeypatch.setattr(stamps, "_SETTLED_NS", 0)
    monkeypatch.setattr(stamps, "_known", {})
    return found


def test_an_unchanged_large_file_is_read_once(read, tmp_path):
    file, index = tmp_path / "large", tmp_path / "index"
    file.write_bytes(b"x" * 100_000)
    digest = Hashes(index).file(file)
    assert Hashes(index).file(file) == digest
    assert len(read) == 1
    os.utime(file, (1, 1))
    assert Hashes(index).file(file) == digest
    assert len(read) == 2


def test_a_file_that_got_its_old_size_and_time_again_is_read(read, tmp_path):
    """As `tar` and `cp -p` leave it, or a program that does not want to be noticed."""
    file, index = tmp_path / "large", tmp_path / "index"
    for letter in (b"x", b"y"):
        file.write_bytes(letter * 100_000)
        os.utime(file, (1, 1))
        assert Hashes(index).file(file) == hashlib.sha256(letter * 100_000).hexdigest()


def test_what_was_hashed_for_the_definition_is_not_read_again_by_the_run(read, tmp_path):
    file = tmp_path / "large"
    file.write_bytes(b"x" * 100_000)
    digest = by_index(tmp_path / "home")(file)
    assert Hashes(index_of(tmp_path / "home")).file(file) == digest.hex()
    stamps._known.clear()  # as in another process
    assert by_index(tmp_path / "home")(file) == digest
    assert len(read) == 1
    file.write_bytes(b"y" * 100_000)
    assert by_index(tmp_path / "home")(file) == hashlib.sha256(b"y" * 100_000).digest()


def test_a_torn_index_costs_reading_only(read, tmp_path):
    file, index = tmp_path / "large", tmp_path / "index"
    file.write_bytes(b"x" * 100_000)
    digest = Hashes(index).file(file)
    index.write_bytes(index.read_bytes()[:-30] + b'\xff["\n[1]\n{}\n5\nnull\n["a", 1, 2, 3, 4, "b"]\n')
    assert Hashes(index).file(file) == digest
    assert len(read) == 2


def test_a_file_that_was_just_written_is_not_trusted_to_stay(tmp_path):
    file = tmp_path / "large"
    file.write_bytes(b"x" * 100_000)
    hashes = Hashes(tmp_path / "index")
    digest, status = hashes.file(file), file.stat()
    file.write_bytes(b"y" * 100_000)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert hashes.file(file) != digest


def test_runs_at_once_share_one_cache_and_register_one_version(run, rows):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: run(canonical(), parameters={"data": rows}), range(4)))
    assert {each.status for each in results} == {"Succeeded"}
    assert [each.models[0].version for each in results] == [1] * 4
    assert cached(run(canonical(), parameters={"data": rows})) == list(JOBS)


def test_a_result_that_goes_while_it_is_taken_is_made_again(run, rows, tmp_path):
    cache, over = Cache(tmp_path / "home", "other"), threading.Event()

    def remove_all_the_time() -> None:
        while not over.is_set():
            for entry in cache.entries():
                cache.drop(entry.path)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(remove_all_the_time)
        try:
            results = [run(canonical(), parameters={"data": rows}) for _ in range(3)]
        finally:
            over.set()
        future.result()
    assert {each.status for each in results} == {"Succeeded"}
    assert {each.metrics["auc"] for each in results} == {0.3}


@pytest.mark.parametrize("name", ["Tags", "S3Uri", "NetworkConfig", "ImageUri", "LEVEL"])
def test_a_variable_counts_whatever_its_name(name, run):
    def said(value: str) -> str:
        sketch = Sketch()
        sketch.processing("A", f"import os; print(os.environ['{name}'])", environment={name: value})
        return run(sketch).steps["A"].log.read_text().strip()

    assert (said("a/1"), said("b/1"), said("a/1")) == ("a/1", "b/1", "a/1")
