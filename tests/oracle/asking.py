"""One question to both: the app and the oracle, and the pages that follow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.oracle.comparing import DifferenceError, Path, compare, compare_cursors
from tests.oracle.oracle import Oracle
from tests.oracle.queries import Asked

#: Asks the app: the whole answer to a query with variables.
Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

#: What an old SQLite cannot parse is refused in these words.
TOO_DEEP = "too deep or too wide for the database engine"

Pairs = list[tuple[Path, str, str]]


def ask_both(
    oracle: Oracle, ask: Ask, text: str, variables: Mapping[str, Any], cursors: Mapping[str, tuple[str, str]]
) -> Pairs | None:
    """Asks both and compares; gives the cursors of the answers in pairs, or None where both refuse.

    Args:
        cursors: values of variables, first the oracle's and then the app's.

    Raises:
        DifferenceError: they differ, or the app's own code failed.
    """
    actual = ask(text, {**variables, **{name: pair[1] for name, pair in cursors.items()}})
    errors = actual.get("errors") or ()
    codes = {error["extensions"]["code"] for error in errors}
    if "INTERNAL_SERVER_ERROR" in codes:
        raise DifferenceError(str(errors[0]))
    if any(TOO_DEEP in error["message"] for error in errors):
        return None
    if "GRAPHQL_VALIDATION_FAILED" in codes:
        if oracle.is_valid(text):
            raise DifferenceError(f"the query is valid, but the app says {errors[0]}")
        return None
    expected = oracle.execute(text, {**variables, **{name: pair[0] for name, pair in cursors.items()}})
    refused = {tuple(error.path or ()) for error in expected.errors or ()}
    if refused != {tuple(error.get("path") or ()) for error in errors}:
        said = [error.message.split("\n")[0] for error in expected.errors or ()]
        raise DifferenceError(f"the oracle says {said or 'nothing'}, the app {errors or 'nothing'}")
    if expected.data is None and actual.get("data") is None:
        return None
    pairs = compare(expected.data, actual["data"])
    compare_cursors(pairs)
    return pairs


@dataclass
class Step:
    """One request of several with the same query: its variables, and its cursors, first the oracle's, then the app's."""

    variables: Mapping[str, Any]
    cursors: dict[str, tuple[str, str]]


def ask_on(
    oracle: Oracle, ask: Ask, asked: Asked, seed: int, most: int, taken: Callable[[Step], None] = lambda step: None
) -> int:
    """Asks a query, with other values and for pages that follow; says how often both answered, and alike.

    Raises:
        DifferenceError: they differ.
    """
    random = Random(seed)
    cursors: dict[str, tuple[str, str]] = {}
    answered = 0
    for number in range(most):
        step = Step(asked.variables[0 if number == 0 else random.randrange(2)], dict(cursors))
        taken(step)
        pairs = ask_both(oracle, ask, asked.text, step.variables, step.cursors)
        answered += pairs is not None
        ways = [(_list_of(path, asked), pair) for path, *pair in pairs or ()]
        ways = [(key, pair) for key, pair in ways if key is not None]
        if ways:
            key, (expected, actual) = random.choice(ways)
            cursors[random.choice(asked.pages[key])] = (expected, actual)
        elif asked.variables[0] == asked.variables[1] or pairs is None:
            break
    return answered


def _list_of(path: Path, asked: Asked) -> str | None:
    """The innermost list that a cursor stands in, if it can be paged on."""
    keys = [step for step in path if isinstance(step, str) and step.startswith("c") and step[1:].isdigit()]
    return keys[-1] if keys and keys[-1] in asked.pages else None
