"""What a caller may see. Every statement is made under one access, so that it holds everywhere at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.base.actors import Actor
from core.records.fields import Row


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may see.

    Attributes:
        name: accesses of one name have the same rows, whoever asks; it identifies them where plans are cached.
        denied: the permissions it lacks. A field that needs one of them is null with an error where it is selected, and
            cannot filter, order, group or be summed.
        rows: by name of a record, the condition under which a row of it is there at all. `row.actor` is the caller.
    """

    name: str = "everything"
    denied: frozenset[str] = frozenset()
    rows: Mapping[str, Callable[[Row], Any]] = field(default_factory=dict, compare=False)


EVERYTHING = Access()

GetAccess = Callable[[Actor], Access]
