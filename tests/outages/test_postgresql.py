"""PostgreSQL is stopped, started and crashed under load: what was acknowledged is there, and all goes on by itself."""

import pytest

from tests.outages.clients import Clients, check, names
from tests.outages.cluster import cluster
from tests.outages.served import migrated, served


@pytest.fixture(scope="module")
def own_cluster():
    with cluster() as made:
        migrated(made.url)
        yield made


@pytest.mark.parametrize("how", ["stop", "crash"])
def test_what_was_acknowledged_is_there_and_it_goes_on_by_itself(own_cluster, how):
    with served(own_cluster.url) as server:
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
