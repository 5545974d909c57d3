"""What is sent: the event, and what the webhook's query reads of it, with the rights of the owner."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guanxi import Action, Context, InputError, sentence
from plugins.webhooks.log import PING

_WEBHOOK = "query ($id: ID!) { webhook(id: $id) { id url query condition } }"
_EVENT = """query ($event: ID!) { node(id: $event) { ... on Event {
    id type action entityType entityId occurredAt recordedAt } } }"""
#: After these there may be no record any longer of which the condition could hold.
_GONE = frozenset({Action.DELETED, Action.DESTROYED})


class NotToBeSentError(Exception):
    """The receiver is not to be told of an event; the message says why."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A webhook and its owner, as they are now.

    Attributes:
        ctx: asks as the owner.
        url, query: of the webhook.
        condition: of the webhook, decoded.
    """

    ctx: Context
    url: str
    query: str | None
    condition: Mapping[str, Any] | None


async def sender_of(ctx: Context, webhook_id: str, owner_id: str) -> Sender:
    """A webhook, read by its owner.

    Raises:
        InputError: the owner is no longer active, or may not manage webhooks.
    """
    own = await ctx.acting_as(owner_id)
    webhook = (await own.query(_WEBHOOK, {"id": webhook_id}))["webhook"]
    if webhook is None:
        raise InputError(sentence("there is no webhook {webhook_id!r}; it was deleted", webhook_id=webhook_id))
    condition = webhook["condition"]
    return Sender(own, webhook["url"], webhook["query"], None if condition is None else json.loads(condition))


def variables(id: str, type: str, record_type: str, event: str) -> dict[str, Any]:
    """The variables that a webhook's query may have."""
    return {"id": id, "type": type, "recordType": record_type, "event": event}


async def message_of(sender: Sender, delivery: Mapping[str, Any]) -> bytes:
    """The body of a delivery, read now.

    Raises:
        NotToBeSentError: the owner may not see the record, or the condition does not hold.
        InputError: the query can no longer be answered.
    """
    if delivery["event_type"] == PING:
        return _encoded({"id": delivery["id"], "type": PING, "recordId": delivery["record_id"]})
    event = (await sender.ctx.query(_EVENT, {"event": delivery["event_id"]}))["node"]
    if event is None:
        raise NotToBeSentError("the owner may not see the record, or not any longer")
    record, id = event["entityType"], event["entityId"]
    if sender.condition is not None and event["action"] not in _GONE:
        where = {"and": [{"id": {"eq": id}}, sender.condition]}
        total: Any = sender.ctx.total(record, where)
        if not (await total).count:
            raise NotToBeSentError("the condition does not hold")
    given = variables(id, event["type"], record, event["id"])
    data = {} if sender.query is None else {"data": await sender.ctx.query(sender.query, given)}
    return _encoded(
        {
            "id": event["id"],
            "type": event["type"],
            "recordType": record,
            "recordId": id,
            "occurredAt": event["occurredAt"],
            "recordedAt": event["recordedAt"],
            "sequence": delivery["sequence"],
            **data,
        }
    )


def _encoded(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
