"""Plugins' own ways of saying who sends a request."""

import inspect
import logging
from collections.abc import Mapping
from dataclasses import replace

from core.base.actors import Identity, plugin_actor
from core.base.errors import PluginError, Reject, UnauthenticatedError, UnavailableError
from core.base.sentences import sentence
from core.db.faults import fault_of
from schema.request.context import RequestContext, Services
from schema.request.questions import context_outside

_log = logging.getLogger("guanxi.access")


async def identity_by_plugins(services: Services, headers: Mapping[str, str], address: str) -> Identity | None:
    """Who sends a request, by the first plugin that says so.

    Args:
        services: of the app.
        headers: of the request, by their names in lower case.
        address: of the client.

    Raises:
        UnavailableError: a plugin cannot reach the database.
        UnauthenticatedError: a plugin refuses it, or fails; nobody then passes as anybody.
    """
    for plugin, hook in services.host.implementations("actor"):
        context = RequestContext(services, actor=plugin_actor(plugin.name))
        try:
            with services.host.running(plugin, "actor"):
                found = hook(ctx=context_outside(context, plugin.name), headers=headers, address=address)
                if inspect.isawaitable(found):
                    found = await found
                if found is not None and not (isinstance(found, Identity) and found.subject):
                    raise TypeError(f"returned {found!r}; return an Identity with a subject, or None")
        except Reject as refusal:
            raise UnauthenticatedError(refusal.message) from None
        except PluginError as error:
            if isinstance(fault := fault_of(error), UnavailableError):
                raise fault from error
            _log.error("%s", error.message, exc_info=error)
            raise UnauthenticatedError(
                sentence("plugin {name!r} could not check who sends this; the server's log says why", name=plugin.name)
            ) from None
        if found is not None:
            return replace(found, issuer=f"plugin:{plugin.name}")
    return None
