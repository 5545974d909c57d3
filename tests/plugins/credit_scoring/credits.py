"""What the tests of credit scoring share: customers, invoices and opportunities in a line each."""

from tests import data, writes


def enter(client, key, **fields):
    """A customer under an external id of the tests; gives its id."""
    data.upsert(client, "customers", [{"externalIds": [data.key(key)], "name": key.title(), **fields}])
    return customer(client, key, "id")["id"]


def score(client, key, financial, reputation, record, **fields):
    """A customer with its dimensions entered; gives its id."""
    return enter(
        client,
        key,
        creditFinancialStatus=financial,
        creditReputation=reputation,
        creditTransactionRecord=record,
        **fields,
    )


def limit(client, id, amount, reason="By agreement"):
    """Sets a credit limit."""
    writes.changed(client, "Customer", id, creditLimit={"amount": str(amount)}, creditLimitReason=reason)


def customer(client, key, fields):
    """A customer by its external id."""
    return client.query(
        f'{{ customer(externalId: {{system: "test", value: "{key}"}}) {{ {fields} }} }}',
    )["customer"]


def invoice(client, number, key, amount, invoiced, due, settled=None, currency="CNY", **fields):
    """An invoice of a customer."""
    row = {
        "externalIds": [data.key(number)],
        "number": number,
        "customerExternalId": data.key(key),
        "amount": {"amount": str(amount), "currency": currency},
        "invoicedOn": invoiced,
        "dueOn": due,
        "settledOn": settled,
        **fields,
    }
    return data.upsert(client, "receivables", [row])


def deal(client, customer_id, amount, **fields):
    """An open opportunity; gives its id."""
    made = writes.made(
        client,
        "Opportunity",
        "id",
        name="Deal",
        customerId=customer_id,
        expectedAmount={"amount": str(amount)},
        **fields,
    )
    return made["id"]
