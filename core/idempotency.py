"""Doing something once for each key a client chose: the same request again changes nothing and gets the same answer."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session

from core.changes import shown
from core.errors import ConflictError
from core.keys import IdempotencyKey

T = TypeVar("T")


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
        dump: a result as JSON; None if nothing was done, so that it may be mended and sent again with its key.
        load: the result from JSON.

    Raises:
        ConflictError: the key was used for another operation or input.
    """
    fingerprint = hashlib.sha256(json.dumps(_plain(given), sort_keys=True).encode()).hexdigest()
    known = session.get(IdempotencyKey, key)
    if known is not None:
        if (known.operation, known.fingerprint) != (operation, fingerprint):
            raise ConflictError(
                f"idempotencyKey: {key!r} was used for another request on {known.created_at:%Y-%m-%d %H:%M} UTC; "
                "take a new key for a new request"
            )
        return load(known.result["answer"])
    # Inserting first makes a rival with the same key wait until this transaction ends.
    known = IdempotencyKey(key=key, operation=operation, fingerprint=fingerprint, created_at=now)
    session.add(known)
    session.flush()
    result = work()
    dumped = dump(result)
    if dumped is None:
        session.delete(known)
    else:
        known.result = {"answer": dumped}
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if name != "idempotencyKey"}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else shown(value)
