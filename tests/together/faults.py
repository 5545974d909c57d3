"""Faults that were found when operations came at once: what happens, and whether it went wrong."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from guanxi.testing import Client, Rival
from tests.together.world import money, operation


def at_once(client: Client, operations: Sequence[Rival]) -> list[Any]:
    """The answers to operations that are all begun before the first is done; None where one is an error."""

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(client.answer(each) for each in operations))

    return [
        None if answer.get("errors") else next(iter(answer["data"].values())) for answer in client.run(all_of_them())
    ]


def _succeeded(answers: Sequence[Any]) -> int:
    return sum(answer is not None and not answer["userErrors"] for answer in answers)


def limit_is_passed(client: Client, round: int) -> bool:
    """A limit of 100, and two deals of 60 won at once."""
    limit = {"creditLimit": money(100), "creditLimitReason": "known"}
    customer = client.create("Customer", name=f"L{round}", **limit)["id"]
    stages = {stage["key"]: stage["id"] for stage in client.query("{ stages { id key } }")["stages"]}
    won = operation("createOpportunity", name="O", customerId=customer, stageId=stages["F"], expectedAmount=money(60))
    return _succeeded(at_once(client, [won, won])) != 1


def group_limit_is_passed(client: Client, round: int) -> bool:
    """A parent's limit of 100, and a deal of 60 of each of two children won at once."""
    limit = {"creditLimit": money(100), "creditLimitReason": "known"}
    parent = client.create("Customer", name=f"G{round}", **limit)["id"]
    stages = {stage["key"]: stage["id"] for stage in client.query("{ stages { id key } }")["stages"]}
    children = [client.create("Customer", name=f"G{round}{n}", parentId=parent)["id"] for n in range(2)]
    deal = {"name": "O", "stageId": stages["F"], "expectedAmount": money(60)}
    return _succeeded(at_once(client, [operation("createOpportunity", customerId=id, **deal) for id in children])) != 1


def upsert_by_email_doubles(client: Client, round: int) -> bool:
    """Six times the same 20 rows, matched by e-mail."""
    rows = [{"name": f"E{n}", "email": f"e{n}@round{round}.example"} for n in range(20)]
    at_once(client, [operation("upsertCustomers", matchBy="EMAIL", items=rows)] * 6)
    found = client.query(
        "query ($text: String!) { customers(where: {email: {contains: $text}}) { totalCount } }",
        text=f"@round{round}.example",
    )
    return bool(found["customers"]["totalCount"] != 20)


def trees_close_to_rings(client: Client, round: int) -> bool:
    """Three records, each put below the next; every tree."""
    customer = client.create("Customer", name="K")["id"]
    for record, parent, more in (
        ("Customer", "parentId", {}),
        ("Contact", "reportsToId", {"customerId": customer}),
        ("User", "managerId", {}),
        ("Team", "parentId", {}),
    ):
        ids = [client.create(record, name=f"T{round}{n}", **more)["id"] for n in range(3)]
        moves = [
            operation(f"update{record}", id=id, **{parent: other})
            for id, other in zip(ids, ids[1:] + ids[:1], strict=True)
        ]
        if _succeeded(at_once(client, moves)) != 2:
            return True
    return False


def rate_is_doubled(client: Client, round: int) -> bool:
    """Four rates of one currency and day."""
    rate = operation("createExchangeRate", currency="USD", rate="0.9", validFrom=f"{2000 + round}-01-01")
    return _succeeded(at_once(client, [rate] * 4)) != 1


def stage_is_doubled(client: Client, round: int) -> bool:
    """Four stages of one key."""
    stage = operation("createStage", key=f"S{round}", name="S", position=100 + round, winProbability="1")
    return _succeeded(at_once(client, [stage] * 4)) != 1


def target_is_doubled(client: Client, round: int) -> bool:
    """Six targets for one period."""
    target = operation("createSalesTarget", grain="YEAR", periodStart=f"{2000 + round}-01-01", value="1", region="N")
    return _succeeded(at_once(client, [target] * 6)) != 1


def external_id_is_taken(client: Client, round: int) -> bool:
    """50 upserts of one external id."""
    row = {"name": "X", "externalIds": [{"system": "erp", "value": f"x{round}"}]}
    upsert = operation("upsertCustomers", items=[row])
    changed = [Rival(upsert.text, {"input": {"items": [{**row, "city": f"C{n}"}]}}) for n in range(50)]
    answers = at_once(client, changed)
    found = Counter(result["status"] for answer in answers if answer for result in answer["results"])
    return found != {"CREATED": 1, "UPDATED": 49}


def steps_do_not_lead_on(client: Client, round: int) -> bool:
    """30 moves of one opportunity."""
    deal = client.create("Opportunity", name=f"D{round}")["id"]
    chosen = random.Random(round)
    at_once(client, [operation("moveOpportunity", id=deal, stageKey=chosen.choice("ABCD")) for _ in range(30)])
    found = client.query(
        """query ($id: ID!) { opportunity(id: $id) { stageId
            transitions(orderBy: [{movedAt: ASC}, {id: ASC}], first: 100) { nodes { fromStageId toStageId } } } }""",
        id=deal,
    )["opportunity"]
    steps = found["transitions"]["nodes"]
    leads_on = all(one["toStageId"] == next_one["fromStageId"] for one, next_one in pairwise(steps))
    return not leads_on or steps[-1]["toStageId"] != found["stageId"]


def batches_deadlock(client: Client, round: int) -> bool:
    """24 batches of 20 of 100 customers, each in another order."""
    ids = [client.create("Customer", name=f"B{n}")["id"] for n in range(100)]
    chosen = random.Random(round)
    batches = [
        operation(
            "upsertCustomers",
            matchBy="ID",
            items=[{"id": id, "city": f"C{place}"} for id in chosen.sample(ids, 20)],
        )
        for place in range(24)
    ]
    return not all(answer and answer["updated"] == 20 for answer in at_once(client, batches))


FAULTS: Mapping[str, Callable[[Client, int], bool]] = {
    "A1 two deals pass a credit limit": limit_is_passed,
    "A1 two children pass the limit of their group": group_limit_is_passed,
    "A2 upserts by e-mail make doubles": upsert_by_email_doubles,
    "A3 parents close to a ring": trees_close_to_rings,
    "A4 rates of one currency and day": rate_is_doubled,
    "A4 stages of one key": stage_is_doubled,
    "A5 equal sales targets": target_is_doubled,
    "A6 upserts of one external id": external_id_is_taken,
    "A7 stage steps do not lead on": steps_do_not_lead_on,
    "A8 shuffled batches deadlock": batches_deadlock,
}


def superiors(client: Client) -> list[Rival]:
    """Contacts that are to report to each other, while something else of each changes."""
    customer = client.create("Customer", name="K")["id"]
    ids = [client.create("Contact", name=f"C{n}", customerId=customer)["id"] for n in range(8)]
    reports = [operation("updateContact", id=id, reportsToId=other) for id, other in pairwise(ids)]
    return [*reports, *(operation("updateContact", id=id, jobTitle="Buyer") for id in ids)]


def moving_opportunity(client: Client) -> list[Rival]:
    """Sales of an opportunity, while its customer is taken from it and others change it."""
    customer = client.create("Customer", name="K")["id"]
    deal = client.create("Opportunity", name="D", customerId=customer)["id"]
    sale = {"customerId": customer, "opportunityId": deal, "occurredOn": "2025-01-01"}
    sales = [operation("createTransaction", actualAmount=money(n + 1), **sale) for n in range(6)]
    moves = [operation("updateOpportunity", id=deal, customerId=id) for id in (None, customer)] * 3
    return [*sales, *moves, *(operation("updateOpportunity", id=deal, nextAction=f"{n}") for n in range(4))]


def settled_invoice(client: Client) -> list[Rival]:
    """Payments of an invoice, the last of which settle it, while others change it."""
    customer = client.create("Customer", name="K")["id"]
    days = {"invoicedOn": "2025-01-01", "dueOn": "2025-02-01"}
    invoice = client.create("Receivable", customerId=customer, number="R1", amount=money(40), **days)["id"]
    payments = [
        operation("createPayment", receivableId=invoice, amount=money(10), paidOn=f"2025-01-0{n}") for n in "2345"
    ]
    return [*payments, *(operation("updateReceivable", id=invoice, description=f"{n}") for n in range(12))]


#: What has to be possible at once without a deadlock.
RINGS: Mapping[str, Callable[[Client], list[Rival]]] = {
    "an invoice that is settled": settled_invoice,
    "superiors of contacts": superiors,
    "an opportunity that moves": moving_opportunity,
}
