"""The log as callers read it whose rows are limited: whole, however it is nested, with all plugins, on both engines."""

import pytest

from plugins.credit_scoring import CreditScoring
from plugins.forecasting import Forecasting
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering
from tests.access.house import House

ENTRY = "scopeChange actorName changes { field previous current }"
PAGE = f"totalCount nodes {{ {ENTRY} }} edges {{ node {{ {ENTRY} }} }} pageInfo {{ endCursor }}"


@pytest.fixture(scope="module")
def house(module_crm):
    return House(module_crm(CreditScoring, Forecasting, SatisfactionSurveys, ValueTiering))


@pytest.mark.parametrize(
    "text",
    [
        f"{{ forecastLines {{ nodes {{ submission {{ timeline(first: 2) {{ {PAGE} }} }} }} }} }}",
        f"{{ customers {{ nodes {{ opportunities {{ nodes {{ customer {{ timeline {{ {PAGE} }} }} }} }} }} }} }}",
    ],
)
def test_it_is_never_too_deep(house, text):
    for who in ("ann", "par"):
        assert "errors" not in house.asks(who).execute(text)
