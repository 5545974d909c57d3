"""What only one living record may have, apart from ids and external ids: a rate's currency and day, a stage's key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from core.base.errors import UserError
from core.base.text import camel
from core.crm.opportunities import Stage
from core.crm.sales import ExchangeRate
from core.crm.settlement import Settlement
from core.log.changes import Change
from core.log.events import Action
from core.records.record import Record

Said = Callable[[Any], str]

_SINGLE: Mapping[type[Record], tuple[Sequence[str], Said]] = {
    ExchangeRate: (
        ("currency", "valid_from"),
        lambda twin: f"{twin.id} is the rate of {twin.currency} from {twin.valid_from} on already; change that one",
    ),
    Stage: (("key",), lambda twin: f"{twin.id} is stage {twin.key} already; choose another key"),
}


def twin_problems(settlement: Settlement, change: Change) -> list[UserError]:
    """Errors for a change that would make a second record of what may exist once.

    Args:
        settlement: of the transaction.
        change: of one record.
    """
    model = type(change.record)
    if model not in _SINGLE:
        return []
    columns, said = _SINGLE[model]
    if change.action is not Action.RESTORED and change.after.keys().isdisjoint(columns):
        return []
    twin = next(_twins(settlement.session, change.record, columns, settlement.pending), None)
    if twin is None:
        # What it had in common with an older record is gone, so the database keeps its key as well from now on.
        change.record.is_old_twin = None
        return []
    field = camel(columns[-1])
    return [UserError("ALREADY_EXISTS", f"{field}: {said(twin)}", (field,), change.record)]


def _twins(session: Session, record: Record, columns: Sequence[str], pending: Mapping[str, Record]) -> Iterator[Record]:
    model = type(record)
    wanted = [getattr(record, name) for name in columns]
    same = [getattr(model, name) == value for name, value in zip(columns, wanted, strict=True)]
    stored = session.exec(select(model).where(*same, col(model.deleted_at).is_(None), col(model.id) != record.id)).all()
    # Changes of the same batch are not in the database yet, so what is found there may be different by now.
    for other in (*stored, *pending.values()):
        if type(other) is model and other.id != record.id and [getattr(other, name) for name in columns] == wanted:
            yield other
