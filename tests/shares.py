"""Shares of what is tried exhaustively: the suite tries a part of it, with EXHAUSTIVE=1 all of it."""

import os
from collections.abc import Sequence
from itertools import product
from typing import TypeVar

T = TypeVar("T")

#: Not a setting: one that begins with GUANXI_ and is not known stops the app.
EXHAUSTIVE = "EXHAUSTIVE" in os.environ


def is_due(number: int, of: int) -> bool:
    """Whether the suite tries what has this number, which is every so many-th."""
    return EXHAUSTIVE or number % of == 0


def share(items: Sequence[T], of: int) -> Sequence[T]:
    """Every so many-th of some items."""
    return [item for number, item in enumerate(items) if is_due(number, of)]


def by_turns(engines: Sequence[str], items: Sequence[T]) -> Sequence[tuple[str, T]]:
    """Pairs of engines and items: each engine tries its share of them, and each item is tried once."""
    return [
        (engine, item)
        for (place, engine), (number, item) in product(enumerate(engines), enumerate(items))
        if is_due(number + place, len(engines))
    ]
