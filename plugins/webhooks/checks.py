"""What a webhook may be, checked where it is entered: its address, its filter, its condition and its query."""

import json
import re

from guanxi import Context, InputError, Reject, UserError, record_named, sentence
from plugins.webhooks.addresses import RefusedAddressError, target_of
from plugins.webhooks.messages import variables
from plugins.webhooks.models import Webhook

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
    """Makes sure that a webhook can deliver what it asks for.

    Raises:
        Reject: it cannot; each error names its field.
    """
    found = [
        *_address_problems(ctx, webhook),
        *(_record_problems(webhook) or _field_problems(ctx, webhook)),
        *_condition_problems(ctx, webhook),
        *_query_problems(ctx, webhook),
    ]
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
            known = ", ".join(webhook.record_types)
            return [
                problem(
                    "INVALID",
                    "changedFields",
                    sentence("{known} has no field {name!r}; see the schema for those it has", known=known, name=name),
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


def _condition_problems(ctx: Context, webhook: Webhook) -> list[UserError]:
    if webhook.condition is None:
        return []
    where = json.loads(webhook.condition)
    if len(webhook.record_types) != 1:
        return [
            problem("REQUIRED", "recordTypes", sentence("name the one type of records that the condition is about"))
        ]
    if not isinstance(where, dict):
        return [problem("INVALID", "condition", sentence("it is not an object; write it as the where of a list"))]
    try:
        ctx.total(webhook.record_types[0], {"and": [{"id": {"eq": _NOBODY}}, where]})
    except InputError as error:
        return [problem("INVALID", "condition", error.message)]
    return []


def _query_problems(ctx: Context, webhook: Webhook) -> list[UserError]:
    """An error if the query is not answered: it is tried with ids that nothing has."""
    if webhook.query is None:
        return []
    record = webhook.record_types[0] if len(webhook.record_types) == 1 else "Customer"
    id, event = f"{record_named(record).__prefix__}_{_NOBODY}", f"evt_{_NOBODY}"
    try:
        ctx.query(webhook.query, variables(id, f"{record.upper()}_UPDATED", record, event))
    except InputError as error:
        return [problem("INVALID", "query", error.message)]
    return []
