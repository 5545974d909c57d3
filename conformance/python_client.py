"""gql for Python: it checks documents by the schema that it is given, and subscribes over a WebSocket."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

LIST = """query ($after: String) { customers(first: 3, after: $after, orderBy: [{name: ASC}]) {
  nodes { id } pageInfo { endCursor } } }"""
CREATE = """mutation ($name: String!) { createCustomer(input: {name: $name}) {
  customer { id } userErrors { code field } } }"""
WATCH = """subscription ($name: String!) { customersChanged(where: {name: {eq: $name}}) { record { name } } }"""
WRONG = "{ customers { nodes { favouriteColour } } }"


class Checks:
    """What it is to do, with a session that knows the schema."""

    def __init__(self, url: str, session: AsyncClientSession) -> None:
        self._url = url
        self._session = session

    async def _ask(self, text: str, **variables: Any) -> dict[str, Any]:
        return await self._session.execute(GraphQLRequest(text, variable_values=variables))

    async def pages(self) -> None:
        """A list goes on where its page ends."""
        first = (await self._ask(LIST))["customers"]
        second = (await self._ask(LIST, after=first["pageInfo"]["endCursor"]))["customers"]
        assert len({node["id"] for node in first["nodes"] + second["nodes"]}) == 6

    async def refusal(self) -> None:
        """A refusal names its code and field."""
        (error,) = (await self._ask(CREATE, name=""))["createCustomer"]["userErrors"]
        assert error == {"code": "INVALID", "field": ["name"]}

    async def misfit(self) -> None:
        """A document is checked by the schema before it is sent."""
        try:
            await self._ask(WRONG)
        except GraphQLError:
            return
        raise AssertionError("it was sent")

    async def bad_request(self) -> None:
        """A bad request is an error with a code."""
        codes = []
        try:
            await Client(transport=AIOHTTPTransport(url=self._url)).execute_async(GraphQLRequest(WRONG))
        except TransportQueryError as refused:
            codes = [error["extensions"]["code"] for error in refused.errors or ()]
        assert codes == ["GRAPHQL_VALIDATION_FAILED"]

    async def live(self) -> None:
        """A subscription hears what happens."""
        name = f"Live {id(self)}"
        socket = WebsocketsTransport(url=self._url.replace("http", "ws", 1))
        async with Client(transport=socket) as listening:
            stream = listening.subscribe(GraphQLRequest(WATCH, variable_values={"name": name}))
            heard = asyncio.ensure_future(anext(stream))
            # When it has begun is not said: records are made until one is heard of.
            while not heard.done():
                await self._ask(CREATE, name=name)
                await asyncio.wait([heard], timeout=0.3)
            assert heard.result()["customersChanged"]["record"]["name"] == name
            await stream.aclose()


async def _run(check: Callable[[], Awaitable[None]]) -> None:
    why = None
    try:
        await asyncio.wait_for(check(), 30)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"[:500]
    sys.stdout.write(json.dumps({"name": str(check.__doc__).rstrip("."), "why": why}) + "\n")


async def _main(url: str) -> None:
    async with Client(transport=AIOHTTPTransport(url=url), fetch_schema_from_transport=True) as session:
        checks = Checks(url, session)
        for check in (checks.pages, checks.refusal, checks.misfit, checks.bad_request, checks.live):
            await _run(check)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
