"""How the courier knows what is under way."""

import asyncio

from plugins.webhooks import courier
from plugins.webhooks.settings import WebhookSettings


def test_a_delivery_that_has_just_ended_holds_up_nothing_of_its_record(monkeypatch):
    seen = {}

    class Host:
        settings = WebhookSettings()

        async def transact(self, work):
            return work(self)

    monkeypatch.setattr(courier, "due", lambda ctx, busy: seen.update({id: set(those) for id, those in busy.items()}))
    monkeypatch.setattr(courier, "settle", lambda ctx, attempts: None)

    async def look():
        run = courier._Courier(Host(), connections=None)

        async def ended():
            pass

        for record, coroutine in (("ended", ended()), ("lasting", asyncio.sleep(60))):
            task = asyncio.create_task(coroutine)
            run._under_way[task] = ("webhook", record)
            task.add_done_callback(run._under_way.pop)
        # One step of each: what has ended is not taken from what is under way before the next.
        await asyncio.sleep(0)
        assert len(run._under_way) == 2
        await run._look()
        await run.end()

    asyncio.run(look())
    assert seen == {"webhook": {"lasting"}}
