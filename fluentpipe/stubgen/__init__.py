"""Generated source: the verbs as methods, the stubs of the library, and those of a project's own steps."""

from fluentpipe.stubgen.files import COMMAND, generated, stale, surplus, write, write_file
from fluentpipe.stubgen.project import command_line, project_classes, project_stub, stub_file

__all__ = [
    "COMMAND",
    "command_line",
    "generated",
    "project_classes",
    "project_stub",
    "stale",
    "stub_file",
    "surplus",
    "write",
    "write_file",
]
