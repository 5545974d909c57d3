"""API keys and tokens for tests."""

import time
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CREATE = """mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) {
    apiKey { id start role scopes expiresAt lastUsedAt } secret userErrors { code message field } } }"""

#: How long an answer to who somebody is may be kept, and a moment more.
KEPT = timedelta(seconds=5, milliseconds=1)

ISSUER, AUDIENCE = "https://sign-in.example", "guanxi"


def create_key(client, role="ADMINISTRATOR", **more):
    """A new key: what is known of it, with its secret."""
    made = client.query(CREATE, input={"name": "Test", "role": role, **more})["createApiKey"]
    assert made["userErrors"] == []
    return {**made["apiKey"], "secret": made["secret"]}


def administrator(client):
    """A client of the same app as an administrator, with a key that the operator makes on the machine."""
    made = client.run(client.app.ask(CREATE, {"input": {"name": "Administrator", "role": "ADMINISTRATOR"}}))
    return client.bearing(made["createApiKey"]["secret"])


def private_key():
    """A key pair of an issuer."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key):
    """Its public half, as a file holds it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def token(key, subject="ann", *, algorithm="RS256", headers=None, without=(), **claims):
    """A token of the issuer, valid for a minute."""
    known = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "exp": time.time() + 60, **claims}
    claims = {name: value for name, value in known.items() if name not in without}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)
