"""GraphiQL in Chromium: with the very files it names, served locally, and without the internet."""

import base64
import hashlib
import re
import subprocess
import tarfile

import pytest

from schema.serve.graphiql import page as made
from tests.guanxi.cli.test_serve_command import ask, serving
from tests.schema.serve.test_browser import BROWSER, browser, page  # noqa: F401  (fixtures)
from tests.shares import EXHAUSTIVE

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium; install one, as by `apt-get install chromium`")

HTML = made()[0].decode()
#: What the page loads from elsewhere: address, and hash.
ASSETS = re.findall(r'(?:src|href)="(https://[^"]+)"\s+integrity="sha384-([^"]+)"', HTML)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('crm') / 'crm.db'}"
    with serving(url) as (_, address):
        ask(address, 'mutation { createCustomer(input: {name: "Äre"}) { customer { id } } }')
        yield address


def test_all_that_comes_from_elsewhere_is_of_one_version_and_checked():
    assert len(ASSETS) == len(re.findall(r'(?:src|href)="https?://', HTML)) == 6
    assert all(re.match(r"https://unpkg\.com/(@[\w-]+/)?[\w-]+@\d+\.\d+\.\d+/", address) for address, _ in ASSETS)


def test_without_the_internet_it_says_so_and_leads_to_the_schema(server, page):  # noqa: F811
    page.route("https://**", lambda route: route.abort())
    page.goto(server)
    page.get_by_text("cannot be reached").wait_for()
    page.get_by_label("API key or token").press("Control+Enter")
    page.get_by_text('"name": "Äre"').wait_for()
    page.get_by_role("link", name="The schema").click()
    page.wait_for_url("**/graphql/schema")
    assert page.get_by_role("link", name="Customer", exact=True).count() > 0


@pytest.mark.skipif(not EXHAUSTIVE, reason="it takes npm and the internet; run it with EXHAUSTIVE=1")
def test_the_files_it_names_are_those_and_ask_with_a_key(server, page, tmp_path):  # noqa: F811
    served = {address: _file(address, tmp_path) for address, _ in ASSETS}
    for address, digest in ASSETS:
        assert base64.b64encode(hashlib.sha384(served[address]).digest()).decode() == digest, address
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    kinds = {"js": "text/javascript", "css": "text/css"}
    page.route(
        "https://unpkg.com/**",
        lambda route: route.fulfill(
            body=served[route.request.url],
            content_type=kinds[route.request.url.rpartition(".")[2]],
            headers={"access-control-allow-origin": "*"},
        ),
    )
    asked = []
    page.on("request", lambda request: asked.append(request.headers.get("authorization")))
    page.goto(server)
    page.get_by_role("button", name="Execute query").click()
    page.locator(".result-window", has_text="Äre").wait_for()
    assert page.get_by_text("Authorization").count() > 0, "the editor of headers is open, with a place for the key"
    page.locator(".graphiql-editor-tool .CodeMirror").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.type('{"Authorization": "Bearer gx_wrong')
    page.get_by_role("button", name="Execute query").click()
    page.locator(".result-window", has_text="the API key is unknown").wait_for()
    assert "Bearer gx_wrong" in asked
    assert errors == []


def _file(address, folder):
    """The file of a package, out of its archive in npm's registry."""
    package, path = re.match(r"https://unpkg\.com/((?:@[\w-]+/)?[\w-]+@[\d.]+)/(.+)", address).groups()
    done = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    with tarfile.open(folder / done.stdout.strip()) as archive:
        return archive.extractfile(f"package/{path}").read()
