"""One model, learned by several instances: each holds a share of the rows, XGBoost adds up what all see of them."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost
from xgboost import collective
from xgboost.tracker import RabitTracker

if TYPE_CHECKING or __package__:
    from . import boosting, matrices
    from .job import JobError, quoted
else:  # beside its siblings, as the jobs run it
    import boosting
    import matrices
    from job import JobError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .cluster import Cluster

EXCHANGE_SECONDS = (
    1800  # that XGBoost waits for the others in one exchange; a guard only, as the dead are noticed before
)
GRACE = 10.0  # seconds in which somebody else says what broke our connection


def train(
    folder: Path,
    outline: matrices.Matrix,
    validation: matrices.Matrix | None,
    used: Mapping[str, Any],
    task: str,
    instances: Cluster,
) -> boosting.Trained | None:
    """Train one model on all instances.

    Every instance has all files, reads the labels of all rows, and the features of those that it learns from: every n-th row, so
    that the shares are equal whatever the order of the rows. The validation rows are read by each, so that the metric of early
    stopping is exact, whichever it is: XGBoost would only average the AUC of shares.

    Args:
        folder: The training rows.
        outline: Their labels, from `matrices.outline`.
        validation: Rows to stop on; a share of the training rows takes their place where there are none.
        used: From `hyperparameters.complete`.
        task: binary, multiclass or regression.
        instances: Connected.

    Returns:
        The model; None on all instances but the first.
    """
    places = np.arange(len(outline.labels))
    if validation is None:
        parts = boosting.held_out_parts(outline.labels, used, task)
        places, held_out = np.flatnonzero(parts == 0), np.flatnonzero(parts == 1)
        validation = matrices.read(folder, held_out)
    if len(places) < instances.size:
        msg = f"{len(places)} rows to learn from are too few for {instances.size} instances; take one"
        raise JobError(msg)
    rows = matrices.read(folder, places[instances.rank :: instances.size])
    print(f"this instance learns from {len(rows.labels)} of {len(places)} rows", flush=True)
    boosting.check_parameters(rows, used)
    with _connected(instances, _facts(outline, validation, used)):
        booster, member, history = boosting.one(rows, validation, used, "", quiet=not instances.is_first)
    if not instances.is_first:
        return None
    scores = booster.predict(boosting.dmatrix(validation))
    return boosting.Trained(booster, (member,), scores, validation.labels, (history,))


def _facts(outline: matrices.Matrix, validation: matrices.Matrix, used: Mapping[str, Any]) -> dict[str, object]:
    """What has to be the same on all instances, by what it is called."""
    return {
        "training rows": (len(outline.labels), float(outline.labels.sum()), dict(outline.schema)),
        "validation rows": (len(validation.labels), float(validation.labels.sum()), dict(validation.schema)),
        "hyperparameters": dict(used),
        "version of XGBoost": xgboost.__version__,
    }


@contextmanager
def _connected(instances: Cluster, facts: Mapping[str, object]) -> Iterator[None]:
    """XGBoost's own connection of all instances, once all are ready and agree."""
    signs = {name: _sign(value) for name, value in facts.items()}
    try:
        tracker = _started(instances, signs) if instances.is_first else None
        arguments = _announced(instances, tracker) if tracker else _told(instances, signs)
        # Ranks by name: sums are made in the same order in every run, so that the model is the same to the byte.
        collective.init(**arguments, dmlc_task_id=f"{instances.rank:04d}", dmlc_timeout=EXCHANGE_SECONDS)
        yield
        collective.finalize()
        if tracker:
            tracker.wait_for(EXCHANGE_SECONDS)
    except xgboost.core.XGBoostError:
        time.sleep(GRACE)  # if another instance's end broke this one, it is told meanwhile, and ends this program
        raise


def _started(instances: Cluster, signs: Mapping[str, str]) -> RabitTracker:
    """Wait until all are ready to learn, and refuse what would not be one training."""
    waited = set(instances.hosts) - {instances.current}
    while waited:
        name, message = instances.hear()
        theirs = message.get("ready")
        odd = [each for each in signs if not isinstance(theirs, dict) or theirs.get(each) != signs[each]]
        if odd:
            msg = f"the instances do not train the same: {name} differs from {instances.current} in {quoted(odd)}"
            raise JobError(msg)
        waited.discard(name)
    size, address = instances.size, instances.address()
    return RabitTracker(n_workers=size, host_ip=address, sortby="task", timeout=EXCHANGE_SECONDS)


def _announced(instances: Cluster, tracker: RabitTracker) -> dict[str, Any]:
    """Tell the others how to reach XGBoost's tracker."""
    tracker.start()
    arguments = tracker.worker_args()
    instances.tell({"learn": arguments})
    return dict(arguments)


def _told(instances: Cluster, signs: Mapping[str, str]) -> dict[str, Any]:
    """Say that this instance is ready; learn how to reach XGBoost's tracker."""
    instances.tell({"ready": dict(signs)})
    first, message = instances.hear()
    arguments = message.get("learn")
    if not isinstance(arguments, dict):
        msg = f"{first} did not say how to reach it"
        raise JobError(msg)
    return {
        "dmlc_tracker_uri": str(arguments["dmlc_tracker_uri"]),
        "dmlc_tracker_port": int(arguments["dmlc_tracker_port"]),
    }


def _sign(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
