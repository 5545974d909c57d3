"""Pages of lists: cut by first, after, last and before, with cursors of the oracle's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.oracle.filters import RefusedError, selected
from tests.oracle.orders import place, sort_keys
from tests.oracle.records import Records, Row


class Cursor(str):
    """A cursor of the oracle. It never equals the app's; where one stands, the other must."""

    __slots__ = ()


class Cursors:
    """The places that cursors stand for."""

    def __init__(self) -> None:
        self._tokens: dict[Any, Cursor] = {}
        self._places: dict[str, Any] = {}

    def written(self, identity: Any, place: tuple[Any, ...]) -> Cursor:
        """The cursor of a place in a list."""
        key = (identity, place)
        if key not in self._tokens:
            token = Cursor(f"cursor {len(self._tokens)}")
            self._tokens[key] = token
            self._places[token] = key
        return self._tokens[key]

    def read(self, token: str, identity: Any) -> tuple[Any, ...]:
        """The place a cursor stands for.

        Raises:
            RefusedError: it is of another list, order or filter.
        """
        of, found = self._places.get(token, (None, ()))
        if of != identity:
            raise RefusedError("cursor")
        return found  # type: ignore[no-any-return]


def _kept(given: str | None) -> Cursor | None:
    return None if given is None else Cursor(given)


def connection(
    records: Records,
    cursors: Cursors,
    type: str,
    list_name: str,
    rows: Sequence[Row],
    arguments: Mapping[str, Any],
    sizes: tuple[int, int],
) -> dict[str, Any]:
    """A page of a list; `sizes` are the default and the largest size of a page."""
    keys = sort_keys(records, type, arguments.get("orderBy"))
    identity = (list_name, repr(arguments.get("orderBy") or []), _stable(arguments.get("where")))
    chosen = selected(records, rows, arguments.get("where"))
    placed = sorted(((place(records, row, keys), row) for row in chosen), key=lambda pair: pair[0])
    first, last, after, before = (arguments.get(name) for name in ("first", "last", "after", "before"))
    size = _size(first, last, sizes)
    if after is not None:
        start = cursors.read(after, identity)
        placed = [pair for pair in placed if pair[0] > start]
    if before is not None:
        end = cursors.read(before, identity)
        placed = [pair for pair in placed if pair[0] < end]
    more = len(placed) > size
    page = placed[max(len(placed) - size, 0) :] if last is not None else placed[:size]
    edges = [{"cursor": cursors.written(identity, where), "node": row} for where, row in page]
    return {
        "edges": edges,
        "nodes": [row for _, row in page],
        "totalCount": len(chosen),
        "pageInfo": {
            "hasNextPage": before is not None if last is not None else more,
            "hasPreviousPage": more if last is not None else after is not None,
            # An empty page keeps the cursors it was asked with.
            "startCursor": edges[0]["cursor"] if edges else _kept(before),
            "endCursor": edges[-1]["cursor"] if edges else _kept(after),
        },
    }


def _size(first: int | None, last: int | None, sizes: tuple[int, int]) -> int:
    default, largest = sizes
    if first is not None and last is not None:
        raise RefusedError("first and last")
    asked = first if last is None else last
    size = default if asked is None else asked
    if not 0 <= size <= largest:
        raise RefusedError("size")
    return size


def _stable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple(sorted((key, _stable(item)) for key, item in value.items()))
    if isinstance(value, list):
        return tuple(_stable(item) for item in value)
    return value
