"""Whether the app's answer is the oracle's: the same values under the same keys in the same order, cursors apart."""

from typing import Any

from tests.oracle.pages import Cursor

Path = tuple[str | int, ...]


class DifferenceError(AssertionError):
    """The answers differ; the message says where."""


def compare(expected: Any, actual: Any, path: Path = ()) -> list[tuple[Path, str, str]]:
    """Compares what the oracle says with what the app says; gives the cursors, the oracle's and the app's in pairs.

    Raises:
        DifferenceError: they differ.
    """
    if isinstance(expected, Cursor):
        if not isinstance(actual, str):
            raise _difference(path, "a cursor", actual)
        return [(path, str(expected), actual)]
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or list(expected) != list(actual):
            raise _difference(path, expected, actual)
        return [pair for key, value in expected.items() for pair in compare(value, actual[key], (*path, key))]
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(expected) != len(actual):
            raise _difference(path, expected, actual)
        pairs = enumerate(zip(expected, actual, strict=True))
        return [pair for index, (one, other) in pairs for pair in compare(one, other, (*path, index))]
    if type(expected) is not type(actual) or expected != actual:
        raise _difference(path, expected, actual)
    return []


def compare_cursors(pairs: list[tuple[Path, str, str]]) -> None:
    """Checks that one place has one cursor, and each cursor one place.

    Raises:
        DifferenceError: a cursor stands for two places, or a place has two cursors.
    """
    there: dict[str, str] = {}
    back: dict[str, str] = {}
    for path, expected, actual in pairs:
        if there.setdefault(expected, actual) != actual or back.setdefault(actual, expected) != expected:
            raise _difference(path, there[expected], actual)


def _difference(path: Path, expected: Any, actual: Any) -> DifferenceError:
    where = ".".join(map(str, path))
    return DifferenceError(f"at {where or 'the top'}: expected {_short(expected)}, got {_short(actual)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 1000 else f"{text[:1000]}…"
