"""What a connection is sent, and when."""

import asyncio

import pytest

from guanxi.cli.http_protocol import GatheringTransport

pytestmark = pytest.mark.anyio


class Connection(asyncio.Transport):
    """Notes what it is given to send."""

    def __init__(self):
        super().__init__()
        self.sent = []

    def write(self, data):
        self.sent.append(bytes(data))

    def close(self):
        self.sent.append("closed")

    def is_closing(self):
        return "closed" in self.sent


@pytest.fixture
def connection():
    return Connection()


@pytest.fixture
async def transport(connection):
    return GatheringTransport(connection, asyncio.get_running_loop())


async def test_head_and_body_go_together(connection, transport):
    transport.write(b"head ")
    assert not connection.sent
    transport.write(b"body")
    assert connection.sent == [b"head body"]
    await asyncio.sleep(0)
    assert connection.sent == [b"head body"]


async def test_a_head_without_a_body_does_not_wait_for_one(connection, transport):
    transport.write(b"head")
    await asyncio.sleep(0)
    assert connection.sent == [b"head"]


async def test_nothing_is_lost_at_the_end(connection, transport):
    transport.write(b"head")
    transport.close()
    await asyncio.sleep(0)
    assert connection.sent == [b"head", "closed"]
    assert transport.is_closing()
