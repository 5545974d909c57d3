"""A CRM with files in a folder, and what tests do with it."""

import pytest

from tests.plugins.files.sending import World


@pytest.fixture
def world(crm, clock, tmp_path):
    return World(crm, clock, f"file://{tmp_path}/store")
