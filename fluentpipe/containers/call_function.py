"""Calls a function in a processing job: folders in, folders and values out.

`call.json` beside this file says which function, and what its parameters and results are.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

VALUES = "values.json"


def main(words: Sequence[str]) -> None:
    """Call the function with what the command line says, and keep what it returns."""
    call = json.loads(Path(__file__).with_name("call.json").read_text("utf-8"))
    given = dict(zip([word[2:] for word in words[::2]], words[1::2], strict=True))
    inputs = {name: Path(given[f"input-{name}"]) for name in call["inputs"] if f"input-{name}" in given}
    absent = {name: None for name in call["inputs"] if name not in inputs}
    settings = {name: _value(given[name], kind) for name, kind in call["settings"].items() if name in given}
    function = getattr(importlib.import_module(call["module"]), call["function"])
    returned = function(**inputs, **absent, **settings)
    results = _results(returned, call["returns"], call["outputs"], call["function"])
    values = {}
    for output, result in zip(call["outputs"], results, strict=True):
        if output["is_value"]:
            values[output["name"]] = result
        else:
            where = f"{call['function']} returned for {output['name']}"
            _keep(result, Path(given[f"output-{output['name']}"]), inputs, where)
    if values:
        text = json.dumps(values, allow_nan=False, default=_plain)
        Path(given["output-values"], VALUES).write_text(text, encoding="utf-8")


def _value(text: str, kind: str) -> Any:
    return text if kind == "text" else json.loads(text)


def _results(returned: Any, form: str, outputs: Sequence[Mapping[str, Any]], function: str) -> list[Any]:
    """What the function returned, one result for each output."""
    if form == "none":
        return []
    if form == "one":
        return [returned]
    if form == "fields":
        missing = [each["name"] for each in outputs if not hasattr(returned, each["name"])]
        if missing:
            sys.exit(f"{function} returned {_said(returned)}, which has no {', '.join(missing)}")
        return [getattr(returned, each["name"]) for each in outputs]
    if not isinstance(returned, tuple) or len(returned) != len(outputs):
        sys.exit(f"{function} returned {_said(returned)}; it says that it returns {len(outputs)} things")
    return list(returned)


def _keep(result: Any, folder: Path, inputs: Mapping[str, Path], where: str) -> None:
    """Put a result into the folder of its output: a file, the content of a folder, or a table as Parquet."""
    if hasattr(result, "to_parquet"):  # pandas
        result.to_parquet(folder / "rows.parquet", index=False)
    elif hasattr(result, "write_parquet"):  # Polars
        result.write_parquet(folder / "rows.parquet")
    elif hasattr(result, "column_names") and hasattr(result, "schema"):  # PyArrow
        importlib.import_module("pyarrow.parquet").write_table(result, folder / "rows.parquet", use_dictionary=False)
    elif isinstance(result, (str, os.PathLike)):
        path = Path(result)
        if not path.exists():
            sys.exit(f"{where} the path {str(path)!r}, where nothing is")
        is_input = any(path.resolve().is_relative_to(each.resolve()) for each in inputs.values())
        for each in sorted(path.iterdir()) if path.is_dir() else [path]:
            _put(each, folder / each.name, copy=is_input)
    else:
        sys.exit(f"{where} {_said(result)}; it must be a path, or a table of pandas, Polars or PyArrow")


def _put(source: Path, target: Path, *, copy: bool) -> None:
    if not copy:
        shutil.move(source, target)
    elif source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _plain(value: Any) -> Any:
    """A number of NumPy as a plain one."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{_said(value)} has no form in JSON")


def _said(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"


if __name__ == "__main__":
    main(sys.argv[1:])
