"""What happens in a run, told while it happens.

A listener is any function that takes an event, a mapping with `time` (ISO 8601, UTC) and `event`:

    run started        run, pipeline, folder, steps (name -> type)
    step Running       step; likewise `step Succeeded`, `step Failed`, … with reason, seconds, cpu_seconds,
                       peak_memory_mb, exit_code where they are known
    output             step, line: what its program wrote
    memory             step, peak_memory_mb: the peak so far of a program that runs, when it has risen by a tenth
    trial Completed    step, trial, value, hyperparameters, seconds, reason, cached, best (number of the best so far);
                       likewise `trial Stopped`, `trial Failed`: of a tuning
    model registered   group, version, arn, path, approval_status
    run Succeeded      likewise `run Failed`, `run Stopped`: the last one

Who follows a run that began before also gets `elapsed` in `run started` and `step Running`, and `seconds` in the last one:
how long that took by then; `remote` in `run started` says that it runs elsewhere.

All but `output` and `memory` are also the lines of events.jsonl. Readers pass over events and members that they do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Event = Mapping[str, Any]
Listener = Callable[[Event], None]
