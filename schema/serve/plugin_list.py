"""The plugins of a server as its schema lists them, with how delivery of events to each stands."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLResolveInfo

from core.access.permissions import ADMINISTER
from core.background.backlog import delivery_states
from core.host.host import PluginHost
from schema.catalog.catalog import Catalog
from schema.types.builder import Builder, Member


def add_plugin_list(builder: Builder) -> None:
    """Adds the types of the list."""
    builder.output(
        "Plugin",
        "A plugin of this server.",
        [
            Member("name", "str", "Its name."),
            Member("version", "str", "Its version."),
            Member("fields", "list[str]", "The fields it adds, as Record.field."),
            Member("hooks", "list[str]", "The hooks it implements."),
            Member(
                "delivery",
                "PluginDelivery | None",
                "How delivery of events to it stands, for whoever may administer; null for a plugin that has no "
                "after_commit.",
                resolve=_delivery,
            ),
        ],
    )
    builder.output(
        "PluginDelivery",
        "How delivery of events to a plugin stands.",
        [
            Member("backlog", "int", "Number of transactions whose events it has still to be given."),
            Member("heldBack", "int", "How many of these are tried again after a failure, or wait behind one that is."),
            Member("setAside", "int", "Number of transactions that were given up and wait for guanxi plugins retry."),
            Member("lastError", "str | None", "The last error of its after_commit; null if it never failed."),
            Member("lastFailedAt", "DateTime | None", "When that was."),
            Member(
                "pausedUntil",
                "DateTime | None",
                "When delivery goes on, where it failed on whatever it was given; null while events are delivered.",
            ),
        ],
    )


def listed_plugins(host: PluginHost, catalog: Catalog) -> list[Mapping[str, Any]]:
    """The plugins in order."""
    return [
        {
            "name": described.name,
            "version": described.version,
            "hooks": list(described.hooks),
            "fields": [
                f"{record.name}.{field.name}"
                for record in catalog.records.values()
                for field in record.fields.values()
                if field.owner == described.name
            ],
        }
        for described in host.describe()
    ]


async def _delivery(source: Mapping[str, Any], info: GraphQLResolveInfo[Any]) -> Mapping[str, Any] | None:
    context = info.context
    context.access.demand(ADMINISTER)
    name = source["name"]

    if "after_commit" not in source["hooks"]:
        return None
    states = await context.services.database.in_reading_session(lambda session: delivery_states(session, [name]))
    state = states.get(name)
    return state and {
        "backlog": state.backlog,
        "heldBack": state.held_back,
        "setAside": state.set_aside,
        "lastError": state.error,
        "lastFailedAt": state.failed_at,
        "pausedUntil": state.try_at,
    }
