"""`python -m fluentpipe.stubgen`: write the generated files of the library anew, after a step class changed."""

from fluentpipe.stubgen.files import write

write()
