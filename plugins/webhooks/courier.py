"""Delivers what is due: events of several records of a webhook at once, but never two of one record."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from guanxi import Context, GuanxiError, InputError
from plugins.webhooks.log import Attempt, Due, due, next_due, pause_webhook, settle
from plugins.webhooks.messages import NotToBeSentError, Sender, message_of, sender_of
from plugins.webhooks.settings import WebhookSettings
from plugins.webhooks.signing import opened, signed
from plugins.webhooks.vocabulary import WebhookDeliveryStatus

if TYPE_CHECKING:
    from plugins.webhooks.connections import Connections, Reply

JOB = "webhook_deliveries"

#: While something is under way, so often is looked whether anything else is due.
_LOOK_SECONDS = 0.25
_LONGEST_PROBLEM = 500
_GONE = 410


async def deliver(ctx: Context) -> str:
    """Delivers all that is due, and has the job run again when something is due next; returns what it did."""
    # It comes with the extra.
    from plugins.webhooks.connections import Connections

    async with Connections(ctx.settings) as connections:
        courier = _Courier(ctx, connections)
        try:
            await courier.run()
        finally:
            # What was sent is to be known, also where the server stops in the middle.
            await courier.end()
    return courier.report


class _Courier:
    """One run of deliveries."""

    def __init__(self, ctx: Context, connections: "Connections") -> None:
        self._ctx = ctx
        self._settings: WebhookSettings = ctx.settings
        self._connections = connections
        self._under_way: dict[asyncio.Task[None], tuple[str, str]] = {}
        self._attempts: list[Attempt] = []
        self._counts: Counter[str] = Counter()

    @property
    def report(self) -> str:
        """What it did, in a few words."""
        return ", ".join(f"{self._counts[name]} {name}" for name in ("delivered", "failed", "skipped"))

    async def run(self) -> None:
        """Delivers until nothing is due."""
        while True:
            await asyncio.gather(*(self._begin(one) for one in await self._look()))
            if not self._under_way:
                if self._attempts:
                    continue
                break
            await asyncio.wait(self._under_way, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        moment = await self._ctx.transact(next_due)
        if moment is not None:
            await self._ctx.hurry(JOB, moment)

    async def end(self) -> None:
        """Breaks off what is under way, which is due again, and notes the rest."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._attempts:
            await self._ctx.transact(partial(settle, attempts=self._attempts))

    async def _look(self) -> Sequence[Due]:
        """Notes what was done, and takes what is due."""
        attempts = list(self._attempts)
        busy: dict[str, set[str]] = defaultdict(set)
        for task, (webhook_id, record_id) in self._under_way.items():
            # One that has just ended is among the attempts, though it is taken from what is under way a moment later.
            if not task.done():
                busy[webhook_id].add(record_id)

        def look(ctx: Context) -> list[Due]:
            settle(ctx, attempts)
            return due(ctx, busy)

        found: Sequence[Due] = await self._ctx.transact(look)
        del self._attempts[: len(attempts)]
        return found

    async def _begin(self, one: Due) -> None:
        try:
            sender = await sender_of(self._ctx, one.webhook_id, one.owner_id)
        except InputError as error:
            await self._ctx.transact(partial(pause_webhook, webhook_id=one.webhook_id, why=f"owner: {error.message}"))
            return
        for delivery in one.deliveries:
            task = asyncio.create_task(self._deliver(one, sender, delivery))
            self._under_way[task] = (one.webhook_id, delivery["record_id"])
            task.add_done_callback(self._under_way.pop)

    async def _deliver(self, one: Due, sender: Sender, delivery: Mapping[str, Any]) -> None:
        """Makes one attempt."""
        began, start = self._ctx.clock.now(), monotonic()

        def attempt(status: WebhookDeliveryStatus, **said: Any) -> Attempt:
            spent = round((monotonic() - start) * 1000)
            return Attempt(one.webhook_id, delivery, began, status, duration_ms=spent, **said)

        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                body = await message_of(sender, delivery)
                response = await self._send(one, sender.url, delivery["id"], body)
            done = attempt(**_judged(response))
        except NotToBeSentError as skipped:
            done = attempt(WebhookDeliveryStatus.SKIPPED, problem=str(skipped))
        except Exception as error:
            done = attempt(WebhookDeliveryStatus.PENDING, problem=self._problem(error))
        self._counts["failed" if done.status is WebhookDeliveryStatus.PENDING else done.status.lower()] += 1
        self._attempts.append(done)

    async def _send(self, one: Due, url: str, id: str, body: bytes) -> "Reply":
        secrets = [opened(kept, self._settings.encryption_keys) for kept in one.secrets]
        headers = {
            "content-type": "application/json",
            "user-agent": "guanxi-webhooks",
            **signed(id, int(self._ctx.clock.now().timestamp()), body, secrets),
        }
        return await self._connections.post(url, headers, body)

    def _problem(self, error: Exception) -> str:
        """Why an attempt failed, for those who manage webhooks."""
        match error:
            case TimeoutError():
                text = f"there was no response within {self._settings.timeout_seconds} seconds"
            case GuanxiError():
                text = error.message
            case _:
                self._ctx.log.error("a delivery failed", exc_info=error)
                text = "the server failed; its log has the reason"
        return text[:_LONGEST_PROBLEM]


def _judged(response: "Reply") -> dict[str, Any]:
    """What a response means for a delivery."""
    status = response.status
    said = {"response_status": status, "retry_after": response.retry_after}
    if 200 <= status < 300:
        return {"status": WebhookDeliveryStatus.DELIVERED, **said}
    text = "redirects are not followed; change the url" if 300 <= status < 400 else f"the receiver answered {status}"
    stops = "the receiver answered 410: it wants no more" if status == _GONE else None
    return {"status": WebhookDeliveryStatus.PENDING, "problem": text, "stops": stops, **said}
