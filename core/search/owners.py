"""Owners: the terms of an entry that tell whose its record is, so that an index finds what belongs to somebody.

A record is its own users', teams' and region's, those of what it is part of, and those of who shares it. The terms of
its own columns are known as its entry is written, the database adds those of others, and works all out again when it or
something above is handed over, or somebody shares it. An entry may have one too many for a while, never one too few:
nobody is shown by it what they may not see.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from core.db.engines import POSTGRESQL
from core.db.transaction import SqlStatement, listed
from core.records.forms import TextForm
from core.records.record import Record
from core.records.rows import quoted

#: What comes before a user or team, and before the letters of a region in hexadecimal figures.
_OWNER, _REGION = "$", "$="


class Step(NamedTuple):
    """A step from a row to others: its column, their table, and their column that equals it."""

    column: str
    table: str
    other: str

    @property
    def is_share(self) -> bool:
        """Whether it leads to what shares the row, and not to what it is part of."""
        return self.other != "id"


@dataclass(frozen=True, slots=True)
class OwnerWay:
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
        own: the columns of a record by which it belongs to somebody itself, as they are given.
    """

    table: str
    ways: tuple[OwnerWay, ...] = ()
    is_part: bool = False
    below: tuple[tuple[str, tuple[Step, ...]], ...] = ()
    own: Mapping[str, OwnerWay] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = {
            way.column.removesuffix("_folded") if way.is_region else way.column: way
            for way in self.ways
            if not way.steps
        }
        object.__setattr__(self, "own", own)


#: By the names of types; what is not there belongs to nobody, and nothing by way of it.
Belongings = Mapping[str, Belonging]


def owner_term(id: str) -> str:
    """The term of a user or team."""
    return f"{_OWNER}{id}"


def region_term(region: str) -> str:
    """The term of a region, folded."""
    return f"{_REGION}{region.encode().hex()}"


def own_terms(kind: type[Record], belonging: Belonging | None, values: Mapping[str, Any]) -> str | None:
    """The terms that the values of its own columns give a record, as they are stored; None if it is nobody's."""
    if belonging is None:
        return None
    found = set()
    for name, way in belonging.own.items():
        if (value := values[name]) is not None and way.is_region:
            found.add(_region_term(kind.__folded__.get(name), value))
        elif value is not None:
            found.add(owner_term(value))
    return " ".join(sorted(found))


@lru_cache(1000)
def _region_term(form: TextForm | None, region: str) -> str:
    """The term of a region as it is given."""
    return region_term(region if form is None else form.key(region, ""))


def joined_terms(engine: str, belonging: Belonging | None, own: str, id: str, *, is_new: bool) -> str:
    """An expression: the terms of a record, as they are stored.

    Args:
        engine: that works it out.
        belonging: of its type.
        own: the terms of its own columns, an expression.
        id: of the record, an expression.
        is_new: nobody shares it, or whoever does is noted as such.
    """
    is_postgresql = engine == POSTGRESQL
    each = f"string_to_array({own}, ' ')" if is_postgresql else own
    ways = () if belonging is None else belonging.ways
    others = [way for way in ways if way.steps and not (is_new and way.steps[0].is_share)]
    if belonging is not None and others:
        found = _union(engine, belonging.table, others, id)
        if is_postgresql:
            each = f"ARRAY(SELECT unnest({each}) UNION {found})"
        else:
            each = f"{own} || coalesce((SELECT ' ' || group_concat(term, ' ') FROM ({found})), '')"
    return f"array_to_tsvector({each})" if is_postgresql else each


def _union(engine: str, table: str, ways: Iterable[OwnerWay], id: str) -> str:
    """A SELECT of the terms that some ways lead to, each once."""
    by_steps: dict[tuple[Step, ...], list[OwnerWay]] = {}
    for way in ways:
        by_steps.setdefault(way.steps, []).append(way)
    return " UNION ".join(_terms(engine, table, steps, several, id) for steps, several in by_steps.items())


def _terms(engine: str, table: str, steps: Sequence[Step], ways: Sequence[OwnerWay], id: str) -> str:
    """A SELECT of the terms in the columns where some steps lead to."""
    source, last = _path(engine, table, steps)
    columns = {way.column: f"{last}.{quoted(engine, way.column)}" for way in ways}
    if engine != POSTGRESQL:
        terms = [_term(engine, way, columns[way.column]) for way in ways]
        return " UNION ".join(
            f"SELECT {term} AS term FROM {source} WHERE o0.id = {id} AND {term} IS NOT NULL" for term in terms
        )
    named = ", ".join(f"{column} AS v{place}" for place, column in enumerate(columns.values()))
    # What a record is part of is held already. What that is part of may just be handed over: whoever does it either
    # sees this record, or is waited for.
    above = ", ".join(f"o{place + 1}" for place, step in enumerate(steps) if place and not step.is_share)
    held = f"SELECT {named} FROM {source} WHERE o0.id = {id}{f' FOR SHARE OF {above}' if above else ''}"
    each = ", ".join(_term(engine, way, f"v{list(columns).index(way.column)}") for way in ways)
    return f"SELECT term FROM ({held}) AS held, unnest(ARRAY[{each}]) AS each (term) WHERE term IS NOT NULL"


def _term(engine: str, way: OwnerWay, value: str) -> str:
    """The term of a way, from the value of its column."""
    if not way.is_region:
        return f"'{_OWNER}' || {value}"
    letters = f"lower(hex({value}))"
    if engine == POSTGRESQL:
        # By functions that are the same for ever. With others Citus would not send the whole statement to one node.
        letters = f"encode(replace({value}, '\\', '\\\\')::bytea, 'hex')"
    return f"'{_REGION}' || {letters}"


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
    given = "SELECT value AS id FROM json_each(?1)"
    if is_postgresql:
        # How many there are is not to be planned for: that takes longer than all the rest, each time again.
        given = "SELECT unnest(ids) AS id FROM (SELECT $1::text[] AS ids OFFSET 0) AS one"
    reached, cases = ["SELECT id FROM given"], []
    for name, steps in ((kind, ()), *belongings[kind].below):
        source, last = _path(engine, belongings[kind].table, steps)
        if steps:
            reached.append(f"SELECT {last}.id FROM given, {source} WHERE o0.id = given.id")
        if ways := belongings[name].ways:
            found = _union(engine, belongings[name].table, ways, "search_entry.record_id")
            every = f"array_to_tsvector(ARRAY({found}))"
            if not is_postgresql:
                every = f"(SELECT group_concat(term, ' ') FROM ({found}))"
            cases.append(f"WHEN entity_type = '{name}' THEN {every}")
    return (
        f"WITH given AS ({given}) UPDATE search_entry SET owner_terms = CASE "
        f"{' '.join(dict.fromkeys(cases))} END "
        f"WHERE record_id IN ({' UNION '.join(reached)})"
    )
