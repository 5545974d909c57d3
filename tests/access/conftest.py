"""The house of users, once per module and engine."""

import pytest

from plugins.credit_scoring import CreditScoring
from plugins.value_tiering import ValueTiering
from tests.access.house import House


@pytest.fixture(scope="module")
def house(module_crm):
    return House(module_crm(ValueTiering, CreditScoring))
