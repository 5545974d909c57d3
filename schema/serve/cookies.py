"""The cookie that proves a browser's session, and the token by which a page shows that it asks on purpose.

A browser sends a cookie with every request to its server, whichever page has it sent; the token it never sends by
itself. Both carry a seal of this installation: what it has not given out itself is not looked for in the database.
"""

import hmac
from collections.abc import Mapping

from core.base.signatures import signature

COOKIE = "guanxi_session"
#: The header of the token.
CSRF = b"x-csrf-token"


def cookie(secret: bytes, session: str, seconds: float, *, is_secure: bool) -> str:
    """The header that gives a browser a session.

    Args:
        secret: of the installation.
        session: secret of the session.
        seconds: after which the browser forgets it.
        is_secure: whether the browser is to send it over TLS alone.
    """
    return _header(f"{session}.{signature(secret, 'cookie', session)}", int(seconds), is_secure)


def cleared() -> str:
    """The header that takes a session from a browser."""
    return _header("", 0, False)


def session_of(headers: Mapping[bytes, str], secret: bytes) -> str | None:
    """The secret of the session that a request's cookie has; None where it has none that this installation gave.

    A browser may send several of the name: other servers of the machine, and of the domain, can set their own for a
    narrower path, which then comes first.

    Args:
        headers: of the request.
        secret: of the installation.
    """
    for part in headers.get(b"cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            session, _, seal = value.partition(".")
            if _is_equal(seal, signature(secret, "cookie", session)):
                return session
    return None


def csrf_token(secret: bytes, session: str) -> str:
    """The token that goes with a session."""
    return signature(secret, "csrf", session)


def has_token(headers: Mapping[bytes, str], secret: bytes, session: str) -> bool:
    """Whether a request has the token that goes with a session."""
    return _is_equal(headers.get(CSRF, ""), csrf_token(secret, session))


def _header(value: str, seconds: int, is_secure: bool) -> str:
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def _is_equal(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())
