"""`python -m fluentpipe` is the command `fluentpipe`."""

from fluentpipe.cli import main

main(prog_name="fluentpipe")
