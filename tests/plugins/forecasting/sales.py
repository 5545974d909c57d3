"""What the tests of forecasting share: opportunities that arise, change and are decided on given days."""

from datetime import UTC, datetime

from tests.data import key, upsert

STAGES = "ABCDEF"
VALID = {"needKind": "DO", "hasBudget": True, "acceptsPrice": True, "recognisesValue": True}


def stage(letter):
    return f"stg_0000000000000000000000000{STAGES.index(letter) + 1}"


def at(day, hour=12):
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


def people(client):
    """A director with two sellers in two teams, a contact who decides, and a customer of each seller."""
    upsert(client, "teams", [{"externalIds": [key(f"t{n}")], "name": f"Team {n}"} for n in (1, 2)])
    upsert(
        client,
        "users",
        [
            {"externalIds": [key("boss")], "name": "Director"},
            {"externalIds": [key("ann")], "name": "Ann", "teamExternalId": key("t1"), "managerExternalId": key("boss")},
            {"externalIds": [key("bo")], "name": "Bo", "teamExternalId": key("t2"), "managerExternalId": key("boss")},
        ],
    )
    upsert(
        client,
        "customers",
        [
            {"externalIds": [key("c1")], "name": "Alpha", "region": "North", "ownerExternalId": key("ann")},
            {"externalIds": [key("c2")], "name": "Beta", "region": "South", "ownerExternalId": key("bo")},
        ],
    )
    upsert(
        client,
        "contacts",
        [{"externalIds": [key("key")], "name": "Key person", "customerExternalId": key("c1")}],
    )


def deal(name, amount=None, *, valid=False, **more):
    """The row of an opportunity as upserts take it; its name is its external id."""
    row = {"externalIds": [key(name)], "name": name, "status": "FOLLOWING", "ownerExternalId": key("ann")}
    row |= {"customerExternalId": key("c1")}
    if amount is not None:
        row["expectedAmount"] = {"amount": str(amount)}
    return row | (VALID if valid else {}) | more


def won(name, amount, day, **more):
    return deal(name, amount, status="WON", stageId=stage("F"), wonAt=f"{day}T12:00:00Z", closedOn=day, **more)


def lost(name, amount, day, **more):
    why = {"lossReason": "PRICE", "lossSummary": "Too expensive"}
    return deal(name, amount, status="LOST", lostAt=f"{day}T12:00:00Z", closedOn=day, **why, **more)


def enter(client, *rows):
    """Upserts opportunities and makes the contact the decision maker of valid ones."""
    upsert(client, "opportunities", list(rows))
    parts = [
        {
            "externalIds": [key(f"part {row['name']}")],
            "opportunityExternalId": key(row["name"]),
            "contactExternalId": key("key"),
            "buyingRole": "DECISION_MAKER",
        }
        for row in rows
        if "needKind" in row
    ]
    if parts:
        upsert(client, "opportunityContacts", parts)


def change(client, name, **fields):
    """Changes an opportunity known by its name."""
    upsert(client, "opportunities", [{"externalIds": [key(name)], **fields}])


def ids(client):
    """The ids of all opportunities by name."""
    found = client.query("{ opportunities(first: 1000) { nodes { id name } } }")["opportunities"]["nodes"]
    return {node["name"]: node["id"] for node in found}


def move(client, name, letter, day):
    """Moves an opportunity on a day in the business."""
    answer = client.query(
        "mutation ($input: MoveOpportunityInput!) { moveOpportunity(input: $input) { userErrors { message } } }",
        input={"id": ids(client)[name], "stageKey": letter, "at": f"{day}T12:00:00Z"},
    )["moveOpportunity"]
    assert answer["userErrors"] == []


def sell(client, name, amount, day):
    """A transaction that came of an opportunity."""
    upsert(
        client,
        "transactions",
        [
            {
                "externalIds": [key(f"sale {name} {day}")],
                "customerExternalId": key("c1"),
                "opportunityExternalId": key(name),
                "occurredOn": day,
                "actualAmount": {"amount": str(amount)},
            }
        ],
    )


def tick(client, day, hour=12):
    """Sets the app's clock."""
    client.app.services.clock.source.moment = at(day, hour)


def live(client, *events):
    """Lets opportunities live through their days: `(day, name, amount or status letter, fields)`, in order of days."""
    for day, name, what, fields in sorted(events, key=lambda event: event[0]):
        tick(client, day)
        if what == "WON":
            move(client, name, "F", day)
        elif what == "LOST":
            change(client, name, status="LOST", lossReason="PRICE", lossSummary="Too expensive")
        elif what == "SOLD":
            sell(client, name, fields["amount"], day)
        elif what == "CHANGED":
            change(client, name, **fields)
        else:
            enter(client, deal(name, what, valid=True, isNewCustomer=True, openedOn=day, **fields))


SOON = {"expectedCloseDate": "2025-06-30"}


def live_until_june(client):
    """In June, forecasting July: wins of April, revenue of May, conversion at the end of May (X10)."""
    people(client)
    live(
        client,
        # Won in April with 160,000, of which May brought 128,000 (F6).
        ("2025-02-10", "april a", 100_000, SOON),
        ("2025-02-11", "april b", 60_000, SOON),
        ("2025-04-10", "april a", "WON", {}),
        ("2025-04-20", "april b", "WON", {}),
        ("2025-05-05", "april a", "SOLD", {"amount": 90_000}),
        ("2025-05-31", "april b", "SOLD", {"amount": 38_000}),
        ("2025-06-01", "april b", "SOLD", {"amount": 7_000}),
        # The cohort of the end of May: 200,000 followed, 100,000 won, 100,000 lost (F5).
        ("2025-03-01", "follows", 200_000, SOON),
        ("2025-04-01", "wins", 100_000, SOON),
        ("2025-05-01", "loses", 100_000, {"expectedCloseDate": "2025-05-31"}),
        ("2025-05-15", "wins", "WON", {}),
        ("2025-05-20", "loses", "LOST", {}),
        ("2025-05-02", "far", 5_000_000, {"expectedCloseDate": "2025-09-30"}),
        # Since then: what the formula counts is 1,000,000 altogether.
        ("2025-06-02", "arises", 800_000, {"expectedCloseDate": "2025-07-31", "stageId": stage("C")}),
        ("2025-06-03", "follows", "CHANGED", {"stageId": stage("B"), "expectedCloseDate": "2025-07-01"}),
    )
    enter(client, deal("not valid", 70_000, isNewCustomer=True, **SOON))
    enter(client, deal("not new", 80_000, valid=True, isNewCustomer=False, **SOON))
    tick(client, "2025-06-15")
