"""Connections themselves: certificates are those of the name although an address is connected to; reading ends."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from plugins.webhooks import connections
from plugins.webhooks.settings import WebhookSettings
from tests.plugins.webhooks.test_addresses import resolving

SETTINGS = WebhookSettings(exceptions=["127.0.0.0/8"], maximum_response_bytes=1000)


@pytest.fixture
def certificate(tmp_path):
    """A file with a certificate of hooks.example.com, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example.com")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")])
    signed = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    plain = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*plain))
    return path


def test_a_certificate_is_that_of_the_name_and_an_endless_response_is_not_read(certificate, monkeypatch):
    trusting = ssl.create_default_context(cafile=certificate)
    monkeypatch.setattr(connections, "_trust", lambda: trusting)
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate)
    asked = []
    own.sni_callback = lambda connection, name, context: asked.append(name)

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n" + b"x" * 5000)

    async def post():
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=own)
        port = server.sockets[0].getsockname()[1]
        async with server, connections.Connections(SETTINGS) as pool:
            resolving(monkeypatch, "127.0.0.1")
            reply = await pool.post(f"https://hooks.example.com:{port}/hook", {}, b"{}")
            with pytest.raises(connections.UnreachableError, match=r"other\.example\.com cannot be reached"):
                await pool.post(f"https://other.example.com:{port}/hook", {}, b"{}")
        return reply

    assert asyncio.run(post()).status == 200
    assert asked == ["hooks.example.com", "other.example.com"]
