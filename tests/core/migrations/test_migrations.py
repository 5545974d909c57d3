"""Migrations: a set and a version table for the core and for each plugin; nothing is lost, nothing half done."""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from alembic.operations import Operations
from sqlalchemy import event, inspect

from core.db.database import Database
from core.host.host import PluginHost
from core.migrations import runner
from core.migrations.revision_writer import make
from core.migrations.runner import MIGRATION_LOCK, MigrationSet, context_of, migrate, pending, sets_of
from core.records.record import CORE, registry_of
from guanxi import (
    ConfigurationError,
    Facet,
    Field,
    Plugin,
    PluginError,
    Record,
    Table,
    column,
    create_app,
    hookimpl,
    load_settings,
    reference,
)
from guanxi.app import installed_migrations
from guanxi.records import Customer
from guanxi.testing import running
from tests.snippets import ROOT
from tests.warm import python
from tests.writes import made


class Stars(Facet, of="Customer", plugin="mig_alpha"):
    count: int = 0
    label: str | None = None


class MigNote(Record, plugin="mig_beta", prefix="mignote"):
    """A note about a customer."""

    customer_id: str = reference(Customer, "Who it is about.", inverse="migNotes")
    title: str = column("Its title.", index=True)


class Mark(Table, plugin="mig_beta"):
    id: str = column("Its id.", primary_key=True, exact=True)
    word: str = column("What it says.", exact=True)


class Alpha(Plugin):
    name, version, api = "mig_alpha", "1.0", ">=1,<2"
    after = ("mig_beta",)

    @hookimpl
    def register_fields(self):
        yield Field("Customer.stars", Stars.count, "How many stars it has.", writable=True)


class Beta(Plugin):
    name, version, api = "mig_beta", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [MigNote]


class Tableless(Plugin):
    name, version, api = "mig_tableless", "1.0", ">=1,<2"


@pytest.fixture
def database(databases):
    """A database with the core's tables and nothing else in it."""
    with closing(Database(databases.fresh())) as opened:
        yield opened


def sets(*plugins):
    return sets_of(PluginHost(plugins, load_settings(database_url="sqlite:///unused.db")))


def run(database, found):
    """Migrates; gives the steps taken."""
    steps = []
    migrate(database, found, steps.append)
    return steps


def ask(database, statement):
    with database.connection() as connection:
        return connection.exec_driver_sql(statement).fetchall()


def change(database, *statements):
    with database.connection() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def tables(database):
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def written(folder, name, *bodies, requires=(), version="1.0"):
    """A set whose revisions have these bodies."""
    home = folder / name / "migrations"
    home.mkdir(parents=True)
    for number, body in enumerate(bodies, 1):
        add(home, number, body)
    return MigrationSet(name, home, requires, version)


def add(home, number, body):
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    previous = f'"{number - 1:04d}"' if number > 1 else None
    (home / f"{number:04d}.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\nfrom guanxi import types\n\n"
        f'revision = "{number:04d}"\ndown_revision = {previous}\n\n\ndef upgrade():\n{lines}\n'
    )


def making(table):
    return f'op.create_table("{table}", sa.Column("id", types.Text(), primary_key=True))'


# The core


def test_migrations_of_the_core_make_the_tables_that_are_declared(databases):
    with closing(Database(databases.fresh())) as migrated, closing(Database(databases.empty())) as declared:
        registry_of(CORE).metadata.create_all(declared.engine)
        assert described(migrated, leave_out={"core_version"}) == described(declared)
        assert index_of_search(migrated) == index_of_search(declared)


def index_of_search(database):
    """What makes the index of the search, without blanks; inspection sees none of it."""
    asked = {
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE indexname = 'ix_search_entry_terms'",
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE name IN ('search_index') OR tbl_name = 'search_entry'",
    }
    with database.connection() as connection:
        rows = connection.exec_driver_sql(asked[database.dialect]).all()
    found = {name: "".join(sql.split()) for name, sql in rows if sql is not None and "TABLE search_entry" not in sql}
    assert len(found) == {"postgresql": 1, "sqlite": 5}[database.dialect]
    return found


def described(database, leave_out=()):
    """Columns, keys and indexes of all tables, without defaults, which serve rows that are older than their column."""
    with database.engine.connect() as connection:
        found = inspect(connection)
        return {
            name: {
                "columns": [
                    (column["name"], str(column["type"]), column["nullable"])
                    for column in sorted(found.get_columns(name), key=lambda column: column["name"])
                ],
                "key": found.get_pk_constraint(name),
                "references": sorted(map(str, found.get_foreign_keys(name))),
                "indexes": sorted(
                    (index["name"], str(index["column_names"]), index["unique"], condition(index))
                    for index in found.get_indexes(name)
                ),
                "unique": sorted(map(str, found.get_unique_constraints(name))),
            }
            for name in found.get_table_names()
            if name not in leave_out
        }


def condition(index):
    """Which rows a partial index holds."""
    return next((str(said) for name, said in index.get("dialect_options", {}).items() if name.endswith("_where")), "")


def test_the_core_can_be_taken_back(database):
    (core,) = sets()
    with database.engine.connect() as connection, Operations.context(context_of(connection, core)):
        for revision in core.script().walk_revisions():
            revision.module.downgrade()
        connection.commit()
    assert tables(database) == {"core_version"}


# Order and records of it


def test_records_that_share_what_is_unique_now_are_marked_and_reported(database):
    (core,) = sets()
    _take_back(database, core, "0006")
    moment, columns = 1_750_000_000_000_000, "id, version, created_at, created_by, updated_at, updated_by"
    stamp = "TIMESTAMP '2025-06-15 12:00:00'" if database.dialect == "postgresql" else str(moment)
    with database.connection() as connection:
        for number, day in ((1, "2025-01-01"), (2, "2025-01-01"), (3, "2025-01-02"), (4, "2025-01-01")):
            common = f"'xrt_{number}', 1, {stamp}, 'me', {stamp}, 'me'"
            connection.exec_driver_sql(
                f"INSERT INTO exchange_rate ({columns}, currency, rate, valid_from) "
                f"VALUES ({common}, 'USD', {number}, '{day}')"
            )
        connection.exec_driver_sql("UPDATE exchange_rate SET deleted_at = created_at WHERE id = 'xrt_4'")
    told = []
    migrate(database, [core], told.append)
    assert told == [
        *(f"core: {revision}" for revision in _from(core, "0006")),
        "core: exchange rates of USD from 2025-01-01: xrt_1 is the oldest and counts; change or delete xrt_2",
    ]
    with database.connection() as connection:
        marked = "SELECT id FROM exchange_rate WHERE is_old_twin"
        assert connection.exec_driver_sql(marked).scalars().all() == ["xrt_2"]


def test_members_and_users_that_were_there_twice_are_marked_and_reported(database):
    (core,) = sets()
    _take_back(database, core, "0012")
    stamp = "TIMESTAMP '2025-06-15 12:00:00'" if database.dialect == "postgresql" else "1750000000000000"
    common = f"1, {stamp}, 'me', {stamp}, 'me'"
    columns = "id, version, created_at, created_by, updated_at, updated_by"
    with database.connection() as connection:
        for number in (1, 2, 3):
            address = "'a@example.com'" if number < 3 else "NULL"
            connection.exec_driver_sql(
                f'INSERT INTO "user" ({columns}, name, name_folded, email, email_folded, is_active) '
                f"VALUES ('usr_{number}', {common}, 'Ann', 'ann', {address}, {address}, true)"
            )
    told = []
    migrate(database, [core], told.append)
    assert told == [
        *(f"core: {revision}" for revision in _from(core, "0012")),
        "core: users with the address a@example.com: usr_1 is the oldest and counts; change or delete usr_2",
    ]
    with database.connection() as connection:
        marked = 'SELECT id FROM "user" WHERE is_old_twin'
        assert connection.exec_driver_sql(marked).scalars().all() == ["usr_2"]


def test_idempotency_keys_of_before_belong_to_the_local_actor(database):
    (core,) = sets()
    _take_back(database, core, "0007")
    stamp = "TIMESTAMP '2025-06-15 12:00:00'" if database.dialect == "postgresql" else "1750000000000000"
    with database.connection() as connection:
        connection.exec_driver_sql(
            "INSERT INTO idempotency_key (key, operation, fingerprint, result, created_at) "
            f"VALUES ('k', 'create', 'f', '{{}}', {stamp})"
        )
    migrate(database, [core])
    with database.connection() as connection:
        found = connection.exec_driver_sql("SELECT actor, key, operation FROM idempotency_key").all()
    assert [tuple(row) for row in found] == [("local", "k", "create")]


def test_records_from_before_samples_are_found_after_the_next_start(crm):
    url = crm.databases.fresh()
    id = made(crm(url=url), "Customer", name="Ancient House")["id"]
    with closing(Database(url)) as database:
        (core,) = sets()
        _take_back(database, core, "0019")
        facts = "UPDATE installation SET value = '{\"Customer\": \"1 name\"}' WHERE name = 'core entries'"
        write = (
            "INSERT INTO search_entry (record_id, entity_type, number, terms) VALUES ('cus_x', 'Customer', 1, 'old')"
        )
        with database.connection() as connection:
            connection.exec_driver_sql(facts)
            connection.exec_driver_sql(write)
            connection.commit()
        migrate(database, [core])
    asked = '{ search(text: "ancient hou") { match node { id } } }'
    assert crm(url=url).query(asked)["search"] == [{"match": "BEGINNING", "node": {"id": id}}]


def _from(one, revision):
    """The revisions of a set from one on, in order."""
    return [each.revision for each in reversed([*one.script().walk_revisions()]) if each.revision >= revision]


def _take_back(database, one, revision):
    """Takes back the last revisions of a set down to this one, and notes that."""
    with database.engine.connect() as connection:
        for last in map(one.script().get_revision, reversed(_from(one, revision))):
            with Operations.context(context_of(connection, one)):
                last.module.downgrade()
            connection.exec_driver_sql(f"UPDATE {one.version_table} SET version_num = '{last.down_revision}'")
        connection.commit()


def test_the_core_goes_first_then_the_plugins_in_their_order(databases):
    with closing(Database(databases.empty())) as database:
        found = sets(Alpha, Tableless, Beta)
        assert [one.name for one in found] == ["core", "mig_beta", "mig_alpha"]
        waiting = pending(database, found)
        assert [step.partition(":")[0] for step in waiting] == [*["core"] * (len(waiting) - 2), "mig_beta", "mig_alpha"]
        assert waiting[:2] == ["core: 0001", "core: 0002"] and waiting[-2:] == [
            "mig_beta: baseline",
            "mig_alpha: baseline",
        ]
        assert run(database, found) == waiting
        assert pending(database, found) == []
        assert run(database, found) == []
        assert ask(database, "SELECT version_num FROM core_version") == [(waiting[-3].removeprefix("core: "),)]
        for name in ("mig_alpha", "mig_beta"):
            assert ask(database, f"SELECT version_num FROM {name}_version") == [("baseline",)]


def test_declared_tables_are_the_baseline_of_a_plugin_without_migrations(database):
    run(database, sets(Alpha, Beta))
    made = tables(database)
    assert made >= {"mig_alpha_stars", "mig_beta_mig_note", "mig_beta_mark"}
    for plugin in ("mig_alpha", "mig_beta"):
        for table in registry_of(plugin).metadata.tables.values():
            found = inspect(database.engine).get_columns(table.name)
            assert [column["name"] for column in found] == list(table.c.keys())


def test_removing_a_plugin_breaks_nothing(crm):
    url = crm.databases.fresh()
    client = crm(Alpha, Beta, url=url)
    made = [
        client.query(
            "mutation ($name: String!) { createCustomer(input: {name: $name, stars: 3}) { customer { id } } }",
            name=name,
        )["createCustomer"]["customer"]["id"]
        for name in ("Kept", "Gone", "Noted")
    ]
    client.query(
        'mutation ($id: ID!) { createMigNote(input: {title: "Note", customerId: $id}) { migNote { id } } }', id=made[2]
    )
    crm.close()
    without = crm(url=url)
    assert pending(without.app.database, without.app.migrations) == []
    gone, noted = (
        without.query(
            """mutation ($id: ID!) { destroyCustomer(input: {id: $id}) { customer { id } userErrors { code } } }""",
            id=id,
        )["destroyCustomer"]
        for id in made[1:]
    )
    assert gone["userErrors"] == []
    assert noted["userErrors"] == []
    without.query(
        'mutation ($id: ID!) { updateCustomer(input: {id: $id, name: "Seen"}) { customer { id } } }', id=made[0]
    )
    crm.close()
    again = crm(Alpha, Beta, url=url)
    found = again.query("{ customers(orderBy: [{name: ASC}]) { nodes { name stars migNotes { totalCount } } } }")
    assert found["customers"]["nodes"] == [
        {"name": "Seen", "stars": 3, "migNotes": {"totalCount": 0}},
    ]
    assert ask(again.app.database, "SELECT count(*) FROM mig_alpha_stars") == [(1,)]


def test_a_process_finds_what_another_has_migrated_meanwhile(database, tmp_path):
    """On SQLite, where two that begin at the same time take turns at each revision."""
    if database.dialect != "sqlite":
        pytest.skip("on PostgreSQL the second waits for the first")
    one = written(tmp_path, "raced", making("raced_first"), making("raced_second"), making("raced_third"))

    @event.listens_for(database.engine, "before_cursor_execute")
    def rival(connection, cursor, statement, parameters, context, many):
        if statement != "BEGIN IMMEDIATE":
            return
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            there = {name for (name,) in other.execute("SELECT name FROM sqlite_master")}
            if "raced_first" in there and "raced_second" not in there:
                other.execute("CREATE TABLE raced_second (id)")
                other.execute("UPDATE raced_version SET version_num = '0002'")

    steps = run(database, [one])
    assert steps == ["raced: 0001", "raced: 0002", "raced: 0003"]
    assert "raced_third" in tables(database)


def test_a_process_waits_for_another_that_migrates(database):
    """On PostgreSQL."""
    if database.dialect == "sqlite":
        pytest.skip("on SQLite both go on")
    steps = []
    with database.engine.connect() as first:
        first.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        second = threading.Thread(target=lambda: migrate(database, sets(Alpha), steps.append))
        second.start()
        while not ask(database, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert steps == []
        first.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
        second.join()
    assert steps == ["mig_alpha: baseline"]


# Starting


def test_a_server_on_postgresql_does_not_start_before_it_is_migrated_and_an_embedded_one_migrates_itself(databases):
    url = databases.fresh()
    app = create_app(load_settings(database_url=url), [Alpha])
    if databases.engine == "sqlite":
        with running(app) as client:
            assert client.query("{ customers { nodes { stars } } }") == {"customers": {"nodes": []}}
        return
    with pytest.raises(ConfigurationError) as caught, running(app):
        """Never reached."""
    assert caught.value.message == "the database is not up to date (mig_alpha: baseline); run `guanxi migrate`"
    app.migrate()
    with running(app) as client:
        assert client.query("{ customers { nodes { stars } } }") == {"customers": {"nodes": []}}


# Failing


FAILING = "raise RuntimeError('no room')"


def test_a_failing_migration_stops_its_own_set_and_those_that_require_it(database, tmp_path):
    found = [
        written(
            tmp_path, "fail_one", making("fail_one_first"), making("fail_one_second") + "\n" + FAILING, making("x")
        ),
        written(tmp_path, "fail_two", making("fail_two_first"), requires=["fail_one"]),
        written(tmp_path, "fail_three", making("fail_three_first")),
    ]
    steps = []
    with pytest.raises(PluginError) as caught:
        migrate(database, found, steps.append)
    assert caught.value.message == (
        "plugin 'fail_one', migration 0002: RuntimeError: no room. It was rolled back; fix it and run `guanxi migrate` again"
    )
    assert steps == ["fail_one: 0001", "fail_three: 0001"]
    assert {"fail_one_first", "fail_three_first"} <= tables(database)
    assert not {"fail_one_second", "fail_two_first", "x"} & tables(database)
    assert pending(database, found) == ["fail_one: 0002", "fail_one: 0003", "fail_two: 0001"]
    add(found[0].folder, 2, making("fail_one_second"))
    assert run(database, found) == ["fail_one: 0002", "fail_one: 0003", "fail_two: 0001"]


def test_what_a_failing_set_began_is_not_committed_by_the_next(database, tmp_path):
    """Also where a set without revisions, which is only looked at, goes between them."""
    alpha = sets(Alpha)[1:]
    run(database, alpha)
    broken = written(tmp_path, "fail_four", making("fail_four_first") + "\n" + FAILING)
    sound = written(tmp_path, "fail_five", making("fail_five_first"))
    with pytest.raises(PluginError):
        migrate(database, [*alpha, broken, *alpha, sound])
    assert "fail_four_first" not in tables(database)
    assert "fail_five_first" in tables(database)


def test_nothing_is_run_of_plugins_where_the_core_s_migration_fails(databases, tmp_path):
    core = written(tmp_path, "core", making("x") + "\n" + FAILING)
    with closing(Database(databases.empty())) as database:
        with pytest.raises(ConfigurationError) as caught:
            migrate(database, [core, *sets(Alpha)[1:]])
        assert caught.value.message == (
            "migration 0001: RuntimeError: no room. It was rolled back; fix it and run `guanxi migrate` again"
        )
        assert tables(database) <= {"core_version"}


@pytest.mark.parametrize(
    ("content", "said"),
    [("import nothing_at_all", "No module named 'nothing_at_all'"), ("def upgrade(:", "invalid syntax")],
)
def test_a_revision_that_cannot_be_read_is_named(database, tmp_path, content, said):
    one = written(tmp_path, "fail_six", making("x"))
    (one.folder / "0002.py").write_text(content)
    with pytest.raises(PluginError) as caught:
        pending(database, [one])
    assert caught.value.message.startswith("plugin 'fail_six', migrations: ")
    assert said in caught.value.message
    with pytest.raises(PluginError):
        migrate(database, [one])


def test_a_database_of_a_later_version_is_refused_saying_what_an_operator_can_do(database, tmp_path):
    bodies = making("fail_seven_first"), making("fail_seven_second")
    run(database, [written(tmp_path / "later", "fail_seven", *bodies, version="1.2")])
    earlier = written(tmp_path, "fail_seven", making("fail_seven_first"), version="1.1")
    with pytest.raises(PluginError) as caught:
        pending(database, [earlier])
    assert caught.value.message == (
        "plugin 'fail_seven', migrations: the database is at revision 0002, which version 1.1 does not have; install "
        "version 1.2 or newer of it, or give up its data with `guanxi plugins purge fail_seven --installed`"
    )


def test_a_plugin_that_has_no_revisions_yet_is_older_than_one_that_has(database, tmp_path):
    run(database, [written(tmp_path, "mig_alpha", making("mig_alpha_first"), version="2.0")])
    with pytest.raises(PluginError) as caught:
        run(database, sets(Alpha))
    assert "; install version 2.0 or newer of it, or give up its data with" in caught.value.message


def test_a_database_that_is_ahead_of_the_core_names_what_helps(database, monkeypatch):
    change(database, "UPDATE core_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError) as caught:
        pending(database, sets())
    assert "migrations: the database is at revision 9999, which version " in caught.value.message
    assert caught.value.message.endswith(" of it, or restore a backup from before the upgrade")


def test_an_operator_is_never_told_to_write_a_revision_for_an_older_version(database, monkeypatch):
    """Of a plugin without revisions, whose newer version has a column that is not declared any longer."""
    monkeypatch.setattr(Alpha, "version", "1.1")
    run(database, sets(Alpha))
    change(database, "ALTER TABLE mig_alpha_stars ADD COLUMN level BIGINT")
    monkeypatch.setattr(Alpha, "version", "1.0")
    with pytest.raises(PluginError) as caught:
        run(database, sets(Alpha))
    assert caught.value.message == (
        "plugin 'mig_alpha', tables: those in the database are of version 1.1, which version 1.0 does not have; install "
        "version 1.1 or newer of it, or give up its data with `guanxi plugins purge mig_alpha --installed`"
    )


# SQLite's foreign keys


@pytest.fixture
def rated(crm):
    """A CRM whose customer has a filled facet, and its database."""
    client = crm(Alpha)
    client.query('mutation { createCustomer(input: {name: "Ann", stars: 4}) { customer { id } } }')
    return client


REBUILD = """
with op.batch_alter_table("customer", recreate="always") as batch:
    batch.alter_column("city", existing_type=types.Text(), nullable=True)
"""


def test_a_rebuild_of_customers_beside_a_filled_facet_loses_no_row(rated, tmp_path):
    database = rated.app.database
    if database.dialect != "sqlite":
        pytest.skip("PostgreSQL changes tables in place")
    before = described(database)
    run(database, [written(tmp_path, "rebuild", REBUILD)])
    assert described(database, leave_out={"rebuild_version"}) == before
    assert rated.query("{ customers { nodes { name stars } } }") == {
        "customers": {"nodes": [{"name": "Ann", "stars": 4}]}
    }
    change(database, "DELETE FROM customer")
    assert ask(database, "SELECT count(*) FROM mig_alpha_stars") == [(0,)]


def test_a_revision_after_which_a_row_refers_to_nothing_is_rolled_back(rated, tmp_path):
    one = written(tmp_path, "orphan", 'op.execute("DELETE FROM customer")')
    database = rated.app.database
    if database.dialect != "sqlite":
        run(database, [one])
        assert ask(database, "SELECT count(*) FROM mig_alpha_stars") == [(0,)]
        return
    with pytest.raises(PluginError) as caught:
        migrate(database, [one])
    assert caught.value.message == (
        "plugin 'orphan', migration 0001: ValueError: after it 1 rows refer to nothing, the first in table "
        "mig_alpha_stars. It was rolled back; fix it and run `guanxi migrate` again"
    )
    assert rated.query("{ customers { nodes { stars } } }") == {"customers": {"nodes": [{"stars": 4}]}}
    assert ask(database, "PRAGMA foreign_keys") == [(1,)]


# Writing revisions


def test_a_change_without_a_revision_is_refused_with_the_command(database):
    run(database, sets(Alpha))
    change(database, "ALTER TABLE mig_alpha_stars DROP COLUMN label")
    with pytest.raises(PluginError) as caught:
        migrate(database, sets(Alpha))
    assert caught.value.message == (
        "plugin 'mig_alpha', tables: they differ from those in the database; run `guanxi migrations make mig_alpha`"
    )


def test_tables_that_another_process_has_just_created_are_compared(database, monkeypatch):
    create = runner._create_baseline

    def overtaken(connection, one):
        create(connection, one)
        with connection.begin():
            connection.exec_driver_sql("ALTER TABLE mig_alpha_stars DROP COLUMN label")
        raise RuntimeError("they are there already")

    monkeypatch.setattr(runner, "_create_baseline", overtaken)
    with pytest.raises(PluginError, match="they differ from those in the database"):
        migrate(database, sets(Alpha))


def test_a_start_compares_tables_only_where_their_declarations_have_changed(database):
    run(database, sets(Alpha))
    compared = []
    with pytest.MonkeyPatch.context() as patch:
        real = runner.differences
        patch.setattr(runner, "differences", lambda *given: compared.append(1) or real(*given))
        migrate(database, sets(Alpha), thoroughly=False)
        assert compared == []
        change(database, "UPDATE installation SET value = 'of other declarations' WHERE name = 'mig_alpha tables'")
        migrate(database, sets(Alpha), thoroughly=False)
        migrate(database, sets(Alpha), thoroughly=False)
        assert len(compared) == 1
        migrate(database, sets(Alpha))
        assert len(compared) == 2


def test_a_start_with_changed_declarations_is_refused(database):
    run(database, sets(Alpha))
    change(database, "ALTER TABLE mig_alpha_stars DROP COLUMN label")
    change(database, "UPDATE installation SET value = 'without a label' WHERE name = 'mig_alpha tables'")
    for _ in range(2):
        with pytest.raises(PluginError, match="they differ from those"):
            migrate(database, sets(Alpha), thoroughly=False)


# By what a process hashes the engine makes no difference.
@pytest.mark.parametrize("databases", ["postgresql"], indirect=True, scope="session")
def test_the_fingerprint_of_tables_is_that_of_every_process(database):
    code = (
        "from core.base.settings import load_settings; from core.migrations.runner import fingerprint\n"
        "from guanxi.app import installed_migrations\n"
        "database, sets = installed_migrations(load_settings())\n"
        "with database.engine.connect() as connection:\n"
        "    print(*[fingerprint(connection, one) for one in sets])"
    )
    url = database.url.render_as_string(hide_password=False)
    # This process hashes by another seed.
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"GUANXI_DATABASE_URL": url, "PYTHONHASHSEED": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    here, sets = installed_migrations(load_settings(database_url=url))
    with here.engine.connect() as connection:
        assert [runner.fingerprint(connection, one) for one in sets] == told
    here.close()
    assert len(told) >= 5


@pytest.mark.parametrize(
    ("names", "head"),
    [
        (["0001:None", "0002:'0001'"], "0002"),
        (["0001:None", "0002:'0001'", "other:'0001'"], None),
        (["0001:None", "0003:'0002'"], None),
        (["0001:('a', 'b')"], None),
        (["0001:None", "_shared:None"], "0001"),
    ],
    ids=["a line", "a fork", "a gap", "a merge", "a helper"],
)
def test_the_last_revision_is_told_from_the_texts_where_they_are_one_line(tmp_path, names, head):
    for name, previous in (one.split(":") for one in names):
        (tmp_path / f"{name}.py").write_text(
            f'"""It."""\n\nrevision = "{name}"\ndown_revision = {previous}\nbranch_labels = None\ndepends_on = None\n'
        )
    assert MigrationSet("mig_alpha", tmp_path).head() == head
    (tmp_path / "0009.py").write_text('revision = "0009"\ndown_revision = "0002"\ndepends_on = "core"\n')
    assert MigrationSet("mig_alpha", tmp_path).head() is None


def test_a_new_column_that_would_be_empty_on_the_rows_there_are_is_refused(database, tmp_path):
    run(database, sets(Beta))
    change(database, "ALTER TABLE mig_beta_mark DROP COLUMN word")
    with pytest.raises(PluginError) as caught:
        make(database, MigrationSet("mig_beta", tmp_path), "Change the tables")
    assert caught.value.message == (
        "plugin 'mig_beta', column mig_beta_mark.word: is new, and existing rows would have no value; give it a default, or make it `| None`"
    )
    assert list(tmp_path.iterdir()) == []


def test_revisions_are_not_written_for_a_plugin_that_is_no_package(database):
    one = sets(Alpha)[1]
    with pytest.raises(PluginError) as caught:
        make(database, one, "Change the tables")
    assert caught.value.message == (
        "plugin 'mig_alpha', migrations: it is not a package; declare it in the __init__.py of one, so that they have a folder"
    )


@pytest.mark.parametrize("module", ["__main__", "gone"])
def test_a_plugin_may_be_declared_where_no_file_is(module):
    """In an interactive session, or in a module that is no more."""
    data = {"name": "mig_alpha", "version": "1.0", "api": ">=1,<2", "__module__": module}
    assert [(one.name, one.folder) for one in sets(type("Unmoored", (Plugin,), data))][1:] == [("mig_alpha", None)]


def test_nothing_is_written_where_nothing_has_changed_or_the_database_is_behind(database, tmp_path):
    (core,) = sets()
    with pytest.raises(ConfigurationError) as caught:
        make(database, core, "Change the tables")
    assert caught.value.message == "core: the database matches the declarations; there is nothing to write"
    behind = written(tmp_path, "fail_eight", making("fail_eight_first"))
    run(database, [behind])
    add(behind.folder, 2, making("fail_eight_second"))
    with pytest.raises(ConfigurationError) as caught:
        make(database, behind, "Change the tables")
    assert caught.value.message == "fail_eight: the database is behind its revisions; run `guanxi migrate` first"


FIRST = '''
from decimal import Decimal

from guanxi import Facet, Field, Plugin, Record, Table, Vocabulary, column, hookimpl, reference
from guanxi.app import installed_migrations
from guanxi.records import Customer


class Bin(Record, plugin="tidy", prefix="tbin"):
    """A bin."""

    label: str = column("Its label.", index=True)
    colour: str | None = column("Its colour.", default=None)
    marks: list[str] = column("What is on it.", default_factory=list)


class Score(Facet, of="Customer", plugin="tidy"):
    points: int = 0


class Tidy(Plugin):
    name, version, api = "tidy", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Bin]

    @hookimpl
    def register_fields(self):
        yield Field("Customer.tidiness", Score.points, "How tidy it is.", writable=True)
'''
SECOND = (
    FIRST.replace(
        """    colour: str | None = column("Its colour.", default=None)
    marks: list[str] = column("What is on it.", default_factory=list)
""",
        """    size: Size = column("How large it is.", default=Size.SMALL)
    word: str = column("A word.", default="Ärger", index=True)
    is_full: bool = column("Whether it is full.", default=False)
    weight: Decimal = column("How heavy it is.", default=Decimal("1.50"))
    hints: list[str] = column("Hints.", default_factory=list)
    customer_id: str | None = reference(Customer, "Whose it is.", default=None, inverse="bins")
""",
    )
    .replace(
        "class Bin",
        '''class Size(Vocabulary):
    """How large a bin is."""

    SMALL = "SMALL", "Small."
    LARGE = "LARGE", "Large."


class Lid(Table, plugin="tidy"):
    id: str = column("Its id.", primary_key=True, exact=True)


class Bin''',
        1,
    )
    .replace("    points: int = 0\n", "    points: int = 0\n    level: int = 7\n")
)

PRELUDE = """
import sys
from core.db.database import Database
from core.host.host import PluginHost
from core.migrations.runner import migrate, sets_of
from core.migrations import runner
from core.migrations.revision_writer import make
from guanxi import GuanxiError, create_app, load_settings
from guanxi.app import installed_migrations
from guanxi.records import Customer
from guanxi.testing import running
from sqlmodel import select
from tidy import Tidy

# Nothing is said of what takes long, as on a machine that has other work.
settings = load_settings(database_url=sys.argv[1], slow_request_ms=600_000)
database = Database(settings.database_url)
sets = lambda: sets_of(PluginHost([Tidy], settings))
"""
BEFORE = """
from datetime import UTC, datetime
from tidy import Bin, Score
migrate(database, sets(), print)
now = datetime(2025, 6, 15, tzinfo=UTC)
stamp = {"created_by": "local", "updated_by": "local", "created_at": now, "updated_at": now}
with database.transaction() as session:
    session.add(Customer(name="Ann", **stamp))
    session.flush()
    session.add(Score(record_id=session.exec(select(Customer.id)).one(), points=3))
    session.add(Bin(label="Old", colour="red", marks=["m"], **stamp))
"""
AFTER = """
for work in (
    lambda: migrate(database, sets(), print),
    lambda: print(*[path.name for path in make(database, sets()[1], 'Say "how" large')]),
    lambda: migrate(database, sets(), print),
    lambda: migrate(database, sets(), print),
    lambda: make(database, sets()[1], "Nothing"),
):
    try:
        work()
    except GuanxiError as error:
        print(error.message)
with running(create_app(settings, [Tidy])) as client:
    print(client.query('{ bins(where: {word: {eq: "ÄRGER"}, size: {eq: SMALL}, isFull: {eq: false}, weight: {eq: "1.5"}}) '
        '{ nodes { label size word isFull weight hints customer { id } } } customers { nodes { name tidiness } } }'))
with database.transaction() as session:
    from tidy import Score
    print(session.exec(select(Score.level)).all())
for url in sys.argv[2:]:
    other = Database(url)
    migrate(other, sets(), lambda step: step.startswith("tidy") and print(step))
    try:
        make(other, sets()[1], "Nothing")
    except GuanxiError as error:
        print(error.message)
"""


def ran(folder, code, *arguments):
    """What a program says that runs where the plugin's package is."""
    done = subprocess.run(
        [python(), "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_tables_that_change_are_brought_along_by_the_revision_that_is_written(databases, tmp_path):
    package = tmp_path / "tidy"
    package.mkdir()
    (package / "__init__.py").write_text(FIRST)
    url = databases.fresh()
    assert ran(tmp_path, PRELUDE + BEFORE, url) == "tidy: baseline\n"
    (package / "__init__.py").write_text(SECOND)
    # What is written beside one engine makes the same on the other, and on a database that never had the first tables.
    others = [databases.empty(), f"sqlite:///{tmp_path / 'other.db'}"]
    refused, made, taken, idle, found, levels, *elsewhere = ran(tmp_path, PRELUDE + AFTER, url, *others).splitlines()
    assert refused == (
        "plugin 'tidy', tables: they differ from those in the database; run `guanxi migrations make tidy`"
    )
    assert (made, taken) == ("baseline.py 0002.py", "tidy: 0002")
    assert idle == "tidy: the database matches the declarations; there is nothing to write"
    assert found == (
        "{'bins': {'nodes': [{'label': 'Old', 'size': 'SMALL', 'word': 'Ärger', 'isFull': False, 'weight': '1.50', "
        "'hints': [], 'customer': None}]}, 'customers': {'nodes': [{'name': 'Ann', 'tidiness': 3}]}}"
    )
    assert levels == "[7]"
    text = (package / "migrations" / "0002.py").read_text()
    assert text.startswith('"""Say \\"how\\" large\n') and "from guanxi import types" in text
    assert "from core" not in text
    assert elsewhere == ["tidy: baseline", "tidy: 0002", idle] * 2


# Revisions of the core that carry data along


def test_a_log_from_before_positions_keeps_its_numbers_and_goes_on_from_them(crm, tmp_path):
    url, home = crm.databases.empty(), tmp_path / "earlier"
    (core,) = sets()
    home.mkdir()
    for revision in ("0001", "0002", "0003", "0004"):
        (home / f"{revision}.py").write_text((core.folder / f"{revision}.py").read_text())
    numbers = {"evb_a": "1", "evb_b": "2", "evb_d": "NULL", "evb_c": "NULL"}
    with closing(Database(url)) as database:
        migrate(database, [MigrationSet(CORE, home)])
        for place, (batch, number) in enumerate(numbers.items()):
            change(
                database,
                "INSERT INTO event_batch (id, sequence, recorded_at, actor) "
                f"VALUES ('{batch}', {number}, '2025-06-15T12:00:00.000Z', 'ann')",
                "INSERT INTO event (id, batch_id, type, entity_type, entity_id, action, occurred_at, changes, data) "
                f"VALUES ('evt_{place}', '{batch}', 'CUSTOMER_CREATED', 'Customer', 'cus_{place}', 'CREATED', "
                "'2025-06-15T12:00:00.000Z', '{}', '{}')",
            )
    client = crm(url=url)
    client.create("Customer", name="Ann")
    events = client.query("{ events(first: 10) { nodes { sequence entityId } } }")["events"]["nodes"]
    # What had no number got it in the order of ids.
    assert [(event["sequence"], event["entityId"]) for event in events[:-1]] == [
        ("1", "cus_0"),
        ("2", "cus_1"),
        ("3", "cus_3"),
        ("4", "cus_2"),
    ]
    assert events[-1]["sequence"] == "5"
