"""The seam for a project's own steps: empty as shipped.

Verbs of step classes that are declared while a program runs are attached here, and `Pipeline` inherits from it.
"""

from __future__ import annotations

from typing import Generic

from fluentpipe._state import S


class ProjectVerbs(Generic[S]):
    """The verbs of this project's steps."""


class ProjectOutputs:
    """The outputs of this project's steps, by step."""
