from collections.abc import Iterator

import pytest

from tests.oracle.trial import Trial, trial


@pytest.fixture(scope="session")
def world(databases) -> Iterator[Trial]:
    """The app with the world in its database, and the oracle; tests only read."""
    with trial(databases.fresh()) as made:
        yield made


@pytest.fixture(params=["plans", "executor"])
def path(request, world):
    """Asks the app on each of its paths in turn."""
    return world.paths[request.param]
