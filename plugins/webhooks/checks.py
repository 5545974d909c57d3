"""What a webhook may be, checked where it is entered: its address, its filter, its condition and its query."""

import json
import re
from collections.abc import Callable, Iterator
from functools import partial

from guanxi import Context, InputError, Reject, UserError, record_named, sentence
from plugins.webhooks.addresses import RefusedAddressError, target_of
from plugins.webhooks.messages import variables
from plugins.webhooks.models import Webhook
from plugins.webhooks.vocabulary import WebhookStatus

_FIELD = re.compile(r"[a-z][A-Za-z0-9]*")
#: What ids that no record has consist of besides their prefix.
_NOBODY = "0" * 26


def problem(code: str, field: str, message: str) -> UserError:
    """An error of one input field: the message begins with the field and names the remedy."""
    return UserError(code, sentence("{field}: {message}", field=field, message=message), (field,))


def check_enabled(ctx: Context) -> None:
    """Makes sure that webhooks deliver at all.

    Raises:
        Reject: they do not.
    """
    if not ctx.settings.enabled:
        message = sentence("webhooks are switched off; set GUANXI_PLUGINS__WEBHOOKS__ENABLED=true")
        raise Reject(UserError("NOT_POSSIBLE", message))


def check(ctx: Context, webhook: Webhook) -> None:
    """Makes sure that a webhook can deliver what it asks for, and that its owner may read that.

    Raises:
        Reject: it cannot; each error names its field.
    """
    found = [
        *_address_problems(ctx, webhook),
        *(_record_problems(webhook) or _field_problems(ctx, webhook)),
        *_condition_problems(webhook),
    ]
    found = found or _reading_problems(ctx, webhook)
    if found:
        raise Reject(*found)


def _address_problems(ctx: Context, webhook: Webhook) -> list[UserError]:
    try:
        target_of(webhook.url, ctx.settings)
    except RefusedAddressError as refused:
        return [problem("INVALID", "url", refused.message)]
    return []


def _record_problems(webhook: Webhook) -> list[UserError]:
    for name in webhook.record_types:
        try:
            record_named(name)
        except TypeError:
            message = sentence("there is no record {name!r}; they are named like types, as in Customer", name=name)
            return [problem("INVALID", "recordTypes", message)]
    return []


def _field_problems(ctx: Context, webhook: Webhook) -> list[UserError]:
    """An error for a field that none of the records has."""
    if webhook.changed_fields and not webhook.record_types:
        return [problem("REQUIRED", "recordTypes", sentence("say which records have the fields of changedFields"))]
    for name in webhook.changed_fields:
        if not any(_has_field(ctx, record, name) for record in webhook.record_types):
            return [
                problem(
                    "INVALID",
                    "changedFields",
                    sentence(
                        "{known} has no field {name!r}; see the schema for those it has",
                        known=webhook.record_types,
                        name=name,
                    ),
                )
            ]
    return []


def _has_field(ctx: Context, record: str, name: str) -> bool:
    if not _FIELD.fullmatch(name):
        return False
    try:
        next(ctx.pages(record, f"id {name}", {"id": {"eq": _NOBODY}}), None)
    except InputError as error:
        # Of one that is an object something would have to be selected, which is not needed here.
        return "Cannot query field" not in error.message
    return True


def _condition_problems(webhook: Webhook) -> list[UserError]:
    if webhook.condition is None:
        return []
    if len(webhook.record_types) != 1:
        return [
            problem("REQUIRED", "recordTypes", sentence("name the one type of records that the condition is about"))
        ]
    if not isinstance(json.loads(webhook.condition), dict):
        return [problem("INVALID", "condition", sentence("it is not an object; write it as the where of a list"))]
    return []


def _reading_problems(ctx: Context, webhook: Webhook) -> list[UserError]:
    """Errors for what cannot be read; first as whoever enters it, then as the owner."""
    for field, read in _reads(webhook):
        try:
            read(ctx)
        except InputError as error:
            return [problem("INVALID", field, error.message)]
    # One that is paused reads nothing, whatever its owner may do by now.
    if webhook.owner_id == ctx.actor.id or webhook.status is WebhookStatus.PAUSED:
        return []
    for field, read in (("ownerId", _look_at_webhooks), *_reads(webhook)):
        try:
            read(ctx.acting_as(webhook.owner_id))
        except InputError as error:
            message = sentence(
                "as the owner {owner!r}: {problem}; name another as ownerId, or give that role what it lacks",
                owner=webhook.owner_id,
                problem=error.message,
            )
            return [problem("FORBIDDEN", field, message)]
    return []


def _look_at_webhooks(ctx: Context) -> None:
    ctx.query("query ($id: ID!) { webhook(id: $id) { id } }", {"id": _NOBODY})


def _reads(webhook: Webhook) -> Iterator[tuple[str, Callable[[Context], object]]]:
    """What it reads, tried with ids that nothing has, with the field that says so."""
    for name in webhook.record_types:
        yield "recordTypes", partial(_look_at, name)
    if webhook.condition is not None:
        where = {"and": [{"id": {"eq": _NOBODY}}, json.loads(webhook.condition)]}
        yield "condition", lambda ctx: ctx.total(webhook.record_types[0], where)
    if (query := webhook.query) is not None:
        record = webhook.record_types[0] if len(webhook.record_types) == 1 else "Customer"
        id, event = f"{record_named(record).__prefix__}_{_NOBODY}", f"evt_{_NOBODY}"
        given = variables(id, f"{record.upper()}_UPDATED", record, event)
        yield "query", lambda ctx: ctx.query(query, given)


def _look_at(record: str, ctx: Context) -> None:
    next(ctx.pages(record, "id", {"id": {"eq": _NOBODY}}), None)
