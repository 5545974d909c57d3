"""References to nothing, which the database would refuse without a useful message."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ForeignKey, select
from sqlalchemy import Table as SqlTable
from sqlmodel import Session

from core.base.errors import UserError
from core.base.text import camel, words
from core.log.changes import Change


def dangling(session: Session, changes: Sequence[Change], pending: Mapping[str, object]) -> list[UserError]:
    """An error for each reference that is set to a record that does not exist or is deleted."""
    asked: dict[ForeignKey, dict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for change in changes:
        for key in type(change.record).__table__.foreign_keys:
            id = change.after.get(key.parent.key)
            if id is not None and id not in pending:
                asked[key][id].append(change)
    problems = []
    for key, by_id in sorted(asked.items(), key=lambda item: str(item[0].column.table.name)):
        for id in by_id.keys() - _living(session, key.column.table, by_id):
            field = camel(key.parent.key)
            problems += [
                UserError(
                    "NOT_FOUND",
                    f"{field}: there is no {words(key.column.table.name)} {id!r}; give the id of an existing one",
                    (field,),
                    change.record,
                )
                for change in by_id[id]
            ]
    return problems


def _living(session: Session, table: SqlTable, ids: Iterable[str]) -> set[str]:
    """Which of these exist; one that is being deleted is waited for, and none can be until the transaction ends."""
    query = select(table.c.id).where(table.c.id.in_(list(ids))).order_by(table.c.id)
    if "deleted_at" in table.c:
        query = query.where(table.c.deleted_at.is_(None))
    return set(session.scalars(query.with_for_update(read=True, key_share=True)))
