"""Serves the pages of the schema, to whoever may see it."""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from core.access.permissions import INTROSPECT
from core.base.actors import PUBLIC
from core.base.errors import ForbiddenError, UnauthenticatedError, UnavailableError
from core.base.languages import Language
from core.base.sentences import sentence
from schema.serve.bad_request import BadRequest
from schema.serve.engine import Engine
from schema.serve.http import Endpoint
from schema.serve.negotiation import HTML
from schema.serve.observation import RequestRecord
from schema.serve.packed import Packed
from schema.serve.presentation import failed_response
from schema.serve.reference.origins import Origins
from schema.serve.reference.pages import POLICY, Pages
from schema.serve.response import Response

#: The longest text that is searched for.
_LONGEST = 200
_HEADERS = {"content-security-policy": POLICY, "vary": "Accept-Language, Authorization, Cookie"}


class SchemaReference:
    """The ASGI application at `/graphql/schema` and below."""

    def __init__(self, endpoint: Endpoint, engine: Callable[[], Engine], *, graphiql: bool) -> None:
        """Prepares it.

        Args:
            endpoint: of the app's GraphQL, which knows who asks.
            engine: gives the schema.
            graphiql: whether there is GraphiQL, to which examples lead.
        """
        self._endpoint = endpoint
        self._get_engine = engine
        self._graphiql = graphiql
        self._pages: dict[str, Pages] = {}
        # There are no more than types and languages.
        self._packed = lru_cache(None)(self._pack)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        record = RequestRecord()
        try:
            record.language = self._endpoint.language(headers)
            response = await self._respond(scope, headers, record.language)
        except Exception:
            response = failed_response(f"GET {scope['path']}", record)
        await response.send(send)
        self._endpoint.observation.note(record, response.status)

    async def _respond(self, scope: Scope, headers: Mapping[bytes, str], language: Language) -> Response:
        name = scope["path_params"].get("name")
        try:
            if self._endpoint.refusal:
                raise BadRequest(503, self._endpoint.refusal, UnavailableError.code)
            await self._check(scope, headers)
        except BadRequest as refused:
            body = (await self._pages_in(language)).refusal(refused.message, below=name is not None).encode()
            return Response(body, refused.status, HTML, {**_HEADERS, **refused.headers})
        sent = {**_HEADERS, "cache-control": "private, no-cache"}
        sought = parse_qs(scope["query_string"].decode("latin-1")).get("search", [""])[0].strip()
        pages = await self._pages_in(language)
        if name is None and sought:
            body = (await asyncio.to_thread(pages.found, sought[:_LONGEST])).encode()
            return Response(body, media_type=HTML, headers=_HEADERS)
        if name is not None and name not in pages.names:
            message = sentence("there is no type {name}; search for it", name=name)
            return Response(pages.refusal(message, below=True).encode(), 404, HTML, _HEADERS)
        packed = await asyncio.to_thread(self._packed, pages, name)
        return packed.response(HTML, headers, sent)

    async def _check(self, scope: Scope, headers: Mapping[bytes, str]) -> None:
        """Refuses who may not see the schema. Nothing is written by it, so a session needs no token.

        Raises:
            BadRequest: who asks may not.
        """
        callers = self._endpoint.callers
        living = await callers.living_session(scope, headers)
        actor = living[1] if living is not None else await callers.caller(scope, headers)
        if actor is PUBLIC:
            raise BadRequest(401, sentence("the schema is shown to whoever is logged in"), UnauthenticatedError.code)
        async with callers.counted(actor):
            try:
                callers.services.access(actor).demand(INTROSPECT)
            except ForbiddenError as error:
                raise BadRequest(403, error.message, error.code) from None

    async def _pages_in(self, language: Language) -> Pages:
        if language.tag not in self._pages:
            self._pages[language.tag] = await asyncio.to_thread(self._make, language)
        return self._pages[language.tag]

    def _make(self, language: Language) -> Pages:
        engine = self._get_engine()
        schema, catalog = engine.assemble().graphql, engine.services.catalog
        return Pages(schema, catalog, Origins(schema, catalog), language, graphiql=self._graphiql)

    @staticmethod
    def _pack(pages: Pages, name: str | None) -> Packed:
        return Packed.of((pages.index() if name is None else pages.type(name)).encode())
