"""The query `search`: records by what one remembers of them, the closest first, in one statement.

It looks in steps, from the whole name to words with a mistake, and takes from each as many as are asked for; mistakes
are looked for only where the steps before have not found enough.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    FromClause,
    Select,
    and_,
    case,
    cast,
    distinct,
    false,
    func,
    literal_column,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.sql.elements import ColumnElement

from core.base.errors import InputError
from core.base.sentences import sentence
from core.base.text import snake
from core.db.database import POSTGRESQL
from core.db.sql import Expression
from core.records.columns import column_info
from core.records.vocabulary import Vocabulary
from core.search.entries import PERMITTED, SearchEntry
from core.search.terms import TYPE, asked_terms, is_begun, misspelt, whole, words
from schema.catalog.catalog import Catalog, RecordType
from schema.plan.compiler import by_type
from schema.plan.plan import EACH
from schema.plan.statement import Statement
from schema.sql.binds import Moment
from schema.sql.json import TEXT, WHOLE, column, constant, json_rows, whole_number
from schema.sql.selections import Chosen
from schema.sql.slots import resolve


class SearchMatch(Vocabulary):
    """How a record was found."""

    NAME = "NAME", "Its name is what was asked for."
    BEGINNING = "BEGINNING", "Its name begins with it."
    WORDS = "WORDS", "It has all of the words."
    BEGINNINGS = "BEGINNINGS", "It has words that begin with all of them."
    MISTAKE = "MISTAKE", "It has all of the words, if one letter of a word is more, less or other."


#: What the index of PostgreSQL holds, spelled as the index is, of the entry under an alias.
_TERMS = "(coalesce({0}.terms, ''::tsvector) || coalesce({0}.tag_terms, ''::tsvector))"
#: How each engine spells a term, the beginning of one, and that all or any of several are there.
_SPELLINGS: Mapping[str, Mapping[str, str]] = {
    "postgresql": {"quote": "'", "beginning": ":*", "all": " & ", "any": " | "},
    "sqlite": {"quote": '"', "beginning": "*", "all": " AND ", "any": " OR "},
}
#: What no entry has: no mark comes alone.
_NOWHERE = "^"
#: More words of a text are not looked for.
_MOST_WORDS = 12
_LONGEST_TEXT = 200
_USUAL = 20


class _Asked:
    """What is searched for, as an engine takes it."""

    def __init__(self, engine: str, permissions: Sequence[str], types: Sequence[str] | None) -> None:
        self._spelling = _SPELLINGS[engine]
        self._before = ["", *(f"{permission}{PERMITTED}" for permission in permissions)]
        self._types = types

    def steps(self, given: str) -> list[str]:
        """What matches in each step, one for each value of `SearchMatch`."""
        asked = words(given)[:_MOST_WORDS]
        if not asked:
            return [self._term(_NOWHERE)] * len(SearchMatch)
        name = whole(given)
        return [
            self._of_type([self._term(name)]),
            self._of_type([self._term(name, is_begun=True)]),
            self._of_type([self._any([term]) for word in asked for term in asked_terms(word)]),
            self._of_type([self._beginning(word) for word in asked]),
            self._of_type([self._mistaken(word) for word in asked]),
        ]

    def _term(self, term: str, *, is_begun: bool = False) -> str:
        quote = self._spelling["quote"]
        return f"{quote}{term}{quote}{self._spelling['beginning'] if is_begun else ''}"

    def _any(self, terms: Sequence[str], begun: str | None = None) -> str:
        found = [self._term(f"{before}{term}") for before in self._before for term in terms]
        found += [self._term(f"{before}{begun}", is_begun=True) for before in self._before if begun is not None]
        return f"({self._spelling['any'].join(found)})"

    def _beginning(self, word: str) -> str:
        if is_begun(word):
            return self._any((), word)
        return self._spelling["all"].join(self._any([term]) for term in asked_terms(word))

    def _mistaken(self, word: str) -> str:
        return self._any(misspelt(word), word) if is_begun(word) else self._beginning(word)

    def _of_type(self, parts: Sequence[str]) -> str:
        if self._types is not None:
            types = [self._term(f"{TYPE}{name.lower()}") for name in self._types] or [self._term(_NOWHERE)]
            parts = [*parts, f"({self._spelling['any'].join(types)})"]
        return self._spelling["all"].join(parts)


def searchable(catalog: Catalog) -> list[RecordType]:
    """The types of records that search finds."""
    return [record for record in catalog.records.values() if record.searched]


def search(statement: Statement, chosen: Chosen) -> Select[Any]:
    """The records that a text may mean, as a JSON list."""
    size = _size(statement, chosen)
    known = [record for record in searchable(statement.catalog) if record.name not in statement.access.hidden]
    asked = _asked(statement, chosen, known)
    found = union_all(*(_step(statement, known, number, asked, size) for number in range(len(SearchMatch) - 1)))
    near = found.cte(statement.alias())
    enough = select(func.count(distinct(near.c.id))).scalar_subquery()
    last = _step(statement, known, len(SearchMatch) - 1, asked, size).where(enough < size).subquery(statement.alias())
    both = union_all(select(near), select(last)).subquery(statement.alias())
    rank, length = func.min(both.c.step).label("step"), func.min(both.c.length).label("length")
    ranked = (
        select(both.c.id, rank, length)
        .group_by(both.c.id)
        .order_by(rank, length, both.c.id)
        .limit(size)
        .subquery(statement.alias())
    )
    id, step = column(ranked.name, "id", TEXT), column(ranked.name, "step", WHOLE)
    matches = case(*((step == number, constant(match.value)) for number, match in enumerate(SearchMatch)))
    parts: Mapping[str, Callable[[Chosen], Expression]] = {
        "match": lambda part: matches,
        "node": lambda part: by_type(statement, known, part, id, (EACH, part.key)),
    }
    built = chosen.selection.build("SearchResult", parts)
    return select(json_rows(built, [step, column(ranked.name, "length", WHOLE), id])).select_from(ranked)


def _size(statement: Statement, chosen: Chosen) -> Any:
    given = chosen.arguments.get("first")
    first = _USUAL if given is None else given
    largest = statement.catalog.settings.maximum_page_size
    if not 1 <= first <= largest:
        raise InputError(
            sentence(
                "{key}: first: {first} is not possible; give a number from 1 to {largest}",
                key=chosen.key,
                first=first,
                largest=largest,
            )
        )
    return whole_number(first)


def _asked(statement: Statement, chosen: Chosen, known: Sequence[RecordType]) -> list[Any]:
    """The binds of the steps."""
    engine, given, types = statement.dialect.name, chosen.arguments["text"], chosen.arguments.get("types")
    columns = [record.table.c[name] for record in known for name in record.searched]
    needed = {permission for each in columns if (permission := column_info(each).permission) is not None}
    permissions = sorted(needed - statement.access.denied)
    names = {snake(record.name).upper(): record.name for record in known}
    is_limited = types is not None or len(known) < len(searchable(statement.catalog))

    def read(number: int) -> Callable[[Moment], str]:
        def source(moment: Moment) -> str:
            sought = resolve(given, moment.variables)
            if len(sought) > _LONGEST_TEXT:
                raise InputError(
                    sentence(
                        "text: {count} characters are too many; at most {longest_text} are possible",
                        count=len(sought),
                        longest_text=_LONGEST_TEXT,
                    )
                )
            wanted = None
            if is_limited:
                asked = resolve(types, moment.variables)
                wanted = list(names.values()) if asked is None else [names[name] for name in asked if name in names]
            return _Asked(engine, permissions, wanted).steps(sought)[number]

        return source

    return [statement.binds.computed(read(number), TEXT) for number in range(len(SearchMatch))]


def _step(
    statement: Statement, known: Sequence[RecordType], number: int, asked: Sequence[Any], size: Any
) -> Select[Any]:
    """Records that match in one step, as many as are asked for."""
    entry = SearchEntry.__table__.alias(statement.alias())
    source: FromClause = entry
    if statement.dialect.name == POSTGRESQL:
        terms: Expression = literal_column(_TERMS.format(entry.name))
        match = terms.op("@@")(cast(cast(asked[number], TEXT), TSQUERY))
    else:
        index = table("search_index", sql_column("rowid"), sql_column("search_index")).alias(statement.alias())
        source = index.join(entry, entry.c.number == index.c.rowid)
        match = index.c.search_index.op("MATCH")(asked[number])
    length = func.length(entry.c.terms).label("length")
    # Apart and whole, so that PostgreSQL takes the index; for the few rows of the limit it would read the table.
    matching = select(entry.c.record_id, entry.c.entity_type, length).select_from(source).where(match)
    hits = matching.cte(statement.alias()).prefix_with("MATERIALIZED", dialect=POSTGRESQL)
    there = or_(false(), *(_seen(statement, record, hits) for record in known))
    found = select(hits.c.record_id.label("id"), whole_number(number).label("step"), hits.c.length)
    # As a table, because SQLite takes no part of a union with a limit of its own.
    return select(found.where(there).limit(size).subquery(statement.alias()))


def _seen(statement: Statement, record: RecordType, entry: Any) -> ColumnElement[bool]:
    row = statement.row(record, is_fact=True)
    there = [row.id == entry.c.record_id, *statement.visible(row)]
    # Not an EXISTS, for which PostgreSQL may read all records of the type at once.
    one = select(whole_number(1)).select_from(row.source()).where(*there).scalar_subquery()
    return and_(entry.c.entity_type == constant(record.name), one == whole_number(1))
