"""The mutations of the comparisons, as each contestant spells them; the records they answer with must be the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.queries import ANY_ID, NEW, POSTGRAPHILE

#: The key and the place of one of two open stages; each time round all records it is the other one.
STAGE_KEY, STAGE_PLACE = "@KEY@", "@PLACE@"
#: How many ids a load asks for before it comes to one again.
IDS = 10_000
_MOMENT = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Mutation:
    """One mutation.

    Attributes:
        name: of the field, as guanxi has it.
        title: in tables.
        record: the type of record it writes.
        shown: what is selected of the record.
        given: the input of every request.
        there: PostGraphile's spelling of the operation: what it is called, and its input.
        shown_there: what is selected in PostGraphile, where that is spelled differently.
        is_creation: it makes the record.
    """

    name: str
    title: str
    record: str
    shown: str
    given: Mapping[str, Any]
    there: tuple[str, Mapping[str, Any]]
    shown_there: str | None = None
    is_creation: bool = False

    def body(self, dialect: str) -> dict[str, Any]:
        """What is posted."""
        entity = self.record.lower()
        if dialect == POSTGRAPHILE:
            name, given = self.there
            kind, shown, errors = f"{name[0].upper()}{name[1:]}Input", self.shown_there or self.shown, ""
        else:
            name, given, shown, errors = self.name, self.given, self.shown, " userErrors { code message }"
            kind = f"{name[0].upper()}{name[1:]}Input"
        query = f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {entity} {{ {shown} }}{errors} }} }}"
        return {"query": query, "variables": {"input": given}}

    def row(self, dialect: str, data: Any) -> Any:
        """What was written of the record of an answer: all contestants agree on that, whichever record it is."""
        (payload,) = data.values()
        row = dict(payload[self.record.lower()])
        if dialect == POSTGRAPHILE and self.shown_there:
            row["stage"] = row.pop("stageByStageId")
        for name in ("id", "version") if self.is_creation else ("id", "version", "name"):
            del row[name]
        return {name: int(value) if name == "employeeCount" else value for name, value in row.items()}


_CUSTOMER = {"name": f"New customer {NEW}", "industry": "Retail", "region": "North", "employeeCount": 120}
_EMPTY_LISTS: dict[str, Any] = {"needs": [], "preferences": [], "interests": [], "industryCompetitors": []}

CREATE_CUSTOMER = Mutation(
    "createCustomer",
    "create a customer",
    "Customer",
    "id version name industry region employeeCount",
    _CUSTOMER,
    (
        "createCustomer",
        {
            "customer": {
                **_CUSTOMER,
                **_EMPTY_LISTS,
                "id": f"cus_p{NEW}",
                "nameFolded": f"new customer {NEW}",
                "industryFolded": "retail",
                "regionFolded": "north",
                "employeeCount": "120",
                "kind": "COMPANY",
                "status": "PROSPECT",
                "accountRelation": "UNSPECIFIED",
                "doNotContact": False,
                "version": "1",
                "createdAt": _MOMENT,
                "createdBy": "bench",
                "updatedAt": _MOMENT,
                "updatedBy": "bench",
            }
        },
    ),
    is_creation=True,
)

UPDATE_CUSTOMER = Mutation(
    "updateCustomer",
    "update a customer",
    "Customer",
    "id version name city",
    {"id": f"cus_{ANY_ID}", "city": f"City {NEW}"},
    (
        "updateCustomerById",
        {
            "id": f"cus_{ANY_ID}",
            "customerPatch": {"city": f"City {NEW}", "cityFolded": f"city {NEW}", "updatedAt": _MOMENT},
        },
    ),
)

UPDATE_OPPORTUNITY = Mutation(
    "updateOpportunity",
    "update an opportunity",
    "Opportunity",
    "id version name nextAction",
    {"id": f"opp_{ANY_ID}", "nextAction": f"Call about {NEW}"},
    (
        "updateOpportunityById",
        {"id": f"opp_{ANY_ID}", "opportunityPatch": {"nextAction": f"Call about {NEW}", "updatedAt": _MOMENT}},
    ),
)

MOVE_OPPORTUNITY = Mutation(
    "moveOpportunity",
    "move an opportunity",
    "Opportunity",
    "id version name stage { key }",
    {"id": f"opp_{ANY_ID}", "stageKey": STAGE_KEY},
    (
        "updateOpportunityById",
        {
            "id": f"opp_{ANY_ID}",
            "opportunityPatch": {
                "stageId": f"stg_{'0' * 25}{STAGE_PLACE}",
                "stageEnteredAt": _MOMENT,
                "updatedAt": _MOMENT,
            },
        },
    ),
    "id version name stageByStageId { key }",
)

MUTATIONS = [CREATE_CUSTOMER, UPDATE_CUSTOMER, UPDATE_OPPORTUNITY, MOVE_OPPORTUNITY]


def filled(template: str, number: int, offset: int = 0) -> str:
    """A body for one request, as the load generator fills it.

    Args:
        template: the body as JSON.
        number: of the request.
        offset: after which ids those begin that are asked for.
    """
    is_first = number // IDS % 2 == 0
    found = template.replace(ANY_ID, f"{offset + number * 7919 % IDS + 1:026d}").replace(NEW, str(number))
    return found.replace(STAGE_KEY, "A" if is_first else "B").replace(STAGE_PLACE, "1" if is_first else "2")
