"""The query `search`: records by what one remembers of them, the closest first, in one statement.

It walks in steps, from the whole name to words with a mistake, and ends with the one that finds as many as are asked
for. Each step looks into the samples first, the smallest one before the others: of a common word they have enough. Of a
caller who sees what belongs to somebody, the index is asked for what both has the words and belongs to them: among very
many records it would find too many others.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    FromClause,
    Select,
    and_,
    case,
    cast,
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

from core.access.permissions import RowScope
from core.base.actors import Reach
from core.base.errors import InputError
from core.base.sentences import sentence
from core.base.text import snake
from core.db.engines import POSTGRESQL, SQLITE
from core.db.sql import Expression, list_length, spell
from core.db.types import Json, ListOf
from core.records.columns import column_info
from core.records.vocabulary import Vocabulary
from core.search.asked import PLACES, STEPS, Groups, steps, walk
from core.search.entries import SearchEntry
from core.search.owners import owner_term, region_term
from schema.catalog.catalog import Catalog, RecordType
from schema.catalog.ownership import RowLimit
from schema.plan.compiler import by_type
from schema.plan.plan import EACH
from schema.plan.statement import Statement
from schema.sql.binds import Moment
from schema.sql.json import TEXT, WHOLE, SqlFunction, column, constant, json_rows, whole_number
from schema.sql.selections import Chosen
from schema.sql.slots import resolve


class SearchMatch(Vocabulary):
    """How a record was found."""

    NAME = "NAME", "Its name is what was asked for."
    BEGINNING = "BEGINNING", "Its name begins with it."
    WORDS = "WORDS", "It has all of the words."
    BEGINNINGS = "BEGINNINGS", "It has words that begin with all of them."
    MISTAKE = "MISTAKE", "It has all of the words, if one letter of a word is more, less or other."


assert len(SearchMatch) == STEPS

#: What is asked for in each step, at run time.
_Sought = Callable[[Moment], Sequence[Groups | None]]

#: What the index of PostgreSQL holds, spelled as the index is, of the entry under an alias.
_TERMS = (
    "(coalesce({0}.terms, ''::tsvector) || coalesce({0}.tag_terms, ''::tsvector) "
    "|| coalesce({0}.owner_terms, ''::tsvector))"
)
_LONGEST_TEXT = 200
_USUAL = 20
#: A sample that has fewer hits is not enough, so that there are shorter names to choose from.
_ENOUGH = 50
#: More owners are not asked for: each is looked up in the index, in each place again.
_MOST_OWNERS = 100
#: How many places there are in a step, and the number of the last of all.
_PLACES, _LAST = whole_number(len(PLACES)), whole_number(STEPS * len(PLACES) - 1)


class _item(SqlFunction):  # noqa: N801
    """A text of a list bind, by its number from 0."""

    type = TEXT


class _ids(SqlFunction):  # noqa: N801
    """A JSON list of ids, in the order of the rows."""

    type = Json()


spell(
    {
        _item: {
            SQLITE: "json_extract({0}, '$[' || ({1}) || ']')",
            POSTGRESQL: "(CAST({0} AS TEXT[]))[{1} + 1]",
        },
        _ids: {
            SQLITE: "json_group_array({0})",
            POSTGRESQL: "coalesce(jsonb_agg({0}), '[]'::jsonb)",
        },
    }
)


def searchable(catalog: Catalog) -> list[RecordType]:
    """The types of records that search finds."""
    return [record for record in catalog.records.values() if record.searched]


def search(statement: Statement, chosen: Chosen) -> Select[Any]:
    """The records that a text may mean, as a JSON list."""
    size = _size(statement, chosen)
    known = [record for record in searchable(statement.catalog) if record.name not in statement.access.hidden]
    ranked = _ranked(statement, _found(statement, chosen, known, size), size)
    id, step = column(ranked.name, "id", TEXT), column(ranked.name, "step", WHOLE)
    cases = [(step == whole_number(number), constant(match.value)) for number, match in enumerate(SearchMatch)]
    parts: Mapping[str, Callable[[Chosen], Expression]] = {
        "match": lambda part: case(*cases),
        "node": lambda part: by_type(statement, known, part, id, (EACH, part.key)),
    }
    built = chosen.selection.build("SearchResult", parts)
    return select(json_rows(built, [step, column(ranked.name, "length", WHOLE), id])).select_from(ranked)


def _size(statement: Statement, chosen: Chosen) -> int:
    given = chosen.arguments.get("first")
    first: int = _USUAL if given is None else given
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
    return first


def _asked(statement: Statement, chosen: Chosen, known: Sequence[RecordType]) -> _Sought:
    """What is searched for in records of some types."""
    given, types = chosen.arguments["text"], chosen.arguments.get("types")
    columns = [record.table.c[name] for record in known for name in record.searched]
    needed = {permission for each in columns if (permission := column_info(each).permission) is not None}
    permissions = sorted(needed - statement.access.denied)
    names = {snake(record.name).upper(): record.name for record in known}
    is_limited = types is not None or len(known) < len(searchable(statement.catalog))

    def read(moment: Moment) -> Sequence[Groups | None]:
        sought = resolve(given, moment.variables)
        if len(sought) > _LONGEST_TEXT:
            raise InputError(
                sentence(
                    "text: {count} characters are too many; at most {longest_text} are possible",
                    count=len(sought),
                    longest_text=_LONGEST_TEXT,
                )
            )
        asked = resolve(types, moment.variables)
        wanted = list(names.values()) if asked is None else [names[name] for name in asked if name in names]
        return steps(sought, permissions, wanted if is_limited else None)

    return read


def _found(statement: Statement, chosen: Chosen, known: Sequence[RecordType], size: int) -> list[Select[Any]]:
    """What is found, each as `id` and `step`: apart for what belongs to the caller in one way or another."""
    parts: dict[tuple[bool, frozenset[RowScope] | None], list[RecordType]] = {}
    for record in known:
        limit = statement.access.rows.get(record.name)
        scopes = limit.narrowing if isinstance(limit, RowLimit) else None
        parts.setdefault((limit is None, scopes), []).append(record)
    return [
        _walk(statement, records, _asked(statement, chosen, records), scopes, size)
        for (_, scopes), records in parts.items()
    ]


def _owners(scopes: Collection[RowScope] | None, reach: Reach) -> Sequence[str] | None:
    """The terms of which a record in one of some scopes has one; None where these do not tell, or are too many."""
    if scopes is None:
        return None
    found: set[str] = set()
    for scope in scopes:
        teams = () if scope is RowScope.OWN else reach.teams
        regions = reach.regions if scope is RowScope.REGION else ()
        found |= {*map(owner_term, (*getattr(reach, scope.lower()), *teams)), *map(region_term, regions)}
    return sorted(found) if len(found) <= _MOST_OWNERS else None


def _walk(
    statement: Statement,
    records: Sequence[RecordType],
    sought: _Sought,
    scopes: Collection[RowScope] | None,
    size: int,
) -> Select[Any]:
    """What is found by the index, in the steps that it takes, in one of some scopes if any are given."""
    engine, enough = statement.dialect.name, max(size, _ENOUGH)
    asked = statement.binds.computed(
        lambda moment: walk(engine, sought(moment), _owners(scopes, moment.actor.reach)), ListOf(TEXT)
    )
    start = select(whole_number(0).label("place"), _hits(statement, records, _item(asked, whole_number(0)), enough))
    found = start.cte(statement.alias(), recursive=True)
    place, ids = column(found.name, "place", WHOLE), column(found.name, "ids", Json())
    following = place + whole_number(1)
    # After everything was looked at there is nothing more to choose from. Not by %, which drivers read as a value.
    is_all = following // _PLACES * _PLACES == following
    wanted = case((is_all, whole_number(size)), else_=whole_number(enough))
    is_on = and_(list_length(ids) < wanted, place < _LAST)
    hits = _hits(statement, records, _item(asked, following), enough)
    found = found.union_all(select(following, hits).select_from(found).where(is_on))
    alias = statement.alias()
    if engine == POSTGRESQL:
        each = func.jsonb_array_elements_text(ids).table_valued("value").render_derived(name=alias)
    else:
        each = func.json_each(ids).table_valued("value").alias(alias)
    id, step = column(alias, "value", TEXT).label("id"), (place // _PLACES).label("step")
    return select(id, step).select_from(found.join(each, literal_column("true")))


def _hits(statement: Statement, records: Sequence[RecordType], sought: Expression, enough: int) -> Any:
    """A JSON list of the ids of records that match, of those with the shortest names."""
    entry = SearchEntry.__table__.alias(statement.alias())
    source: FromClause = entry
    if statement.dialect.name == POSTGRESQL:
        terms: Expression = literal_column(_TERMS.format(entry.name))
        match = terms.op("@@")(cast(sought, TSQUERY))
    else:
        index = table("search_index", sql_column("rowid"), sql_column("search_index")).alias(statement.alias())
        source = index.join(entry, entry.c.number == index.c.rowid)
        match = index.c.search_index.op("MATCH")(sought)
    # Apart and whole, so that PostgreSQL takes the index; for the few rows of the limit it would read the table.
    matching = select(entry.c.record_id, entry.c.entity_type).select_from(source).where(match)
    hits = matching.order_by(entry.c.length, entry.c.record_id).offset(whole_number(0)).subquery(statement.alias())
    there = _seen(statement, records, hits)
    first = select(hits.c.record_id).where(there).limit(whole_number(enough)).subquery(statement.alias())
    return select(_ids(first.c.record_id)).scalar_subquery().label("ids")


def _ranked(statement: Statement, found: Sequence[Select[Any]], size: int) -> Any:
    """The closest of what was found: `id`, `step` and `length` of the name."""
    nothing = select(constant("").label("id"), whole_number(0).label("step")).where(false())
    every = union_all(nothing, *found).subquery(statement.alias())
    each = select(every.c.id, func.min(every.c.step).label("step")).group_by(every.c.id).subquery(statement.alias())
    entry = SearchEntry.__table__.alias(statement.alias())
    ranked = select(each.c.id, each.c.step, entry.c.length).join(entry, entry.c.record_id == each.c.id)
    best = ranked.order_by(each.c.step, entry.c.length, each.c.id).limit(whole_number(size))
    return best.subquery(statement.alias())


def _seen(statement: Statement, records: Sequence[RecordType], entry: Any) -> ColumnElement[bool]:
    """Whether the caller sees the record of an entry, which is of one of these types."""
    return or_(false(), *(_seen_as(statement, record, entry) for record in records))


def _seen_as(statement: Statement, record: RecordType, entry: Any) -> ColumnElement[bool]:
    row = statement.row(record, is_fact=True)
    there = [row.id == entry.c.record_id, *statement.visible(row)]
    # Not an EXISTS, for which PostgreSQL may read all records of the type at once.
    one = select(whole_number(1)).select_from(row.source()).where(*there).scalar_subquery()
    return and_(entry.c.entity_type == constant(record.name), one == whole_number(1))
