"""Who sends a request."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.types import Scope

from core.access.authentication import AskPlugins
from core.access.keys import start_of
from core.access.permissions import MONITOR
from core.access.sessions import SignIn
from core.base.actors import LOCAL, PUBLIC, Actor, ActorKind, Identity
from core.base.errors import ForbiddenError, RateLimitedError, UnauthenticatedError, UnavailableError
from core.base.sentences import sentence
from core.base.settings import Settings
from schema.request.context import Services
from schema.request.identification import identity_by_plugins
from schema.serve.bad_request import BadRequest
from schema.serve.cookies import has_token, session_of
from schema.serve.engine import Engine
from schema.serve.guard import Guard

T = TypeVar("T")

_log = logging.getLogger("guanxi.http")

#: Where code in the same process, such as the test kit, says who asks; no HTTP request can.
ACTOR = "guanxi.actor"

#: Who may send so many requests; what this machine's operator sends is its own affair, and nobody in particular is
#: limited by its address.
LIMITED = frozenset({ActorKind.USER, ActorKind.INTEGRATION})

REALM = 'Bearer realm="guanxi"'
#: So long, in seconds, is to be waited where what proves who asks cannot be reached.
_UNAVAILABLE = {"retry-after": "60"}


class Callers:
    """Finds out who sends the requests of one app."""

    def __init__(self, engine: Callable[[], Engine], settings: Settings, *, trusts_loopback: bool) -> None:
        """Prepares it.

        Args:
            engine: gives what executes GraphQL.
            settings: of the app.
            trusts_loopback: answer programs of this machine as the local operator, although there are keys.
        """
        self._get_engine = engine
        self._guard = Guard(settings)
        self._trusts_loopback = trusts_loopback

    @property
    def services(self) -> Services:
        """What requests share."""
        return self._get_engine().services

    def known(self, scope: Scope, headers: Mapping[bytes, str]) -> Actor | None:
        """Who sends a request, if it is known from a moment ago; None where `caller` has to find it out.

        Raises:
            BadRequest: it may not be answered without a proof.
        """
        if ACTOR in scope:
            known: Actor = scope[ACTOR]
            return known
        authentication = self.services.authentication
        authorization = headers.get(b"authorization")
        if authorization is not None:
            return authentication.known(authorization)
        if b"cookie" in headers and (session := self._session(scope, headers)) is not None:
            actor = authentication.known_session(session)
            if actor is not None:
                self.check_token(scope, headers, session)
            return actor
        return self._local(scope, headers) if authentication.is_known_to_be_open else None

    async def caller(self, scope: Scope, headers: Mapping[bytes, str]) -> Actor:
        """Who sends a request: whom it proves, else the local operator, else nobody in particular.

        Raises:
            BadRequest: it proves nothing, or may not be answered without a proof.
        """
        known = self.known(scope, headers)
        if known is not None:
            return known
        living = await self.living_session(scope, headers)
        if living is not None:
            session, actor = living
            self.check_token(scope, headers, session)
            return actor
        authentication = self.services.authentication
        proving = authentication.actor(headers.get(b"authorization"), self._ask_plugins(scope, headers))
        proved = await self._proving(scope, headers, proving)
        if proved is not None:
            return proved
        is_public = not self._trusts_loopback and await self._proving(scope, headers, authentication.is_configured())
        if not is_public:
            return self._local(scope, headers)
        try:
            self._guard.public.hit(self._guard.address_of(scope, headers))
        except BadRequest as refusal:
            self.note_refusal(scope, headers, str(refusal).partition(";")[0])
            raise
        return PUBLIC

    async def _proving(self, scope: Scope, headers: Mapping[bytes, str], proving: Awaitable[T]) -> T:
        """What finds out who sends a request, and refuses the request where it cannot.

        Raises:
            BadRequest: it proves nothing, or that cannot be found out now.
        """
        try:
            return await proving
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

    @asynccontextmanager
    async def counted(self, actor: Actor) -> AsyncIterator[None]:
        """Counts a request while it is answered, of those who may send so many.

        Raises:
            BadRequest: it is one too many.
        """
        if actor.kind not in LIMITED:
            yield
            return
        allowances = self.services.allowances
        try:
            await allowances.take(actor.id)
        except RateLimitedError as error:
            raise BadRequest(429, error.message, error.code, {"retry-after": str(error.seconds)}) from None
        try:
            yield
        finally:
            allowances.give_back(actor.id)

    # Sessions

    async def sign_in(self, scope: Scope, headers: Mapping[bytes, str], credential: str) -> SignIn:
        """What a session begins with: what a credential proves that would else come as `Authorization: Bearer`.

        Raises:
            BadRequest: it proves nothing, or that cannot be found out now.
        """
        bearing = {**headers, b"authorization": f"Bearer {credential}"}
        signing_in = self.services.authentication.sign_in(credential, self._ask_plugins(scope, bearing))
        return await self._proving(scope, bearing, signing_in)

    async def living_session(self, scope: Scope, headers: Mapping[bytes, str]) -> tuple[str, Actor] | None:
        """The session that a request's cookie has, by its secret, and whose it is; None where it has ended.

        A request that says by a header who sends it has none.

        Raises:
            BadRequest: that cannot be found out now.
        """
        session = None if b"authorization" in headers else self._session(scope, headers)
        if session is None:
            return None
        actor = await self._proving(scope, headers, self.services.authentication.by_session(session))
        return None if actor is None else (session, actor)

    def check_token(self, scope: Scope, headers: Mapping[bytes, str], session: str) -> None:
        """Refuses what a browser may have sent by itself, because some page had it do so.

        Raises:
            BadRequest: it has no token of its session.
        """
        if not has_token(headers, self.services.secret, session):
            message = sentence("x-csrf-token: send with the cookie the csrfToken that /session answers")
            self.note_refusal(scope, headers, message.partition(":")[0])
            raise BadRequest(403, message, ForbiddenError.code)

    def _session(self, scope: Scope, headers: Mapping[bytes, str]) -> str | None:
        """The secret in the cookie of a request; of a WebSocket none, which can carry no token."""
        return session_of(headers, self.services.secret) if scope["type"] == "http" else None

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
            self.services.access(actor).demand(MONITOR)
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
        services = self.services
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
        self.services.authentication.keepsakes.refused(f"{why[:200]}{by}, from {address or 'a socket'}")
