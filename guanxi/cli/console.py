"""What commands write to, and the exit codes they end with."""

from rich.console import Console

#: What went wrong is the caller's to fix: settings, files, plugins.
FAILED = 1
#: An import went through, but not with every row. (2 is a command line that cannot be understood.)
REJECTED = 3

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
