"""What commands write to, and the exit codes they end with."""

from rich.console import Console
from rich.table import Column

#: The caller has to fix what went wrong: settings, files, plugins.
FAILED = 1
#: An import finished, but not with every row. (2 is a command line that cannot be understood.)
REJECTED = 3

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def naming(heading: str) -> Column:
    """A column of names that other commands take: however narrow the terminal is, they stay whole."""
    return Column(heading, no_wrap=True)
