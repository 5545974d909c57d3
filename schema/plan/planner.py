"""Compiles root fields to plans."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from sqlalchemy import Dialect, Select, func, literal_column

from core.access.permissions import Right
from core.base.errors import InputError
from core.base.ids import prefix_of
from core.base.sentences import sentence
from core.db.engines import POSTGRESQL
from core.db.types import ListOf
from schema.catalog.access import Access
from schema.catalog.catalog import Catalog, RecordType
from schema.catalog.kind import Condition
from schema.catalog.merges import leads_by_key, where_it_leads
from schema.plan.aggregates import aggregate, group_by
from schema.plan.changes import changed, event_edges
from schema.plan.compiler import all_of, by_type, connection, events, one, permitted
from schema.plan.past import one_then
from schema.plan.plan import EACH, Branch, Path, Plan
from schema.plan.search import search
from schema.plan.statement import FLAT, CompileRoot, Detour, JsonLayout, PlanRow, Statement
from schema.sql.binds import Bind, Moment
from schema.sql.json import TEXT, WHOLE, column, json_rows
from schema.sql.queries import AliasedRows, Query, equal
from schema.sql.selections import Chosen
from schema.sql.slots import prefixes_of, resolve

#: What is tried in turn until the engine's parser takes the statement; only SQLite's ever refuses one.
_LAYOUTS = (FLAT, *(JsonLayout(is_stepped=True, deepest=deepest) for deepest in (inf, 6, 4, 3, 2, 1)))


class Planner:
    """Compiles the root fields of one app."""

    def __init__(self, catalog: Catalog, dialect: Dialect, fits: Callable[[str], bool]) -> None:
        """Compiles for one engine.

        Args:
            catalog: the records and fields.
            dialect: of the engine.
            fits: whether the engine's parser takes a statement.
        """
        self.catalog = catalog
        self.roots: dict[str, CompileRoot] = {"node": _node, "nodes": _nodes, "search": search}
        for record in catalog.records.values():
            self.roots |= _roots_of(record)
        #: The root fields of subscriptions, each of some records that are known by id.
        self.streams: dict[str, CompileRoot] = {
            record.changes: changed(record) for record in catalog.records.values() if record.has_attachments
        } | {"events": event_edges}
        self._dialect = dialect
        self._fits = fits

    def plan(
        self,
        compile_root: CompileRoot,
        chosen: Chosen,
        access: Access,
        refused: Mapping[Path, InputError] | None = None,
    ) -> Plan:
        """The plan of one root field, or of the records of a payload.

        Args:
            compile_root: makes the statement.
            chosen: the field.
            access: what the caller may see.
            refused: what is wrong with the arguments of fields below it, by their places.

        Raises:
            InputError: an argument of the field itself is not valid, or it is too deep for the engine.
        """
        for layout in _LAYOUTS:
            statement = Statement(self.catalog, self._dialect, access, layout, refused)
            sql, compiled = self._compiled(compile_root(statement, chosen))
            if self._fits(sql):
                branches = [self._branch(detour, access, refused or {}) for detour in statement.detours]
                used = set(compiled.positiontup or ())
                checks = [bind for name, bind in statement.binds.by_name.items() if name not in used]
                return Plan(sql, *self._parameters(statement, compiled), checks, [*statement.gaps, *branches])
        raise InputError(
            sentence(
                "{key}: the query is too deep or too wide for the database engine; split it into several",
                key=chosen.key,
            )
        )

    def permitted(self, record: RecordType, right: Right, access: Access) -> Plan:
        """The plan that tells with which of some records, known by id, a caller may do something."""
        statement = Statement(self.catalog, self._dialect, access)
        sql, compiled = self._compiled(permitted(statement, record, right))
        return Plan(sql, *self._parameters(statement, compiled), (), ())

    def _compiled(self, asked: Query | Select[Any]) -> tuple[str, Any]:
        """A SELECT of finished JSON as the engine takes it, and as SQLAlchemy compiled it."""
        compiled = asked.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        sql = str(compiled)
        # On PostgreSQL its text as the bytes that are sent on.
        return (f"SELECT convert_to(({sql}), 'UTF8')" if self._dialect.name == POSTGRESQL else sql), compiled

    def _branch(self, detour: Detour, access: Access, refused: Mapping[Path, InputError]) -> Branch:
        gap = detour.gap
        way = len(gap.path)
        below = {(EACH, *place[way:]): error for place, error in refused.items() if place[:way] == gap.path}
        return Branch(gap.path, gap.key, gap.record, self.plan(detour.compile, detour.chosen, access, below))

    def _parameters(self, statement: Statement, compiled: Any) -> tuple[list[Any], list[tuple[Bind, list[int]]]]:
        """The parameters in order, None for each that is read; and those, with their places."""
        held: Mapping[str, Any] = compiled.construct_params(_check=False)
        by_name: dict[str, list[int]] = {}
        for place, name in enumerate(compiled.positiontup or ()):
            by_name.setdefault(name, []).append(place)
        constants: list[Any] = [None] * len(compiled.positiontup or ())
        binds = []
        for name, places in by_name.items():
            bind = statement.binds.by_name.get(name)
            if bind is not None:
                binds.append((bind, places))
                continue
            stored = self._stored(held[name], compiled.binds.get(name))
            for place in places:
                constants[place] = stored
        return constants, binds

    def _stored(self, value: Any, parameter: Any) -> Any:
        """A constant as the driver takes it."""
        if parameter is None:
            return value
        convert = parameter.type.dialect_impl(self._dialect).bind_processor(self._dialect)
        return value if convert is None else convert(value)


def _roots_of(record: RecordType) -> dict[str, CompileRoot]:
    """The root fields of a record."""
    if record.name == "Event":
        return {"events": lambda statement, chosen: events(statement, chosen, ())}
    roots: dict[str, CompileRoot] = {
        record.singular: lambda statement, chosen: _single(statement, record, chosen),
        record.plural: lambda statement, chosen: connection(statement, record, chosen, ()),
    }
    if record.aggregates:
        roots[f"{record.plural}Aggregate"] = lambda statement, chosen: aggregate(statement, record, chosen, None)
    if record.groups:
        roots[f"{record.plural}GroupBy"] = lambda statement, chosen: group_by(statement, record, chosen)
    if record.plain_list:
        roots[record.plural] = lambda statement, chosen: all_of(statement, record, chosen)
    return roots


def _single(statement: Statement, record: RecordType, chosen: Chosen) -> Query:
    id: Any = chosen.arguments.get("id")
    external_id: Any = chosen.arguments.get("externalId")
    if (id is None) == (external_id is None):
        raise InputError(sentence("{singular}: give either id or externalId", singular=record.singular))

    # What was merged was a record of its own before.
    leads = record.merges and chosen.arguments.get("asOf") is None

    def is_it(row: PlanRow) -> Condition:
        if id is not None:
            value = statement.binds.value(id, TEXT)
            return equal(row.id, where_it_leads(value) if leads else value)
        if leads:
            system, key = (statement.binds.value(external_id[name], TEXT) for name in ("system", "value"))
            return equal(row.id, leads_by_key(record.name, system, key))
        field = record.fields["externalIds"]
        wanted = {"has": {"system": external_id["system"], "values": [external_id["value"]]}}
        (condition,) = field.kind.conditions(row.id, wanted, statement.binds)
        return condition

    made = one if chosen.arguments.get("asOf") is None else one_then
    return made(statement, record, chosen, is_it)


def _node(statement: Statement, chosen: Chosen) -> Query:
    id = chosen.arguments["id"]
    value = statement.binds.value(id, TEXT, _known_id(statement.catalog, "id"))
    named = _named(statement.catalog, id)
    if len(named) == 1:
        led = where_it_leads(value) if named[0].merges else value
        return one(statement, named[0], chosen, lambda row: equal(row.id, led))
    given = AliasedRows(Query({"value": value}), statement.alias())
    built = by_type(statement, named, chosen, column(given.name, "value", TEXT), ())
    return Query({"built": built}, given)


def _nodes(statement: Statement, chosen: Chosen) -> Query:
    check = _known_id(statement.catalog, "ids")
    ids = chosen.arguments["ids"]
    largest = statement.catalog.settings.maximum_page_size

    def source(moment: Moment) -> list[str]:
        given = resolve(ids, moment.variables)
        if len(given) > largest:
            raise InputError(
                sentence(
                    "ids: {count} are more than the {largest} that one request may ask for",
                    count=len(given),
                    largest=largest,
                )
            )
        return [check(id) for id in given]

    wanted = statement.binds.computed(source, ListOf(TEXT))
    alias = statement.alias()
    if statement.dialect.name == POSTGRESQL:
        given = func.unnest(wanted, type_=TEXT).table_valued("value", with_ordinality="key").render_derived(name=alias)
    else:
        given = func.json_each(wanted).table_valued("value", "key", name=alias)
    found = by_type(statement, _named(statement.catalog, ids), chosen, literal_column(f"{alias}.value", TEXT), (EACH,))
    rows = json_rows(found, [literal_column(f"{alias}.key", WHOLE)])
    return Query({"rows": rows}, given)


def _named(catalog: Catalog, ids: Any) -> Sequence[RecordType]:
    """The types of record that ids name."""
    prefixes = prefixes_of(ids)
    return [record for record in catalog.records.values() if prefixes is None or record.prefix in prefixes]


def _known_id(catalog: Catalog, argument: str) -> Callable[[str], str]:
    known = {record.prefix for record in catalog.records.values()}

    def check(id: str) -> str:
        if prefix_of(id) not in known:
            raise InputError(
                sentence(
                    "{argument}: {id!r} is not an id of a record; ids look like cus_01h455vb4pex5vsknk084sn02q",
                    argument=argument,
                    id=id,
                )
            )
        return id

    return check
