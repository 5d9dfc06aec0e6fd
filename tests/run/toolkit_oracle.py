"""What the `sagemaker-training` toolkit itself tells a script, for a job folder that is there already.

    SAGEMAKER_BASE_DIR=FOLDER SM_STUDIO_LOCAL_MODE=true python toolkit_oracle.py

Runs in an environment that has the toolkit; compare_toolkit.py starts it. Prints JSON: the variables, the arguments.
"""

from __future__ import annotations

import json
import logging
import sys

logging.disable(logging.CRITICAL)

from sagemaker_training import environment, mapping  # noqa: E402 - it logs while it is imported

told = environment.Environment()
json.dump({"env": told.to_env_vars(), "argv": mapping.to_cmd_args(told.hyperparameters)}, sys.stdout)
