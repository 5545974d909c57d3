"""Commands that run in this process make an app each; their designs are shared, as those of other tests' apps are."""

import pytest

from tests.conftest import shared_design


@pytest.fixture(autouse=True)
def designs(monkeypatch):
    """Has `create_app` take a design that is there already."""
    monkeypatch.setattr("guanxi.app.design", lambda settings, plugins: shared_design(settings, tuple(plugins)))
