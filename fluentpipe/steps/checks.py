"""What the service's own checks share: jobs that suggest baselines, and compare with earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from fluentpipe.contract import OutputSpec
from fluentpipe.errors import SettingError
from fluentpipe.jobs import InstanceStep
from fluentpipe.kinds import CheckFile, Kind
from fluentpipe.settings import setting
from fluentpipe.step import Inputs

if TYPE_CHECKING:
    from fluentpipe.target import Target


class CheckStep(InstanceStep):
    """A step that computes figures of data or of a model, and compares them with those of a baseline.

    The service suggests constraints by the figures in every execution. What it compares them with is what is given, else the
    baseline of the newest approved version of `group`. Such steps have no retry policies.
    """

    group: str | None = setting(
        None, job=True, doc="Model package group; the baseline of its newest approved version is compared with."
    )
    baseline_constraints: str | None = setting(
        None, job=True, doc="S3 URI of the constraints to compare with, instead of those of the group."
    )
    skip_check: bool | None = setting(
        None, job=True, doc="Whether nothing is compared; by default where there is nothing to compare with."
    )
    register_new_baseline: bool | None = setting(
        None, job=True,
        doc="Whether later executions compare with the figures of this one, not with those of before; by default where there are none.",
    )  # fmt: skip
    fail_on_violation: bool = setting(True, job=True, doc="Whether the step fails where a constraint is violated.")
    image_uri: str | None = setting(
        None, job=True, doc="Container image; by default SageMaker's own for such checks, in the region."
    )

    check_type: ClassVar[str] = ""
    """`CheckType` of the step in a definition."""

    def supplied(self, inputs: Inputs, target: Target) -> Mapping[str, Any]:  # noqa: ARG002  for those that take one
        """The files to compare with, by their members in a definition."""
        return {"SuppliedBaselineConstraints": self.baseline_constraints}

    @override
    def requests(self, inputs: Inputs, target: Target, then: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        supplied = self.supplied(inputs, target)
        compares = self.group is not None or any(each is not None for each in supplied.values())
        if self.skip_check is False and not compares:
            raise SettingError(
                f"{self.contract.verb} {self.name!r} has nothing to compare with.",
                fix="group='churn-models', or baseline_constraints='s3://…/constraints.json', or leave out skip_check",
                step=self.name,
            )
        given = (self.skip_check, self.register_new_baseline)
        skip, renew = (not compares if each is None else each for each in given)
        return [
            {
                **super().requests(inputs, target, then)[0],
                "CheckType": self.check_type,
                "ModelPackageGroupName": self.group,
                "SkipCheck": skip,
                "FailOnViolation": self.fail_on_violation,
                "RegisterNewBaseline": renew,
                **supplied,
            }
        ]


def constraints(kind: type[Kind], description: str) -> tuple[OutputSpec, OutputSpec]:
    """The outputs of every check: the constraints that it suggests, and those that it compared with or passes on."""
    return (
        OutputSpec("constraints", kind, "CalculatedBaselineConstraints", description),
        OutputSpec(
            "used_constraints",
            CheckFile,
            "BaselineUsedForDriftCheckConstraints",
            "The constraints that later executions compare with.",
        ),
    )
