"""guanxi (关系): a GraphQL CRM with a small core, extended by plugins whose fields are first-class fields.

What a plugin author needs is here; nothing else of the project is meant to be imported by plugins. A name is imported
from its module when it is first asked for, so that a command which needs none of them, such as `guanxi --help`, is
answered at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.access.declarations import Permission, RowRule
    from core.base.actors import Identity
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
    from core.base.sentences import sentence, template, term
    from core.base.settings import Settings, load_settings
    from core.base.text import fold
    from core.host.contract import Context, Figures, Plugin, hookimpl
    from core.host.messages import Message
    from core.host.operations import SHOWN_ONCE, Named, PluginOperation, Ref, mutation, query
    from core.host.panels import Panel, PanelKind
    from core.host.retries import Retries
    from core.host.routes import PluginRoute
    from core.log.changes import Change, Changes, shown
    from core.log.events import Action, Event
    from core.records.columns import column, reference
    from core.records.fields import Field, History, Job, MoneyExpression, Row
    from core.records.forms import EMAIL, LINK, NAME, PERSON_NAME, PHONE
    from core.records.record import Facet, Record, Table, record_named
    from core.records.uniqueness import one_living
    from core.records.vocabulary import UserRole, Vocabulary
    from guanxi.app import App, create_app
    from schema.serve.bad_request import BadRequest
    from schema.types.operation_types import Input, Payload
    from schema.types.scalars import JSON

__all__ = [
    "EMAIL",
    "JSON",
    "LINK",
    "NAME",
    "PERSON_NAME",
    "PHONE",
    "SHOWN_ONCE",
    "Action",
    "App",
    "BadRequest",
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
    "History",
    "Identity",
    "Input",
    "InputError",
    "Job",
    "Message",
    "Money",
    "MoneyExpression",
    "Named",
    "Panel",
    "PanelKind",
    "Payload",
    "Permission",
    "Plugin",
    "PluginError",
    "PluginOperation",
    "PluginRoute",
    "Record",
    "Ref",
    "Reject",
    "Retries",
    "Row",
    "RowRule",
    "Settings",
    "SystemClock",
    "Table",
    "TooManyGroupsError",
    "UserError",
    "UserRole",
    "Vocabulary",
    "column",
    "create_app",
    "fold",
    "hookimpl",
    "load_settings",
    "mutation",
    "one_living",
    "query",
    "record_named",
    "reference",
    "sentence",
    "shown",
    "template",
    "term",
]

#: Where each name is, for when it is asked for; what type checkers and editors read is above.
_HOMES = {
    name: module
    for module, names in {
        "core.access.declarations": ("Permission", "RowRule"),
        "core.base.actors": ("Identity",),
        "core.base.clock": ("Clock", "FixedClock", "SystemClock"),
        "core.base.errors": (
            "ConfigurationError",
            "GuanxiError",
            "InputError",
            "PluginError",
            "Reject",
            "TooManyGroupsError",
            "UserError",
        ),
        "core.base.money": ("Money",),
        "core.base.text": ("fold",),
        "core.base.sentences": ("sentence", "template", "term"),
        "core.base.settings": ("Settings", "load_settings"),
        "core.host.contract": ("Context", "Figures", "Plugin", "hookimpl"),
        "core.host.messages": ("Message",),
        "core.host.operations": ("SHOWN_ONCE", "Named", "PluginOperation", "Ref", "mutation", "query"),
        "core.host.panels": ("Panel", "PanelKind"),
        "core.host.retries": ("Retries",),
        "core.host.routes": ("PluginRoute",),
        "core.log.changes": ("Change", "Changes", "shown"),
        "core.log.events": ("Action", "Event"),
        "core.records.columns": ("column", "reference"),
        "core.records.forms": ("EMAIL", "LINK", "NAME", "PERSON_NAME", "PHONE"),
        "core.records.fields": ("Field", "History", "Job", "MoneyExpression", "Row"),
        "core.records.record": ("Facet", "Record", "Table", "record_named"),
        "core.records.uniqueness": ("one_living",),
        "core.records.vocabulary": ("UserRole", "Vocabulary"),
        "guanxi.app": ("App", "create_app"),
        "schema.serve.bad_request": ("BadRequest",),
        "schema.types.operation_types": ("Input", "Payload"),
        "schema.types.scalars": ("JSON",),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    """The public name, imported."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Cached, so that it is looked up once.
    return globals().setdefault(name, getattr(import_module(_HOMES[name]), name))


def __dir__() -> list[str]:
    return [*__all__, *globals()]
