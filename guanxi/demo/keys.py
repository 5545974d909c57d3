"""A key for each role of the demo, new with each start, and what it sees."""

from dataclasses import dataclass, field

from core.base.actors import Actor
from core.base.errors import InputError
from core.records.columns import PERSONAL
from core.records.vocabulary import UserRole
from guanxi.app import App

_NAME = "Demo: {role}"
_SOMEBODY = (
    """{ users(first: 1, where: {role: {eq: ACCOUNT_MANAGER}}, orderBy: [{createdAt: ASC}]) { nodes { id name } } }"""
)
_KNOWN = """query ($name: String) { apiKeys(where: {name: {eq: $name}, revokedAt: {isNull: true}}) { nodes { id } } }"""
_CREATE = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret userErrors { message } } }"
_ROTATE = "mutation ($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { secret userErrors { message } } }"
_COUNT = "{{ {plural} {{ totalCount }} }}"


@dataclass(frozen=True, slots=True)
class DemoKey:
    """The key of a role.

    Attributes:
        role: its name.
        secret: the key itself.
        customers, opportunities: how many it sees.
        personal: whether it sees personal data.
    """

    role: str
    secret: str = field(repr=False)
    customers: int
    opportunities: int
    personal: bool


async def demo_keys(app: App) -> list[DemoKey]:
    """A key for each role, of one account manager of the sample; those of earlier starts end.

    Args:
        app: a running app with the sample.
    """
    (somebody,) = (await app.ask(_SOMEBODY))["users"]["nodes"]
    return [await _key(app, role, somebody["id"]) for role in UserRole]


async def _key(app: App, role: UserRole, user_id: str) -> DemoKey:
    name = _NAME.format(role=role.value)
    known = (await app.ask(_KNOWN, {"name": name}))["apiKeys"]["nodes"]
    if known:
        answer = await app.ask(_ROTATE, {"input": {"id": known[0]["id"], "overlapMinutes": 0}})
    else:
        answer = await app.ask(_CREATE, {"input": {"name": name, "role": role.value, "userId": user_id}})
    (payload,) = answer.values()
    assert not payload["userErrors"], payload["userErrors"]
    secret = payload["secret"]
    actor = await app.authentication.actor(f"Bearer {secret}", None)
    assert actor is not None
    customers, opportunities = [await _count(app, actor, plural) for plural in ("customers", "opportunities")]
    return DemoKey(role.value, secret, customers, opportunities, app.context(actor).access.has(PERSONAL))


async def _count(app: App, actor: Actor, plural: str) -> int:
    """How many of a list an actor sees."""
    try:
        return int((await app.ask(_COUNT.format(plural=plural), actor=actor))[plural]["totalCount"])
    except InputError:
        # It may not even ask.
        return 0
