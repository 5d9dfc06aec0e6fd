"""SageMaker's own container images: which registry holds them in which region.

The table, `_image_table.py`, is generated from what the SageMaker Python SDK knows of XGBoost and scikit-learn, for every
region of every partition.
"""

from __future__ import annotations

from fluentpipe._image_table import ACCOUNTS, DOMAIN, DOMAINS, REPOSITORIES, TAGS
from fluentpipe.errors import SettingError, did_you_mean

DEFAULT_XGBOOST = "3.0-5"
"""The newest image that is known to hold PyArrow, which the steps' scripts use; Python 3.10 and xgboost 3.0.5."""


def image_uri(framework: str, version: str, region: str) -> str:
    """The URI of an image, such as `683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5`.

    Args:
        framework: `xgboost` or `sklearn`.
        version: Of the image, such as `3.0-5`; the SDK's numbers.
        region: Such as `us-east-1`.

    Raises:
        SettingError: There is no such framework, version or region in the table; any image can be given by its URI.
    """
    tags = TAGS.get(framework, {})
    faults = []
    if framework not in TAGS:
        faults.append(f"framework {framework!r} is not in the table; it has {', '.join(map(repr, TAGS))}")
    elif version not in tags:
        faults.append(f"{framework} has no version {version!r}; it has {', '.join(tags)}")
    if region not in ACCOUNTS:
        faults.append(f"region {region!r} is not in the table.{did_you_mean(region, ACCOUNTS)}")
    if faults:
        raise SettingError("there is no such image.", *faults, fix="give any image by its URI: image_uri='…'")
    registry = f"{ACCOUNTS[region]}.dkr.ecr.{region}.{DOMAINS.get(region, DOMAIN)}"
    return f"{registry}/{REPOSITORIES[framework]}:{tags[version]}"
