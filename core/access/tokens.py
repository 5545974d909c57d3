"""Signed tokens: JSON Web Tokens of the issuers that settings name, each verified by its own keys and family alone."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import time
from typing import Any

import anyio.to_thread
import jwt
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from jwt.exceptions import PyJWKClientError

from core.base.actors import Identity
from core.base.clock import Clock
from core.base.errors import ConfigurationError, UnauthenticatedError, UnavailableError
from core.base.sentences import sentence
from core.base.settings import IssuerSettings

_log = logging.getLogger("guanxi.access")

#: The algorithms of each family, and the type of key that JSON Web Keys name for it.
_FAMILIES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "RS": (("RS256", "RS384", "RS512"), "RSA"),
    "PS": (("PS256", "PS384", "PS512"), "RSA"),
    "ES": (("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": (("EdDSA",), "OKP"),
    "HS": (("HS256", "HS384", "HS512"), "oct"),
}
_LONGEST = 16_384
_FETCH_SECONDS = 5
#: No sooner is a key set fetched again, whatever tokens ask for.
_PAUSE = timedelta(minutes=1)
#: Then a key that its issuer has withdrawn is no longer accepted.
_FRESH = timedelta(minutes=10)
_OPTIONS: Any = {"require": ["exp", "sub"], "enforce_minimum_key_length": True}


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token proves.

    Attributes:
        identity: whose it is.
        seconds: for how long it is valid from now on.
    """

    identity: Identity
    seconds: float


class KeySet:
    """The public keys of an issuer by their ids, fetched from its address when a token asks for one."""

    def __init__(self, url: str, kind: str, clock: Clock) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=_FETCH_SECONDS)
        self._kind = kind
        self._clock = clock
        self._keys: dict[str | None, PublicKeyTypes] = {}
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._failed = False
        self._fetching = asyncio.Lock()

    async def key(self, id: str | None) -> PublicKeyTypes | None:
        """The key of that id; the only one where the token names none.

        Raises:
            UnavailableError: it is not known, and the address cannot be reached.
        """
        if self._is_due(id):
            async with self._fetching:
                # Others waited for the same.
                if self._is_due(id):
                    await self._fetch()
        found = self._known(id)
        if found is None and self._failed:
            raise UnavailableError(
                sentence("the keys that verify this token cannot be fetched now; try again in a minute"), 60
            )
        return found

    def _known(self, id: str | None) -> PublicKeyTypes | None:
        if id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(id)

    def _is_due(self, id: str | None) -> bool:
        now = self._clock.now()
        if self._tried_at is not None and timedelta() <= now - self._tried_at < _PAUSE:
            return False
        return self._known(id) is None or self._fetched_at is None or now - self._fetched_at >= _FRESH

    async def _fetch(self) -> None:
        self._tried_at = self._clock.now()
        try:
            fetched = await anyio.to_thread.run_sync(self._client.fetch_data)
            self._keys = dict(self._usable(fetched))
            self._fetched_at, self._failed = self._tried_at, False
        except (PyJWKClientError, jwt.PyJWTError, ValueError, OSError) as error:
            _log.warning("the keys at %s cannot be fetched: %s", self._client.uri, error)
            self._failed = True

    def _usable(self, fetched: Any) -> Any:
        """The keys that may verify this issuer's signatures: of its type, and not meant for encryption."""
        for given in fetched["keys"]:
            if given.get("kty") == self._kind and given.get("use", "sig") == "sig":
                try:
                    yield given.get("kid"), jwt.PyJWK(given).key
                except jwt.PyJWTError as error:
                    _log.warning("a key at %s cannot be used: %s", self._client.uri, error)


class Issuer:
    """An issuer of tokens."""

    def __init__(self, name: str, settings: IssuerSettings, clock: Clock) -> None:
        """Reads its key.

        Raises:
            ConfigurationError: the file cannot be read, or holds no such key.
        """
        self.settings = settings
        self._algorithms, kind = _FAMILIES[settings.algorithms]
        self._key: Any = None
        self._set: KeySet | None = None
        if settings.jwks_url is not None:
            self._set = KeySet(settings.jwks_url, kind, clock)
        else:
            self._key = self._read(name)

    def _read(self, name: str) -> Any:
        """The key of the file, as its family takes it."""
        path = self.settings.key_file
        assert path is not None
        algorithm: Any = jwt.get_algorithm_by_name(self._algorithms[0])
        try:
            key = algorithm.prepare_key(path.read_bytes().strip())
            if problem := algorithm.check_key_length(key):
                raise ConfigurationError(f"{_variable(name)}KEY_FILE={path}: {problem}")
            return key
        except OSError as error:
            raise ConfigurationError(
                f"{_variable(name)}KEY_FILE={path}: the file cannot be read: {error.strerror}"
            ) from None
        except (jwt.PyJWTError, ValueError, TypeError):
            family = self.settings.algorithms
            raise ConfigurationError(
                f"{_variable(name)}KEY_FILE={path}: the file holds no key for {family}; give a public key in PEM form"
                if family != "HS"
                else f"{_variable(name)}KEY_FILE={path}: the file holds a public key; HS takes a secret"
            ) from None

    async def verified(self, token: str, header: Mapping[str, Any]) -> VerifiedToken:
        """What a token of this issuer proves.

        Raises:
            UnauthenticatedError: it proves nothing.
            UnavailableError: its keys cannot be reached.
        """
        if header.get("alg") not in self._algorithms:
            raise UnauthenticatedError(sentence("the token is not signed as its issuer's are; get a new one from it"))
        key = self._key
        if self._set is not None:
            id = header.get("kid")
            key = await self._set.key(id if isinstance(id, str) else None)
            if key is None:
                raise UnauthenticatedError(
                    sentence("the token is signed by a key that its issuer does not publish; get a new one from it")
                )
        settings = self.settings
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=list(self._algorithms),
                audience=settings.audience,
                issuer=settings.issuer,
                leeway=settings.leeway_seconds,
                options=_OPTIONS,
            )
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError(sentence("the token has expired; get a new one from its issuer")) from None
        except jwt.ImmatureSignatureError:
            raise UnauthenticatedError(
                sentence("the token is not valid yet; compare the clocks of both machines")
            ) from None
        except jwt.InvalidAudienceError:
            raise UnauthenticatedError(
                sentence("the token is meant for another server; get one for this from its issuer")
            ) from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise UnauthenticatedError(sentence("the token is not valid; get a new one from its issuer")) from None
        if not claims["sub"]:
            raise UnauthenticatedError(sentence("the token names nobody; its issuer has to put a `sub` into it"))
        email = claims.get("email") if claims.get("email_verified") is True and settings.link_by_email else None
        identity = Identity(claims["sub"], email if isinstance(email, str) else None, settings.issuer)
        return VerifiedToken(identity, claims["exp"] + settings.leeway_seconds - time())


class Issuers:
    """The issuers of one app."""

    def __init__(self, settings: Mapping[str, IssuerSettings], clock: Clock) -> None:
        """Prepares them.

        Raises:
            ConfigurationError: two are the same, or one has no key.
        """
        self._issuers: dict[str, Issuer] = {}
        for name, given in settings.items():
            if given.issuer in self._issuers:
                raise ConfigurationError(f"{_variable(name)}ISSUER={given.issuer}: another issuer has it already")
            self._issuers[given.issuer] = Issuer(name, given, clock)

    def __bool__(self) -> bool:
        return bool(self._issuers)

    async def verified(self, token: str) -> VerifiedToken:
        """What a token proves.

        Raises:
            UnauthenticatedError: it proves nothing.
            UnavailableError: the keys of its issuer cannot be reached.
        """
        header, claimed = _unverified(token)
        issuer = self._issuers.get(claimed)
        if issuer is None:
            raise UnauthenticatedError(
                sentence(
                    "the token is of an issuer that this server does not know; get one from an issuer of its "
                    "GUANXI_ISSUERS"
                )
            )
        return await issuer.verified(token, header)


def _unverified(token: str) -> tuple[Mapping[str, Any], str]:
    """The header of a token, and the issuer it claims to be of: what says by which keys it is verified, and no more."""
    if len(token) > _LONGEST:
        raise UnauthenticatedError(
            sentence("the token is longer than {longest} characters; get one with fewer claims", longest=_LONGEST)
        )
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise UnauthenticatedError(
            sentence("neither an API key nor a token; send `Authorization: Bearer` and one of them")
        ) from None
    issuer = claims.get("iss")
    return header, issuer if isinstance(issuer, str) else ""


def _variable(name: str) -> str:
    return f"GUANXI_ISSUERS__{name.upper()}__"
