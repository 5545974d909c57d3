"""How operations read and write, and how they answer amounts and refusals."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import strawberry

from guanxi import Done, Reject, UserError
from plugins.forecasting.shared.reports import Asking
from plugins.forecasting.shared.rules import rounded

T = TypeVar("T")

ASKED = strawberry.argument(description="What is asked.")
KEY = "The same request with the same key again changes nothing and is answered as before."


async def read(context: Any, plugin: str, work: Callable[[Asking], T]) -> T:
    """Answers from one state of the data."""
    most = context.settings.maximum_page_size
    found: T = await context.read(plugin, lambda ctx: work(Asking(ctx, most)))
    return found


async def write(
    context: Any,
    plugin: str,
    operation: str,
    input: Any,
    work: Callable[[Asking], Mapping[str, Any]],
    *,
    dry: bool = False,
) -> dict[str, Any]:
    """Does the work once for each idempotency key; a refusal becomes the payload's errors.

    Args:
        context: of the request.
        plugin: the plugin's name.
        operation: the mutation's.
        input: what was asked, with an `idempotency_key`.
        work: does it and gives the payload but for its errors, as JSON.
        dry: everything is rolled back in the end.
    """
    most = context.settings.maximum_page_size
    done: Done = await context.perform(plugin, operation, input, lambda ctx: dict(work(Asking(ctx, most))), dry=dry)
    return {**(done.answer or {}), "user_errors": list(done.user_errors), "warnings": list(done.warnings)}


def refuse(code: str, field: str, message: str) -> Reject:
    """The refusal of one input field."""
    return Reject(UserError(code, f"{field}: {message}", (field,)))


def money(amount: Decimal | None, asking: Asking) -> dict[str, Any] | None:
    """An amount of the reporting currency as the API shows it."""
    if amount is None:
        return None
    exact = rounded(amount, asking.places)
    return {"amount": exact, "currency": asking.currency, "reportingAmount": exact}
