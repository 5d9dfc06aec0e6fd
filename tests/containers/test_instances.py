"""Several instances learn one model: as good as that of one, the same again, and none of them waits for the dead."""

from __future__ import annotations

import json
import re
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from fluentpipe.containers import cluster, evaluate, hyperparameters, matrices
from fluentpipe.containers.job import JobError
from fluentpipe.containers.peers import LONGEST, Gone, Peer

from .chain import Chain
from .hosts import Hosts
from .test_chain import hashes


def test_two_instances_learn_one_model_that_the_first_writes(churn: Chain, tmp_path: Path) -> None:
    hosts = Hosts(tmp_path, 2, churn.folder).start("--num_round", "3", "--early_stopping_rounds", "0")
    assert hosts.end() == [0, 0], hosts.log(0) + hosts.log(1)
    facts = hosts.facts()
    assert (facts["rounds"], facts["n_folds"], facts["instances"]) == (3, 0, 2)
    assert facts["rows"] == json.loads((churn.folder / "trained" / "model.json").read_text())["rows"]
    assert not hosts.model(1).exists()
    shares = [int(re.findall(r"learns from (\d+) of", hosts.log(place))[0]) for place in (0, 1)]
    assert sum(shares) == facts["rows"]["train"]
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b'{"ready": 1', "hung up"),
        (b"", "hung up"),
        (b"no json\n", "no message"),
        (b'["a"]\n', "no message"),
        (b"[" * (LONGEST - 1) + b"\n", "no message"),
        (b'"' + b"a" * LONGEST + b'"\n', "no message"),
        (None, "silent for 0.05 s"),
        (b'{"alive": true}\n', "silent for 0.05 s"),
    ],
)
def test_a_peer_that_does_not_speak_our_language_is_gone(sent: bytes | None, said: str) -> None:
    ours, theirs = socket.socketpair()
    peer = Peer(ours)
    if sent is not None:
        theirs.sendall(sent)
    if said == "hung up":
        theirs.close()
    with pytest.raises(Gone, match=said):
        peer.receive(0.05)
    peer.close()
    theirs.close()


def test_a_message_behind_another_is_not_lost() -> None:
    ours, theirs = socket.socketpair()
    peer, other = Peer(ours), Peer(theirs)
    for message in ({"host": "algo-2"}, {"alive": True}, {"ready": {"rows": "a"}}):
        other.send(message)
    assert [peer.receive(1), peer.receive(1)] == [{"host": "algo-2"}, {"ready": {"rows": "a"}}]
    peer.close()
    other.close()


def test_a_share_of_the_rows_is_read_as_if_all_had_been(churn: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fluentpipe.containers.reading.BATCH_ROWS", 100)
    whole, outline = matrices.read(churn.folder / "train"), matrices.outline(churn.folder / "train")
    places = np.arange(len(whole.labels))[1::3]
    share = matrices.read(churn.folder / "train", places)
    np.testing.assert_array_equal(share.features, whole.features[places])
    np.testing.assert_array_equal(share.labels, whole.labels[places])
    np.testing.assert_array_equal(outline.labels, whole.labels)
    with pytest.raises(JobError, match="is asked for"):
        matrices.read(churn.folder / "train", places + 3)


@pytest.mark.parametrize("given", [{"n_folds": 5}, {"tree_method": "approx"}, {"booster": "gblinear"}])
def test_what_instances_cannot_share_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(JobError, match=f"several instances .*; here {next(iter(given))} is "):
        hyperparameters.complete(given, "binary", 2, 1000, in_time=False, instances=2)


@pytest.mark.parametrize("found", [{}, {"hosts": ["a", "b"], "current_host": "c"}, {"hosts": "a", "current_host": "a"}])
def test_a_configuration_that_names_no_instances_is_refused(
    found: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    (tmp_path / "input" / "config").mkdir(parents=True)
    (tmp_path / "input" / "config" / "resourceconfig.json").write_text(json.dumps(found))
    with pytest.raises(JobError, match="does not name the instances"), cluster.of_job():
        pass


def area(hosts: Hosts, churn: Chain) -> float:
    report = hosts.folder / "report"
    evaluate.main(
        [f"--model={hosts.model()}", f"--test={churn.folder / 'test'}", f"--output={report}", f"--predictions={report}"]
    )
    return float(json.loads((report / "evaluation.json").read_text())["metrics"]["auc"])


@pytest.mark.slow
def test_the_model_of_several_instances_is_as_good_as_that_of_one_and_the_same_again(
    churn: Chain, tmp_path: Path
) -> None:
    runs = [Hosts(tmp_path / str(turn), count, churn.folder).start() for turn, count in enumerate((2, 2, 3))]
    assert [hosts.end() for hosts in runs] == [[0, 0], [0, 0], [0, 0, 0]]
    assert hashes(runs[0].model()) == hashes(runs[1].model())
    for hosts in runs:
        assert area(hosts, churn) == pytest.approx(churn.evaluation["metrics"]["auc"], abs=0.002)


@pytest.mark.slow
def test_without_validation_rows_the_instances_hold_out_the_same_ones(churn: Chain, tmp_path: Path) -> None:
    alone = {place: {"SM_CHANNEL_VALIDATION": str(tmp_path / "none")} for place in range(2)}
    hosts = Hosts(tmp_path, 2, churn.folder, changed=alone).start("--num_round", "30")
    assert hosts.end() == [0, 0], hosts.log(0)
    found = hosts.facts()["rows"]
    learned = sum(int(re.findall(r"learns from (\d+) of", hosts.log(place))[0]) for place in range(2))
    assert (found["validation"], learned) == (0, found["train"] - round(0.15 * found["train"]))


@pytest.mark.slow
@pytest.mark.parametrize("dying", [0, 1])
def test_an_instance_that_dies_ends_all_with_its_name(churn: Chain, tmp_path: Path, dying: int) -> None:
    hosts = Hosts(tmp_path, 3, churn.folder).start("--num_round", "100000", "--early_stopping_rounds", "0")
    hosts.wait_for("round 50 ")
    hosts.processes[dying].kill()
    statuses = hosts.end()
    for place in {0, 1, 2} - {dying}:
        assert statuses[place] == 1
        assert hosts.reason(place).startswith(f"{hosts.names[dying]} hung up before the training was done")
        assert not hosts.model(place).exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "said"),
    [(2, "'127.0.0.3' did not come to 127.0.0.1, port {port}, within 2 s"), (0, "could not be reached within 2 s")],
)
def test_an_instance_that_never_comes_ends_all(churn: Chain, tmp_path: Path, missing: int, said: str) -> None:
    hosts = Hosts(tmp_path, 3, churn.folder, wait=2).start(without=(missing,))
    assert hosts.end() == [1, 1]
    for place in hosts.processes:
        assert said.format(port=hosts.port) in hosts.reason(place)


@pytest.mark.slow
def test_the_fault_of_one_instance_is_told_by_all(churn: Chain, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(churn.folder / "train", other)
    schema = json.loads((other / "schema.json").read_text())
    (other / "schema.json").write_text(json.dumps({**schema, "sha256": "0"}))
    changed = [{"SM_CHANNEL_TRAIN": str(tmp_path / "nothing")}, {"SM_CHANNEL_TRAIN": str(other)}]
    runs = [Hosts(tmp_path / str(turn), 2, churn.folder, changed={1: one}).start() for turn, one in enumerate(changed)]
    for hosts, said in zip(
        runs, ("holds no preprocessed data", "do not train the same: 127.0.0.2 differs"), strict=True
    ):
        assert hosts.end() == [1, 1]
        assert all(said in hosts.reason(place) for place in (0, 1))
