"""GraphQL over HTTP: one endpoint that takes and returns JSON, and reports errors by status and code.

Follows the GraphQL-over-HTTP draft: `application/graphql-response+json` where the client asks for it, else
`application/json`; a mutation only by POST; nothing but JSON is read, so that no foreign page can forge a request.
Subscriptions are answered as event streams, or over WebSocket. It speaks ASGI itself: between the socket and a plan
that is kept, nothing is done that a request does not need.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache

from graphql import FieldNode, FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, parse
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from core.access.permissions import INTROSPECT
from core.base import tracing
from core.base.actors import PUBLIC, Actor
from core.base.errors import (
    InputError,
    OutcomeUnknownError,
    RateLimitedError,
    SlowStatementError,
    UnauthenticatedError,
    UnavailableError,
)
from core.base.languages import ENGLISH, Language
from core.base.sentences import sentence
from core.base.settings import Settings
from schema.request.context import RequestContext, Services
from schema.request.limits import Limits
from schema.request.operations import Operation, OperationResult
from schema.request.refusal import Refused
from schema.serve.bad_request import BadRequest
from schema.serve.callers import ACTOR, LIMITED, REALM, Callers
from schema.serve.deadlines import Deadline
from schema.serve.engine import Engine
from schema.serve.graphiql import page
from schema.serve.introspection import Introspection
from schema.serve.live.event_stream import EventStream, finished
from schema.serve.live.groups import Subscriber, Subscription
from schema.serve.live.subscriptions import Subscriptions
from schema.serve.live.websocket import GOING_AWAY, WebSocket
from schema.serve.negotiation import EVENT_STREAM, GRAPHQL_JSON, HTML, PLAIN_JSON, accepted, language_of
from schema.serve.observation import Observation, RequestRecord, trace_request
from schema.serve.parameters import BodyLimits, GraphQLRequest, asked_by_get, asked_by_post
from schema.serve.persisted import PersistedDocuments
from schema.serve.presentation import (
    failed_response,
    presented,
    refused_response,
    response_to,
    response_with_errors,
    said_in,
    unavailable,
)
from schema.serve.response import Response
from schema.sql.selections import TYPENAME

_log = logging.getLogger("guanxi.http")

#: What is answered while the server stops.
STOPPING = sentence("the server is stopping; try again in a moment")

_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


class Endpoint:
    """The ASGI application that answers GraphQL requests of one app."""

    def __init__(self, engine: Callable[[], Engine], settings: Settings, *, trusts_loopback: bool) -> None:
        """Prepares it.

        Args:
            engine: gives what executes GraphQL.
            settings: of the app.
            trusts_loopback: answer programs of this machine as the local operator, although there are keys.
        """
        self._get_engine = engine
        self._settings = settings
        self.callers = Callers(engine, settings, trusts_loopback=trusts_loopback)
        self._introspection = Introspection()
        self.subscriptions = Subscriptions(lambda: engine().services)
        self._persisted = PersistedDocuments(settings.documents_file, only=settings.documents_only)
        #: What is known of its requests.
        self.observation = Observation(settings.slow_request_ms / 1000)
        self._language_of = lru_cache(256)(self._negotiated)
        #: Why it answers nothing any more; empty while it does.
        self.refusal = ""
        limits, deadline = Limits.of(settings), Deadline(settings.body_deadline_ms / 1000)
        self._bodies, self._public_bodies = (
            BodyLimits(most, limits.most_values, limits.most_containers, deadline)
            for most in (settings.maximum_body_bytes, settings.maximum_public_body_bytes)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        record = RequestRecord()
        if tracing.is_on():
            with tracing.request_span(headers):
                response = await self._response(scope, headers, receive, record)
                trace_request(record, None if response is None else response.status)
        else:
            response = await self._response(scope, headers, receive, record)
        if type(response) is EventStream:
            # Known as soon as it begins: it may go on for days.
            self.observation.note(record, response.status)
            await response.send(send)
        elif response is not None:
            await response.send(send)
            self.observation.note(record, response.status)

    async def connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one WebSocket."""
        if self.refusal:
            await send({"type": "websocket.close", "code": GOING_AWAY})
        else:
            await WebSocket(self, scope, receive, send).run()

    @property
    def services(self) -> Services:
        """What all requests of the app share."""
        return self._get_engine().services

    def language(self, headers: Mapping[bytes, str]) -> Language:
        """The language that a client reads."""
        header = headers.get(b"accept-language")
        return ENGLISH if header is None else self._language_of(header)

    def limits(self, caller: Actor | None) -> BodyLimits:
        """What a message may be; None stands for who is not known yet."""
        return self._public_bodies if caller is None or caller is PUBLIC else self._bodies

    def _negotiated(self, header: str) -> Language:
        known = self._get_engine().services.languages
        return known[language_of(header, known)]

    async def begin(self, subscriber: Subscriber, key: str, asked: GraphQLRequest) -> bytes | None:
        """The whole answer to an operation as JSON; None if it is a subscription, which has begun."""
        caller, record = subscriber.actor, RequestRecord(subscriber.language)
        allowances = self._get_engine().services.allowances if caller.kind in LIMITED else None
        try:
            if allowances is not None:
                await allowances.take(caller.id)
            try:
                found = await self._prepared(subscriber, key, asked, {}, caller, record)
                if isinstance(found, Subscription):
                    await self.subscriptions.begin(found)
                    found = Response(b"")
            finally:
                if allowances is not None:
                    allowances.give_back(caller.id)
        except BadRequest as bad:
            found = refused_response(bad, PLAIN_JSON, record)
        except (RateLimitedError, SlowStatementError, UnavailableError) as fault:
            found = refused_response(BadRequest(503, fault.message, fault.code), PLAIN_JSON, record)
        except Exception:
            found = failed_response("an operation of a WebSocket", record)
        self.observation.note(record, found.status)
        return found.body or None

    async def _prepared(
        self,
        subscriber: Subscriber,
        key: str,
        asked: GraphQLRequest,
        headers: Mapping[bytes, str],
        caller: Actor,
        record: RequestRecord,
    ) -> Subscription | Response:
        """A subscription that is about to begin, or the response to another operation or to one that is refused.

        Raises:
            BadRequest: it may not be asked for so.
        """
        if caller is PUBLIC:
            # Which refuses subscriptions as well.
            return await self._answer(asked, PLAIN_JSON, headers, caller, record)
        services = self._get_engine().services
        request_id = _request_id(headers)
        context = RequestContext(services, actor=caller, request_id=request_id, language=record.language)
        try:
            operation = await self._operation(asked)
            if operation.is_subscription:
                record.operation, record.context = operation, context
                return await self.subscriptions.prepare(subscriber, key, operation, asked.variables, context)
        except Refused as refused:
            return response_with_errors([presented(error, context, refused=True) for error in refused.errors], record)
        except InputError as error:
            return response_with_errors([presented(GraphQLError(error.message, original_error=error), context)], record)
        return await self._answer(asked, PLAIN_JSON, headers, caller, record)

    async def _operation(self, asked: GraphQLRequest) -> Operation:
        """The operation that is asked for.

        Raises:
            Refused, BadRequest: there is none.
        """
        services = self._get_engine().services
        text, name = self._persisted.text(asked.query, asked.document_id), asked.operation_name
        documents = services.documents
        return documents.known(text, name) or await services.compiling.operation(documents, text, name)

    async def _streamed(
        self,
        scope: Scope,
        asked: GraphQLRequest,
        headers: Mapping[bytes, str],
        receive: Receive,
        caller: Actor,
        record: RequestRecord,
    ) -> "Response | EventStream":
        """The response as a stream of events; errors of the request as usual.

        Raises:
            BadRequest: it may not be asked for so.
        """
        stream = EventStream(caller, record.language, lambda: self._verified(scope, headers), receive)
        try:
            found = await self._prepared(stream, "", asked, headers, caller, record)
        except RateLimitedError as error:
            raise BadRequest(429, error.message, error.code, {"retry-after": str(error.seconds)}) from None
        if isinstance(found, Subscription):
            return stream.serving(self.subscriptions, found)
        if found.status == 200 and found.media_type == PLAIN_JSON:
            return replace(found, body=finished(found.body), media_type=EVENT_STREAM)
        return found

    async def _verified(self, scope: Scope, headers: Mapping[bytes, str]) -> Actor:
        """Who has sent a request, now.

        Raises:
            BadRequest: what proved it no longer does, or that cannot be found out now.
        """
        actor = await self.callers.caller(scope, headers)
        if actor is PUBLIC:
            raise BadRequest(401, sentence("this needs authentication"), UnauthenticatedError.code)
        return actor

    async def _response(
        self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, record: RequestRecord
    ) -> "Response | EventStream | None":
        """The response, whatever happens; None where nobody waits for it any more."""
        try:
            return await self._respond(scope, headers, receive, record)
        except ClientDisconnect:
            return None
        except UnavailableError as fault:
            return unavailable(fault, record, PLAIN_JSON)
        except asyncio.CancelledError:
            # The server stops, and has waited for it for long enough.
            may_be_written = record.operation is not None and not record.operation.is_query
            return unavailable(
                OutcomeUnknownError() if may_be_written else UnavailableError(STOPPING), record, PLAIN_JSON
            )
        except Exception:
            return failed_response(f"{scope['method']} {scope['path']}", record)

    async def _respond(
        self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, record: RequestRecord
    ) -> "Response | EventStream":
        media = accepted(headers.get(b"accept", "*/*"))
        media_type = GRAPHQL_JSON if media == GRAPHQL_JSON else PLAIN_JSON
        record.language = self.language(headers)
        try:
            if self.refusal:
                return unavailable(UnavailableError(self.refusal), record, media_type)
            if media == HTML and self._is_page(scope):
                body, policy = page()
                return Response(body, media_type=HTML, headers={"content-security-policy": policy})
            caller = self.callers.known(scope, headers) or await self.callers.caller(scope, headers)
            if ACTOR in scope or caller.kind not in LIMITED:
                return await self._asked_and_answered(scope, headers, receive, caller, record)
            return await self._within_allowance(scope, headers, receive, caller, record)
        except BadRequest as bad:
            return refused_response(bad, media_type, record)

    def _is_page(self, scope: Scope) -> bool:
        """Whether somebody who takes HTML wants to look at GraphiQL."""
        is_asked = scope["method"] == "GET" and b"query=" not in scope["query_string"]
        return is_asked and self._settings.graphiql

    async def _within_allowance(
        self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, caller: Actor, record: RequestRecord
    ) -> "Response | EventStream":
        """The response to somebody who may send so many requests, which says how many are left.

        Raises:
            BadRequest: it has sent more.
        """
        allowances = self._get_engine().services.allowances
        try:
            left = await allowances.take(caller.id)
        except RateLimitedError as error:
            self.callers.note_refusal(scope, headers, error.message.partition(";")[0])
            raise BadRequest(429, error.message, error.code, {"retry-after": str(error.seconds)}) from None
        try:
            response = await self._asked_and_answered(scope, headers, receive, caller, record)
        finally:
            allowances.give_back(caller.id)
        told = {
            "ratelimit-policy": f'"requests";q={left.limit};w=60',
            "ratelimit": f'"requests";r={left.left};t={left.seconds}',
        }
        response.headers = {**response.headers, **told}
        return response

    async def _asked_and_answered(
        self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, caller: Actor, record: RequestRecord
    ) -> "Response | EventStream":
        method = scope["method"]
        if method == "POST":
            asked = await asked_by_post(headers, receive, self.limits(caller))
        elif method == "GET":
            asked = asked_by_get(scope["query_string"])
        else:
            raise BadRequest(
                405,
                sentence("{method} is not allowed; use {allowed}", method=method, allowed="POST"),
                headers={"allow": "GET, POST"},
            )
        media = accepted(headers.get(b"accept", "*/*"))
        if media is None:
            raise BadRequest(
                406,
                sentence(
                    "accept: this endpoint returns {graphql_json} or {json}", graphql_json=GRAPHQL_JSON, json=PLAIN_JSON
                ),
            )
        if media == EVENT_STREAM:
            return await self._streamed(scope, asked, headers, receive, caller, record)
        media_type = GRAPHQL_JSON if media == GRAPHQL_JSON else PLAIN_JSON
        return await self._answer(asked, media_type, headers, caller, record)

    async def _answer(
        self,
        asked: GraphQLRequest,
        media_type: str,
        headers: Mapping[bytes, str],
        caller: Actor,
        record: RequestRecord,
    ) -> Response:
        engine = self._get_engine()
        context = record.context = RequestContext(
            engine.services, actor=caller, request_id=_request_id(headers), language=record.language
        )
        compiling = engine.services.compiling
        text = self._persisted.text(asked.query, asked.document_id)
        if caller is PUBLIC and not await compiling.run(lambda: _is_public(text, engine)):
            message = sentence("this needs authentication; send `Authorization: Bearer` and an API key or a token")
            raise BadRequest(401, message, UnauthenticatedError.code, {"www-authenticate": REALM})
        try:
            documents = engine.services.documents
            name = asked.operation_name
            operation = documents.known(text, name) or await compiling.operation(documents, text, name)
            record.operation = operation
            if operation.is_subscription:
                raise BadRequest(406, sentence("a subscription is answered as text/event-stream, or over WebSocket"))
            if asked.by_get and not operation.is_query:
                raise BadRequest(405, sentence("only queries are allowed by GET; use POST"), headers={"allow": "POST"})
            if operation.asks_about_schema:
                context.access.demand(INTROSPECT)
            if operation.is_introspection:
                # Where an argument has a value it may not have, graphql-core's executor says so.
                with suppress(GraphQLError):
                    operation.size(asked.variables)
                    kept = await self._introspection.answer(operation, operation.variables(asked.variables))
                    # Callers may get different answers, so no cache in between may keep one for all.
                    return kept.response(media_type, headers, {"cache-control": "private", "vary": "Accept"})
            result = await engine.answer(context, operation, asked.variables)
        except Refused as refused:
            errors = [presented(error, context, refused=True) for error in refused.errors]
            return response_with_errors(errors, record, media_type, 400 if media_type == GRAPHQL_JSON else 200)
        except InputError as error:
            result = OperationResult(b"null", [GraphQLError(error.message, original_error=error)])
        budget = self._settings.maximum_cost
        context.cost = result.cost
        said = _headers(result.cost, budget, record.language)
        return response_to(result, context, record, media_type, said, budget if asked.wants_cost else None)


def _is_public(text: str, engine: Engine) -> bool:
    """Whether a document has nothing but public operations, as far as its form tells; nothing else is looked at.

    What is wrong with another is not said, for it would tell of the schema.
    """
    try:
        document = parse(text, max_tokens=engine.services.settings.maximum_tokens, no_location=True)
    except GraphQLError:
        return False
    for part in document.definitions:
        if isinstance(part, FragmentDefinitionNode) or not isinstance(part, OperationDefinitionNode):
            return False
        allowed = {TYPENAME, *engine.assemble().public.get(part.operation.value, ())}
        for selected in part.selection_set.selections:
            if not isinstance(selected, FieldNode) or selected.name.value not in allowed:
                return False
    return True


# The same few costs come again and again.
@lru_cache(1024)
def _headers(cost: int, budget: int, language: Language) -> Mapping[str, str]:
    return {"graphql-cost": f"requested={cost}, budget={budget}", **said_in(language)}


def _request_id(headers: Mapping[bytes, str]) -> str | None:
    """The id that a client gives its request, if it is one that logs can hold."""
    given = headers.get(b"x-request-id")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else None
