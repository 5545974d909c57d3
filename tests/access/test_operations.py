"""Random operations by random users: nothing is seen or changed beyond their house, and nothing fails inside."""

from plugins.credit_scoring import CreditScoring
from plugins.duplicates import Duplicates
from plugins.forecasting import Forecasting
from plugins.satisfaction_surveys import SatisfactionSurveys
from plugins.value_tiering import ValueTiering
from tests.access.operations import Operations


def test_whatever_users_send_stays_in_their_house(crm):
    """The exhaustive form is `python -m tests.access --operations 50000`."""
    operations = Operations(crm(CreditScoring, Duplicates, Forecasting, SatisfactionSurveys, ValueTiering), 1)
    for _ in range(60):
        operations.step()
    assert operations.check_world() > 36
    assert operations.statuses["answered"] > 15
