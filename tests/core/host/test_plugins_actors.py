"""Plugins' own ways of saying who sends a request: the first that says so decides, and a failure never passes."""

import asyncio
import logging

import orjson
import pytest

from guanxi import Identity, Plugin, PluginError, Reject, UserError, hookimpl
from tests.keys import KEPT, administrator

LINK = """mutation ($input: LinkIdentityInput!) { linkIdentity(input: $input) { userErrors { message } } }"""


class Badge(Plugin):
    """Knows people by a badge."""

    name, version, api = "badge", "1.0", ">=1,<2"

    @hookimpl
    def actor(self, ctx, headers, address):
        badge = headers.get("x-badge")
        if badge == "fails":
            raise RuntimeError("inner secret of the badge reader")
        if badge == "refuses":
            raise Reject(UserError("LOST", "x-badge: it was reported lost; ask for a new one"))
        if badge == "nonsense":
            return "usr_1"
        if badge == "address":
            return Identity(address)
        return Identity(badge, headers.get("x-badge-email")) if badge else None


class Voice(Plugin):
    """Knows people by their voices, after the badge reader."""

    name, version, api = "voice", "1.0", ">=1,<2"
    after = ("badge",)

    @hookimpl
    async def actor(self, headers):
        await asyncio.sleep(0)
        if headers.get("x-voice"):
            return Identity(headers["x-voice"])
        return None


@pytest.fixture
def client(crm, clock):
    return crm(Badge, Voice, clock=clock)


@pytest.fixture
def people(client):
    """Two users, each known to one plugin as `one`."""
    admin = administrator(client)
    found = {}
    for plugin in ("badge", "voice"):
        found[plugin] = admin.create("User", name=plugin, email=f"{plugin}@example.com")["id"]
        given = {"issuer": f"plugin:{plugin}", "subject": "one", "userId": found[plugin]}
        assert admin.query(LINK, input=given)["linkIdentity"]["userErrors"] == []
    return found


def asked(client, headers):
    """Status, and the actor or the message."""
    body = orjson.dumps({"query": "{ viewer { actor } }"})
    status, _, answer = client.post(body, {"content-type": "application/json", **headers})
    answer = orjson.loads(answer)
    return status, answer["errors"][0]["message"] if status != 200 else answer["data"]["viewer"]["actor"]


def test_hook_actor_proves_the_user_that_its_subject_is_linked_to(client, people):
    assert asked(client, {"x-badge": "one"}) == (200, people["badge"])
    assert asked(client, {"x-voice": "one"}) == (200, people["voice"])


def test_the_first_plugin_that_says_so_decides(client, people):
    assert asked(client, {"x-badge": "one", "x-voice": "one"}) == (200, people["badge"])
    assert asked(client, {"x-badge": "unknown", "x-voice": "one"})[0] == 401


def test_a_plugin_cannot_name_somebody_in_another_s_name(client, people):
    """What one plugin calls `one` is not whom the other calls so."""
    assert people["badge"] != people["voice"]


@pytest.mark.parametrize(
    ("badge", "said"),
    [
        ("fails", "plugin 'badge' could not check who sends this; the server's log says why"),
        ("nonsense", "plugin 'badge' could not check who sends this; the server's log says why"),
        ("refuses", "x-badge: it was reported lost; ask for a new one"),
    ],
)
def test_what_it_raises_refuses_and_nobody_else_is_asked(client, people, caplog, badge, said):
    with caplog.at_level(logging.ERROR):
        assert asked(client, {"x-badge": badge, "x-voice": "one"}) == (401, said)
    assert ("guanxi.access" in caplog.text) is (badge != "refuses")


def test_whoever_says_nothing_is_nobody(client, people):
    assert asked(client, {})[0] == 401


def test_a_first_sign_in_is_found_by_the_address_a_plugin_has_verified(client, people):
    assert asked(client, {"x-badge": "two", "x-badge-email": "voice@example.com"}) == (200, people["voice"])
    assert asked(client, {"x-badge": "two"}) == (200, people["voice"])
    assert asked(client, {"x-badge": "three", "x-badge-email": "voice@example.com"})[0] == 401


def test_a_hook_gets_the_client_s_address(client, people):
    admin = administrator(client)
    admin.query(LINK, input={"issuer": "plugin:badge", "subject": "127.0.0.1", "userId": people["badge"]})
    assert asked(client, {"x-badge": "address"}) == (200, people["badge"])


def test_an_api_key_goes_first(client, people):
    admin = administrator(client)
    status, actor = asked(admin, {"authorization": admin._headers["authorization"], "x-badge": "fails"})
    assert status == 200 and actor.startswith("key_")


def test_an_argument_that_the_hook_does_not_have_stops_the_start(crm):
    class Wrong(Plugin):
        name, version, api = "wrong_actor", "1.0", ">=1,<2"

        @hookimpl
        def actor(self, request):
            return None

    with pytest.raises(PluginError, match="takes no argument request; available: ctx, headers, address"):
        crm(Wrong)


def test_an_address_that_failed_too_often_is_not_asked_of_plugins(crm, clock):
    """What a plugin checks can be a password, which can be guessed."""
    client = crm(Badge, clock=clock, failed_authentications_per_minute=2)
    admin = administrator(client)
    assert [asked(client, {"x-badge": "refuses"})[0] for _ in range(3)] == [401, 401, 429]
    assert asked(client, {"x-badge": "address"})[0] == 429
    assert admin.query("{ viewer { role } }")["viewer"] == {"role": "ADMINISTRATOR"}


def test_a_session_begins_with_what_a_plugin_says_and_ends_with_the_link(client, people, clock):
    body = orjson.dumps({"credential": "badge"})
    sent = {"content-type": "application/json"}
    status, headers, answer = client.post(body, {**sent, "x-badge": "one"}, path="/session")
    assert status == 200
    page = {"cookie": headers["set-cookie"].partition(";")[0], "x-csrf-token": orjson.loads(answer)["csrfToken"]}
    assert asked(client, page) == (200, people["badge"])
    assert client.post(body, {**sent, "x-badge": "unknown"}, path="/session")[0] == 401
    administrator(client).query(
        "mutation ($id: ID!) { destroyUser(input: {id: $id}) { userErrors { message } } }", id=people["badge"]
    )
    clock.moment += KEPT
    assert asked(client, page)[0] == 401
