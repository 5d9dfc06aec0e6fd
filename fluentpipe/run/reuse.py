"""Whether a job's result is there already: kept under its identity, or taken from a past run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from fluentpipe.definition import StepEntry
from fluentpipe.run.cache import Cache, Result
from fluentpipe.run.environment import Mask
from fluentpipe.run.hashing import Hashes, index_of
from fluentpipe.run.identity import Identity, identify
from fluentpipe.run.job import JobRequest
from fluentpipe.run.policies import Caching
from fluentpipe.run.storage import Storage


@attrs.frozen
class Answer:
    """What is known about a job before it is carried out."""

    identity: Identity | None  # None where its result is not to be kept
    result: Result | None
    why: str  # it has to be carried out


@attrs.frozen
class Reuse:
    """How one run takes results again."""

    pipeline: str
    cache: Cache
    hashes: Hashes
    enabled: bool
    anew: frozenset[str]  # steps that are carried out whatever is kept
    past: Mapping[str, Result]  # step -> its result in a past run, taken whatever it was made from
    installs: bool = False  # whether what a requirements.txt asks for is installed for its job

    @classmethod
    def of(
        cls,
        pipeline: str,
        home: Path,
        run: str,
        *,
        enabled: bool,
        anew: frozenset[str],
        past: Mapping[str, Result],
        installs: bool = False,
    ) -> Reuse:
        """The results of a home, for one run."""
        cache = Cache(home, run)
        return cls(pipeline, cache, Hashes(index_of(home)), enabled, anew, past, installs)

    def ask(
        self, entry: StepEntry, job: JobRequest, neutral: Mapping[str, Any], storage: Storage, mask: Mask
    ) -> Answer:
        """Look for the result of a job.

        Args:
            entry: The step of the definition.
            job: As it is to be carried out.
            neutral: Its request without what differs between runs; see `identity.identify`.
            storage: Finds its inputs.
            mask: Of its secrets.
        """
        if entry.name in self.past:
            return Answer(None, self.past[entry.name], "")
        caching = Caching.of(entry)
        if not caching.allowed:
            return Answer(None, None, "its CacheConfig is not enabled")
        if not self.enabled:
            return Answer(None, None, "")
        identity = identify(job, neutral, storage, self.hashes, mask, installs=self.installs)
        if entry.name in self.anew:
            return Answer(identity, None, "asked for")
        result = self.cache.find(identity, self.hashes, caching.seconds)
        if result is None:
            return Answer(identity, None, self.cache.why(self.pipeline, entry.name, identity))
        self.cache.note(self.pipeline, entry.name, identity)
        return Answer(identity, result, "")

    def kept(
        self, job: JobRequest, neutral: Mapping[str, Any], storage: Storage, mask: Mask
    ) -> tuple[Identity, Result | None]:
        """The identity of a job that is only a part of its step, and its result if it is there already."""
        identity = identify(job, neutral, storage, self.hashes, mask, installs=self.installs)
        return identity, self.cache.find(identity, self.hashes, None)

    def keep(self, entry: StepEntry, answer: Answer, result: Result) -> None:
        """Keep the result of a job that was carried out."""
        if answer.identity is not None:
            self.cache.keep(answer.identity, result, self.hashes)
            self.cache.note(self.pipeline, entry.name, answer.identity)
