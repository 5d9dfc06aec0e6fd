"""Raw data that is split: how it is made from a source, and its form on disk.

A folder of raw data holds `train/`, `validation/` and `test/` with one `data.parquet` each, and `schema.json`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING or __package__:
    from . import columns, cores, labels, reading, splitting, values
    from .job import JobError, did_you_mean, name_list, quoted, read_json, write_json
    from .splitting import SPLITS
    from .tasks import TASKS, Target, find_target
else:  # beside its siblings, as the jobs run it
    import columns
    import cores
    import labels
    import reading
    import splitting
    import values
    from job import JobError, did_you_mean, name_list, quoted, read_json, write_json
    from splitting import SPLITS
    from tasks import TASKS, Target, find_target

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

SCHEMA = "schema.json"


@dataclass(frozen=True)
class RawData:
    """The three splits and what is known about them."""

    tables: Mapping[str, pa.Table]  # by the names in SPLITS
    schema: Mapping[str, Any]

    @property
    def target(self) -> Target:
        """What is to be predicted."""
        return Target.from_dict(self.schema)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say how a source is split; `load_data` and `preprocess` have them alike."""
    parser.add_argument("--label", default="", help="name of the column to be predicted")
    parser.add_argument("--task", default="auto", choices=("auto", *TASKS))
    parser.add_argument(
        "--validation-split", type=float, default=0.15, help="share of the rows left after the test rows"
    )
    parser.add_argument("--test-split", type=float, default=0.2, help="share of all rows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-column", default="", help="split by time: its latest rows are test rows")
    parser.add_argument("--format", default="auto", choices=("auto", "csv", "parquet"))
    parser.add_argument("--drop-columns", type=name_list, default=[], help="JSON list of columns to leave out")


def split_source(path: Path, options: argparse.Namespace) -> RawData:
    """Read a source, find label and task, and split its rows; every decision is printed.

    Raises:
        JobError: The source cannot be read, or does not hold what was asked for.
    """
    source = reading.read_table(path, options.format)
    table = _without(source.table, options.drop_columns, keep=(options.label, options.time_column))
    label, reason = _label(table, options.label)
    warnings = list(source.warnings)
    table = _labelled_rows(table, label, warnings)
    target = find_target(table.column(label), label, options.task, reason)
    _say_target(target, options.task)
    codes = target.numbers(table.column(label))
    parts = _parts(table, target, codes, options)
    looks = columns.profiles(table)
    of_features = [look for look in looks if look.name != label]
    warnings += columns.suspicions(table, of_features, codes, target.task)
    warnings += columns.repeated_across_splits(_without_ids(table, of_features), parts)
    warnings += _lone_classes(target, codes, parts)
    for warning in warnings:
        print(f"warning: {warning}")
    chosen = cores.in_parallel(lambda part: table.filter(pa.array(parts == part)), range(len(SPLITS)))
    tables = dict(zip(SPLITS, chosen, strict=True))
    schema = {
        "version": 1,
        **target.as_dict(),
        "columns": [look.as_dict() for look in looks],
        "rows": {name: part.num_rows for name, part in tables.items()},
        "split": _split_facts(options, target),
        "source": {"files": list(source.files), "sha256": source.sha256},
        "warnings": warnings,
    }
    print("rows: " + ", ".join(f"{part.num_rows} {name}" for name, part in tables.items()))
    return RawData(tables, schema)


def write(data: RawData, folder: Path) -> None:
    """Write a folder of raw data, the schema last."""
    cores.in_parallel(lambda name: reading.write_parquet(data.tables[name], folder / name / "data.parquet"), SPLITS)
    write_json(folder / SCHEMA, dict(data.schema))


def read(folder: Path) -> RawData:
    """Read a folder that `write` made.

    Raises:
        JobError: A part of it is missing or damaged.
    """
    tables = {name: reading.read_parquet(file) for name, file in files(folder).items()}
    return RawData(tables, read_json(folder / SCHEMA))


def files(folder: Path) -> dict[str, Path]:
    """The file of each split.

    Raises:
        JobError: One is missing.
    """
    found = {name: folder / name / "data.parquet" for name in SPLITS}
    for name, file in found.items():
        if not file.is_file():
            msg = f"{folder} has a {SCHEMA} but no {name}/data.parquet"
            raise JobError(msg)
    return found


def require_columns(names: Sequence[str], known: Sequence[str], argument: str) -> None:
    """Refuse names of columns that are not there."""
    for name in names:
        if name not in known:
            msg = (
                f"--{argument} names {name!r}, which is no column.{did_you_mean(name, known)} Columns: {quoted(known)}."
            )
            raise JobError(msg)


def _without(table: pa.Table, names: Sequence[str], keep: Sequence[str]) -> pa.Table:
    require_columns(names, table.column_names, "drop-columns")
    clash = [name for name in names if name in keep]
    if clash:
        msg = f"--drop-columns names {quoted(clash)}, which is needed as the label or the time column"
        raise JobError(msg)
    return table.drop_columns(list(names)) if names else table


def _without_ids(table: pa.Table, looks: Sequence[columns.Profile]) -> pa.Table:
    return table.drop_columns([look.name for look in looks if look.id_reason])


def _label(table: pa.Table, label: str) -> tuple[str, str]:
    """The label and why: the one given, or the one that can be told without doubt."""
    if label:
        labels.check_label(label, table.column_names)
        return label, "given"
    head = table.slice(0, labels.SAMPLE_ROWS)
    found = labels.choose_label(
        table.column_names, {name: head.column(name).to_pylist() for name in table.column_names}
    )
    if isinstance(found, labels.Ask):
        raise JobError(found.question)
    return found.label, found.reason


def _labelled_rows(table: pa.Table, label: str, warnings: list[str]) -> pa.Table:
    column = table.column(label)
    texts = values.texts(column)  # the words for missing values are missing in Parquet, too
    if texts.null_count:
        warnings.append(f"{texts.null_count} rows without a label were left out")
        table = table.filter(texts.is_valid())
    if not table.num_rows:
        msg = f"no row has a value in the label column {label!r}"
        raise JobError(msg)
    return table


def _say_target(target: Target, asked: str) -> None:
    print(f"label: {target.label!r} ({target.reason})")
    why = {
        "binary": "the label has two values",
        "multiclass": f"the label has {len(target.classes)} classes",
        "regression": "the label is a number of many values",
    }
    print(f"task: {target.task} ({why[target.task] if asked == 'auto' else 'given'})")
    if target.task == "binary":
        print(f"positive class: {target.positive_class!r}; the other one is {target.classes[0]!r}")
    elif target.task == "multiclass":
        print(f"classes: {quoted(map(str, target.classes), 10)}")


def _parts(
    table: pa.Table, target: Target, codes: npt.NDArray[np.float64], options: argparse.Namespace
) -> npt.NDArray[np.int8]:
    shares = options.validation_split, options.test_split
    if options.time_column:
        require_columns([options.time_column], table.column_names, "time-column")
        return splitting.split_by_time(_times(table.column(options.time_column), options.time_column), *shares)
    strata = None if target.task == "regression" else codes.astype(np.int64)
    return splitting.split_randomly(table.num_rows, strata, *shares, options.seed)


def _times(column: pa.ChunkedArray, name: str) -> npt.NDArray[np.float64]:
    """The time column as sortable numbers, NaN where it is missing."""
    if pa.types.is_boolean(column.type):
        found = np.full(len(column), np.nan)
    elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        found = values.numbers(column)
    else:
        instants = values.instants(column)
        found = np.where(np.isnat(instants), np.nan, instants.astype(np.int64).astype(np.float64))
    wrong = np.isnan(found) & column.is_valid().to_numpy()
    if wrong.any():
        example = column[int(np.flatnonzero(wrong)[0])].as_py()
        msg = f"the time column {name!r} holds {example!r}, which is no time; write times as 2024-05-31 or 2024-05-31T12:00:00"
        raise JobError(msg)
    return found


def _lone_classes(target: Target, codes: npt.NDArray[np.float64], parts: npt.NDArray[np.int8]) -> list[str]:
    """Splits in which a class does not occur, so that some metrics are undefined there."""
    if target.task == "regression":
        return []
    found = []
    for part, name in enumerate(SPLITS):
        mine = codes[parts == part].astype(np.int64)
        absent = [target.classes[code] for code in np.setdiff1d(np.arange(len(target.classes)), mine)]
        if len(mine) and absent:
            found.append(f"the {name} rows have no row of class {quoted(map(str, absent), 5)}")
    return found


def _split_facts(options: argparse.Namespace, target: Target) -> dict[str, Any]:
    how = "time" if options.time_column else "random" if target.task == "regression" else "stratified"
    facts = {"how": how, "validation": options.validation_split, "test": options.test_split}
    return {**facts, **({"time_column": options.time_column} if options.time_column else {"seed": options.seed})}
