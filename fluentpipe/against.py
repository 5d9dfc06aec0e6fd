"""A pipeline against another one: a second pipeline, a definition, a file or a bundle, or the one that is deployed.

What is materialized for the comparison takes the role, bucket and region of the other side, so that these are no difference.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.aws import Account
from fluentpipe.bundle import asset_uris
from fluentpipe.definition import Definition
from fluentpipe.deployed import existing
from fluentpipe.difference import Difference, difference
from fluentpipe.document import strings
from fluentpipe.errors import SourceError

_REGION = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.[a-z0-9.-]+/")  # of an image
_BUCKET = re.compile(r"s3://([a-z0-9.\-]+)")

Materialize = Callable[..., Definition]  # takes role=, bucket= and region=


@attrs.frozen
class Asking:
    """How AWS is asked for the deployed pipeline; all as in `fluentpipe.deploy`."""

    region: str | None = None
    profile: str | None = None
    session: Any = None


def loaded(source: str | Path | Definition) -> Definition:
    """A definition from a file or bundle, faulty or not.

    Raises:
        SourceError: There is no such file.
    """
    if isinstance(source, Definition):
        return source
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return Definition.load(source, strict=False)
    if not Path(source).exists():
        raise SourceError(f"there is no definition or bundle {str(source)!r} to compare with.")
    return Definition.load(source, strict=False)


def deployed(name: str, asking: Asking) -> Definition:
    """The definition that is deployed under a name.

    Raises:
        NoSuchPipeline: There is none.
        AwsError: AWS cannot be asked.
    """
    account = Account(asking.region, asking.profile, asking.session)
    return existing(account, name, "to compare with").definition


def against(new: Materialize, old: Definition, given: Mapping[str, str | None]) -> Difference:
    """What a pipeline would change, materialized for the places of the other side where none are given."""
    places = {**places_in(old), **{name: place for name, place in given.items() if place is not None}}
    return difference(old, new(**places))


def places_in(definition: Definition) -> dict[str, str]:
    """Role, bucket and region of a definition, each if it says one; what most of its texts say counts."""
    texts = [text for _, text in strings(definition.document)]
    roles = [text for text in texts if text.startswith("arn:aws") and ":role/" in text]
    regions = [match[1] for text in texts if (match := _REGION.match(text))]
    assets = [*asset_uris(definition.document)]
    own = [uri for uri in (*assets, *texts) if f"/{definition.name}/" in f"{uri}/"] or assets
    buckets = [match[1] for uri in own if (match := _BUCKET.match(uri))]
    found = {"role": roles, "bucket": buckets, "region": regions}
    return {name: Counter(each).most_common(1)[0][0] for name, each in found.items() if each}
