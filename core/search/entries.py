"""Entries: the terms by which each record is found, written in the transaction that changes it.

On PostgreSQL an index of two `tsvector`s answers, on SQLite one of FTS5. Neither cuts texts by itself: both compare the
terms of `core.search.terms`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Dialect, Index, String, event
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.db.engines import POSTGRESQL
from core.db.transaction import DatabaseTransaction, SqlStatement, among, listed
from core.records.columns import ColumnInfo, column, column_info, sql_column
from core.records.forms import PERSON_NAME, PHONE, TextForm
from core.records.record import Record, Table
from core.search.owners import Belongings, joined_terms, own_terms, renewals
from core.search.samples import in_samples
from core.search.terms import TYPE, number_terms, terms_of, whole, whole_terms

#: Changes whenever the same record gets other terms, so that stored ones are made again.
VERSION = "3"
#: Comes between the name of a permission and a term that only those who have it search by.
PERMITTED = "~"


class Terms(TypeDecorator[str]):
    """The terms of a record: a `tsvector` on PostgreSQL, text on SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(TSVECTOR() if dialect.name == "postgresql" else String())


def _terms(description: str) -> Any:
    return sql_column(ColumnInfo(description, exact=True), None, type_=Terms())


class SearchEntry(Table):
    """What one record is found by: its own fields, and its tags."""

    record_id: str = column("The record.", primary_key=True, exact=True)
    entity_type: str = column("Type of the record.", exact=True)
    number: int | None = column("By which SQLite's index knows it.", default=None)
    terms: str | None = _terms("Of its fields.")
    tag_terms: str | None = _terms("Of its tags.")
    owner_terms: str | None = _terms("Of whose it is.")
    length: int | None = column("How many letters its name has.", default=None)


# By it SQLite finds what its index has found, with all that is asked of it: entries themselves are long.
Index("ix_search_entry_number", *(SearchEntry.__table__.c[n] for n in ("number", "record_id", "entity_type", "length")))

#: Name of the index of PostgreSQL.
TERMS_INDEX = "ix_search_entry_terms"

#: What makes the index of an engine. What PostgreSQL puts off to index, up to 4 MB if it is not told, is read from end
#: to end by each of the many looks into the index that an answer takes. To put off nothing costs writes half as much
#: again.
INDEX: Mapping[str, Sequence[str]] = {
    "postgresql": (
        f"""
        CREATE INDEX {TERMS_INDEX} ON search_entry
        USING gin ((
            coalesce(terms, ''::tsvector) || coalesce(tag_terms, ''::tsvector) || coalesce(owner_terms, ''::tsvector)
        ))
        WITH (gin_pending_list_limit = 64)
        """,
    ),
    "sqlite": (
        """
        CREATE VIRTUAL TABLE search_index USING fts5(
            terms, tag_terms, owner_terms, content='search_entry', content_rowid='number', detail=none,
            tokenize="unicode61 remove_diacritics 0 tokenchars '_<^|=~+#@$'"
        )
        """,
        # Each write adds a part to the index, and each term is looked for in each part: of four small ones one is made.
        "INSERT INTO search_index (search_index, rank) VALUES ('crisismerge', 4)",
        """
        CREATE TRIGGER search_entry_inserted AFTER INSERT ON search_entry BEGIN
            INSERT INTO search_index (rowid, terms, tag_terms, owner_terms)
            VALUES (new.number, new.terms, new.tag_terms, new.owner_terms);
        END
        """,
        """
        CREATE TRIGGER search_entry_deleted AFTER DELETE ON search_entry BEGIN
            INSERT INTO search_index (search_index, rowid, terms, tag_terms, owner_terms)
            VALUES ('delete', old.number, old.terms, old.tag_terms, old.owner_terms);
        END
        """,
        """
        CREATE TRIGGER search_entry_updated AFTER UPDATE ON search_entry BEGIN
            INSERT INTO search_index (search_index, rowid, terms, tag_terms, owner_terms)
            VALUES ('delete', old.number, old.terms, old.tag_terms, old.owner_terms);
            INSERT INTO search_index (rowid, terms, tag_terms, owner_terms)
            VALUES (new.number, new.terms, new.tag_terms, new.owner_terms);
        END
        """,
    ),
}


@event.listens_for(SearchEntry.__table__, "after_create")
def _make_index(table: Any, connection: Connection, **options: Any) -> None:
    for sql in INDEX[connection.dialect.name]:
        connection.exec_driver_sql(sql)


# Owners are stored with a new entry and kept current by renewals, so this leaves them alone: what it would make of them
# may be older than what another transaction has just written.
_KEEP = (
    "ON CONFLICT (record_id) DO UPDATE SET terms = coalesce(excluded.terms, search_entry.terms), "
    "tag_terms = coalesce(excluded.tag_terms, search_entry.tag_terms), "
    "length = coalesce(excluded.length, search_entry.length)"
)
#: What a statement calls the parts of an `Entry`.
_PARTS = ("id", "type", "own", "length", "tags", "owners")


def _parts(spelling: str) -> str:
    """The parts of an entry; `spelling` says how each is given, by its place and its number."""
    given = (spelling.format(place=place, number=place + 1) for place in range(len(_PARTS)))
    return ", ".join(f"{part} AS {name}" for part, name in zip(given, _PARTS, strict=True))


#: How SQLite is given one entry, and many.
_ONE = "SELECT 0 AS place, " + _parts("?{number}")
_MANY = "SELECT key AS place, " + _parts("json_extract(value, '$[{place}]')") + " FROM json_each(?1)"

#: What stores entries, which its parameters give; one statement for all of them.
_WRITE = {
    "postgresql": (
        "INSERT INTO search_entry (record_id, entity_type, terms, length, tag_terms, owner_terms) "
        "SELECT id, type, array_to_tsvector(string_to_array(own, ' ')), length, "
        "array_to_tsvector(string_to_array(tags, ' ')), {owners} "
        # How many there are is not to be planned for: that takes longer than all the rest, each time again.
        "FROM (SELECT $1::text[] AS a, $2::text[] AS b, $3::text[] AS c, $4::bigint[] AS d, $5::text[] AS e, "
        f"$6::text[] AS f OFFSET 0) AS one, unnest(a, b, c, d, e, f) AS given ({', '.join(_PARTS)}) {_KEEP}"
    ),
    # At the begin of each statement, and where an entry comes before the last one by its number, SQLite closes a part
    # of its index: to join those takes ten times as long as all the rest.
    "sqlite": (
        "INSERT INTO search_entry (record_id, entity_type, number, terms, length, tag_terms, owner_terms) "
        "SELECT id, type, (SELECT coalesce(max(number), 0) FROM search_entry) + 1 + place, own, length, tags, {owners} "
        "FROM ({given}) AS given "
        f"ORDER BY (SELECT number FROM search_entry WHERE record_id = given.id) NULLS LAST, place {_KEEP}"
    ),
}


class Entry(NamedTuple):
    """What is written of an entry.

    Attributes:
        id: of the record.
        type: its type.
        terms, length: of its fields and its name; None where they stay as they are.
        tag_terms: of its tags; None where they stay as they are.
        owners: of a new one, terms of whose its own columns say that it is; None if it is not new, or nobody's.
    """

    id: str
    type: str
    terms: str | None = None
    length: int | None = None
    tag_terms: str | None = None
    owners: str | None = None


class SearchNotes:
    """What one transaction changes of the entries, written with its events."""

    def __init__(self, transaction: DatabaseTransaction, belongings: Belongings) -> None:
        self._transaction, self._belongings = transaction, belongings
        self._noted: dict[str, Entry | None] = {}
        self._moved: set[tuple[str, str]] = set()

    def note(self, record: Record, changed: Collection[str], *, is_new: bool = False) -> None:
        """Notes a record whose columns, or whose `tags`, changed; the record has its new values."""
        kind = type(record)
        if kind.__search__ and (is_new or not set(kind.__search__).isdisjoint(changed)):
            self.note_values(kind, record.id, vars(record), is_new=is_new)

    def note_values(self, kind: type[Record], id: str, values: Mapping[str, Any], *, is_new: bool = False) -> None:
        """Notes the values that the columns of a record have now."""
        if kind.__search__:
            known = self._noted.get(id)
            tags, owners = (None, None) if known is None else (known.tag_terms, known.owners)
            if is_new:
                owners = own_terms(kind, self._belongings.get(kind.__name__), values)
            self._noted[id] = own_entry(kind, id, values, tags, owners)

    def note_tags(self, kind: type[Record], tags: Mapping[str, Iterable[str]]) -> None:
        """Notes the tags that records have now."""
        for id, names in tags.items() if kind.__search__ else ():
            known = self._noted.get(id) or Entry(id, kind.__name__)
            self._noted[id] = known._replace(tag_terms=tag_terms(id, names))

    def note_owners(self, kind: str, id: str) -> None:
        """Notes a record that, with all that belongs to whoever it belongs to, may have come to belong to others."""
        self._moved.add((kind, id))

    def forget(self, ids: Iterable[str]) -> None:
        """Notes records that are gone."""
        self._noted |= dict.fromkeys(ids)

    def mark(self) -> tuple[dict[str, Entry | None], set[tuple[str, str]]]:
        """The present state, for `rewind`."""
        return dict(self._noted), set(self._moved)

    def rewind(self, mark: tuple[dict[str, Entry | None], set[tuple[str, str]]]) -> None:
        """Forgets what was noted since the mark."""
        self._noted, self._moved = mark

    def write(self) -> None:
        """Writes what was noted so far."""
        engine = self._transaction.dialect
        if self._noted:
            entries = [entry for entry in self._noted.values() if entry is not None]
            self._transaction.put(*writing(engine, entries, self._belongings))
            if gone := [id for id, entry in self._noted.items() if entry is None]:
                sql = f"DELETE FROM search_entry WHERE {among(engine, 'record_id', 1)}"
                self._transaction.put(SqlStatement(sql, (listed(engine, gone),)))
            self._noted = {}
        if self._moved:
            self._transaction.put(*renewals(engine, self._belongings, self._moved))
            self._moved = set()


def writing(
    engine: str, entries: Iterable[Entry], belongings: Belongings, *, are_new: bool = True
) -> Iterator[SqlStatement]:
    """The statements that store entries.

    Args:
        engine: that runs them.
        entries: that are stored.
        belongings: whose records are.
        are_new: those with owners are of records that the transaction makes.
    """
    parts: dict[str | None, list[Entry]] = {}
    for entry in entries:
        parts.setdefault(None if entry.owners is None else entry.type, []).append(entry)
    for kind, each in parts.items():
        belonging = None if kind is None else belongings[kind]
        owners = joined_terms(engine, belonging, "given.owners", "given.id", is_new=are_new)
        sql = _WRITE[engine].format(owners=owners, given=_ONE if len(each) == 1 else _MANY)
        if engine == POSTGRESQL:
            # As a part of another statement it would not see what that writes, such as what this is part of.
            table = None if belonging is not None and belonging.is_part else "search_entry"
            yield SqlStatement(sql, [list(part) for part in zip(*each, strict=True)], table=table)
        elif len(each) == 1:
            yield SqlStatement(sql, each[0])
        else:
            yield SqlStatement(sql, (orjson.dumps([(*entry,) for entry in each]).decode(),))


def own_entry(
    kind: type[Record],
    id: str,
    values: Mapping[str, Any],
    tag_terms: str | None = None,
    owners: str | None = None,
) -> Entry:
    """The entry of a record; the terms of fields that need a permission are apart.

    Args:
        kind: its type.
        id: its own.
        values: of its columns; `__search__` of the type names those that count, its name first.
        tag_terms: of its tags, as an entry has them.
        owners: of whose it is, likewise.
    """
    known = _searched(kind)
    found = {known.type}
    named = whole(values[known.name] or "")
    for name, terms_in, before in known.columns:
        if (value := values[name]) is not None:
            terms = terms_in(value)
            if name == known.name:
                terms |= whole_terms(named)
            found |= {before + term for term in terms} if before else terms
    return Entry(id, kind.__name__, _stored(id, found), len(named), tag_terms, owners)


def _stored(id: str, terms: set[str]) -> str:
    return " ".join(in_samples(id, sorted(terms)))


class _Searched(NamedTuple):
    """What a type is found by.

    Attributes:
        type: the term of the type.
        name: the column with the name.
        columns: the name of each, what gives the terms of its text, what comes before them.
    """

    type: str
    name: str
    columns: Sequence[tuple[str, Callable[[str], set[str]], str]]


_known: dict[type[Record], _Searched] = {}


def _searched(kind: type[Record]) -> _Searched:
    if kind not in _known:
        found = []
        for name in kind.__search__:
            info = column_info(kind.__table__.c[name])
            before = "" if info.permission is None else f"{info.permission}{PERMITTED}"
            found.append((name, _way(info.form), before))
        _known[kind] = _Searched(f"{TYPE}{kind.__name__.lower()}", kind.__search__[0], found)
    return _known[kind]


def _way(form: TextForm) -> Callable[[str], set[str]]:
    return number_terms if form is PHONE else partial(terms_of, is_person=form is PERSON_NAME)


def tag_terms(id: str, names: Iterable[str]) -> str:
    """The terms of a record's tags."""
    return _stored(id, {term for name in names for term in terms_of(name)})
