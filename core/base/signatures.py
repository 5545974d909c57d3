"""Signatures by the secret of an installation, such as those of links."""

import hmac
from base64 import urlsafe_b64encode


def signature(secret: bytes, purpose: str, text: str) -> str:
    """A signature of a text in 43 characters that URLs may have.

    Args:
        secret: of the installation.
        purpose: what it is for: nothing signed for one purpose holds for another.
        text: what is signed.
    """
    key = hmac.digest(secret, f"sign: {purpose}".encode(), "sha256")
    return urlsafe_b64encode(hmac.digest(key, text.encode(), "sha256")).decode().rstrip("=")
