"""A step of PySpark in the classes of the SageMaker SDK, version 2 or 3, and what the SDK uploads for it.

Run by write_fixtures.py; the rest is what the test that compares and the one that runs it share.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import tempfile
from typing import Any

ROLE = "arn:aws:iam::111122223333:role/SageMakerRole"
BUCKET = "my-bucket"
PLACE = "/opt/ml/processing"
FILES = {
    "features.py": "import ratio\n",
    "ratio.py": "def of(one, other):\n    return one / other\n",
    "codec.jar": "no archive, but nobody opens it\n",
}
ARGUMENTS = ["--raw", f"file://{PLACE}/input/raw", "--clean", f"file://{PLACE}/output/clean", "--months", "3"]
CONFIGURATION = [
    {"Classification": "spark-defaults", "Properties": {"spark.sql.shuffle.partitions": "4", "spark.master": "yarn"}},
    {
        "Classification": "spark-env",
        "Properties": {},
        "Configurations": [{"Classification": "export", "Properties": {"LC_ALL": "C.UTF-8"}}],
    },
]
RAW = "s3://my-bucket/raw"
CLEAN = "s3://my-bucket/clean"
EVENTS = "s3://my-bucket/events"
LIBRARY = "s3://my-bucket/jars/library.jar"


def write_files(folder: pathlib.Path) -> None:
    """The files of the user, in a folder."""
    for name, text in FILES.items():
        (folder / name).write_text(text)


def definition(major: str) -> dict[str, Any]:
    """The definition, and the text of each file that was uploaded for it, by its URI."""
    import offline  # in the environment of the SDK, which knows no packages of tests

    core, workflow = ("sagemaker", "sagemaker.workflow") if major == "2" else ("sagemaker.core", "sagemaker.mlops.workflow")  # fmt: skip
    telemetry = importlib.import_module(f"{core}.telemetry.telemetry_logging")
    telemetry._send_telemetry_request = lambda *_, **__: None
    with tempfile.TemporaryDirectory() as temporary:
        bucket, files = pathlib.Path(temporary, "bucket"), pathlib.Path(temporary, "files")
        files.mkdir()
        write_files(files)
        context = importlib.import_module(f"{core}.workflow.pipeline_context")
        session = context.PipelineSession(offline.session(bucket), sagemaker_config={}, default_bucket=BUCKET)
        processor = importlib.import_module(f"{core}.spark.processing").PySparkProcessor(
            role=ROLE,
            instance_type="ml.m5.xlarge",
            instance_count=1,
            framework_version="3.5",
            py_version="py312",
            container_version="1.0",
            max_runtime_in_seconds=86400,
            sagemaker_session=session,
        )
        inputs, outputs = _data(core)
        run = processor.run(
            str(files / "features.py"),
            submit_py_files=[str(files / "ratio.py")],
            submit_jars=[LIBRARY, str(files / "codec.jar")],
            inputs=inputs,
            outputs=outputs,
            arguments=ARGUMENTS,
            configuration=CONFIGURATION,
            spark_event_logs_s3_uri=EVENTS,
        )
        step = importlib.import_module(f"{workflow}.steps").ProcessingStep(name="features", step_args=run)
        pipeline = importlib.import_module(f"{workflow}.pipeline").Pipeline(
            name="churn", steps=[step], sagemaker_session=session
        )
        written = json.loads(pipeline.definition())
        uploaded = {
            f"s3://{BUCKET}/{file.relative_to(bucket).as_posix()}": file.read_text()
            for file in sorted(bucket.rglob("*"))
            if file.is_file()
        }
    return {"definition": written, "uploaded": uploaded}


def _data(core: str) -> tuple[Any, Any]:
    if core == "sagemaker":
        processing = importlib.import_module("sagemaker.processing")
        taken = processing.ProcessingInput(source=RAW, destination=f"{PLACE}/input/raw", input_name="raw")
        made = processing.ProcessingOutput(source=f"{PLACE}/output/clean", destination=CLEAN, output_name="clean")
        return [taken], [made]
    shapes = importlib.import_module("sagemaker.core.shapes")
    place = shapes.ProcessingS3Input(
        s3_uri=RAW, local_path=f"{PLACE}/input/raw", s3_data_type="S3Prefix", s3_input_mode="File"
    )
    where = shapes.ProcessingS3Output(s3_uri=CLEAN, local_path=f"{PLACE}/output/clean", s3_upload_mode="EndOfJob")
    return [shapes.ProcessingInput(input_name="raw", s3_input=place)], [
        shapes.ProcessingOutput(output_name="clean", s3_output=where)
    ]
