"""The page on hooks: each hook of the contract is on it as its docstring says, and its examples are one plugin."""

import importlib
import inspect
import json
import re
from datetime import timedelta
from importlib.metadata import entry_points
from textwrap import indent

import pytest

from core.host.contract import HOOK_NAMES, Hooks
from guanxi.demo.entry import _sample_plugins
from tests.keys import administrator
from tests.snippets import ROOT, snippets

PAGE = (ROOT / "docs" / "hooks.md").read_text()
PARTS = ("When", "Arguments", "Returns", "Transaction", "Failure")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
FIRST_PARTY = {
    point.name: point.load() for point in entry_points(group="guanxi.plugins") if point.value.startswith("plugins.")
}
PREAMBLE, *METHODS = snippets("docs/hooks.md", "python")


def flat(text: str) -> str:
    return " ".join(text.split())


def parts_of(hook: str) -> dict[str, str]:
    """What the docstring of a hook says, part by part; what it does is under the empty name."""
    doc = inspect.cleandoc(vars(Hooks)[hook].__doc__ or "")
    names = "|".join(PARTS)
    found = re.findall(rf"^({names}): (.*?)(?=^(?:{names}): |\Z)", doc, re.DOTALL | re.MULTILINE)
    return {"": doc.partition("\n")[0]} | {name: flat(text) for name, text in found}


def implements(plugin: type, hook: str) -> bool:
    return hasattr(getattr(plugin, hook, None), "guanxi_impl")


@pytest.mark.parametrize("hook", HOOK_NAMES)
def test_every_hook_says_when_it_runs_what_it_takes_and_what_happens_when_it_fails(hook):
    parts = parts_of(hook)
    assert tuple(parts) == ("", *PARTS)
    assert all(parts.values())


def test_the_page_has_every_hook_in_the_order_of_the_contract():
    assert tuple(SECTIONS) == HOOK_NAMES


@pytest.mark.parametrize("hook", HOOK_NAMES)
def test_a_section_says_what_the_docstring_says(hook):
    section = flat(SECTIONS[hook])
    for part, text in parts_of(hook).items():
        assert (f"- **{part}:** {text}" if part else text) in section


@pytest.mark.parametrize("hook", HOOK_NAMES)
def test_first_party_users_are_named_and_do_use_it(hook):
    line = re.search(r"^- \*\*First-party use:\*\* (.*)$", SECTIONS[hook], re.MULTILINE)
    named = re.findall(r"\[(\w+)\]\(\1\.md\)", line.group(1)) if line else []
    users = [name for name, plugin in FIRST_PARTY.items() if implements(plugin, hook)]
    assert set(named) <= set(users)
    assert named or not users, f"docs/hooks.md: name a first-party user of {hook}: {users}"


@pytest.mark.parametrize("hook", HOOK_NAMES)
def test_every_hook_is_tested_under_its_name(hook):
    tests = [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    assert any(re.search(rf"^def test_\w*hook_{hook}_", text, re.MULTILINE) for text in tests)


@pytest.fixture(scope="session")
def visits(tmp_path_factory):
    """The plugin that the examples are the methods of."""
    folder = tmp_path_factory.mktemp("visits")
    (folder / "visits_of_the_docs.py").write_text(PREAMBLE + "".join(indent(f"\n{text}", "    ") for text in METHODS))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return importlib.import_module("visits_of_the_docs").Visits


def test_every_section_has_its_hook_as_an_example(visits):
    for hook in HOOK_NAMES:
        assert f"\ndef {hook}(self" in SECTIONS[hook]
        assert implements(visits, hook)


VISIT = """mutation ($input: CreateVisitInput!) {
    createVisit(input: $input) { visit { id } userErrors { code message field plugin } } }"""


def _status(client, headers):
    """The status of an answer, and whom it takes the asker for."""
    body = json.dumps({"query": "{ viewer { actor } }"}).encode()
    status, _, answer = client.post(body, {"content-type": "application/json", **headers})
    return status, (json.loads(answer).get("data") or {"viewer": {"actor": None}})["viewer"]["actor"]


def test_the_examples_work_as_they_say(crm, clock, visits, tmp_path):
    diary = tmp_path / "diary.txt"
    settings = {"regular_from": 2, "diary": str(diary), "gateway_secret": "s3cret"}
    open_client = crm(visits, clock=clock, plugins={"visits": settings})
    client = administrator(open_client)
    eve = client.create("User", name="Eve", email="eve@example.com")["id"]
    gateway = {"x-gateway-user": "e-1", "x-gateway-email": "eve@example.com", "x-gateway-secret": "s3cret"}
    assert _status(open_client, gateway) == (200, eve)
    assert _status(open_client, {**gateway, "x-gateway-secret": "guess"}) == (401, None)
    assert _status(open_client, {}) == (401, None)
    made = client.query('mutation { createCustomer(input: {name: "Ann"}) { customer { id } } }')
    id = made["createCustomer"]["customer"]["id"]
    noted = client.query(
        "mutation ($id: ID!) { noteVisit(input: {customerId: $id}) { visit { day customer { isRegular visitCount } } } }",
        id=id,
    )
    assert noted["noteVisit"]["visit"] == {"day": "2025-06-15", "customer": {"isRegular": False, "visitCount": 1}}
    refused = client.query(VISIT, input={"customerId": id, "day": "2025-06-16"})["createVisit"]
    assert refused["userErrors"] == [
        {
            "code": "IN_FUTURE",
            "message": "day: 2025-06-16 is in the future; enter past visits only",
            "field": ["day"],
            "plugin": "visits",
        }
    ]
    assert not client.query(VISIT, input={"customerId": id, "day": "2025-06-14"})["createVisit"]["userErrors"]
    assert client.query("{ customers(where: {isRegular: {eq: true}}) { nodes { visitCount } } }") == {
        "customers": {"nodes": [{"visitCount": 2}]}
    }
    listed = client.post(b"", method="GET", path="/plugins/visits/list.txt")
    assert (listed[0], listed[2]) == (200, b"2025-06-14 Ann\n2025-06-15 Ann\n")
    assert open_client.post(b"", method="GET", path="/plugins/visits/list.txt")[0] == 401
    client.deliver()
    assert diary.read_text().splitlines() == [f"2025-06-15 {id}", f"2025-06-14 {id}"]
    erased = client.query(
        'mutation ($id: ID!) { erasePersonalData(input: {id: $id, reason: "asked"}) { userErrors { code } } }', id=id
    )
    assert erased == {"erasePersonalData": {"userErrors": []}}
    assert diary.read_text() == ""
    clock.moment += timedelta(days=365)
    assert client.run_job("forget_visits") == "1 visits forgotten"
    client.run(client.app.purge_elsewhere(client.app.host.named("visits")))
    assert not diary.exists()
    client.run(_sample_plugins(client.app, lambda *progress: None))
    assert client.query("{ visitsAggregate { count } }")["visitsAggregate"]["count"] in range(1, 5)
