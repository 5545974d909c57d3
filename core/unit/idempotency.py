"""Doing something once per key of a client: the same request again changes nothing and gets the same answer."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from core.base.errors import ConflictError, InputError
from core.base.sentences import sentence
from core.db.transaction import DatabaseTransaction, SqlStatement, mark
from core.log.changes import shown
from core.records.columns import column
from core.records.record import Table
from core.records.rows import rows_of

T = TypeVar("T")

_LONGEST = 255


class IdempotencyKey(Table):
    """The answer to a request that carried a key, so that its repetition changes nothing."""

    actor: str = column("Who sent it.", primary_key=True, exact=True)
    key: str = column("The client's key.", primary_key=True, exact=True)
    operation: str = column("The mutation it was used for.", exact=True)
    fingerprint: str = column("Hash of the input it was used with.", exact=True)
    result: dict[str, Any] = column("The answer.", default_factory=dict)
    created_at: datetime = column("When.", index=True)


def check_key(key: str) -> None:
    """Refuses what is not a key, even where none is kept, as in a dry run.

    Raises:
        InputError: the text is not a key.
    """
    if not key.strip() or len(key) > _LONGEST or "\0" in key:
        raise InputError(
            sentence("idempotencyKey: give 1 to {longest} characters, not only spaces, and no NUL", longest=_LONGEST)
        )


def once(
    transaction: DatabaseTransaction,
    actor: str,
    key: str,
    operation: str,
    given: Mapping[str, Any],
    now: datetime,
    work: Callable[[], T],
    dump: Callable[[T], Any],
    load: Callable[[Any], T],
) -> T:
    """The result of the work, done in this transaction or in an earlier one with the same key.

    Args:
        transaction: the running one.
        actor: who asks; keys of others are others.
        key: the client's.
        operation: what is done, such as the mutation's name.
        given: the input; its own `idempotencyKey` does not count.
        now: the moment.
        work: does it.
        dump: a result as JSON; None if nothing was done, so that it may be fixed and sent again with its key.
        load: the result from JSON.

    Raises:
        InputError: the text is not a key.
        ConflictError: the key was used for another operation or input.
    """
    check_key(key)
    fingerprint = hashlib.sha256(json.dumps(_plain(given), sort_keys=True).encode()).hexdigest()
    rows, engine = rows_of(IdempotencyKey, transaction.dialect), transaction.dialect
    mine = f"WHERE actor = {mark(engine, 1)} AND key = {mark(engine, 2)}"
    if not _claim(transaction, actor, key, operation, fingerprint, now):
        (known,) = rows.all_made(transaction.rows(rows.select(mine, actor, key)))
        if (known.operation, known.fingerprint) != (operation, fingerprint):
            raise ConflictError(
                sentence(
                    "idempotencyKey: {key!r} was used for another request on {created_at}; use a new key for "
                    "a new request",
                    key=key,
                    created_at=known.created_at,
                )
            )
        return load(known.result["answer"])
    result = work()
    dumped = dump(result)
    if dumped is None:
        transaction.put(SqlStatement(f"DELETE FROM idempotency_key {mine}", (actor, key)))
    else:
        transaction.put(rows.change([{"actor": actor, "key": key, "result": {"answer": dumped}}]))
    return result


def _claim(
    transaction: DatabaseTransaction, actor: str, key: str, operation: str, fingerprint: str, now: datetime
) -> bool:
    """Whether the key is new. A rival with the same key waits here until this transaction ends."""
    asked = {"operation": operation, "fingerprint": fingerprint}
    claim = {"actor": actor, "key": key, **asked, "created_at": now, "result": {}}
    claimed = rows_of(IdempotencyKey, transaction.dialect).insertion([claim], if_absent=True)
    return bool(transaction.rows(SqlStatement(f"{claimed.sql} RETURNING key", claimed.values)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if name != "idempotencyKey"}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else shown(value)
