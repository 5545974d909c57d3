"""Examples of operations on a record, made of the schema, so that they are always valid."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
    parse,
    print_ast,
)

from core.base.sentences import Sentence, sentence
from schema.catalog.catalog import RecordType

#: So many values of a record are selected.
_MOST = 7
#: A value of each scalar, as JSON.
_VALUES: Mapping[str, Any] = {
    "ID": "cus_01h455vb4pex5vsknk084sn02q",
    "String": "Text",
    "Int": 1,
    "Float": 1.0,
    "Boolean": True,
    "Decimal": "100.00",
    "Date": "2025-06-30",
    "DateTime": "2025-06-30T08:00:00.000Z",
    "CurrencyCode": "CNY",
    "JSON": {},
}


@dataclass(frozen=True, slots=True)
class Example:
    """An operation that can be tried.

    Attributes:
        title: what it does.
        text: its document.
        variables: their values.
    """

    title: Sentence
    text: str
    variables: Mapping[str, Any] = field(default_factory=dict)


def examples(schema: GraphQLSchema, record: RecordType) -> Iterator[Example]:
    """What can be done with a record: list, group, create and follow it, as far as it can be."""
    kind = schema.type_map[record.name]
    assert isinstance(kind, GraphQLObjectType)
    assert schema.query_type is not None
    assert schema.mutation_type is not None
    queries, mutations = schema.query_type.fields, schema.mutation_type.fields
    selected = _selection(kind)
    if record.plain_list:
        yield Example(sentence("All of them"), _printed(f"{{ {record.plural} {selected} }}"))
    elif record.plural in queries:
        page = "pageInfo { hasNextPage endCursor }"
        yield Example(
            sentence("A page of a list"), _printed(f"{{ {record.plural}(first: 5) {{ nodes {selected} {page} }} }}")
        )
    key = _group_key(schema, record)
    if key is not None:
        groups = f"{record.plural}GroupBy(by: [{{{key}: true}}]) {{ keys {{ {key} }} aggregate {{ count }} }}"
        yield Example(sentence("How many there are in each group"), _printed(f"{{ {groups} }}"))
    create = mutations.get(f"create{record.name}")
    if create is not None:
        input_ = create.args["input"].type
        payload = get_named_type(create.type)
        assert isinstance(payload, GraphQLObjectType)
        made = f"{record.singular} {{ id }} " if record.singular in payload.fields else ""
        asked = f"create{record.name}(input: $input) {{ {made}userErrors {{ code message field }} }}"
        yield Example(
            sentence("Creating one"),
            _printed(f"mutation ($input: {input_}) {{ {asked} }}"),
            {"input": _sample(get_named_type(input_))},
        )
    if schema.subscription_type is not None and record.changes in schema.subscription_type.fields:
        followed = f"{record.changes} {{ change recordId record {{ id }} cursor }}"
        yield Example(sentence("Hearing of changes"), _printed(f"subscription {{ {followed} }}"))


def _selection(kind: GraphQLObjectType) -> str:
    """What an example selects of a record: its first values, and the first record it refers to by a name."""
    found: list[str] = []
    for name, one in sorted(kind.fields.items(), key=lambda given: (given[0] != "id", given[0] != "name")):
        if len(found) < _MOST and one.deprecation_reason is None and (shown := _value(name, one)) is not None:
            found.append(shown)
    for name, one in kind.fields.items():
        target = get_nullable_type(one.type)
        if isinstance(target, GraphQLObjectType) and {"id", "name"} <= target.fields.keys() and _is_plain(one):
            found.append(f"{name} {{ name }}")
            break
    return f"{{ {' '.join(found)} }}"


def _value(name: str, given: Any) -> str | None:
    """A field whose value is neither a record nor a list: a scalar, or what has nothing but scalars, such as money."""
    if not _is_plain(given) or name.endswith("Id") or is_list_type(get_nullable_type(given.type)):
        return None
    kind = get_named_type(given.type)
    if is_leaf_type(kind):
        return name
    if "id" in kind.fields:
        return None
    below = [inner for inner, one in kind.fields.items() if _is_plain(one) and is_leaf_type(get_named_type(one.type))]
    return f"{name} {{ {' '.join(below)} }}" if len(below) == len(kind.fields) else None


def _is_plain(given: Any) -> bool:
    """Whether a field takes no argument that must be given."""
    return not any(is_required_argument(argument) for argument in given.args.values())


def _group_key(schema: GraphQLSchema, record: RecordType) -> str | None:
    """A field with few values that a record is grouped by."""
    keys = schema.type_map.get(f"{record.name}GroupKey")
    kinds = schema.type_map[record.name]
    if not isinstance(keys, GraphQLInputObjectType) or not isinstance(kinds, GraphQLObjectType):
        return None
    plain = [name for name, one in keys.fields.items() if get_named_type(one.type).name == "Boolean"]
    few = (name for name in plain if name in kinds.fields and _is_choice(kinds.fields[name].type))
    return next(few, plain[0] if plain else None)


def _is_choice(kind: Any) -> bool:
    return isinstance(get_named_type(kind), GraphQLEnumType)


def _sample(kind: Any) -> Any:
    """A value of an input type: of what must be given."""
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if not isinstance(kind, GraphQLInputObjectType):
        return _VALUES[kind.name]
    return {
        name: _listed(one.type, _sample(get_named_type(one.type)))
        for name, one in kind.fields.items()
        if is_required_input_field(one)
    }


def _listed(kind: Any, value: Any) -> Any:
    return [value] if is_list_type(get_nullable_type(kind)) else value


def _printed(text: str) -> str:
    return print_ast(parse(text))
