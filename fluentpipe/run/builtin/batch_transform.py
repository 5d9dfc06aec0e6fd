"""A transform job without its image: the model is loaded once, and each file of rows becomes a file of answers.

    SAGEMAKER_BASE_DIR=folder python batch_transform.py

Reads input/config/transform.json, the files below input/data/rows and the model in model/ below the folder (/opt/ml), and
writes `<file>.out` below output/transform. A mistake of the user goes to output/failure and ends with status 1.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .channel_tables import UserError
    from .json_path import FilterError
    from .model_server import Server, algorithm_server, script_server
    from .transform_records import Processing
else:  # run as a script
    from channel_tables import UserError
    from json_path import FilterError
    from model_server import Server, algorithm_server, script_server
    from transform_records import Processing


def main() -> None:
    """Answer, or write why not."""
    root = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    try:
        transform(root)
    except Exception as error:
        reason = str(error) if isinstance(error, (UserError, FilterError)) else f"{type(error).__name__}: {error}"
        (root / "output").mkdir(parents=True, exist_ok=True)
        (root / "output" / "failure").write_text(f"AlgorithmError: {reason}", encoding="utf-8")
        if not isinstance(error, (UserError, FilterError)):
            raise  # of the script: its traceback belongs into the log
        print(f"AlgorithmError: {reason}", file=sys.stderr)
        sys.exit(1)


def transform(root: Path) -> None:
    """Write the answers to every file below a folder that stands for /opt/ml.

    Raises:
        UserError: The model cannot be served, or a file cannot be read as the job says.
        FilterError: A filter finds nothing.
    """
    config: dict[str, Any] = json.loads((root / "input" / "config" / "transform.json").read_text(encoding="utf-8"))
    processing = Processing(**config["processing"])
    answer = _server(root, config, processing)
    rows, out = root / "input" / "data" / "rows", root / "output" / "transform"
    for file in sorted(path for path in rows.rglob("*") if path.is_file()):
        content = file.read_bytes()
        content = gzip.decompress(content) if config["gzipped"] else content
        target = out / file.relative_to(rows).parent / f"{file.name}.out"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(processing.run(content, answer) if content else b"")
        print(f"{file.relative_to(rows).as_posix()}: {len(content)} bytes, answered", flush=True)


def _server(root: Path, config: dict[str, Any], processing: Processing) -> Server:
    model = root / "model"
    if not config["program"]:
        return algorithm_server(model, processing.content_type)
    code = root / "code" if config["code_beside"] else model / "code"
    return script_server(
        config["framework"], config["program"], code, model, processing.content_type, processing.accept
    )


if __name__ == "__main__":
    main()
