"""How commands ask the CRM: as the operator of this machine, by the same operations as any client."""

import asyncio
from typing import Any

from core.base.errors import InputError


def ask(text: str, variables: dict[str, Any] | None = None) -> Any:
    """The data of a query, or the payload of a mutation that was not refused.

    Raises:
        InputError: it was refused; the message says why.
    """
    from guanxi.app import create_app, running_alone

    async def work() -> Any:
        async with running_alone(create_app()) as app:
            return await app.ask(text, variables)

    (answer,) = asyncio.run(work()).values()
    if errors := answer.get("userErrors"):
        raise InputError("; ".join(error["message"] for error in errors))
    return answer


def moment(text: str | None) -> str:
    """A moment as tables show it."""
    return "" if text is None else f"{text[:10]} {text[11:16]} UTC"
