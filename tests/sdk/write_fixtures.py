"""Write what the installed SageMaker SDK makes of the canonical chain, and its table of images, as fixtures.

    python write_fixtures.py FOLDER [BUCKETS]

The pipelines of `runnable` are written as well, one for each way to name the program of a training. What the SDK uploads
for them, and the definitions as they are, go below BUCKETS, for run_written.py.

Runs in an environment that has the SDK, version 2 or 3; fluentpipe is not needed. check_fixtures.sh runs it in both.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import pathlib
import re
import sys
import tempfile
import warnings
from typing import Any

import offline
import runnable


def main(folder: pathlib.Path, buckets: pathlib.Path | None) -> None:
    """Write vN.json, run_vN_*.json, faults_vN.json and images_vN.json."""
    version = importlib.metadata.version("sagemaker")
    major = version.partition(".")[0]
    with tempfile.TemporaryDirectory() as programs:
        document = definition(major, pathlib.Path(programs))
    # Which release wrote it is pinned in check_fixtures.sh, and said there only.
    write(folder / f"v{major}.json", document)
    for mode in runnable.MODES[major]:
        with tempfile.TemporaryDirectory() as temporary:
            bucket = pathlib.Path(temporary) if buckets is None else buckets / f"v{major}_{mode}"
            bucket.mkdir(parents=True, exist_ok=True)
            document = runnable_definition(major, mode, bucket)
            (bucket / "definition.json").write_text(json.dumps(document))
        write(folder / f"run_v{major}_{mode}.json", document)
    write_faults(folder / f"faults_v{major}.json", major)
    write(
        folder / f"images_v{major}.json", {framework: images(major, framework) for framework in ("sklearn", "xgboost")}
    )
    write_spark(folder / f"spark_v{major}.json", major)
    write(folder / f"pytorch_v{major}.json", {scope: pytorch(major, scope) for scope in ("training", "inference")})
    write_checks(folder / f"checks_v{major}.json", major)
    write_engines(folder / f"engines_v{major}.json", major)


def definition(major: str, programs: pathlib.Path) -> dict[str, Any]:
    """The SDK's definition of the canonical chain."""
    # Before the import: without a region it fails, and with validation of the role it asks IAM.
    os.environ |= {"AWS_DEFAULT_REGION": offline.REGION, "SAGEMAKER_VALIDATE_ROLE": "false"}
    os.environ["SAGEMAKER_SUPPRESS_V2_WARNING"] = "1"
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import chain

    chain.write_programs(programs)
    if major == "2":
        import chain_v2 as made
    else:
        import chain_v3 as made
    return made.definition(programs)


def runnable_definition(major: str, mode: str, bucket: pathlib.Path) -> dict[str, Any]:
    """The SDK's definition of the pipeline that is run."""
    if major == "2":
        import runnable_v2 as made
    else:
        import runnable_v3 as made
    return made.definition(mode, bucket)


def write_faults(file: pathlib.Path, major: str) -> None:
    """What the SDK makes of each faulty program, a line each: the definition, or what it raises."""
    import faults

    if major == "2":
        import faults_v2 as made
    else:
        import faults_v3 as made
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder, "program.py")
        script.write_text("print('a stand-in')\n")
        programs = {"sound": {}, **{name: fault.change for name, fault in faults.FAULTS.items()}}
        lines = [
            f"{json.dumps(name)}: {stable(json.dumps(outcome(made.definition, faults.Program(**change), script), sort_keys=True))}"
            for name, change in programs.items()
        ]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write_checks(file: pathlib.Path, major: str) -> None:
    """The service's checks as the SDK writes them, and the images that they run in, by region."""
    import checks

    found: dict[str, dict[str, str]] = {}
    for framework in ("model-monitor", "clarify"):
        image_uris, known = known_images(major, framework)
        (version,) = known.get("processing", known)["versions"].values()
        found[framework] = {region: image_uris.retrieve(framework, region=region) for region in version["registries"]}
    write(file, {**checks.definition(major), "images": found})


def write_engines(file: pathlib.Path, major: str) -> None:
    """Steps of EMR, of EMR Serverless and of a notebook."""
    import engines

    write(file, engines.definition(major))


def write_spark(file: pathlib.Path, major: str) -> None:
    """A step of PySpark as the SDK writes it, and the images of Spark."""
    import spark_step

    write(file, {**spark_step.definition(major), "images": spark(major)})


def outcome(definition: Any, program: Any, script: pathlib.Path) -> dict[str, Any]:
    """The definition of a program, or the first line of what the SDK raises."""
    try:
        return {"definition": definition(program, script)}
    except Exception as error:  # noqa: BLE001  whatever it is, the SDK found the fault
        return {"raised": f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"}


def images(major: str, framework: str) -> dict[str, Any]:
    """The SDK's images for training with a framework: tag of each version, and registry and repository of each region.

    Left out is version 1 of XGBoost, whose image is another (`xgboost:1`, the ancient one that `latest` stands for).
    """
    image_uris, known = known_images(major, framework)
    versions = known["training"]["versions"]
    tags: dict[str, str] = {}
    repositories: dict[str, str] = {}
    for version in versions.keys() - {"1"}:
        for region in versions[version]["registries"]:
            uri = image_uris.retrieve(framework, region=region, version=version, instance_type="ml.m5.xlarge")
            repository, tag = uri.split(":")
            if tags.setdefault(version, tag) != tag or repositories.setdefault(region, repository) != repository:
                raise ValueError(f"the image of {version} in {region} does not fit a table of versions and regions")
        if len(versions[version]["registries"]) != len(repositories):
            raise ValueError(f"version {version} is not in all regions")
    return {"tags": tags, "repositories": repositories}


def pytorch(major: str, scope: str) -> dict[str, Any]:
    """The SDK's images of PyTorch since 2.1: tags of each version by processor, and registry and repository of each region.

    Regions that some of these versions lack are left out.
    """
    image_uris, known = known_images(major, "pytorch")
    every = known[scope]["versions"]
    versions = {name: every[name] for name in every if tuple(map(int, name.split("."))) >= (2, 1)}
    regions = sorted(set.intersection(*(set(each["registries"]) for each in versions.values())))
    accounts = [{region: each["registries"][region] for region in regions} for each in versions.values()]
    if any(each != accounts[0] for each in accounts):
        raise ValueError("versions of PyTorch have registries of their own")
    tags: dict[str, dict[str, str]] = {}
    repositories: dict[str, str] = {}
    for version, each in versions.items():
        (python,) = each["py_versions"]
        # Minutes for every version in every region, whose registries are known to be the same.
        for region in regions if version == "2.6.0" else regions[:1]:
            for processor, instance in (("cpu", "ml.m5.xlarge"), ("gpu", "ml.g5.xlarge")):
                uri = image_uris.retrieve(
                    "pytorch", region=region, version=version, py_version=python, instance_type=instance, image_scope=scope
                )  # fmt: skip
                repository, tag = uri.split(":")
                said = (
                    tags.setdefault(version, {}).setdefault(processor, tag),
                    repositories.setdefault(region, repository),
                )
                if said != (tag, repository):
                    raise ValueError(f"the image of {version} in {region} does not fit a table of versions and regions")
    return {"tags": tags, "repositories": repositories}


def spark(major: str) -> dict[str, Any]:
    """The SDK's images of Spark: tag and Pythons of each version, and registry and repository of each region."""
    image_uris, known = known_images(major, "spark")
    versions = known["processing"]["versions"]
    repositories: dict[str, str] = {}
    tags: dict[str, str] = {}
    for version, each in versions.items():
        for region in each["registries"]:
            uri = image_uris.retrieve("spark", region=region, version=version, instance_type="ml.m5.xlarge")
            repository, tag = uri.split(":")
            if (tags.setdefault(version, tag), repositories.setdefault(region, repository)) != (tag, repository):
                raise ValueError(f"the image of {version} in {region} does not fit a table of versions and regions")
        if len(each["registries"]) != len(repositories):
            raise ValueError(f"version {version} is not in all regions")
    version, python = "3.5", "py312"
    pinned = image_uris.retrieve(
        "spark", region="us-east-1", version=version, py_version=python, container_version="v1", instance_type="ml.m5.xlarge"
    )  # fmt: skip
    pythons = {version: each["py_versions"] for version, each in versions.items()}
    return {"tags": tags, "pythons": pythons, "pinned": pinned, "repositories": repositories}


def known_images(major: str, framework: str) -> tuple[Any, dict[str, Any]]:
    """The SDK's module that knows images, and its table of a framework."""
    if major == "2":
        import sagemaker as package
        from sagemaker import image_uris
    else:
        import sagemaker.core as package
        from sagemaker.core import image_uris

    file = pathlib.Path(package.__path__[0], "image_uri_config", f"{framework}.json")
    return image_uris, json.loads(file.read_text())


def write(file: pathlib.Path, data: dict[str, Any]) -> None:
    """JSON, the same for the same data: hashes (which cover temporary paths) and times are left out."""
    file.write_text(stable(json.dumps(data, indent=1, sort_keys=True)) + "\n")


def stable(text: str) -> str:
    """Text without hashes and times."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "<sha256>", text)
    return re.sub(r"-20(\d{12}|\d\d(-\d\d){5}-\d{3})\b", "-<time>", text)


if __name__ == "__main__":
    offline.close_the_network()
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
