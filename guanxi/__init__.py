"""guanxi (关系): a GraphQL CRM with a small core, extended by plugins whose fields are first-class fields.

What a plugin author needs is here; nothing else of the project is meant to be imported by plugins.
"""

from core.base.clock import Clock, FixedClock, SystemClock
from core.base.errors import ConfigurationError, GuanxiError, InputError, PluginError, Reject, UserError
from core.base.money import Money
from core.base.settings import Settings, load_settings
from core.host.contract import Context, Plugin, hookimpl
from core.log.changes import Change, Changes, shown
from core.log.events import Action, Event
from core.records.columns import column, reference
from core.records.fields import Field, Job, MoneyExpression, Operations, Row
from core.records.record import Facet, Record, Table, record_named
from core.records.vocabulary import Vocabulary
from guanxi.app import App, create_app
from schema.request.done import Done

__all__ = [
    "Action",
    "App",
    "Change",
    "Changes",
    "Clock",
    "ConfigurationError",
    "Context",
    "Done",
    "Event",
    "Facet",
    "Field",
    "FixedClock",
    "GuanxiError",
    "InputError",
    "Job",
    "Money",
    "MoneyExpression",
    "Operations",
    "Plugin",
    "PluginError",
    "Record",
    "Reject",
    "Row",
    "Settings",
    "SystemClock",
    "Table",
    "UserError",
    "Vocabulary",
    "column",
    "create_app",
    "hookimpl",
    "load_settings",
    "record_named",
    "reference",
    "shown",
]
