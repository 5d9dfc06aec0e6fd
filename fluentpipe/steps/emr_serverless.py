"""`emr_serverless`: a script of Spark, or a query of Hive, in an application of EMR Serverless."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fluentpipe.contract import StepContract
from fluentpipe.settings import setting
from fluentpipe.step import Inputs
from fluentpipe.steps.emr import EmrStep, located, present, program, role_arn

if TYPE_CHECKING:
    from fluentpipe.target import Target


class EmrServerlessJob(EmrStep):
    """Run a script of Spark, or a query of Hive, in an application of EMR Serverless.

    In an application that is there, `application_id`, or in one that is made for the step, `application_config`. The script gets its
    arguments, then `--name URI` for each output and each input, as with `emr`. A query of Hive has none of these: put references
    into its `parameters`. The job takes `execution_role`, which must trust emr-serverless.amazonaws.com and be allowed to read and
    write the data.

    It does not run here: a function stands in for it, as for `emr`.

    Example:
        from pathlib import Path
        from fluentpipe import Pipeline, RawData

        Path("thin.py").write_text("# PySpark: reads --raw, writes --rows")
        pipe = Pipeline("churn").provide(RawData, "churn.csv").emr_serverless(
            Path("thin.py"),
            execution_role="arn:aws:iam::111122223333:role/SparkJobs",
            application_config={"releaseLabel": "emr-7.5.0", "type": "SPARK"},
            spark_parameters="--conf spark.executor.memory=8g",
            inputs={"raw": RawData},
            outputs={"rows": RawData},
            name="thin",
        )

        def thin(inputs):
            _, folder, _, raw = inputs["JobConfig"]["jobDriver"]["sparkSubmit"]["entryPointArguments"]
            Path(folder, "rows.csv").write_text(Path(raw).read_text())

        run = pipe.preprocess(label="churn").run(stand_ins={"thin": thin})
    """

    contract = StepContract(step_type="EmrServerlessJob", verb="emr_serverless", own_method=True)
    sagemaker_type = "EMRServerless"
    place_of_words = "jobRun.jobDriver.sparkSubmit.entryPointArguments"

    script: Any = setting(
        None,
        positional=True,
        job=True,
        convert=program,
        doc="The program of Spark: an S3 URI or a Path of a file here.",
    )
    spark_parameters: str | None = setting(
        None, job=True, doc="Options of spark-submit, such as '--conf spark.executor.memory=8g'."
    )
    hive: Mapping[str, Any] | None = setting(
        None, job=True, doc="In place of a script, a query of Hive: {'query': 's3://…', 'parameters': '…'}."
    )
    execution_role: str = setting(job=True, convert=role_arn, doc="ARN of the role that the job takes.")
    application_id: str | None = setting(None, job=True, doc="The application, where it is there.")
    application_config: Mapping[str, Any] | None = setting(
        None, job=True, doc="The application to make for the step, as CreateApplication takes it."
    )
    configuration_overrides: Mapping[str, Any] | None = setting(
        None, job=True, doc="Of the job, as StartJobRun takes them: logs and properties."
    )
    max_runtime: int | None = setting(
        None,
        ge=60,
        job=True,
        unit="seconds",
        reference=False,
        convert=None,
        doc="Time after which the job is stopped; whole minutes.",
    )
    tags: Mapping[str, str] | None = setting(None, job=True, doc="Tags of the job.")

    @override
    def _faults(self) -> Iterator[str]:
        faults = [*self._driver_faults()]
        yield from faults or super()._faults()  # what has no program is no request to look at

    def _driver_faults(self) -> Iterator[str]:
        if (self.script is None) == (self.hive is None):
            yield "it takes one of script and hive: emr_serverless(Path('job.py'), …)"
        elif self.script is None:
            for word, value in (("arguments", self.arguments_given), ("inputs", self.takes), ("outputs", self.outputs)):
                if value:
                    yield f"{word}: a query of Hive has no arguments; put references into hive['parameters']"
            if self.spark_parameters is not None:
                yield "spark_parameters: they are for a script"
        if isinstance(self.max_runtime, int) and self.max_runtime % 60:
            yield f"max_runtime: must be whole minutes, in seconds, not {self.max_runtime}"

    @override
    def request(self, inputs: Inputs, target: Target | None) -> dict[str, Any]:
        spark = {
            "entryPoint": located(self.script, target),
            "entryPointArguments": self.all_words(inputs, target),
            "sparkSubmitParameters": self.spark_parameters,
        }
        driver = {"hive": self.hive} if self.script is None else {"sparkSubmit": present(spark)}
        job = {
            "applicationId": self.application_id,
            "executionRoleArn": self.execution_role,
            "jobDriver": driver,
            "configurationOverrides": self.configuration_overrides,
            "executionTimeoutMinutes": None if self.max_runtime is None else self.max_runtime // 60,
            "tags": self.tags,
        }
        return {
            "ApplicationId": self.application_id,
            "ApplicationConfig": self.application_config,
            "ExecutionRoleArn": self.execution_role,
            "JobConfig": present(job),
        }
