"""Webhooks: what happens is sent to other systems, signed, in order for each record, and as their owners may see it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import partial

from guanxi import Context, Event, Job, Permission, Plugin, PluginOperation, Record, hookimpl
from plugins.webhooks.courier import JOB, deliver
from plugins.webhooks.filters import filter_of
from plugins.webhooks.log import PAUSED, add_events, forget
from plugins.webhooks.models import MANAGE, Webhook, WebhookDelivery
from plugins.webhooks.operations import OPERATIONS, REQUESTED
from plugins.webhooks.settings import WebhookSettings

_WEBHOOKS = """{ webhooks(first: 1000) { nodes { id createdAt eventTypes recordTypes changedFields } } }"""


class Webhooks(Plugin):
    """Tells other systems by HTTP what happens."""

    name = "webhooks"
    version = "1.0"
    api = ">=1,<2"
    settings = WebhookSettings
    reacts_to = ()
    blocks = False
    events = {  # noqa: RUF012  (as Plugin declares it)
        PAUSED: "A webhook was paused because it failed too often, or its owner may no longer have it.",
        REQUESTED: "A ping was asked for, or that deliveries are made again.",
    }

    @hookimpl
    def register_records(self) -> Iterable[type[Record]]:
        """Webhooks and the log of their deliveries."""
        return [Webhook, WebhookDelivery]

    @hookimpl
    def register_permissions(self) -> Iterable[Permission]:
        """Who manages webhooks: administrators."""
        grants = ("Webhook.change", "WebhookDelivery.change")
        return [Permission(MANAGE, "See and manage webhooks and their deliveries.", grants=grants)]

    @hookimpl
    def register_operations(self) -> Iterable[PluginOperation]:
        """What is entered and changed of webhooks."""
        return OPERATIONS

    def listens(self, settings: WebhookSettings) -> bool:
        """Whether webhooks are to be told anything."""
        return settings.enabled

    @hookimpl
    async def after_commit(self, ctx: Context, events: Sequence[Event]) -> None:
        """Puts what webhooks take of these events into the log of deliveries, and has it delivered."""
        webhooks = (await ctx.query(_WEBHOOKS))["webhooks"]["nodes"]
        filters = [filter_of(webhook) for webhook in webhooks]
        if any(one.takes(event) for one in filters for event in events):
            await ctx.transact(partial(add_events, filters=filters, events=events))
        elif not any(event.entity_type == "Webhook" for event in events):
            return
        await ctx.hurry(JOB)

    @hookimpl
    def register_jobs(self, settings: WebhookSettings) -> Iterable[Job]:
        """Delivering, and forgetting what was delivered."""
        if settings.enabled:
            yield Job(JOB, timedelta(minutes=1), deliver, "Delivers to webhooks what is due.")
        yield Job("webhook_log", timedelta(days=1), forget, "Removes deliveries and secrets that are old enough.")
