"""The canonical pipeline in the SageMaker SDK: what tests/sdk has, which the fixtures of the tests are made with."""

import json
import logging
import os
import pathlib
import sys
import tempfile
import warnings

os.environ |= {
    "AWS_DEFAULT_REGION": "us-east-1",
    "SAGEMAKER_VALIDATE_ROLE": "false",
    "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
}
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "sdk"))
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import offline  # noqa: E402  what comes before it must be said before the SDK is imported

offline.close_the_network()
made = __import__(f"chain_v{sys.argv[2]}")

import chain  # noqa: E402  ditto

with tempfile.TemporaryDirectory() as programs:
    chain.write_programs(pathlib.Path(programs))
    pathlib.Path(f"{sys.argv[1]}.json").write_text(json.dumps(made.definition(pathlib.Path(programs))))
