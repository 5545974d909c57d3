"""Owners: the terms of an entry that tell whose its record is, so that an index finds what belongs to somebody.

A record is its own users', teams' and region's, those of what it is part of, and those of who shares it. The terms of
its own columns are known as its entry is written, the database adds those of others, and works all out again when it or
something above is handed over, or somebody shares it. An entry may have one too many for a while, never one too few:
nobody is shown by it what they may not see.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.db.database import POSTGRESQL
from core.db.transaction import SqlStatement, listed
from core.records.record import Record
from core.records.rows import quoted

#: What comes before a user or team, and before the letters of a region in hexadecimal figures.
_OWNER, _REGION = "$", "$="


class Step(NamedTuple):
    """A step from a row to others: its column, their table, and their column that equals it."""

    column: str
    table: str
    other: str


@dataclass(frozen=True, slots=True)
class Way:
    """A way from a record to a column that says whose it is.

    Attributes:
        steps: to the table of the column; none for the record's own.
        column: that names a user or team, or a region, folded.
        is_region: it names a region.
    """

    steps: tuple[Step, ...]
    column: str
    is_region: bool = False


@dataclass(frozen=True, slots=True)
class Belonging:
    """What decides whose the records of a type are, and what belongs to whoever they belong to.

    Attributes:
        table: of the records.
        ways: to the columns that say whose a record is.
        is_part: some of them lead through what it is part of.
        below: the types of records that belong to somebody by way of it, each with the steps down to them.
    """

    table: str
    ways: tuple[Way, ...] = ()
    is_part: bool = False
    below: tuple[tuple[str, tuple[Step, ...]], ...] = ()


#: By the names of types; what is not there belongs to nobody, and nothing by way of it.
Belongings = Mapping[str, Belonging]


def owner_term(id: str) -> str:
    """The term of a user or team."""
    return f"{_OWNER}{id}"


def region_term(region: str) -> str:
    """The term of a region, folded."""
    return f"{_REGION}{region.encode().hex()}"


def own_columns(belonging: Belonging | None) -> Mapping[str, Way]:
    """The columns of a record by which it belongs to somebody itself, as they are given."""
    own = () if belonging is None else (way for way in belonging.ways if not way.steps)
    return {way.column.removesuffix("_folded") if way.is_region else way.column: way for way in own}


def own_terms(kind: type[Record], belonging: Belonging | None, values: Mapping[str, Any]) -> str | None:
    """The terms that the values of its own columns give a record, as they are stored; None if it is nobody's."""
    if belonging is None:
        return None
    found = set()
    for name, way in own_columns(belonging).items():
        if (value := values[name]) is not None and way.is_region:
            form = kind.__folded__.get(name)
            found.add(region_term(value if form is None else form.key(value, "")))
        elif value is not None:
            found.add(owner_term(value))
    return " ".join(sorted(found))


def joined_terms(engine: str, belonging: Belonging | None, own: str, id: str) -> str:
    """An expression: the terms of a record, as they are stored; null where those of its own columns are.

    Args:
        engine: that works it out.
        belonging: of its type.
        own: the terms of its own columns, an expression.
        id: of the record, an expression.
    """
    others = () if belonging is None else [way for way in belonging.ways if way.steps]
    if engine == POSTGRESQL:
        each = f"string_to_array({own}, ' ')"
        if belonging is not None and others:
            found = _union(engine, belonging.table, others, id)
            each = f"CASE WHEN {own} IS NOT NULL THEN ARRAY(SELECT unnest({each}) UNION {found}) END"
        return f"array_to_tsvector({each})"
    if belonging is None or not others:
        return own
    found = _union(engine, belonging.table, others, id)
    return f"{own} || coalesce((SELECT ' ' || group_concat(term, ' ') FROM ({found})), '')"


def _union(engine: str, table: str, ways: Iterable[Way], id: str) -> str:
    """A SELECT of the terms that some ways lead to, each once."""
    return " UNION ".join(dict.fromkeys(_terms(engine, table, way, id) for way in ways))


def _terms(engine: str, table: str, way: Way, id: str) -> str:
    source, last = _path(engine, table, way.steps)
    value = f"{last}.{quoted(engine, way.column)}"
    term = f"'{_OWNER}' || {value}"
    if way.is_region:
        letters = f"encode(convert_to({value}, 'UTF8'), 'hex')" if engine == POSTGRESQL else f"lower(hex({value}))"
        term = f"'{_REGION}' || {letters}"
    found = f"SELECT {term} AS term FROM {source} WHERE o0.id = {id} AND {value} IS NOT NULL"
    # What a record is part of is held already. What that is part of may just be handed over: whoever does it either
    # sees this record, or is waited for.
    above = [f"o{place + 1}" for place, step in enumerate(way.steps) if place and step.other == "id"]
    if not above or engine != POSTGRESQL:
        return found
    return f"SELECT term FROM ({found} FOR SHARE OF {', '.join(above)}) AS held"


def _path(engine: str, table: str, steps: Sequence[Step]) -> tuple[str, str]:
    """The tables of some steps, joined, and the name of the last one; that of the first is `o0`."""
    source = f"{quoted(engine, table)} AS o0"
    for place, step in enumerate(steps):
        this, other = quoted(engine, step.column), quoted(engine, step.other)
        source += f" JOIN {quoted(engine, step.table)} AS o{place + 1} ON o{place + 1}.{other} = o{place}.{this}"
    return source, f"o{len(steps)}"


def renewals(engine: str, belongings: Belongings, moved: Iterable[tuple[str, str]]) -> Iterator[SqlStatement]:
    """The statements that work out anew whose some records are, and all that belongs to whoever they belong to.

    Args:
        engine: that runs them.
        belongings: of all types.
        moved: types and ids of records.
    """
    ids: dict[str, set[str]] = {}
    for kind, id in moved:
        ids.setdefault(kind, set()).add(id)
    for kind, found in sorted(ids.items()):
        if kind in belongings:
            yield SqlStatement(_renewal(engine, kind, belongings), (listed(engine, found),))


def _renewal(engine: str, kind: str, belongings: Belongings) -> str:
    """The statement that renews the entries of some records of a type, and of all below them."""
    is_postgresql = engine == POSTGRESQL
    given = "unnest($1::text[]) AS given (id)" if is_postgresql else "json_each(?1)"
    reached, cases = [f"SELECT {'id' if is_postgresql else 'value'} AS id FROM {given}"], []
    for name, steps in ((kind, ()), *belongings[kind].below):
        source, last = _path(engine, belongings[kind].table, steps)
        if steps:
            reached.append(f"SELECT {last}.id FROM given, {source} WHERE o0.id = given.id")
        if ways := belongings[name].ways:
            found = _union(engine, belongings[name].table, ways, "search_entry.record_id")
            every = f"array_to_tsvector(ARRAY({found}))"
            if not is_postgresql:
                every = f"(SELECT group_concat(term, ' ') FROM ({found}))"
            cases.append(f"WHEN '{name}' THEN {every}")
    return (
        f"WITH given AS ({reached[0]}) UPDATE search_entry SET owner_terms = CASE entity_type "
        f"{' '.join(dict.fromkeys(cases))} END "
        f"WHERE record_id IN ({' UNION '.join(('SELECT id FROM given', *reached[1:]))})"
    )
