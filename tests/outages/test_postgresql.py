"""PostgreSQL is stopped, started and crashed under load: what was acknowledged is there, and all goes on by itself."""

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.outages.clients import Clients, check, names
from tests.outages.cluster import cluster
from tests.outages.served import migrated, served
from tests.warm import python


@pytest.fixture(scope="module")
def own_cluster():
    with cluster() as made:
        migrated(made.url)
        yield made


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_what_was_acknowledged_is_there_and_it_goes_on_by_itself(own_cluster, how):
    with served(own_cluster.url, python=python()) as server:
        server.until_ready()
        with Clients(server.address, 6, prefix=how) as clients:
            clients.until(200)
            getattr(own_cluster, how)()
            clients.until(503)
            assert server.get("/healthz")[0] == 200
            assert server.get("/readyz") == (503, "the database cannot be reached\n")
            assert "guanxi_database_up 0.0" in server.get("/metrics")[1]
            own_cluster.start()
            server.until_ready()
            clients.until(200)
        check(clients.record, names(server.address))
        log = server.log
        assert server.stop()[0] == 0
    assert "Traceback" not in log
    # However many requests met it, the database's own log tells of it once.
    assert log.count('"logger":"guanxi.database"') < 10


WAYS = {
    "write": 'mutation { createCustomer(input: {name: "x"}) { customer { id } userErrors { code } } }',
    "read": "{ customers { totalCount } }",
    "query of a plugin": '{ stageRates(firstDay: "2025-01-01", lastDay: "2025-02-01") { won } }',
}


def test_a_server_that_hangs_is_given_up_in_time_and_used_again_when_it_goes_on(own_cluster):
    with (
        served(own_cluster.url, python=python(), statement_timeout_ms="1200") as server,
        ThreadPoolExecutor(3) as threads,
    ):

        def ask(text):
            request = urllib.request.Request(
                server.address, json.dumps({"query": text}).encode(), {"content-type": "application/json"}
            )
            began = time.monotonic()
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    status = answer.status
            except urllib.error.HTTPError as refused:
                status = refused.code
            return status, time.monotonic() - began

        server.until_ready()
        # So that each way has a connection, which is then open to a server that does not answer.
        assert [ask(text)[0] for text in WAYS.values()] == [200] * 3
        with own_cluster.hanging():
            answers = dict(zip(WAYS, threads.map(ask, WAYS.values()), strict=True))
        assert {way: status for way, (status, _) in answers.items()} == dict.fromkeys(WAYS, 503)
        # A write may be committed when it goes on, which is looked for in vain for a while.
        assert max(seconds for _, seconds in answers.values()) < 15
        server.until_ready()
        assert [ask(text)[0] for text in WAYS.values()] == [200] * 3
