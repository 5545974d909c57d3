"""guanxi (关系): a GraphQL CRM with a small core, extended by plugins whose fields are first-class fields.

What a plugin author needs is here; nothing else of the project is meant to be imported by plugins.
"""

from core.base.clock import Clock, FixedClock, SystemClock
from core.base.errors import (
    ConfigurationError,
    GuanxiError,
    InputError,
    PluginError,
    Reject,
    TooManyGroupsError,
    UserError,
)
from core.base.money import Money
from core.base.settings import Settings, load_settings
from core.host.contract import Context, Figures, Plugin, hookimpl
from core.host.operations import SHOWN_ONCE, Named, PluginOperation, Ref, mutation, query
from core.log.changes import Change, Changes, shown
from core.log.events import Action, Event
from core.records.columns import column, reference
from core.records.fields import Field, Job, MoneyExpression, Row
from core.records.record import Facet, Record, Table, record_named
from core.records.vocabulary import Vocabulary
from guanxi.app import App, create_app
from schema.types.operation_types import Input, Payload

__all__ = [
    "SHOWN_ONCE",
    "Action",
    "App",
    "Change",
    "Changes",
    "Clock",
    "ConfigurationError",
    "Context",
    "Event",
    "Facet",
    "Field",
    "Figures",
    "FixedClock",
    "GuanxiError",
    "Input",
    "InputError",
    "Job",
    "Money",
    "MoneyExpression",
    "Named",
    "Payload",
    "Plugin",
    "PluginError",
    "PluginOperation",
    "Record",
    "Ref",
    "Reject",
    "Row",
    "Settings",
    "SystemClock",
    "Table",
    "TooManyGroupsError",
    "UserError",
    "Vocabulary",
    "column",
    "create_app",
    "hookimpl",
    "load_settings",
    "mutation",
    "query",
    "record_named",
    "reference",
    "shown",
]
