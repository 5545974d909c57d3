"""The property of row scopes: what a caller is answered is what anybody is answered where the rest is not there.

The oracle answers from plain rows. From those that the caller may not see it is kept away; the values of the others
were worked out before, with all rows there, because values declared over other records are facts of their record.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from tests.access.visible import PARENTS, Caller, Visible, make_caller, without
from tests.oracle.asking import ask_on
from tests.oracle.comparing import DifferenceError
from tests.oracle.queries import make_query
from tests.oracle.records import Records
from tests.oracle.trial import Trial

_DEPTH, _PAGES = 2, 3
#: What nobody sees who does not administer.
_ADMINISTERED = {"ApiKey", "AuditEntry", "Role", "UserIdentity"}


@contextmanager
def removed(trial: Trial, caller: Caller) -> Iterator[Records]:
    """Takes from the oracle what a caller may not see; gives all there is of the records of which it may see any."""
    whole = trial.oracle.records
    hidden = _ADMINISTERED | {name for name in PARENTS if not caller.scopes_of(name)}
    trial.oracle.records = Records(whole.shapes, Visible(whole, caller).rows())
    try:
        rows = (row for name, rows in whole.lists.items() if name not in hidden for row in rows)
        yield Records(without(whole.shapes, hidden), rows)
    finally:
        trial.oracle.records = whole


def check_round(trial: Trial, seed: int, queries: int) -> int:
    """Asks random queries as a random caller; says how many answers were alike.

    Raises:
        DifferenceError: one differs from what the oracle says of the rows that the caller may see.
    """
    caller = make_caller(trial.oracle.records, Random(seed))
    client = trial.client.acting_as(caller.user, caller.permissions)

    def ask(text: str, variables: Any) -> Any:
        return client.execute(text, **variables)

    answered = 0
    with removed(trial, caller) as asked_of:
        for number in range(queries):
            query_seed = seed * 1000 + number
            asked = make_query(trial.oracle.schema, asked_of, query_seed, _DEPTH)
            try:
                answered += ask_on(trial.oracle, ask, asked, query_seed, _PAGES)
            except DifferenceError as error:
                raise DifferenceError(f"round {seed}, {caller}: {error}\n{asked.text}\n{asked.variables[0]}") from None
    return answered
