"""The table of images against the SDK's own answers, which tests/sdk/write_fixtures.py asked for."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from sdk import make_images

from fluentpipe import _image_table, images
from fluentpipe.errors import SettingError

SDK = pathlib.Path(__file__).parents[1] / "sdk"
MAJORS = ("2", "3")


def sdk(major: str) -> Any:
    return json.loads((SDK / "fixtures" / f"images_v{major}.json").read_text())


def spark(major: str) -> Any:
    return json.loads((SDK / "fixtures" / f"spark_v{major}.json").read_text())["images"]


def pytorch(major: str) -> Any:
    return json.loads((SDK / "fixtures" / f"pytorch_v{major}.json").read_text())


@pytest.mark.parametrize("major", MAJORS)
def test_every_image_of_spark_has_the_uri_that_the_sdk_gives(major):
    said = spark(major)
    wrong = {
        (version, region)
        for version, tag in said["tags"].items()
        for region, repository in said["repositories"].items()
        if images.spark_uri(version, region) != f"{repository}:{tag}"
    }
    assert not wrong
    assert len(said["repositories"]) > 30
    assert images.spark_uri("3.5", "us-east-1", python="py312", container="1") == said["pinned"]


@pytest.mark.parametrize(
    ("version", "region", "python", "container", "said"),
    [
        ("3.4", "us-east-1", None, None, r"no image of version '3\.4'; it has .*3\.5"),
        ("3.5", "us-eats-1", None, None, "Did you mean 'us-east-1'"),
        ("3.3", "us-east-1", "py312", "1", r"Spark 3\.3 has the Python 'py39', not 'py312'"),
        ("3.5", "us-east-1", "py312", None, "give both or neither"),
    ],
)
def test_an_image_of_spark_that_is_none_is_refused(version, region, python, container, said):
    with pytest.raises(SettingError, match=said):
        images.spark_uri(version, region, python=python, container=container)


@pytest.mark.parametrize("scope", ["training", "inference"])
@pytest.mark.parametrize("major", MAJORS)
def test_every_image_of_pytorch_has_the_uri_that_the_sdk_gives(major, scope):
    said = pytorch(major)[scope]
    wrong = {
        (version, region, processor)
        for version, tags in said["tags"].items()
        for region, repository in said["repositories"].items()
        for processor, tag in tags.items()
        if images.pytorch_uri(scope, version, region, gpu=processor == "gpu") != f"{repository}:{tag}"
    }
    assert not wrong
    assert len(said["repositories"]) > 30


def test_the_table_is_what_the_script_makes_of_the_sdk_s_answers():
    files = (make_images.FIXTURE, make_images.PYTORCH, make_images.SPARK, make_images.CHECKS)
    table = make_images.table(*(json.loads(file.read_text()) for file in files))
    assert make_images.TABLE.read_text() == table, f"run: {make_images.COMMAND}"


@pytest.mark.parametrize("framework", ["xgboost", "sklearn"])
@pytest.mark.parametrize("major", MAJORS)
def test_every_version_in_every_region_has_the_uri_that_the_sdk_gives(major, framework):
    said = sdk(major)[framework]
    wrong = {
        (version, region): images.image_uri(framework, version, region)
        for version, tag in said["tags"].items()
        for region, repository in said["repositories"].items()
        if images.image_uri(framework, version, region) != f"{repository}:{tag}"
    }
    assert not wrong
    assert len(said["repositories"]) > 30


def test_versions_and_regions_are_those_of_the_newer_sdk_and_no_others():
    for framework, said in sdk("3").items():
        assert sorted(_image_table.TAGS[framework]) == sorted(said["tags"])
        assert sorted(_image_table.ACCOUNTS) == sorted(said["repositories"])


def test_china_the_government_and_the_isolated_regions_have_domains_of_their_own():
    said = {region: images.image_uri("sklearn", "1.2-1", region).split("/")[0] for region in _image_table.ACCOUNTS}
    domains = {region: host.partition(f".dkr.ecr.{region}.")[2] for region, host in said.items()}
    assert domains["cn-north-1"] == "amazonaws.com.cn"
    assert domains["us-gov-west-1"] == "amazonaws.com"
    assert domains["us-iso-east-1"] == "c2s.ic.gov"
    assert domains["us-isob-east-1"] == "sc2s.sgov.gov"


@pytest.mark.parametrize(
    ("framework", "version", "region", "said"),
    [
        ("xgboost", "3.0", "us-east-1", r"no version '3.0'; it has .*3\.0-5"),
        ("xgboost", "latest", "us-east-1", "no version 'latest'"),
        ("xgboost", "3.0-5", "us-eats-1", "region 'us-eats-1' .*Did you mean 'us-east-1'"),
        ("sklearn", "1.4", "us-east-1", r"sklearn has no version '1.4'; it has .*1\.2-1"),
        ("pytorch", "2.6", "us-east-1", "framework 'pytorch' is not in the table; it has 'sklearn', 'xgboost'"),
    ],
)
def test_an_image_that_is_not_in_the_table_is_refused_with_the_way_out(framework, version, region, said):
    with pytest.raises(SettingError, match=said) as raised:
        images.image_uri(framework, version, region)
    assert "image_uri=" in raised.value.fix
