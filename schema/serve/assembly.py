"""The schema of one app, assembled from its catalog and its plugins' operations."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLSchema, lexicographic_sort_schema
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directives import OneOf

from core.base.errors import InputError, PluginError
from core.host.host import PluginHost
from core.records.record import CORE
from schema.catalog.catalog import Catalog, RecordType
from schema.serve.executor import PlanningExecutor
from schema.types import inputs, outputs
from schema.types.builder import Argument, Builder, Member, PluginDirective
from schema.types.outputs import list_arguments, where_argument
from schema.types.plugin_operations import add_operations
from schema.types.scalars import SCALARS
from schema.write import mutations
from schema.write.mutations import Mutation, record_mutations
from schema.write.plugin_work import look, perform
from schema.write.special_mutations import special_mutations


class Assembled:
    """A finished schema with what answers its generated mutations."""

    def __init__(self, schema: strawberry.Schema, mutations: Mapping[str, Mutation]) -> None:
        self.schema = schema
        self.mutations = mutations

    @property
    def graphql(self) -> GraphQLSchema:
        """The schema as graphql-core executes it."""
        # Strawberry keeps it under a private name and offers no other way to it; the version is pinned.
        return self.schema._schema  # noqa: SLF001

    def sdl(self) -> str:
        """The schema in schema definition language, sorted."""
        # Not kept so: to sort takes a good part of the time in which an app is made.
        in_order = copy(self.schema)
        in_order._schema = lexicographic_sort_schema(self.graphql)  # noqa: SLF001
        return print_schema(in_order) + "\n"


def assemble(catalog: Catalog, host: PluginHost) -> Assembled:
    """Builds the types of the catalog and adds the plugins' operations.

    Raises:
        PluginError: an operation clashes with one that is there.
    """
    builder = Builder({CORE: "", **catalog.versions})
    outputs.add_shared(builder)
    inputs.add_shared(builder)
    mutations.add_shared(builder)
    generated = special_mutations(builder, catalog)
    _add_viewer(builder)
    # The core's own types come first, so that it is the plugin that takes a name twice.
    for enum, owner in sorted(catalog.enums_with_owners(), key=lambda found: (found[1] != CORE, found[0].__name__)):
        with _attributed(owner, f"enumeration {enum.__name__}"):
            inputs.add_enum(builder, catalog, enum)
    for record in sorted(catalog.records.values(), key=lambda record: record.owner != CORE):
        with _attributed(record.owner, f"record {record.name}"):
            generated |= _add_record(builder, catalog, record)
    query = [member for record in catalog.records.values() for member in _root_members(record)]
    roots = {
        "Query": builder.output("Query", "What can be asked.", [*query, *_node_members()]),
        "Mutation": builder.output(
            "Mutation", "What can be changed.", [mutation.member for mutation in generated.values()]
        ),
    }
    _resolve_plainly(roots["Query"], host, catalog)
    payloads = {record.name: record.singular for record in catalog.records.values() if record.writable}
    currency = catalog.settings.reporting_currency
    add_operations(builder, host, roots, payloads, currency, perform, look)
    schema = strawberry.Schema(
        query=roots["Query"],
        mutation=roots["Mutation"],
        types=[builder.types[record.name] for record in catalog.records.values()],
        schema_directives=[PluginDirective] if catalog.versions else [],
        execution_context_class=PlanningExecutor,
        config=StrawberryConfig(scalar_map=SCALARS, default_resolver=_reading(catalog.settings.reporting_currency)),
    )
    _mark_one_of(schema._schema)  # noqa: SLF001  (see `Assembled.graphql`)
    return Assembled(schema, generated)


def _mark_one_of(schema: GraphQLSchema) -> None:
    """Tells graphql-core of inputs of which one key is to be given; Strawberry keeps it to itself."""
    for kind in schema.type_map.values():
        definition = (kind.extensions or {}).get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if isinstance(kind, GraphQLInputObjectType) and definition is not None:
            kind.is_one_of = any(isinstance(directive, OneOf) for directive in definition.directives)


@contextmanager
def _attributed(owner: str, place: str) -> Iterator[None]:
    """Lays a clash of type names at the door of the plugin that brings the second."""
    try:
        yield
    except TypeError as error:
        raise PluginError(owner, place, str(error)) from None


def _add_record(builder: Builder, catalog: Catalog, record: RecordType) -> dict[str, Mutation]:
    """The types of a record, and its mutations."""
    outputs.add_record(builder, catalog, record)
    if record.name != "Event":
        inputs.add_record(builder, catalog, record)
    return record_mutations(builder, catalog, record) if record.writable else {}


def _reading(reporting_currency: str) -> Callable[[Any, str], Any]:
    """Reads the fields of payloads, which are mappings or objects; amounts that plugins give know of no rate."""

    def read(source: Any, name: str) -> Any:
        if name == "reportingAmount":
            amount, currency = read(source, "amount"), read(source, "currency")
            if currency != reporting_currency:
                raise InputError(f"{amount} {currency} is not in the reporting currency; ask for amount and currency")
            return amount
        return source.get(name) if isinstance(source, Mapping) else getattr(source, name)

    return read


def _root_members(record: RecordType) -> list[Member]:
    """The root fields of Query for one record."""
    if record.name == "Event":
        arguments = [
            Argument("first", "int | None", "How many events; 50 unless said, 1,000 at most."),
            Argument(
                "after", "str | None", "Only what follows this cursor. Keep it to go on later: nothing is missed."
            ),
            Argument("types", "list[EventType] | None", "Only events of these types."),
            Argument("entity", "ID | None", "Only events of this record: its timeline."),
        ]
        return [Member("events", "EventConnection", "What happened, in the order of commits, without gaps.", arguments)]
    one = record.singular
    single = [
        Argument("id", "ID | None", "Its id."),
        Argument("externalId", "ExternalIdInput | None", "The id another system knows it by, instead of id."),
    ]
    members = [Member(one, f"{record.name} | None", f"One record, by id or external id: {record.description}", single)]
    if record.plain_list:
        members.append(Member(record.plural, f"list[{record.name}]", f"All of them in order: {record.description}"))
    else:
        members.append(
            Member(record.plural, f"{record.name}Connection", f"A list: {record.description}", list_arguments(record))
        )
    where = where_argument(record)
    members.append(
        Member(
            f"{record.plural}Aggregate",
            f"{record.name}Aggregate",
            f"What a list comes to together: {record.description}",
            [where],
        )
    )
    members.append(
        Member(
            f"{record.plural}GroupBy",
            f"list[{record.name}Group]",
            f"A list in groups: {record.description}",
            [
                Argument("by", f"list[{record.name}GroupKey]", "The keys of a group."),
                where,
                Argument("having", f"{record.name}Having | None", "Only groups that meet this."),
                Argument("orderBy", f"list[{record.name}GroupOrder] | None", "By these, then by the keys."),
                Argument("first", "int | None", "How many groups; 1,000 at most and unless said."),
            ],
        )
    )
    return members


def _node_members() -> list[Member]:
    return [
        Member("node", "Node | None", "Any record by its id.", [Argument("id", "ID", "Its id.")]),
        Member(
            "nodes",
            "list[Node | None]",
            "Any records by their ids, in that order; null where there is none.",
            [Argument("ids", "list[ID]", "Their ids.")],
        ),
        Member("viewer", "Viewer", "Who is asking."),
        Member("plugins", "list[Plugin]", "The plugins of this server, in the order they run."),
    ]


def _add_viewer(builder: Builder) -> None:
    builder.output(
        "Viewer",
        "Who is asking, and what the server goes by.",
        [
            Member("actor", "ID", "Under this name changes are recorded."),
            Member("reportingCurrency", "CurrencyCode", "The currency in which amounts are compared and summed."),
            Member("now", "DateTime", "The moment by which rules are judged."),
        ],
    )
    builder.output(
        "Plugin",
        "A plugin of this server.",
        [
            Member("name", "str", "Its name."),
            Member("version", "str", "Its version."),
            Member("fields", "list[str]", "The fields it adds, as Record.field."),
            Member("hooks", "list[str]", "The hooks it implements."),
        ],
    )


def _resolve_plainly(query: Any, host: PluginHost, catalog: Catalog) -> None:
    """Gives the few root fields that no statement answers their resolvers."""

    def viewer(info: strawberry.Info) -> Any:
        context: Any = info.context
        return {
            "actor": context.actor.id,
            "reportingCurrency": context.settings.reporting_currency,
            "now": context.now,
        }

    def plugins() -> Any:
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

    for field in query.__strawberry_definition__.fields:
        for name, resolver in (("viewer", viewer), ("plugins", plugins)):
            if field.graphql_name == name:
                field(resolver)
