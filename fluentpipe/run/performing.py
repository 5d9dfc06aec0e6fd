"""Carrying out one job: its inputs are placed, its program runs, what it made is moved to `out/`."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.errors import RunError
from fluentpipe.run.environment import Mask, inherited
from fluentpipe.run.failure import job_failed
from fluentpipe.run.job import Job, Published, find_input, max_seconds
from fluentpipe.run.own import is_own
from fluentpipe.run.paths import as_in_container, private_path
from fluentpipe.run.placing import Placed
from fluentpipe.run.process import Children, Command, Exit
from fluentpipe.run.requirements import Unmet, requirements_of, said_of, unmet
from fluentpipe.run.storage import Storage


@attrs.frozen
class Performance:
    """One job and the folder it works in: `ml/` stands for /opt/ml, `log.txt` lies beside it."""

    job: Job
    stage: Path
    storage: Storage
    children: Children
    mask: Mask
    say: Callable[[str], None]  # takes each line of its output
    output: Callable[[str, str], None]  # the same for listeners: the step and the line
    memory: Callable[[str, float], None]  # likewise: the step and its peak so far, MiB
    note: Callable[..., None]  # takes what was measured of a program that failed
    log: Path  # where its log will be found

    def run(self, threads: int) -> tuple[Exit, Published]:
        """Carry it out; afterwards `out/` holds what it made, and `ml/` is gone.

        Raises:
            StepFailed: Its program ended otherwise than with 0.
            RunError: It could not be started, changed its inputs, or left no output.
        """
        root = self.stage / "ml"
        shutil.rmtree(root, ignore_errors=True)  # of an earlier try
        shutil.rmtree(self.stage / "out", ignore_errors=True)
        root.mkdir()
        ended = self._run_program(root, threads)
        published = self.job.publish(root, self.stage)
        shutil.rmtree(root)
        return ended, published

    def _run_program(self, root: Path, threads: int) -> Exit:
        job, is_ours = self.job, is_own(self.job, self.storage)
        placed = Placed(is_shared=is_ours)
        for each in job.inputs:
            placed.place(find_input(self.storage, each), private_path(root, each.folder))
        job.prepare(root, self.storage)
        env = {**inherited(threads), **job.environment(root, threads)}
        command = Command(job.argv(root), job.cwd(root), env, max_seconds(job.request), is_ours)
        with (self.stage / "log.txt").open("a", encoding="utf-8", errors="replace") as log:

            def on_line(line: str) -> None:
                line = as_in_container(self.mask.text(line), root)
                log.write(line + "\n")
                log.flush()
                self.output(job.step, line)
                self.say(f"[{job.step}] {line}")

            command, missing = self._required(command, root, on_line)
            on_memory = functools.partial(self.memory, job.step)
            ended = self.children.run(self.children.isolation.wrapped(command, root), on_line, on_memory)
        if ended.code != 0:
            self.note(**measured(ended))
            raise job_failed(job, ended, root, self.log, self.mask, command.seconds, missing)
        if changed := placed.changed():
            raise RunError(
                f"The program changed its input in place: {changed[0]}.",
                fix="let it write to its output; inputs are shared with other steps and with you",
            )
        return ended

    def _required(
        self, command: Command, root: Path, on_line: Callable[[str], None]
    ) -> tuple[Command, tuple[Unmet, ...]]:
        """The command in an environment that has what the job asks for; without one, what is missing, and is told."""
        file = requirements_of(self.job.request, root)
        if file is None:
            return command, ()
        environments = self.children.environments
        if environments is None:
            missing = unmet(file)
            on_line(said_of(file, missing))
            return command, missing
        python = environments.python(file, on_line)
        argv = tuple(str(python) if word == sys.executable else word for word in command.argv)
        path = os.pathsep.join((str(python.parent), command.env["PATH"]))
        return attrs.evolve(command, argv=argv, env={**command.env, "PATH": path}), ()


def measured(ended: Exit) -> dict[str, Any]:
    """What a program took, as the manifest has it."""
    return {
        "exit_code": ended.code,
        "seconds": round(ended.seconds, 3),
        "cpu_seconds": round(ended.cpu_seconds, 3),
        "peak_memory_mb": round(ended.peak_memory_mb, 1),
    }
