"""Asking and working on an app from inside its event loop, several at once where a test needs that."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from core.access.permissions import Right
from guanxi import App, Context, PluginOperation
from schema.write import plugin_work
from schema.write.named_records import NamedRecords


async def executed(app: App, text: str, variables: Mapping[str, Any]) -> Any:
    """The data of an operation, which must succeed."""
    result = await app.engine.answer(app.context(), app.services.documents.operation(text, None), variables)
    assert not result.errors, result.errors
    return orjson.loads(result.data)


async def transact(app: App, plugin: str, work: Callable[[Context], Any]) -> Any:
    """What a plugin's work, which holds no keys, gives in a transaction of its own."""
    nothing = NamedRecords(PluginOperation("Mutation", work), Right.CHANGE, {}, {}, frozenset(), {})
    done, _ = await plugin_work.transact(
        app.context(), app.host.named(plugin), lambda ctx, given: work(ctx), keys=lambda given: (), named=nothing
    )
    return done.answer
