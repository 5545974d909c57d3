"""What async hooks and jobs can do besides asking: write in transactions of their own, send messages, ask as a user."""

import inspect
from asyncio import to_thread
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from core.access.reach import active_user
from core.base.actors import plugin_actor
from core.base.errors import Reject, UserError
from core.base.sentences import sentence
from core.host.contract import Context
from core.host.host import attributed
from core.host.messages import Message
from core.unit.phases import own_work
from core.unit.unit import Unit
from schema.request.context import RequestContext
from schema.request.questions import context_outside
from schema.request.transactions import write

HOOK = "send"


def context_of_async(context: RequestContext, name: str, hurry: Callable[..., Awaitable[None]]) -> Context:
    """The context of an async hook or job: no session, but transactions of its own, and messages.

    Args:
        context: of the app's own work.
        name: of the plugin.
        hurry: has a job run sooner.
    """
    services = context.services
    plugin = services.host.named(name)

    async def transact(work: Callable[[Context], Any]) -> Any:
        def done(unit: Unit) -> Any:
            with own_work(unit, plugin, ()):
                return work(unit.context(plugin))

        own = RequestContext(services, actor=plugin_actor(name), request_id=None)
        return await write(own, done)

    async def send(message: Message) -> None:
        await _send(context, message)

    async def acting_as(user_id: str) -> Context:
        actor = await services.database.looking_up(lambda transaction: active_user(transaction, user_id))
        return context_outside(context.by(actor), name, is_limited=True)

    own = context_outside(context, name)
    return replace(own, transact=transact, send=send, hurry=hurry, acting_as=acting_as)


async def _send(context: RequestContext, message: Message) -> None:
    """Has the first plugin that serves the channel send a message.

    Raises:
        Reject: it cannot be sent, now or later.
        PluginError: it could not be sent; later it may be.
    """
    for plugin, hook in context.services.host.implementations(HOOK):
        ctx = context_outside(context, plugin.name)
        with attributed(plugin, HOOK):
            if inspect.iscoroutinefunction(getattr(plugin, HOOK)):
                is_sent = await hook(ctx=ctx, message=message)
            else:
                is_sent = await to_thread(hook, ctx=ctx, message=message)
        if is_sent:
            return
    text = sentence(
        "channel: no plugin sends by {channel}; configure or install one that does", channel=message.channel
    )
    raise Reject(UserError("NO_CHANNEL", text, ("channel",)))
