"""guanxi (关系): a GraphQL CRM with a small core, extended by plugins whose fields are first-class fields.

What a plugin author needs is here; nothing else of the project is meant to be imported by plugins.
"""

from core.changes import Change, Changes, shown
from core.clock import Clock, FixedClock, SystemClock
from core.declarations import Field, Job, MoneyExpression, Operations, Row
from core.errors import ConfigurationError, GuanxiError, InputError, PluginError, Reject, UserError
from core.events import Action, Event
from core.money import Money
from core.plugin import Context, Plugin, hookimpl
from core.records import Facet, Record, Table, column, record_named, reference
from core.settings import Settings, load_settings
from core.vocabulary import Vocabulary
from guanxi.app import App, create_app
from schema.done import Done

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
