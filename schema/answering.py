"""How a mutation is answered: the work in a transaction, once for each idempotency key, and its payload."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.changes import shown
from core.drafts import Outcome, OutcomeStatus
from core.errors import ConflictError, UserError
from core.keys import IdempotencyKey
from core.unit import Unit
from schema.catalog import RecordType
from schema.context import RequestContext

Input = Mapping[str, Any]
Work = Callable[[Unit, Input], Sequence[Outcome]]


async def run(context: RequestContext, operation: str, given: Input, work: Work, *, dry: bool = False) -> list[Outcome]:
    """Does the work in a transaction, once for each idempotency key.

    Raises:
        ConflictError: the key was used for another input.
    """
    key = given.get("idempotencyKey")

    def in_transaction(unit: Unit) -> list[Outcome]:
        if key is None:
            return list(work(unit, given))
        return _once(unit, key, operation, given, work)

    return await context.write(in_transaction, dry=dry)


def _once(unit: Unit, key: str, operation: str, given: Input, work: Work) -> list[Outcome]:
    fingerprint = hashlib.sha256(json.dumps(_plain(given), sort_keys=True).encode()).hexdigest()
    known = unit.session.get(IdempotencyKey, key)
    if known is None:
        # Inserting first makes a rival with the same key wait until this transaction ends.
        known = IdempotencyKey(key=key, operation=operation, fingerprint=fingerprint, created_at=unit.now)
        unit.session.add(known)
        unit.session.flush()
        outcomes = list(work(unit, given))
        if any(outcome.status is not OutcomeStatus.FAILED for outcome in outcomes):
            known.result = {"outcomes": [_dumped(outcome) for outcome in outcomes]}
        else:
            # What failed may be mended and sent again with its key.
            unit.session.delete(known)
        return outcomes
    if (known.operation, known.fingerprint) != (operation, fingerprint):
        raise ConflictError(
            f"idempotencyKey: {key!r} was used for another request of {known.created_at:%Y-%m-%d %H:%M} UTC; "
            "take a new key for a new request"
        )
    return [_loaded(stored) for stored in known.result["outcomes"]]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items() if name != "idempotencyKey"}
    return [_plain(item) for item in value] if isinstance(value, list) else shown(value)


def _dumped(outcome: Outcome) -> dict[str, Any]:
    def error(given: UserError) -> list[Any]:
        return [given.code, given.message, list(given.field) if given.field else None, given.plugin]

    return {
        "index": outcome.index,
        "status": outcome.status.value,
        "id": outcome.id,
        "errors": [error(given) for given in outcome.errors],
        "warnings": [error(given) for given in outcome.warnings],
    }


def _loaded(stored: Mapping[str, Any]) -> Outcome:
    def errors(given: list[Any], *, warning: bool) -> list[UserError]:
        return [UserError(code, text, field, plugin=plugin, warning=warning) for code, text, field, plugin in given]

    return Outcome(
        stored["index"],
        OutcomeStatus(stored["status"]),
        stored["id"],
        errors(stored["errors"], warning=False),
        errors(stored["warnings"], warning=True),
    )


def payload(record: RecordType, outcome: Outcome) -> dict[str, Any]:
    """The payload of a mutation of one record."""
    gone = outcome.status in (OutcomeStatus.DELETED, OutcomeStatus.DESTROYED)
    return {
        record.singular: None if gone else outcome.id,
        "userErrors": list(outcome.errors),
        "warnings": list(outcome.warnings),
    }


class Refusal(Exception):  # noqa: N818  (a verdict, answered as user errors)
    """Rolls a transaction back and answers these errors."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        super().__init__()
        self.errors = errors
