"""Every error that fluentpipe raises.

An error says what happened, where, and what to do; the facts are also attributes::

    FluentpipeError
    ├── ContractError        (TypeError)       a step class is declared wrongly
    ├── SettingError         (ValueError)      a setting is unknown or out of its limits
    ├── DuplicateName        (ValueError)      two steps of one pipeline share a name
    ├── UnknownOutput        (AttributeError)  a step, output or property path that does not exist
    ├── ReferenceMisuse      (TypeError)       a reference used as if it were a value
    ├── MangledToken         (ValueError)      text that held a reference was altered
    ├── InvalidS3Uri         (ValueError)      not a well-formed S3 URI
    ├── SourceError          (ValueError)      data that cannot be read, or whose label cannot be told
    ├── UnknownPipeline      (ValueError)      a script or module, or a pipeline in it, that does not exist
    ├── ResolveError                           the steps do not fit together
    │   ├── UnwiredInput                       nothing earlier gives what a step needs
    │   ├── AmbiguousInput                     two outputs fit equally well
    │   ├── MixedLineage                       inputs that come from different steps of one type
    │   ├── OutOfScope                         an output of a branch used outside of it
    │   ├── ConnectionMismatch                 an output given to an input it does not fit
    │   └── CycleError                         steps that wait for each other
    ├── DefinitionError                        a pipeline definition with faults, all of them listed
    ├── NoValue              (LookupError)     an output of a step that has not finished, failed, or was not executed
    ├── UnknownExecution     (ValueError)      an execution that does not exist, or words that fit several
    ├── StaleStub                              a generated stub that is not up to date
    ├── MissingExtra         (ImportError)     an optional package is not installed
    ├── AssetChanged         (ValueError)      a file is not the one that the definition was made with
    ├── AwsError                               AWS, or the way to it, refused something
    │   ├── NoRegion         (ValueError)      no region is given or configured
    │   ├── NoCredentials                      there are none, or AWS does not accept them
    │   ├── AccessDenied                       an action that the credentials do not allow
    │   ├── NoSuchRole                         a role that does not exist
    │   ├── NoSuchBucket                       a bucket that does not exist, or is not ours
    │   ├── NoSuchPipeline                     a pipeline that is not deployed
    │   ├── QuotaExceeded                      a quota of the account is reached
    │   ├── Throttled                          too many requests, also after retries
    │   ├── DeployConflict                     somebody else changes the same thing, also after retries
    │   ├── NameTaken                          the name is that of something else
    │   └── Unreachable                        no answer, also after retries
    └── RunError                               a run that did not succeed
        ├── StepFailed                         a step's program failed
        └── GateFailed                         a Fail step was reached
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class FluentpipeError(Exception):
    """The root of all errors raised here.

    Args:
        headline: What happened, in one sentence.
        *lines: Where, and whatever else helps; one fact a line.
        fix: What to do, or to write instead.
        **facts: The same as data; each becomes an attribute.
    """

    fix: str

    def __init__(self, headline: str, *lines: str, fix: str = "", **facts: Any) -> None:
        text = "\n  ".join([headline, *(line for line in lines if line), *([f"fix: {fix}"] if fix else [])])
        super().__init__(text)
        self.fix = fix
        vars(self).update(facts)


class ContractError(FluentpipeError, TypeError):
    """A step class whose declaration cannot work."""


class SettingError(FluentpipeError, ValueError):
    """A setting that does not exist, or a value that it cannot have."""


class DuplicateName(FluentpipeError, ValueError):
    """Two steps of a pipeline have the same name."""


class UnknownOutput(FluentpipeError, AttributeError):
    """A step, an output or a property path that does not exist; `hasattr` is honest about it."""


class ReferenceMisuse(FluentpipeError, TypeError):
    """A reference used where only a value can be; the value exists only while the pipeline runs."""


class MangledToken(FluentpipeError, ValueError):
    """Text that held a reference was cut, re-cased or replaced, so that the reference is lost."""


class InvalidS3Uri(FluentpipeError, ValueError):
    """Text that is no well-formed S3 URI."""


class SourceError(FluentpipeError, ValueError):
    """A data source that cannot be used as asked."""


class UnknownPipeline(FluentpipeError, ValueError):
    """A script or module, or a pipeline in it, that does not exist."""


class ResolveError(FluentpipeError):
    """Steps that do not fit together."""


class UnwiredInput(ResolveError):
    """A required input that no earlier output can give.

    Attributes:
        step: Name of the step that has the input.
        input: Logical name of the input.
        suggestions: Chains of verbs, each of which would supply it.
    """

    step: str
    input: str
    suggestions: tuple[tuple[str, ...], ...]


class AmbiguousInput(ResolveError):
    """An input for which two outputs fit equally well.

    Attributes:
        step: Name of the step that has the input.
        input: Logical name of the input.
        candidates: `step.output` of each, with its confidence, best first.
    """

    step: str
    input: str
    candidates: tuple[tuple[str, float], ...]


class MixedLineage(ResolveError):
    """Inputs wired by themselves that descend from different steps of one type."""


class OutOfScope(ResolveError):
    """An output made under a condition, used where the condition does not hold."""


class ConnectionMismatch(ResolveError):
    """An output given to an input that it does not fit."""


class CycleError(ResolveError):
    """Steps that wait for each other.

    Attributes:
        cycle: Names of the steps in the order of the data, the first one again at the end.
    """

    cycle: tuple[str, ...]


class DefinitionError(FluentpipeError):
    """A pipeline definition with faults.

    Attributes:
        diagnostics: Every fault that was found (`fluentpipe.check.Diagnostic`).
    """

    diagnostics: tuple[Any, ...]


class NoValue(FluentpipeError, LookupError):
    """An output of a run that has no value.

    Attributes:
        step: Name of the step that would give it.
        state: Of that step: `Waiting`, `Running`, `Failed`, …
    """

    step: str
    state: str


class UnknownExecution(FluentpipeError, ValueError):
    """An execution on SageMaker that does not exist, or words that fit several."""


class StaleStub(FluentpipeError):
    """A generated stub that does not say what the step classes say now."""


class MissingExtra(FluentpipeError, ImportError):
    """A package is needed that the light installation leaves out."""


class AssetChanged(FluentpipeError, ValueError):
    """A file that is not the one whose content hash the definition holds."""


class AwsError(FluentpipeError):
    """AWS refused something, or could not be asked. What was done before stays done; a repeat goes on from there.

    Attributes:
        code: AWS's code, such as `ValidationException`, or the name of botocore's error.
        operation: Of the API, such as `UpdatePipeline`; empty where none was reached.
        region: Where it was tried.
    """

    code: str = ""
    operation: str = ""
    region: str = ""


class NoRegion(AwsError, ValueError):
    """No region is given or configured."""


class NoCredentials(AwsError):
    """There are no credentials, they are not complete, or AWS does not accept them (any more)."""


class AccessDenied(AwsError):
    """The credentials do not allow an action.

    Attributes:
        action: Such as `iam:PassRole`; the operation where AWS does not name it.
        resource: The ARN, or what the call was about.
        principal: ARN of the user or role that was denied; empty where AWS does not say.
    """

    action: str
    resource: str
    principal: str


class NoSuchRole(AwsError):
    """There is no role of that name."""


class NoSuchBucket(AwsError):
    """There is no bucket of that name, or it belongs to somebody else."""


class NoSuchPipeline(AwsError):
    """There is no pipeline of that name in this account and region."""


class QuotaExceeded(AwsError):
    """A quota of the account is reached."""


class Throttled(AwsError):
    """AWS takes no more requests for now, also after retries."""


class DeployConflict(AwsError):
    """Somebody else changes the same thing at the same time, also after retries."""


class NameTaken(AwsError):
    """The name belongs to something that is not of this pipeline, and is left alone."""


class Unreachable(AwsError):
    """AWS gave no answer, also after retries."""


class RunError(FluentpipeError):
    """A run that did not succeed.

    Attributes:
        run: The run as far as it came (`fluentpipe.run.Run`).
    """

    run: Any


class StepFailed(RunError):
    """The program of a step failed.

    Attributes:
        step: Name of the step.
        exit_code: Of the process; negative for a signal.
        log: Path of the step's log.
    """

    step: str
    exit_code: int
    log: str


class GateFailed(RunError):
    """A Fail step was reached, as when a required metric was missed.

    Attributes:
        step: Name of the Fail step.
    """

    step: str


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`" Did you mean 'max_depth'?"` for the nearest known word, or nothing."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6) or [
        name for name in names if name.lower() == word.lower()
    ]
    return f" Did you mean {near[0]!r}?" if near else ""
