"""Command-line form: `python -m tests.attacks [SECONDS]`."""

import sys

from tests.attacks.measuring import measure

measure(*map(float, sys.argv[1:]))
