"""The oracle: GraphQL over plain lists, executed by graphql-core with resolvers of its own."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    build_ast_schema,
    execute,
    parse,
    validate,
)

from tests.oracle.aggregates import Way, aggregated, grouped, per_currency, way_to
from tests.oracle.filters import RefusedError, group_meets, selected
from tests.oracle.orders import direction, key_place, place, place_of, sort_keys
from tests.oracle.pages import Cursors, connection
from tests.oracle.pruning import Knows, pruned
from tests.oracle.records import Money, Records, Row
from tests.oracle.shapes import OUTPUTS, Kind, Shape, shapes_of

FUNCTIONS = ("sum", "avg", "min", "max")


def shown(value: Any) -> Any:
    """A value as the API shows it."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Money):
        return {"amount": shown(value.amount), "currency": value.currency, "reportingAmount": shown(value.reporting)}
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "Decimal": lambda text: Decimal(str(text)),
    "Date": date.fromisoformat,
    "DateTime": _moment,
}


class Oracle:
    """Answers queries from records.

    Attributes:
        schema: built from the SDL alone, without what the oracle does not know.
        shapes: what it says of records.
        records: to be set before anything is asked.
    """

    records: Records

    def __init__(
        self,
        sdl: str,
        knows: Knows,
        default_page_size: int,
        maximum_page_size: int,
        enumerations: Mapping[str, Sequence[str]],
        as_entered: Collection[str] = (),
    ) -> None:
        self.schema = build_ast_schema(pruned(sdl, knows, as_entered), assume_valid_sdl=True)
        self.shapes = shapes_of(self.schema, enumerations)
        self._sizes = (default_page_size, maximum_page_size)
        self._cursors = Cursors()
        for name, reader in _READERS.items():
            scalar = self.schema.type_map[name]
            assert isinstance(scalar, GraphQLScalarType)
            scalar.parse_value = scalar.coerce_input_value = reader  # type: ignore[method-assign]
        node: Any = self.schema.type_map["Node"]
        node.resolve_type = lambda row, info, type_: row.type
        for shape in self.shapes.values():
            self._resolve_record(shape)
            self._resolve_roots(shape)
        root = self.schema.query_type
        assert root is not None
        root.fields["node"].resolve = lambda source, info, id: self.records.living(id)
        root.fields["nodes"].resolve = lambda source, info, ids: [self.records.living(id) for id in ids]

    def execute(self, text: str, variables: Mapping[str, Any] | None = None) -> ExecutionResult:
        """The answer to a valid query; cursors in it are the oracle's own."""
        document = parse(text)
        result = execute(self.schema, document, variable_values=dict(variables or {}))
        assert isinstance(result, ExecutionResult)
        return result

    def is_valid(self, text: str) -> bool:
        """Whether a query is one of the schema at all."""
        return not validate(self.schema, parse(text))

    # Resolvers

    def _type(self, name: str) -> GraphQLObjectType:
        found = self.schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    def _resolve_record(self, shape: Shape) -> None:
        fields = self._type(shape.name).fields

        def of_value(name: str) -> Any:
            return lambda row, info: shown(row[name])

        def of_one(name: str) -> Any:
            return lambda row, info: self.records.to_one(row, name)

        def of_list(name: str, target: str) -> Any:
            return lambda row, info, **given: self._page(
                target, f"{shape.name}.{name}", self.records.below(row, name), given
            )

        def of_roll_up(name: str, target: str) -> Any:
            return lambda row, info, **given: self._aggregate(target, self.records.below(row, name), given)

        for name in shape.fields:
            fields[name].resolve = of_value(name)
        for name in shape.to_one:
            fields[name].resolve = of_one(name)
        for name, (target, _) in shape.to_many.items():
            fields[name].resolve = of_list(name, target)
            if self.shapes[target].has_aggregates:
                fields[f"{name}Aggregate"].resolve = of_roll_up(name, target)

    def _resolve_roots(self, shape: Shape) -> None:
        assert self.schema.query_type is not None
        roots = self.schema.query_type.fields
        name = shape.name
        roots[shape.singular].resolve = lambda source, info, **given: self._single(shape, given)
        if shape.has_aggregates:
            roots[f"{shape.plural}Aggregate"].resolve = lambda source, info, **given: self._aggregate(
                name, self.records.lists[name], given
            )
        if shape.has_groups:
            roots[f"{shape.plural}GroupBy"].resolve = lambda source, info, **given: self._groups(shape, given)
        if shape.is_plain_list:
            roots[shape.plural].resolve = lambda source, info: self._all(shape)
        else:
            roots[shape.plural].resolve = lambda source, info, **given: self._page(
                name, shape.plural, self.records.lists[name], given
            )

    def _page(self, type: str, list_name: str, rows: list[Row], given: Mapping[str, Any]) -> Any:
        return connection(self.records, self._cursors, type, list_name, rows, given, self._sizes)

    def _single(self, shape: Shape, given: Mapping[str, Any]) -> Row | None:
        id, key = given.get("id"), given.get("externalId")
        if (id is None) == (key is None):
            raise RefusedError("id or externalId")
        living = [row for row in self.records.lists[shape.name] if row.is_living]
        return next((row for row in living if row["id"] == id or key in row["externalIds"]), None)

    def _all(self, shape: Shape) -> list[Row]:
        keys = sort_keys(self.records, shape.name, None)
        living = [row for row in self.records.lists[shape.name] if row.is_living]
        return sorted(living, key=lambda row: place(self.records, row, keys))

    def _aggregate(self, type: str, rows: list[Row], given: Mapping[str, Any]) -> Any:
        return self._summed(type, selected(self.records, rows, given.get("where")))

    def _summed(self, type: str, rows: list[Row]) -> dict[str, Any]:
        """What some rows come to together."""
        fields = self.shapes[type].fields

        def of_function(function: str) -> Any:
            made = self.schema.type_map.get(f"{type}{OUTPUTS[function]}")
            return (
                {name: of_field(function, name) for name in made.fields}
                if isinstance(made, GraphQLObjectType)
                else None
            )

        def of_field(function: str, name: str) -> Any:
            return lambda info: self._one_sum(function, fields[name], rows, name)

        return {"count": len(rows), **{function: of_function(function) for function in FUNCTIONS}}

    def _one_sum(self, function: str, kind: Kind, rows: list[Row], field: str) -> Any:
        value = shown(aggregated(function, kind, rows, field))
        if kind is Kind.MONEY and function == "sum":
            return {"total": value, "perCurrency": [shown(money) for money in per_currency(rows, field)]}
        return value

    # Groups

    def _groups(self, shape: Shape, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        keys = [way_to(part) for part in given["by"]]
        first = given.get("first")
        if not keys or any(end is False for _, end in keys) or not 0 <= (first or 0) <= self._sizes[1]:
            raise RefusedError("by or first")
        rows = selected(self.records, self.records.lists[shape.name], given.get("where"))
        found = grouped(self.records, rows, keys)
        having = given.get("having") or {}
        kept = [(values, rows) for values, rows in found.items() if group_meets(shape.fields, rows, having)]
        if having and not kept:
            group_meets(shape.fields, [], having)
        order = [way_to(part) for part in given.get("orderBy") or ()]
        kept.sort(key=lambda group: self._group_place(shape, keys, order, *group))
        chosen = kept[: self._sizes[1] if first is None else first]
        return [self._group(shape, keys, values, rows) for values, rows in chosen]

    def _group_place(
        self,
        shape: Shape,
        keys: list[tuple[Way, Any]],
        order: list[tuple[Way, Any]],
        values: tuple[Any, ...],
        rows: list[Row],
    ) -> tuple[Any, ...]:
        places = []
        ways = [way for way, _ in keys]
        for (head, *rest), wanted in order:
            descending, nulls_first = direction(wanted)
            if head == "count":
                value: Any = len(rows)
            elif head == "key":
                if tuple(rest) not in ways:
                    raise RefusedError("no key")
                value = key_place(self.records, shape.name, tuple(rest), values[ways.index(tuple(rest))])
            else:
                value = aggregated(head, shape.fields[rest[0]], rows, rest[0])
                value = value.reporting if isinstance(value, Money) else value
            places.append(place_of(value, descending=descending, nulls_first=nulls_first))
        found = (key_place(self.records, shape.name, way, value) for way, value in zip(ways, values, strict=True))
        return (*places, *(place_of(value, descending=False, nulls_first=False) for value in found))

    def _group(
        self, shape: Shape, keys: list[tuple[Way, Any]], values: tuple[Any, ...], rows: list[Row]
    ) -> dict[str, Any]:
        by_way: dict[Way, Any] = {}
        for (way, _), value in zip(keys, values, strict=True):
            by_way.setdefault(way, value)
        return {"keys": self._keys(shape, by_way, ()), "aggregate": lambda info: self._summed(shape.name, rows)}

    def _keys(self, shape: Shape, by_way: Mapping[Way, Any], here: Way) -> dict[str, Any]:
        def of_value(way: Way) -> Any:
            def value(info: GraphQLResolveInfo) -> Any:
                if way not in by_way:
                    raise RefusedError("no key")
                return shown(by_way[way])

            return value

        def of_one(way: Way, target: str) -> Any:
            return lambda info: self._keys(self.shapes[target], by_way, way)

        made = self._type(f"{shape.name}GroupKeys").fields
        return {
            name: of_one((*here, name), shape.to_one[name]) if name in shape.to_one else of_value((*here, name))
            for name in made
        }
