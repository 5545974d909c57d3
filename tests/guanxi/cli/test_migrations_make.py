"""`guanxi migrations make` writes the revisions of a plugin that had none, out of a database of its last version."""

import importlib
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

import guanxi.app
from core.migrations.runner import differences
from guanxi import PluginError, create_app, load_settings
from guanxi.cli.commands import cli, guarded
from guanxi.testing import running

SHELVING = '''
from datetime import datetime
from decimal import Decimal

from guanxi import Facet, Money, Plugin, Record, Vocabulary, column, hookimpl, reference
from guanxi.records import Customer


class Wood(Vocabulary):
    """Of what a rack is made."""

    OAK = "OAK", "Oak."


class Dust(Facet, of="Customer", plugin="shelving"):
    grams: int = 0


class Rack(Record, plugin="shelving", prefix="rack"):
    """Where things of a customer lie."""

    customer_id: str = reference(Customer, "Whose.", inverse="racks", on_destroy="CASCADE")
    above_id: str | None = reference("Rack", "The rack above.", default=None)
    label: str = column("What it says.", index=True)
    wood: Wood = column("Of what.", default=Wood.OAK)
    width: Decimal | None = column("How wide.", default=None)
    price: Money | None = column("What it cost.", default=None, index=True)
    things: list[str] = column("What lies there.", default_factory=list)
    put_up_at: datetime | None = column("When it was put up.", default=None)
    dusted_by: str | None = column("Who dusted it last: since version 2.", default=None, exact=True, index=True)


class Shelving(Plugin):
    name, version, api = "shelving", "2.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Rack]
'''
CREATE = """mutation ($id: ID!, $label: String!) { createRack(input: {
    customerId: $id, label: $label, width: "1.25", price: {amount: "9.50"}, things: ["a"], putUpAt: "2025-01-01T00:00:00Z"
}) { rack { label wood width price { amount } things putUpAt dustedBy } userErrors { message } } }"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The plugin's package, as of its version 2."""
    folder = tmp_path_factory.mktemp("racks")
    (folder / "shelving").mkdir()
    (folder / "shelving" / "__init__.py").write_text(SHELVING)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return importlib.import_module("shelving")


@pytest.fixture
def make(package, monkeypatch, capsys):
    """Runs the command on a database, and gives its exit code and what it said."""
    shutil.rmtree(Path(package.__file__).parent / "migrations", ignore_errors=True)

    def run(url, *more):
        app = app_on(url, package)
        monkeypatch.setattr(guanxi.app, "create_app", lambda: app)
        code = guarded(lambda: cli(["migrations", "make", "shelving", *more]))
        app.database.close()
        captured = capsys.readouterr()
        return code, (captured.out + captured.err).strip()

    return run


def app_on(url, package):
    return create_app(load_settings(database_url=url), [package.Shelving])


def of_version_1(url, package):
    """Makes the database of a plugin that has no revisions, as its version 1 left it: with a rack in it."""
    app = app_on(url, package)
    app.migrate()
    with running(app) as client:
        made = client.query('mutation { createCustomer(input: {name: "Ann"}) { customer { id } } }')
        client.query(CREATE, id=made["createCustomer"]["customer"]["id"], label="first")
    app = app_on(url, package)
    with app.database.engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_shelving_rack_dusted_by"))
        connection.execute(text("ALTER TABLE shelving_rack DROP COLUMN dusted_by"))
    app.database.close()


def test_the_last_version_becomes_the_baseline_and_the_change_a_revision(databases, package, make):
    old, new = databases.fresh(), databases.fresh()
    of_version_1(old, package)
    app = app_on(old, package)
    with pytest.raises(PluginError) as caught:
        app.migrate()
    app.database.close()
    assert caught.value.message == (
        "plugin 'shelving', tables: they differ from those in the database; run `guanxi migrations make shelving`"
    )
    code, said = make(old, "-m", "Note who dusted it.")
    assert (code, said.count("written: ")) == (0, 2)
    baseline, change = sorted((Path(package.__file__).parent / "migrations").glob("*.py"), reverse=True)
    assert [baseline.name, change.name] == ["baseline.py", "0002.py"]
    assert "dusted_by" not in baseline.read_text()
    assert "from guanxi import types" in baseline.read_text()
    assert "from core" not in baseline.read_text()
    assert change.read_text().startswith('"""Note who dusted it.\n')
    for url, steps in ((old, ["shelving: 0002"]), (new, ["shelving: baseline", "shelving: 0002"])):
        app = app_on(url, package)
        done = []
        app.migrate(done.append)
        assert done == steps
        with app.database.engine.connect() as connection:
            assert differences(connection, app.migrations[-1]) == []
        with running(app) as client:
            made = client.query('mutation { createCustomer(input: {name: "Bo"}) { customer { id } } }')
            rack = client.query(CREATE, id=made["createCustomer"]["customer"]["id"], label="next")["createRack"]
            assert rack["userErrors"] == []
            found = client.query(
                "{ racks(orderBy: [{label: ASC}]) { nodes { label wood width price { amount } things putUpAt dustedBy } } }"
            )
        labels = [node.pop("label") for node in found["racks"]["nodes"]]
        assert labels == (["first", "next"] if url == old else ["next"])
        assert all({**node, "label": "next"} == rack["rack"] for node in found["racks"]["nodes"])
    assert make(old) == (1, "guanxi: shelving: the database matches the declarations; there is nothing to write")


def test_revisions_are_not_written_out_of_a_database_without_the_tables(databases, package, make):
    assert make(databases.fresh()) == (
        1,
        "guanxi: the database has no tables of shelving yet; run `guanxi migrate` first",
    )
    assert not (Path(package.__file__).parent / "migrations").exists()
