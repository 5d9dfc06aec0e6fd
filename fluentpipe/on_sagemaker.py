"""On SageMaker: a pipeline is deployed, scheduled, watched over, and compared with what is deployed.

`Pipeline` inherits these methods. boto3 and what talks to AWS are imported when one of them is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from fluentpipe import checking
from fluentpipe._state import S
from fluentpipe.aws import Account

if TYPE_CHECKING:
    from fluentpipe.alarms import Alarm
    from fluentpipe.definition import Definition
    from fluentpipe.deploy import Changes, Deployment
    from fluentpipe.difference import Difference
    from fluentpipe.pipeline import Pipeline
    from fluentpipe.plan import Plan
    from fluentpipe.schedules import Schedule


class OnSageMaker(Generic[S]):
    """The methods of `Pipeline` that ask AWS."""

    name: str

    if TYPE_CHECKING:  # what `Pipeline` has

        def _plan(self) -> Plan: ...
        def materialize(  # noqa: D102  Pipeline says it
            self, *, role: str | None = None, bucket: str | None = None, region: str | None = None
        ) -> Definition: ...

    @overload
    def upsert(
        self, role: str, *, bucket: str | None = ..., region: str | None = ..., profile: str | None = ...,
        session: Any = ..., tags: Mapping[str, str] | None = ..., max_parallel_steps: int | None = ...,
        display_name: str | None = ..., description: str | None = ..., say: Callable[[str], None] = ...,
        dry_run: Literal[False] = ...,
    ) -> Deployment: ...  # fmt: skip

    @overload
    def upsert(
        self, role: str, *, bucket: str | None = ..., region: str | None = ..., profile: str | None = ...,
        session: Any = ..., tags: Mapping[str, str] | None = ..., max_parallel_steps: int | None = ...,
        display_name: str | None = ..., description: str | None = ..., say: Callable[[str], None] = ...,
        dry_run: Literal[True],
    ) -> Changes: ...  # fmt: skip

    def upsert(
        self,
        role: str,
        *,
        bucket: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        session: Any = None,
        tags: Mapping[str, str] | None = None,
        max_parallel_steps: int | None = None,
        display_name: str | None = None,
        description: str | None = None,
        say: Callable[[str], None] = print,
        dry_run: bool = False,
    ) -> Deployment | Changes:
        """Deploy to SageMaker: upload what is missing, create the pipeline or update what differs.

        Args:
            role: ARN or name of the role that the pipeline and its jobs take.
            bucket: For code, data and outputs; otherwise `sagemaker-{region}-{account}`, made if it is missing.
            region: Otherwise that of the profile or AWS_DEFAULT_REGION.
            profile: Of the AWS configuration; otherwise AWS_PROFILE or the default.
            session: A `boto3.Session` to use instead.
            tags: All that the pipeline shall have; None leaves them as they are.
            max_parallel_steps: Steps that run side by side; None leaves it as it is.
            display_name: Of the pipeline in the console; None leaves it as it is.
            description: Of the pipeline; None leaves it as it is.
            say: Takes each line of progress; the sizes of the uploads come before they begin.
            dry_run: Only say what would change, and give that; nothing but reading calls are made.

        Raises:
            DefinitionError: Lists every fault; nothing was asked of AWS for most.
            AssetChanged: A file was changed meanwhile.
            AwsError: AWS refused something; what was done stays done, and a repeat goes on from there.
        """
        from fluentpipe.deploy import Settings, deploy_plan

        if checking.active() is not None:
            raise checking.Ended
        settings = Settings(tags, max_parallel_steps, display_name, description)
        return deploy_plan(
            self._plan(),
            role,
            settings,
            bucket=bucket,
            region=region,
            profile=profile,
            session=session,
            say=say,
            dry_run=dry_run,
        )

    def schedule(
        self,
        expression: str,
        role: str,
        *,
        name: str | None = None,
        timezone: str = "UTC",
        parameters: Mapping[str, object] | None = None,
        enabled: bool = True,
        region: str | None = None,
        profile: str | None = None,
        session: Any = None,
    ) -> Schedule:
        """Start the deployed pipeline again and again, by EventBridge Scheduler; made where it is missing, updated where it differs.

        Args:
            expression: `rate(1 day)`, `cron(0 6 ? * MON-FRI *)` or `at(2027-01-31T06:00:00)`.
            role: ARN or name of the role that Scheduler takes to start the pipeline; not that of the jobs.
            name: Of the schedule; otherwise that of the pipeline.
            timezone: In which cron and at are meant, such as `Europe/Berlin`.
            parameters: Values instead of the defaults; where the default is an S3 URI, a local file or folder will do.
            enabled: Whether it starts anything.
            region: Otherwise that of the profile or AWS_DEFAULT_REGION.
            profile: Of the AWS configuration; otherwise AWS_PROFILE or the default.
            session: A `boto3.Session` to use instead.

        Raises:
            SettingError: What was given is faulty; nothing was changed.
            NoSuchPipeline: It is not deployed.
            NameTaken: There is a schedule of that name which starts something else.
            AwsError: AWS refused.
        """
        from fluentpipe.schedules import schedule

        if checking.active() is not None:
            raise checking.Ended
        account = Account(region, profile, session)
        return schedule(
            account, self.name, expression, role, name=name, timezone=timezone, parameters=parameters, enabled=enabled
        )

    def alarm(
        self,
        topic: str,
        *,
        on: str | Sequence[str] = ("Failed",),
        steps: str | Sequence[str] = (),
        name: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        session: Any = None,
        say: Callable[[str], None] = print,
    ) -> Alarm:
        """Tell an SNS topic when an execution of the deployed pipeline, or one of some steps, gets a status.

        Args:
            topic: ARN of the topic.
            on: Statuses: Failed, Stopped, Succeeded, Executing, Stopping.
            steps: Names of steps in place of the whole execution, such as `quality_gate_failed` for a failed gate.
            name: Of the rule; otherwise `<pipeline>-alarm`.
            region: Otherwise that of the profile or AWS_DEFAULT_REGION.
            profile: Of the AWS configuration; otherwise AWS_PROFILE or the default.
            session: A `boto3.Session` to use instead.
            say: Is told if the topic's policy does not let EventBridge publish.

        Raises:
            SettingError: What was given is faulty; nothing was changed.
            NoSuchPipeline: It is not deployed.
            NameTaken: There is a rule of that name which is about something else.
            AwsError: AWS refused.
        """
        from fluentpipe.alarms import alarm

        if checking.active() is not None:
            raise checking.Ended
        account = Account(region, profile, session)
        return alarm(account, self.name, topic, on=on, steps=steps, name=name, say=say)

    def diff(
        self,
        other: Pipeline[Any] | Definition | str | Path | None = None,
        *,
        role: str | None = None,
        bucket: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        session: Any = None,
    ) -> Difference:
        """What this pipeline would change in meaning: steps, wiring, settings, code; falsy if nothing.

        Args:
            other: What it is compared with: a pipeline, a definition, a .json file or a bundle; by default what is
                deployed under its name.
            role: ARN of the role to materialize with; otherwise, as bucket and region, that of the other side.
            bucket: For code, data and outputs.
            region: Decides the registry of images, and where the deployed pipeline is looked for.
            profile: Of the AWS configuration, to look for the deployed pipeline.
            session: A `boto3.Session` to use instead.

        Raises:
            NoSuchPipeline: None of its name is deployed.
            AwsError: AWS cannot be asked.
            SourceError: There is no such file.
        """
        from fluentpipe import against

        if checking.active() is not None:
            raise checking.Ended
        given = {"role": role, "bucket": bucket, "region": region}
        if isinstance(other, OnSageMaker):
            old = other.materialize(role=role, bucket=bucket, region=region)
        elif other is None:
            old = against.deployed(self.name, against.Asking(region, profile, session))
        else:
            old = against.loaded(other)
        return against.against(self.materialize, old, given)
