"""What is judged when budgets and uses of resources are entered."""

from collections.abc import Iterator
from typing import Any

from guanxi import Action, Changes, UserError, sentence
from plugins.value_tiering.resources.models import ResourceKind

_ENTERED = (Action.CREATED, Action.UPDATED, Action.RESTORED)


def resource_problems(changes: Changes) -> Iterator[UserError]:
    """Why a budget or a use is refused: shares that are not all of it, or no quantity of its kind (T10)."""
    for change in changes.of("ResourceBudget", *_ENTERED):
        budget: Any = change.record
        total = budget.major_share + budget.named_share + budget.non_named_share + budget.mass_market_share
        if total != 100:
            message = sentence(
                "massMarketShare: the four shares sum to {total}, but must sum to 100; give all four", total=total
            )
            yield UserError("INVALID", message, ("massMarketShare",), budget)
    for change in changes.of("ResourceUse", *_ENTERED):
        use: Any = change.record
        if use.kind is ResourceKind.FUNDS:
            if use.cost is None:
                yield UserError("INVALID", sentence("cost: FUNDS are spent as an amount; give it"), ("cost",), use)
            if use.quantity is not None:
                settled = sentence("quantity: of FUNDS the cost is the quantity; leave it out")
                yield UserError("INVALID", settled, ("quantity",), use)
        elif use.quantity is None:
            yield UserError(
                "INVALID", sentence("quantity: say how much {kind} was spent", kind=use.kind), ("quantity",), use
            )
