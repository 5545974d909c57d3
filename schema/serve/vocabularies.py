"""Vocabularies: the values of the schema's enumerations as pages show them, in the caller's language."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLEnumType, GraphQLResolveInfo

from core.base.errors import InputError
from core.base.sentences import sentence
from schema.types.builder import Argument, Builder, Member, python_enum


def add_vocabularies(builder: Builder) -> None:
    """Adds the types of the list."""
    builder.output(
        "VocabularyValue",
        "A value of an enumeration.",
        [
            Member("value", "str", "The value."),
            Member("label", "str", "How a page shows it, in the language that Accept-Language asks for."),
            Member("description", "str", "What it means."),
            Member("order", "int", "Its place among the values, from 0."),
        ],
    )


def vocabulary_member() -> Member:
    """The root field."""
    return Member(
        "vocabulary",
        "list[VocabularyValue]",
        "The values of an enumeration in order, with labels for people.",
        [Argument("name", "str", "The enumeration, such as CustomerStatus.")],
        resolve=_listed,
    )


def _listed(source: None, info: GraphQLResolveInfo[Any], name: str) -> list[Mapping[str, Any]]:
    kind = info.schema.type_map.get(name)
    enum = python_enum(kind) if isinstance(kind, GraphQLEnumType) else None
    if enum is None:
        raise InputError(
            sentence("name: there is no enumeration {name!r}; give the name of one, such as CustomerStatus", name=name)
        )
    language = info.context.language
    return [
        {
            "value": member.value,
            "label": language.label(name, member.label),
            "description": language.said(member.description),
            "order": order,
        }
        for order, member in enumerate(enum)
    ]
