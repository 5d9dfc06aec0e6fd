"""Connections: whether an output may be given to an input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fluentpipe.contract import DependencySpec, OutputSpec, StepContract
from fluentpipe.errors import ConnectionMismatch, did_you_mean
from fluentpipe.step import Step


def check_connection(
    producer: type[Step] | Step,
    output: str,
    consumer: type[Step] | Step,
    input: str,  # noqa: A002  the word of the field
) -> None:
    """Check that an output may be given to an input: both exist, and kinds and data types fit.

    Raises:
        ConnectionMismatch: Names both ends and every fault.
    """
    giver, taker = producer.contract, consumer.contract
    source, spec = giver.output(output), taker.dependency(input)
    faults = []
    if source is None:
        names = [each.name for each in giver.outputs]
        faults.append(
            f"{giver.step_type} has no output {output!r}.{did_you_mean(output, names)} outputs: {', '.join(names) or 'none'}"
        )
    if spec is None:
        names = [each.name for each in taker.dependencies]
        faults.append(
            f"{taker.step_type} has no input {input!r}.{did_you_mean(input, names)} inputs: {', '.join(names) or 'none'}"
        )
    if source is not None and spec is not None:
        faults += connection_faults(giver, source, taker, spec)
    if faults:
        raise mismatch(giver, output, taker, input, faults, "")


def connection_faults(
    giver: StepContract, source: OutputSpec, taker: StepContract, spec: DependencySpec
) -> Iterator[str]:
    """What stands against giving an output to an input, in words."""
    if not spec.fit(source.kind):
        yield f"{giver.step_type}.{source.name} is {source.kind.__name__}, {taker.step_type}.{spec.name} takes {spec.says()}"
    if source.data_type != spec.data_type:
        yield f"{giver.step_type}.{source.name} is a {source.data_type}, {taker.step_type}.{spec.name} takes a {spec.data_type}"


def mismatch(
    giver: StepContract,
    output: str,
    taker: StepContract,
    input: str,  # noqa: A002  the word of the field
    faults: Sequence[str],
    where: str,
) -> ConnectionMismatch:
    """The error for a connection with faults."""
    return ConnectionMismatch(
        f"{giver.step_type}.{output} cannot be given to {taker.step_type}.{input}.",
        where,
        *faults,
        producer=giver.step_type,
        output=output,
        consumer=taker.step_type,
        input=input,
        faults=tuple(faults),
    )
