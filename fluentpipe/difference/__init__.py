"""Two definitions compared by what they mean, not by their lines.

::

    value      a JSON value in one form: two that mean the same are equal
    facts      place -> value, of a step or of what is around the steps; what means nothing is left out
    pairing    which step is which, renamed ones too
    compare    facts that differ -> changes
    notation   values and places in the words of a reader
    code       what changed in the code that comes along
"""

from fluentpipe.difference.change import Change, Difference
from fluentpipe.difference.compare import difference

__all__ = ["Change", "Difference", "difference"]
