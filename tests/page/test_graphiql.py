"""GraphiQL in Chromium: with the very files it names, served locally, and without the internet; and the schema."""

import base64
import hashlib
import json
import re
import subprocess
import tarfile

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from schema.serve.graphiql import page as made
from tests.shares import EXHAUSTIVE

HTML = made()[0].decode()
#: What the page loads from elsewhere: address, and hash.
ASSETS = re.findall(r'(?:src|href)="(https://[^"]+)"\s+integrity="sha384-([^"]+)"', HTML)

_SERIOUS = ("serious", "critical")


@pytest.fixture
def page(browser):
    context = browser.new_context()
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def test_all_that_comes_from_elsewhere_is_of_one_version_and_checked():
    assert len(ASSETS) == len(re.findall(r'(?:src|href)="https?://', HTML)) == 6
    assert all(re.match(r"https://unpkg\.com/(@[\w-]+/)?[\w-]+@\d+\.\d+\.\d+/", address) for address, _ in ASSETS)


def test_without_the_internet_it_says_so_and_leads_to_the_schema(demo, page):
    page.route("https://**", lambda route: route.abort())
    page.goto(f"{demo.url}/graphql")
    expect(page.get_by_text("which cannot be reached")).to_be_visible()
    page.get_by_label("Query").press("Control+Enter")
    expect(page.get_by_label("Answer")).to_contain_text("this needs authentication")
    page.get_by_label("API key or token").fill(demo.keys["ADMINISTRATOR"])
    page.get_by_label("API key or token").press("Enter")
    count = demo.ask("{ customers { totalCount } }")["customers"]["totalCount"]
    expect(page.get_by_label("Answer")).to_contain_text(f'"totalCount": {count}')

    page.get_by_role("link", name="The schema").click()
    expect(page.get_by_text("the schema is shown to whoever is logged in")).to_be_visible()
    assert page.request.post(f"{demo.url}/session", data={"credential": demo.keys["ADMINISTRATOR"]}).ok
    page.reload()
    page.get_by_role("searchbox").fill("customer value tier")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="Customer.valueTier", exact=True).click()
    expect(page.locator("dt:target")).to_contain_text("valueTier")
    assert [found["id"] for found in Axe().run(page).response["violations"] if found["impact"] in _SERIOUS] == []
    # What an example leads to is asked by the session.
    page.get_by_text("Examples", exact=True).click()
    page.get_by_role("link", name="Open it in GraphiQL").first.click()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_label("Answer")).to_contain_text('"hasNextPage": true')


@pytest.mark.skipif(not EXHAUSTIVE, reason="it takes npm and the internet; run it with EXHAUSTIVE=1")
def test_the_files_it_names_are_those_and_ask_by_session_or_key(demo, page, tmp_path):
    served = {address: _file(address, tmp_path) for address, _ in ASSETS}
    for address, digest in ASSETS:
        assert base64.b64encode(hashlib.sha384(served[address]).digest()).decode() == digest, address
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    kinds = {"js": "text/javascript", "css": "text/css"}
    page.route(
        "https://unpkg.com/**",
        lambda route: route.fulfill(
            body=served[route.request.url],
            content_type=kinds[route.request.url.rpartition(".")[2]],
            headers={"access-control-allow-origin": "*"},
        ),
    )
    assert page.request.post(f"{demo.url}/session", data={"credential": demo.keys["ADMINISTRATOR"]}).ok
    page.goto(f"{demo.url}/graphql")
    result = page.locator(".result-window")
    page.get_by_role("button", name="Execute query").click()
    expect(result).to_contain_text("totalCount")
    _type(page, page.locator(".graphiql-editor-tool .CodeMirror").last, '{"Authorization": "Bearer gx_wrong')
    page.get_by_role("button", name="Execute query").click()
    expect(result).to_contain_text("the API key is unknown")
    _type(page, page.locator(".graphiql-editor-tool .CodeMirror").last, "{")
    _type(page, page.locator(".graphiql-query-editor .CodeMirror"), "subscription { customersChanged { change ")
    page.get_by_role("button", name="Execute query").click()
    expect(page.get_by_role("button", name="Stop query")).to_be_visible()
    demo.ask('mutation { createCustomer(input: {name: "Heard"}) { customer { id } } }')
    expect(result).to_contain_text("ENTERED")
    assert faults == []


def _type(page, editor, text):
    """Replaces what an editor has, which closes brackets itself."""
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type(text)


def _file(address, folder):
    """The file of a package, out of its archive in npm's registry."""
    package, path = re.match(r"https://unpkg\.com/((?:@[\w-]+/)?[\w-]+@[\d.]+)/(.+)", address).groups()
    done = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    with tarfile.open(folder / done.stdout.strip()) as archive:
        return archive.extractfile(f"package/{path}").read()


def test_no_other_page_has_the_browser_of_somebody_who_is_logged_in_write_or_read(demo, page, tmp_path):
    """Another port of the same machine is the same site, so that the browser sends the cookie with all of these."""
    from tests.schema.serve.test_browser import ATTEMPTS, site

    count = "{ customers { totalCount } }"
    write = json.dumps({"query": 'mutation { createCustomer(input: {name: "Stolen"}) { customer { id } } }'})
    before = demo.ask(count)
    assert page.request.post(f"{demo.url}/session", data={"credential": demo.keys["ADMINISTRATOR"]}).ok
    cookies = []
    page.on("request", lambda request: cookies.append("guanxi_session" in request.all_headers().get("cookie", "")))
    with site(tmp_path) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        for attempt in ATTEMPTS.values():
            sending = attempt.replace("method: ", 'credentials: "include", method: ')
            script = (
                f"async ([URL, BODY]) => {{ try {{ const a = await {sending}; return await a.text() }} catch {{}} }}"
            )
            learnt = page.evaluate(script, [f"{demo.url}/graphql", write])
            assert "cus_" not in str(learnt)
        reading = "URL => fetch(URL, {credentials: 'include'}).then((answer) => answer.text()).catch(() => '')"
        assert "csrfToken" not in page.evaluate(reading, f"{demo.url}/session")
    assert any(cookies), "else nothing was tried"
    assert demo.ask(count) == before
