"""One table of a TOML file, read with care: every key is asked for, its type checked, unknown keys refused."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

#: The types of single values.
SCALARS: tuple[type, ...] = (str, bool, int, Decimal)


class TomlFault(Exception):  # noqa: N818  (noted, and the rest of the file is read on)
    """Something in the file that cannot be, with its place and remedy."""


class TomlTable:
    """One table of the file: hands out its keys, checks their types, and knows which nobody has asked for."""

    def __init__(self, place: str, values: Any) -> None:
        if not isinstance(values, dict):
            raise TomlFault(f"{place}: {values!r} is not a table {{ … }}")
        self.place = place
        self._values: dict[str, Any] = values
        self._asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def items(self) -> Iterator[tuple[str, Any]]:
        """All keys with their values."""
        self._asked |= self._values.keys()
        yield from self._values.items()

    def expect(self, *keys: str) -> None:
        """Notes keys that are looked at later."""
        self._asked.update(keys)

    def take(self, key: str, *types: type, what: str, default: Any = None) -> Any:
        """The value of a key, which must be of one of these types; `what` says so in words."""
        self._asked.add(key)
        if key not in self._values:
            return default
        value = self._values[key]
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise self.fault(f"{key} = {shown(value)}: must be {what}")
        return value

    def text(self, key: str, default: str | None = None) -> str | None:
        """The text of a key."""
        value: str | None = self.take(key, str, what="a text in quotes", default=default)
        if value == "":
            raise self.fault(f'{key} = "": is empty; write something, or leave it out')
        return value

    def choice(self, key: str, options: Sequence[str], default: str) -> str:
        """One of a few words."""
        words = " or ".join(f'"{option}"' for option in options)
        value: str = self.take(key, str, what=words, default=default)
        if value not in options:
            raise self.fault(f"{key} = {shown(value)}: must be {words}")
        return value

    def texts(self, key: str) -> list[str]:
        """A text, or a list of texts."""
        value = self.take(key, str, list, what="a text in quotes, or a list of them", default=[])
        found = [value] if isinstance(value, str) else value
        if not all(isinstance(item, str) for item in found):
            raise self.fault(f"{key} = {shown(value)}: must be a text in quotes, or a list of them")
        return list(found)

    def table(self, key: str) -> "TomlTable":
        """A table inside this one; an empty one where there is none."""
        self._asked.add(key)
        return TomlTable(f"{self.place}: {key}" if self.place else key, self._values.get(key, {}))

    def scalars(self, key: str) -> dict[str, Any] | None:
        """A table of single values, such as a value map."""
        self._asked.add(key)
        if key not in self:
            return None
        inner = self.table(key)
        for name, value in inner.items():
            inner.take(name, *SCALARS, what="a single value: a text in quotes, a number, true or false")
            if value == "":
                raise inner.fault(f'"{name}" = "": nothing is translated into the empty text; write what it means')
        return dict(inner.items())

    def one_of(self, keys: Sequence[str]) -> str:
        """The one of these keys that is there."""
        given = [key for key in keys if key in self]
        if len(given) != 1:
            found = f"has {' and '.join(given)}" if given else "has none of them"
            raise self.fault(f"{found}; write exactly one of {', '.join(keys)}")
        return given[0]

    def end(self) -> None:
        """Refuses the keys that nobody has asked for."""
        unknown = self._values.keys() - self._asked
        if unknown:
            name = min(unknown)
            raise self.fault(f"{name}: means nothing here; {suggestion(name, self._asked)}")

    def fault(self, problem: str) -> TomlFault:
        """A fault of this table."""
        return TomlFault(f"{self.place}: {problem}" if self.place else problem)


def shown(value: Any) -> str:
    """A value as it is in the file."""
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def suggestion(name: str, known: Iterable[str]) -> str:
    """What may have been meant, and everything that can be."""
    names = sorted(known)
    close = get_close_matches(name, names, 1, 0.6)
    return (f"did you mean {close[0]}? " if close else "") + f"possible: {', '.join(names)}"
