"""Faults that were found when operations came at once, on both engines."""

import pytest

from tests.together.faults import FAULTS
from tests.together.world import PLUGINS, SETTINGS


@pytest.fixture(scope="module")
def client(module_crm):
    return module_crm(*PLUGINS, **SETTINGS)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_operations_at_once_give_what_some_order_gives(client, fault):
    assert not [number for number in range(2) if fault(client, number)]
