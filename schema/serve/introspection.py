"""Introspection: answers that depend on the schema alone, each worked out once and kept compressed.

graphql-core's executor takes more than a second for the document that tools send, all of it on the event loop. What it
does for any query, there is no need for here: nothing is awaited, nothing fails, and what is selected of a type is the
same wherever the type stands, so it is written once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import orjson
from graphql import GraphQLObjectType, get_named_type, get_nullable_type, is_leaf_type, is_list_type
from graphql.execution.collect_fields import FieldDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues

from core.base.errors import InputError
from core.base.sentences import sentence
from schema.request.operations import Operation
from schema.serve.packed import Packed
from schema.sql.arguments import argument_values
from schema.sql.selections import TYPENAME, Document

#: Standard documents have 96 forms, of which a server sees a few.
_MOST_KEPT = 100
#: The standard answer is a tenth of it.
_LARGEST = 33_554_432
#: The most bytes that are written for one answer, those of its parts included.
_MOST_WRITTEN = 8 * _LARGEST


class Introspection:
    """The answers about the schema of one app."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Packed] = OrderedDict()
        self._working: dict[bytes, asyncio.Task[Packed]] = {}

    async def answer(self, operation: Operation, values: VariableValues) -> Packed:
        """The answer to an operation that asks about the schema alone.

        Raises:
            InputError: it would be too large.
        """
        given = orjson.dumps(values.coerced, option=orjson.OPT_SORT_KEYS)
        key = sha256(operation.normal_form.encode() + given).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._working:
            # All who wait for it wait for one, which goes on when the first of them goes away.
            self._working[key] = asyncio.create_task(self._work_out(key, operation, values))
        return await asyncio.shield(self._working[key])

    async def _work_out(self, key: bytes, operation: Operation, values: VariableValues) -> Packed:
        try:
            made = await asyncio.to_thread(_packed, operation.opened(values))
            self._kept[key] = made
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            return made
        finally:
            del self._working[key]


def _packed(document: Document) -> Packed:
    return Packed.of(b'{"data":%s}' % _Walk(document).answer())


@dataclass(frozen=True, slots=True)
class _Field:
    """A field to be written: its key as JSON, how it is read, and what is selected of what it gives."""

    key: bytes
    read: Callable[[Any], Any]
    is_list: bool
    show: Callable[[Any], Any] | None
    below: "_Selected | None"


@dataclass(frozen=True, slots=True)
class _Selected:
    """What is selected of an object: its fields, and what was written of types already."""

    fields: Sequence[_Field]
    written: dict[int, bytes] | None


class _Walk:
    """One walk over the schema, which writes what a document selects of it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        #: Bytes written so far, those of parts included.
        self._written = 0
        # All that graphql-core's own resolvers ask of it.
        self._info: Any = SimpleNamespace(schema=document.schema)

    def answer(self) -> bytes:
        """The data.

        Raises:
            InputError: it is too large.
        """
        document = self._document
        root = document.schema.query_type
        assert root is not None
        found = collect_fields(document.schema, document.fragments, document.variables, root, document.operation)
        return self._object(self._selected(root, found.grouped_field_set), None)

    def _selected(self, kind: GraphQLObjectType, grouped: dict[str, list[FieldDetails]]) -> _Selected:
        fields = [self._field(kind, key, details) for key, details in grouped.items()]
        return _Selected(fields, {} if kind.name == "__Type" else None)

    def _field(self, kind: GraphQLObjectType, key: str, details: list[FieldDetails]) -> _Field:
        document, first = self._document, details[0]
        name = first.node.name.value
        written = b"%s:" % orjson.dumps(key)
        if name == TYPENAME:
            return _Field(written, lambda source: kind.name, is_list=False, show=None, below=None)
        definition = document.schema.get_field(kind, name)
        assert definition is not None
        assert definition.resolve is not None
        resolve = definition.resolve
        arguments = argument_values(definition, first.node, document.variables, first.fragment_variable_values)
        named: Any = get_named_type(definition.type)
        below = None
        if not is_leaf_type(named):
            grouped = collect_subfields(
                document.schema, document.fragments, document.variables, document.operation, named, details
            )
            below = self._selected(named, grouped.grouped_field_set)
        return _Field(
            written,
            lambda source: resolve(source, self._info, **arguments),
            is_list_type(get_nullable_type(definition.type)),
            named.coerce_output_value if below is None and named.name.startswith("__") else None,
            below,
        )

    def _object(self, selected: _Selected, source: Any) -> bytes:
        known = selected.written
        if known is not None and id(source) in known:
            return known[id(source)]
        made = b"{%s}" % self._joined(field.key + self._value(field, field.read(source)) for field in selected.fields)
        if known is not None:
            # Types live as long as the schema, so none has the number of another.
            known[id(source)] = made
        return made

    def _value(self, field: _Field, value: Any) -> bytes:
        if value is None:
            return b"null"
        if field.below is None:
            show = field.show
            if show is not None:
                value = [show(item) for item in value] if field.is_list else show(value)
            return orjson.dumps(value)
        if field.is_list:
            below = field.below
            return b"[%s]" % self._joined(self._object(below, item) for item in value)
        return self._object(field.below, value)

    def _joined(self, parts: Iterable[bytes]) -> bytes:
        """Parts with commas between them; counted before they are copied, so that memory is bounded too."""
        found, size = [], 0
        for part in parts:
            size += len(part) + 1
            if size > _LARGEST or self._written + size > _MOST_WRITTEN:
                raise InputError(
                    sentence(
                        "the answer would be larger than {largest} bytes; ask about fewer types at once",
                        largest=_LARGEST,
                    )
                )
            found.append(part)
        self._written += size
        return b",".join(found)
