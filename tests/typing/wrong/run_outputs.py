"""Outputs of a run that do not exist, and values of another type."""

from fluentpipe.executions import Execution
from fluentpipe.run import Run


def misread(here: Run, there: Execution) -> None:
    print(here.outputs.xgboost_trainings)  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
    print(there.outputs.xgboost_training.model_artifact)  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
    size: int = there.outputs.xgboost_training.model_artifacts.value()  # mypy: assignment; pyright: reportAssignmentType; ty: invalid-assignment; pyrefly: bad-assignment
    print(size, there.retry().state)  # mypy: attr-defined; pyright: reportAttributeAccessIssue; ty: missing-attribute; pyrefly: missing-attribute
    there.steps["xgboost_training"].seconds = 1  # mypy: misc; pyright: reportAttributeAccessIssue; ty: invalid-assignment; pyrefly: read-only
