"""Verbs and outputs as source, from the step classes: one template for the module and for the stub.

The module has real methods, because live completion sees nothing else. The stub says more: which inputs a setting makes
required, and the types of every property of a job.
"""

from __future__ import annotations

import inspect
import itertools
import keyword
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from fluentpipe import shapes
from fluentpipe.contract import DependencySpec
from fluentpipe.defaults import KINDS, shared_settings
from fluentpipe.kinds import Kind, known_kinds
from fluentpipe.settings import Setting
from fluentpipe.step import Step
from fluentpipe.stubgen.names import Names, literal
from fluentpipe.stubgen.properties import class_name
from fluentpipe.verb import documentation, settings_of


@attrs.frozen
class Form:
    """Which file is written.

    Args:
        verbs: Name of the class that has the verbs.
        stub: Whether it is a stub.
        project: Whether the step classes are a project's; kinds of its own then count too.
    """

    verbs: str
    stub: bool
    project: bool = False


def verbs_class(classes: Sequence[type[Step]], names: Names, form: Form, doc: str) -> str:
    """The class that has the verbs of the step classes as its methods."""
    generic = f"{names.use('typing', 'Generic')}[{names.use('fluentpipe._state', 'S')}]"
    methods = [] if form.project else [defaults_method(names, form)]
    methods += [_methods(cls, name, names, form) for cls in classes for name in cls.contract.verbs]
    return "\n".join([f'\n\nclass {form.verbs}({generic}):\n    """{doc}"""\n', *methods])


def defaults_method(names: Names, form: Form) -> str:
    """`defaults`, which takes what the steps share."""
    mapping = f"{names.use('collections.abc', 'Mapping')}[str, {names.use('typing', 'Any')}] | None = None"
    settings = sorted(shared_settings(own=False).items())
    words = ["self", "*", *(_parameter(word, each, names, alias=True) for word, each in settings)]
    signature = "".join(f"        {word},\n" for word in (*words, *(f"{kind}: {mapping}" for kind in KINDS)))
    pipeline, state = names.use("fluentpipe.pipeline", "Pipeline"), "S" if form.stub else names.use("typing", "Any")
    lines = [_DEFAULTS, "", "Args:", *(f"    {word}: {each.doc}" for word, each in settings)]
    lines += [f"    {kind}: Settings of {kind} jobs alone." for kind in KINDS]
    doc = textwrap.indent(_doc("\n".join(lines) + "\n"), "        ").replace("\n        \n", "\n\n")
    text = f"    def defaults(\n{signature}    ) -> {pipeline}[{state}]:\n{doc}\n"
    return (
        text if form.stub else f"    @{names.use('fluentpipe.verb', 'verb')}\n{text}        raise NotImplementedError\n"
    )


_DEFAULTS = """Set what the steps that follow share; a step that says otherwise goes its own way.

Environment variables and tags come together, entry by entry. In a branch, defaults hold for the branch."""


def outputs_classes(classes: Sequence[type[Step]], names: Names, form: Form) -> str:
    """One class for the outputs of each step class."""
    return "".join("\n\n" + _outputs(cls, names, form) for cls in classes)


def outputs_by_step(classes: Sequence[type[Step]], names: Names, form: Form) -> str:
    """The attributes of `pipe.outputs`: which step has which outputs."""
    typed = {
        cls.contract.key_for(job_type): (f"{cls.contract.step_type}Outputs", _first(cls))
        for cls in classes
        for job_type in (None, *(cls.settings["job_type"].choices if "job_type" in cls.settings else ()))
    }
    return fields(typed, names, form)


def _first(cls: type[Step]) -> str:
    said = inspect.cleandoc(cls.__doc__ or "").split("\n")[0]
    return f"The outputs of {cls.contract.step_type}: {said}" if said else f"The outputs of {cls.contract.step_type}."


def accepted(spec: DependencySpec, form: Form) -> tuple[type[Kind], ...]:
    """Every kind that the resolver lets pass for an input, as far as kinds are known now."""
    known = [kind for kind in known_kinds() if form.project or kind.__module__ == Kind.__module__]
    return tuple(dict.fromkeys([*spec.kind, *(kind for kind in known if spec.fit(kind))]))


def _gate(required: Iterable[DependencySpec], names: Names, form: Form) -> str:
    """The self types under which a verb may be called: one for each choice of kinds."""
    choices = itertools.product(*(accepted(spec, form) for spec in required))
    states = [list(dict.fromkeys(names.of(kind) for kind in choice)) for choice in choices]
    gates = [f"{form.verbs}[{_joined(state, names)}]" for state in states if state]
    return f": {' | '.join(dict.fromkeys(gates))}" if gates else ""


def _joined(kinds: Sequence[str], names: Names) -> str:
    """Kinds made into one state. `Union`, because jedi gives up after about ten calls that return `A | B`."""
    return f"{names.use('typing', 'Union')}[{', '.join(kinds)}]" if len(kinds) > 1 else kinds[0]


def _methods(cls: type[Step], name: str, names: Names, form: Form) -> str:
    contract = cls.contract
    settings = settings_of(cls, name)
    always = [spec for spec in contract.dependencies if spec.required]
    at_times = [spec for spec in contract.dependencies if not spec.required and {*spec.required_by} & {*settings}]
    if not at_times or not form.stub:
        words = _words(settings, contract.dependencies, names, form)
        return _method(cls, name, _gate(always, names, form), words, names, form)
    full = _words(settings, contract.dependencies, names, form)
    without = _words(settings, contract.dependencies, names, form, lacking=at_times)
    over = f"    @{names.use('typing', 'overload')}\n"
    return "\n".join(
        over + _method(cls, name, _gate(needed, names, form), words, names, form)
        for needed, words in (([*always, *at_times], full), (always, without))
    )


def _words(
    settings: dict[str, Setting],
    dependencies: Iterable[DependencySpec],
    names: Names,
    form: Form,
    lacking: Sequence[DependencySpec] = (),
) -> Iterator[str]:
    """The parameters of a verb; where inputs are lacking, what requires them takes no value."""
    yield from (_parameter(word, each, names) for word, each in settings.items() if each.positional)
    yield "*"
    named = [(word, each) for word, each in settings.items() if not each.positional]
    aliases = [(alias, each) for each in settings.values() for alias in each.aliases if not keyword.iskeyword(alias)]
    for word, each in [*named, *aliases]:
        missing = [names.of(kind) for spec in lacking if each.name in spec.required_by for kind in spec.kind]
        if missing:
            yield f"{word}: {names.use('fluentpipe._state', 'Needs')}[{_joined(missing, names)}] | None = None"
        else:
            yield _parameter(word, each, names, alias=word != each.name)
    for spec in dependencies:
        kinds = " | ".join(names.of(kind) for kind in accepted(spec, form))
        yield f"{spec.name}: {names.use('fluentpipe.reference', 'Given')}[{kinds}] | None = None"
    yield "name: str | None = None"


def _method(cls: type[Step], name: str, gate: str, words: Iterable[str], names: Names, form: Form) -> str:
    grants = ["S", *(names.of(spec.kind) for spec in cls.contract.outputs)]
    # The module says less than the stub: jedi loses what a live pipeline returns where that depends on its own state.
    state = _joined(list(dict.fromkeys(grants)), names) if form.stub else names.use("typing", "Any")
    pipeline = names.use("fluentpipe.pipeline", "Pipeline")
    signature = "".join(f"        {word},\n" for word in (f"self{gate}", *words))
    head = f"    def {name}(\n{signature}    ) -> {pipeline}[{state}]:\n"
    doc = textwrap.indent(_doc(documentation(cls, name) + "\n"), "        ").replace("\n        \n", "\n\n")
    if form.stub:
        return f"{head}{doc}\n"
    return f"    @{names.use('fluentpipe.verb', 'verb')}\n{head}{doc}\n        raise NotImplementedError\n"


def _parameter(word: str, each: Setting, names: Names, *, alias: bool = False) -> str:
    if each.type is Any and each.positional:
        spelled = f"{names.use('fluentpipe.reference', 'Given')}[{names.of(Kind)}]"
    else:
        spelled = names.spelled(each.type, deferred=each.reference, optional=alias)
    return f"{word}: {spelled}" + (" = None" if alias else "" if each.required else f" = {literal(each.default)}")


def _outputs(cls: type[Step], names: Names, form: Form) -> str:
    contract = cls.contract
    proxy = names.use("fluentpipe.proxy", "StepOutputProxy")
    text = f'class {contract.step_type}Outputs({proxy}, step_type="{contract.step_type}"):\n'
    text += f"    {_doc(_first(cls))}\n"
    reference = names.use("fluentpipe.reference", "PropertyReference")
    typed = {spec.name: (f"{reference}[{names.of(spec.kind)}]", spec.description) for spec in contract.outputs}
    if cls.sagemaker_type in shapes.step_types():
        properties = names.use("fluentpipe._properties", class_name(cls.sagemaker_type))
        typed["properties"] = (properties, f"Every property of the {cls.sagemaker_type} job.")
    return text + fields(typed, names, form)


def fields(typed: Mapping[str, tuple[str, str]], names: Names, form: Form) -> str:
    """The attributes of a class, each with its type and doc; final, as far as a module can say so."""
    if not typed:
        return ""
    if form.stub:
        final = names.use("typing", "Final")
        lines = [f"    {name}: {final}[{kind}]\n    {_doc(doc)}\n" for name, (kind, doc) in typed.items()]
        return "\n" + "".join(lines)
    lines = [f"        {name}: {kind}\n        {_doc(doc)}\n" for name, (kind, doc) in typed.items()]
    return f"\n    if {names.use('typing', 'TYPE_CHECKING')}:\n" + "".join(lines)


def _doc(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"""', r"\"\"\"")
    return f'"""{escaped}"""'
