"""The GraphQL schema is made when it is first asked for; a server makes it before it is ready."""

import asyncio

import pytest

import guanxi.design
from guanxi import create_app, load_settings
from guanxi.cli.commands import cli, guarded
from guanxi.testing import running


@pytest.fixture
def schemas(monkeypatch):
    """The catalogs a schema was made of."""
    found = []
    assemble = guanxi.design.assemble
    monkeypatch.setattr(
        guanxi.design, "assemble", lambda catalog, host: found.append(catalog) or assemble(catalog, host)
    )
    return found


def test_work_without_queries_makes_no_schema(schemas, databases):
    app = create_app(load_settings(database_url=databases.empty()), [])
    app.migrate()
    with running(app) as client:
        client.deliver()
        assert schemas == []
        assert client.query("{ viewer { actor } }")
        assert client.query("{ customersAggregate { count } }")
        assert len(schemas) == 1
        assert app.assembled is app.assembled
    assert len(schemas) == 1


@pytest.mark.parametrize("arguments", [["migrate"], ["plugins"]], ids=str)
def test_a_command_that_needs_none_makes_no_schema(schemas, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUANXI_DATABASE_URL", f"sqlite:///{tmp_path}/crm.db")
    assert guarded(lambda: cli(arguments, prog_name="guanxi")) == 0
    assert schemas == []


def test_a_server_makes_it_before_it_is_ready(schemas, databases):
    app = create_app(load_settings(database_url=databases.empty()), [])
    app.migrate()

    async def start():
        messages = asyncio.Queue()
        started = asyncio.Event()

        async def send(message):
            assert message["type"].endswith(".complete"), message
            started.set()

        await messages.put({"type": "lifespan.startup"})
        server = asyncio.create_task(app({"type": "lifespan"}, messages.get, send))
        await started.wait()
        found = len(schemas)
        await messages.put({"type": "lifespan.shutdown"})
        await server
        return found

    assert asyncio.run(start()) == 1
