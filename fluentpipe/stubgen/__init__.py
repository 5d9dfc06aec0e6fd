"""Generated source: the verbs as methods, the stubs of the library, and those of a project's own steps."""

from fluentpipe.stubgen.files import COMMAND, generated, stale, write

__all__ = ["COMMAND", "generated", "stale", "write"]
