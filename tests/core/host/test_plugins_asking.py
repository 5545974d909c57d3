"""What operations of plugins ask: on one state of the data, as of another day, and in whose name they write."""

from datetime import date, timedelta

import pytest
import strawberry
from sqlmodel import func, select

from guanxi import Field, Input, InputError, Money, Payload, Plugin, Ref, Reject, UserError, hookimpl, mutation, query
from guanxi.records import Task
from guanxi.sql import days_between

AGES = "query ($where: CustomerWhere) { customers(where: $where) { nodes { daysKnown knownLabel } } }"


class Curious(Plugin):
    """Asks in every way an operation can."""

    name, version, api = "curious", "1.0", ">=1,<2"

    def __init__(self):
        self.meanwhile = lambda: None

    @hookimpl
    def register_fields(self):
        yield Field("Customer.daysKnown", known, "Days since it became a customer.", int)
        yield Field(
            "Customer.knownLabel", python=label, needs=["daysKnown"], type=str, description="The same in words."
        )

    @hookimpl
    def validate(self, ctx, changes):
        for task in changes.created("Task"):
            if task.subject in ("Doubtful", "Forbidden"):
                text = f"subject: {task.subject}"
                yield UserError(task.subject.upper(), text, ("subject",), task, warning=task.subject == "Doubtful")

    @hookimpl
    def register_operations(self):
        @query(unscoped=True)
        def counted_twice(ctx) -> list[int]:
            """How many tasks there are, counted twice, and figures of them."""
            counts = [ctx.session.scalar(select(func.count()).select_from(Task))]
            self.meanwhile()
            counts.append(ctx.session.scalar(select(func.count()).select_from(Task)))
            return [*counts, ctx.query("{ tasksAggregate { count } }")["tasksAggregate"]["count"]]

        return [
            counted_twice,
            days_known_on,
            scribble,
            add_task,
            add_task_as_plugin,
            add_chore,
            selected_names,
            tasks_by_customer,
        ]


@query
def days_known_on(ctx, id: strawberry.ID, day: date) -> list[str]:
    """Days known on a day and today."""
    where = {"id": {"eq": id}}
    found = [ctx.query(AGES, {"where": where}, as_of=day), ctx.query(AGES, {"where": where})]
    return [str(answer["customers"]["nodes"][0]) for answer in found]


@query
def tasks_by_customer(ctx, where: str | None = None) -> list[str]:
    """How many tasks each customer has, and the longest subject."""
    fields = {"customer": "customer.name", "subject": "subject"}

    def derivation(rows):
        longest = func.max(func.length(rows.c.subject))
        return select(rows.c.customer, func.count(), longest).group_by(rows.c.customer).order_by(rows.c.customer)

    found = ctx.derive("Task", fields, derivation, where and {"subject": {"eq": where}})
    return [f"{customer}: {count}, {longest}" for customer, count, longest in found]


@query(unscoped=True)
def scribble(ctx, how: str) -> bool:
    """Tries to write where one can only read."""
    return SCRIBBLES[how](ctx)


@query
def selected_names(ctx, info: strawberry.Info, urgent: bool = False) -> list[str]:
    """What Strawberry knows of the request."""
    return [info.field_name, str(urgent)]


@strawberry.input
class AddTaskInput(Input):
    """A task."""


@strawberry.type
class AddTaskPayload(Payload):
    """Who added it."""

    added_by: str | None = strawberry.field(description="In whose name.")


def _add(ctx):
    task = Task(subject="Asked for")
    ctx.session.add(task)
    ctx.session.flush()
    return AddTaskPayload(added_by=task.created_by)


@mutation
def add_task(ctx, input: AddTaskInput) -> AddTaskPayload:
    """Adds a task in the name of who asks."""
    return _add(ctx)


@mutation(as_plugin=True)
def add_task_as_plugin(ctx, input: AddTaskInput) -> AddTaskPayload:
    """Adds a task in the name of the plugin."""
    return _add(ctx)


@strawberry.input
class PartInput:
    """A part of a chore."""

    text: str = strawberry.field(description="What.")


@strawberry.input
class AddChoreInput(Input):
    """A chore."""

    subject: str = strawberry.field(description="What needs to be done.")
    due: date | None = strawberry.field(default=None, description="By when.")
    parts: list[PartInput] = strawberry.field(default_factory=list, description="In parts.")
    reward: Money | None = strawberry.field(default=None, description="What it is worth.")


@mutation
def add_chore(ctx, input: AddChoreInput) -> Ref[Task]:
    """Adds a task that is judged."""
    if not input.subject:
        raise Reject(UserError("REQUIRED", "subject: say something", ("subject",)))
    subject = " ".join([input.subject, *(part.text for part in input.parts)])
    task = Task(subject=f"{subject} for {input.reward}" if input.reward else subject, due_on=input.due)
    ctx.session.add(task)
    return task


def known(row):
    return days_between(row.as_of, row.customer_since)


def label(ctx, rows):
    return [f"{row['daysKnown']} days on {ctx.clock.today()}" for row in rows]


def write(ctx):
    ctx.session.add(Task(subject="Scribbled"))
    ctx.session.flush()


def complain(ctx):
    raise InputError("how: not like this")


SCRIBBLES = {"write": write, "publish": lambda ctx: ctx.publish("SAID", "cus_1"), "complain": complain}


@pytest.fixture(scope="module")
def plugin():
    return Curious()


@pytest.fixture(scope="module")
def asked(module_crm, plugin):
    return module_crm(plugin)


ADD = "mutation { addTask(input: {}) { addedBy } }"


def test_what_an_operation_reads_is_one_state_of_the_data(asked, plugin):
    def add():
        with asked.app.database.transaction() as session:
            now = plugin_clock.now()
            session.add(Task(subject="Late", created_at=now, created_by="x", updated_at=now, updated_by="x"))

    plugin_clock = asked.app.services.clock
    asked.query(ADD)
    plugin.meanwhile = add
    first, second, third = asked.query("{ countedTwice }")["countedTwice"]
    assert first == second == third
    plugin.meanwhile = lambda: None
    assert asked.query("{ countedTwice }")["countedTwice"] == [first + 1] * 3


@pytest.mark.parametrize("how", ["write", "publish"])
def test_what_only_reads_cannot_write(asked, how):
    tasks = asked.query("{ tasksAggregate { count } }")
    answer = asked.execute("query ($how: String!) { scribble(how: $how) }", how=how)
    assert answer["errors"][0]["extensions"] == {"code": "PLUGIN_ERROR", "plugin": "curious"}
    assert asked.query("{ tasksAggregate { count } }") == tasks
    asked.query(ADD)


def test_what_reads_tells_bad_input(asked):
    answer = asked.execute('{ scribble(how: "complain") }')
    assert answer["errors"][0]["message"] == "how: not like this"


def test_a_query_is_asked_as_of_another_day(asked):
    today = asked.app.services.clock.today()
    made = asked.query(
        'mutation ($on: Date!) { createCustomer(input: {name: "Old", customerSince: $on}) { customer { id } } }',
        on=(today - timedelta(days=30)).isoformat(),
    )
    day = today - timedelta(days=10)
    found = asked.query(
        "query ($id: ID!, $day: Date!) { daysKnownOn(id: $id, day: $day) }",
        id=made["createCustomer"]["customer"]["id"],
        day=day.isoformat(),
    )
    assert found["daysKnownOn"] == [
        str({"daysKnown": 20, "knownLabel": f"20 days on {day}"}),
        str({"daysKnown": 30, "knownLabel": f"30 days on {today}"}),
    ]


@pytest.mark.parametrize(("operation", "actor"), [("addTask", "local"), ("addTaskAsPlugin", "plugin:curious")])
def test_an_operation_writes_in_the_name_of_who_asks_or_of_its_plugin(asked, operation, actor):
    assert asked.query(f"mutation {{ {operation}(input: {{}}) {{ addedBy }} }}") == {operation: {"addedBy": actor}}


def test_an_operation_may_ask_what_strawberry_knows_of_the_request(asked):
    assert asked.query("{ selectedNames }") == {"selectedNames": ["selectedNames", "False"]}
    assert asked.query("{ selectedNames(urgent: true) }") == {"selectedNames": ["selectedNames", "True"]}


CHORE = """mutation ($input: AddChoreInput!) { addChore(input: $input) {
    task { id subject dueOn } userErrors { code field plugin } warnings { code field plugin } } }"""


def chore(client, **given):
    return client.query(CHORE, input=given)["addChore"]


def test_a_mutation_answers_with_what_it_did_and_what_it_is_warned_of(asked):
    done = chore(asked, subject="Sweep", due="2025-07-01", parts=[{"text": "the"}, {"text": "floor"}])
    assert {name: done["task"][name] for name in ("subject", "dueOn")} == {
        "subject": "Sweep the floor",
        "dueOn": "2025-07-01",
    }
    assert (done["userErrors"], done["warnings"]) == ([], [])
    for reward, shown in (({"amount": "5"}, "5.00 CNY"), ({"amount": "7", "currency": "EUR"}, "7.00 EUR")):
        assert chore(asked, subject="Mow", reward=reward)["task"]["subject"] == f"Mow for {shown}"
    doubted = chore(asked, subject="Doubtful")
    assert doubted["task"]["subject"] == "Doubtful"
    assert doubted["warnings"] == [{"code": "DOUBTFUL", "field": ["subject"], "plugin": "curious"}]


@pytest.mark.parametrize(("subject", "code"), [("", "REQUIRED"), ("Forbidden", "FORBIDDEN")])
def test_a_mutation_that_is_refused_writes_nothing_and_leaves_its_key_free(asked, subject, code):
    tasks = asked.query("{ tasksAggregate { count } }")
    key = f"key of {code}"
    refused = chore(asked, subject=subject, idempotencyKey=key)
    assert refused == {
        "task": None,
        "userErrors": [{"code": code, "field": ["subject"], "plugin": "curious"}],
        "warnings": [],
    }
    assert asked.query("{ tasksAggregate { count } }") == tasks
    assert chore(asked, subject="Allowed", idempotencyKey=key)["task"]["subject"] == "Allowed"


def test_a_mutation_is_done_once_for_each_key_and_answered_as_before(asked):
    first, again = (chore(asked, subject="Doubtful", idempotencyKey="once") for _ in range(2))
    assert first == again and first["warnings"]
    answer = asked.execute(CHORE, input={"subject": "Other", "idempotencyKey": "once"})
    assert answer["errors"][0]["extensions"]["code"] == "CONFLICT"


def test_a_mutation_that_is_tried_dry_writes_nothing(asked):
    tasks = asked.query("{ tasksAggregate { count } }")
    tried = chore(asked, subject="Doubtful", dryRun=True)
    assert (tried["task"], [warning["code"] for warning in tried["warnings"]]) == (None, ["DOUBTFUL"])
    assert asked.query("{ tasksAggregate { count } }") == tasks


def test_an_operation_derives_in_one_statement_what_its_caller_may_see(crm):
    client = crm(Curious)
    eve = client.create("User", name="Eve")["id"]
    for name, owner in (("Hers", eve), ("Theirs", None)):
        customer = client.create("Customer", name=name, ownerId=owner)["id"]
        for subject in ("Call", "Visit"):
            client.create("Task", subject=subject, customerId=customer)
    assert client.query("{ tasksByCustomer }") == {"tasksByCustomer": ["Hers: 2, 5", "Theirs: 2, 5"]}
    assert client.query('{ tasksByCustomer(where: "Call") }') == {"tasksByCustomer": ["Hers: 1, 4", "Theirs: 1, 4"]}
    scoped = client.acting_as(eve, {"Customer.read:own", "Task.read:own"})
    assert scoped.query("{ tasksByCustomer }") == {"tasksByCustomer": ["Hers: 2, 5"]}
