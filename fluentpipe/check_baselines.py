"""QualityCheck and ClarifyCheck steps: what they check, what they compare with, and the model that they ask.

Members: those that the SageMaker SDK's `QualityCheckStep` and `ClarifyCheckStep` write; which of them go together: developer guide,
"Baseline calculation, drift detection and lifecycle with ClarifyCheck and QualityCheck steps".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fluentpipe.diagnostic import Findings, described
from fluentpipe.document import StepEntry, is_reference
from fluentpipe.errors import did_you_mean

CHECK_TYPES: Mapping[str, tuple[str, ...]] = {
    "QualityCheck": ("DATA_QUALITY", "MODEL_QUALITY"),
    "ClarifyCheck": ("DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"),
}
_ASKS_A_MODEL = frozenset(("MODEL_BIAS", "MODEL_EXPLAINABILITY"))
_FLAGS = ("SkipCheck", "FailOnViolation", "RegisterNewBaseline")
_TEXTS = ("ModelPackageGroupName", "SuppliedBaselineConstraints", "SuppliedBaselineStatistics", "ModelName")
_COMMON = frozenset(("CheckType", "ModelPackageGroupName", "SuppliedBaselineConstraints", "CacheConfig", *_FLAGS))
MEMBERS: Mapping[str, frozenset[str]] = {
    "QualityCheck": _COMMON | {"SuppliedBaselineStatistics"},
    "ClarifyCheck": _COMMON | {"ModelName"},
}


def check_baselines(entry: StepEntry, findings: Findings) -> None:
    """Check what a step of these types says beside its job; nothing of a step of another type."""
    if entry.type not in CHECK_TYPES:
        return
    for member, message, fix in (*_type_faults(entry), *_value_faults(entry.request)):
        findings.error("check-step", f"{entry.path}.{member}", message, fix, entry.name)
    if _nothing_to_compare_with(entry.request):
        message = "Nothing is skipped, and there is nothing to compare with, so the step will fail."
        fix = "SkipCheck true, or ModelPackageGroupName, or SuppliedBaselineConstraints"
        findings.warning("check-step", f"{entry.path}.SkipCheck", message, fix, entry.name)


def _type_faults(entry: StepEntry) -> Iterator[tuple[str, str, str]]:
    """(member, message, fix) of a kind of check that there is not, and of a model that is missing."""
    kind, known = entry.request.get("CheckType"), CHECK_TYPES[entry.type]
    if kind not in known:
        near = did_you_mean(kind, known) if isinstance(kind, str) else ""
        yield "CheckType", f"{described(kind)} is no check of a {entry.type} step.{near}", f"one of {', '.join(known)}"
    elif kind in _ASKS_A_MODEL and entry.request.get("ModelName") is None:
        yield "ModelName", "It is missing; Clarify asks a model for predictions.", "the ModelName of a Model step"


def _value_faults(request: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for member in _FLAGS:
        value = request.get(member, False)
        if not isinstance(value, bool) and not is_reference(value):
            yield member, f"It must be true or false, not {described(value)}.", ""
    for member in _TEXTS:
        value = request.get(member)
        if value is not None and not isinstance(value, str) and not is_reference(value):
            yield member, f"It must be text, not {described(value)}.", ""


def _nothing_to_compare_with(request: Mapping[str, Any]) -> bool:
    supplied = (request.get("ModelPackageGroupName"), request.get("SuppliedBaselineConstraints"))
    return request.get("SkipCheck", False) is False and all(each is None for each in supplied)
