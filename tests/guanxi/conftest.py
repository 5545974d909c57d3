"""The plugin that the README shows, as a stranger keeps it: a module outside the project."""

import importlib
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.snippets import snippets


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The module `loyalty` of the README."""
    folder = tmp_path_factory.mktemp("stranger")
    (folder / "loyalty.py").write_text(snippets("README.md", "python")[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module("loyalty")
