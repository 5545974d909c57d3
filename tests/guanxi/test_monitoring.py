"""What a server answers to those who watch it, and what it logs of requests."""

import json
import logging
import subprocess

import orjson
import pytest

from core.access.permissions import MONITOR, NAMES
from core.migrations.runner import _versions
from guanxi import load_settings
from guanxi.logs import configure_logs
from tests.keys import administrator, create_key
from tests.warm import python

QUERY = "query Find($name: String) { customers(where: {name: {eq: $name}}) { totalCount } }"


def got(client, path, address="127.0.0.1", **headers):
    """Status and text of a page."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in {"host": "localhost", **headers}.items()
        ],
        "server": ("127.0.0.1", 80),
        "client": (address, 50000),
        "http_version": "1.1",
    }
    client.run(client.app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]).decode()


def figures(client):
    """The figures by name and labels."""
    _, text = got(client, "/metrics")
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_whether_it_lives_and_is_ready_is_told_to_anybody(crm):
    client = crm()
    administrator(client)
    for path, text in (("/healthz", "alive\n"), ("/readyz", "ready\n")):
        assert got(client, path, "192.0.2.7") == (200, text)


def test_it_is_not_ready_while_migrations_are_pending(crm, databases):
    if databases.engine == "sqlite":
        pytest.skip("a server brings its SQLite file up to date when it starts")
    client = crm()
    with client.app.database.connection() as connection:
        connection.exec_driver_sql(f"UPDATE {_versions(client.app.migrations[0]).name} SET version_num = '0001'")
    assert got(client, "/readyz") == (503, "migrations are pending\n")


def test_figures_are_for_programs_of_this_machine_and_for_who_may_watch(crm):
    client = crm()
    assert got(client, "/metrics")[0] == 200
    assert got(client, "/metrics", "192.0.2.7")[0] == 403
    assert got(client, "/metrics", x_forwarded_for="192.0.2.7")[0] == 403
    operator = administrator(client)
    watches = create_key(operator, scopes=[MONITOR])["secret"]
    others = create_key(operator, role="SALES_OFFICE")["secret"]
    assert got(client, "/metrics", "192.0.2.7", authorization=f"Bearer {watches}")[0] == 200
    assert got(client, "/metrics", "192.0.2.7", authorization=f"Bearer {others}")[0] == 403
    assert got(client, "/metrics", "192.0.2.7", authorization="Bearer nobody")[0] == 401
    assert MONITOR in NAMES


def test_requests_are_counted_by_kind_status_and_code(crm):
    client = crm()
    client.create("Customer", name="Ann Secret")
    client.query(QUERY, name="Ann Secret")
    client.execute("{ nope }")
    client.execute("query Unknown { node(id: 7) { id } }")
    found = figures(client)
    assert found['guanxi_requests_total{code="",kind="mutation",status="200"}'] == 1
    assert found['guanxi_requests_total{code="",kind="query",status="200"}'] == 1
    assert found['guanxi_requests_total{code="GRAPHQL_VALIDATION_FAILED",kind="none",status="200"}'] >= 1
    assert found['guanxi_request_duration_seconds_count{kind="query"}'] >= 1
    assert found['guanxi_statements_total{kind="query"}'] == 1
    assert found['guanxi_statements_total{kind="mutation"}'] > 1
    assert found["guanxi_event_batches_total"] >= 1
    assert found["guanxi_database_up"] == 1
    # Nothing that a client or a customer chose.
    assert not any("Ann" in name or "Find" in name or "nope" in name for name in found)


def lines_of(caplog):
    return [record for record in caplog.records if record.name == "guanxi.request"]


def test_a_line_says_who_asked_what_and_nothing_of_its_values(crm, caplog):
    client = crm()
    with caplog.at_level(logging.INFO, "guanxi.request"):
        client.query(QUERY, name="Ann Secret")
        client.post(
            orjson.dumps(
                {"query": 'mutation Make { a: createCustomer(input: {name: "Ann Secret"}) { customer { name } } }'}
            ),
            {"content-type": "application/json", "x-request-id": "mine"},
        )
        client.execute("query Broken { customers(first: -1) { totalCount } }")
    made, broken = lines_of(caplog)
    assert (made.levelname, made.request_id, made.actor, made.kind) == ("INFO", "mine", "local", "mutation")
    assert (made.operation, made.fields, made.status) == ("Make", ["createCustomer"], 200)
    assert made.statements > 1 and made.ms > 0
    assert broken.codes == ["BAD_USER_INPUT"]
    assert "Secret" not in str([vars(record) for record in lines_of(caplog)])


def test_reads_have_a_line_where_it_is_asked_for_and_slow_ones_always(crm, caplog):
    client = crm()
    with caplog.at_level(logging.DEBUG, "guanxi.request"):
        client.query(QUERY, name="Ann")
    assert [line.levelname for line in lines_of(caplog)] == ["DEBUG"]
    caplog.clear()
    slow = crm(slow_request_ms=1)
    with caplog.at_level(logging.INFO, "guanxi.request"):
        slow.create("Customer", name="Ann")
    assert [line.levelname for line in lines_of(caplog)] == ["WARNING"]


@pytest.fixture
def root():
    """The root logger, which is as it was afterwards."""
    found, ours = logging.getLogger(), logging.getLogger("guanxi")
    before = found.handlers[:], found.level, ours.level
    yield found
    found.handlers[:], level, our_level = before
    found.setLevel(level)
    ours.setLevel(our_level)


def test_every_logger_writes_one_object_per_line_for_machines(root, capsys):
    configure_logs(load_settings(log_format="json"))
    logging.getLogger("guanxi.request").info("request", extra={"ms": 1.5, "fields": ["customers"]})
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("guanxi.plugins.loyalty").exception("hook %s failed", "shutdown")
    request, failed = map(json.loads, capsys.readouterr().err.splitlines())
    assert (request["level"], request["logger"], request["ms"]) == ("info", "guanxi.request", 1.5)
    assert failed["event"] == "hook shutdown failed" and "two\nlines" in failed["exception"]


def test_for_people_it_writes_text(root, capsys):
    configure_logs(load_settings(log_format="text", log_level="WARNING"))
    logging.getLogger("guanxi.request").info("request")
    logging.getLogger("guanxi.request").warning("request", extra={"ms": 1.5})
    (line,) = capsys.readouterr().err.splitlines()
    assert "ms=1.5" in line and not line.startswith("{")


TRACED = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
spans = InMemorySpanExporter()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(spans))
from guanxi import Plugin, hookimpl
from guanxi.testing import app_with

class Checks(Plugin):
    name, version, api = "checks", "1.0", ">=1,<2"

    @hookimpl
    def validate(self, ctx, changes):
        return []

with app_with(Checks) as client:
    client.create("Customer", name="Ann")
    spans.clear()
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = b'{"query": "mutation Make { createCustomer(input: {name: \\\\"Ann\\\\"}) { customer { id } } }"}'
    client.post(body, {"content-type": "application/json", "traceparent": parent})
    for span in spans.get_finished_spans():
        print(span.name, format(span.context.trace_id, "032x"), dict(span.attributes))
"""


def test_spans_are_made_where_opentelemetry_is_set_up():
    done = subprocess.run([python(), "-c", TRACED], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert all(" 0af7651916cd43dd8448eb211c80319c " in line for line in lines)
    names = [line.partition(" 0af")[0] for line in lines]
    assert names[-1] == "request" and "statements" in names and "hook validate" in names
    assert "'graphql.operation.name': 'Make'" in lines[-1]
    assert "Ann" not in done.stdout
