"""Routes of plugins: who is answered, with which rights, and what becomes of what goes wrong."""

import json
from hmac import compare_digest

import pytest
from starlette.responses import JSONResponse

from guanxi import (
    BadRequest,
    InputError,
    Permission,
    Plugin,
    PluginError,
    PluginRoute,
    Reject,
    UserError,
    hookimpl,
)
from guanxi.records import Task
from tests.keys import KEPT, administrator, create_key

NAMES = "{ customers { nodes { name } } }"


async def names(ctx, request):
    found = (await ctx.query(NAMES))["customers"]["nodes"]
    return JSONResponse({"names": [one["name"] for one in found], "by": ctx.actor.kind})


async def note(ctx, request):
    subject = (await request.body()).decode()

    def work(ctx):
        ctx.session.add(Task(subject=subject))

    await ctx.transact(work)
    return JSONResponse({"noted": subject}, 201)


async def open_link(ctx, request):
    text, signature = request.path_params["text"], request.query_params.get("signature", "")
    if not compare_digest(ctx.sign(text).encode(), signature.encode()):
        raise BadRequest(403, "the link is not ours; ask for a new one", "LINK_INVALID")
    return JSONResponse({"opened": text})


async def fail(ctx, request):
    if request.path_params["how"] == "nothing":
        return
    raise {
        "input": InputError("day: it is missing; give one"),
        "reject": Reject(UserError("TOO_LATE", "it is too late")),
        "fault": RuntimeError("password of the database"),
    }[request.path_params["how"]]


class Routed(Plugin):
    name, version, api = "routed", "1.0", ">=1,<2"

    @hookimpl
    def register_permissions(self):
        yield Permission("routed.notes", "Take notes.")

    @hookimpl
    def register_routes(self):
        yield PluginRoute("/names", names)
        yield PluginRoute("/notes", note, methods=["POST"], permission="routed.notes")
        yield PluginRoute("/links/{text}", open_link, public=True)
        yield PluginRoute("/failures/{how}", fail)


def get(client, path, **more):
    status, headers, body = client.post(b"", method="GET", path=f"/plugins/routed{path}", **more)
    return status, json.loads(body) if headers["content-type"].startswith("application/json") else body


def test_hook_register_routes_answers_who_proves_who_it_is_with_what_it_may_see(crm, clock):
    client = crm(Routed, clock=clock)
    assert get(client, "/names") == (200, {"names": [], "by": "LOCAL"})
    assert get(client, "/names", address="192.0.2.1")[0] == 403
    admin = administrator(client)
    admin.create("Customer", name="Ann")
    partner = client.bearing(create_key(admin, "PARTNER")["secret"])
    assert get(admin, "/names") == (200, {"names": ["Ann"], "by": "INTEGRATION"})
    assert get(partner, "/names") == (200, {"names": [], "by": "INTEGRATION"})
    clock.moment += KEPT
    status, answer = get(client, "/names")
    assert (status, answer["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert partner.post(b"Call", path="/plugins/routed/notes")[0] == 403
    status, headers, _ = admin.post(b"Call", path="/plugins/routed/notes")
    assert (status, headers["x-content-type-options"]) == (201, "nosniff")
    tasks = admin.query("{ tasks { nodes { subject createdBy } } }")["tasks"]["nodes"]
    assert tasks == [{"subject": "Call", "createdBy": "plugin:routed"}]
    assert get(admin, "/elsewhere")[0] == 404
    assert get(admin, "/notes")[0] == 405


def test_a_public_route_opens_what_is_signed_and_has_who_guesses_wait(crm):
    client = crm(Routed, failed_authentications_per_minute=2)
    administrator(client)
    sign = client.app.services.sign
    own, others = sign("routed", "a"), sign("other", "a")
    assert get(client, "/links/a", query=f"signature={own}") == (200, {"opened": "a"})
    for signature in (others, "", own):
        path = "/links/b" if signature == own else "/links/a"
        status, answer = get(client, path, query=f"signature={signature}")
        assert status in (403, 429)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (429, "TOO_MANY_REQUESTS")
    assert get(client, "/links/a", query=f"signature={own}", address="192.0.2.1")[0] == 200


def test_what_goes_wrong_is_answered_as_graphql_answers_it_and_tells_nothing_of_how(crm, caplog):
    client = crm(Routed)
    assert get(client, "/failures/input") == (
        400,
        {"errors": [{"message": "day: it is missing; give one", "extensions": {"code": "BAD_USER_INPUT"}}]},
    )
    assert get(client, "/failures/reject")[1]["errors"][0]["extensions"] == {"code": "TOO_LATE"}
    for how, reason in (("fault", "password of the database"), ("nothing", "which is not a Starlette Response")):
        status, answer = get(client, f"/failures/{how}")
        assert (status, answer["errors"][0]["message"]) == (500, "something went wrong on the server")
        assert "routed" in caplog.text and reason in caplog.text


@pytest.mark.parametrize(
    ("route", "problem"),
    [
        (PluginRoute("names", names), "cannot be reached; write it as in"),
        (PluginRoute("/x/{a", names), "cannot be reached"),
        (PluginRoute("/../../graphql", names), "cannot be reached"),
        (PluginRoute("/names", names, methods=["FETCH"]), "there is no method 'FETCH'; available: GET"),
        (PluginRoute("/names", lambda ctx, request: None), "is not an async function"),
        (PluginRoute("/names", names, public=True, permission="personal"), "leave one of them out"),
        (PluginRoute("/names", names, permission="nobodys"), "'nobodys'; declare it in register_permissions"),
        (PluginRoute("/other", names, methods=["POST", "GET"]), "there are two of that path"),
        ("/names", "is not a guanxi.PluginRoute"),
    ],
)
def test_a_route_that_is_not_possible_stops_the_start(crm, route, problem):
    class Wrong(Plugin):
        name, version, api = "wrong", "1.0", ">=1,<2"

        @hookimpl
        def register_routes(self):
            return [PluginRoute("/other", names), route]

    with pytest.raises(PluginError, match=problem):
        crm(Wrong)
