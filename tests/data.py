"""A small CRM for tests, with nulls, ties and accents, entered through the public API."""

from typing import Any

from guanxi.testing import Client

SYSTEM = "test"


def key(id: str) -> dict[str, str]:
    """An external id of the test system."""
    return {"system": SYSTEM, "value": id}


def upsert(client: Client, plural: str, items: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    """Upserts records by external id and gives the payload; fails if a row does."""
    name = plural[:1].upper() + plural[1:]
    answer = client.query(
        f"""mutation ($input: Upsert{name}Input!) {{ upsert{name}(input: $input) {{
            created updated unchanged failed userErrors {{ code message field plugin }}
            warnings {{ code message field plugin }} results {{ index status }} }} }}""",
        input={"items": items, **options},
    )[f"upsert{name}"]
    assert not answer["failed"], answer
    return answer  # type: ignore[no-any-return]


TEAMS = [
    {"externalIds": [key("t1")], "name": "North team", "region": "North"},
    {"externalIds": [key("t2")], "name": "South team", "region": "South"},
]
USERS = [
    {"externalIds": [key("u1")], "name": "Ann", "region": "North", "teamExternalId": key("t1")},
    {"externalIds": [key("u2")], "name": "Bo", "region": "South", "teamExternalId": key("t2")},
    {"externalIds": [key("u3")], "name": "Cy", "teamExternalId": key("t2"), "managerExternalId": key("u2")},
]
_OWNERS = ["u1", "u2", "u3", None]
_INDUSTRIES = ["Retail", "retail", "Chemicals", None]
_NAMES = ["Ärger", "ärger", "Émile", "alpha", "Beta", "beta", "Zoo", "zoo", "Gamma", "delta", "Épsilon", "eta"]


def customers() -> list[dict[str, Any]]:
    """Twelve customers."""
    return [
        {
            "externalIds": [key(f"c{number}")],
            "name": name,
            "industry": _INDUSTRIES[number % 4],
            "employeeCount": None if number % 5 == 0 else number * 100,
            "annualRevenue": None if number % 3 == 0 else {"amount": f"{number * 1000}.50"},
            "ownerExternalId": None if _OWNERS[number % 4] is None else key(_OWNERS[number % 4] or ""),
            "status": ["PROSPECT", "ACTIVE", "FORMER"][number % 3],
            "tags": ["vip", "Big"][: number % 3],
            "needs": ["cloud", "fibre"][: number % 3],
        }
        for number, name in enumerate(_NAMES)
    ]


def contacts() -> list[dict[str, Any]]:
    """Twenty contacts of the first ten customers."""
    return [
        {
            "externalIds": [key(f"p{number}")],
            "name": f"Person {number:02d}",
            "customerExternalId": key(f"c{number % 10}"),
            "attitude": ["SUPPORT", "SUPPORT", "NEUTRAL", "OPPOSE"][number % 4],
            "buyingRole": ["DECISION_MAKER", "USER", None][number % 3],
        }
        for number in range(20)
    ]


def opportunities() -> list[dict[str, Any]]:
    """Thirty opportunities, some without a customer, in several stages."""
    stages = "ABCDEF"
    return [
        {
            "externalIds": [key(f"o{number}")],
            "name": f"Deal {number:02d}",
            "customerExternalId": None if number % 7 == 0 else key(f"c{number % 8}"),
            "ownerExternalId": key(f"u{number % 3 + 1}"),
            "stageId": f"stg_0000000000000000000000000{stages.index(stages[number % 6]) + 1}",
            "expectedAmount": None if number % 5 == 0 else {"amount": f"{number * 100}.25"},
            "expectedCloseDate": None if number % 4 == 0 else f"2025-{number % 12 + 1:02d}-15",
            "openedOn": f"2025-0{number % 5 + 1}-0{number % 9 + 1}",
        }
        for number in range(30)
    ]


def fill(client: Client) -> None:
    """Enters all of it."""
    upsert(client, "teams", TEAMS)
    upsert(client, "users", USERS)
    upsert(client, "customers", customers())
    upsert(client, "contacts", contacts())
    upsert(client, "opportunities", opportunities())
