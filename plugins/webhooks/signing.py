"""Signatures as Standard Webhooks has them, and the secrets that make them, as they are stored."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from guanxi import GuanxiError

#: What every secret begins with, so that people and scanners of code know one when they see it.
START = "whsec_"
_PLAIN, _ENCRYPTED = "plain:", "fernet:"


def new_secret() -> str:
    """A new secret of 256 random bits."""
    return START + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(id: str, timestamp: int, body: bytes, keys: Iterable[str]) -> Mapping[str, str]:
    """The headers that prove where a message comes from and when it was sent: one signature per secret.

    Args:
        id: of the message, the same whenever it is sent again.
        timestamp: when it is sent, in seconds since 1970.
        body: what is sent.
        keys: the secrets that are valid now.
    """
    content = f"{id}.{timestamp}.".encode() + body
    signatures = (_signature(key, content) for key in keys)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _signature(key: str, content: bytes) -> str:
    raw = base64.b64decode(key.removeprefix(START))
    return base64.b64encode(hmac.digest(raw, content, hashlib.sha256)).decode()


def sealed(secret: str, keys: Sequence[SecretStr]) -> str:
    """A secret as it is stored: encrypted if there are keys."""
    if not keys:
        return _PLAIN + secret
    return _ENCRYPTED + Fernet(keys[0].get_secret_value()).encrypt(secret.encode()).decode()


def opened(kept: str, keys: Sequence[SecretStr]) -> str:
    """A secret that was stored.

    Raises:
        GuanxiError: none of the keys decrypts it.
    """
    if kept.startswith(_PLAIN):
        return kept.removeprefix(_PLAIN)
    try:
        fernet = MultiFernet([Fernet(key.get_secret_value()) for key in keys])
        return fernet.decrypt(kept.removeprefix(_ENCRYPTED)).decode()
    except (InvalidToken, ValueError):
        raise GuanxiError(
            "none of GUANXI_PLUGINS__WEBHOOKS__ENCRYPTION_KEYS decrypts the secret; add the key it was encrypted by, "
            "or rotate the secret"
        ) from None
