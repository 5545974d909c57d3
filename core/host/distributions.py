"""The distributions that are installed alongside ours."""

import re
import sys
from functools import lru_cache
from importlib.metadata import distributions

from core.base.errors import ConfigurationError

OURS = "guanxi"

_PACKAGES = ("core", "schema", "plugins")
#: A line of `RECORD` for something in, or instead of, one of our packages.
_INSTALLED = re.compile(rf"^({'|'.join(_PACKAGES)})(?:/|\.(?:py|\S+\.so|\S+\.pyd),)", re.MULTILINE)


def refuse_strangers() -> None:
    """Stops if another distribution provides one of our top-level packages, which would mix with ours.

    Raises:
        ConfigurationError: one does; the message names both.
    """
    found = _strangers(tuple(sys.path))
    if found:
        package, owner = min(found.items())
        raise ConfigurationError(
            f"the distribution {owner!r} also has a package named {package!r}; uninstall it, or use a virtual "
            "environment of its own for guanxi"
        )


@lru_cache(1)
def _strangers(path: tuple[str, ...]) -> dict[str, str]:
    """Our packages that another distribution on a path provides, each with its name."""
    found: dict[str, str] = {}
    for distribution in distributions():
        # Only the texts are searched: `packages_distributions` makes an object of every file there is.
        declared = distribution.read_text("top_level.txt")
        provided = declared.split() if declared else _INSTALLED.findall(distribution.read_text("RECORD") or "")
        for package in {*provided} & {*_PACKAGES}:
            if distribution.name.lower() != OURS:
                found[package] = min(distribution.name, found.get(package, distribution.name))
    return found
