"""The page in a real browser: one server with the sample data, and one Chromium, for all tests of this folder."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

from guanxi import create_app, load_settings
from guanxi.demo import sample
from guanxi.demo.entry import fill
from guanxi.testing import running
from tests.examples.test_sync import serving

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CREATE_KEY = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret userErrors { message } } }"


class Site:
    """A server with its page.

    Attributes:
        url: its address.
        keys: an API key of some roles.
    """

    def __init__(self, url, keys, browser):
        self.url = url
        self.keys = keys
        self._browser = browser

    def ask(self, query, **variables):
        """What the API answers an administrator."""
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.keys['ADMINISTRATOR']}"}
        body = json.dumps({"query": query, "variables": variables}).encode()
        with urlopen(Request(f"{self.url}/graphql", body, headers)) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    @contextmanager
    def visit(self, route="board", role="ADMINISTRATOR", *, width=1280, height=800, dark=False, language="en-GB"):
        """A page of somebody with a role, who has logged in; None has not. It loads nothing from elsewhere."""
        scheme = "dark" if dark else "light"
        size = {"width": width, "height": height}
        context = self._browser.new_context(viewport=size, color_scheme=scheme, locale=language)
        context.set_default_timeout(10_000)
        strange, faults = [], []
        context.on("request", lambda request: None if self._is_own(request.url) else strange.append(request.url))
        context.on("weberror", lambda problem: faults.append(problem.error))
        if role is not None:
            done = context.request.post(f"{self.url}/session", data={"credential": self.keys[role]})
            assert done.ok, done.text()
        page = context.new_page()
        page.goto(f"{self.url}/#/{route}")
        if role is not None:
            page.locator("main:not([aria-busy])").wait_for()
        try:
            yield page
        finally:
            context.close()
        assert not strange, f"the page asked {strange}"
        assert not faults, faults

    def _is_own(self, url):
        return url.startswith((f"{self.url}/", "data:"))


def filled(url, plugins, prepare, roles):
    """Fills a database; gives a key for each role."""

    def work():
        app = create_app(load_settings(database_url=url), plugins)
        app.migrate()
        with running(app) as client:
            prepare(client)
            # With the first key, requests without one are refused.
            ask = client.app.ask
            answers = {role: client.run(ask(CREATE_KEY, {"input": given})) for role, given in roles(client)}
        return {role: answer["createApiKey"]["secret"] for role, answer in answers.items()}

    # Playwright has this thread's event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


@contextmanager
def site(url, plugins, keys, browser, policies=None, *, trusts_loopback=False):
    """A server of a database, with these policies of its plugins."""
    app = create_app(load_settings(database_url=url, plugins=policies or {}), plugins, trusts_loopback=trusts_loopback)
    with serving(app) as address:
        yield Site(address.removesuffix("/graphql"), keys, browser)


@pytest.fixture(scope="package")
def browser():
    """A browser; while there is one, no test can run an event loop, so none that does belongs into this folder."""
    if BROWSER is None:
        pytest.skip("no Chromium; install one, as by `apt-get install chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def demo(browser, tmp_path_factory):
    """A quarter of the sample data, an administrator and a partner; credit control refuses instead of warning."""

    def roles(client):
        somebody = client.query("{ users(first: 1, where: {customers: {some: {}}}) { nodes { id } } }")
        user = somebody["users"]["nodes"][0]["id"]
        return [(role, {"name": role, "role": role, "userId": user}) for role in ("PARTNER", "ADMINISTRATOR")]

    def prepare(client):
        with pytest.MonkeyPatch.context() as patch:
            for name in ("CUSTOMERS", "CONTACTS", "OPPORTUNITIES"):
                patch.setattr(sample, name, getattr(sample, name) // 4)
            client.run(fill(client.app, lambda *progress: None))

    url = f"sqlite:///{tmp_path_factory.mktemp('page')}/crm.db"
    keys = filled(url, None, prepare, roles)
    with site(url, None, keys, browser, {"credit_scoring": {"control": "BLOCK"}}) as one:
        yield one
