"""Authentication: from what a request carries to its actor, kept so briefly that a revocation holds after seconds."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from core.access import sessions
from core.access.identities import link, link_id, linked_user, user_by_email, user_of_link
from core.access.keepsakes import Keepsakes
from core.access.kept import Found, Kept
from core.access.keys import START, ApiKey, KeyRing, digest_of, is_living, is_secret_of, key_ring, start_of
from core.access.reach import integration_actor, user_actor
from core.access.sessions import BrowserSession, NewSession, SignIn
from core.access.tokens import Issuers, VerifiedToken
from core.base.actors import Actor, Identity
from core.base.clock import Clock
from core.base.errors import UnauthenticatedError
from core.base.sentences import sentence
from core.base.settings import Settings
from core.base.text import fold
from core.db.database import Database, Done
from core.db.locks import take
from core.db.transaction import DatabaseTransaction

#: A verified actor, the keys, and whether there were any, are read again after so many seconds.
KEPT_SECONDS = 5.0
_MOST_ACTORS = 10_000
#: So often at most, in seconds, are keys looked for anew because one is not known.
_LOOKING_PAUSE = 0.1

_RING = "ring"
#: What a header with an API key begins with.
_KEY = f"Bearer {START}"

#: Asks the plugins who sends a request.
AskPlugins = Callable[[], Awaitable[Identity | None]]

_UNKNOWN_KEY = UnauthenticatedError(
    sentence("the API key is unknown, expired or revoked; ask an administrator for a new one (guanxi keys create)")
)
_NO_USER = UnauthenticatedError(
    sentence(
        "nobody who may use this server is known by this sign-in; ask an administrator to link it to "
        "a user (guanxi identities link)"
    )
)
_ENDED = UnauthenticatedError(sentence("the session has ended; log in again"))


class Authentication:
    """Who sends the requests of one app.

    Attributes:
        keepsakes: what it writes down off the requests: last uses of keys, and refusals.
    """

    def __init__(self, database: Database, settings: Settings, clock: Clock, *, by_plugins: bool) -> None:
        """Prepares it.

        Args:
            database: with keys and users.
            settings: which issuers there are, and how long sessions last.
            clock: the source of time.
            by_plugins: whether a plugin says who sends a request.

        Raises:
            ConfigurationError: an issuer's settings cannot be used.
        """
        self._database = database
        self._clock = clock
        self._issuers = Issuers(settings.issuers, clock)
        self._by_plugins = by_plugins
        self._session_lasts = timedelta(hours=settings.session_hours)
        self._is_configured = bool(self._issuers) or by_plugins
        self._rings: Kept[KeyRing] = Kept(clock, KEPT_SECONDS, 1)
        self._actors: Kept[Actor] = Kept(clock, KEPT_SECONDS, _MOST_ACTORS)
        self._looking: asyncio.Task[KeyRing] | None = None
        self.keepsakes = Keepsakes(database, clock, settings.refusals_kept_days)

    def known(self, authorization: str) -> Actor | None:
        """The actor of a credential that was verified a moment ago; None where `actor` has to find it.

        Args:
            authorization: the header of that name.
        """
        if self._by_plugins and not authorization.startswith(_KEY):
            # Plugins come before tokens, and may go by another header.
            return None
        return self._actors.peek(_digest(authorization))

    def forget(self) -> None:
        """Has everything looked up again that it was told by."""
        self._rings.forget()
        self._actors.forget()

    @property
    def is_known_to_be_open(self) -> bool:
        """Whether a moment ago nobody had to say who they are; where not, `is_configured` has to find out."""
        ring = None if self._is_configured else self._rings.peek(_RING)
        return ring is not None and not ring.is_closed

    async def is_configured(self) -> bool:
        """Whether everybody has to say who they are; once so, always so."""
        if not self._is_configured:
            self._is_configured = (await self._ring()).is_closed
        return self._is_configured

    async def actor(self, authorization: str | None, ask_plugins: AskPlugins | None) -> Actor | None:
        """Who sends a request; None where it does not say.

        Args:
            authorization: the header of that name.
            ask_plugins: asks the plugins that know other ways, if there are any.

        Raises:
            UnauthenticatedError: it says so, and does not prove it.
            UnavailableError: what proves it cannot be reached.
        """
        scheme, _, text = (authorization or "").partition(" ")
        text = text.strip()
        is_bearer = scheme.lower() == "bearer"
        if is_bearer and text.startswith(START):
            return await self._actors.get(_digest(authorization or ""), partial(self._by_key, text))
        identity = None if ask_plugins is None else await ask_plugins()
        if identity is not None:
            return await self._actors.get(identity, partial(self._by_identity, identity))
        if authorization is None:
            return None
        if not is_bearer or not text:
            raise UnauthenticatedError(
                sentence("authorization: send `Authorization: Bearer` and an API key or a token")
            )
        return await self._actors.get(_digest(authorization), partial(self._by_token, text))

    # By session

    async def sign_in(self, credential: str, ask_plugins: AskPlugins | None) -> SignIn:
        """What a session begins with.

        Args:
            credential: an API key, a token, or what plugins take in their place.
            ask_plugins: asks the plugins that know other ways, if there are any.

        Raises:
            UnauthenticatedError: it proves nothing.
            UnavailableError: what proves it cannot be reached.
        """
        if credential.startswith(START):
            start, digest = start_of(credential), digest_of(credential)
            key = await self._living_key(start, digest)
            found = await self._by_living_key(key)
            return SignIn(found.answer, self._seconds_of(key), key_start=start, key_digest=digest)
        identity = None if ask_plugins is None else await ask_plugins()
        if identity is None:
            verified = await self._issuers.verified(credential)
        else:
            verified = VerifiedToken(identity, float("inf"))
        found = await self._by_identity(verified.identity)
        link = await self._database.looking_up(partial(link_id, identity=verified.identity))
        return SignIn(found.answer, verified.seconds, identity_id=link)

    async def begin_session(self, sign_in: SignIn) -> NewSession:
        """Begins a session, which lasts no longer than what it begins with."""
        now, secret = self._clock.now(), sessions.new_session_secret()
        seconds = min(self._session_lasts.total_seconds(), sign_in.seconds)
        session = BrowserSession(
            digest=digest_of(secret),
            key_start=sign_in.key_start,
            key_digest=sign_in.key_digest,
            identity_id=sign_in.identity_id,
            expires_at=now + timedelta(seconds=seconds),
        )

        def work(transaction: DatabaseTransaction) -> Done[None]:
            sessions.store(transaction, session, now)
            return Done(None)

        await self._database.in_thread(lambda: self._database.writing(work))
        return NewSession(secret, session.expires_at, seconds)

    async def end_session(self, secret: str) -> None:
        """Ends a session: here at once, on other servers within five seconds."""

        def work(transaction: DatabaseTransaction) -> Done[None]:
            sessions.end(transaction, digest_of(secret))
            return Done(None)

        await self._database.in_thread(lambda: self._database.writing(work))
        self._actors.drop(_digest(secret))

    def known_session(self, secret: str) -> Actor | None:
        """The actor of a session that was found a moment ago; None where `by_session` has to find it."""
        return self._actors.peek(_digest(secret))

    async def by_session(self, secret: str) -> Actor | None:
        """The actor of a session; None where it, or what it began with, has ended.

        Raises:
            UnavailableError: that cannot be found out now.
        """
        try:
            return await self._actors.get(_digest(secret), partial(self._by_living_session, secret))
        except UnauthenticatedError:
            return None

    async def _by_living_session(self, secret: str) -> Found[Actor]:
        session = await self._database.looking_up(partial(sessions.stored, digest=digest_of(secret)))
        left = 0.0 if session is None else (session.expires_at - self._clock.now()).total_seconds()
        if session is None or left <= 0:
            raise _ENDED
        if session.identity_id is not None:
            actor = await self._database.looking_up(partial(_user_of_link, session.identity_id))
            if actor is None:
                raise _ENDED
            return Found(actor, left)
        key = await self._living_key(session.key_start, session.key_digest or "")
        found = await self._by_living_key(key)
        return Found(found.answer, min(found.seconds, left))

    # By key

    async def _by_key(self, text: str) -> Found[Actor]:
        return await self._by_living_key(await self._living_key(start_of(text), digest_of(text)))

    async def _living_key(self, start: str | None, digest: str) -> ApiKey:
        """The key that begins so, if its secret has this hash.

        Raises:
            UnauthenticatedError: there is none, or it has ended.
        """
        if start is None:
            raise _UNKNOWN_KEY
        key = self._accepted(await self._ring(), start, digest)
        if key is None:
            # It may be new; however many ask, the database is asked now and then.
            key = self._accepted(await self._looked_again(), start, digest)
        if key is None:
            raise _UNKNOWN_KEY
        return key

    def _seconds_of(self, key: ApiKey) -> float:
        """How long it is until a key expires."""
        return float("inf") if key.expires_at is None else (key.expires_at - self._clock.now()).total_seconds()

    async def _by_living_key(self, key: ApiKey) -> Found[Actor]:
        now = self._clock.now()
        actor = await self._database.looking_up(
            lambda transaction: integration_actor(transaction, key.id, key.role, key.user_id, key.scopes)
        )
        if actor is None:
            raise _UNKNOWN_KEY
        self.keepsakes.used(key)
        ends = [moment for moment in (key.expires_at, key.overlap_until) if moment is not None and moment > now]
        return Found(actor, min(((moment - now).total_seconds() for moment in ends), default=KEPT_SECONDS))

    def _accepted(self, ring: KeyRing, start: str, digest: str) -> ApiKey | None:
        """The key that begins so, if its secret has this hash and it has not ended."""
        key, now = ring.keys.get(start), self._clock.now()
        return key if key is not None and is_secret_of(key, digest, now) and is_living(key, now) else None

    async def _ring(self) -> KeyRing:
        return await self._rings.get(_RING, self._read_ring)

    async def _read_ring(self) -> Found[KeyRing]:
        return Found(await self._database.looking_up(key_ring))

    async def _looked_again(self) -> KeyRing:
        """The keys, read after this was called, together with all that wait for the same."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look())
        return await asyncio.shield(self._looking)

    async def _look(self) -> KeyRing:
        await asyncio.sleep(_LOOKING_PAUSE)
        # From here on, who comes has to wait for the next.
        self._looking = None
        return await self._database.looking_up(key_ring)

    # By identity

    async def _by_token(self, text: str) -> Found[Actor]:
        verified = await self._issuers.verified(text)
        found = await self._by_identity(verified.identity)
        return Found(found.answer, verified.seconds)

    async def _by_identity(self, identity: Identity) -> Found[Actor]:
        if "\0" in f"{identity.subject}{identity.email}":
            raise _NO_USER
        user_id, actor = await self._database.looking_up(partial(_find_user, identity))
        if user_id is None and identity.email:
            user_id, actor = await self._database.in_thread(partial(self._link_by_email, identity))
        if actor is None:
            raise _NO_USER
        return Found(actor)

    def _link_by_email(self, identity: Identity) -> tuple[str | None, Actor | None]:
        def work(transaction: DatabaseTransaction) -> Done[tuple[str | None, Actor | None]]:
            # Of two who sign in at once as the same person, the second finds the link that the first makes.
            take(transaction, None, [("identity", identity.issuer, fold(identity.email or ""))])
            known, actor = _find_user(identity, transaction)
            user_id = known or user_by_email(transaction, identity)
            if known is not None or user_id is None:
                return Done((known, actor))
            link(transaction, identity, user_id, user_id, self._clock.now())
            return Done((user_id, user_actor(transaction, user_id)))

        return self._database.writing(work)[0]


def _find_user(identity: Identity, transaction: DatabaseTransaction) -> tuple[str | None, Actor | None]:
    """The user that somebody is linked to, and as an actor, unless it is deleted or no longer active."""
    user_id = linked_user(transaction, identity)
    return user_id, None if user_id is None else user_actor(transaction, user_id)


def _user_of_link(link: str, transaction: DatabaseTransaction) -> Actor | None:
    """The user at the other end of a link as an actor; None where either has ended."""
    user_id = user_of_link(transaction, link)
    return None if user_id is None else user_actor(transaction, user_id)


def _digest(text: str) -> bytes:
    """What a credential is kept by, so that no secret stays in memory."""
    return hashlib.sha256(text.encode()).digest()
