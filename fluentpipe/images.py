"""SageMaker's own container images: which registry holds them in which region.

The accounts are those of the SageMaker Python SDK's table for XGBoost (`image_uri_config/xgboost.json` of 3.27).
"""

from __future__ import annotations

from fluentpipe.errors import SettingError, did_you_mean

XGBOOST_VERSIONS = ("0.90-1", "0.90-2", "1.0-1", "1.2-1", "1.2-2", "1.3-1", "1.5-1", "1.7-1", "3.0-5", "3.2-0")
DEFAULT_XGBOOST = "3.0-5"
"""The newest image that is known to hold PyArrow, which the steps' scripts use; Python 3.10 and xgboost 3.0.5."""

_OLD_TAGS = dict.fromkeys(("0.90-1", "0.90-2", "1.0-1"), "-cpu-py3")  # said in the tags of the first versions only

_XGBOOST_ACCOUNTS = {
    "af-south-1": "510948584623", "ap-east-1": "651117190479", "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698", "ap-northeast-3": "867004704886", "ap-south-1": "720646828776",
    "ap-south-2": "628508329040", "ap-southeast-1": "121021644041", "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941", "ap-southeast-4": "106583098589", "ca-central-1": "341280168497",
    "ca-west-1": "190319476487", "cn-north-1": "450853457545", "cn-northwest-1": "451049120500",
    "eu-central-1": "492215442770", "eu-central-2": "680994064768", "eu-north-1": "662702820516",
    "eu-south-1": "978288397137", "eu-south-2": "104374241257", "eu-west-1": "141502667606",
    "eu-west-2": "764974769150", "eu-west-3": "659782779980", "il-central-1": "898809789911",
    "me-central-1": "272398656194", "me-south-1": "801668240914", "sa-east-1": "737474898029",
    "us-east-1": "683313688378", "us-east-2": "257758044811", "us-gov-east-1": "237065988967",
    "us-gov-west-1": "414596584902", "us-iso-east-1": "833128469047", "us-isob-east-1": "281123927165",
    "us-isof-east-1": "108575199400", "us-isof-south-1": "124985052026", "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}  # fmt: skip
_DOMAINS = {
    "cn-": "amazonaws.com.cn",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}


def image_uri(framework: str, version: str, region: str) -> str:
    """The URI of an image, such as `683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5`.

    Raises:
        SettingError: There is no such framework, version or region in the table; any image can be given by its URI.
    """
    faults = []
    if framework != "xgboost":
        faults.append(f"framework {framework!r} is not in the table; it has 'xgboost'")
    if version not in XGBOOST_VERSIONS:
        faults.append(f"xgboost has no version {version!r}; it has {', '.join(XGBOOST_VERSIONS)}")
    if region not in _XGBOOST_ACCOUNTS:
        faults.append(f"region {region!r} is not in the table.{did_you_mean(region, _XGBOOST_ACCOUNTS)}")
    if faults:
        raise SettingError("there is no such image.", *faults, fix="give any image by its URI: image_uri='…'")
    domain = next((domain for prefix, domain in _DOMAINS.items() if region.startswith(prefix)), "amazonaws.com")
    tag = version + _OLD_TAGS.get(version, "")
    return f"{_XGBOOST_ACCOUNTS[region]}.dkr.ecr.{region}.{domain}/sagemaker-{framework}:{tag}"
