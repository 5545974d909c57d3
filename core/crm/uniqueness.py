"""What only one living record may have apart from ids and external ids, such as a rate's currency and day."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from typing import Any

from core.base.errors import UserError
from core.base.sentences import sentence
from core.base.text import camel
from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed, mark
from core.log.changes import Change
from core.log.events import Action
from core.records.record import Record
from core.records.rows import quoted, rows_of
from core.records.uniqueness import Uniqueness

_Key = tuple[Any, ...]
_WRITING = (Action.CREATED, Action.UPDATED, Action.RESTORED)


def may_be_twin(kind: type[Record], action: Action, names: Set[str]) -> bool:
    """Whether there may come to be a second record of what may exist once."""
    return action in _WRITING and any(_is_named(unique, action, names) for unique in kind.__unique__)


def _is_named(unique: Uniqueness, action: Action, names: Set[str]) -> bool:
    """Whether any of the columns that are unique together is named, or all that a record had are back."""
    return action is Action.RESTORED or not names.isdisjoint({*unique.columns, *([unique.flag] if unique.flag else ())})


def twin_problems(
    transaction: DatabaseTransaction, changes: Sequence[Change], pending: Mapping[str, Record], region: str
) -> list[UserError]:
    """Errors for changes that would make a second record of what may exist once.

    Args:
        transaction: in which they are made.
        changes: of records, not written yet.
        pending: records that are new in the same batch, by id.
        region: of telephone numbers.
    """
    by_model: dict[type[Record], list[Change]] = defaultdict(list)
    for change in changes:
        if change.action in _WRITING:
            by_model[type(change.record)].append(change)
    problems: list[UserError] = []
    for model, several in by_model.items():
        for unique in model.__unique__:
            refused = {problem.record_id for problem in problems}
            found = _problems(transaction, model, unique, several, pending, region)
            problems += [problem for problem in found if problem.record_id not in refused]
    return problems


def _problems(
    transaction: DatabaseTransaction,
    model: type[Record],
    unique: Uniqueness,
    changes: Sequence[Change],
    pending: Mapping[str, Record],
    region: str,
) -> Iterator[UserError]:
    touched = [
        change
        for change in changes
        if _is_named(unique, change.action, change.after.keys())
        and (unique.flag is None or getattr(change.record, unique.flag))
    ]
    asked = {change.record.id: key for change in touched if (key := key_of(change.record, unique, region)) is not None}
    if not asked:
        return
    # What changes along with them is not in the database yet, so what is found there may be different by now.
    changing = {change.record.id: change.record for change in changes} | {
        id: record for id, record in pending.items() if type(record) is model
    }
    holders: dict[_Key, list[str]] = defaultdict(list)
    for id, record in changing.items():
        if record.deleted_at is None and (unique.flag is None or getattr(record, unique.flag)):
            key = key_of(record, unique, region)
            if key is not None:
                holders[key].append(id)
    stored: dict[_Key, list[str]] = defaultdict(list)
    for id, key in _stored(transaction, model, unique, {*asked.values()}, region):
        if id not in changing:
            stored[key].append(id)
    seen: set[_Key] = set()
    for change in touched:
        id = change.record.id
        key = asked.get(id)
        if key is None:
            continue
        # Of several in one batch the first has it.
        inside = [other for other in holders[key] if other != id and (key in seen or other not in asked)]
        seen.add(key)
        twin = next(iter(stored[key] + inside), None)
        if twin is not None:
            values = {name: getattr(change.record, name) for name in unique.columns}
            field = camel(unique.flag or unique.columns[-1])
            message = sentence("{field}: {message}", field=field, message=sentence(unique.message, twin=twin, **values))
            yield UserError("ALREADY_EXISTS", message, (field,), change.record)
        elif getattr(change.record, "is_old_twin", None):
            # What it had in common with an older record is gone, so the database keeps its key as well from now on.
            change.record.is_old_twin = None


def key_of(record: Record, unique: Uniqueness, region: str) -> _Key | None:
    """What only one may have, as it is compared; None where a part is not known."""
    found = []
    for name in unique.columns:
        value = getattr(record, name)
        if value is None:
            return None
        form = type(record).__folded__.get(name)
        found.append(value if form is None else form.key(value, region))
    return tuple(found)


def _stored(
    transaction: DatabaseTransaction, model: type[Record], unique: Uniqueness, keys: Collection[_Key], region: str
) -> Iterator[tuple[str, _Key]]:
    """The living records that have one of these keys, oldest first, each with its key."""
    engine, rows = transaction.dialect, rows_of(model, transaction.dialect)
    texts = [place for place, name in enumerate(unique.columns) if isinstance(next(iter(keys))[place], str)]
    conditions = ["deleted_at IS NULL", *([f"{quoted(engine, unique.flag)} IS TRUE"] if unique.flag else ())]
    values: list[Any] = []
    for place in texts:
        name = unique.columns[place]
        column = quoted(engine, f"{name}_folded" if name in model.__folded__ else name)
        asked = {key[place] for key in keys}
        if len(asked) == 1:
            conditions.append(f"{column} = {mark(engine, len(values) + 1)}")
            values.append(asked.pop())
        else:
            conditions.append(among(engine, column, len(values) + 1))
            values.append(listed(engine, asked))
    where = f"WHERE {' AND '.join(conditions)} ORDER BY created_at, id"
    statement: SqlStatement = rows.select(where, *values)
    for record in rows.all_made(transaction.rows(statement)):
        key = key_of(record, unique, region)
        if key in keys and key is not None:
            yield record.id, key
