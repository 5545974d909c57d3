"""What removed plugins left in the database never stands in the way of a record that is destroyed (faults.md D6)."""

import logging

import pytest

from guanxi import Plugin, Record, Table, column, hookimpl, reference
from guanxi.records import Customer


class Stamp(Record, plugin="left_stamps", prefix="leftstamp"):
    """A stamp about a customer, which may not be without one."""

    customer_id: str = reference(Customer, "Whom it is about.", inverse="leftStamps")


class Album(Record, plugin="left_stamps", prefix="leftalbum"):
    """An album that may be about a customer."""

    customer_id: str | None = reference(Customer, "Whom it is about.", inverse="leftAlbums", default=None)


class Page(Table, plugin="left_stamps"):
    id: str = column("Its id.", primary_key=True, exact=True)
    customer_id: str = reference(Customer, "Goes with it.", on_destroy="CASCADE")


class Corner(Table, plugin="left_stamps"):
    id: str = column("Its id.", primary_key=True, exact=True)
    page_id: str = reference(Page, "Of which page.")


class Glue(Table, plugin="left_stamps"):
    id: str = column("Its id.", primary_key=True, exact=True)
    stamp_id: str = reference(Stamp, "Of which stamp.")


class Stamps(Plugin):
    name, version, api = "left_stamps", "1.0", ">=1,<2"

    @hookimpl
    def register_records(self):
        return [Stamp, Album]


DESTROY = """mutation ($id: ID!, $dry: Boolean!) { destroyCustomer(input: {id: $id, dryRun: $dry}) {
    userErrors { code message } warnings { code message } } }"""


def destroy(client, id, *, dry=False):
    return client.query(DESTROY, id=id, dry=dry)["destroyCustomer"]


@pytest.fixture
def removed(crm):
    """A client of an app without the plugin whose tables are full, and the customers they are about."""
    url = crm.databases.fresh()
    client = crm(Stamps, url=url)
    ids = [client.create("Customer", name=name)["id"] for name in ("Ann", "Bo")]
    for id in ids:
        stamps = [client.create("Stamp", customerId=id)["id"] for _ in range(2)]
        client.create("Album", customerId=id)
        with client.app.database.transaction() as session:
            session.add(Page(id=f"p-{id}", customer_id=id))
            session.flush()
            session.add_all([Corner(id=f"c-{id}", page_id=f"p-{id}"), Glue(id=f"g-{id}", stamp_id=stamps[0])])
    assert [error["code"] for error in destroy(client, ids[0])["userErrors"]] == ["REFERRED_TO"] * 2
    crm.close()
    return crm(url=url), ids


def counts(client):
    tables = ("stamp", "album", "page", "corner", "glue")
    with client.app.database.connection() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM left_stamps_{name}").scalar() for name in tables
        }


def test_a_customer_is_destroyed_although_a_removed_plugin_refers_to_it(removed, caplog):
    client, (ann, _) = removed
    with caplog.at_level(logging.WARNING, "guanxi.destruction"):
        answer = destroy(client, ann)
    assert answer["userErrors"] == []
    of = "a table of plugin 'left_stamps' that no installed plugin declares"
    assert sorted(warning["message"] for warning in answer["warnings"]) == [
        f"1 row of left_stamps_album, {of}, lost the reference in customer_id",
        f"1 row of left_stamps_corner, {of}, was removed with it",
        f"1 row of left_stamps_glue, {of}, was removed with it",
        f"2 rows of left_stamps_stamp, {of}, were removed with it",
    ]
    assert {warning["code"] for warning in answer["warnings"]} == {"LEFT_BY_PLUGIN"}
    assert [record.message for record in caplog.records if record.name == "guanxi.destruction"] == [
        f"destroying {ann}: {warning['message']}" for warning in answer["warnings"]
    ]
    assert counts(client) == {"stamp": 2, "album": 2, "page": 1, "corner": 1, "glue": 1}
    with client.app.database.connection() as connection:
        kept = connection.exec_driver_sql("SELECT count(*) FROM left_stamps_album WHERE customer_id IS NULL")
        assert kept.scalar() == 1


def test_a_dry_run_leaves_them_as_they_are(removed):
    client, (ann, _) = removed
    assert len(destroy(client, ann, dry=True)["warnings"]) == 4
    assert counts(client) == {"stamp": 4, "album": 2, "page": 2, "corner": 2, "glue": 2}


def test_a_table_that_no_plugin_made_still_stands_in_the_way(removed):
    client, (ann, _) = removed
    kind = "TEXT" if client.app.database.dialect == "sqlite" else 'TEXT COLLATE "C"'
    with client.app.database.connection() as connection:
        connection.exec_driver_sql(f"CREATE TABLE our_report (customer_id {kind} NOT NULL REFERENCES customer (id))")
        connection.exec_driver_sql(f"INSERT INTO our_report VALUES ('{ann}')")
    assert [error["code"] for error in destroy(client, ann)["userErrors"]] == ["CONFLICT"]
    assert counts(client)["stamp"] == 4


def test_the_plugin_finds_what_is_left_when_it_is_installed_again(crm, removed):
    client, (ann, bo) = removed
    destroy(client, ann)
    url = client.app.settings.database_url
    crm.close()
    again = crm(Stamps, url=url)
    assert again.query("{ stamps { nodes { customer { id } } } }") == {
        "stamps": {"nodes": [{"customer": {"id": bo}}] * 2}
    }
