"""One receiver for all tests of webhooks."""

import pytest

from tests.plugins.webhooks.receiving import Receiver, World


@pytest.fixture(scope="package")
def server():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def receiver(server):
    server.reset()
    return server


@pytest.fixture
def world(crm, clock, receiver):
    return World(crm, clock, receiver)
