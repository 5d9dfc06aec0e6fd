"""The table of images against the SDK's own answers, which tests/sdk/write_fixtures.py asked for."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from fluentpipe import images
from fluentpipe.errors import SettingError

FIXTURE = pathlib.Path(__file__).parents[1] / "sdk" / "fixtures" / "xgboost_images.json"


@pytest.fixture(scope="module")
def sdk() -> Any:
    return json.loads(FIXTURE.read_text())


def test_the_versions_are_those_of_the_sdk(sdk):
    assert sorted(images.XGBOOST_VERSIONS) == sorted(sdk["tags"])


def test_every_version_in_every_region_has_the_uri_that_the_sdk_gives(sdk):
    wrong = {
        (version, region): images.image_uri("xgboost", version, region)
        for version, tag in sdk["tags"].items()
        for region, repository in sdk["repositories"].items()
        if images.image_uri("xgboost", version, region) != f"{repository}:{tag}"
    }
    assert not wrong
    assert len(sdk["repositories"]) > 30


def test_a_region_that_the_sdk_does_not_have_is_in_no_table_of_ours(sdk):
    assert sorted(images._XGBOOST_ACCOUNTS) == sorted(sdk["repositories"])


@pytest.mark.parametrize(
    ("framework", "version", "region", "said"),
    [
        ("xgboost", "3.0", "us-east-1", r"no version '3.0'; it has .*3\.0-5"),
        ("xgboost", "latest", "us-east-1", "no version 'latest'"),
        ("xgboost", "3.0-5", "us-eats-1", "region 'us-eats-1' .*Did you mean 'us-east-1'"),
        ("sklearn", "1.4-2", "us-east-1", "framework 'sklearn' is not in the table"),
    ],
)
def test_an_image_that_is_not_in_the_table_is_refused_with_the_way_out(framework, version, region, said):
    with pytest.raises(SettingError, match=said) as raised:
        images.image_uri(framework, version, region)
    assert "image_uri=" in raised.value.fix
