"""`python -m fluentpipe.stubgen`: write the generated files of the library anew, after a step class changed."""

from fluentpipe.stubgen.files import PACKAGE, documented, write
from fluentpipe.stubgen.pages import write_pages

write()
if (docs := PACKAGE.parent / "docs").is_dir():  # a checkout, not an installed wheel
    write_pages(docs / "steps", documented())
