"""Backups: all of a database as it is at one moment, on both engines; and restores that are what was backed up."""

import re
import stat
import threading
import zipfile
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text, update

from core.background.backlog import PluginCursor
from core.background.jobs import PluginJob
from core.backups.archive import opened
from core.backups.backup import back_up
from core.backups.restoration import restore
from core.db.database import Database
from guanxi import ConfigurationError, Facet, Field, Plugin, Table, column, create_app, hookimpl, load_settings
from tests.core.migrations.test_migrations import _take_back, sets
from tests.data import fill


class Level(Facet, of="Customer", plugin="kept_levels"):
    level: int = 0


class Debit(Table, plugin="kept_levels"):
    text: str = column("Any text.", primary_key=True, exact=True)


class Credit(Table, plugin="kept_levels"):
    text: str = column("The same.", primary_key=True, exact=True)


class Counted(Table, plugin="kept_levels"):
    """On PostgreSQL its ids come from a sequence that it owns."""

    id: int = column("Its number.", primary_key=True, default=None)
    text: str = column("Any text.", exact=True)


class Levels(Plugin):
    name, version, api = "kept_levels", "1.0", ">=1,<2"

    @hookimpl
    def register_fields(self):
        yield Field("Customer.keptLevel", Level.level, "Its level.", writable=True)

    @hookimpl
    def after_commit(self, ctx, events):
        pass


def contents(url, leave_out=()):
    """All rows of a database, as texts, and how its tables are made."""
    with closing(Database(url)) as database, database.engine.connect() as connection:
        found = inspect(connection)
        names = [name for name in sorted(found.get_table_names()) if name not in leave_out]
        rows = {name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in names}
        made = {
            name: (
                found.get_pk_constraint(name),
                [
                    (column["name"], str(column["type"]), column["nullable"], column["default"])
                    for column in found.get_columns(name)
                ],
                sorted(map(str, found.get_foreign_keys(name))),
                sorted(re.sub(r"<.*? object at \w+>", "", str(index)) for index in found.get_indexes(name)),
                sorted(map(str, found.get_unique_constraints(name))),
                sorted(map(str, found.get_check_constraints(name))),
            )
            for name in names
        }
    return rows, made


def filled(crm, url):
    """A client of a database with a bit of everything."""
    client = crm(Levels, url=url)
    fill(client)
    client.create("Customer", name="tab\there,\\N, 'quoted'\nand \U0001f600", keptLevel=7)
    with client.app.database.transaction() as session:
        session.add_all([kind(text=str(number)) for kind in (Debit, Credit) for number in range(3)])
    assert count(client) == 1
    return client


def count(client):
    """The id of a new row that the database numbers, which only PostgreSQL does."""
    if client.app.database.dialect == "sqlite":
        return client.app.database.reading(lambda session: session.connection().exec_driver_sql("SELECT 1").scalar())
    with client.app.database.transaction() as session:
        row = Counted(text="x")
        session.add(row)
        session.flush()
        return row.id


def app_on(url, *plugins):
    return create_app(load_settings(database_url=url), plugins)


def backed_up(url, path, *plugins):
    app = app_on(url, *plugins)
    with closing(app.database):
        return back_up(app.database, app.migrations, path)


def restored(path, url, *plugins, replaces=False):
    app = app_on(url, *plugins)
    with closing(app.database):
        return restore(path, app.database, app.migrations, replaces=replaces)


@pytest.mark.parametrize("plugins", [(Levels,), ()], ids=["installed", "removed"])
def test_what_is_restored_is_what_was_backed_up(crm, tmp_path, plugins):
    """With the tables of plugins, installed or not, and everything goes on where it was."""
    url, path, other = crm.databases.fresh(), tmp_path / "x.backup", crm.databases.empty()
    filled(crm, url)
    crm.close()
    manifest = backed_up(url, path, *plugins)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*tmp_path.glob("*")] == [path] and [*tmp_path.glob(".*")] == []
    assert manifest.revisions == {"core": sets()[0].head(), "kept_levels": "baseline"}
    assert manifest.tables["customer"].rows == 13
    restored(path, other, *plugins)
    assert contents(other) == contents(url)
    clients = [crm(Levels, url=each) for each in (url, other)]
    after = []
    for client in clients:
        client.create("Customer", name="Next")
        with client.app.database.transaction() as session:
            numbers = session.connection().exec_driver_sql("SELECT sequence FROM event_batch ORDER BY sequence")
            after.append(([*numbers.scalars()], count(client)))
    assert after[0] == after[1]
    assert after[0][1] == (2 if crm.databases.engine == "postgresql" else 1)


def test_a_backup_taken_while_others_write_is_of_one_moment(crm, tmp_path):
    """Each transaction writes a row to each of two tables, and nobody waits for the backup."""
    url, path, other = crm.databases.fresh(), tmp_path / "x.backup", crm.databases.empty()
    filled(crm, url)
    app, stop, begun = app_on(url, Levels), threading.Event(), threading.Barrier(4)
    counts = [0, 0, 0]

    def write(place):
        while not stop.is_set():
            with app.database.transaction() as session:
                session.add(Debit(text=f"{place} {counts[place]}"))
                session.flush()
                session.add(Credit(text=f"{place} {counts[place]}"))
            counts[place] += 1
            if counts[place] == 5:
                begun.wait(30)

    with closing(app.database):
        threads = [threading.Thread(target=write, args=[place]) for place in range(3)]
        for thread in threads:
            thread.start()
        begun.wait(30)
        manifest = backed_up(url, path, Levels)
        before_end = sum(counts)
        stop.set()
        for thread in threads:
            thread.join()
    rows = manifest.tables["kept_levels_debit"].rows
    assert 15 <= rows - 3 <= before_end + 3
    restored(path, other, Levels)
    both = contents(other)[0]
    texts = [both[f"kept_levels_{name}"] for name in ("debit", "credit")]
    assert texts[0] == texts[1] and len(texts[0]) == rows


def test_leases_are_not_restored_and_delivery_goes_on_from_its_cursor(crm, tmp_path):
    url, path, other = crm.databases.fresh(), tmp_path / "x.backup", crm.databases.empty()
    client = filled(crm, url)
    client.deliver()
    until = client.app.services.clock.now() + timedelta(hours=1)
    with client.app.database.transaction() as session:
        session.execute(update(PluginCursor).values(holder="hld_of_then", held_until=until))
        session.add(PluginJob(name="kept", due_at=until, holder="hld_of_then", held_until=until))
    crm.close()
    with closing(Database(url)) as database, database.transaction() as session:
        session.execute(update(PluginCursor).values(holder="hld_of_then", held_until=until))
        before = session.get(PluginCursor, "kept_levels").sequence
    backed_up(url, path, Levels)
    restored(path, other, Levels)
    with closing(Database(other)) as database, database.transaction() as session:
        cursor, job = session.get(PluginCursor, "kept_levels"), session.get(PluginJob, "kept")
        assert (cursor.sequence, cursor.holder, cursor.held_until) == (before, None, None)
        assert (job.holder, job.held_until, job.due_at) == (None, None, until)


def test_a_file_that_is_there_is_not_overwritten(crm, tmp_path):
    path = tmp_path / "x.backup"
    path.write_text("precious")
    with pytest.raises(ConfigurationError) as caught:
        backed_up(crm.databases.fresh(), path)
    assert caught.value.message == f"{path} is there already and is not overwritten; give another name"
    assert path.read_text() == "precious"


def test_a_backup_that_fails_leaves_nothing_behind(crm, tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        backed_up(crm.databases.empty(), tmp_path / "x.backup")
    assert caught.value.message.endswith(" holds nothing to back up")
    assert [*tmp_path.iterdir()] == []


def test_a_database_that_holds_something_is_refused_unless_it_is_to_be_replaced(crm, tmp_path):
    url, other, path = crm.databases.fresh(), crm.databases.fresh(), tmp_path / "x.backup"
    filled(crm, url)
    crm(Levels, url=other).create("Customer", name="Lost")
    crm.close()
    backed_up(url, path, Levels)
    before = contents(other)
    with pytest.raises(ConfigurationError) as caught:
        restored(path, other, Levels)
    assert " tables of guanxi already; restore into an empty one, or add --replace to lose what is in it" in (
        caught.value.message
    )
    assert contents(other) == before
    restored(path, other, Levels, replaces=True)
    assert contents(other) == contents(url)


def test_a_table_that_is_not_ours_stays(crm, tmp_path):
    url, other, path = crm.databases.fresh(), crm.databases.fresh(), tmp_path / "x.backup"
    if crm.databases.engine == "sqlite":
        pytest.skip("an SQLite file is restored as a whole")
    with closing(Database(other)) as database, database.connection() as connection:
        connection.exec_driver_sql("CREATE TABLE ours AS SELECT 1 AS number")
    assert "ours" not in backed_up(url, path).tables
    restored(path, other, replaces=True)
    assert contents(other)[0]["ours"] == ["(1,)"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "nothing of the kind"])
def test_a_damaged_backup_is_refused_and_changes_nothing(crm, tmp_path, damage):
    url, other, path = crm.databases.fresh(), crm.databases.fresh(), tmp_path / "x.backup"
    filled(crm, url)
    crm.close()
    backed_up(url, path, Levels)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        with zipfile.ZipFile(path) as archive:
            largest = max(archive.infolist(), key=lambda part: part.compress_size)
        # A single byte can mean the same in two ways, as where it says how far back in a run of zeros to look.
        middle = largest.header_offset + largest.compress_size // 2
        data[middle : middle + 64] = bytes(byte ^ 0xFF for byte in data[middle : middle + 64])
        path.write_bytes(data)
    else:
        path.write_text("nothing of the kind")
    before = contents(other)
    with pytest.raises(ConfigurationError) as caught:
        restored(path, other, Levels, replaces=True)
    assert "use another" in caught.value.message or "damaged" in caught.value.message
    assert contents(other) == before


def test_rows_that_are_not_those_backed_up_are_refused(crm, tmp_path):
    """A whole archive whose data and sums do not agree."""
    url, path, other = crm.databases.fresh(), tmp_path / "x.backup", crm.databases.empty()
    filled(crm, url)
    crm.close()
    manifest = backed_up(url, path, Levels)
    wrong = manifest.tables | {"customer": manifest.tables["contact"]}
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(tmp_path / "y.backup", "w") as target:
        for part in source.namelist():
            if part != "manifest.json":
                target.writestr(part, source.read(part))
        target.writestr("manifest.json", manifest.model_copy(update={"tables": wrong}).model_dump_json())
    with pytest.raises(ConfigurationError) as caught:
        restored(tmp_path / "y.backup", other, Levels)
    assert "customer" in caught.value.message
    assert "customer" not in contents(other)[0]


def test_a_backup_of_the_other_engine_is_refused(crm, tmp_path):
    path = tmp_path / "x.backup"
    backed_up(crm.databases.fresh(), path)
    other = f"sqlite:///{tmp_path}/other.db" if crm.databases.engine == "postgresql" else "postgresql://localhost/x"
    with pytest.raises(ConfigurationError) as caught:
        restored(path, other)
    assert "a backup is restored into the engine it was taken from" in caught.value.message


def test_a_backup_of_a_later_version_is_refused_with_what_to_install(crm, tmp_path):
    url, path = crm.databases.fresh(), tmp_path / "x.backup"
    with closing(Database(url)) as database, database.connection() as connection:
        connection.exec_driver_sql("UPDATE core_version SET version_num = '9999'")
        connection.exec_driver_sql("UPDATE installation SET value = '7.1' WHERE name = 'core release'")
    backed_up(url, path)
    with pytest.raises(ConfigurationError) as caught:
        restored(path, crm.databases.empty())
    assert "core was at revision 9999, which version " in caught.value.message
    assert caught.value.message.endswith("; install version 7.1 or newer of it, then restore")


def test_a_backup_of_an_earlier_version_is_restored_as_it_was_and_migrated(crm, tmp_path):
    url, path, other = crm.databases.fresh(), tmp_path / "x.backup", crm.databases.empty()
    crm(url=url).create("Customer", name="Ann")
    crm.close()
    (core,) = sets()
    with closing(Database(url)) as database:
        _take_back(database, core, "0009")
    assert backed_up(url, path).revisions == {"core": "0008"}
    restored(path, other)
    app = app_on(other)
    with closing(app.database):
        steps = []
        app.migrate(steps.append)
        assert steps[0] == "core: 0009"
    assert crm(url=other).query("{ customers { nodes { name } } }") == {"customers": {"nodes": [{"name": "Ann"}]}}


def test_a_file_that_a_server_has_open_is_not_replaced(crm, tmp_path):
    if crm.databases.engine != "sqlite":
        pytest.skip("PostgreSQL keeps a restore from whoever is connected")
    url, path = crm.databases.fresh(), tmp_path / "x.backup"
    client = filled(crm, url)
    backed_up(url, path, Levels)
    client.create("Customer", name="Since")
    with pytest.raises(ConfigurationError) as caught:
        restored(path, url, Levels, replaces=True)
    assert caught.value.message.endswith(" is open in another process; stop the server first")
    assert "Since" in str(client.query("{ customers { nodes { name } } }"))


def test_the_manifest_says_what_it_is(crm, tmp_path):
    path = tmp_path / "x.backup"
    backed_up(crm.databases.fresh(), path)
    with opened(path) as (_, manifest):
        assert (manifest.format, manifest.engine) == (1, crm.databases.engine)
        assert manifest.releases.keys() == {"core"}
