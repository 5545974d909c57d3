"""How a mutation is answered: the work in a transaction, once for each idempotency key, and its payload."""

# Annotations of inner functions are not to be evaluated in each request.
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from core.access.permissions import Right
from core.base.errors import PluginError, UserError
from core.db.conflicts import Conflict, conflict_of
from core.db.transaction import Rows, SqlStatement
from core.host.contract import FetchJson
from core.unit.drafts import TAKEN, WHOLE, OutcomeStatus, RowOutcome, failure
from core.unit.idempotency import check_key, once
from core.unit.unit import Unit
from schema.catalog.access import Access
from schema.catalog.catalog import RecordType
from schema.request.context import RequestContext
from schema.request.transactions import write_and_read
from schema.types.builder import Member

MutationInput = Mapping[str, Any]
Work = Callable[[Unit, MutationInput], Sequence[RowOutcome]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A root field of Mutation: how it appears in the schema, what it does, and what it is answered with.

    Attributes:
        member: the field.
        operation: what idempotency keys are used for.
        work: does it.
        present: the payload, with records by their ids.
        refusal: gives the payload where the request is refused as a whole; None where it never is.
        rights: what the caller needs, by record.
        permission: what it needs besides; None for nothing.
        removes: it deletes or destroys the record whose id is given, which is shown as it was.
        is_lasting: what it does must outlive the restore of a backup from before, so the journal lists it.
        singles: names of the records of which it changes hardly more than one; none where it may change many.
    """

    member: Member
    operation: str
    work: Work
    present: Callable[[MutationInput, Sequence[RowOutcome]], Mapping[str, Any]]
    refusal: Callable[[RequestContext, MutationInput], Mapping[str, Any] | None] | None = None
    rights: Sequence[tuple[str, Right]] = ()
    permission: str | None = None
    removes: bool = False
    is_lasting: bool = False
    singles: tuple[str, ...] = ()

    def check(self, access: Access) -> None:
        """Refuses who may not do it, before anything is done.

        Raises:
            ForbiddenError: the caller may not.
        """
        if self.permission is not None:
            access.demand(self.permission)
        for record, right in self.rights:
            access.demand_right(record, right)


async def run(
    context: RequestContext,
    mutation: Mutation,
    given: MutationInput,
    reads: Callable[[list[RowOutcome]], Sequence[SqlStatement]],
    *,
    on_removal: Callable[[FetchJson], None] | None = None,
    dry: bool = False,
) -> tuple[list[RowOutcome], Sequence[Rows] | None]:
    """Does the work in a transaction, once for each idempotency key; returns its outcomes, and what was read with it.

    Args:
        context: of the request.
        mutation: whose work.
        given: its input.
        reads: gives the statements that read, knowing the outcomes.
        on_removal: reads what is about to be removed, once it is locked; again where the transaction is repeated.
        dry: everything is rolled back at the end.

    Raises:
        ConflictError: the key was used for another input.
    """
    key, work = given.get("idempotencyKey"), mutation.work

    def done(unit: Unit) -> list[RowOutcome]:
        outcomes = [*work(unit, given)]
        return [_concealed(unit, outcome, given) for outcome in outcomes] if unit.permit.is_limited else outcomes

    def in_transaction(unit: Unit) -> list[RowOutcome]:
        if on_removal is not None:
            unit.on_removal = lambda: on_removal(unit.fetch)
        if key is None:
            return done(unit)
        if dry:
            check_key(key)
            return done(unit)
        return once(
            unit.transaction,
            context.actor.id,
            key,
            mutation.operation,
            given,
            unit.now,
            lambda: done(unit),
            _all_dumped,
            _all_loaded,
        )

    is_brief = bool(mutation.singles) and not context.services.host.may_block(mutation.singles)
    try:
        done_and_read = await write_and_read(context, in_transaction, reads, dry=dry, is_brief=is_brief)
        if mutation.is_lasting and not dry:
            # Before it is answered: whoever was told that it is done can rely on it.
            await context.services.database.in_thread(context.services.note_lasting)
        return done_and_read
    except MutationRefusal as refusal:
        return [failure(WHOLE, refusal.errors)], ()
    except Exception as error:
        if conflict_of(error) is not Conflict.TAKEN or _is_of_plugin(error):
            raise
        return [failure(WHOLE, [TAKEN])], ()


def _is_of_plugin(error: Exception) -> bool:
    """Whether a statement of a plugin's own failed; the core's, which its session has sent first, fail as they are."""
    return isinstance(error, PluginError) and isinstance(error.__cause__, DBAPIError)


_UNWRITTEN = {OutcomeStatus.FAILED, OutcomeStatus.UNCHANGED, OutcomeStatus.ROLLED_BACK}


class _Undone(Exception):  # noqa: N818  (control flow: the savepoint is rolled back, the outcomes kept)
    def __init__(self, outcomes: Sequence[RowOutcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


def all_or_nothing(unit: Unit, work: Callable[[], list[RowOutcome]]) -> list[RowOutcome]:
    """The outcomes of the work, all of which is undone if one row is refused."""
    try:
        with unit.savepoint():
            outcomes = work()
            if any(outcome.status is OutcomeStatus.FAILED for outcome in outcomes):
                raise _Undone(outcomes)
            return outcomes
    except _Undone as undone:
        return [_rolled_back(outcome) for outcome in undone.outcomes]


def _rolled_back(outcome: RowOutcome) -> RowOutcome:
    """The outcome of a row of a batch of which nothing was written."""
    if outcome.status in (OutcomeStatus.FAILED, OutcomeStatus.UNCHANGED):
        return outcome
    known = None if outcome.status is OutcomeStatus.CREATED else outcome.id
    return replace(outcome, status=OutcomeStatus.ROLLED_BACK, id=known)


def _concealed(unit: Unit, outcome: RowOutcome, given: MutationInput) -> RowOutcome:
    """An outcome as the caller may read it."""
    if not (outcome.errors or outcome.warnings):
        return outcome
    errors, warnings = (
        unit.permit.concealed(unit.transaction.rows, said, given) for said in (outcome.errors, outcome.warnings)
    )
    return replace(outcome, errors=errors, warnings=warnings)


def _all_dumped(outcomes: Sequence[RowOutcome]) -> list[Any] | None:
    """Outcomes as JSON; None where nothing was written, so that the rows may be fixed and sent again."""
    statuses = {outcome.status for outcome in outcomes}
    if OutcomeStatus.FAILED in statuses and statuses <= _UNWRITTEN:
        return None
    return [_dumped(outcome) for outcome in outcomes]


def _all_loaded(stored: Sequence[Any]) -> list[RowOutcome]:
    return [_loaded(outcome) for outcome in stored]


def _dumped(outcome: RowOutcome) -> dict[str, Any]:
    return {
        "index": outcome.index,
        "status": outcome.status.value,
        "id": outcome.id,
        "errors": [error.kept() for error in outcome.errors],
        "warnings": [error.kept() for error in outcome.warnings],
        "answer": outcome.answer,
    }


def _loaded(stored: Mapping[str, Any]) -> RowOutcome:
    return RowOutcome(
        stored["index"],
        OutcomeStatus(stored["status"]),
        stored["id"],
        [UserError.restored(error, warning=False) for error in stored["errors"]],
        [UserError.restored(warning, warning=True) for warning in stored["warnings"]],
        # An earlier version did not keep it.
        stored.get("answer"),
    )


def payload(record: RecordType, outcome: RowOutcome, *, dry: bool) -> dict[str, Any]:
    """The payload of a mutation of one record."""
    goes = outcome.status in (OutcomeStatus.DELETED, OutcomeStatus.DESTROYED)
    return {
        record.singular: record_id(outcome, dry=dry),
        "deletedId": outcome.id if goes else None,
        "userErrors": outcome.errors,
        "warnings": outcome.warnings,
    }


def record_id(outcome: RowOutcome, *, dry: bool) -> str | None:
    """The id of the record that an outcome shows; None if there is none, as after a dry run that would create it."""
    return None if dry and outcome.status is OutcomeStatus.CREATED else outcome.id


class MutationRefusal(Exception):  # noqa: N818  (a verdict, answered as user errors)
    """Rolls a transaction back and returns these errors."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        super().__init__()
        self.errors = errors
