"""Where changes are made: on the event loop only if no plugin's hooks may wait for anything else than the database."""

import asyncio
import threading

import pytest

from guanxi import Field, Plugin, PluginError, hookimpl
from guanxi.testing import Rival


class Seen(Plugin):
    """Notes in which thread its hook runs."""

    name, version, api = "seen", "1.0", ">=1,<2"
    blocks = False

    def __init__(self):
        self.threads = []

    @hookimpl
    def before_commit(self, ctx, changes):
        self.threads.append(threading.get_ident())
        # A round trip of its own, so that others have their turn.
        ctx.session.connection().exec_driver_sql("SELECT 1")


class Blocking(Plugin):
    """Waits for another request to be answered."""

    name, version, api = "blocking", "1.0", ">=1,<2"

    def __init__(self):
        self.entered, self.answered = threading.Event(), threading.Event()

    @hookimpl
    def validate(self, ctx, changes):
        self.entered.set()
        assert self.answered.wait(10)


CREATE = Rival('mutation { createCustomer(input: {name: "Ann"}) { customer { name } } }')
CREATED = {"data": {"createCustomer": {"customer": {"name": "Ann"}}}}


def check_read_meanwhile(client, plugin):
    """A customer is created, and while a plugin waits in that, another request is answered."""

    async def both():
        writing = asyncio.ensure_future(client.answer(CREATE))
        await asyncio.to_thread(plugin.entered.wait, 10)
        read = await client.answer(Rival("{ customers { totalCount } }"))
        plugin.answered.set()
        return read, await writing

    read, written = client.run(both())
    assert read == {"data": {"customers": {"totalCount": 0}}}
    assert written == CREATED


def test_hooks_that_do_not_block_run_on_the_loop_on_postgresql(crm, databases):
    plugin = Seen()
    client = crm(plugin)
    assert client.execute(CREATE.text) == CREATED
    client.query(
        'mutation { upsertCustomers(input: {matchBy: ID, items: [{name: "Bob"}]}) { userErrors { message } } }'
    )
    one, many = plugin.threads
    # The test's own thread is that of the loop.
    assert (one == threading.get_ident()) == (databases.engine == "postgresql")
    assert many != threading.get_ident()


def test_hooks_that_may_block_run_in_threads(crm):
    plugin = Seen()
    plugin.blocks = True
    assert crm(plugin).execute(CREATE.text) == CREATED
    assert threading.get_ident() not in plugin.threads


def test_a_hook_that_blocks_holds_up_no_other_request(crm):
    plugin = Blocking()
    check_read_meanwhile(crm(plugin, Seen()), plugin)


def test_hooks_may_block_on_some_records_alone(crm, databases):
    plugin = Seen()
    plugin.blocks = ("Stage",)
    client = crm(plugin)
    assert client.execute(CREATE.text) == CREATED
    client.create("Stage", key="Q", name="Quoted", position=99, winProbability="10")
    on_loop, in_thread = plugin.threads
    assert (on_loop == threading.get_ident()) == (databases.engine == "postgresql")
    assert in_thread != threading.get_ident()


class Asking(Plugin):
    """Asks for a Python field of its own in its hook, and for a field whose expression is made when it is compiled."""

    name, version, api = "asking", "1.0", ">=1,<2"
    blocks = False

    def __init__(self):
        self.entered, self.answered = threading.Event(), threading.Event()
        self.compiling = []

    def _waiting(self, ctx, rows):
        self.entered.set()
        assert self.answered.wait(10)
        return ["done"] * len(rows)

    def _expression(self, row):
        self.compiling.append(threading.get_ident())
        return row.version

    @hookimpl
    def register_fields(self):
        yield Field("Customer.looked", python=self._waiting, needs=["id"], type=str, description="Takes its time.")
        yield Field("Customer.edition", self._expression, "Its version.", int)

    @hookimpl
    def before_commit(self, ctx, changes):
        (customer,) = changes.created("Customer")
        self.compiling.clear()
        found = ctx.query("query ($id: ID!) { customer(id: $id) { looked edition } }", {"id": customer.id})
        assert found == {"customer": {"looked": "done", "edition": 1}}


def test_what_hooks_ask_holds_up_no_other_request(crm):
    plugin = Asking()
    check_read_meanwhile(crm(plugin), plugin)
    # A document is compiled elsewhere too.
    assert plugin.compiling
    assert threading.get_ident() not in plugin.compiling


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ("no", "'no' is not a list of names"),
        (7, "7 is neither True nor False, nor names of records"),
        (["Stages"], "there is no record 'Stages'"),
    ],
)
def test_what_blocks_is_true_or_false_or_records(crm, blocks, problem):
    plugin = Seen()
    plugin.blocks = blocks
    with pytest.raises(PluginError, match=problem):
        crm(plugin)
