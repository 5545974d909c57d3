"""Who sends a request."""

import logging
from collections.abc import Callable, Mapping

from starlette.types import Scope

from core.access.authentication import AskPlugins
from core.access.keys import start_of
from core.access.permissions import MONITOR
from core.base.actors import LOCAL, PUBLIC, Actor, Identity
from core.base.errors import ForbiddenError, UnauthenticatedError, UnavailableError
from core.base.sentences import sentence
from core.base.settings import Settings
from schema.request.context import Services
from schema.request.identification import identity_by_plugins
from schema.serve.bad_request import BadRequest
from schema.serve.guard import Guard

_log = logging.getLogger("guanxi.http")

#: Where code in the same process, such as the test kit, says who asks; no HTTP request can.
ACTOR = "guanxi.actor"

REALM = 'Bearer realm="guanxi"'
#: So long, in seconds, is to be waited where what proves who asks cannot be reached.
_UNAVAILABLE = {"retry-after": "60"}


class Callers:
    """Finds out who sends the requests of one app."""

    def __init__(self, services: Callable[[], Services], settings: Settings, *, trusts_loopback: bool) -> None:
        """Prepares it.

        Args:
            services: gives what requests share.
            settings: of the app.
            trusts_loopback: answer programs of this machine as the local operator, although there are keys.
        """
        self._services = services
        self._guard = Guard(settings)
        self._trusts_loopback = trusts_loopback

    def known(self, scope: Scope, headers: Mapping[bytes, str]) -> Actor | None:
        """Who sends a request, if it is known from a moment ago; None where `caller` has to find it out.

        Raises:
            BadRequest: it may not be answered without a proof.
        """
        if ACTOR in scope:
            known: Actor = scope[ACTOR]
            return known
        authentication = self._services().authentication
        authorization = headers.get(b"authorization")
        if authorization is not None:
            return authentication.known(authorization)
        return self._local(scope, headers) if authentication.is_known_to_be_open else None

    async def caller(self, scope: Scope, headers: Mapping[bytes, str]) -> Actor:
        """Who sends a request: whom it proves, else the local operator, else nobody in particular.

        Raises:
            BadRequest: it proves nothing, or may not be answered without a proof.
        """
        known = self.known(scope, headers)
        if known is not None:
            return known
        authentication = self._services().authentication
        authorization = headers.get(b"authorization")
        try:
            actor = await authentication.actor(authorization, self._ask_plugins(scope, headers))
            if actor is not None:
                return actor
            is_public = await authentication.is_configured() and not self._trusts_loopback
        except UnauthenticatedError as error:
            # A right key or token is served all the same: there may be many behind one address.
            self.note_failure(scope, headers, error.message)
            challenge = {"www-authenticate": f'{REALM}, error="invalid_token"'}
            raise BadRequest(401, error.message, error.code, challenge) from None
        except UnavailableError as error:
            raise BadRequest(503, error.message, error.code, {"retry-after": str(error.seconds)}) from None
        except BadRequest as refusal:
            self.note_refusal(scope, headers, str(refusal).partition(";")[0])
            raise
        except Exception:
            _log.exception("who sends a request cannot be found out")
            message = sentence("who sends this cannot be found out now; try again in a minute")
            raise BadRequest(503, message, UnavailableError.code, _UNAVAILABLE) from None
        if not is_public:
            return self._local(scope, headers)
        try:
            self._guard.public.hit(self._guard.address_of(scope, headers))
        except BadRequest as refusal:
            self.note_refusal(scope, headers, str(refusal).partition(";")[0])
            raise
        return PUBLIC

    def check_page(self, headers: Mapping[bytes, str]) -> None:
        """Refuses what a page of another origin sends, which has no CORS to keep it from reading the answer.

        Raises:
            BadRequest: it comes from there.
        """
        self._guard.check_page(headers)

    def check_failures(self, scope: Scope, headers: Mapping[bytes, str]) -> None:
        """Refuses an address that has sent too much that proves nothing.

        Raises:
            BadRequest: it is to wait.
        """
        self._guard.failures.check(self._guard.address_of(scope, headers))

    def note_failure(self, scope: Scope, headers: Mapping[bytes, str], why: str) -> None:
        """Counts what proves nothing, for the audit list and against its address.

        Raises:
            BadRequest: the address is to wait.
        """
        self.note_refusal(scope, headers, why.partition(";")[0])
        self._guard.failures.hit(self._guard.address_of(scope, headers))

    async def check_monitor(self, scope: Scope, headers: Mapping[bytes, str]) -> None:
        """Refuses who may not read the figures of the server: programs of this machine may, and who has `monitor`.

        Raises:
            BadRequest: it may not.
        """
        if b"authorization" not in headers:
            self._guard.check_local(scope, headers)
            return
        actor = await self.caller(scope, headers)
        try:
            self._services().access(actor).demand(MONITOR)
        except ForbiddenError as error:
            raise BadRequest(403, error.message, error.code) from None

    def _local(self, scope: Scope, headers: Mapping[bytes, str]) -> Actor:
        """The local operator, if a request comes from a program of this machine.

        Raises:
            BadRequest: it may come from elsewhere.
        """
        try:
            self._guard.check_local(scope, headers)
        except BadRequest as refusal:
            self.note_refusal(scope, headers, str(refusal).partition(";")[0])
            raise
        return LOCAL

    def _ask_plugins(self, scope: Scope, headers: Mapping[bytes, str]) -> AskPlugins | None:
        """What asks the plugins who sends a request; None where none knows a way."""
        services = self._services()
        if not services.host.implementations("actor"):
            return None
        given = {name.decode("latin-1"): value for name, value in headers.items()}
        address = self._guard.address_of(scope, headers)

        async def ask() -> Identity | None:
            # What plugins check can be a password, which unlike a key or a token can be guessed.
            self._guard.failures.check(address)
            return await identity_by_plugins(services, given, address)

        return ask

    def note_refusal(self, scope: Scope, headers: Mapping[bytes, str], why: str) -> None:
        """Has a refused request counted in the audit list, by how its key begins and where it came from."""
        start = start_of(headers.get(b"authorization", "").partition(" ")[2].strip())
        by = f" ({start})" if start else ""
        address = self._guard.address_of(scope, headers)
        self._services().authentication.keepsakes.refused(f"{why[:200]}{by}, from {address or 'a socket'}")
