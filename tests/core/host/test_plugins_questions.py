"""What plugins will ask: named by `questions`, it takes one round trip, and is asked anew where that would be wrong."""

import pytest
from sqlalchemy import func, select

from guanxi import Facet, Plugin, UserError, hookimpl
from guanxi.records import Customer
from guanxi.sql import Prepared, is_listed

CREATE = (
    "mutation ($name: String!) { createCustomer(input: {name: $name}) { warnings { message } userErrors { code } } }"
)


class Greetings(Facet, of="Customer", plugin="ann"):
    count: int = 0


ids, counts = Customer.__table__.c.id, Greetings.__table__.c
NAMED = Prepared(select(Customer.__table__.c.name).where(is_listed(ids, "ids")))
GREETED = Prepared(select(func.sum(counts.count).label("count")).where(is_listed(counts.record_id, "ids")))


def created(changes):
    return [customer.id for customer in changes.created("Customer")]


class Ann(Plugin):
    """Asks for names, and greets whoever is called so, before others ask."""

    name, version, api = "ann", "1.0", ">=1,<2"

    @hookimpl
    def lock_keys(self):
        return ()

    @hookimpl
    def questions(self, changes):
        yield NAMED.asked(ids=created(changes))

    @hookimpl
    def before_commit(self, ctx, changes):
        for row, id in zip(ctx.rows(NAMED, ids=created(changes)), created(changes), strict=True):
            match row["name"].split()[-1]:
                case "greeted":
                    ctx.facet(Greetings, id).count = 1
                case "noted":
                    ctx.insert_rows(Greetings, [{"record_id": id, "count": 2}])
                case "welcomed":
                    ctx.session.add(Greetings(record_id=id, count=3))
                case "awaited":
                    ctx.lock("greeting")


class Bob(Plugin):
    """Asks how often somebody was greeted."""

    name, version, api, after = "bob", "1.0", ">=1,<2", ("ann",)

    @hookimpl
    def lock_keys(self):
        return ()

    @hookimpl
    def questions(self, changes):
        yield "how often?" if changes.created("Team") else GREETED.asked(ids=created(changes))

    @hookimpl
    def before_commit(self, ctx, changes):
        (row,) = ctx.rows(GREETED, ids=created(changes))
        for customer in changes.created("Customer"):
            yield UserError("GREETED", f"name: greeted {row['count'] or 0} times", ("name",), customer, warning=True)


@pytest.fixture
def asking(crm):
    """A client, and the round trips of its transactions."""
    client, trips = crm(Ann, Bob), []
    client.run(client.app.publisher.stop())
    client.app.database.on_trip = lambda process, statements: trips.append([one.sql for one in statements])
    yield client, trips
    client.app.database.on_trip = lambda process, statements: None


def asking_for(column, trips):
    """The places of the round trips in which a question was asked."""
    return [place for place, trip in enumerate(trips) for sql in trip if sql.startswith(f"SELECT {column}")]


def test_hook_questions_has_all_plugins_ask_in_one_round_trip(asking):
    client, trips = asking
    client.query(CREATE, name="A")
    assert len(asking_for("sum(", trips)) == 1
    assert asking_for("customer.name", trips) == asking_for("sum(", trips)


@pytest.mark.parametrize(("how", "times"), [("greeted", 1), ("noted", 2), ("welcomed", 3), ("awaited", 0)])
def test_what_is_written_or_locked_meanwhile_is_asked_anew(asking, how, times):
    client, trips = asking
    answer = client.query(CREATE, name=f"A, {how}")["createCustomer"]
    assert [warning["message"] for warning in answer["warnings"]] == [f"name: greeted {times} times"]
    # On SQLite, which has one writer, a lock is nothing.
    is_idle = how == "awaited" and client.app.database.dialect == "sqlite"
    assert len(asking_for("sum(", trips)) == (1 if is_idle else 2)


def test_what_is_not_a_question_is_attributed(asking):
    client, _ = asking
    answer = client.execute('mutation { createTeam(input: {name: "T"}) { userErrors { code } } }')
    assert answer["errors"][0]["extensions"]["code"] == "PLUGIN_ERROR"
    assert answer["errors"][0]["extensions"]["plugin"] == "bob"
