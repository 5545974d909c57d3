"""Sessions of browsers over HTTP: `/session` begins one by POST, tells its token by GET and ends it by DELETE."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from core.base.actors import PUBLIC
from core.base.errors import UnauthenticatedError, UnavailableError
from core.base.sentences import sentence
from core.db.types import timestamp_text
from schema.serve.bad_request import BadRequest, Headers
from schema.serve.callers import Callers
from schema.serve.cookies import cleared, cookie, csrf_token
from schema.serve.http import Endpoint
from schema.serve.negotiation import PLAIN_JSON
from schema.serve.observation import RequestRecord
from schema.serve.parameters import json_by_post
from schema.serve.presentation import failed_response, refused_response, unavailable
from schema.serve.response import Response


class Sessions:
    """The ASGI application at `/session`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._callers: Callers = endpoint.callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        record = RequestRecord()
        try:
            response = await self._respond(scope, headers, receive, record)
        except ClientDisconnect:
            return
        except BadRequest as bad:
            response = refused_response(bad, PLAIN_JSON, record)
        except UnavailableError as fault:
            response = unavailable(fault, record, PLAIN_JSON)
        except Exception:
            response = failed_response(f"{scope['method']} {scope['path']}", record)
        await response.send(send)
        self._endpoint.observation.note(record, response.status)

    async def _respond(
        self, scope: Scope, headers: Mapping[bytes, str], receive: Receive, record: RequestRecord
    ) -> Response:
        record.language = self._endpoint.language(headers)
        if self._endpoint.refusal:
            raise UnavailableError(self._endpoint.refusal)
        method = scope["method"]
        if method == "POST":
            return await self._begin(scope, headers, receive)
        if method == "GET":
            return await self._tell(scope, headers)
        if method == "DELETE":
            return await self._end(scope, headers)
        allowed = "GET, POST, DELETE"
        message = sentence("{method} is not allowed; use {allowed}", method=method, allowed=allowed)
        raise BadRequest(405, message, headers={"allow": allowed})

    async def _begin(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive) -> Response:
        # Else another site could have a browser log in as somebody else than its user believes.
        self._callers.check_page(headers)
        given = await json_by_post(headers, receive, self._endpoint.limits(PUBLIC))
        credential = given.get("credential") if isinstance(given, dict) else None
        if not isinstance(credential, str):
            raise BadRequest(400, sentence("credential: an API key or a token is required, as a string"))
        services = self._callers.services
        sign_in = await self._callers.sign_in(scope, headers, credential.strip())
        before = await self._callers.living_session(scope, headers)
        async with self._callers.counted(sign_in.actor):
            new = await services.authentication.begin_session(sign_in)
            if before is not None:
                # The browser forgets it, so nobody could end it any more.
                await services.authentication.end_session(before[0])
        # A proxy that ends TLS does not say so to everybody, but a page knows by which address it was loaded.
        is_secure = scope["scheme"] == "https" or headers.get(b"origin", "").startswith("https://")
        sent = {"set-cookie": cookie(services.secret, new.secret, new.seconds, is_secure=is_secure)}
        token = csrf_token(services.secret, new.secret)
        return _answered({"csrfToken": token, "expiresAt": timestamp_text(new.expires_at)}, sent)

    async def _tell(self, scope: Scope, headers: Mapping[bytes, str]) -> Response:
        living = await self._callers.living_session(scope, headers)
        if living is not None:
            return _answered({"csrfToken": csrf_token(self._callers.services.secret, living[0])})
        if await self._callers.caller(scope, headers) is PUBLIC:
            message = sentence("nobody is logged in; send an API key or a token as credential by POST")
            raise BadRequest(401, message, UnauthenticatedError.code)
        return _answered({"csrfToken": None})

    async def _end(self, scope: Scope, headers: Mapping[bytes, str]) -> Response:
        living = await self._callers.living_session(scope, headers)
        if living is not None:
            self._callers.check_token(scope, headers, living[0])
            await self._callers.services.authentication.end_session(living[0])
        return Response(b"", 204, headers={"set-cookie": cleared()})


def _answered(answer: Any, headers: Headers | None = None) -> Response:
    return Response(orjson.dumps(answer), headers=headers or {})
