"""`guanxi plugins purge`: what a plugin left is shown, written to a file, and removed in one transaction."""

import json
import stat
from datetime import timedelta

import pytest
from sqlalchemy import inspect, select

from core.background.backlog import PluginCursor, SetAside
from core.background.jobs import PluginJob
from core.migrations.purge import purge
from guanxi import (
    ConfigurationError,
    Facet,
    Field,
    Job,
    Plugin,
    Record,
    Table,
    column,
    hookimpl,
    reference,
)
from guanxi.cli.commands import cli, guarded
from guanxi.records import Customer
from tests.core.background.test_delivery import ONCE


class Marks(Facet, of="Customer", plugin="gone_marks"):
    count: int = 0


class Mark(Record, plugin="gone_marks", prefix="gonemark"):
    """A mark."""

    customer_id: str = reference(Customer, "Whose.", inverse="goneMarks")
    label: str = column("What it says.")


class Shade(Table, plugin="gone_marks"):
    id: str = column("Its id.", primary_key=True, exact=True)
    mark_id: str = reference(Mark, "Of which mark.")


class Copy(Table, plugin="gone_copies"):
    id: str = column("Its id.", primary_key=True, exact=True)
    mark_id: str = reference(Mark, "Of which mark.")


class Marking(Plugin):
    name, version, api = "gone_marks", "1.0", ">=1,<2"
    retries = ONCE

    @hookimpl
    def register_records(self):
        return [Mark]

    @hookimpl
    def register_fields(self):
        yield Field("Customer.markCount", Marks.count, "How many marks.", writable=True)

    @hookimpl
    def register_jobs(self):
        return [Job("shade_marks", timedelta(days=1), lambda ctx: None, "Shades marks.")]

    @hookimpl
    def after_commit(self, ctx, events):
        raise RuntimeError("never")


class Copying(Plugin):
    name, version, api = "gone_copies", "1.0", ">=1,<2"
    requires = ("gone_marks",)


@pytest.fixture
def guanxi(capsys):
    def run(*arguments):
        code = guarded(lambda: cli([*map(str, arguments)], prog_name="guanxi"))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def marked(crm, tmp_path, monkeypatch):
    """The address of a database in which a plugin left things, and is not installed any more."""
    url = crm.databases.fresh()
    fill(crm(Marking, url=url))
    crm.close()
    monkeypatch.setenv("GUANXI_DATABASE_URL", url)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("core.host.host.entry_points", lambda group: [])
    return url


def fill(client):
    customer = client.create("Customer", name="Ann", markCount=3)["id"]
    mark = client.create("Mark", customerId=customer, label="Ärger, „quoted“\nand broken")["id"]
    with client.app.database.transaction() as session:
        session.add(Shade(id="s", mark_id=mark))
    client.deliver()
    client.run_job("shade_marks")


def left(client):
    """Tables whose name begins with the plugin's, and rows about it in those of the core."""
    with client.app.database.engine.connect() as connection:
        names = [name for name in inspect(connection).get_table_names() if name.startswith("gone_")]
    with client.app.database.transaction() as session:
        rows = [
            *session.execute(select(PluginCursor)),
            *session.execute(select(SetAside)),
            *session.execute(select(PluginJob)),
        ]
        facts = session.connection().exec_driver_sql("SELECT name FROM installation ORDER BY name").scalars().all()
    return names, len(rows), [fact for fact in facts if fact.startswith("gone_")]


def test_what_a_removed_plugin_left_is_shown_written_and_removed(crm, marked, guanxi, tmp_path, monkeypatch):
    monkeypatch.setenv("GUANXI_PLUGINS__GONE_MARKS__COLOUR", "red")
    code, out, err = guanxi("plugins", "purge", "gone_marks", "--yes")
    assert (code, err) == (0, ""), err
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["plugin", "gone_marks,", "revision", "baseline:"]
    shown = {line[0]: (line[1], " ".join(line[2:])) for line in lines[2:-3]}
    assert shown["gone_marks_marks"] == ("1", "facet: its values for each customer count, record_id")
    assert shown["gone_marks_shade"] == ("1", "of the plugin id, mark_id")
    assert shown["set_aside"][0] == "2"
    assert {*shown} == {
        *(f"gone_marks_{name}" for name in ("mark", "marks", "shade", "version")),
        "plugin_cursor",
        "set_aside",
        "plugin_job",
        "installation",
    }
    assert "settings that mean nothing afterwards: GUANXI_PLUGINS__GONE_MARKS__COLOUR; unset them" in out
    path = tmp_path / "gone_marks-purged.jsonl"
    assert out.splitlines()[-1] == "11 rows written to gone_marks-purged.jsonl and removed"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert written[0] == {"plugin": "gone_marks", "revision": "baseline"}
    rows = [line for line in written if "row" in line]
    (mark,) = [line["row"] for line in rows if line["table"] == "gone_marks_mark"]
    assert mark["label"] == "Ärger, „quoted“\nand broken"
    assert len(rows) == 11
    monkeypatch.delenv("GUANXI_PLUGINS__GONE_MARKS__COLOUR")
    client = crm(url=marked)
    assert left(client) == ([], 0, [])
    assert client.query("{ customers { nodes { name } } }") == {"customers": {"nodes": [{"name": "Ann"}]}}
    crm.close()
    # The plugin may come back, and begins anew.
    fill(crm(Marking, url=marked))


def test_nothing_is_removed_unless_it_is_confirmed(crm, marked, guanxi, tmp_path, monkeypatch):
    before = left(crm(url=marked))
    monkeypatch.setattr("typer.confirm", lambda *arguments, **options: False)
    assert guanxi("plugins", "purge", "gone_marks")[0] == 1
    assert left(crm(url=marked)) == before
    assert [*tmp_path.glob("*.jsonl")] == []


def test_a_file_that_is_there_already_is_never_overwritten(crm, marked, guanxi, tmp_path):
    (tmp_path / "kept.jsonl").write_text("precious")
    code, _, err = guanxi("plugins", "purge", "gone_marks", "--yes", "--into", "kept.jsonl")
    assert (code, err) == (
        1,
        "guanxi: kept.jsonl is there already and is not overwritten; give another name\n",
    )
    assert (tmp_path / "kept.jsonl").read_text() == "precious"
    assert left(crm(url=marked))[1]


def test_an_unknown_plugin_is_named_with_those_the_database_knows(marked, guanxi):
    code, _, err = guanxi("plugins", "purge", "gone_mark", "--yes")
    assert code == 1
    assert err == "guanxi: the database holds nothing of a plugin 'gone_mark'; it does of: gone_marks\n"


def test_tables_that_another_plugin_refers_to_are_not_removed(crm, tmp_path):
    client = crm(Marking, Copying)
    with pytest.raises(ConfigurationError) as caught:
        purge(client.app.database, "gone_marks", tmp_path / "x.jsonl", ["gone_copies"])
    assert caught.value.message == (
        "plugin 'gone_marks': gone_copies_copy of gone_copies refers to its tables; purge that first"
    )
    assert [*tmp_path.iterdir()] == []


class Point:
    """An entry point that leads to a plugin."""

    def __init__(self, plugin):
        self.name, self.value, self.dist, self._plugin = plugin.name, "there", None, plugin

    def load(self):
        return self._plugin


def test_an_installed_plugin_is_refused_unless_it_is_said(crm, marked, guanxi, monkeypatch):
    monkeypatch.setattr("core.host.host.entry_points", lambda group: [Point(Marking)])
    code, _, err = guanxi("plugins", "purge", "gone_marks", "--yes")
    assert code == 1
    assert err == (
        "guanxi: plugin 'gone_marks' is installed; uninstall it first, or add --installed: the next start creates its "
        "tables anew, and empty\n"
    )
    assert left(crm(url=marked))[1]


def test_hook_purge_removes_what_is_elsewhere_first_and_its_failure_leaves_everything(
    crm, marked, guanxi, monkeypatch, tmp_path
):
    class Filing(Marking):
        @hookimpl
        def purge(self, ctx):
            if (tmp_path / "locked").exists():
                raise OSError("locked")
            (tmp_path / "elsewhere").unlink()

    monkeypatch.setattr("core.host.host.entry_points", lambda group: [Point(Filing)])
    (tmp_path / "elsewhere").touch()
    (tmp_path / "locked").touch()
    code, _, err = guanxi("plugins", "purge", "gone_marks", "--yes", "--installed")
    assert (code, err) == (1, "guanxi: plugin 'gone_marks', purge: OSError: locked. Nothing was purged\n")
    assert left(crm(url=marked))[1]
    crm.close()
    (tmp_path / "locked").unlink()
    code, _, err = guanxi("plugins", "purge", "gone_marks", "--yes", "--installed")
    assert (code, err) == (0, "")
    assert not (tmp_path / "elsewhere").exists()
    assert left(crm(url=marked)) == ([], 0, [])
