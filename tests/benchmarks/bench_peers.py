"""The same chain of steps in kfp and in the SageMaker SDK, beside ours: `python tests/benchmarks/bench_peers.py`.

Each peer runs in an interpreter of its own, named by `--kfp PYTHON` and `--sagemaker PYTHON` (version 3 of the SDK, made for
instance by `tests/sdk/check_fixtures.sh`). Times are CPU seconds of one process: to import what a script needs, and to define a
chain and write its definition, the median of several repeats after one that warms up. Nothing calls out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

COMMON = """
import json, statistics, sys, time
start = time.process_time()
{imports}
imported = time.process_time() - start
{setup}
def chain(steps):
{chain}
def seconds(steps):
    start = time.process_time()
    chain(steps)
    return time.process_time() - start
repeats, *sizes = map(int, sys.argv[1:])
found = {{"import": imported}}
for steps in sizes:
    seconds(steps)
    found[str(steps)] = statistics.median(seconds(steps) for _ in range(repeats))
print(json.dumps(found))
"""

OURS = COMMON.format(
    imports="from fluentpipe import OutputSpec, DependencySpec, Pipeline, ProcessingStep, RawData, StepContract",
    setup=f"""
class Refining(ProcessingStep):
    contract = StepContract(
        "Refining", "refine", [DependencySpec("raw_data", RawData)],
        [OutputSpec("refined", RawData, "ProcessingOutputConfig.Outputs['refined'].S3Output.S3Uri")],
    )
    script = {__file__!r}
""",
    chain="""
    pipe = Pipeline("bench").provide(RawData, "s3://my-bucket/rows")
    for number in range(steps):
        pipe = pipe.refine(name=f"step{number}")
    pipe.materialize(max_steps=None, max_characters=None).to_json()
""",
)

KFP = COMMON.format(
    imports="import os, tempfile\nfrom kfp import compiler, dsl",
    setup="""
@dsl.component(base_image="python:3.11")
def refine(rows: str) -> str:
    return rows
""",
    chain="""
    @dsl.pipeline(name="bench")
    def bench():
        rows = "s3://my-bucket/rows"
        for _ in range(steps):
            rows = refine(rows=rows).set_caching_options(False).output
    with tempfile.TemporaryDirectory() as folder:
        compiler.Compiler().compile(bench, os.path.join(folder, "bench.yaml"))
""",
)

SAGEMAKER = COMMON.format(
    imports=f"""
import os, sys
os.environ.update(AWS_DEFAULT_REGION="us-east-1", SAGEMAKER_VALIDATE_ROLE="false")
sys.path.insert(0, {str(Path(__file__).parents[1] / "sdk")!r})
out, sys.stdout = sys.stdout, sys.stderr
import logging, warnings
warnings.simplefilter("ignore")
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep
import sagemaker.core.telemetry.telemetry_logging as telemetry
import offline
logging.disable(logging.INFO)
""",
    setup=f"""
offline.close_the_network()
telemetry._send_telemetry_request = lambda *_, **__: None
session = PipelineSession(offline.session(), sagemaker_config={{}}, default_bucket="my-bucket")
role = "arn:aws:iam::111122223333:role/SageMakerRole"
code = {__file__!r}
""",
    chain="""
    rows, made = "s3://my-bucket/rows", []
    for number in range(steps):
        processor = ScriptProcessor(role=role, image_uri="image", command=["python3"], instance_count=1,
                                    instance_type="ml.m5.xlarge", sagemaker_session=session)
        there = ProcessingS3Input(s3_uri=rows, local_path="/opt/ml/processing/input/rows", s3_data_type="S3Prefix",
                                  s3_input_mode="File")
        place = ProcessingS3Output(s3_uri=f"s3://my-bucket/step{number}", local_path="/opt/ml/processing/output/refined",
                                   s3_upload_mode="EndOfJob")
        step = ProcessingStep(name=f"step{number}", step_args=processor.run(
            code=code, inputs=[ProcessingInput(input_name="rows", s3_input=there)],
            outputs=[ProcessingOutput(output_name="refined", s3_output=place)]))
        rows = step.properties.ProcessingOutputConfig.Outputs["refined"].S3Output.S3Uri
        made.append(step)
    Pipeline(name="bench", steps=made, sagemaker_session=session).definition()
    if steps == int(sys.argv[-1]):
        sys.stdout = out
""",
)


def measured(python: str, code: str, repeats: int, sizes: Sequence[int]) -> dict[str, float]:
    """What one process printed: seconds to import, and for each number of steps."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "program.py")  # kfp reads the source of its components from a file
        program.write_text(code, "utf-8")
        words = [python, str(program), str(repeats), *map(str, sizes)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kfp", metavar="PYTHON", help="an interpreter that has kfp")
    parser.add_argument("--sagemaker", metavar="PYTHON", help="an interpreter that has the SageMaker SDK, version 3")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100], help="steps of the chains")
    given = parser.parse_args()
    programs = {
        "fluentpipe": (sys.executable, OURS),
        "kfp": (given.kfp, KFP),
        "sagemaker": (given.sagemaker, SAGEMAKER),
    }
    print(f"{'CPU ms':12} {'import':>9}" + "".join(f"{f'{size} steps':>13}" for size in given.sizes))
    for name, (python, code) in programs.items():
        if python is None:
            print(f"{name:12} not measured: name an interpreter that has it")
            continue
        found = measured(python, code, given.repeats, given.sizes)
        print(
            f"{name:12}" + "".join(f"{1000 * value:{10 if key == 'import' else 13}.0f}" for key, value in found.items())
        )


if __name__ == "__main__":
    main()
