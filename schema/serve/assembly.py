"""The schema of one app, assembled from its catalog and its plugins' operations."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any

import strawberry
from graphql import GraphQLInputObjectType, GraphQLResolveInfo, GraphQLSchema, lexicographic_sort_schema
from graphql.utilities.print_schema import print_schema_definition
from strawberry.printer import print_schema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directives import OneOf

from core.base.errors import PluginError
from core.base.sentences import noun
from core.base.text import snake
from core.host.host import PluginHost
from core.records.record import CORE
from core.records.vocabulary import UserRole, vocabulary
from schema.catalog.catalog import Catalog, RecordType
from schema.plan.search import SearchMatch, searchable
from schema.serve.executor import PlanningExecutor
from schema.serve.panel_checks import checked_panels
from schema.serve.panels import add_panels, panels_member
from schema.serve.plugin_list import add_plugin_list, listed_plugins
from schema.serve.vocabularies import add_vocabularies, vocabulary_member
from schema.types import inputs, outputs
from schema.types.aggregates import add_aggregates
from schema.types.builder import CONFIG, Argument, Builder, Member, PluginDirective
from schema.types.outputs import list_arguments, where_argument
from schema.types.plugin_operations import add_operations
from schema.types.subscriptions import add_subscriptions
from schema.write import mutations
from schema.write.access_mutations import access_mutations
from schema.write.answers import Mutation
from schema.write.customer_mutations import customer_mutations
from schema.write.merging import merge_mutations
from schema.write.mutations import record_mutations
from schema.write.personal_data import personal_data_mutations
from schema.write.plugin_work import look, perform
from schema.write.special_mutations import special_mutations

#: What a client has to know before its first query, and finds nowhere else.
DESCRIPTION = """\
A CRM: customers, contacts, opportunities, transactions, interactions and tasks, with what plugins add.{plugins}

- Who asks: send `Authorization: Bearer` and an API key or a token; without authentication only this machine may ask.
- Records: each has an `id` that is unique among all records; `node(id)` finds it. The field in the singular gives one
  record, by id or by the id another system knows it by.
- Lists: Relay connections: `edges` with a `node` and its `cursor`, or `nodes` alone, with `pageInfo`; `totalCount`
  counts all pages, only if selected. `first` and `after` page forward, `last` and `before` backward; `where` filters,
  `orderBy` orders. The plural with `Aggregate` gives counts and sums of a list, with `GroupBy` the same per group.
- Filters: all given conditions must hold. `and`, `or` and `not` combine filters; an empty `or` matches nothing. A
  filter on a list says what `some`, `every` or `none` of its records must meet; an empty list meets every `every`.
- Descriptions: members of orders, aggregates, group keys, updates and upsert rows mean what the field of the same name
  means in the record or in the input that creates it.
- Money: an exact decimal with its ISO 4217 currency. Filters, orders and sums work in the reporting currency unless a
  filter names another.
- Time: moments are in UTC, dates have no zone; days, weeks, months, quarters and years begin in the time zone of the
  business, and what is due today in that of the caller. What happened in the business (`openedOn`, `occurredAt`) is
  apart from when it was recorded (`createdAt`).
- Mutations: what a user can fix is in `userErrors`, and nothing was written; what a policy only warns about is in
  `warnings`. `expectedVersion` refuses a change of a record that has changed meanwhile, `dryRun` writes nothing.
- Repeating safely: a mutation with the same `idempotencyKey` as an earlier one changes nothing and returns its answer.
- Subscriptions: over WebSocket (`graphql-transport-ws`) or as `text/event-stream`. The plural with `Changed` gives
  each `record` that enters, changes or leaves what `where` selects: `change` says which, `recordId` whose, and `record`
  is null once it has left. Continue with its last `cursor` as `after`: each record that changed meanwhile comes first.
- Errors: `extensions.code` says what kind, `extensions.plugin` which plugin failed."""


#: What it has to know besides where there are plugins.
PLUGINS = "\nWhat a plugin declares carries `@plugin` and is used like anything else."


class Assembled:
    """A finished schema with what answers its generated mutations.

    Attributes:
        schema: as Strawberry has it.
        mutations: the generated ones.
        public: names of the root fields that need no key, by the kind of operation.
    """

    def __init__(
        self, schema: strawberry.Schema, mutations: Mapping[str, Mutation], public: Mapping[str, frozenset[str]]
    ) -> None:
        self.schema = schema
        self.mutations = mutations
        self.public = {root.lower(): names for root, names in public.items()}

    @property
    def graphql(self) -> GraphQLSchema:
        """The schema as graphql-core executes it."""
        # Strawberry keeps it under a private name and offers no other way to it; the version is pinned.
        return self.schema._schema  # noqa: SLF001

    def sdl(self) -> str:
        """The schema in schema definition language, sorted."""
        # Not kept sorted: sorting takes a good part of the time of making an app.
        in_order = copy(self.schema)
        in_order._schema = lexicographic_sort_schema(self.graphql)  # noqa: SLF001
        return f"{print_schema_definition(in_order._schema)}\n\n{print_schema(in_order)}\n"  # noqa: SLF001


def assemble(catalog: Catalog, host: PluginHost) -> Assembled:
    """Builds the types of the catalog and adds the plugins' operations.

    Raises:
        PluginError: an operation clashes with one that is there, or a panel cannot be drawn.
    """
    builder = Builder(catalog)
    outputs.add_shared(builder)
    inputs.add_shared(builder)
    mutations.add_shared(builder)
    generated = {
        **special_mutations(builder, catalog),
        **customer_mutations(builder, catalog),
        **access_mutations(builder),
        **personal_data_mutations(builder, catalog),
        **merge_mutations(builder, catalog),
    }
    _add_viewer(builder)
    _add_search(builder, catalog)
    add_plugin_list(builder)
    add_vocabularies(builder)
    add_panels(builder)
    # The core's own types come first, so that it is the plugin that takes a name twice.
    for enum, owner in sorted(catalog.enums_with_owners(), key=lambda found: (found[1] != CORE, found[0].__name__)):
        with _attributed(owner, f"enumeration {enum.__name__}"):
            inputs.add_enum(builder, catalog, enum)
    for record in sorted(catalog.records.values(), key=lambda record: record.owner != CORE):
        with _attributed(record.owner, f"record {record.name}"):
            # What is special about a record takes the place of what all have.
            generated = {**_add_record(builder, catalog, record), **generated}
    query = [member for record in catalog.records.values() for member in _root_members(record)]
    roots = {
        "Query": [*query, *_node_members(host, catalog), panels_member(lambda: panels)],
        "Mutation": [mutation.member for mutation in generated.values()],
    }
    builder.output("Query", "The queries.", roots["Query"])
    builder.output("Mutation", "The mutations.", roots["Mutation"])
    add_subscriptions(builder, catalog)
    names = {root: [member.name for member in members] for root, members in roots.items()}
    payloads = {record.name: record.singular for record in catalog.records.values() if record.writable}
    public = add_operations(builder, host, names, payloads, catalog.settings.reporting_currency, perform, look)
    schema = _Schema(builder, catalog)
    _mark_one_of(schema._schema)  # noqa: SLF001  (see `Assembled.graphql`)
    panels = checked_panels(host, schema._schema)  # noqa: SLF001
    return Assembled(schema, generated, public)


class _Schema(strawberry.Schema):
    """Strawberry's schema of an app, on the converter that knows the generated types."""

    def __init__(self, builder: Builder, catalog: Catalog) -> None:
        self._given = builder.converter
        super().__init__(
            query=builder.types["Query"],
            mutation=builder.types["Mutation"],
            subscription=builder.types["Subscription"],
            types=[
                *([PluginDirective] if catalog.versions else []),
                *(builder.types[record.name] for record in catalog.records.values()),
            ],
            execution_context_class=PlanningExecutor,
            config=CONFIG,
        )
        # Strawberry takes no description, and prints none.
        self._schema.description = DESCRIPTION.format(plugins=PLUGINS if catalog.versions else "")

    @property
    def schema_converter(self) -> GraphQLCoreConverter:
        """The converter that was given."""
        return self._given

    @schema_converter.setter
    def schema_converter(self, made: GraphQLCoreConverter) -> None:
        """Leaves the one aside that Strawberry makes itself, because it takes none from outside."""


def _mark_one_of(schema: GraphQLSchema) -> None:
    """Tells graphql-core of inputs of which one key is to be given; Strawberry keeps it to itself."""
    asking: Any = schema.type_map["__Type"]
    # Strawberry's own answer fails for every type that is not of its making, such as a list.
    asking.fields["isOneOf"].resolve = lambda kind, info: getattr(kind, "is_one_of", None)
    for kind in schema.type_map.values():
        definition = (kind.extensions or {}).get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if isinstance(kind, GraphQLInputObjectType) and definition is not None:
            kind.is_one_of = any(isinstance(directive, OneOf) for directive in definition.directives)


@contextmanager
def _attributed(owner: str, place: str) -> Iterator[None]:
    """Attributes a clash of type names to the plugin that brings the second."""
    try:
        yield
    except TypeError as error:
        raise PluginError(owner, place, str(error)) from None


def _add_record(builder: Builder, catalog: Catalog, record: RecordType) -> dict[str, Mutation]:
    """The types of a record, and its mutations."""
    outputs.add_record(builder, catalog, record)
    add_aggregates(builder, catalog, record)
    if record.name != "Event":
        inputs.add_record(builder, catalog, record)
    return record_mutations(builder, catalog, record) if record.writable else {}


def _root_members(record: RecordType) -> list[Member]:
    """The root fields of Query for one record."""
    if record.name == "Event":
        return [
            Member(
                "events",
                "EventConnection",
                "The event log: what happened, in the order of commits, without gaps.",
                outputs.log_arguments(),
            )
        ]
    one = record.singular
    single = [
        Argument("id", "ID | None", "Its id."),
        Argument("externalId", "ExternalIdInput | None", "Its external id, instead of id."),
    ]
    if record.has_attachments:
        single.append(Argument("asOf", "DateTime | None", "As it was at this moment, by the log; now by default."))
    members = [Member(one, f"{record.name} | None", f"One record by id or external id: {record.description}", single)]
    if record.plain_list:
        members.append(Member(record.plural, f"list[{record.name}]", f"All of them in order: {record.description}"))
    else:
        members.append(
            Member(record.plural, f"{record.name}Connection", f"A list: {record.description}", list_arguments(record))
        )
    if record.aggregates:
        members.append(_aggregate_member(record))
    if record.groups:
        members.append(_groups_member(record))
    return members


def _aggregate_member(record: RecordType) -> Member:
    description = f"Totals of a list: {record.description}"
    return Member(f"{record.plural}Aggregate", f"{record.name}Aggregate", description, [where_argument(record)])


def _groups_member(record: RecordType) -> Member:
    return Member(
        f"{record.plural}GroupBy",
        f"list[{record.name}Group]",
        f"A list in groups: {record.description}",
        [
            Argument("by", f"list[{record.name}GroupKey]", "The keys of a group."),
            where_argument(record),
            Argument("having", f"{record.name}Having | None", "Only groups that meet this."),
            Argument("orderBy", f"list[{record.name}GroupOrder] | None", "In this order, then by the keys."),
            Argument("first", "int | None", "How many groups; 1,000 by default and at most."),
        ],
    )


def _node_members(host: PluginHost, catalog: Catalog) -> list[Member]:
    return [
        Member("node", "Node | None", "Any record by its id.", [Argument("id", "ID", "Its id.")]),
        Member(
            "nodes",
            "list[Node | None]",
            "Any records by their ids, in that order; null where there is none.",
            [Argument("ids", "list[ID]", "Their ids.")],
        ),
        Member(
            "search",
            "list[SearchResult]",
            "Records by what you remember of them, the closest first: words in any order, their beginnings, Chinese or "
            "its pinyin or initials, and words and pinyin with one mistake where fewer than `first` are found without. "
            "Among equally close ones the shortest names come first; of what thousands have, only some are compared.",
            [
                Argument("text", "str", "Words of names, e-mail addresses, telephone numbers, codes or tags."),
                Argument("types", "list[SearchType] | None", "Only records of these types."),
                Argument("first", "int | None", "How many; 20 by default, 1,000 at most."),
            ],
        ),
        Member("viewer", "Viewer", "Who is asking.", resolve=_viewer),
        vocabulary_member(),
        Member(
            "plugins",
            "list[Plugin]",
            "The plugins of this server, in the order they run.",
            resolve=lambda source, info: listed_plugins(host, catalog),
        ),
    ]


def _add_search(builder: Builder, catalog: Catalog) -> None:
    found = {snake(record.name).upper(): record for record in searchable(catalog)}
    types = {value: record.description for value, record in found.items()}
    labels = {value: noun(record.name).capitalized() for value, record in found.items()}
    builder.enum(vocabulary("SearchType", "A type of records that search finds.", types, labels))
    builder.enum(SearchMatch)
    builder.output(
        "SearchResult",
        "A record that was found.",
        [
            Member("match", "SearchMatch", "How it was found."),
            Member("node", "Node", "The record."),
        ],
    )


def _add_viewer(builder: Builder) -> None:
    builder.output(
        "Viewer",
        "Who is asking, and the settings the server works with.",
        [
            Member("actor", "ID", "The name under which changes are recorded."),
            Member("user", "User | None", "The user who asks, or for whom an integration does; null for nobody."),
            Member("role", "UserRole | None", "Its role; null for who has none, such as the local operator."),
            Member("permissions", "list[str]", "What it may do, such as Customer.change:team or personal."),
            Member("reportingCurrency", "CurrencyCode", "The currency in which amounts are compared and summed."),
            Member("now", "DateTime", "The moment at which rules are evaluated."),
        ],
    )


def _viewer(source: None, info: GraphQLResolveInfo[Any]) -> Mapping[str, Any]:
    context = info.context
    return {
        "actor": context.actor.id,
        "user": context.actor.user_id,
        "role": None if context.actor.role is None else UserRole(context.actor.role),
        "permissions": context.services.control.shown(context.actor),
        "reportingCurrency": context.settings.reporting_currency,
        "now": context.now,
    }
