"""Two apps for all tests of surveys, each test with customers of its own, at noon of 15 June 2025 unless it moves on."""

from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from guanxi import FixedClock
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering
from tests.conftest import Apps
from tests.plugins.satisfaction_surveys.asking import World

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def shared_clock():
    return FixedClock(NOON)


@pytest.fixture(scope="session")
def apps(databases):
    with ExitStack() as stack:
        yield Apps(databases, stack)


@pytest.fixture(scope="session")
def usual(apps, shared_clock):
    """An app with the usual settings, beside value tiering."""
    return apps(SatisfactionSurveys, ValueTiering, clock=shared_clock)


@pytest.fixture(scope="session")
def unusual(apps, shared_clock):
    """An app without value tiering, with small pages and a policy of its own."""
    policy = {"perceived_value": "RATIO", "follow_up_days": None}
    return apps(
        SatisfactionSurveys,
        clock=shared_clock,
        default_page_size=3,
        maximum_page_size=5,
        plugins={"satisfaction_surveys": policy},
    )


@pytest.fixture
def clock(shared_clock):
    """The clock of both apps."""
    shared_clock.moment = NOON
    return shared_clock


@pytest.fixture
def world(usual, clock):
    """A world of the test's own in the usual app."""
    return World(usual)


@pytest.fixture
def other(unusual, clock):
    """A world of the test's own in the unusual app."""
    return World(unusual)
