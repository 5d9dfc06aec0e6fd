"""The types of `run.outputs`: for each step class the values of its outputs, by name."""

from __future__ import annotations

from collections.abc import Sequence

from fluentpipe import shapes
from fluentpipe.contract import OutputSpec
from fluentpipe.step import Step
from fluentpipe.stubgen.names import Names
from fluentpipe.stubgen.verbs import Form, fields

_DOC = '"""The outputs of a run, as type checkers and editors see them: what each value is."""\n\n'
_PYTHON = {"timestamp": "str"}  # ISO 8601


def values_source(classes: Sequence[type[Step]]) -> str:
    """The text of `_run_outputs.py`, without its first line."""
    names, form = Names(["BuiltinValues"]), Form("", stub=False)
    home = "fluentpipe.outcome.values"
    body = ""
    for cls in classes:
        step_type = cls.contract.step_type
        body += f"\n\nclass {step_type}Values({names.use(home, 'StepValues')}):\n"
        body += f'    """The values of the outputs of {step_type}."""\n'
        value = names.use(home, "OutputValue")
        typed = {spec.name: (f"{value}[{_type(cls, spec)}]", spec.description) for spec in cls.contract.outputs}
        body += fields(typed, names, form)
    body += f"\n\nclass BuiltinValues({names.use(home, 'RunOutputs')}):\n"
    body += '    """The values of the outputs of the built-in steps, by step."""\n'
    steps = {
        cls.contract.key: (f"{cls.contract.step_type}Values", f"The values of the outputs of {cls.contract.step_type}.")
        for cls in classes
    }
    body += fields(steps, names, form)
    return _DOC + "from __future__ import annotations\n\n" + names.imports() + body


def _type(cls: type[Step], spec: OutputSpec) -> str:
    """The Python type of a value; what no table describes may be anything."""
    if cls.sagemaker_type not in shapes.step_types():
        return "str"
    leaf = shapes.walk(cls.sagemaker_type, spec.path).type
    return _PYTHON.get(leaf, leaf)
