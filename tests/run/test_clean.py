"""Making room, and what stays."""

from __future__ import annotations

import fcntl
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluentpipe.cli import main
from fluentpipe.run import Run
from fluentpipe.run.alive import Alive, collect_leftovers, is_living, living
from fluentpipe.run.clean import Part, clean
from fluentpipe.run.mirror import Use, mark_used, objects

from .pipelines import OUT, Sketch, canonical

LARGE = f"import os, pathlib; pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'] + '{OUT}/data/x'.removeprefix('/opt/ml')).write_bytes(b'x' * 1_000_000)"


def large(step: str) -> Sketch:
    sketch = Sketch()
    sketch.processing(step, f"{LARGE}; print({step!r})", outputs=("data",))
    return sketch


def taken(result: Run) -> bool:
    return all(step.cached for step in result.steps.values())


def test_everything_goes_that_no_model_needs(run, rows, tmp_path):
    home = tmp_path / "home"
    run(canonical(), parameters={"data": rows})
    run(large("A"))
    assert clean(home, dry=True).results == clean(home).results == 1
    assert not taken(run(large("A")))
    assert run(canonical(), parameters={"data": rows}).steps["Train"].cached


def test_runs_go_on_request_but_not_those_that_a_model_came_from(run, rows, tmp_path):
    home = tmp_path / "home"
    first = run(canonical(), parameters={"data": rows})
    run(large("A"))
    run(canonical(), parameters={"data": rows})
    assert clean(home).runs == 0
    done = clean(home, runs=True)
    assert (done.runs, [path.name for path in (home / "runs").iterdir()]) == (2, [first.id])
    assert first.models[0].path.is_dir()


def test_what_is_linked_from_a_run_frees_nothing_until_the_run_goes(run, tmp_path):
    home = tmp_path / "home"
    run(large("A"))
    assert clean(home, dry=True).size < 100_000
    assert 1_000_000 < clean(home, runs=True, dry=True).size < 1_200_000


def test_a_limit_of_size_removes_the_least_recently_used_first(run, tmp_path):
    home = tmp_path / "home"
    for step in ("A", "B", "C"):
        run(large(step))
        time.sleep(0.01)
    assert taken(run(large("A")))  # used again: B is the oldest now
    assert clean(home, max_size=2_500_000).results == 1
    assert [taken(run(large(step))) for step in ("A", "C", "B")] == [True, True, False]


def test_a_limit_of_age_removes_what_was_not_used_since(run, tmp_path):
    home = tmp_path / "home"
    run(large("A"))
    run(large("B"))
    for entry in (home / "cache").glob("?" * 64):
        os.utime(entry, (time.time() - 100,) * 2)
    assert taken(run(large("A")))
    assert clean(home, max_age=50).results == 1
    assert taken(run(large("A")))


def test_while_a_run_is_alive_no_result_goes_and_neither_does_the_run(run, tmp_path):
    home = tmp_path / "home"
    result = run(large("A"))
    alive = Alive(home, result.id)
    assert living(home) == {result.id}
    assert clean(home, runs=True) == clean(home, runs=True, dry=True)
    assert clean(home, runs=True).results == clean(home, runs=True).runs == 0
    alive.close()
    assert clean(home, runs=True).runs == 1


def test_leftovers_of_a_dead_run_are_collected_and_those_of_a_living_one_are_not(tmp_path):
    places = ["runs/{}/steps/.tmp-A-1", "runs/{}/.tmp-run.json-1", "cache/.tmp-{}-1", "registry/g/.tmp-{}-1"]
    for run_id in ("dead", "alive"):
        for place in places:
            (tmp_path / place.format(run_id)).mkdir(parents=True)
    alive = Alive(tmp_path, "alive")
    (tmp_path / "running" / "dead").touch()
    assert collect_leftovers(tmp_path) == ["dead"]
    assert [(tmp_path / place.format("dead")).exists() for place in places] == [False] * 4
    assert [(tmp_path / place.format("alive")).exists() for place in places] == [True] * 4
    assert (tmp_path / "runs/dead/steps").is_dir()
    alive.close()
    assert living(tmp_path) == frozenset()


def test_two_who_look_at_once_do_not_take_a_dead_run_for_alive(tmp_path):
    (tmp_path / "running").mkdir()
    mark = tmp_path / "running" / "dead"
    mark.touch()
    with mark.open("rb") as another:
        fcntl.flock(another, fcntl.LOCK_SH)  # as a look holds it
        assert living(tmp_path) == frozenset()
        assert not is_living(tmp_path / "runs" / "dead")


def mirrored(home: Path, name: str, size: int, age: float) -> Path:
    """An object in the mirror, last used so many seconds ago."""
    path = home / "s3" / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age, 1_000_000_000))
    return path


def test_objects_of_s3_and_environments_go_by_the_same_limits(run, tmp_path):
    home = tmp_path / "home"
    run(large("A"))
    old, new = mirrored(home, "aa-old", 3_000_000, 500), mirrored(home, "bb-new", 2_000_000, 5)
    environment = home / "environments" / "e"
    environment.mkdir(parents=True)
    (environment / "x").write_bytes(bytes(4_000_000))
    os.utime(environment, (time.time() - 100,) * 2)
    told = clean(home, max_size=8_000_000, dry=True)
    assert told.removed == {"results": Part(), "objects": Part(1, 3_000_000), "environments": Part()}
    assert clean(home, max_size=8_000_000).left["objects"] == Part(1, 2_000_000)
    assert (old.exists(), new.exists(), environment.exists()) == (False, True, True)
    assert clean(home, max_age=50).removed["environments"].count == 1
    assert clean(home).removed["objects"] == Part(1, 2_000_000)
    assert not list(objects(home / "s3"))


def test_an_object_that_was_used_again_is_the_newest(tmp_path):
    first, second = mirrored(tmp_path, "aa-1", 10, 500), mirrored(tmp_path, "bb-2", 10, 100)
    changed = first.stat().st_mtime_ns
    mark_used(first)
    assert first.stat().st_mtime_ns == changed  # by which it is known to be whole
    clean(tmp_path, max_size=10)
    assert (first.exists(), second.exists()) == (True, False)


def test_while_somebody_reads_from_s3_no_object_goes(tmp_path):
    path = mirrored(tmp_path, "aa-1", 10, 500)
    use = Use(tmp_path / "s3")
    assert clean(tmp_path).removed["objects"].count == 0
    assert path.exists()
    use.close()
    assert clean(tmp_path).removed["objects"].count == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "removed 1 results and 0 runs"),
        (["--dry-run", "--runs"], "would remove 1 results and 1 runs: 1.0 MB"),
        (["--size", "5GB"], "removed 0 results"),
        (["--age", "2w"], "removed 0 results"),
        (["--age", "2w"], "results of jobs: 0 of 1, 0.0 of 1.0 MB"),
        (["--size", "5 bananas"], "write a number and one of B, KB, MB, GB, TB, such as 5GB"),
    ],
)
def test_the_command_says_what_went(arguments, said, run, tmp_path):
    run(large("A"))
    answer = CliRunner().invoke(main, ["clean", "--home", str(tmp_path / "home"), *arguments])
    assert said in answer.output


def test_a_home_that_is_not_there_is_clean(tmp_path: Path):
    assert clean(tmp_path / "no").results == 0


def test_runs_that_start_while_others_look_for_the_dead_are_not_taken_for_dead(tmp_path):
    def begin(number: int) -> bool:
        alive = Alive(tmp_path, f"run{number}")
        collect_leftovers(tmp_path)
        seen = f"run{number}" in living(tmp_path)
        alive.close()
        return seen

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(begin, range(400)))
    assert list((tmp_path / "running").iterdir()) == []
