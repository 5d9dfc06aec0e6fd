"""Proxies: the outputs of steps as attributes, each a lazy reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from typing_extensions import override

from fluentpipe import shapes
from fluentpipe.contract import OutputSpec, StepContract
from fluentpipe.errors import ReferenceMisuse, UnknownOutput, did_you_mean
from fluentpipe.reference import PropertyReference

_EAGER = 200
"""Steps up to which all proxies are made at once, for live completion; beyond that each is made when asked for."""

_VALUE_TYPES = {"Integer": "int", "Float": "float", "Boolean": "bool"}


def output_reference(step: str, spec: OutputSpec, sagemaker_type: str) -> PropertyReference[Any]:
    """The reference to one declared output of a step."""
    leaf = shapes.walk(sagemaker_type, spec.path)
    # The answers of a Lambda or Callback step are texts to the API model; their types stand in the step itself.
    of_answer = _VALUE_TYPES.get(spec.data_type, leaf.type) if leaf.type == "str" else leaf.type
    return PropertyReference(step, leaf.path, spec.name, spec.kind, of_answer, spec.property_file)


def unknown_output(
    step: str, output: str, outputs: tuple[str, ...], fix: str = "any other property of the job is under .properties"
) -> UnknownOutput:
    """The error for an output that a step does not have; says what there is."""
    return UnknownOutput(
        f"step {step!r} has no output {output!r}.{did_you_mean(output, outputs)}",
        f"outputs: {', '.join(outputs) or 'none'}",
        fix=fix,
        step=step,
        outputs=outputs,
    )


class StepOutputProxy:
    """The outputs of one step as attributes, and every property of its job under `properties`."""

    step_name: str
    step_type: ClassVar[str] = ""
    _classes: ClassVar[dict[str, type[StepOutputProxy]]] = {}

    if TYPE_CHECKING:  # a property, because ty reads a bare declaration as one that a subclass's only adds to

        @property
        def properties(self) -> Any:
            """Every property of the job that the step runs."""

    def __init_subclass__(cls, *, step_type: str = "") -> None:
        cls.step_type = step_type
        StepOutputProxy._classes[step_type] = cls

    def __init__(self, step: str, contract: StepContract, sagemaker_type: str) -> None:
        vars(self).update(
            {spec.name: output_reference(step, spec, sagemaker_type) for spec in contract.outputs},
            step_name=step,
            properties=Properties(step, sagemaker_type, "", tuple(_list_keys(contract))),
        )

    @staticmethod
    def of(step: str, contract: StepContract, sagemaker_type: str) -> StepOutputProxy:
        """The proxy of a step, of the class that belongs to its type."""
        known = StepOutputProxy._classes.get(contract.step_type, StepOutputProxy)
        return known(step, contract, sagemaker_type)

    def list_outputs(self) -> tuple[str, ...]:
        """The logical names of the outputs."""
        return tuple(name for name in vars(self) if name not in {"step_name", "properties"})

    if not TYPE_CHECKING:  # so that the checkers report an unknown output themselves

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_"):
                raise AttributeError(name)
            raise unknown_output(self.step_name, name, self.list_outputs())

    @override
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"the outputs of {self.step_name!r} are fixed by its contract; {name!r} cannot be set.")

    @override
    def __dir__(self) -> list[str]:
        return [*self.list_outputs(), "list_outputs", "properties", "step_name"]

    @override
    def __repr__(self) -> str:
        return f"<outputs of {self.step_name}: {', '.join(self.list_outputs()) or 'none'}>"

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td><code>{escape(name)}</code></td><td>{escape(reference.kind.__name__)}</td>"
            f"<td><code>{escape(reference.path)}</code></td></tr>"
            for name, reference in vars(self).items()
            if isinstance(reference, PropertyReference) and reference.kind is not None
        )
        return f"<table><caption>outputs of {escape(self.step_name)}</caption>{rows}</table>"


def _list_keys(contract: StepContract) -> Iterator[tuple[str, str]]:
    """The (list path, key) pairs that the outputs of a contract declare: `Outputs['train']` declares `train`."""
    for spec in contract.outputs:
        for path in [text for text, is_path in shapes.pieces(spec.path) if is_path]:
            head, bracket, rest = path.partition("['")
            if bracket:
                yield head, rest.partition("'")[0]


class Properties:
    """The properties of a step's job below some path, walked by attribute and checked against the service's API model."""

    def __init__(self, step: str, sagemaker_type: str, path: str, declared: tuple[tuple[str, str], ...]) -> None:
        vars(self).update(_step=step, _type=sagemaker_type, _path=path, _declared=declared)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._at(f"{self._path}.{name}" if self._path else name)

    def __getitem__(self, key: str | int) -> Any:
        known = [name for path, name in self._declared if path == self._path]
        if isinstance(key, str) and known and key not in known:
            raise UnknownOutput(
                f"step {self._step!r} declares no {key!r} in {self._path}.{did_you_mean(key, known)}",
                f"declared: {', '.join(known)}",
                step=self._step,
                outputs=tuple(known),
            )
        return self._at(f"{self._path}[{key!r}]")

    def _at(self, path: str) -> Any:
        leaf = shapes.walk(self._type, path)
        if leaf.type in {"structure", "list", "map"}:
            return Properties(self._step, self._type, leaf.path, self._declared)
        return PropertyReference(self._step, leaf.path, value_type=leaf.type)

    @override
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"properties of {self._step!r} come from the run; {name!r} cannot be set.")

    def __iter__(self) -> NoReturn:
        raise ReferenceMisuse(
            f"{self!r} has no members before the run, so there is no iteration.",
            fix="name the one you need: ['train'] by its name, [0] by its position",
        )

    @override
    def __dir__(self) -> list[str]:
        return sorted(shapes.members(self._type, self._path))

    @override
    def __repr__(self) -> str:
        return f"<properties {self._step}{'.' if self._path else ''}{self._path}>"


class Outputs:
    """The steps of a pipeline as attributes: `pipe.outputs.xgboost_training.model_artifacts`."""

    _names: Mapping[str, None]
    _make: Callable[[str], StepOutputProxy]

    def __init__(self, names: tuple[str, ...], make: Callable[[str], StepOutputProxy]) -> None:
        object.__setattr__(self, "_names", dict.fromkeys(names))
        object.__setattr__(self, "_make", make)
        if len(names) <= _EAGER:
            vars(self).update({name: make(name) for name in names})

    def get(self, step: str, output: str) -> PropertyReference[Any]:
        """An output by the names of its step and itself.

        Raises:
            UnknownOutput: There is no such step or output; says what there is.
        """
        if step not in self._names:
            raise self._unknown(step)
        proxy = getattr(self, step)
        if output not in proxy.list_outputs():
            raise unknown_output(step, output, proxy.list_outputs())
        found: PropertyReference[Any] = vars(proxy)[output]
        return found

    def list_outputs(self) -> Mapping[str, tuple[str, ...]]:
        """The logical names of the outputs of every step."""
        return {name: getattr(self, name).list_outputs() for name in self._names}

    if not TYPE_CHECKING:  # so that the checkers report an unknown step themselves

        def __getattr__(self, name: str) -> StepOutputProxy:
            if name.startswith("_"):
                raise AttributeError(name)
            if name in self._names:
                proxy = self._make(name)
                vars(self)[name] = proxy
                return proxy
            raise self._unknown(name)

    def _unknown(self, step: str) -> UnknownOutput:
        return UnknownOutput(
            f"this pipeline has no step {step!r}.{did_you_mean(step, self._names)}",
            f"steps: {', '.join(self._names) or 'none yet'}",
            steps=tuple(self._names),
        )

    @override
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"the steps of a pipeline are added by its verbs; {name!r} cannot be set.")

    @override
    def __dir__(self) -> list[str]:
        return [*(name for name in self._names if name.isidentifier()), "get", "list_outputs"]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @override
    def __repr__(self) -> str:
        return f"<outputs of {', '.join(self._names) or 'no step yet'}>"
