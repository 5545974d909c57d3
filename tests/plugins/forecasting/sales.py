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
    client.app.services.clock.moment = at(day, hour)


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
