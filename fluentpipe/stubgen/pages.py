"""A page of documentation for each built-in step class, from its contract, its settings and its docstring.

The docstring's last section, `Example:`, is Python that runs where `churn.csv` lies. Verbs that are methods written by hand say
themselves what they take; their classes give the rest.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import fluentpipe
from fluentpipe import shapes
from fluentpipe.contract import DependencySpec, OutputSpec
from fluentpipe.settings import Setting
from fluentpipe.step import Step
from fluentpipe.stubgen.files import COMMAND, write_file

_EXAMPLE = re.compile(r"\n+Example:\n((?:    .*\n?|\n)+)")
_NOTICE = f"<!-- Generated: {COMMAND}; do not edit. -->\n\n"
_ARGUMENT = re.compile(r"^    (\*{0,2}\w+): ((?:.|\n      )+)", re.MULTILINE)
_KEPT_AS = frozenset({"takes", "arguments_given", "request"})
"""Settings that hold what a method takes under another name, or has made of it."""
_OPERATORS = {">=": "≥", ">": ">", "<=": "≤", "<": "<"}


def pages(classes: Sequence[type[Step]]) -> Mapping[str, str]:
    """File name -> text of every page and of the index; the same bytes for the same classes."""
    texts = {f"{cls.contract.verb}.md": _NOTICE + _page(cls) for cls in classes}
    return {"README.md": _NOTICE + _index(classes), **texts}


def write_pages(folder: Path, classes: Sequence[type[Step]]) -> None:
    """Write the pages, and remove those of steps that are no more."""
    texts = pages(classes)
    for name, text in texts.items():
        write_file(folder / name, text)
    for path in folder.glob("*.md"):
        if path.name not in texts:
            path.unlink()


def split_example(doc: str) -> tuple[str, str]:
    """A docstring without its example, and the example as Python; empty where there is none."""
    text = inspect.cleandoc(doc) + "\n"
    found = _EXAMPLE.search(text)
    if not found:
        return text.strip(), ""
    return (text[: found.start()] + text[found.end() :]).strip(), textwrap.dedent(found[1]).strip() + "\n"


def _index(classes: Sequence[type[Step]]) -> str:
    rows = [(f"[`{cls.contract.verb}`]({cls.contract.verb}.md)", _first(cls), _job(cls) or "–") for cls in classes]
    return "# The steps\n\nOne page each, made from the step classes themselves.\n\n" + _table(
        ("verb", "what it does", "job on SageMaker"), rows
    )


def _first(cls: type[Step]) -> str:
    return inspect.cleandoc(cls.__doc__ or "").split("\n")[0]


def _job(cls: type[Step]) -> str:
    """The type of the step on SageMaker; empty for one that is of no type, or of any."""
    return cls.sagemaker_type if cls.sagemaker_type in {*shapes.step_types(), "Fail"} else ""


def _key(cls: type[Step]) -> str:
    """Where the outputs are; a step that is declared by its call mostly has a name of its own."""
    return "<name of the step>" if cls.contract.own_method else cls.contract.key


def _page(cls: type[Step]) -> str:
    contract = cls.contract
    text, example = split_example(cls.__doc__ or "")
    also = f", also `{contract.default_verb}` without settings" if contract.default_verb else ""
    job = f" On SageMaker it is a {_job(cls)} step." if _job(cls) else ""
    where = "" if cls.sagemaker_type in {"Condition", "Fail"} else f"; its outputs are `pipe.outputs.{_key(cls)}`"
    parts = [
        f"# `{contract.verb}`\n",
        f"{text}\n",
        f"Step type `{contract.step_type}`{also}{where}.{job}\n",
    ]
    if example:
        parts.append(f"## Example\n\n```python\n{example}```\n")
    arguments = _arguments(cls)
    if named := {name: row for name, row in arguments.items() if not name.startswith("*")}:
        parts.append("## Arguments\n\n" + _table(("argument", "default", "what"), named.values()))
    if contract.dependencies:
        parts.append("## Takes\n\n" + _table(("input", "kind", "", "what"), map(_input, contract.dependencies)))
    if contract.outputs:
        parts.append("## Gives\n\n" + _table(("output", "kind", "what", "property"), map(_output, contract.outputs)))
    for title, job_settings in (("## Settings", False), ("## Settings of its job", True)):
        left_out = {*arguments, *_KEPT_AS} if contract.own_method else set()
        chosen = [each for each in cls.settings.values() if each.job is job_settings and each.name not in left_out]
        if chosen:
            parts.append(f"{title}\n\n" + _table(("setting", "type", "default", "what"), map(_setting, chosen)))
    return "\n".join(parts)


def _arguments(cls: type[Step]) -> dict[str, tuple[str, ...]]:
    """What a verb that is written by hand takes, as its docstring says it: name -> row of a table."""
    if not cls.contract.own_method:
        return {}
    method = getattr(fluentpipe.Pipeline, cls.contract.verb)
    parameters = inspect.signature(method).parameters
    _, _, said = inspect.cleandoc(method.__doc__ or "").partition("Args:\n")
    found: dict[str, tuple[str, ...]] = {}
    for name, text in _ARGUMENT.findall(said.partition("\n\n")[0]):
        default = parameters[name.strip("*")].default
        shown = "required" if default is inspect.Parameter.empty else f"`{default!r}`"
        found[name] = (f"`{name}`", shown, " ".join(text.split()))
    return found


def _input(spec: DependencySpec) -> tuple[str, ...]:
    needed = "required" if spec.required else "optional"
    if spec.required_by:
        needed = f"required with {', '.join(f'`{name}`' for name in spec.required_by)}"
    sources = f" Wired from {', '.join(spec.compatible_sources)}." if spec.compatible_sources else ""
    return f"`{spec.name}`", spec.says(), needed, spec.description + sources


def _output(spec: OutputSpec) -> tuple[str, ...]:
    return f"`{spec.name}`", spec.kind.__name__, spec.description, f"`{spec.path}`" if spec.path else "–"


def _setting(each: Setting) -> tuple[str, ...]:
    default = "required" if each.required else f"`{_shown(each.default)}`"
    return f"`{each.name}`", f"`{each.annotation.replace(' | None', '')}`", default, " ".join(_said(each))


def _said(each: Setting) -> Iterator[str]:
    yield each.doc
    limits = [f"{_OPERATORS[sign]} {bound}" for sign, bound in each.bounds.items() if bound is not None]
    if limits or each.unit:
        yield f"{' and '.join(limits)}{f' {each.unit}' if each.unit else ''}.".lstrip()
    if each.aliases:
        yield f"Also {', '.join(f'`{alias}`' for alias in each.aliases)}."


def _shown(value: object) -> str:
    return repr(list(value)) if isinstance(value, tuple) else repr(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
