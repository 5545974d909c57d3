"""Where plugins have the files that belong to them."""

import sys
from pathlib import Path

from core.host.contract import Plugin


def folder_of(plugin: Plugin, name: str) -> Path | None:
    """A folder in the package whose `__init__` declares a plugin's class; None where it is declared elsewhere."""
    folders = getattr(sys.modules.get(type(plugin).__module__), "__path__", None)
    return Path(next(iter(folders))) / name if folders else None
