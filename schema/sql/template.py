"""JSON that SQL made, with places for values that Python gives: what a value is made from is put in its place.

The text is taken apart at the places and put together again, so that the rest of it is never decoded.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from core.db.sql import Expression
from schema.sql.json import constant, json_array

#: Begins and ends every place. No record can hold it: it is another one in each process.
_MARK = secrets.token_hex(8)
_BEGIN = f'["{_MARK}:'.encode()
_END = f'"{_MARK}"]'.encode()


def placeholder(number: int, needs: Sequence[Expression]) -> Expression:
    """The place of a value: an array of a mark with its number, what it is made from, and the mark again."""
    return json_array(constant(f"{_MARK}:{number}"), *needs, constant(_MARK))


def is_placeholder(value: Any, number: int) -> bool:
    """Whether a decoded value is a place of this number."""
    return isinstance(value, list) and bool(value) and value[0] == f"{_MARK}:{number}"


class Template:
    """A text taken apart at its places.

    Attributes:
        needs: number of a place to what stands in all places of that number, in the order of the text.
    """

    def __init__(self, text: bytes) -> None:
        first, *parts = text.split(_BEGIN)
        self._texts = [first]
        inside = []
        for part in parts:
            carried, _, following = part.partition(_END)
            inside.append(b'["%s0]' % carried)
            self._texts.append(following)
        self.needs: dict[int, list[list[Any]]] = {}
        self._numbers = []
        for number, *carried_needs, _ in orjson.loads(b"[%s]" % b",".join(inside)):
            self._numbers.append(int(number))
            self.needs.setdefault(int(number), []).append(carried_needs)

    def filled(self, values: Mapping[int, Sequence[Any]]) -> bytes:
        """The text with a value in each place: by number, in the order of the text."""
        left: dict[int, Iterator[Any]] = {number: iter(given) for number, given in values.items()}
        parts = [self._texts[0]]
        for number, following in zip(self._numbers, self._texts[1:], strict=True):
            parts += (orjson.dumps(next(left[number])), following)
        return b"".join(parts)
