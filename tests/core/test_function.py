"""`@step`: what a signature declares, what is taken along of the place where a function was written, and what is refused."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import math
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pytest

from fluentpipe import Figures, Pipeline, RawData, TestData, TrainingData, ValidationData, step
from fluentpipe.errors import ContractError, SettingError, UnwiredInput
from fluentpipe.standalone import STEP, standalone

from .test_materialize import HERE, named

pytestmark = pytest.mark.usefixtures("registry")

LIMIT = 0.9
LABELS = {"yes": 1, "no": [0, None]}
WORD = re.compile("[a-z]+")
HIGHEST = math.inf


def smaller(share: float) -> float:
    return min(share, LIMIT)


alias = smaller


@dataclasses.dataclass
class Counted:
    rows: int
    kept: Annotated[Path, TrainingData]
    left: Annotated[Path, TestData]
    label: str = "yes"


class Pair(NamedTuple):
    rows: int
    share: float


def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str = "own_steps_of_a_test") -> Any:
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


def test_kinds_are_inputs_the_rest_are_settings_and_what_is_returned_are_outputs() -> None:
    @step
    def rarefy(
        raw: RawData, other: TestData | None = None, *, share: float = 0.5, names: list[str] | None = None
    ) -> TrainingData:
        """Keep a share.

        Args:
            raw: The rows.
            share: Which share.
        """
        raise NotImplementedError

    cls = getattr(rarefy, STEP)
    assert [(each.name, each.kind, each.required) for each in cls.contract.dependencies] == [
        ("raw", (RawData,), True),
        ("other", (TestData,), False),
    ]
    assert [(each.name, each.kind) for each in cls.contract.outputs] == [("training_data", TrainingData)]
    assert (cls.settings["share"].doc, cls.settings["share"].default) == ("Which share.", 0.5)
    assert cls.__doc__ == "Keep a share."
    pipe = Pipeline("a").load_data("s3://bucket/x", label="y").rarefy(share=0.1, names=["a", "b"])
    assert pipe.outputs.rarefy.training_data.kind is TrainingData
    request = named(pipe.materialize(**HERE).document)["rarefy"]["Arguments"]
    words = request["AppSpecification"]["ContainerArguments"]
    assert words[:4] == [
        "--input-raw",
        "/opt/ml/processing/input/raw",
        "--output-training_data",
        "/opt/ml/processing/output/training_data",
    ]
    assert words[4:] == ["--share", "0.1", "--names", '["a", "b"]']


def test_a_function_stays_a_function() -> None:
    @step(instance_type="ml.c5.large")
    def twice(number: int = 2) -> int:
        return number * 2

    assert twice(4) == 8
    request = named(Pipeline("a").twice().materialize(**HERE).document)["twice"]
    assert request["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceType"] == "ml.c5.large"
    assert request["PropertyFiles"] == [
        {"PropertyFileName": "values", "OutputName": "values", "FilePath": "values.json"}
    ]


def test_fields_are_outputs_of_their_names_and_plain_values_one_file() -> None:
    @step
    def split(raw: RawData) -> Counted:
        raise NotImplementedError

    outputs = getattr(split, STEP).contract.outputs
    assert [(each.name, each.kind) for each in outputs] == [
        ("kept", TrainingData), ("left", TestData), ("values", Figures),
    ]  # fmt: skip
    assert outputs[-1].description == "values.json with rows, label."


def test_a_tuple_of_kinds_and_the_same_kind_in_place_of_its_input() -> None:
    @step
    def divide(raw: RawData) -> tuple[Annotated[Path, RawData], ValidationData]:
        raise NotImplementedError

    outputs = getattr(divide, STEP).contract.outputs
    assert [(each.name, each.replaces) for each in outputs] == [("raw_data", "raw"), ("validation_data", "")]
    pipe = Pipeline("a").load_data("s3://bucket/x", label="y").divide().preprocess()
    bound = {each.input: each.label for each in pipe.explain() if each.step == "tabular_preprocessing"}
    assert bound["raw_data"] == "divide.raw_data"


def test_what_a_function_needs_goes_with_it_and_nothing_else() -> None:
    def count(raw: Annotated[Path, RawData], share: float = LIMIT) -> int:
        text = json.dumps(LABELS)
        return int(
            min(HIGHEST, alias(share)) * len(WORD.findall(text)) * sum(1 for _ in raw.iterdir())
        ) + os.path.sep.count("/")

    text = standalone(count)
    space: dict[str, Any] = {}
    exec(compile(text, "count.py", "exec", dont_inherit=True), space)
    assert space["smaller"](2) == 0.9
    assert space["LABELS"] == LABELS
    for absent in ("fluentpipe", "pytest", "Hypothesis", "Counted", "Pair"):
        assert absent not in text.partition("def count")[0]
    for needed in ("import json\n", "import os\n", "import re\n", "WORD = re.compile('[a-z]+')", "alias = smaller"):
        assert needed in text


def test_an_edit_elsewhere_in_the_file_changes_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import beside\nFACTOR = 2\ndef f(x: int = 1) -> int:\n    return x * FACTOR + beside.ONE\n"
    (tmp_path / "beside.py").write_text("ONE = 1\n")
    first = standalone(own_module(tmp_path, monkeypatch, text).f)
    assert standalone(own_module(tmp_path, monkeypatch, text + "OTHER = 3\n", "own_steps_of_another").f) == first
    assert (
        first
        == "from __future__ import annotations\n\nimport beside\n\n\nFACTOR = 2\n\n\ndef f(x: int = 1) -> int:\n    return x * FACTOR + beside.ONE\n"
    )


def test_modules_beside_the_file_are_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside.py").write_text("import further\n")
    (tmp_path / "further.py").write_text("")
    text = "import beside\nfrom fluentpipe import step\n@step\ndef ship(x: int = 1) -> int:\n    return beside.ONE\n"
    own_module(tmp_path, monkeypatch, text)
    pipe: Any = Pipeline("a").ship()  # type: ignore[attr-defined]  # declared while the test runs
    [asset] = pipe.materialize(**HERE).assets
    assert set(asset.files) == {"beside.py", "further.py", "call.json", "call_function.py", "step_ship.py"}


def test_functions_of_notebook_cells_become_steps(tmp_path: Path) -> None:
    cells = [
        "import json\nfrom fluentpipe import Pipeline, step\n%matplotlib_is_not_here = 1",
        "import json as j\nfrom fluentpipe import Pipeline, step",
        "SIZE = 3",
        "class Doubled:\n    by = 2",
        "@step\ndef cell(x: int = 1) -> int:\n    return x * SIZE + len(j.dumps([])) * Doubled.by",
        "from fluentpipe.standalone import standalone; print(standalone(cell)); print(Pipeline('a').cell().materialize().name)",
    ]
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
        f"for cell in {cells!r}:\n    shell.run_cell(cell, store_history=True)"
    )
    env = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert (
        "import json as j\n\n\nSIZE = 3\n\n\nclass Doubled:\n    by = 2\n\n\ndef cell(x: int = 1) -> int:"
        in done.stdout
    )
    assert done.stdout.rstrip().endswith("\na")


def test_pipelines_with_functions_are_copied_and_pickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_module(
        tmp_path, monkeypatch, "from fluentpipe import step\n@step\ndef keep(x: int = 1) -> int:\n    return x\n"
    )
    pipe: Any = Pipeline("a").keep(x=3)  # type: ignore[attr-defined]  # declared while the test runs
    for twin in (copy.deepcopy(pipe), pickle.loads(pickle.dumps(pipe))):
        assert twin.steps == pipe.steps
        assert twin.steps[0].given["x"] == 3


def test_settings_and_inputs_are_checked_at_the_call() -> None:
    @step
    def weigh(train: TrainingData, share: float = 0.5) -> None:
        raise NotImplementedError

    pipe: Any = Pipeline("a").provide(TrainingData, "s3://bucket/t")
    with pytest.raises(SettingError, match=r"share: must be float, not 'half'"):
        pipe.weigh(share="half")
    with pytest.raises(SettingError, match=r"Did you mean 'share'\?"):
        pipe.weigh(shar=1.0)
    with pytest.raises(UnwiredInput, match="weigh needs TrainingData"):
        Pipeline("a").weigh()  # type: ignore[attr-defined]  # declared while the test runs


def no_return(x: int = 1):
    return x


def job_setting(tags: str = "") -> None: ...
def variadic(*rows: int) -> None: ...
def untyped(x) -> None: ...
def unknown_type(x: set[int]) -> None: ...
def unreadable(x: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821  the fault
def unknown_return(x: int) -> bytes: ...
def same_kinds(x: int) -> tuple[RawData, RawData]: ...
def generator(x: int) -> int:
    yield x


async def later(x: int) -> int: ...
def process(x: int) -> int: ...


REFUSED: dict[str, tuple[Any, str]] = {
    "no return": (no_return, "what it returns is not said"),
    "a setting of every job": (job_setting, "tags: it is a setting of every job"),
    "any number of parameters": (variadic, "rows: a step is given its parameters by name"),
    "a parameter without a type": (untyped, "x: what it is is not said"),
    "a type of no setting": (unknown_type, "setting 'x' of .* cannot have the type"),
    "an annotation that cannot be read": (unreadable, "'Missing' cannot be read: name 'Missing' is not defined"),
    "another return": (unknown_return, "it returns <class 'bytes'>, which is none of"),
    "one kind twice": (same_kinds, "return a NamedTuple"),
    "a generator": (generator, "generator yields"),
    "a coroutine": (later, "plain function written with def"),
    "a lambda": (lambda x: x, "plain function written with def"),
    "a class": (Counted, "plain function written with def"),
    "a verb there is": (process, "verb 'process' is a method of Pipeline already"),
}  # fmt: skip


@pytest.mark.parametrize(("function", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_a_step_is_told_where_it_is_declared(function: Any, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        step(function)


def test_variables_of_a_function_around_it_are_refused() -> None:
    size = 3

    def inner() -> int:
        return size

    with pytest.raises(ContractError, match="inner uses size of the function around it"):
        step(inner)
    with pytest.raises(ContractError, match="@step of no_such was given what no job has: instance_typ"):

        @step(instance_typ="x")
        def no_such() -> None: ...


def opened() -> int:
    return len(Pipeline("a").name)


def undefined() -> int:
    return not_there  # type: ignore[name-defined]  # noqa: F821  the fault


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (opened, "Pipeline: it comes from fluentpipe, which is not in the job"),
        (undefined, "not_there: there is no such name"),
    ],
)
def test_what_cannot_be_taken_along_is_told(function: Callable[..., Any], said: str) -> None:
    with pytest.raises(ContractError, match=said):
        standalone(function)


def test_the_decorator_is_the_same_however_it_is_imported() -> None:
    for text in (
        "from fluentpipe import step",
        "from fluentpipe import Pipeline, step",
        "import fluentpipe.step; from fluentpipe import step",
    ):
        code = (
            text
            + "; import fluentpipe\ndef f(x: int = 1) -> int: return x\nprint(step(f)(5), fluentpipe.step is not None)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "5 True\n"
