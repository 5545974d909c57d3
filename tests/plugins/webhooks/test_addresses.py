"""Where webhooks may be sent: addresses by a table, and connections to the very address that was checked."""

import socket
from ipaddress import ip_address

import pytest

from plugins.webhooks.addresses import RefusedAddressError, choose, is_public, target_of
from plugins.webhooks.settings import WebhookSettings
from tests.plugins.webhooks.receiving import World

STRICT = WebhookSettings()


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1"),
        *("192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "fec0::1", "2001:db8::1", "100::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2002:c0a8:101::1", "2001:0:4136:e378::1"),
    ],
)
def test_an_internal_address_is_refused(address):
    assert not is_public(ip_address(address))
    with pytest.raises(RefusedAddressError):
        choose([address], target_of("https://example.com", STRICT), STRICT)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"]
)
def test_a_public_address_is_allowed(address):
    assert choose([address], target_of("https://example.com", STRICT), STRICT) == [str(ip_address(address))]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com", "use https"),
        ("ftp://example.com", "must begin with https"),
        ("//example.com", "must begin with https"),
        ("https://", "is not a URL"),
        ("https://exa mple.com", "is not a URL"),
        ("https://example.com/\r\nx: y", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://example.com:99999", "is not a URL"),
        ("https://me:secret@example.com", "leave them out"),
        ("https://example.com/#part", "leave them out"),
        ("https://example.com:22", "port 22 is not allowed"),
        ("https://127.0.0.1/", "is internal"),
        ("https://[::ffff:10.0.0.1]/", "is internal"),
        ("https://169.254.169.254/latest", "is internal"),
    ],
)
def test_a_url_that_leads_nowhere_allowed_is_refused(url, message):
    with pytest.raises(RefusedAddressError, match=message):
        target_of(url, STRICT)


def test_settings_list_exceptions():
    lax = WebhookSettings(exceptions=["Hooks.internal", "10.1.0.0/16", "fd00::/8"], ports=[443])
    assert target_of("https://hooks.internal:9000/x", lax).port == 9000
    assert choose(["192.168.0.9"], target_of("https://hooks.internal", lax), lax) == ["192.168.0.9"]
    other = target_of("https://other.example", lax)
    assert choose(["127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3"], other, lax) == [
        "10.1.2.3",
        str(ip_address("::ffff:10.1.2.3")),
    ]
    assert choose(["8.8.8.8", "10.2.0.1"], other, lax) == ["8.8.8.8"]
    for wrong in (["10.2.0.1"], ["127.0.0.1"]):
        with pytest.raises(RefusedAddressError, match="is internal"):
            choose(wrong, other, lax)
    with pytest.raises(ValueError, match="exceptions"):
        WebhookSettings(exceptions=["10.1.0.1/16"])


def resolving(monkeypatch, *answers):
    """From now on names mean these addresses, one after the other; returns how often was asked for which name."""
    asked = []

    def getaddrinfo(host, port, *args, **kwargs):
        asked.append(host)
        address = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_that_means_another_address_a_moment_later_gets_what_was_checked(world, receiver, monkeypatch):
    world.hook(world.user(), eventTypes=["CUSTOMER_CREATED"], url=receiver.url("hooks.example.com"))
    world.client.create("Customer", name="Acme")
    world.client.deliver()
    # Had the name been looked up again to connect, it would have led to where nobody listens.
    with monkeypatch.context() as names:
        asked = resolving(names, "127.0.0.1", "127.0.0.2")
        assert world.deliver() == "1 delivered, 0 failed, 0 skipped"
    assert asked == ["hooks.example.com"]
    assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"


def test_a_name_that_means_an_internal_address_is_not_connected_to(crm, clock, receiver, monkeypatch):
    world = World(crm, clock, receiver, exceptions=["10.0.0.0/8"], ports=[])
    monkeypatch.setenv("HTTP_PROXY", receiver.url())
    monkeypatch.setenv("ALL_PROXY", receiver.url())
    world.hook(world.user(), eventTypes=["CUSTOMER_CREATED"], url=receiver.url("hooks.example.com"))
    world.client.create("Customer", name="Acme")
    world.client.deliver()
    with monkeypatch.context() as names:
        resolving(names, "127.0.0.1")
        assert world.deliver() == "0 delivered, 1 failed, 0 skipped"
    assert world.states()[0][3].startswith("hooks.example.com is internal")
    assert receiver.received == []
