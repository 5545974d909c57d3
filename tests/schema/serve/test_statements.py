"""Each root field costs one statement, counted where the drivers run them, with all first-party plugins at once."""

from datetime import UTC, datetime
from importlib.metadata import entry_points

import pytest
import strawberry
from graphql import GraphQLObjectType, get_named_type, is_required_argument

from guanxi import Field, FixedClock, Plugin, Ref, hookimpl, query
from guanxi.records import Customer
from tests import data
from tests.shares import is_due

FIRST_PARTY = [point.load() for point in entry_points(group="guanxi.plugins") if point.value.startswith("plugins.")]


#: All the statements, and those that read.
ONE = (1, 1)
MANY = ("customers", "opportunities", "contacts", "transactions")


@query
def customers_with(ctx, ids: list[strawberry.ID]) -> list[Ref[Customer]]:
    """The records with these ids."""
    return list(ids)


class Initials(Plugin):
    """A Python field on everything that has a name, and operations that answer with records."""

    name, version, api = "initials", "1.0", ">=1,<2"

    @hookimpl
    def register_operations(self):
        return [customers_with]

    @hookimpl
    def register_fields(self):
        for record in ("Customer", "Opportunity", "User", "Team"):
            yield Field(f"{record}.initial", python=initial, needs=["name"], type=str, description="How it begins.")


def initial(ctx, rows):
    return [row["name"][0] for row in rows]


class Statements:
    """The statements that an app runs, on whatever connection."""

    def __init__(self, client) -> None:
        self._client = client
        self._read: list[str] = []
        self._all: list[str] = []
        self._listening = False
        app = client.app
        # It looks for what dead servers left whenever it is time, which belongs to no query.
        client.run(app.publisher.stop())
        app.database.on_trip = self._note_trip
        reader = app.services.reader
        if app.database.dialect == "sqlite":
            connect = reader._connect
            reader._connect = lambda: self._traced(connect())
            for connection in reader._opened:
                self._traced(connection)
        else:
            pool = reader.pool
            connect_one = pool._connect

            async def logged():
                connection = await connect_one()
                connection.add_query_logger(self._note_record)
                return connection

            pool._connect = logged
            for connection in pool._idle:
                connection.add_query_logger(self._note_record)
            # A connection looks up the type of a parameter when it first meets it.
            client.query("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[])

    def _traced(self, connection):
        """A connection whose statements are noted, also when it is opened again."""
        opened = connection._open

        def open_again():
            opened()
            connection._driver.set_trace_callback(self._note)

        connection._open = open_again
        connection._driver.set_trace_callback(self._note)
        return connection

    def _note_trip(self, process, statements) -> None:
        if self._listening:
            self._all += [each.sql for each in statements]

    def _note_record(self, record) -> None:
        self._note(record.query)

    def _note(self, statement) -> None:
        if self._listening:
            self._all.append(statement)
            self._read.append(statement)

    def of(self, query, **variables):
        """How many statements a query costs: all of them, and those that only read its answer."""
        self._all, self._read, self._listening = [], [], True
        try:
            answer = self._client.query(query, **variables)
        finally:
            self._listening = False
        assert not any(value["userErrors"] for value in answer.values() if value and "userErrors" in value), answer
        return len(self._all), len(self._read)


@pytest.fixture(scope="module")
def client(module_crm):
    # Time stands still, for now and then the keys are looked at, which belongs to no query.
    client = module_crm(*FIRST_PARTY, Initials, clock=FixedClock(datetime.now(UTC)))
    data.fill(client)
    data.upsert(
        client,
        "transactions",
        [
            {
                "externalIds": [data.key(f"x{n}")],
                "customerExternalId": data.key(f"c{n % 4}"),
                "occurredOn": "2025-05-01",
                "actualAmount": {"amount": str(n)},
            }
            for n in range(1, 9)
        ],
    )
    return client


@pytest.fixture(scope="module")
def statements(client):
    return Statements(client)


def selected(type_, depth=1, most=None):
    """What of a type can be asked for without saying more: its values, and those of what it leads to."""
    fields = []
    for name, field in type_.fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        inner = get_named_type(field.type)
        if not isinstance(inner, GraphQLObjectType):
            fields.append(name)
        elif depth and (below := selected(inner, 0 if inner.name.endswith("Connection") else depth - 1)):
            fields.append(f"{name} {{ {below} }}")
    return " ".join(fields[:most])


def listed(type_):
    """The same of a list, in pages or whole."""
    if "nodes" not in type_.fields:
        return selected(type_)
    record = selected(get_named_type(type_.fields["nodes"].type))
    return f"totalCount nodes {{ {record} }} edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage }}"


def aggregated(type_):
    """How many there are, and of each function some of the values it can be asked for."""
    kinds = {name: get_named_type(field.type) for name, field in type_.fields.items() if name != "count"}
    return " ".join(["count", *(f"{name} {{ {selected(kind, depth=2, most=2)} }}" for name, kind in kinds.items())])


def ids_of(client, records):
    """An id of each of these records that there is one of."""
    found = {}
    for record in records:
        node = "{ id }" if record.plain_list else "(first: 1) { nodes { id } }"
        answer = client.query(f"{{ {record.plural} {node} }}")[record.plural]
        nodes = answer if record.plain_list else answer["nodes"]
        if nodes:
            found[record.name] = nodes[0]["id"]
    return found


def test_every_root_field_of_every_record(client, statements):
    query = client.app.assembled.graphql.query_type.fields
    records = [record for record in client.app.catalog.records.values() if record.singular in query]
    ids = ids_of(client, records)
    asked = {}
    for record in records:
        one, many = get_named_type(query[record.singular].type), get_named_type(query[record.plural].type)
        id = ids.get(record.name, f"{record.model.__prefix__}_01h455vb4pex5vsknk084sn02q")
        asked[record.singular] = f'{record.singular}(id: "{id}") {{ {selected(one)} }}'
        asked[record.plural] = f"{record.plural} {{ {listed(many)} }}"
        aggregate, groups = f"{record.plural}Aggregate", f"{record.plural}GroupBy"
        if aggregate in query:
            asked[aggregate] = f"{aggregate} {{ {aggregated(get_named_type(query[aggregate].type))} }}"
        if groups in query:
            asked[groups] = f"{groups}(by: [{{createdAt: MONTH}}]) {{ keys {{ createdAt }} aggregate {{ count }} }}"
    assert {"customer", "opportunitiesAggregate", "stages", "tierChanges", "usersGroupBy"} < asked.keys()
    # Each engine makes a quarter of them, for that takes long; with EXHAUSTIVE=1 all.
    turn = 2 * int(client.app.database.dialect == "sqlite")
    costs = {name: statements.of(f"{{ {text} }}") for name, text in asked.items() if is_due(len(name) + turn, 4)}
    assert {name: cost for name, cost in costs.items() if cost != ONE} == {}


def test_records_of_any_type_by_their_ids(client, statements):
    ids = [client.query(f"{{ {many}(first: 1) {{ nodes {{ id }} }} }}")[many]["nodes"][0]["id"] for many in MANY]
    assert (
        statements.of("query ($id: ID!) { node(id: $id) { id ... on Customer { name owner { name } } } }", id=ids[0])
        == ONE
    )
    several = (
        "{ id ... on Customer { name initial } ... on Opportunity { name stage { key } } ... on Contact { name } }"
    )
    assert statements.of(f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {several} }}", ids=ids) == ONE
    assert statements.of('{ customer(externalId: {system: "test", value: "c1"}) { name initial } }') == ONE


def test_the_event_log(statements):
    events = "nodes { type actor changes { field previous current } data entityId }"
    assert statements.of(f"{{ events(first: 100) {{ {events} totalCount }} }}") == ONE


def test_fields_of_plugins_wherever_they_are_used(statements):
    tiers = "valueTier: {isNull: false}, opportunities: {some: {isFresh: {eq: true}}}"
    assert (
        statements.of(
            f"""{{ customers(where: {{or: [{{{tiers}}}, {{lifetimeRevenue: {{gt: "1"}}}}]}}, orderBy: [{{currentValue: DESC}}]) {{
              totalCount nodes {{ initial valueTier owner {{ initial team {{ initial }} }}
              tierChanges {{ nodes {{ tier }} }} opportunities(orderBy: [{{contribution: DESC}}]) {{
                nodes {{ initial forecastCategory isFresh stage {{ key }} customer {{ initial valueTier }} }} }} }} }} }}"""
        )
        == ONE
    )
    by = "by: [{valueTier: true}, {owner: {team: {name: true}}}], having: {count: {gt: 0}}, orderBy: [{count: DESC}]"
    groups = f"customersGroupBy({by}) {{ keys {{ valueTier owner {{ team {{ name }} }} }} aggregate {{ count }} }}"
    assert statements.of(f"{{ {groups} }}") == ONE


def test_records_that_a_plugin_s_operation_answers_with(client, statements):
    found = client.query("{ customers(first: 10) { nodes { id } } }")["customers"]["nodes"]
    query = "query ($ids: [ID!]!) { customersWith(ids: $ids) { name initial opportunities { nodes { name } } } }"
    for count in (1, 10):
        assert statements.of(query, ids=[node["id"] for node in found[:count]]) == ONE


def test_payloads_of_mutations_are_read_with_the_commit_however_many_records_they_tell_of(statements):
    payload = "customer { name initial valueTier owner { name } contacts { nodes { name } } } userErrors { message }"
    made = statements.of(f'mutation {{ createCustomer(input: {{name: "Made"}}) {{ {payload} }} }}')
    assert made[1] == 0
    upsert = f"""mutation ($items: [CustomerUpsertItem!]!) {{ upsertCustomers(input: {{items: $items}}) {{
        created results {{ {payload.partition(" userErrors")[0]} }} userErrors {{ message }} }} }}"""
    costs = {}
    for count in (2, 40):
        items = [{"name": f"Many {n}", "externalIds": [data.key(f"many{count}-{n}")]} for n in range(count)]
        costs[count] = statements.of(upsert, items=items)
    assert costs[40][1] == 0
    assert costs[40] == costs[2]


def test_several_root_fields_cost_one_statement_each(statements):
    assert statements.of("{ customers { nodes { name } } a: customersAggregate { count } stages { key } }") == (3, 3)


MOVE = "mutation ($input: MoveOpportunityInput!) { moveOpportunity(input: $input) { userErrors { code } } }"


def test_a_move_takes_three_round_trips(client, statements, monkeypatch):
    wanted = '{ opportunities(first: 3, where: {stage: {key: {ne: "C"}}, status: {eq: FOLLOWING}}) { nodes { id } } }'
    first, *others = [node["id"] for node in client.query(wanted)["opportunities"]["nodes"]]
    # The first tells which stage has the key.
    client.query(MOVE, input={"id": first, "stageKey": "C"})
    trips = []
    monkeypatch.setattr(client.app.database, "on_trip", lambda process, sent: trips.append([one.sql for one in sent]))
    for id in others:
        trips.clear()
        answer = client.query(MOVE, input={"id": id, "stageKey": "C"})
        assert answer["moveOpportunity"]["userErrors"] == []
        # The publisher, which numbers events, has a transaction of its own.
        assert len([trip for trip in trips if "pg_notify" not in "".join(trip)]) == 3, trips
    assert others
