"""Here: a pipeline becomes a definition, and runs on this machine.

`Pipeline` inherits these methods. What is heavy is imported when one of them is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal

from fluentpipe import checking, shapes
from fluentpipe._state import S
from fluentpipe.errors import SettingError
from fluentpipe.steps.load_data import DataLoading

if TYPE_CHECKING:
    from fluentpipe.chain import Chain
    from fluentpipe.definition import Definition
    from fluentpipe.plan import Plan
    from fluentpipe.run import Run


class Here(Generic[S]):
    """The methods of `Pipeline` that need nothing but this machine."""

    name: str
    _chain: Chain

    if TYPE_CHECKING:  # what `Pipeline` has

        def _plan(self) -> Plan: ...

    def materialize(
        self,
        *,
        role: str | None = None,
        bucket: str | None = None,
        region: str | None = None,
        max_steps: int | None = shapes.MAX_STEPS,
        max_parameters: int | None = shapes.MAX_PARAMETERS,
        max_characters: int | None = shapes.MAX_DEFINITION,
    ) -> Definition:
        """The SageMaker pipeline definition, checked; made offline and the same every time.

        Args:
            role: ARN of the role that the jobs take. Without it, and without bucket and region, placeholders stand in: the
                definition runs here, but is not deployed.
            bucket: For code, data and outputs.
            region: Decides the registry of images.
            max_steps: Quota of steps of the account; None lifts the check.
            max_parameters: Quota of parameters.
            max_characters: Of the definition.

        Raises:
            DefinitionError: Lists every fault.
        """
        from fluentpipe.materialize import materialize
        from fluentpipe.target import Target

        places = {"role": role, "bucket": bucket, "region": region}
        given: dict[str, Any] = {name: place for name, place in places.items() if place is not None}
        target = Target(self.name, **given)
        return materialize(
            self._plan(), target, max_steps=max_steps, max_parameters=max_parameters, max_characters=max_characters
        )

    def run(
        self,
        *,
        data: str | Path | None = None,
        parameters: Mapping[str, Any] | None = None,
        home: str | Path | None = None,
        maps: Mapping[str, str | Path] | None = None,
        check: bool = True,
        cache: bool = True,
        from_step: str | None = None,
        only: str | None = None,
        of_run: str | None = None,
        isolation: str = "fork",
        offline: bool = False,
        install_requirements: bool = False,
        stand_ins: Mapping[str, Callable[[dict[str, Any]], Any]] | None = None,
        max_parallel: int | None = None,
        echo: Callable[[str], None] | Literal["auto"] | None = "auto",
        listener: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Run:
        """Run the pipeline on this machine: real programs, no AWS, no Docker.

        Args:
            data: Where the rows are instead of the default, for a pipeline with one `load_data`.
            parameters: Values for pipeline parameters.
            home: Folder of runs and of the model registry; by default `.fluentpipe`.
            maps: S3 prefixes -> local folders that stand for them.
            check: Whether a failure raises, as `subprocess.run` has it; otherwise the run says so in its `status`.
            cache: Whether results that are kept from earlier runs are taken, and results are kept.
            from_step: Step that is carried out anew, and with it all that depend on it.
            only: Step that is carried out alone, on what the newest run left of the others.
            of_run: With `only`, the past run to take the rest from: its id, a part of it, or `last`.
            isolation: `fork`: Python scripts start with the imports done; `process`: each in a new interpreter;
                `paths`: each finds its files at /opt/ml itself, where the platform can.
            offline: Whether steps have no network, where the platform can take it, and nothing is read from S3.
            install_requirements: Whether a requirements.txt beside a training script, or what `process(requirements=…)` asks
                for, is installed by pip into an environment of its own that is kept in the home. Otherwise it is said
                what is missing.
            stand_ins: Functions in place of steps that do not run here, such as Lambda, by the name of the step. Each takes
                the inputs of its step and returns the outputs, both by name.
            max_parallel: Steps side by side; by default as many as there are cores.
            echo: Takes each line of progress; None for silence. "auto" is a live table in a terminal and in a notebook,
                and lines elsewhere.
            listener: Takes each event of the run while it happens; see `fluentpipe.run.events`.

        Raises:
            RunError: A step failed, or a gate stopped the run; `error.run` is the run so far.
        """
        from fluentpipe.live import watching
        from fluentpipe.materialize import materialize
        from fluentpipe.run import run
        from fluentpipe.run.hashing import by_index
        from fluentpipe.run.home import home_folder
        from fluentpipe.run.starting import get_ready
        from fluentpipe.target import Target

        if checking.active() is not None:
            raise checking.Ended
        if isolation == "fork":
            get_ready()  # while the definition is made, and large files are hashed
        given = dict(parameters or {})
        if data is not None:
            given[self.data_parameter()] = str(data)
        definition = materialize(self._plan(), Target(self.name, of_file=by_index(home_folder(home))))
        with watching(echo, listener) as watch:
            done = run(
                definition,
                parameters=given,
                home=home,
                maps=maps,
                check=check,
                cache=cache,
                from_step=from_step,
                only=only,
                of_run=of_run,
                isolation=isolation,
                offline=offline,
                install_requirements=install_requirements,
                stand_ins=stand_ins,
                max_parallel=max_parallel,
                echo=watch.echo,
                listener=watch.listener,
            )
        return done.with_contracts({node.step.name: node.step.contract for node in self._chain.nodes})

    def data_parameter(self) -> str:
        """Name of the parameter that `data=` sets: the source of the one `load_data`.

        Raises:
            SettingError: There is none, or several.
        """
        names = [
            node.step.parameter.name
            for node in self._chain.nodes
            if isinstance(node.step, DataLoading) and node.step.parameter is not None
        ]
        if len(names) != 1:
            raise SettingError(
                f"data= needs exactly one load_data with a source of its own; pipeline {self.name!r} has {len(names)}.",
                fix="parameters={" + ", ".join(f"{name!r}: …" for name in names) + "}" if names else "",
            )
        return names[0]
