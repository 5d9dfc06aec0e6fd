"""The stub of `fluentpipe_project`: the verbs and outputs of a project's own steps and of installed plugins."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

from fluentpipe.errors import ContractError
from fluentpipe.plugins import load_plugins
from fluentpipe.step import Step, step_classes
from fluentpipe.stubgen.files import built_in, header
from fluentpipe.stubgen.names import Names
from fluentpipe.stubgen.verbs import Form, outputs_by_step, outputs_classes, verbs_class


def project_classes() -> tuple[type[Step], ...]:
    """The step classes that are not the library's own, in an order that no import changes.

    Raises:
        ContractError: There are none.
    """
    built_in()
    load_plugins()
    own = [cls for cls in step_classes() if not cls.__module__.startswith("fluentpipe.steps.")]
    if not own:
        raise ContractError(
            "there are no steps but the built-in ones, which have their stubs.",
            fix="name the modules that declare your step classes: fluentpipe stubs mypackage.steps",
        )
    return tuple(sorted(own, key=lambda cls: (cls.__module__, cls.contract.step_type)))


def project_stub(classes: Sequence[type[Step]], command: str) -> str:
    """The text of the stub; the same bytes for the same classes.

    Args:
        classes: As `project_classes` gives them.
        command: What makes it anew, for the first line.

    Raises:
        ContractError: A class that a signature names cannot be imported.
    """
    form = Form("ProjectVerbs", stub=True, project=True)
    names = Names(["ProjectVerbs", "ProjectOutputs", *(f"{cls.contract.step_type}Outputs" for cls in classes)])
    body = verbs_class(classes, names, form, "The verbs of this project's steps.")
    body += outputs_classes(classes, names, form)
    body += '\n\nclass ProjectOutputs:\n    """The outputs of this project\'s steps, by step."""\n'
    body += outputs_by_step(classes, names, form)
    doc = '"""The verbs of this project\'s steps, and the classes of their outputs."""\n\n'
    return header(command) + doc + names.imports() + body


def stub_file(out: Path | None) -> Path:
    """Where the stub goes: into a folder of the project, or (None) into the environment."""
    if out is not None:
        return out / "fluentpipe_project.pyi"
    return Path(sysconfig.get_path("purelib")) / "fluentpipe_project-stubs" / "__init__.pyi"


def command_line(modules: Iterable[str], out: Path | None) -> str:
    """The command that makes the stub."""
    return " ".join(["fluentpipe stubs", *modules, "--install" if out is None else f"--out {out.as_posix()}"])
