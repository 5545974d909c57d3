"""The pages of the schema: all of it is there, links lead somewhere, examples are valid, and not everybody sees them."""

import gzip
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin

import pytest
from graphql import parse, validate
from graphql.execution.values import get_variable_values

from guanxi import create_app, load_settings
from guanxi.testing import running
from schema.serve.reference.examples import examples
from schema.serve.reference.origins import Origins
from schema.serve.reference.pages import _inline
from tests.keys import KEPT, create_key
from tests.schema.serve.test_sessions import logged_in

ROOT = "/graphql/schema"


class Page(HTMLParser):
    """The ids and links of a page."""

    def __init__(self, address, text):
        super().__init__()
        self.address, self.ids, self.links, self.open = address, set(), set(), []
        self.feed(text)
        assert self.open == [] or self.open == ["html"], (address, self.open)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        assert tag != "script" and not any(name.startswith("on") or name == "style" for name in attributes)
        self.ids |= {attributes["id"]} if "id" in attributes else set()
        self.links |= {urljoin(self.address, attributes["href"])} if "href" in attributes else set()
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, self.address


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """An app with all plugins of the distribution; to pages of the schema the engine makes no difference."""
    app = create_app(load_settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('crm') / 'crm.db'}"))
    app.migrate()
    return app


@pytest.fixture(scope="module")
def client(app):
    with running(app) as client:
        yield client


def got(client, path, headers=None, query=""):
    status, sent, body = client.post(b"", headers, "GET", query, path=path)
    if sent.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return status, sent, body.decode()


def test_every_type_and_field_is_there_and_every_link_leads_somewhere(app, client):
    schema = app.assembled.graphql
    names = [name for name in schema.type_map if not name.startswith("__")]
    addresses = [ROOT, *(f"{ROOT}/{name}" for name in names)]
    pages = {address: Page(address, got(client, address)[2]) for address in addresses}
    assert len(pages) > 1000
    for name in names:
        members = {*getattr(schema.type_map[name], "fields", {}), *getattr(schema.type_map[name], "values", {})}
        assert members <= pages[f"{ROOT}/{name}"].ids
    linked = {link for page in pages.values() for link in page.links}
    for link in linked:
        address, _, place = link.partition("#")
        if address in ("/", "/graphql"):
            assert unquote(place).startswith("query=") or not place
        else:
            assert address in pages and (not place or place in pages[address].ids), link
    reached, new = set(), {ROOT}
    while new:
        reached |= new
        new = {link.partition("#")[0] for address in new for link in pages[address].links} - reached - {"/graphql", "/"}
    assert reached == pages.keys()


def test_examples_of_every_record_are_valid(app):
    schema = app.assembled.graphql
    count = 0
    for record in app.catalog.records.values():
        for example in examples(schema, record):
            document = parse(example.text)
            assert validate(schema, document) == [], example.text
            asked = document.definitions[0].variable_definitions or ()
            problems = get_variable_values(schema, asked, dict(example.variables))
            assert not isinstance(problems, list), problems
            count += 1
    assert count > 2 * len(app.catalog.records)


def test_what_a_plugin_declares_is_said_to_be_its_own(app, client):
    schema = app.assembled.graphql
    origins = Origins(schema, app.catalog)
    for record in app.catalog.records.values():
        assert origins.of_type(record.name) == record.owner
        kind = schema.type_map[record.name]
        for field in record.fields.values():
            if field.name in kind.fields:
                owner = origins.of_field(kind, kind.fields[field.name])
                assert owner == (record.owner if field.owner == "core" else field.owner)
    assert origins.of_type("SurveyWhere") == origins.of_type("CreateSurveyInput") == "satisfaction_surveys"
    assert origins.of_type("KeyCustomerReport") == "value_tiering" and origins.of_type("CustomerPayload") == "core"
    _, _, page = got(client, f"{ROOT}/Customer")
    assert re.search(r'<dt id="valueTier"><code>valueTier</code>.*?<span class="from">value_tiering</span></dt>', page)
    assert re.search(r'<dt id="industry"><code>industry</code>[^s]*?</dt>', page)


def test_types_and_fields_are_found_by_words(client):
    def found(text):
        return re.findall(r'<li><a href="schema/(\w+)(?:#(\w+))?">', got(client, ROOT, query=f"search={text}")[2])

    assert found("customer")[0] == ("Customer", "")
    assert found("Customer.valueTier")[0] == ("Customer", "valueTier")
    assert ("Mutation", "moveOpportunity") in found("move+stage+mutation")
    assert ("Survey", "") in found("satisfaction_surveys")
    assert found("nothing-of-that-name") == []
    _, _, page = got(client, ROOT, query="search=%3Cscript%3E%22")
    assert "&lt;script&gt;&quot;" in page and "<script" not in page
    assert _inline("`a` <script>\n& more") == "<code>a</code> &lt;script&gt; &amp; more"


def test_a_page_is_packed_once_kept_by_browsers_and_runs_nothing(client):
    status, headers, _ = got(client, f"{ROOT}/Customer", {"accept-encoding": "gzip"})
    assert (status, headers["content-encoding"], headers["cache-control"]) == (200, "gzip", "private, no-cache")
    assert (
        "script-src" not in headers["content-security-policy"] and "'unsafe" not in headers["content-security-policy"]
    )
    again = {"accept-encoding": "gzip", "if-none-match": headers["etag"]}
    assert got(client, f"{ROOT}/Customer", again)[0] == 304
    _, _, page = got(client, f"{ROOT}/Customer", {"accept-language": "zh-CN"})
    assert '<html lang="zh-Hans">' in page and "<h2>字段</h2>" in page
    assert got(client, f"{ROOT}/Unicorn")[0] == 404 and got(client, f"{ROOT}/__Type")[0] == 404


def test_it_is_shown_to_those_who_may_see_the_schema(crm, clock):
    client = crm(clock=clock)
    assert got(client, ROOT)[0] == 200
    keys = {role: create_key(client, role)["secret"] for role in ("ADMINISTRATOR", "PARTNER")}
    clock.moment += KEPT
    status, _, page = got(client, f"{ROOT}/Customer")
    assert status == 401 and "industry" not in page and 'href="../../"' in page
    statuses = {}
    for role, secret in keys.items():
        session = logged_in(client, secret)[0]
        # Browsers send no token when somebody follows a link.
        for headers in ({"authorization": f"Bearer {secret}"}, {"cookie": session["cookie"]}):
            status, _, page = got(client, f"{ROOT}/Customer", headers)
            statuses.setdefault(role, set()).add((status, "industry" in page))
    assert statuses == {"ADMINISTRATOR": {(200, True)}, "PARTNER": {(403, False)}}
