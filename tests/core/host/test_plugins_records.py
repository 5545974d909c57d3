"""Plugins' own records and operations: first-class types of the schema, like the core's."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
import strawberry
from sqlalchemy import func
from sqlmodel import col, select

from guanxi import (
    Facet,
    Field,
    Input,
    InputError,
    Money,
    Named,
    Payload,
    Plugin,
    Record,
    Ref,
    Reject,
    UserError,
    Vocabulary,
    column,
    hookimpl,
    mutation,
    query,
    reference,
)
from guanxi.records import Customer, Opportunity
from tests import data


class InvoiceState(Vocabulary):
    """Where an invoice stands."""

    OPEN = "OPEN", "To be paid."
    PAID = "PAID", "Paid."


class Urgency(Vocabulary):
    """How pressing something is; no field has it."""

    LATER = "LATER", "It can wait."
    NOW = "NOW", "It cannot."


class Invoice(Record, plugin="billing", prefix="inv"):
    """What a customer is to pay."""

    __dated_by__ = ("issued_on",)

    customer_id: str = reference(Customer, "Who pays.", inverse="invoices", inverse_description="What it is to pay.")
    opportunity_id: str | None = reference(
        Opportunity, "What it came of.", inverse="invoices", default=None, on_destroy="SET NULL"
    )
    number: str = column("Its number.", exact=True, index=True, max_length=20)
    subject: str = column("What it is for.", default="Services")
    amount: Money = column("What is to be paid.")
    issued_on: date = column("Its day.", index=True)
    state: InvoiceState = column("Its status.", default=InvoiceState.OPEN)
    paid_at: datetime | None = column("When it was paid.", default=None, read_only=True)
    discount: Decimal | None = column("In percent.", default=None)
    notes: list[str] = column("Remarks.", default_factory=list)


class InvoiceLine(Record, plugin="billing", prefix="ivl"):
    """A line of an invoice."""

    invoice_id: str = reference(Invoice, "The invoice.", inverse="lines", on_destroy="CASCADE")
    replaces_id: str | None = reference("InvoiceLine", "The line it replaces.", default=None, inverse="replacements")
    text: str = column("What it says.")
    quantity: int = column("How many.", default=1, minimum=1)


class Reminders(Facet, of="Invoice", plugin="billing"):
    sent: int = 0


class Billing(Plugin):
    name, version, api = "billing", "2.0", ">=1,<2"
    events = {"INVOICE_PAID": "An invoice was paid."}  # noqa: RUF012  (as Plugin declares it)

    @hookimpl
    def register_records(self):
        return [Invoice, InvoiceLine]

    @hookimpl
    def register_fields(self):
        yield Field("Invoice.reminders", Reminders.sent, "Number of reminders sent.", writable=True)
        yield Field(
            "Customer.openInvoices",
            lambda row: row.over(Invoice, "customer_id", lambda one: func.count(), is_open),
            "Invoices it has not paid.",
            int,
        )

    @hookimpl
    def before_commit(self, ctx, changes):
        for invoice in changes.created("Invoice"):
            if invoice.number.startswith("X"):
                raise Reject(UserError("BAD_NUMBER", "number: X is taken by another system", ("number",), invoice))

    @hookimpl
    def register_operations(self):
        return [debtors, latest_invoice, doubled, raised, pay_invoice, void_invoice]


@query
def debtors(
    ctx, where: Annotated[Mapping[str, Any], Named("CustomerWhere")] | None = None, first: int = 10
) -> list[Ref[Customer]]:
    """Customers that owe, of those that meet this."""
    asked = {"and": [where or {}, {"invoices": {"some": {"state": {"eq": "OPEN"}}}}]}
    found = ctx.query(
        "query ($where: CustomerWhere!, $first: Int!) { customers(where: $where, first: $first, orderBy: [{name: ASC}]) { nodes { id } } }",
        {"where": asked, "first": first},
    )
    return [node["id"] for node in found["customers"]["nodes"]]


@query(unscoped=True)
def latest_invoice(ctx) -> "Invoice | None":
    """The latest invoice."""
    return ctx.session.exec(select(Invoice).order_by(col(Invoice.issued_on).desc()).limit(1)).first()


@query
def doubled(ctx, number: int) -> int:
    """A number made of plain values."""
    return number * 2


@query
def raised(ctx, urgency: Urgency) -> Urgency:
    """One step up."""
    assert isinstance(urgency, Urgency)
    return Urgency.NOW


@strawberry.input
class PayInvoiceInput(Input):
    """A payment."""

    id: strawberry.ID = strawberry.field(description="Of what.")
    on: date = strawberry.field(description="When.")


@strawberry.type
class PayInvoicePayload(Payload):
    """What became of a payment."""

    invoice: Ref[Invoice] | None = strawberry.field(description="The invoice.")
    customer: Ref[Customer] | None = strawberry.field(description="Who paid.")
    amount: Money | None = strawberry.field(description="How much.")


@mutation
def pay_invoice(ctx, input: PayInvoiceInput) -> PayInvoicePayload:
    """Marks an invoice as paid."""
    invoice = ctx.session.get(Invoice, input.id)
    if invoice is None:
        raise InputError(f"id: there is no invoice {input.id!r}")
    if invoice.state is InvoiceState.PAID:
        raise Reject(UserError("PAID", "it is paid already"))
    invoice.state, invoice.paid_at = InvoiceState.PAID, ctx.clock.now()
    ctx.publish("INVOICE_PAID", invoice, on=input.on)
    seen = ctx.query("query ($id: ID!) { invoice(id: $id) { state } }", {"id": input.id})
    assert seen["invoice"]["state"] == "PAID"
    return PayInvoicePayload(invoice=invoice, customer=invoice.customer_id, amount=invoice.amount)


@strawberry.input
class VoidInvoiceInput(Input):
    """An invoice to be voided."""

    id: strawberry.ID = strawberry.field(description="Which.")


@mutation
def void_invoice(ctx, input: VoidInvoiceInput) -> Ref[Invoice]:
    """Fails half way."""
    ctx.session.get(Invoice, input.id).number = "void"
    ctx.session.flush()
    raise RuntimeError("secret")


def is_open(invoice):
    return invoice.state == "OPEN"


INVOICES = [
    {"number": "1", "customerExternalId": data.key("a"), "amount": {"amount": "100"}, "issuedOn": "2025-01-31"},
    {"number": "2", "customerExternalId": data.key("a"), "amount": {"amount": "50.50"}, "issuedOn": "2025-02-28"},
    {
        "number": "3",
        "customerExternalId": data.key("b"),
        "opportunityExternalId": data.key("o"),
        "amount": {"amount": "10", "currency": "EUR"},
        "issuedOn": "2025-03-31",
        "subject": "Ärger",
        "discount": "2.50",
        "notes": ["late"],
        "reminders": 2,
    },
]


@pytest.fixture(scope="module")
def billed(module_crm):
    client = module_crm(Billing)
    client.query(
        'mutation { createExchangeRate(input: {currency: "EUR", rate: "8", validFrom: "2025-01-01"}) { userErrors { message } } }'
    )
    names = {"a": "Ann", "b": "Bo", "c": "Cy"}
    data.upsert(client, "customers", [{"name": name, "externalIds": [data.key(key)]} for key, name in names.items()])
    deal = {"name": "Deal", "customerExternalId": data.key("b"), "externalIds": [data.key("o")]}
    data.upsert(client, "opportunities", [deal])
    data.upsert(client, "invoices", [{**item, "externalIds": [data.key(f"i{item['number']}")]} for item in INVOICES])
    lines = [
        {"invoiceExternalId": data.key("i1"), "text": text, "externalIds": [data.key(f"l{place}")]}
        for place, text in enumerate(("Desk", "Chair"))
    ]
    data.upsert(client, "invoiceLines", lines)
    return client


def test_its_tables_are_those_declared_when_they_are_compared(billed):
    billed.app.migrate()


def test_hook_register_records_makes_lists_filters_and_both_ends_of_relations(billed):
    found = billed.query(
        """{ invoices(where: {customer: {name: {startsWith: "a"}}}, orderBy: [{amount: ASC}]) { totalCount nodes {
              number subject amount { amount } issuedOn state customer { name } opportunity { name } lines(orderBy: [{text: ASC}]) { nodes { text quantity invoice { number } } } } }
          customers(where: {invoices: {some: {lines: {some: {text: {eq: "desk"}}}}}}) { nodes { name invoicesAggregate { count sum { amount { total { amount } } } } } }
          opportunities { nodes { invoices { nodes { number notes discount subject } } } } }"""
    )
    assert found["invoices"] == {
        "totalCount": 2,
        "nodes": [
            {
                "number": number,
                "subject": "Services",
                "amount": {"amount": amount},
                "issuedOn": day,
                "state": "OPEN",
                "customer": {"name": "Ann"},
                "opportunity": None,
                "lines": {"nodes": lines},
            }
            for number, amount, day, lines in (
                ("2", "50.50", "2025-02-28", []),
                (
                    "1",
                    "100.00",
                    "2025-01-31",
                    [{"text": text, "quantity": 1, "invoice": {"number": "1"}} for text in ("Chair", "Desk")],
                ),
            )
        ],
    }
    assert found["customers"]["nodes"] == [
        {"name": "Ann", "invoicesAggregate": {"count": 2, "sum": {"amount": {"total": {"amount": "150.50"}}}}}
    ]
    assert found["opportunities"]["nodes"] == [
        {"invoices": {"nodes": [{"number": "3", "notes": ["late"], "discount": "2.50", "subject": "Ärger"}]}}
    ]


def test_fields_on_a_plugin_s_record_work_like_any(billed):
    found = billed.query(
        """{ invoices(where: {reminders: {gte: 1}}) { nodes { number reminders amount { amount currency reportingAmount } } }
          customers(where: {openInvoices: {gte: 2}}) { nodes { name openInvoices } }
          invoicesGroupBy(by: [{issuedOn: QUARTER}, {customer: {name: true}}]) { keys { issuedOn customer { name } } aggregate { count } } }"""
    )
    assert found["invoices"]["nodes"] == [
        {"number": "3", "reminders": 2, "amount": {"amount": "10.00", "currency": "EUR", "reportingAmount": "80.00"}}
    ]
    assert found["customers"]["nodes"] == [{"name": "Ann", "openInvoices": 2}]
    assert sorted(
        (group["keys"]["customer"]["name"], group["aggregate"]["count"]) for group in found["invoicesGroupBy"]
    ) == [
        ("Ann", 2),
        ("Bo", 1),
    ]


def test_an_operation_speaks_of_a_vocabulary_that_no_field_has(billed):
    found = billed.query(
        """{ raised(urgency: LATER) __type(name: "Urgency") { description enumValues { name description } } }"""
    )
    assert found == {
        "raised": "NOW",
        "__type": {
            "description": "How pressing something is; no field has it.",
            "enumValues": [
                {"name": "LATER", "description": "It can wait."},
                {"name": "NOW", "description": "It cannot."},
            ],
        },
    }


INPUT = {"number": "9", "amount": {"amount": "1"}, "issuedOn": "2025-05-01"}


def customer(client, name):
    """A customer of the test's own."""
    made = client.query(
        "mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { id } } }", name=name
    )
    return made["createCustomer"]["customer"]["id"]


def create(client, **given):
    return client.query(
        """mutation ($input: CreateInvoiceInput!) { createInvoice(input: $input) {
            invoice { id number version state } userErrors { code field message plugin } } }""",
        input={**INPUT, **given},
    )["createInvoice"]


def test_a_plugin_s_record_is_created_changed_deleted_restored_and_destroyed(billed):
    id = create(billed, customerId=customer(billed, "Owner"))["invoice"]["id"]
    assert id.startswith("inv_")
    changed = billed.query(
        """mutation ($id: ID!) { updateInvoice(input: {id: $id, expectedVersion: 1, subject: "Repair", state: PAID}) {
            invoice { subject state version } userErrors { code } } }""",
        id=id,
    )["updateInvoice"]
    assert changed == {"invoice": {"subject": "Repair", "state": "PAID", "version": 2}, "userErrors": []}
    for action, found in (("delete", None), ("restore", {"number": "9"}), ("destroy", None)):
        billed.query(
            f"mutation ($id: ID!) {{ {action}Invoice(input: {{id: $id}}) {{ userErrors {{ code }} }} }}", id=id
        )
        assert billed.query("query ($id: ID!) { invoice(id: $id) { number } }", id=id)["invoice"] == found
    events = billed.query("query ($id: ID!) { events(entity: $id) { nodes { type } } }", id=id)["events"]["nodes"]
    assert [event["type"] for event in events] == [
        f"INVOICE_{action}" for action in ("CREATED", "UPDATED", "DELETED", "RESTORED", "DESTROYED")
    ]
    assert billed.query("query ($id: ID!) { node(id: $id) { id } }", id=id)["node"] is None


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"customerId": "cus_01h455vb4pex5vsknk084sn02q"}, "NOT_FOUND", "customerId"),
        ({"customerId": "inv_01h455vb4pex5vsknk084sn02q"}, "INVALID", "customerId"),
        ({"customerExternalId": data.key("nobody")}, "NOT_FOUND", "customerExternalId"),
        ({}, "REQUIRED", "customerId"),
        ({"customerExternalId": data.key("c"), "number": "n" * 21}, "INVALID", "number"),
        ({"customerExternalId": data.key("c"), "number": "X1"}, "BAD_NUMBER", "number"),
        ({"customerExternalId": data.key("c"), "amount": {"amount": "1", "currency": "USD"}}, "RATE_UNKNOWN", "amount"),
    ],
)
def test_input_of_a_plugin_s_record_is_checked_like_the_core_s(billed, given, code, field):
    answer = create(billed, **given)
    assert answer["invoice"] is None
    assert [(error["code"], error["field"]) for error in answer["userErrors"]] == [(code, [field])]


def test_upserts_match_by_an_indexed_text(billed):
    owner = customer(billed, "Matched")
    for subject, status in (("Once", "CREATED"), ("Twice", "UPDATED")):
        item = {**INPUT, "number": "match-me", "customerId": owner, "subject": subject}
        answer = data.upsert(billed, "invoices", [item], matchBy="NUMBER")
        assert [row["status"] for row in answer["results"]] == [status]


def test_lines_of_one_upsert_may_refer_to_each_other(billed):
    items = [
        {"text": "New", "externalIds": [data.key("n1")], "invoiceExternalId": data.key("i2")},
        {
            "text": "Newer",
            "externalIds": [data.key("n2")],
            "invoiceExternalId": data.key("i2"),
            "replacesExternalId": data.key("n1"),
        },
    ]
    data.upsert(billed, "invoiceLines", items)
    found = billed.query(
        '{ invoiceLine(externalId: {system: "test", value: "n1"}) { replacements { nodes { text replaces { text } } } } }'
    )
    assert found["invoiceLine"]["replacements"]["nodes"] == [{"text": "Newer", "replaces": {"text": "New"}}]


def destroy(client, record, id):
    answer = client.query(
        f"mutation ($id: ID!) {{ destroy{record}(input: {{id: $id}}) {{ userErrors {{ code message }} }} }}", id=id
    )
    return answer[f"destroy{record}"]["userErrors"]


def test_what_a_plugin_s_record_needs_is_not_destroyed_and_what_hangs_on_it_goes_along(billed):
    owner = customer(billed, "Needed")
    invoice = create(billed, customerId=owner)["invoice"]["id"]
    line = billed.query(
        'mutation ($id: ID!) { createInvoiceLine(input: {invoiceId: $id, text: "Line"}) { invoiceLine { id } } }',
        id=invoice,
    )["createInvoiceLine"]["invoiceLine"]["id"]
    (error,) = destroy(billed, "Customer", owner)
    assert error["code"] == "REFERRED_TO"
    assert error["message"].startswith(f"1 invoice refers to {owner}; destroy it first")
    assert destroy(billed, "Invoice", invoice) == []
    assert billed.query("query ($id: ID!) { invoiceLine(id: $id) { id } }", id=line)["invoiceLine"] is None
    assert destroy(billed, "Customer", owner) == []


def test_a_reference_that_lets_go_is_emptied(billed):
    deal = billed.query('mutation { createOpportunity(input: {name: "Gone"}) { opportunity { id } } }')
    deal = deal["createOpportunity"]["opportunity"]["id"]
    invoice = create(billed, customerId=customer(billed, "Free"), opportunityId=deal)["invoice"]["id"]
    assert destroy(billed, "Opportunity", deal) == []
    found = billed.query("query ($id: ID!) { invoice(id: $id) { number opportunityId } }", id=invoice)
    assert found["invoice"] == {"number": "9", "opportunityId": None}


def test_the_schema_says_whose_record_it_is(billed):
    kind = billed.app.assembled.graphql.type_map["Invoice"]
    assert kind.description == "What a customer is to pay."
    assert 'type Invoice implements Node @plugin(name: "billing", version: "2.0") {' in billed.app.sdl
    assert "invoices(" in billed.app.sdl
    fields = billed.query("{ plugins { fields } }")["plugins"][0]["fields"]
    assert {"Invoice.number", "Invoice.reminders", "Customer.openInvoices"} <= set(fields)


# Operations


def test_hook_register_operations_answers_with_records_read_by_the_planner(billed):
    found = billed.query(
        """query ($where: CustomerWhere) {
            debtors(where: $where) { name invoices(orderBy: [{number: ASC}], first: 2) { nodes { number } } openInvoices }
            latestInvoice { number customer { name } }
            doubled(number: 21) }""",
        where={"name": {"in": ["ann", "bo"]}},
    )
    assert found["debtors"] == [
        {"name": "Ann", "invoices": {"nodes": [{"number": "1"}, {"number": "2"}]}, "openInvoices": 2},
        {"name": "Bo", "invoices": {"nodes": [{"number": "3"}]}, "openInvoices": 1},
    ]
    assert found["latestInvoice"]["customer"]["name"]
    assert found["doubled"] == 42
    one = billed.query(
        '{ debtors(where: {name: {eq: "Bo"}, createdAt: {gt: "2020-01-01T00:00:00Z"}}, first: 1) { name } }'
    )
    assert one == {"debtors": [{"name": "Bo"}]}


PAY = """mutation ($id: ID!) { payInvoice(input: {id: $id, on: "2025-06-01"}) {
    invoice { number state paidAt version } customer { name } amount { amount currency reportingAmount } userErrors { code message plugin } } }"""


def test_a_mutation_writes_in_a_transaction_of_its_own_and_logs_it(billed, clock):
    id = create(billed, number="P1", customerId=customer(billed, "Payer"))["invoice"]["id"]
    paid = billed.query(PAY, id=id)["payInvoice"]
    assert paid["invoice"]["paidAt"] is not None
    assert paid["amount"] == {"amount": "1.00", "currency": "CNY", "reportingAmount": "1.00"}
    assert (paid["invoice"]["state"], paid["invoice"]["version"], paid["customer"]) == ("PAID", 2, {"name": "Payer"})
    events = billed.query(
        "query ($id: ID!) { events(entity: $id) { nodes { type actor data changes { field } } } }", id=id
    )["events"]["nodes"]
    assert [(event["type"], event["actor"], event["data"]) for event in events[1:]] == [
        ("INVOICE_PAID", "local", {"on": "2025-06-01"}),
        ("INVOICE_UPDATED", "local", {}),
    ]
    assert {change["field"] for change in events[2]["changes"]} == {"paidAt", "state"}
    again = billed.query(PAY, id=id)["payInvoice"]
    assert again["userErrors"] == [{"code": "PAID", "message": "it is paid already", "plugin": "billing"}]


def test_a_mutation_tells_bad_input_and_hides_what_is_internal(billed):
    answer = billed.execute(PAY, id="inv_nothing")
    assert answer["errors"][0]["message"] == "id: there is no invoice 'inv_nothing'"
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    id = create(billed, number="V1", customerId=customer(billed, "Voider"))["invoice"]["id"]
    answer = billed.execute("mutation ($id: ID!) { voidInvoice(input: {id: $id}) { userErrors { code } } }", id=id)
    assert "secret" not in str(answer)
    assert answer["errors"][0]["extensions"] == {"code": "PLUGIN_ERROR", "plugin": "billing"}
    assert billed.query("query ($id: ID!) { invoice(id: $id) { number version } }", id=id)["invoice"] == {
        "number": "V1",
        "version": 1,
    }


def test_operations_are_marked_as_the_plugin_s_and_described(billed):
    assert 'doubled(number: Int!): Int! @plugin(name: "billing", version: "2.0")' in billed.app.sdl


@strawberry.input
class PonderInput(Input):
    """A question."""

    question: str = strawberry.field(description="The input.")
    urgency: Urgency = strawberry.field(default=Urgency.LATER, description="How pressing it is.")


@strawberry.type
class PonderPayload(Payload):
    """An answer."""

    answer: int = strawberry.field(default=0, description="It.")
    about: list[Ref[Customer]] = strawberry.field(default_factory=list, description="Whom it is about.")


@mutation
def ponder(ctx, input: PonderInput) -> PonderPayload:
    """Answers a question.

    How is not said.
    """
    if not input.question:
        raise Reject(UserError("REQUIRED", "question: ask something", ("question",)))
    return PonderPayload(answer=42, about=list(ctx.session.exec(select(Customer))))


class Delphi(Plugin):
    name, version, api = "oracle", "1.0", ">=1,<2"

    @hookimpl
    def register_operations(self):
        return [ponder]


class Rank(Facet, of="Customer", plugin="oracle_rank"):
    level: int = 3


class Ranks(Plugin):
    """Gives one of the apps another type of Customer."""

    name, version, api = "oracle_rank", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.oracleLevel", Rank.level, "Its level.")


def test_an_operation_defined_once_serves_two_apps_each_with_its_own_types(crm):
    first, second = crm(Delphi), crm(Delphi, Ranks)
    for client, selection in ((first, "name"), (second, "name oracleLevel")):
        data.upsert(client, "customers", [{"name": "Pythia", "externalIds": [data.key("pythia")]}])
        text = f'mutation {{ ponder(input: {{question: "Why?"}}) {{ answer about {{ {selection} }} }} }}'
        answer = client.query(text)["ponder"]
        assert (answer["answer"], answer["about"][0]["name"]) == (42, "Pythia")
        assert client.app.sdl.count("  ponder(") == 1
    assert "oracleLevel" not in first.app.sdl
    assert "errors" in first.execute('mutation { ponder(input: {question: "Why?"}) { about { oracleLevel } } }')
    assert '"""Answers a question."""' in first.app.sdl
    assert "urgency: Urgency! = LATER" in first.app.sdl


def test_a_payload_of_a_refused_mutation_has_the_defaults_of_its_fields(crm):
    payload = crm(Delphi).query(
        'mutation { ponder(input: {question: ""}) { answer about { id } userErrors { code plugin } warnings { code } } }'
    )["ponder"]
    assert payload == {
        "answer": 0,
        "about": [],
        "userErrors": [{"code": "REQUIRED", "plugin": "oracle"}],
        "warnings": [],
    }
