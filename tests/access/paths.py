"""The paths on which a query can ask for a field, made from the catalog: what each is asked with, and where it stands.

A path makes the text that asks for some fields of a record. The schema says what can be asked at all, so a plugin's
records and fields are on the paths that they can be on.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
)

from schema.catalog.catalog import Catalog, CatalogField, RecordType
from schema.plan.plan import EACH
from schema.types.aggregates import OUTPUTS, aggregated, functions_of

#: More keys of an order or of groups are refused.
_MOST_KEYS = 20

#: The place of a field in an answer, and its key there.
Place = tuple[tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A field where it is selected, or something related.

    Attributes:
        place: in the answer.
        record: the field's record; for something related the record it leads to.
        field: None for something related.
    """

    place: Place
    record: str
    field: CatalogField | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """One way to use one field where its use decides the whole answer.

    Attributes:
        part: what the arguments say of it.
        field: which.
    """

    part: str
    field: CatalogField


@dataclass(frozen=True, slots=True)
class Question:
    """Fields asked for on one path.

    Attributes:
        path: its name.
        record: what the root field is about.
        text: the query.
        shown: what is selected, by its place in the answer.
        uses: what the arguments use.
        reads: the records that it leads to.
    """

    path: str
    record: str
    text: str
    shown: Sequence[Shown] = ()
    uses: Sequence[Use] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of a record to others."""

    name: str
    target: RecordType
    is_many: bool


@dataclass(frozen=True, slots=True)
class UsePath:
    """A path on which fields are used by arguments, and the text that uses some of them at once."""

    name: str
    record: str
    uses: Sequence[Use]
    text: Callable[[Sequence[Use]], str]
    most: int = 10_000
    reads: tuple[str, ...] = ()

    def questions(self, is_allowed: Callable[[Use], bool]) -> Iterator[Question]:
        """The allowed uses together, each of the others alone."""
        allowed = [use for use in self.uses if is_allowed(use)]
        for start in range(0, len(allowed), self.most):
            yield self.asked(allowed[start : start + self.most])
        for use in self.uses:
            if not is_allowed(use):
                yield self.asked([use])

    def asked(self, uses: Iterable[Use]) -> Question:
        """A question that uses some fields."""
        listed = tuple(uses)
        return Question(self.name, self.record, self.text(listed), (), listed, self.reads)


@dataclass
class Paths:
    """The paths of one app."""

    catalog: Catalog
    schema: GraphQLSchema
    selections: list[Question] = field(default_factory=list)
    uses: list[UsePath] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._relations = _relations(self.catalog)
        for record in self.catalog.records.values():
            self.selections += self._selections(record)
            self.uses += [path for path in self._uses(record) if path.uses]

    # Selections

    def _selections(self, record: RecordType) -> Iterator[Question]:
        whole, shown = self._whole(record)
        ways: list[tuple[str, str, tuple[str, ...]]] = []
        if record.name == "Event":
            ways.append(("list", f"{{ events {{ nodes {whole} }} }}", ("nodes", EACH)))
        elif record.plain_list:
            ways.append(("list", f"{{ {record.plural} {whole} }}", (EACH,)))
        else:
            ways.append(("list", f"{{ {record.plural} {{ totalCount nodes {whole} }} }}", ("nodes", EACH)))
            edges = f"{{ {record.plural} {{ edges {{ cursor node {whole} }} }} }}"
            ways.append(("edges", edges, ("edges", EACH, "node")))
        if record.has_attachments:
            id = f"{record.prefix}_{'0' * 26}"
            ways.append(("record", f'{{ {record.singular}(id: "{id}") {whole} }}', ()))
            ways.append(("node", f'{{ node(id: "{id}") {{ ... on {record.name} {whole} }} }}', ()))
        for name, text, place in ways:
            yield Question(name, record.name, text, [Shown((place, key), record.name, one) for key, one in shown])
        for one in self._relations.get(record.name, ()):
            yield self._nested(record, one)

    def _nested(self, record: RecordType, relation: Relation) -> Question:
        """Everything under a relation of a record."""
        whole, shown = self._whole(relation.target)
        text = f"{relation.name} " + (f"{{ nodes {whole} }}" if relation.is_many else whole)
        place = (EACH,) if record.plain_list else ("nodes", EACH)
        inner = (*place, relation.name, *(("nodes", EACH) if relation.is_many else ()))
        found = [Shown((place, relation.name), relation.target.name)]
        found += [Shown((inner, key), relation.target.name, one) for key, one in shown]
        list_ = f"{{ {text} }}" if record.plain_list else f"{{ nodes {{ {text} }} }}"
        name = "nested list" if relation.is_many else "nested"
        return Question(name, record.name, f"{{ {record.plural} {list_} }}", found, (), (relation.target.name,))

    def _whole(self, record: RecordType) -> tuple[str, list[tuple[str, CatalogField]]]:
        """A selection of all fields of a record."""
        kind = self.schema.type_map[record.name]
        assert isinstance(kind, GraphQLObjectType)
        fields = [(name, one) for name, one in record.fields.items() if name in kind.fields]
        assert len(fields) == len(record.fields)
        return "{ " + " ".join(self._selected(kind, name) for name, _ in fields) + " }", fields

    def _selected(self, kind: GraphQLObjectType, name: str) -> str:
        named = get_named_type(kind.fields[name].type)
        if is_leaf_type(named):
            return name
        assert isinstance(named, GraphQLObjectType)
        return f"{name} {{ {' '.join(self._selected(named, inner) for inner in named.fields)} }}"

    # Uses

    def _uses(self, record: RecordType) -> Iterator[UsePath]:
        root = self.schema.query_type
        assert root is not None
        where_root = next(
            (name for name in (record.plural, f"{record.plural}Aggregate") if "where" in _arguments(root, name)), None
        )
        relations = self._relations.get(record.name, ())
        if where_root is not None:
            asks = _asks(where_root, "where", "totalCount" if where_root == record.plural else "count")
            yield UsePath("filter", record.name, self._conditions(record), asks("{{and: [{}]}}"))
            for one in relations:
                target = one.target
                if one.is_many:
                    inside = f"{{{{{one.name}: {{{{some: {{{{and: [{{}}]}}}}}}}}}}}}"
                    yield UsePath(
                        "list filter", record.name, self._conditions(target), asks(inside), reads=(target.name,)
                    )
                else:
                    inside = f"{{{{{one.name}: {{{{and: [{{}}]}}}}}}}}"
                    uses = self._conditions(target)
                    yield UsePath("relation filter", record.name, uses, asks(inside), reads=(target.name,))
                if one.is_many and target.aggregates:
                    inside = "{{and: [{}]}}"
                    uses = [Use(f"{one.name}Aggregate: {{ {use.part} }}", use.field) for use in self._totals(target)]
                    yield UsePath("aggregate filter", record.name, uses, asks(inside), 10, (target.name,))
        if "orderBy" in _arguments(root, record.plural):
            asks = _asks(record.plural, "orderBy", "nodes { id }")
            yield UsePath("order", record.name, self._orders(record), asks("[{}]"), _MOST_KEYS)
            for one in relations:
                if not one.is_many:
                    uses = [Use(f"{one.name}: {{ {use.part} }}", use.field) for use in self._orders(one.target)]
                    yield UsePath("relation order", record.name, uses, asks("[{}]"), _MOST_KEYS, (one.target.name,))
        if record.aggregates:
            uses = [
                Use(f"{function} {{ {self._summed(record, function, one)} }}", one)
                for function in functions_of(record)
                for one in aggregated(record, function)
            ]
            yield UsePath("aggregate", record.name, uses, lambda uses: _summing(f"{record.plural}Aggregate", uses))
        if record.groups:
            yield from self._groups(record)

    def _conditions(self, record: RecordType) -> list[Use]:
        kind = self.schema.type_map[f"{record.name}Where"]
        assert isinstance(kind, GraphQLInputObjectType)
        return [
            Use(f"{name}: {{ {_emptiness(get_named_type(kind.fields[name].type))} }}", one)
            for name, one in record.fields.items()
            if name in kind.fields
        ]

    def _orders(self, record: RecordType) -> list[Use]:
        kind = self.schema.type_map[f"{record.name}Order"]
        assert isinstance(kind, GraphQLInputObjectType)
        return [Use(f"{name}: ASC", one) for name, one in record.fields.items() if name in kind.fields]

    def _totals(self, record: RecordType) -> list[Use]:
        """Conditions on the aggregates of a record, by one function of each field."""
        found = {one.name: (function, one) for function in functions_of(record) for one in aggregated(record, function)}
        return [Use(f"{function}: {{ {name}: {{ isNull: true }} }}", one) for name, (function, one) in found.items()]

    def _summed(self, record: RecordType, function: str, one: CatalogField) -> str:
        kind = self.schema.type_map[record.name + OUTPUTS[function]]
        assert isinstance(kind, GraphQLObjectType)
        return self._selected(kind, one.name)

    def _groups(self, record: RecordType) -> Iterator[UsePath]:
        root = f"{record.plural}GroupBy"
        asks = _asks(root, "by", "aggregate { count }")
        keys = [Use(self._key(record, key), one) for key, one in record.group_keys.items()]
        yield UsePath("group key", record.name, keys, asks("[{}]"), _MOST_KEYS)
        for one in self._relations.get(record.name, ()):
            if one.target.groups and not one.is_many:
                keys = [
                    Use(f"{one.name}: {{ {self._key(one.target, key)} }}", field)
                    for key, field in one.target.group_keys.items()
                ]
                yield UsePath("relation group key", record.name, keys, asks("[{}]"), _MOST_KEYS, (one.target.name,))
        first = f"by: [{{{self._key(record, 'recordId')}}}], "
        totals = self._totals(record)
        having = _asks(root, "having", "aggregate { count }", first)
        yield UsePath("having", record.name, totals, having("{{and: [{}]}}"))
        orders = [Use(use.part.replace("{ isNull: true }", "DESC"), use.field) for use in totals]
        order = _asks(root, "orderBy", "aggregate { count }", first)
        yield UsePath("group order", record.name, orders, order("[{}]"), _MOST_KEYS)

    def _key(self, record: RecordType, name: str) -> str:
        kind = self.schema.type_map[f"{record.name}GroupKey"]
        assert isinstance(kind, GraphQLInputObjectType)
        return f"{name}: {'true' if get_named_type(kind.fields[name].type).name == 'Boolean' else 'MONTH'}"


def _arguments(root: GraphQLObjectType, name: str) -> Collection[str]:
    return root.fields[name].args.keys() if name in root.fields else ()


def _emptiness(kind: Any) -> str:
    return "isNull: true" if "isNull" in kind.fields else "isEmpty: true"


def _relations(catalog: Catalog) -> Mapping[str, Sequence[Relation]]:
    """A relation to one and a relation to many that lead to each record, by the record that has them.

    Preferred are those of records that need no permission of their own, so that what is asked is what they lead to.
    """
    found: dict[tuple[str, bool], tuple[str, str]] = {}
    for record in sorted(catalog.records.values(), key=lambda record: record.permission is not None):
        for link in record.to_one.values():
            found.setdefault((link.target, False), (record.name, link.name))
        for many in record.to_many.values():
            found.setdefault((many.target, True), (record.name, many.name))
    by_record: dict[str, list[Relation]] = {}
    for (target, is_many), (record_name, name) in found.items():
        by_record.setdefault(record_name, []).append(Relation(name, catalog.records[target], is_many))
    return by_record


def _asks(root: str, argument: str, shown: str, before: str = "") -> Callable[[str], Callable[[Sequence[Use]], str]]:
    """Makes, of a pattern for what an argument says, the text that asks a root field by the parts of some uses."""

    def by(pattern: str) -> Callable[[Sequence[Use]], str]:
        def text(uses: Sequence[Use]) -> str:
            given = pattern.format(", ".join(f"{{{use.part}}}" for use in uses))
            return f"{{ {root}({before}{argument}: {given}) {{ {shown} }} }}"

        return text

    return by


def _summing(root: str, uses: Sequence[Use]) -> str:
    return f"{{ {root} {{ {' '.join(use.part for use in uses)} }} }}"
