"""Which changes of opportunities the forecast rests on; of the others its hooks have nothing to do."""

from collections.abc import Set
from functools import cache

from sqlalchemy.sql.visitors import iterate

from guanxi import Action, Change, Changes
from guanxi.records import Opportunity
from plugins.forecasting.past.history import present
from plugins.forecasting.shared.settings import ForecastingSettings
from plugins.forecasting.win_model.examples import open_opportunities


@cache
def _unread() -> frozenset[str]:
    """The columns of an opportunity that neither its past nor the model reads."""
    table = Opportunity.__table__
    statements = (present(ForecastingSettings()), open_opportunities())
    read = {id(part) for statement in statements for part in iterate(statement)}
    return frozenset(column.key for column in table.columns if id(column) not in read)


def relevant(changes: Changes) -> Changes:
    """Leaves out updates of opportunities that change nothing the forecast rests on."""
    return Changes([change for change in changes if not _changes_nothing(change)])


def _changes_nothing(change: Change) -> bool:
    return change.entity == "Opportunity" and change.action is Action.UPDATED and is_idle(change.after.keys())


def is_idle(fields: Set[str]) -> bool:
    """Whether the forecast rests on none of these fields of an opportunity."""
    return fields <= _unread()
