"""Plugins' fields: SQL fields in everything a column is good for, Python fields and how they fail, fields that are written."""

import asyncio
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import pytest
from sqlalchemy import case, func, literal

from guanxi import (
    Facet,
    Field,
    FixedClock,
    InputError,
    Money,
    MoneyExpression,
    Plugin,
    PluginError,
    Table,
    Vocabulary,
    column,
    create_app,
    hookimpl,
    load_settings,
)
from guanxi.records import Opportunity
from guanxi.sql import days_between
from tests import data
from tests.operating import transact

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


class Grade(Vocabulary):
    """How good a customer is."""

    GOOD = "GOOD", "Good."
    BAD = "BAD", "Bad."


class Score(Facet, of="Customer", plugin="scores"):
    points: int = 0
    limit: Money | None = column("Up to this much.", default=None, index=True)
    grade: Grade | None = None
    note: str | None = column("A remark.", default=None, max_length=20)
    ratio: Decimal | None = column("A share.", default=None, scale=4, minimum=0)
    seen_at: datetime | None = None
    since: date | None = None
    is_active: bool = False
    labels: list[str] = column("Words.", default_factory=list)


class Policy(Table, plugin="scores"):
    id: int = column("Always 1.", primary_key=True)
    name: str = column("Its name.", exact=True)


def exceeds(row):
    return case(
        (row.facet(Score).limit.reporting.is_not(None), row.annual_revenue.reporting > row.facet(Score).limit.reporting)
    )


def room(row):
    """What is left of the limit, in the reporting currency."""
    left = row.facet(Score).limit.reporting - func.coalesce(row.annual_revenue.reporting, 0)
    return MoneyExpression(left, literal("CNY"), left)


def open_count(row):
    return row.over(Opportunity, "customer_id", lambda deal: func.count(), lambda deal: deal.status == "FOLLOWING")


class Scores(Plugin):
    name, version, api = "scores", "1.2", ">=1,<2"

    def __init__(self):
        self.asked = []
        self.gate = threading.Event()

    @hookimpl
    def startup(self, ctx):
        ctx.session.merge(Policy(id=1, name="Spring"))

    @hookimpl
    def register_fields(self):
        for name in ("points", "limit", "grade", "note", "ratio", "seenAt", "since", "isActive", "labels"):
            attribute = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
            yield Field(f"Customer.{name}", getattr(Score, attribute), f"Its {name}.", writable=True)
        yield Field("Customer.exceedsLimit", exceeds, "Revenue above the limit.", bool)
        yield Field("Customer.room", room, "Left of the limit.", Money)
        yield Field("Customer.daysKnown", lambda row: days_between(row.as_of, row.facet(Score).since), "Days.", int)
        yield Field(
            "Customer.isNew",
            lambda row: row.facet(Score).since >= row.bind(lambda now: now.date() - timedelta(days=30), date),
            "Known for a month at most.",
            bool,
        )
        yield Field("Customer.wasSeen", lambda row: row.facet(Score).seen_at <= row.now, "Seen by now.", bool)
        yield Field("Customer.openCount", open_count, "Open opportunities.", int)
        yield Field("Customer.policy", lambda row: row.joined(Policy, "id", literal(1)).name, "The policy.", str)
        yield Field("Customer.partnerPoints", lambda row: row.other("Customer.bonus", int), "From a partner.", int)
        yield Field("Customer.partnerCredit", lambda row: row.other("Customer.credit", Money), "From a partner.", Money)
        yield Field("Opportunity.odds", lambda row: row.to("stage").win_probability, "Of its stage.", Decimal)
        yield Field(
            "Opportunity.customerPoints",
            lambda row: row.to("customer").other("Customer.points", int),
            "Of its customer.",
            int,
        )
        yield from self.python_fields()

    def python_fields(self):
        def python(name, function, type_, *needs):
            return Field(f"Customer.{name}", python=function, description="In Python.", type=type_, needs=needs)

        def label(ctx, rows):
            self.asked.append(len(rows))
            return [f"{row['name']}: {row['points'] or 0}" for row in rows]

        async def rank(ctx, rows):
            found = await ctx.query("{ customers(orderBy: [{points: DESC}]) { nodes { id } } }")
            order = [node["id"] for node in found["customers"]["nodes"]]
            return [order.index(row["id"]) + 1 for row in rows]

        def uneven(ctx, rows):
            return [row["name"] for row in rows][1:]

        def typed(ctx, rows):
            return [3 if row["name"] == "Beta" else row["name"] for row in rows]

        def partly(ctx, rows):
            return [ValueError("secret") if row["name"] == "Beta" else row["name"] for row in rows]

        def broken(ctx, rows):
            raise ValueError("secret")

        def slow(ctx, rows):
            self.gate.wait(10)
            return [None for _ in rows]

        async def endless(ctx, rows):
            await asyncio.Event().wait()

        def echo(ctx, rows):
            return [repr(sorted(row.items())) for row in rows]

        yield python("label", label, str, "name", "points")
        yield python("rank", rank, int, "id")
        yield python("uneven", uneven, str, "name")
        yield python("single", lambda ctx, rows: "none", str)
        yield python("typed", typed, str, "name")
        yield python("partly", partly, str, "name")
        yield python("broken", broken, str, "name")
        yield python("slow", slow, str)
        yield python("endless", endless, str)
        yield python(
            "echo", echo, str, "limit", "ratio", "since", "labels", "grade", "exceedsLimit", "tags", "externalIds"
        )
        yield python("halfLimit", lambda ctx, rows: [half(row["limit"]) for row in rows], Money, "limit")
        values = {
            "aDecimal": (Decimal("1.5"), Decimal),
            "aDate": (date(2025, 1, 2), date),
            "aMoment": (NOON, datetime),
            "aFlag": (True, bool),
            "aGrade": (Grade.GOOD, Grade),
            "words": (["a", "b"], list[str]),
            "aGenerator": ("yes", str),
        }
        for name, (value, type_) in values.items():
            yield python(name, lambda ctx, rows, value=value: (value for _ in rows), type_)


def half(money):
    return None if money is None else Money(Decimal(money["amount"]) / 2, money["currency"])


class Partner(Plugin):
    """What Scores builds upon where it is there."""

    name, version, api = "partner", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.bonus", lambda row: row.employee_count + 1, "A bonus.", int)
        yield Field("Customer.credit", lambda row: row.annual_revenue, "A credit.", Money)


CUSTOMERS = [
    {"name": "Alpha", "points": 30, "limit": {"amount": "1000"}, "annualRevenue": {"amount": "1500"}, "grade": "GOOD"},
    {"name": "Beta", "points": 10, "limit": {"amount": "2000"}, "annualRevenue": {"amount": "1500"}, "grade": "BAD"},
    {"name": "Gamma", "points": 20, "since": "2025-06-01", "ratio": "0.1250", "isActive": True, "labels": ["a", "b"]},
    {"name": "Delta", "employeeCount": 4, "since": "2024-06-15", "seenAt": "2025-06-15T12:00:00Z", "tags": ["vip"]},
]


@pytest.fixture(scope="module")
def scored(module_crm):
    plugin = Scores()
    client = module_crm(plugin, clock=FixedClock(NOON), python_field_deadline_ms=1000)
    data.upsert(client, "customers", [{**item, "externalIds": [data.key(item["name"])]} for item in CUSTOMERS])
    data.upsert(
        client,
        "opportunities",
        [
            {"name": f"Deal {number}", "customerExternalId": data.key(name), "stageId": stage(number), "status": status}
            | {"externalIds": [data.key(f"d{number}")]}
            for number, (name, status) in enumerate([("Alpha", "FOLLOWING"), ("Alpha", "DRAFT"), ("Beta", "FOLLOWING")])
        ],
    )
    plugin.asked.clear()
    yield client
    plugin.gate.set()


def stage(number):
    return f"stg_0000000000000000000000000{number + 1}"


def all_of(client, selection, arguments="orderBy: [{name: ASC}]"):
    return client.query(f"{{ customers({arguments}) {{ nodes {{ {selection} }} }} }}")["customers"]["nodes"]


def names(client, where):
    return [node["name"] for node in all_of(client, "name", f"where: {where}, orderBy: [{{name: ASC}}]")]


# SQL fields


def test_hook_register_fields_adds_fields_that_compare_others(scored):
    assert all_of(scored, "name exceedsLimit room { amount currency }") == [
        {"name": "Alpha", "exceedsLimit": True, "room": {"amount": "-500.00", "currency": "CNY"}},
        {"name": "Beta", "exceedsLimit": False, "room": {"amount": "500.00", "currency": "CNY"}},
        {"name": "Delta", "exceedsLimit": None, "room": None},
        {"name": "Gamma", "exceedsLimit": None, "room": None},
    ]
    assert names(scored, "{exceedsLimit: {eq: true}}") == ["Alpha"]
    assert names(scored, '{room: {gt: "0"}}') == ["Beta"]
    assert [node["name"] for node in all_of(scored, "name", "orderBy: [{room: ASC}], first: 2")] == ["Alpha", "Beta"]


def test_where_a_plugin_keeps_nothing_of_a_record_a_list_is_its_default(crm):
    client = crm(Scores(), clock=FixedClock(NOON))
    given = [{"name": "Bare"}, {"name": "Empty", "labels": []}, {"name": "Full", "labels": ["a", "b"]}]
    data.upsert(client, "customers", [{**item, "externalIds": [data.key(item["name"])]} for item in given])
    assert names(client, "{labels: {hasAll: []}}") == ["Bare", "Empty", "Full"]
    assert names(client, "{labels: {isEmpty: true}}") == ["Bare", "Empty"]
    assert names(client, '{labels: {hasAll: ["a", "b"]}}') == ["Full"]
    assert names(client, "{not: {labels: {hasAll: []}}}") == []


def test_a_field_of_a_plugin_is_grouped_and_summed(scored):
    found = scored.query(
        """{ customersAggregate { sum { points room { total { amount } } } avg { points } max { points ratio } }
          customersGroupBy(by: [{exceedsLimit: true}], orderBy: [{key: {exceedsLimit: ASC}}]) {
            keys { exceedsLimit } aggregate { count sum { points } } } }"""
    )
    assert found["customersAggregate"] == {
        "sum": {"points": "60", "room": {"total": {"amount": "0.00"}}},
        "avg": {"points": "15.0000"},
        "max": {"points": 30, "ratio": "0.1250"},
    }
    assert found["customersGroupBy"] == [
        {"keys": {"exceedsLimit": False}, "aggregate": {"count": 1, "sum": {"points": "10"}}},
        {"keys": {"exceedsLimit": True}, "aggregate": {"count": 1, "sum": {"points": "30"}}},
        {"keys": {"exceedsLimit": None}, "aggregate": {"count": 2, "sum": {"points": "20"}}},
    ]


def test_time_is_that_of_the_request_never_the_database_s(scored):
    assert all_of(scored, "name daysKnown isNew wasSeen")[2:] == [
        {"name": "Delta", "daysKnown": 365, "isNew": False, "wasSeen": True},
        {"name": "Gamma", "daysKnown": 14, "isNew": True, "wasSeen": None},
    ]
    assert names(scored, "{daysKnown: {gt: 100}}") == ["Delta"]


def test_the_time_of_a_request_is_that_of_the_clock(crm):
    clock = FixedClock(NOON)
    client = crm(Scores, clock=clock)
    data.upsert(client, "customers", [{"name": "Late", "since": "2025-06-01", "externalIds": [data.key("late")]}])
    clock.moment += timedelta(days=100)
    assert all_of(client, "daysKnown isNew") == [{"daysKnown": 114, "isNew": False}]


def test_a_field_reads_the_row_a_relation_leads_to(scored):
    found = scored.query(
        "{ opportunities(where: {odds: {gte: 25}}, orderBy: [{odds: DESC}]) { nodes { name odds customerPoints } } }"
    )
    assert found["opportunities"]["nodes"] == [
        {"name": "Deal 2", "odds": "50.00", "customerPoints": 10},
        {"name": "Deal 1", "odds": "25.00", "customerPoints": 30},
    ]
    below = scored.query("{ opportunities(where: {customer: {points: {lt: 20}}}) { nodes { name } } }")
    assert below["opportunities"]["nodes"] == [{"name": "Deal 2"}]


def test_a_field_aggregates_over_what_refers_to_its_row(scored):
    assert {node["name"]: node["openCount"] for node in all_of(scored, "name openCount")} == {
        "Alpha": 1,
        "Beta": 1,
        "Delta": 0,
        "Gamma": 0,
    }
    assert names(scored, "{openCount: {gte: 1}}") == ["Alpha", "Beta"]


def test_a_field_reads_a_table_of_its_plugin(scored):
    assert {node["policy"] for node in all_of(scored, "policy")} == {"Spring"}
    assert names(scored, '{policy: {eq: "WINTER"}}') == []
    assert len(names(scored, '{policy: {eq: "SPRING"}}')) == 4


def test_another_plugin_s_field_is_null_while_it_is_absent(scored):
    assert {
        (node["partnerPoints"], node["partnerCredit"])
        for node in all_of(scored, "partnerPoints partnerCredit { amount }")
    } == {(None, None)}
    assert names(scored, "{partnerPoints: {gt: 0}}") == []
    assert scored.query("{ customersAggregate { sum { partnerPoints } } }")["customersAggregate"] == {
        "sum": {"partnerPoints": None}
    }


def test_and_has_its_value_where_it_is_present(crm):
    client = crm(Scores, Partner)
    data.upsert(client, "customers", [{**item, "externalIds": [data.key(item["name"])]} for item in CUSTOMERS])
    assert all_of(client, "name partnerPoints partnerCredit { amount }")[::2] == [
        {"name": "Alpha", "partnerPoints": None, "partnerCredit": {"amount": "1500.00"}},
        {"name": "Delta", "partnerPoints": 5, "partnerCredit": None},
    ]
    assert names(client, "{partnerPoints: {gt: 0}}") == ["Delta"]


# Python fields


def test_a_python_field_is_asked_once_for_all_rows_of_a_place(scored):
    (plugin,) = scored.app.host.plugins
    plugin.asked.clear()
    assert [node["label"] for node in all_of(scored, "label")] == ["Alpha: 30", "Beta: 10", "Delta: 0", "Gamma: 20"]
    assert plugin.asked == [4]


def test_what_a_python_field_needs_does_not_show(scored):
    assert all_of(scored, "label", "first: 1, orderBy: [{name: ASC}]") == [{"label": "Alpha: 30"}]


def test_python_fields_are_filled_in_wherever_their_record_stands(scored):
    found = scored.query(
        """{ opportunities(orderBy: [{name: ASC}]) { edges { node { customer { ...Labelled } } } }
          customer(externalId: {system: "test", value: "Alpha"}) { id mine: label label }
          customersGroupBy(by: [{grade: true}]) { keys { grade } } }
        fragment Labelled on Customer { label opportunities(first: 1) { nodes { customer { label } } } }"""
    )
    assert [edge["node"]["customer"]["label"] for edge in found["opportunities"]["edges"]] == [
        "Alpha: 30",
        "Alpha: 30",
        "Beta: 10",
    ]
    assert found["opportunities"]["edges"][2]["node"]["customer"]["opportunities"] == {
        "nodes": [{"customer": {"label": "Beta: 10"}}]
    }
    id = found["customer"].pop("id")
    assert found["customer"] == {"mine": "Alpha: 30", "label": "Alpha: 30"}
    nodes = scored.query(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Customer { label } ... on Stage { key } } }",
        ids=[stage(0), id],
    )
    assert nodes["nodes"] == [{"__typename": "Stage", "key": "A"}, {"__typename": "Customer", "label": "Alpha: 30"}]
    changed = scored.query(
        "mutation ($id: ID!) { updateCustomer(input: {id: $id, points: 30}) { customer { label } } }", id=id
    )
    assert changed["updateCustomer"]["customer"] == {"label": "Alpha: 30"}


def test_an_async_python_field_may_query(scored):
    assert {node["name"]: node["rank"] for node in all_of(scored, "name rank")} == {
        "Alpha": 1,
        "Gamma": 2,
        "Beta": 3,
        "Delta": 4,
    }


def test_a_python_field_gets_its_needs_as_the_api_shows_them(scored):
    alpha, _, delta, gamma = (node["echo"] for node in all_of(scored, "echo"))
    assert alpha == repr(
        [
            ("exceedsLimit", True),
            ("externalIds", [{"system": "test", "value": "Alpha"}]),
            ("grade", "GOOD"),
            ("labels", []),
            ("limit", {"amount": "1000.00", "currency": "CNY", "reportingAmount": "1000.00"}),
            ("ratio", None),
            ("since", None),
            ("tags", []),
        ]
    )
    assert "('labels', ['a', 'b'])" in gamma and "('ratio', '0.1250')" in gamma and "('since', '2025-06-01')" in gamma
    assert "('tags', ['vip'])" in delta


def test_a_python_field_may_be_of_any_type(scored):
    (alpha, *_) = all_of(
        scored, "aDecimal aDate aMoment aFlag aGrade words aGenerator halfLimit { amount reportingAmount }"
    )
    assert alpha == {
        "aDecimal": "1.50",
        "aDate": "2025-01-02",
        "aMoment": "2025-06-15T12:00:00.000Z",
        "aFlag": True,
        "aGrade": "GOOD",
        "words": ["a", "b"],
        "aGenerator": "yes",
        "halfLimit": {"amount": "500.00", "reportingAmount": "500.00"},
    }


def failing(client, selection):
    """The nodes and the errors of a list whose Python fields fail."""
    answer = client.execute(f"{{ customers(orderBy: [{{name: ASC}}]) {{ nodes {{ name {selection} }} }} }}")
    assert "secret" not in str(answer)
    return answer["data"]["customers"]["nodes"], [
        (error["path"], error["message"], error["extensions"]) for error in answer["errors"]
    ]


BLAMED = {"code": "PLUGIN_ERROR", "plugin": "scores"}


def test_a_python_field_that_fails_is_null_with_one_error_and_hurts_no_other(scored, caplog):
    nodes, errors = failing(scored, "broken label")
    assert [node["broken"] for node in nodes] == [None] * 4
    assert nodes[0] == {"name": "Alpha", "broken": None, "label": "Alpha: 30"}
    assert errors == [
        (["customers", "nodes", 0, "broken"], "field Customer.broken of plugin 'scores' failed", BLAMED),
    ]
    assert "field Customer.broken of plugin 'scores' failed" in caplog.text
    assert "ValueError: secret" in caplog.text


def test_a_python_field_that_gives_too_few_values_is_null(scored, caplog):
    nodes, errors = failing(scored, "uneven")
    assert [node["uneven"] for node in nodes] == [None] * 4
    assert errors == [(["customers", "nodes", 0, "uneven"], "field Customer.uneven of plugin 'scores' failed", BLAMED)]
    assert "plugin 'scores', field Customer.uneven: gave 3 values for 4 rows" in caplog.text


def test_a_python_field_that_gives_one_text_is_null(scored, caplog):
    assert [node["single"] for node in failing(scored, "single")[0]] == [None] * 4
    assert "plugin 'scores', field Customer.single: gave 'none' instead of a value for each row" in caplog.text


@pytest.mark.parametrize(("field", "reason"), [("typed", "3 is not of type str"), ("partly", "secret")])
def test_one_row_that_fails_is_null_under_its_own_path(scored, caplog, field, reason):
    nodes, errors = failing(scored, f"mine: {field}")
    assert [node["mine"] for node in nodes] == ["Alpha", None, "Delta", "Gamma"]
    assert errors == [(["customers", "nodes", 1, "mine"], f"field Customer.{field} of plugin 'scores' failed", BLAMED)]
    assert reason in caplog.text


@pytest.mark.parametrize("field", ["slow", "endless"])
def test_a_python_field_that_misses_its_deadline_is_null(scored, field):
    nodes, errors = failing(scored, f"{field} label")
    assert nodes[0] == {"name": "Alpha", field: None, "label": "Alpha: 30"}
    assert errors == [
        (["customers", "nodes", 0, field], f"field Customer.{field} of plugin 'scores' took too long", BLAMED)
    ]


def test_a_failing_python_field_is_placed_below_lists_and_payloads(scored):
    answer = scored.execute(
        """{ opportunities(orderBy: [{name: ASC}]) { edges { node { customer { partly } } } }
          one: customer(externalId: {system: "test", value: "Beta"}) { again: partly } }"""
    )
    assert sorted(error["path"] for error in answer["errors"]) == [
        ["one", "again"],
        ["opportunities", "edges", 2, "node", "customer", "partly"],
    ]
    assert answer["data"]["one"] == {"again": None}


def ask(client, selection):
    """What a query gives inside a transaction."""

    async def within():
        text = f"{{ customers(orderBy: [{{name: ASC}}]) {{ nodes {{ name {selection} }} }} }}"
        return await transact(client.app, "scores", lambda ctx: ctx.query(text))

    return client.run(within())["customers"]["nodes"]


def test_inside_a_transaction_a_python_field_is_filled_in_or_said_to_fail(scored):
    assert ask(scored, "label")[1] == {"name": "Beta", "label": "Beta: 10"}
    with pytest.raises(InputError, match=r"^Customer.rank is async and cannot be called inside a transaction$"):
        ask(scored, "rank")
    with pytest.raises(PluginError, match=r"^plugin 'scores', field Customer.broken: ValueError: secret$"):
        ask(scored, "broken")
    with pytest.raises(PluginError, match=r"^plugin 'scores', field Customer.typed: TypeError: 3 is not of type str$"):
        ask(scored, "typed")
    with pytest.raises(PluginError, match=r"^plugin 'scores', field Customer.uneven: gave 3 values for 4 rows$"):
        ask(scored, "uneven")


# Written fields

WRITTEN = "points limit { amount currency } grade note ratio seenAt since isActive labels"
FULL = {
    "points": 7,
    "limit": {"amount": "12.50", "currency": "CNY"},
    "grade": "GOOD",
    "note": "Ärger",
    "ratio": "0.3333",
    "seenAt": "2025-06-01T08:30:00.000Z",
    "since": "2025-05-01",
    "isActive": True,
    "labels": ["a", "b"],
}


def create(client, **given):
    return client.query(
        f"""mutation ($input: CreateCustomerInput!) {{ createCustomer(input: $input) {{
            customer {{ id version {WRITTEN} }} userErrors {{ code field message }} }} }}""",
        input=given,
    )["createCustomer"]


def update(client, **given):
    return client.query(
        f"""mutation ($input: UpdateCustomerInput!) {{ updateCustomer(input: $input) {{
            customer {{ version {WRITTEN} }} userErrors {{ code field message }} }} }}""",
        input=given,
    )["updateCustomer"]


@pytest.fixture(scope="module")
def written(module_crm):
    return module_crm(Scores, clock=FixedClock(NOON))


def test_tables_with_fields_of_every_type_are_those_declared_when_they_are_compared(written):
    written.app.migrate()


def test_fields_of_every_type_are_created_changed_and_emptied(written):
    made = create(written, name="Full", **FULL)["customer"]
    id = made.pop("id")
    assert made == {"version": 1, **FULL}
    assert update(written, id=id, **FULL)["customer"]["version"] == 1
    changed = update(written, id=id, points=8, note=None, limit=None, grade=None, ratio=None, since=None, labels=[])
    assert changed["customer"] == {
        "version": 2,
        **FULL,
        "points": 8,
        "note": None,
        "limit": None,
        "grade": None,
        "ratio": None,
        "since": None,
        "labels": [],
    }


def test_a_record_without_a_row_has_the_defaults_of_the_columns(written):
    made = create(written, name="Empty")["customer"]
    assert (made["points"], made["isActive"], made["labels"]) == (0, False, [])
    assert {made[name] for name in ("limit", "grade", "note")} == {None}
    here = {"name": {"eq": "Empty"}}
    for where, found in (({"points": {"eq": 0}}, 1), ({"points": {"gt": 0}}, 0), ({"isActive": {"eq": False}}, 1)):
        text = "query ($where: CustomerWhere!) { customers(where: $where) { totalCount } }"
        assert written.query(text, where={"and": [here, where]})["customers"]["totalCount"] == found
    groups = written.query(
        "query ($where: CustomerWhere!) { customersGroupBy(by: [{points: true}, {isActive: true}], where: $where) {"
        " keys { points isActive } aggregate { sum { points } } } }",
        where=here,
    )["customersGroupBy"]
    assert groups == [{"keys": {"points": 0, "isActive": False}, "aggregate": {"sum": {"points": "0"}}}]


def test_written_fields_are_in_the_log_by_their_names(written):
    id = create(written, name="Logged", points=1, limit={"amount": "5"})["customer"]["id"]
    update(written, id=id, points=2)
    found = written.query(
        "query ($id: ID!) { events(entity: $id) { nodes { type changes { field previous current } } } }", id=id
    )["events"]["nodes"]
    assert found[0]["changes"] == [
        {"field": "limit", "previous": None, "current": {"amount": "5.00", "currency": "CNY"}},
        {"field": "name", "previous": None, "current": "Logged"},
        {"field": "points", "previous": None, "current": 1},
    ]
    assert found[1]["changes"] == [{"field": "points", "previous": 1, "current": 2}]


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"note": "x" * 21}, "INVALID", "note: 'xxxxxxxxxxxxxxxxxxxxx'… has 21 characters; at most 20 are possible"),
        ({"ratio": "-1"}, "INVALID", "ratio: -1.0000 is too small; the minimum is 0"),
        ({"ratio": "0.33333"}, "INVALID", "ratio: 0.33333 has more than 4 decimal places; round it"),
        ({"points": None}, "REQUIRED", "points: null is not allowed; give a value, or leave it out"),
        (
            {"limit": {"amount": "5", "currency": "EUR"}},
            "RATE_UNKNOWN",
            "limit: 5.00 EUR: no rate from EUR to CNY is known on 2025-06-15; create one with createExchangeRate, valid from that day or earlier",
        ),
    ],
)
def test_what_a_field_does_not_take_is_refused_under_its_name(written, given, code, message):
    answer = create(written, name="Refused", **given)
    assert answer == {
        "customer": None,
        "userErrors": [{"code": code, "field": [next(iter(given))], "message": message}],
    }


def test_an_upsert_writes_them_too(written):
    for points, status in ((5, "CREATED"), (5, "UNCHANGED"), (6, "UPDATED")):
        items = [{"name": "Upserted", "points": points, "externalIds": [data.key("upserted")]}]
        answer = data.upsert(written, "customers", items)
        assert [row["status"] for row in answer["results"]] == [status]
    found = written.query('{ customer(externalId: {system: "test", value: "upserted"}) { points isActive version } }')
    assert found["customer"] == {"points": 6, "isActive": False, "version": 2}


def test_a_destroyed_record_takes_its_row_along(written):
    id = create(written, name="Destroyed", points=1)["customer"]["id"]
    written.query("mutation ($id: ID!) { destroyCustomer(input: {id: $id}) { userErrors { code } } }", id=id)

    def rows(ctx):
        return ctx.session.get(Score, id)

    async def left():
        return await transact(written.app, "scores", rows)

    assert written.run(left()) is None


# What a field may be used for


class Narrow(Plugin):
    name, version, api = "narrow", "1.0", ">=1,<2"
    uses: ClassVar = {
        "filter": "CustomerWhere",
        "order": "CustomerOrder",
        "group": "CustomerGroupKey",
        "aggregate": "CustomerSum",
    }

    @hookimpl
    def register_fields(self):
        for use in self.uses:
            yield Field(
                f"Customer.no{use.title()}",
                lambda row: row.employee_count,
                "A number.",
                int,
                **{use: False},
                deprecated="Old.",
            )


def test_a_field_is_left_out_of_what_it_may_not_be_used_for(crm):
    client = crm(Narrow)
    kinds = client.app.assembled.graphql.type_map
    for kind in Narrow.uses.values():
        left_out = {use for use in Narrow.uses if f"no{use.title()}" not in kinds[kind].fields}
        assert left_out == {use for use, other in Narrow.uses.items() if other == kind}
    assert kinds["Customer"].fields["noFilter"].deprecation_reason == "Old."


# Names that look misspelt


class Misspelling(Plugin):
    name, version, api = "misspelling", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        for number, other in enumerate(("Customer.employeCount", "Customer.lifetimeRevenue", "Customer.name")):
            yield Field(f"Customer.read{number}", lambda row, other=other: row.other(other, str), "Another.", str)


def test_a_name_that_looks_misspelt_is_warned_of_once_at_the_start(caplog):
    """A name that is like no other is taken for the field of a plugin that is not installed."""
    create_app(load_settings(database_url="sqlite:///unused.db"), [Misspelling])
    message = "field Customer.read0 reads Customer.employeCount, which does not exist, so it is null; "
    found = [(record.name, record.getMessage()) for record in caplog.records if record.levelname == "WARNING"]
    assert found == [("guanxi.plugins.misspelling", message + "did you mean employeeCount?")]


# Side by side


class Meeting(Plugin):
    """Fields that wait for each other: one after the other they would never end."""

    name, version, api = "meeting", "1.0", ">=1,<2"

    def __init__(self):
        self.waiting = []

    async def meet(self, ctx, rows):
        arrived = asyncio.Event()
        self.waiting.append(arrived)
        if len(self.waiting) == 2:
            for other in self.waiting:
                other.set()
            self.waiting.clear()
        await arrived.wait()
        return ["met"] * len(rows)

    @hookimpl
    def register_fields(self):
        for record, name in (("Customer", "first"), ("Customer", "second"), ("Contact", "third")):
            yield Field(f"{record}.{name}", python=self.meet, needs=["name"], type=str, description="Waits.")


@pytest.mark.parametrize(
    "query",
    [
        "{ customers { nodes { first second } } }",
        "{ one: customers { nodes { first } } contacts { nodes { third } } }",
        "{ customers { nodes { first contacts(first: 1) { nodes { customer { contacts { nodes { third } } } } } } } }",
    ],
)
def test_python_fields_of_a_request_run_side_by_side(crm, query):
    client = crm(Meeting())
    customer = client.create("Customer", name="Ann")["id"]
    client.create("Contact", name="Al", customerId=customer)
    assert str(client.query(query)).count("'met'") == 2
