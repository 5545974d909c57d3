"""Pages in a real browser, on the machine of a server without authentication: none but its own can ask it anything."""

import json
import shutil
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.guanxi.cli.test_serve_command import ask, serving
from tests.shares import by_turns

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium; install one, as by `apt-get install chromium`")

COUNT = "{ customers { totalCount } }"
WRITE = 'mutation { createCustomer(input: {name: "Stolen"}) { customer { id } } }'
#: Each way in which a page can send a request, its answer or what kept it from being sent.
ATTEMPTS = {
    "as JSON": """fetch(URL, {method: "POST", headers: {"content-type": "application/json"}, body: BODY})""",
    "as plain text": """fetch(URL, {method: "POST", mode: "no-cors", body: BODY})""",
    "as JSON that claims to be text": """fetch(URL, {method: "POST", mode: "no-cors",
        headers: {"content-type": "text/plain;application/json"}, body: BODY})""",
    "as a blob of JSON": """fetch(URL, {method: "POST", mode: "no-cors",
        body: new Blob([BODY], {type: "application/json"})})""",
    "by beacon": """new Promise((done) => done(navigator.sendBeacon(URL, new Blob([BODY], {type: "application/json"}))))""",
    "by address": """fetch(URL + "?query=" + encodeURIComponent(JSON.parse(BODY).query), {mode: "no-cors"})""",
    "by form": """new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.name = "answer";
        frame.onload = () => frame.dataset.sent ? done() : null;
        document.body.append(frame);
        const form = document.createElement("form");
        Object.assign(form, {action: URL, method: "POST", enctype: "text/plain", target: "answer"});
        form.innerHTML = "<input type=hidden>";
        Object.assign(form.firstChild, {name: BODY.slice(0, -1), value: "}"});
        document.body.append(form);
        frame.dataset.sent = "yes";
        form.submit();
        setTimeout(done, 3000);
    })""",
    "by image": """new Promise((done) => {
        const image = new Image();
        image.onerror = image.onload = done;
        image.src = URL + "?query=" + encodeURIComponent("{ customers { totalCount } }");
    })""",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server; on which engine makes no difference to pages."""
    url = f"sqlite:///{tmp_path_factory.mktemp('crm') / 'crm.db'}"
    with serving(url) as (_, address):
        yield address


@contextmanager
def site(folder):
    """Another server of this machine, with an empty page; gives its port."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    (folder / "index.html").write_text("<!doctype html><title>evil</title><body></body>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Whoever has the name `evil.example` has given it the address of this machine.
        names = "--host-resolver-rules=MAP evil.example 127.0.0.1"
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", names])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


def sent(page, url, attempt, query=WRITE):
    """Sends a request from a page: what the page learns."""
    script = f"""async ([URL, BODY]) => {{
        try {{ const answer = await {attempt}; return answer?.text ? [answer.status, await answer.text()] : null }}
        catch (error) {{ return [0, String(error)] }}
    }}"""
    return page.evaluate(script, [url, json.dumps({"query": query})])


def count(url):
    return ask(url, COUNT)["data"]["customers"]["totalCount"]


@pytest.mark.parametrize(("host", "name"), by_turns(["localhost", "127.0.0.1", "evil.example"], list(ATTEMPTS)))
def test_a_page_of_another_site_writes_and_learns_nothing(server, page, tmp_path, host, name):
    before = count(server)
    with site(tmp_path) as port:
        page.goto(f"http://{host}:{port}/")
        learnt = sent(page, server, ATTEMPTS[name])
    assert count(server) == before
    assert "totalCount" not in str(learnt) and "customer" not in str(learnt)


def test_a_page_under_a_name_that_was_given_this_address_writes_and_learns_nothing(server, page):
    before = count(server)
    address = server.replace("127.0.0.1", "evil.example")
    page.goto(address)
    # The same origin to the browser, which therefore lets the page read every answer.
    for query in (WRITE, COUNT):
        status, answer = sent(page, address, ATTEMPTS["as JSON"], query)
        assert status == 403 and "host: evil.example is not a name of this server" in answer
    assert count(server) == before


def test_its_own_page_asks_and_writes(server, page):
    before = count(server)
    page.goto(server)
    status, answer = sent(page, server, ATTEMPTS["as JSON"])
    assert status == 200 and "cus_" in answer
    assert count(server) == before + 1
