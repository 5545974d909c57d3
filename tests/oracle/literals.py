"""Argument values while a query is being made: printed into its text, or lifted into its variables."""

import json
import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any


class Word(str):
    """A value of an enumeration, written without quotes."""

    __slots__ = ()


class Variable(str):
    """The name of a variable that stands for a value."""

    __slots__ = ()


def literal(value: Any) -> str:
    """A value as it is written in a query."""
    match value:
        case Variable():
            return f"${value}"
        case Word():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{name}: {literal(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def arguments(given: Mapping[str, Any]) -> str:
    """Arguments as they are written behind a field's name."""
    return "(" + ", ".join(f"{name}: {literal(value)}" for name, value in given.items()) + ")" if given else ""


class Variables:
    """The variables of a query: declared with or without a default, given or left out."""

    def __init__(self, random: Random, share: float) -> None:
        self._random = random
        self._share = share
        self._is_fixed = False
        self._declared: dict[str, str] = {}
        #: Two sets of values, of one shape or of two.
        self.given: tuple[dict[str, Any], dict[str, Any]] = {}, {}

    def declare(self, name: str, type: str) -> Variable:
        """A variable without default."""
        self._declared[name] = f"${name}: {type}"
        return Variable(name)

    def lifted(self, type: str, make: Callable[[], Any], *, may_be_absent: bool = False) -> Any:
        """A value, or in some places a variable of the type that stands for it."""
        if self._is_fixed or self._random.random() >= self._share:
            return make()
        # Neither a default nor a given value may hold variables.
        self._is_fixed = True
        try:
            return self._variable(type, make, may_be_absent=may_be_absent and not type.endswith("!"))
        finally:
            self._is_fixed = False

    def _variable(self, type: str, make: Callable[[], Any], *, may_be_absent: bool) -> Variable:
        name = f"v{len(self._declared)}"
        way = self._random.choice(["given", "given", "default", "both", "absent" if may_be_absent else "given"])
        default = f" = {literal(make())}" if way in ("default", "both") else ""
        self._declared[name] = f"${name}: {type}{default}"
        for values in self.given if way in ("given", "both") else ():
            values[name] = make()
        if (may_be_absent or default) and self._random.random() < 0.3:
            self.given[1].pop(name, None)
        return Variable(name)

    def keep_used(self, text: str) -> None:
        """Forgets variables that stand nowhere in a text."""
        used = set(re.findall(r"\$(\w+)", text))
        self._declared = {name: declared for name, declared in self._declared.items() if name in used}
        for values in self.given:
            for name in values.keys() - used:
                del values[name]

    def header(self) -> str:
        """The declarations as they stand behind `query`."""
        return f"({', '.join(self._declared.values())})" if self._declared else ""
