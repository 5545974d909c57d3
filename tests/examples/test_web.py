"""The example with React and Relay: its documents fit the schema; with EXHAUSTIVE=1 it is built and used in Chromium."""

import json
import os
import re
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

import pytest
from graphql import REMOVE, DirectiveNode, Visitor, build_schema, parse, specified_rules, validate, visit
from graphql.validation import NoUndefinedVariablesRule, NoUnusedVariablesRule

from guanxi import create_app, load_settings
from tests.examples.serving import serving
from tests.shares import EXHAUSTIVE
from tests.snippets import ROOT

WEB = ROOT / "examples" / "web"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: What relay-compiler takes out of a document: its variables of fragments are not GraphQL's.
RELAY = {"arguments", "argumentDefinitions", "refetchable", "connection"}
RULES = [rule for rule in specified_rules if rule not in (NoUndefinedVariablesRule, NoUnusedVariablesRule)]


class _WithoutRelay(Visitor):
    def enter_directive(self, node: DirectiveNode, *_):
        return REMOVE if node.name.value in RELAY else None


def test_its_documents_fit_the_schema():
    texts = [
        text for file in sorted(WEB.rglob("src/*.tsx")) for text in re.findall(r"graphql`([^`]*)`", file.read_text())
    ]
    assert len(texts) == 5
    schema = build_schema((ROOT / "schema.graphql").read_text(), assume_valid=True)
    document = visit(parse("".join(texts)), _WithoutRelay())
    assert [error.message for error in validate(schema, document, RULES)] == []


def test_its_packages_have_exact_versions_and_no_addresses():
    package = json.loads((WEB / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}.values()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
    assert not list(WEB.glob("*lock*"))


@pytest.fixture
def built(tmp_path):
    """Builds it, for a server: gives the folder of its page."""
    # As it lies in the repository, whose schema it is compiled with.
    copy = tmp_path / "examples" / "web"
    shutil.copytree(WEB, copy, ignore=shutil.ignore_patterns("node_modules", "dist", "__generated__"))
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    (copy / "dist").mkdir()

    def build(url):
        def run(*command):
            done = subprocess.run(
                command, cwd=copy, env=os.environ | {"VITE_GUANXI": url}, capture_output=True, text=True, timeout=240
            )
            assert done.returncode == 0, done.stdout + done.stderr

        run("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent")
        run("npm", "run", "build")

    build.folder = copy / "dist"
    return build


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def ask(url, query, **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    with urlopen(Request(url, body, {"content-type": "application/json"})) as answer:
        return json.load(answer)["data"]


CUSTOMERS = (
    "mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items}) { userErrors { message } } }"
)
OPPORTUNITY = """mutation ($customer: ID!) { createOpportunity(input: {customerId: $customer, name: "Robots"
    expectedAmount: {amount: "1200000"}}) { opportunity { id version stage { name } } userErrors { message } } }"""
STAGE = "query ($id: ID!) { opportunity(id: $id) { stage { name } } }"
RENAME = """mutation ($id: ID!) { updateOpportunity(input: {id: $id, name: "Arms"}) { userErrors { message } } }"""


@pytest.mark.skipif(not EXHAUSTIVE, reason="to install and build it takes long; EXHAUSTIVE=1 does")
@pytest.mark.skipif(CHROMIUM is None or shutil.which("npm") is None, reason="it takes node, npm and Chromium")
def test_it_is_built_and_used_in_a_browser(built, tmp_path):
    from playwright.sync_api import expect, sync_playwright

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(built.folder))) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        home = f"http://127.0.0.1:{site.server_port}"
        app = create_app(load_settings(database_url=f"sqlite:///{tmp_path}/web.db", allowed_origins=[home]), [])
        app.migrate()
        with serving(app) as url, sync_playwright() as playwright:
            built(url)
            names = [f"Customer {number:02}" for number in range(25)]
            items = [{"name": name, "externalIds": [{"system": "test", "value": name}]} for name in names]
            assert ask(url, CUSTOMERS, items=items)["upsertCustomers"]["userErrors"] == []
            (customer,) = ask(url, "{ customers(first: 1) { nodes { id } } }")["customers"]["nodes"]
            deal = ask(url, OPPORTUNITY, customer=customer["id"])["createOpportunity"]["opportunity"]
            stages = [stage["name"] for stage in ask(url, "{ stages { name } }")["stages"]]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            faults = []
            page.on("pageerror", lambda fault: faults.append(fault))
            page.goto(home)
            rows = page.locator("tbody tr")
            expect(rows).to_have_count(20)
            page.get_by_role("button", name="More").click()
            expect(rows).to_have_count(25)
            page.get_by_label("Name").fill("customer 07")
            expect(rows).to_have_text([re.compile("Customer 07")])
            page.get_by_role("link", name="Board").click()
            columns = {name: page.get_by_role("region", name=name, exact=True) for name in stages}
            before, after, last = deal["stage"]["name"], stages[1], stages[2]
            card = page.locator("article")
            expect(columns[before].locator("article")).to_contain_text("Robots")
            # It is shown to have moved before the server has heard of it.
            held = []
            page.route(url, lambda route: held.append(route))
            card.drag_to(columns[after])
            expect(columns[after].locator("article")).to_contain_text("Robots")
            assert ask(url, STAGE, id=deal["id"])["opportunity"]["stage"]["name"] == before
            with page.expect_response(url):
                held.pop().continue_()
            page.unroute(url)
            assert ask(url, STAGE, id=deal["id"])["opportunity"]["stage"]["name"] == after
            # Somebody else has changed it meanwhile: it goes back, and says why.
            ask(url, RENAME, id=deal["id"])
            card.get_by_label("Stage").select_option(label=last)
            expect(page.get_by_role("alert")).to_contain_text("version")
            expect(columns[after].locator("article")).to_have_count(1)
            assert faults == []
            browser.close()
        site.shutdown()
