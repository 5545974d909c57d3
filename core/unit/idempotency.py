"""Doing something once per key of a client: the same request again changes nothing and gets the same answer."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import delete, update
from sqlmodel import Session, col

from core.base.errors import ConflictError, InputError
from core.db.sql import insert_if_absent
from core.log.changes import shown
from core.records.columns import column
from core.records.record import Table

T = TypeVar("T")

_LONGEST = 255


class IdempotencyKey(Table):
    """The answer to a request that carried a key, so that its repetition changes nothing."""

    key: str = column("The client's key.", primary_key=True, exact=True)
    operation: str = column("The mutation it was used for.", exact=True)
    fingerprint: str = column("Hash of the input it was used with.", exact=True)
    result: dict[str, Any] = column("The answer.", default_factory=dict)
    created_at: datetime = column("When.", index=True)


def once(
    session: Session,
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
        session: of the running transaction.
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
    if not key.strip() or len(key) > _LONGEST or "\0" in key:
        raise InputError(f"idempotencyKey: give 1 to {_LONGEST} characters, not only spaces, and no NUL")
    fingerprint = hashlib.sha256(json.dumps(_plain(given), sort_keys=True).encode()).hexdigest()
    if not _claim(session, key, operation, fingerprint, now):
        known = session.get_one(IdempotencyKey, key)
        if (known.operation, known.fingerprint) != (operation, fingerprint):
            raise ConflictError(
                f"idempotencyKey: {key!r} was used for another request on {known.created_at:%Y-%m-%d %H:%M} UTC; "
                "use a new key for a new request"
            )
        return load(known.result["answer"])
    result = work()
    dumped = dump(result)
    mine = col(IdempotencyKey.key) == key
    if dumped is None:
        session.execute(delete(IdempotencyKey).where(mine))
    else:
        session.execute(update(IdempotencyKey).where(mine).values(result={"answer": dumped}))
    return result


def _claim(session: Session, key: str, operation: str, fingerprint: str, now: datetime) -> bool:
    """Whether the key is new. A rival with the same key waits here until this transaction ends."""
    claim = {"key": key, "operation": operation, "fingerprint": fingerprint, "created_at": now, "result": {}}
    insert = insert_if_absent(session, IdempotencyKey.__table__).returning(IdempotencyKey.__table__.c.key)
    return session.execute(insert, claim).first() is not None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if name != "idempotencyKey"}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else shown(value)
