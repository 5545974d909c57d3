"""What is asked for the first time is compiled off the event loop, once for all who ask for it."""

import asyncio
import threading

import pytest
import strawberry

from guanxi import Context, Input, Payload, Plugin, hookimpl, mutation
from guanxi.races import Rival
from schema.plan.planner import Planner
from schema.serve import engine

KNOWN = Rival("{ customers { totalCount } }")
NEW = "{ customers(first: %d) { nodes { id } } }"


@pytest.fixture
def client(crm):
    client = crm()
    client.query(KNOWN.text)
    return client


@pytest.fixture
def held(monkeypatch):
    """Holds up whoever compiles, until it is set; knows how often that is, and how many at once."""
    plan, go = Planner.plan, threading.Event()
    go.compiled = go.at_once = go.most = 0

    def waiting(*args, **kwargs):
        go.compiled += 1
        go.at_once += 1
        go.most = max(go.most, go.at_once)
        assert go.wait(30)
        go.at_once -= 1
        return plan(*args, **kwargs)

    monkeypatch.setattr(Planner, "plan", waiting)
    return go


def test_others_are_answered_while_something_is_compiled(client, held):
    async def asked():
        new = asyncio.create_task(client.answer(Rival(NEW % 1)))
        while not held.compiled:
            await asyncio.sleep(0)
        for _ in range(3):
            assert "errors" not in await client.answer(KNOWN)
        assert not new.done()
        held.set()
        return await new

    assert client.run(asked()) == {"data": {"customers": {"nodes": []}}}


def test_what_many_ask_at_once_is_compiled_once_and_one_after_the_other(client, held):
    async def asked():
        many = [asyncio.create_task(client.answer(Rival(NEW % size))) for size in (1, 1, 1, 2, 2, 3)]
        while not held.compiled:
            await asyncio.sleep(0)
        held.set()
        return await asyncio.gather(*many)

    assert all("errors" not in answer for answer in client.run(asked()))
    assert held.compiled == 3
    assert held.most == 1


def test_what_is_nested_too_deeply_for_the_interpreter_is_refused_as_input(client, monkeypatch):
    def endless(*args, **kwargs):
        return endless(*args, **kwargs)

    monkeypatch.setattr(Planner, "plan", endless)
    (error,) = client.execute(NEW % 1)["errors"]
    assert error["message"] == "the query is nested too deeply; split it into several"
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": "nesting"}


THREADS = set()


@strawberry.input(description="A step.")
class Step:
    note: str = strawberry.field(description="What it says.")

    def __post_init__(self):
        THREADS.add(threading.get_ident())


@strawberry.input(description="Steps.")
class WalkInput(Input):
    steps: list[Step] = strawberry.field(description="Which.")


@strawberry.type(description="How far it went.")
class WalkPayload(Payload):
    count: int | None = strawberry.field(default=None, description="How many steps.")


@mutation
def walk(ctx: Context, input: WalkInput) -> WalkPayload:
    """Walks."""
    return WalkPayload(count=len(input.steps))


class Walking(Plugin):
    name, version, api = "walking", "1.0", ">=1,<2"

    @hookimpl
    def register_operations(self):
        return [walk]


def test_many_arguments_are_made_into_a_plugins_objects_off_the_event_loop(crm, monkeypatch):
    client, executed = crm(Walking), set()

    def executing(*args, execute=engine.execute, **kwargs):
        executed.add(threading.get_ident())
        return execute(*args, **kwargs)

    async def loop():
        return threading.get_ident()

    monkeypatch.setattr(engine, "execute", executing)
    text = """mutation ($few: [Step!]!, $many: [Step!]!) {
      few: walk(input: {steps: $few}) { count userErrors { code } }
      many: walk(input: {steps: $many}) { count } }"""
    steps = [{"note": str(number)} for number in range(3000)]
    THREADS.clear()
    answer = client.query(text, few=steps[:1], many=steps)
    assert answer == {"few": {"count": 1, "userErrors": []}, "many": {"count": 3000}}
    assert not {*THREADS, *executed} & {client.run(loop())}
