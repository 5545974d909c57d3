"""Random queries, dense in what lists can do: filters, orders, pages, nested lists, fragments, aliases, directives."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLSchema

from tests.oracle.conditions import Conditions
from tests.oracle.literals import Variables, Word, arguments
from tests.oracle.records import Records
from tests.oracle.shapes import INPUTS, OUTPUTS, Kind, Shape

_MONEY = ("amount", "currency", "reportingAmount", "__typename")
_PAGE_INFO = ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename")
GRAINS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")


@dataclass
class Asked:
    """A query.

    Attributes:
        text: as it is sent.
        variables: two sets of values to send with it.
        pages: of each list that can be paged on, by the key of its answer, the variables for `after` and `before`.
    """

    text: str
    variables: tuple[dict[str, Any], dict[str, Any]]
    pages: dict[str, tuple[str, ...]]


def make_query(schema: GraphQLSchema, records: Records, seed: int, depth: int) -> Asked:
    """The query of a seed."""
    return _Maker(schema, records, Random(seed), depth).make()


class _Maker:
    def __init__(self, schema: GraphQLSchema, records: Records, random: Random, depth: int) -> None:
        self._schema = schema
        self._records = records
        self._random = random
        self._depth = depth
        self._variables = Variables(random, random.choice([0.0, 0.1, 0.3]))
        self._conditions = Conditions(schema, records, random, self._variables)
        self._fragments: dict[str, tuple[str, str]] = {}
        self._pages: dict[str, tuple[str, ...]] = {}
        self._count = 0

    def make(self) -> Asked:
        roots = [self._root() for _ in range(self._random.choice([1, 1, 1, 2, 3]))]
        if self._random.random() < 0.05:
            roots.append("__typename")
        body = "{ " + " ".join(self._in_fragments("Query", roots)) + " }"
        body += "".join(f"\nfragment {name} on {type} {text}" for name, (type, text) in self._spread(body).items())
        self._variables.keep_used(body)
        return Asked(f"query{self._variables.header()} {body}", self._variables.given, self._pages)

    def _spread(self, text: str) -> dict[str, tuple[str, str]]:
        """The fragments that a text uses, directly or through others."""
        names = [name for name in self._fragments if re.search(rf"\.\.\.{name}\b", text)]
        found = {name: self._fragments[name] for name in names}
        for name in names:
            found |= self._spread(found[name][1])
        return found

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _new(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def _some(self, choices: Any, most: int) -> list[Any]:
        choices = list(choices)
        return self._random.sample(choices, min(len(choices), self._random.randint(1, most)))

    # Roots

    def _root(self) -> str:
        shapes = self._records.shapes
        shape = self._random.choice([*shapes.values(), *(shapes[name] for name in _OFTEN if name in shapes)])
        ways: list[tuple[Callable[[Shape], str], int]] = [
            (self._list, 10),
            (self._root_aggregate, 2),
            (self._groups, 4),
            (self._single, 2),
            (self._node, 1),
            (self._nodes, 1),
        ]
        way = self._random.choices([way for way, _ in ways], [weight for _, weight in ways])[0]
        if (way == self._root_aggregate and not shape.has_aggregates) or (way == self._groups and not shape.has_groups):
            way = self._list
        return way(shape)

    def _list(self, shape: Shape) -> str:
        if shape.is_plain_list:
            return f"{self._new('r')}: {shape.plural} {self._record(shape, self._depth)}"
        return self._connection(shape, shape.plural, self._depth, self._depth)

    def _root_aggregate(self, shape: Shape) -> str:
        return self._roll_up(shape, f"{shape.plural}Aggregate")

    def _id(self, shape: Shape) -> Any:
        rows = self._records.lists[shape.name]
        return self._random.choice(rows)["id"] if rows and self._chance(0.95) else "cus_01h455vb4pex5vsknk084sn02q"

    def _single(self, shape: Shape) -> str:
        rows = [row for row in self._records.lists[shape.name] if row["externalIds"]]
        if rows and self._chance(0.4):
            key = self._random.choice(self._random.choice(rows)["externalIds"])
            given = {"externalId": self._variables.lifted("ExternalIdInput!", lambda: dict(key))}
        else:
            given = {"id": self._variables.lifted("ID!", lambda: self._id(shape))}
        return f"{self._new('r')}: {shape.singular}{arguments(given)} {self._record(shape, self._depth)}"

    def _node(self, shape: Shape) -> str:
        given = {"id": self._variables.lifted("ID!", lambda: self._id(shape))}
        return f"{self._new('r')}: node{arguments(given)} {self._any_record(shape)}"

    def _nodes(self, shape: Shape) -> str:
        def ids() -> list[Any]:
            shapes = [shape, *self._some(self._records.shapes.values(), 4)]
            return [self._variables.lifted("ID!", lambda: self._id(self._random.choice(shapes))) for _ in range(4)]

        given = {"ids": self._variables.lifted("[ID!]!", ids)}
        return f"{self._new('r')}: nodes{arguments(given)} {self._any_record(shape)}"

    def _any_record(self, shape: Shape) -> str:
        shapes = {shape.name: shape} | {other.name: other for other in self._some(self._records.shapes.values(), 2)}
        parts = [f"... on {other.name} {self._record(other, self._depth - 1)}" for other in shapes.values()]
        return "{ " + " ".join(self._in_fragments("Node", ["id", "__typename", *parts])) + " }"

    # Records

    def _record(self, shape: Shape, depth: int) -> str:
        """What is selected of a record."""
        parts = [self._field(shape, name) for name in self._some(shape.fields, 5)]
        made: Any = self._schema.type_map[shape.name]
        parts += [
            self._field(shape, name)
            for name in made.fields
            if self._is_made_in_python(shape, name) and self._chance(0.15)
        ]
        if self._chance(0.15):
            parts.append(self._directed("__typename"))
        if shape.to_one and depth and self._chance(0.5):
            for name in self._some(shape.to_one, 2):
                target = self._records.shapes[shape.to_one[name]]
                parts.append(f"{self._aliased(name)} {self._record(target, depth - 1)}")
        if shape.to_many and depth and self._chance(0.45):
            for name in self._some(shape.to_many, 2):
                parts.append(self._connection(self._records.shapes[shape.to_many[name][0]], name, depth - 1, 1))
        if shape.to_many and depth and self._chance(0.2):
            name = self._random.choice(list(shape.to_many))
            target = self._records.shapes[shape.to_many[name][0]]
            if target.has_aggregates:
                parts.append(self._roll_up(target, f"{name}Aggregate"))
        self._random.shuffle(parts)
        return "{ " + " ".join(self._in_fragments(shape.name, parts)) + " }"

    def _is_made_in_python(self, shape: Shape, name: str) -> bool:
        where: Any = self._schema.type_map[f"{shape.name}Where"]
        return name in shape.fields and name not in where.fields

    def _field(self, shape: Shape, name: str) -> str:
        kind = shape.fields[name]
        if kind is Kind.MONEY:
            return f"{self._aliased(name)} {{ {' '.join(map(self._aliased, self._some(_MONEY, 4)))} }}"
        if kind is Kind.EXTERNAL_IDS:
            return f"{self._aliased(name)} {{ {' '.join(self._some(('system', 'value', '__typename'), 3))} }}"
        return self._directed(self._aliased(name))

    def _aliased(self, name: str) -> str:
        """A field under another key now and then, sometimes under the name of another field."""
        if self._chance(0.12):
            return f"{self._new('x')}: {name}"
        return f"{self._random.choice(_TAKEN)}: {name}" if self._chance(0.02) else name

    def _directed(self, field: str) -> str:
        """A selection with @include or @skip now and then."""
        if not self._chance(0.07):
            return field
        wanted = self._variables.lifted("Boolean!", lambda: self._chance(0.5))
        return f"{field} @{self._random.choice(['include', 'skip'])}{arguments({'if': wanted})}"

    def _in_fragments(self, type: str, parts: list[str]) -> list[str]:
        """The same selection, parts of it perhaps in fragments; what is already in a fragment may come again."""
        if self._chance(0.12):
            known = [name for name, (of, _) in self._fragments.items() if of == type]
            if known:
                parts = [*parts, self._directed(f"...{self._random.choice(known)}")]
        if type in self._records.shapes and self._chance(0.06):
            parts = [*parts, "... on Node { id }"]
        if not self._chance(0.25):
            return parts
        cut = self._random.randint(0, len(parts) - 1)
        inside = "{ " + " ".join(parts[cut:]) + " }"
        dice = self._random.random()
        if dice < 0.5:
            name = self._new("F")
            self._fragments[name] = (type, inside)
            return [*parts[:cut], self._directed(f"...{name}")]
        on = f" on {type}" if dice < 0.8 else ""
        return [*parts[:cut], f"{self._directed(f'...{on}')} {inside}"]

    # Lists

    def _connection(self, shape: Shape, name: str, depth: int, width: int) -> str:
        key = self._new("c")
        given = self._page(shape, key, 2 + 3 * width)
        if self._chance(0.55):
            given["where"] = self._variables.lifted(
                f"{shape.name}Where", lambda: self._conditions.where(shape, 2), may_be_absent=True
            )
        if self._chance(0.6):
            given["orderBy"] = self._variables.lifted(
                f"[{shape.name}Order!]", lambda: self._conditions.order(shape), may_be_absent=True
            )
        parts = {
            "nodes": lambda: f"{self._aliased('nodes')} {self._record(shape, depth)}",
            "edges": lambda: self._edges(shape, depth),
            "pageInfo": lambda: (
                f"{self._aliased('pageInfo')} {{ {' '.join(map(self._aliased, self._some(_PAGE_INFO, 5)))} }}"
            ),
            "totalCount": lambda: self._directed(self._aliased("totalCount")),
        }
        chosen = [parts[part]() for part in self._random.choices([("nodes",), ("edges",), ("nodes", "pageInfo"), ("edges", "pageInfo", "totalCount"), ("totalCount",), ("pageInfo",), ("nodes", "edges", "totalCount")], [5, 5, 4, 4, 1, 1, 1])[0]]  # fmt: skip
        return (
            f"{key}: {name}{arguments(given)} {{ {' '.join(self._in_fragments(f'{shape.name}Connection', chosen))} }}"
        )

    def _page(self, shape: Shape, key: str, largest: int) -> dict[str, Any]:
        given: dict[str, Any] = {}
        dice = self._random.random()
        if dice < 0.75:
            size = self._variables.lifted("Int", lambda: self._random.randint(0, largest), may_be_absent=True)
            given["first" if dice < 0.5 else "last"] = size
        elif dice < 0.8:
            given[self._random.choice(["first", "last", "after", "where", "orderBy"])] = None
        if self._chance(0.6):
            names = self._random.choice([("after",), ("after",), ("before",), ("after", "before")])
            for name in names:
                given[name] = self._variables.declare(f"{name}_{key}", "String")
            self._pages[key] = tuple(f"{name}_{key}" for name in names)
        return given

    def _edges(self, shape: Shape, depth: int) -> str:
        parts = [f"{self._aliased('node')} {self._record(shape, depth)}", self._aliased("cursor")]
        if self._chance(0.1):
            parts.append("__typename")
        chosen = self._random.choice([parts, parts, parts[:1], parts[1:]])
        return f"{self._aliased('edges')} {{ {' '.join(self._in_fragments(f'{shape.name}Edge', chosen))} }}"

    # Aggregates and groups

    def _roll_up(self, shape: Shape, name: str) -> str:
        given = {}
        if self._chance(0.5):
            given["where"] = self._variables.lifted(
                f"{shape.name}Where", lambda: self._conditions.where(shape, 1), may_be_absent=True
            )
        return f"{self._new('g')}: {name}{arguments(given)} {self._aggregate(shape)}"

    def _aggregate(self, shape: Shape) -> str:
        parts = [self._directed(self._aliased("count"))]
        for function in self._some(("sum", "avg", "min", "max"), 3):
            made: Any = self._schema.type_map.get(f"{shape.name}{OUTPUTS[function]}")
            if made is not None:
                fields = [self._summed(shape, function, name) for name in self._some(made.fields, 3)]
                parts.append(f"{self._aliased(function)} {{ {' '.join(fields)} }}")
        return "{ " + " ".join(self._in_fragments(f"{shape.name}Aggregate", parts)) + " }"

    def _summed(self, shape: Shape, function: str, name: str) -> str:
        if shape.fields[name] is not Kind.MONEY:
            return self._directed(self._aliased(name))
        money = f"{{ {' '.join(self._some(_MONEY, 4))} }}"
        if function != "sum":
            return f"{self._aliased(name)} {money}"
        parts = self._some([f"total {money}", f"perCurrency {money}", "__typename"], 3)
        return f"{self._aliased(name)} {{ {' '.join(parts)} }}"

    def _groups(self, shape: Shape) -> str:
        ways = self._ways(shape)
        by = [self._nested(way, grain if grain else True) for way, grain in ways]
        given: dict[str, Any] = {"by": self._variables.lifted(f"[{shape.name}GroupKey!]!", lambda: by)}
        if self._chance(0.4):
            given["where"] = self._variables.lifted(
                f"{shape.name}Where", lambda: self._conditions.where(shape, 2), may_be_absent=True
            )
        if self._chance(0.4):
            given["having"] = self._variables.lifted(
                f"{shape.name}Having", lambda: self._having(shape), may_be_absent=True
            )
        if self._chance(0.5):
            given["orderBy"] = [self._group_order(shape, ways) for _ in range(self._random.choice([1, 1, 2]))]
        if self._chance(0.3):
            given["first"] = self._variables.lifted("Int", lambda: self._random.randint(0, 6), may_be_absent=True)
        parts = self._some([f"aggregate {self._aggregate(shape)}", f"keys {self._keys(ways)}", "__typename"], 3)
        return f"{self._new('g')}: {shape.plural}GroupBy{arguments(given)} {{ {' '.join(parts)} }}"

    def _ways(self, shape: Shape) -> list[tuple[tuple[str, ...], Word | None]]:
        found: dict[tuple[str, ...], Word | None] = {}
        for _ in range(self._random.choice([1, 1, 2, 3])):
            way, grain = self._way(shape, 2)
            found.setdefault(way, grain)
        return list(found.items())

    def _way(self, shape: Shape, depth: int) -> tuple[tuple[str, ...], Word | None]:
        ways = [name for name, target in shape.to_one.items() if self._records.shapes[target].has_groups]
        if ways and depth and self._chance(0.3):
            name = self._random.choice(ways)
            target = shape.to_one[name]
            way, grain = self._way(self._records.shapes[target], depth - 1)
            return (name, *way), grain
        made = self._schema.type_map[f"{shape.name}GroupKey"]
        assert isinstance(made, GraphQLInputObjectType)
        name = self._conditions.field_of(shape, [name for name in made.fields if name in shape.fields])
        is_dated = shape.fields[name] in (Kind.DATE, Kind.MOMENT)
        return (name,), Word(self._random.choice(GRAINS)) if is_dated else None

    def _nested(self, way: tuple[str, ...], end: Any) -> Any:
        for step in reversed(way):
            end = {step: end}
        return end

    def _keys(self, ways: list[tuple[tuple[str, ...], Any]]) -> str:
        """The keys of a group, as objects within objects."""
        tree: dict[str, Any] = {}
        for way, _ in ways:
            here = tree
            for step in way[:-1]:
                here = here.setdefault(step, {})
            here[way[-1]] = None

        def written(part: dict[str, Any]) -> str:
            fields = [
                f"{self._aliased(name)} {written(inner)}" if inner else self._aliased(name)
                for name, inner in part.items()
            ]
            return "{ " + " ".join(fields) + " }"

        return written(tree)

    def _having(self, shape: Shape) -> Any:
        dice = self._random.random()
        if dice < 0.15:
            return {self._random.choice(["and", "or"]): [self._having(shape) for _ in range(2)]}
        return {"not": self._having(shape)} if dice < 0.25 else self._conditions.on_group(shape)

    def _group_order(self, shape: Shape, ways: list[tuple[tuple[str, ...], Any]]) -> Any:
        dice = self._random.random()
        functions = [
            name for name in ("sum", "avg", "min", "max") if f"{shape.name}{INPUTS[name]}Order" in self._schema.type_map
        ]
        if dice < 0.3:
            return {"count": self._conditions.direction()}
        if dice < 0.65 or not functions:
            return {"key": self._nested(self._random.choice(ways)[0], self._conditions.direction())}
        function = self._random.choice(functions)
        made: Any = self._schema.type_map[f"{shape.name}{INPUTS[function]}Order"]
        return {
            function: {
                self._random.choice(
                    [name for name in made.fields if name in shape.fields]
                ): self._conditions.direction()
            }
        }


#: Records with the most fields and lists.
_OFTEN = ["Customer", "Customer", "Customer", "Opportunity", "Opportunity", "Opportunity", "Contact", "Transaction", "Inspection"]  # fmt: skip

#: Names that stand for something else in answers or statements.
_TAKEN = ["id", "name", "place", "value", "key", "nodes", "k0", "rows", "type", "count"]
