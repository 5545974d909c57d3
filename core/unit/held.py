"""The rows that a transaction works on, as objects: read, compared and written by plain statements.

Where a hook asks for the session they are lent to it; what changes from then on is the session's to write.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session

from core.db.transaction import DatabaseTransaction
from core.records.record import Table, held_value
from core.records.rows import TableRows, rows_of


@dataclass(slots=True)
class _Row:
    """An object with the values that are stored, None for a new one, and those it had when it was last looked at.

    Once it is lent and was stored as it is, it is the session's to write.
    """

    object: Any
    rows: TableRows
    stored: dict[str, Any] | None
    seen: dict[str, Any]
    is_lent: bool = False
    is_settled: bool = False
    is_removed: bool = False


class Held:
    """The rows of one transaction.

    Attributes:
        region: of telephone numbers without a country code.
        has_removed: some are to be removed.
    """

    def __init__(self, transaction: DatabaseTransaction, region: str) -> None:
        """Begins with none.

        Args:
            transaction: in which they are read and written.
            region: of telephone numbers without a country code.
        """
        self._transaction = transaction
        self.region = region
        self._engine = transaction.dialect
        self._rows: dict[tuple[type[Table], str], _Row] = {}
        self.has_removed = False

    def clear(self) -> None:
        """Forgets all of them."""
        self._rows.clear()
        self.has_removed = False

    # Reading

    def locked(self, kind: type[Any], ids: Collection[str], *, exclusive: bool = False) -> dict[str, Any]:
        """The objects of a table by key, those there are; locked in order until the transaction ends.

        Args:
            kind: a record or a facet.
            ids: their keys.
            exclusive: nobody may refer to them in the meantime either.
        """
        wanted = _storable(ids)
        missing = wanted
        if self._rows and not exclusive:
            missing = {id for id in wanted if (kind, id) not in self._rows}
        if missing:
            rows = rows_of(kind, self._engine)
            for made in rows.all_made(self._transaction.rows(rows.locked(missing, exclusive=exclusive))):
                self._keep(made, rows)
        return {id: row.object for id in wanted if (row := self._rows.get((kind, id))) and not row.is_removed}

    def foresee(self, kind: type[Any], ids: Collection[str]) -> None:
        """Has objects that will be asked for by `locked` read together with what is read next."""
        if wanted := _storable(ids):
            self._transaction.foresee(rows_of(kind, self._engine).locked(wanted), None)

    def read(self, kind: type[Any], ids: Collection[str]) -> dict[str, Any]:
        """The objects of a table by key as they are stored, neither locked nor held."""
        rows = rows_of(kind, self._engine)
        wanted = _storable(ids)
        found = rows.all_made(self._transaction.rows(rows.stored(wanted))) if wanted else ()
        return {getattr(made, rows.key[0]): made for made in found}

    def get(self, kind: type[Any], id: str) -> Any:
        """An object that is held already."""
        return self._rows[kind, id].object

    def _keep(self, made: Any, rows: TableRows) -> None:
        held = made.__dict__
        key = (rows.kind, held[rows.key[0]])
        if key not in self._rows:
            stored = held.copy()
            self._rows[key] = _Row(made, rows, stored, stored)

    # Changing

    def new(self, kind: type[Any], values: Mapping[str, Any]) -> Any:
        """A new object with values of its fields, not held yet."""
        return rows_of(kind, self._engine).new(values)

    def add(self, made: Any) -> None:
        """Holds a new object, to be inserted."""
        rows = rows_of(type(made), self._engine)
        self._rows[type(made), held_value(made, rows.key[0])] = _Row(made, rows, None, {})

    def remove(self, record: Any) -> None:
        """Has an object removed."""
        self._rows[type(record), record.id].is_removed = self.has_removed = True

    def look(self) -> None:
        """Takes what all objects hold now as seen."""
        for row in self._rows.values():
            row.seen = row.object.__dict__.copy()

    def news(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """The objects that changed since the last look and are not lent, each with what it held then."""
        for row in list(self._rows.values()):
            held = row.object.__dict__
            if not row.is_lent and not row.is_removed and held != row.seen:
                before = {name: row.seen.get(name) for name in row.rows.plain_names if held[name] != row.seen.get(name)}
                if before:
                    yield row.object, before

    # Writing

    @property
    def is_stored(self) -> bool:
        """Whether everything is stored as it is, or on its way."""
        return not self.has_removed and all(row.stored == row.object.__dict__ for row in self._rows.values())

    def flush(self) -> None:
        """Puts off the statements that store what is new or changed."""
        inserted: dict[TableRows, list[_Row]] = defaultdict(list)
        changed: dict[TableRows, list[tuple[_Row, list[str]]]] = defaultdict(list)
        for row in self._rows.values():
            held, stored = row.object.__dict__, row.stored
            if row.is_settled or row.is_removed or held == stored:
                continue
            if stored is None:
                inserted[row.rows].append(row)
            elif names := _changed(row, stored, self.region):
                changed[row.rows].append((row, names))
        for rows, several in inserted.items():
            _fold(rows, several, self.region)
            self._transaction.put(rows.insertion([row.object.__dict__ for row in several]))
        for rows, pairs in changed.items():
            names = [*dict.fromkeys(name for _, names in pairs for name in names)]
            self._transaction.put(rows.change([row.object.__dict__ for row, _ in pairs], names))
        for row, names in (pair for pairs in changed.values() for pair in pairs):
            for name in names if row.is_lent else ():
                set_committed_value(row.object, name, row.object.__dict__[name])
        for row in [*(row for several in inserted.values() for row in several), *_first(changed.values())]:
            row.stored = row.object.__dict__.copy()
        if self._transaction.has_session:
            for row in self._rows.values():
                self._lend_one(self._transaction.session, row)
                row.is_settled = True

    def flush_removed(self) -> None:
        """Puts off the statements that remove rows; what refers to them has to be written before."""
        removed: dict[TableRows, list[str]] = defaultdict(list)
        for row in self._rows.values():
            if row.is_removed and row.stored is not None:
                removed[row.rows].append(row.object.id)
                row.stored = None
                if row.is_lent:
                    self._transaction.session.expunge(row.object)
        for rows, ids in removed.items():
            self._transaction.put(rows.removal(ids))
        self.has_removed = False

    # Lending

    def lend(self, session: Session) -> None:
        """Lends all that is stored to a session."""
        for row in self._rows.values():
            self._lend_one(session, row)

    def _lend_one(self, session: Session, row: _Row) -> None:
        if row.stored is not None and not row.is_lent and not row.is_removed:
            row.is_lent = True
            make_transient_to_detached(row.object)
            session.add(row.object)


def _first(pairs: Iterable[Sequence[tuple[_Row, Any]]]) -> Iterator[_Row]:
    return (row for several in pairs for row, _ in several)


def _fold(rows: TableRows, several: Sequence[_Row], region: str) -> None:
    """Makes the companions of new rows' texts, of which many have the same."""
    for companion in rows.kind.__companions__:
        made: dict[str | None, str | None] = {None: None}
        for row in several:
            held = row.object.__dict__
            text = held[companion.text]
            if text not in made:
                made[text] = companion.make(text, region)
            held[companion.name] = made[text]


def _changed(row: _Row, stored: Mapping[str, Any], region: str) -> list[str]:
    """The columns that hold something else than what is stored; the companions of texts are kept."""
    held = row.object.__dict__
    found = [name for name in row.rows.names if held[name] is not stored[name] and held[name] != stored[name]]
    for companion in row.rows.kind.__companions__:
        if companion.text in found:
            key = companion.key(held[companion.text], region)
            if held[companion.name] != key:
                setattr(row.object, companion.name, key)
                found.append(companion.name)
    return found


def _storable(ids: Collection[str]) -> set[str]:
    """Those of some keys that a row can have: no text of the database holds NUL, and PostgreSQL compares with none."""
    return {id for id in ids if "\0" not in id}
