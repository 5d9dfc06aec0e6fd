"""For every test: no account of the caller's, and threads that wait without burning the cores."""

import os

from hypothesis import settings

# Few examples while one works; .ci/run looks at more of them (--hypothesis-profile=thorough).
settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=200, deadline=None)
settings.load_profile("quick")

os.environ["OMP_WAIT_POLICY"] = "passive"  # read by OpenMP when XGBoost is first loaded
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
# Nor of the machine's: no file with credentials, no service that gives them.
os.environ |= dict.fromkeys(("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"), os.devnull)
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ.pop("FLUENTPIPE_HOME", None)
